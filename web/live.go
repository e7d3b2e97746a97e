package web

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"mxseal/checks/report"
	"mxseal/templates"
	"mxseal/web/scans"
)

const (
	heartbeat   = 15 * time.Second // between signs of life on a silent stream
	streamWrite = 30 * time.Second // for one write to a listener
)

// events streams a running check as server-sent events: all that was said so far, or what
// came after the event that the client names, and then what comes. The end is an event of
// its own; behind it the address of the check shows the report. It starts nothing.
func (s *Site) events(w http.ResponseWriter, r *http.Request) error {
	d, err := s.parse(pathValue(r, "domain"))
	if err != nil {
		return nothingHere
	}
	c := s.scans.Running(d.ASCII)
	if c == nil { // it may have ended since the page was made
		if list, err := s.cfg.Store.History(r.Context(), d.ASCII, 1); err != nil {
			return err
		} else if _, fresh := s.scans.Fresh(d.ASCII); len(list) == 0 && !fresh {
			return notChecked
		}
		c = scans.Ended(&report.Report{Meta: report.Meta{Domain: d.ASCII}})
	}
	return s.stream(w, r, c, pageAudience())
}

// audience is who listens to a check: what they are told of an event, all of which come in
// their order, and what at the end. All of it can be marshalled.
type audience struct {
	hears func(scans.Event) (kind string, data any)
	ends  func() (kind string, data any)
}

// pageAudience is the page of the check, which loads itself again at the end.
func pageAudience() audience {
	var v scans.View
	return audience{
		func(e scans.Event) (string, any) {
			v.Add(e)
			page := templates.Running{Waiting: v.Waiting, Before: v.Queue.Before, Waits: string(v.Queue.For), Stages: stages(v)}
			switch {
			case e.Queue != nil:
				return "queue", templates.Queue{Say: page.Now()}
			case e.Progress != nil:
				return "progress", page.Advance(e.Progress.Stage, e.Progress.Host)
			}
			return "finding", templates.NewArrival(*e.Finding)
		},
		func() (string, any) { return "done", struct{}{} },
	}
}

// stream tells an audience all that a check said behind the event that the client names, and
// what it says from then on.
func (s *Site) stream(w http.ResponseWriter, r *http.Request, c *scans.Scan, to audience) error {
	leave, err := s.scans.Follow(client(r))
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
		news, ended, more := c.Hear(n)
		control.SetWriteDeadline(time.Now().Add(streamWrite))
		for _, e := range news {
			kind, data := to.hears(e)
			if n++; n <= heard {
				continue
			}
			if _, err := fmt.Fprintf(w, "id: %d\nevent: %s\ndata: %s\n\n", n, kind, oneLine(data)); err != nil {
				return nil // the visitor has left, and the check does not mind
			}
		}
		if ended {
			kind, data := to.ends()
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

// done is the last event that programs hear of a check.
type done struct {
	ID          string        `json:"id" doc:"Id of the report."`
	Letter      report.Letter `json:"letter,omitempty" doc:"Its letter."`
	Provisional bool          `json:"provisional" doc:"Something that could move the letter was not found out."`
	URL         string        `json:"url" doc:"Address of the report on this site."`
}

// ending is the report that a check made, or why there is none.
func (s *Site) ending(r *http.Request, c *scans.Scan) (kind string, end any) {
	kept, fresh := s.scans.Fresh(c.Domain.ASCII)
	if fresh && kept.ID == c.ID {
		e := done{ID: kept.ID, URL: s.addressOf(kept)}
		if kept.Grade != nil {
			e.Letter, e.Provisional = kept.Grade.Letter, kept.Grade.Provisional
		}
		kind, end = "done", e
	} else if kept, err := s.entry(r.Context(), c.ID); err == nil {
		kind, end = "done", done{ID: kept.ID, Letter: kept.Letter, Provisional: kept.Provisional, URL: apiReport(kept.ID)}
	} else {
		kind, end = "failed", ourFault.details(s.cfg.BaseURL, true)
		if c.View().Waiting {
			end = refused(&scans.Refusal{Reason: scans.Closing, Wait: time.Minute / 2}).details(s.cfg.BaseURL, true)
		}
	}
	return kind, end
}
