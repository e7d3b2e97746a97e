package web

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"mxseal/checks"
	"mxseal/checks/report"
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
		c = ended(&report.Report{Domain: d.ASCII})
	}
	return s.stream(w, r, c, pageAudience)
}

// audience is who listens to a check: what of a message they are told, and the last one.
type audience struct {
	hears func(message) []byte
	ends  func() (kind string, data []byte)
}

// pageAudience is the page of the check, which loads itself again at the end.
var pageAudience = audience{
	func(m message) []byte { return m.page },
	func() (string, []byte) { return "done", []byte("{}") },
}

// stream tells an audience all that a check said behind the message that the client names,
// and what it says from then on.
func (s *Site) stream(w http.ResponseWriter, r *http.Request, c *running, to audience) error {
	select {
	case s.listeners <- struct{}{}:
		defer func() { <-s.listeners }()
	default:
		return allBusy
	}
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
	for {
		news, ended, more := c.hear(heard)
		control.SetWriteDeadline(time.Now().Add(streamWrite))
		for _, m := range news {
			heard++
			if _, err := fmt.Fprintf(w, "id: %d\nevent: %s\ndata: %s\n\n", heard, m.kind, to.hears(m)); err != nil {
				return nil // the visitor has left, and the check does not mind
			}
		}
		if ended {
			kind, data := to.ends()
			fmt.Fprintf(w, "event: %s\ndata: %s\n\n", kind, data)
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

// ended stands for the check that made a report.
func ended(r *report.Report) *running {
	c := newRunning(r.ID, checks.Domain{ASCII: r.Domain, Unicode: r.UnicodeDomain})
	c.begin()
	c.end()
	return c
}

// done is the last event that programs hear of a check.
type done struct {
	ID          string        `json:"id" doc:"Id of the report."`
	Letter      report.Letter `json:"letter,omitempty" doc:"Its letter."`
	Provisional bool          `json:"provisional" doc:"Something that could move the letter was not found out."`
	URL         string        `json:"url" doc:"Address of the report on this site."`
}

// ending is the report that a check made, or why there is none.
func (s *Site) ending(r *http.Request, c *running) (kind string, data []byte) {
	var end any
	kept, hot := s.desk.hot.get(c.domain.ASCII)
	if !hot || kept.ID != c.id {
		var err error
		if kept, err = s.kept(r, c.id); err != nil {
			kind, end = "failed", ourFault.details(s.cfg.BaseURL, true)
			if c.view().Waiting {
				end = closingDown.details(s.cfg.BaseURL, true)
			}
		}
	}
	if kept != nil {
		e := done{ID: kept.ID, URL: s.addressOf(kept)}
		if kept.Grade != nil {
			e.Letter, e.Provisional = kept.Grade.Letter, kept.Grade.Provisional
		}
		kind, end = "done", e
	}
	data, _ = json.Marshal(end) // strings and numbers only
	return kind, data
}
