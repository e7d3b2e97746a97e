package live

import (
	"cmp"
	"context"
	"net/http"
	"time"

	"mxseal/web/scans"
)

const (
	stateLook = 5 * time.Second        // between two looks at what changes by time alone
	stateRest = 500 * time.Millisecond // between two looks at what changes quickly
)

// Part is one part of a state: what a listener is told when it changes.
type Part struct {
	Kind string // of the event
	Of   string // tells parts of one kind apart
	Is   string // by what it is seen that it has changed; the data if empty
	Data any    // can be marshalled
}

// State is how something is at a moment.
type State struct {
	Parts []Part
	Ended bool            // it changes no more
	More  <-chan struct{} // closed when it has changed
}

// States sends a listener every part of a state, and later those that have changed, until the end. The
// error is a *scans.Refusal, or that of the first look.
func States(w http.ResponseWriter, r *http.Request, s *scans.Scanner, who scans.Client, look func(context.Context) (State, error)) error {
	now, err := look(r.Context())
	if err != nil {
		return err
	}
	l, err := open(w, r, s, who)
	if err != nil {
		return err
	}
	defer l.close()
	if r.Method == http.MethodHead {
		return nil
	}
	tick := time.NewTicker(stateLook)
	defer tick.Stop()
	known := make(map[[2]string]string)
	for {
		for _, p := range now.Parts {
			is := cmp.Or(p.Is, string(oneLine(p.Data)))
			if at := [2]string{p.Kind, p.Of}; known[at] != is {
				known[at] = is
				if l.say(0, p.Kind, p.Data) != nil {
					return nil
				}
			}
		}
		if l.control.Flush() != nil || now.Ended || !l.wait(now.More, tick.C) {
			return nil
		}
		select {
		case <-time.After(stateRest):
		case <-r.Context().Done():
			return nil
		}
		if now, err = look(r.Context()); err != nil {
			return nil // the listener comes again, and is told then
		}
	}
}
