package api

import (
	"fmt"
	"net/http"
	"time"

	"mxseal/checks"
	"mxseal/checks/report"
	"mxseal/checks/view"
	"mxseal/templates"
	"mxseal/web/rendering"
	"mxseal/web/scans"
)

// Pending is a running check for programs.
type Pending struct {
	State    string      `json:"state" enum:"waiting,running" doc:"Whether the check has begun or waits for a place."`
	ID       string      `json:"id" doc:"Id of the report to be."`
	Domain   string      `json:"domain" doc:"The domain in its A-label form."`
	Since    time.Time   `json:"since" doc:"When the check was asked for."`
	Before   *int        `json:"before,omitempty" doc:"How many checks begin before this one, as in Queue; only while it waits."`
	WaitsFor scans.Waits `json:"waits_for,omitempty" doc:"What it waits for, as in Queue; only while it waits."`
	Stages   []Stage     `json:"stages" nullable:"false" doc:"How far each part of the check is, in reading order."`
	Links    Links       `json:"links" doc:"Addresses on this site."`
}

type Stage struct {
	Check report.CheckID `json:"check" doc:"Id of the check, as in the page /checks/{id}."`
	State string         `json:"state" enum:"waiting,running,done" doc:"How far it is."`
}

// Links lead from a running check to what will come of it.
type Links struct {
	Report string `json:"report" doc:"The report, once there is one; until then the state."`
	Events string `json:"events" doc:"What happens meanwhile, as server-sent events."`
	Page   string `json:"page" doc:"The same for people."`
}

// PendingOf is how far a scan is.
func PendingOf(c *scans.Scan) Pending {
	v := c.View()
	st := Pending{State: "running", ID: c.ID, Domain: c.Domain.ASCII, Since: c.Since.Truncate(time.Second), Stages: []Stage{},
		Links: Links{Report: reportAt(c.ID), Events: reportAt(c.ID) + "/events", Page: "/check/" + c.Domain.ASCII}}
	if v.Waiting {
		st.State, st.Before, st.WaitsFor = "waiting", &v.Queue.Before, v.Queue.For
	}
	for _, check := range checks.All {
		p := v.Stages[check.ID]
		st.Stages = append(st.Stages, Stage{check.ID, templates.Stage{Begun: p.Begun, Ended: p.Ended}.State()})
	}
	return st
}

// Queue is where a waiting check stands.
type Queue struct {
	Before int         `json:"before" doc:"How many checks begin before this one. Where it waits for others of the same client, only these are counted. The number may rise when others come who wait for less."`
	For    scans.Waits `json:"waits_for" doc:"What it waits for: a place, since as many checks run as run at a time; the next minute, since as many have begun as begin within one; or that another check of the same client or network ends, since as many run for it as may."`
}

// WritePending answers with how far a scan is: as JSON, or in two lines to who prefers text.
func WritePending(w http.ResponseWriter, r *http.Request, c *scans.Scan) error {
	w.Header().Set("Retry-After", fmt.Sprint(rendering.Brief))
	p := PendingOf(c)
	if !rendering.WantsText(r) {
		return rendering.WriteJSON(w, http.StatusAccepted, "application/json", p)
	}
	w.Header().Set("Content-Type", rendering.PlainText)
	w.Header().Add("Vary", "Accept")
	w.WriteHeader(http.StatusAccepted)
	fmt.Fprintf(w, "%s\nThe report will be at %s\n", p.inWords(), p.Links.Page) // an error means that the visitor has left
	return nil
}

// inWords is the state in a sentence.
func (p Pending) inWords() string {
	switch {
	case p.Before != nil && *p.Before == 0:
		return p.Domain + " is the next to be checked."
	case p.Before != nil:
		return fmt.Sprintf("%s waits to be checked, behind %s.", p.Domain, view.Plural(*p.Before, "other check"))
	}
	done := 0
	for _, s := range p.Stages {
		if s.State == "done" {
			done++
		}
	}
	return fmt.Sprintf("%s is being checked: %d of %d steps done.", p.Domain, done, len(p.Stages))
}
