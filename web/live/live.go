// Package live streams what happens as server-sent events, to pages and to programs: all that a scan
// says (Stream), or the state of something that changes (States).
package live

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"mxseal/web/scans"
)

const (
	heartbeat   = 15 * time.Second // between signs of life on a silent stream
	streamWrite = 30 * time.Second // for one write to a listener
)

// Listener is who listens to a scan: what they are told of an event, all of which come in
// their order, and what at the end. All of it can be marshalled.
type Listener struct {
	Event func(scans.Event) (kind string, data any)
	End   func() (kind string, data any)
}

// line leads to one listener. Close it at the end.
type line struct {
	w       http.ResponseWriter
	r       *http.Request
	control *http.ResponseController
	beat    *time.Ticker
	leave   func()
}

// open begins a stream, within the bounds of who listens and of all. The error is a *scans.Refusal.
func open(w http.ResponseWriter, r *http.Request, s *scans.Scanner, who scans.Client) (*line, error) {
	leave, err := s.Subscribe(who)
	if err != nil {
		return nil, err
	}
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // proxies shall pass every line on at once
	w.WriteHeader(http.StatusOK)
	// The server's limits are made for pages. Where the connection knows no deadlines there
	// is none to lift.
	control := http.NewResponseController(w)
	control.SetReadDeadline(time.Time{})
	return &line{w, r, control, time.NewTicker(heartbeat), leave}, nil
}

func (l *line) close() {
	l.beat.Stop()
	l.leave()
}

// say sends an event; it has a number where n is not zero.
func (l *line) say(n int, kind string, data any) error {
	l.control.SetWriteDeadline(time.Now().Add(streamWrite))
	if n > 0 {
		if _, err := fmt.Fprintf(l.w, "id: %d\n", n); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(l.w, "event: %s\ndata: %s\n\n", kind, oneLine(data))
	return err
}

// wait waits for news, or until it is time to look, and gives signs of life. It returns false once the
// listener has left.
func (l *line) wait(more <-chan struct{}, look <-chan time.Time) bool {
	for {
		select {
		case <-more:
			return true
		case <-look:
			return true
		case <-l.beat.C:
			l.control.SetWriteDeadline(time.Now().Add(streamWrite))
			if _, err := fmt.Fprint(l.w, ": still here\n\n"); err != nil || l.control.Flush() != nil {
				return false
			}
		case <-l.r.Context().Done():
			return false
		}
	}
}

// Stream sends a listener all that a scan said behind the event that the client names, and
// what it says from then on. The error is a *scans.Refusal.
func Stream(w http.ResponseWriter, r *http.Request, s *scans.Scanner, who scans.Client, c *scans.Scan, to Listener) error {
	l, err := open(w, r, s, who)
	if err != nil {
		return err
	}
	defer l.close()
	if r.Method == http.MethodHead {
		return nil
	}
	heard, _ := strconv.Atoi(cmp.Or(r.Header.Get("Last-Event-ID"), r.URL.Query().Get("after")))
	for n := 0; ; {
		news, ended, more := c.Events(n)
		for _, e := range news {
			kind, data := to.Event(e)
			if n++; n <= heard {
				continue
			}
			if l.say(n, kind, data) != nil {
				return nil // the visitor has left, and the check does not mind
			}
		}
		if ended {
			kind, data := to.End()
			l.say(0, kind, data)
		}
		if l.control.Flush() != nil || ended || !l.wait(more, nil) {
			return nil
		}
	}
}

// oneLine is JSON on one line.
func oneLine(v any) []byte {
	b, _ := json.Marshal(v) // strings and numbers only
	return b
}
