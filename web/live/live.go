// Package live streams what happens in a scan as server-sent events, to pages and to programs.
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

// Stream sends a listener all that a scan said behind the event that the client names, and
// what it says from then on. The error is a *scans.Refusal.
func Stream(w http.ResponseWriter, r *http.Request, s *scans.Scanner, who scans.Client, c *scans.Scan, to Listener) error {
	leave, err := s.Subscribe(who)
	if err != nil {
		return err
	}
	defer leave()
	heard, _ := strconv.Atoi(cmp.Or(r.Header.Get("Last-Event-ID"), r.URL.Query().Get("after")))
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // proxies shall pass every line on at once
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return nil
	}
	// The server's limits are made for pages. Where the connection knows no deadlines there
	// is none to lift.
	control := http.NewResponseController(w)
	control.SetReadDeadline(time.Time{})
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for n := 0; ; {
		news, ended, more := c.Events(n)
		control.SetWriteDeadline(time.Now().Add(streamWrite))
		for _, e := range news {
			kind, data := to.Event(e)
			if n++; n <= heard {
				continue
			}
			if _, err := fmt.Fprintf(w, "id: %d\nevent: %s\ndata: %s\n\n", n, kind, oneLine(data)); err != nil {
				return nil // the visitor has left, and the check does not mind
			}
		}
		if ended {
			kind, data := to.End()
			fmt.Fprintf(w, "event: %s\ndata: %s\n\n", kind, oneLine(data))
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

// oneLine is JSON on one line.
func oneLine(v any) []byte {
	b, _ := json.Marshal(v) // strings and numbers only
	return b
}
