package web

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"mxseal/web/store"
)

const (
	maxListeners = 1024             // open event streams at a time
	heartbeat    = 15 * time.Second // between signs of life on a silent stream
	streamWrite  = 30 * time.Second // for one write to a listener
)

// events streams a running check as server-sent events: all that was said so far, or what
// came after the event that the client names, and then what comes. The end is an event of
// its own; behind it the address of the check shows the report. It starts nothing.
func (s *Site) events(w http.ResponseWriter, r *http.Request) error {
	d, err := s.parse(pathValue(r, "domain"))
	if err != nil {
		return nothingHere
	}
	c := s.desk.peek(d.ASCII)
	if c == nil { // it may have ended since the page was made
		if _, err := s.desk.latest(r.Context(), d.ASCII); errors.Is(err, store.ErrNotFound) {
			return notChecked
		} else if err != nil {
			return err
		}
		c = newRunning("", d)
		c.end()
	}
	select {
	case s.listeners <- struct{}{}:
		defer func() { <-s.listeners }()
	default:
		return allBusy
	}
	heard, _ := strconv.Atoi(cmp.Or(r.Header.Get("Last-Event-ID"), r.URL.Query().Get("after")))
	return s.stream(w, r, c, heard)
}

func (s *Site) stream(w http.ResponseWriter, r *http.Request, c *running, heard int) error {
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // proxies shall pass every line on at once
	w.WriteHeader(http.StatusOK)
	// The server's limits are made for pages. Where the connection knows no deadlines there
	// is none to lift.
	control := http.NewResponseController(w)
	control.SetReadDeadline(time.Time{})
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		news, ended, more := c.hear(heard)
		control.SetWriteDeadline(time.Now().Add(streamWrite))
		for _, m := range news {
			heard++
			if _, err := fmt.Fprintf(w, "id: %d\nevent: %s\ndata: %s\n\n", heard, m.kind, m.data); err != nil {
				return nil // the visitor has left, and the check does not mind
			}
		}
		if ended {
			fmt.Fprint(w, "event: done\ndata: {}\n\n")
		}
		if control.Flush() != nil || ended {
			return nil
		}
		select {
		case <-more:
		case <-beat.C:
			if _, err := fmt.Fprint(w, ": still here\n\n"); err != nil {
				return nil
			}
		case <-r.Context().Done():
			return nil
		}
	}
}
