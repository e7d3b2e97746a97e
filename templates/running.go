package templates

import (
	"fmt"
	"slices"

	"mxseal/checks/report"
	"mxseal/checks/view"
)

// Running is a check under way.
type Running struct {
	Domain, Unicode string
	Waiting         bool   // in the queue, not begun
	Before          int    // checks that begin before it
	Waits           string // for what it waits: place, minute, share
	Stages          []Stage
	Arrivals        []Arrival // findings so far, in the order they came
	Heard           int       // events that the page already shows
}

// Stage is how far one check has come.
type Stage struct {
	Topic
	Begun, Ended int  // pieces of it
	Over         bool // the whole check has ended
}

// State says whether the stage waits, runs or is done; where the whole check has ended, none for one
// that was not needed and untested for one that did not come to its end. Symbols are called so.
func (s Stage) State() string {
	switch {
	case s.Over && s.Begun == 0:
		return "none"
	case s.Over && s.Ended < s.Begun:
		return "untested"
	case s.Begun == 0:
		return "waiting"
	case s.Ended < s.Begun:
		return "running"
	}
	return "done"
}

// Text is the state for people.
func (s Stage) Text() string {
	switch s.State() {
	case "none":
		return "skipped"
	case "untested":
		return "stopped"
	case "waiting":
		return "waiting"
	case "running":
		if s.Begun > 1 {
			return fmt.Sprintf("at work, %d of %d parts done", s.Ended, s.Begun)
		}
		return "at work"
	}
	return "done"
}

// Done and Total count the stages, as many as are listed.
func (r Running) Done() (n int) {
	for _, s := range r.Stages {
		if s.State() == "done" {
			n++
		}
	}
	return n
}

func (r Running) Total() int { return len(r.Stages) }

// Advance is a step of one stage, as the page is told of it.
type Advance struct {
	Stage report.CheckID `json:"stage"`
	State string         `json:"state"`
	Text  string         `json:"text"`
	Done  int            `json:"done"`
	Total int            `json:"total"`
	Say   string         `json:"say,omitempty"` // worth reading out
}

// Advance describes a step that a stage has just made, at a host where there is one.
func (r Running) Advance(stage report.CheckID, host string) Advance {
	a := Advance{Stage: stage, Done: r.Done(), Total: r.Total()}
	for _, s := range r.Stages {
		if s.ID != stage {
			continue
		}
		a.State, a.Text = s.State(), s.Text()
		switch {
		case a.State == "done":
			a.Say = s.Title + ": done"
		case host != "":
			a.Say = s.Title + ": at work on " + host
		case s.Ended == 0:
			a.Say = s.Title + ": at work"
		}
	}
	return a
}

// Finish is the end of a check, as the page is told of it.
type Finish struct {
	Rest []Advance `json:"rest"` // stages that were not done before
}

// Rest are the stages that are not done when the check has ended, as the page is told of them.
func (r Running) Rest() []Advance {
	list := []Advance{}
	if !slices.ContainsFunc(r.Stages, func(s Stage) bool { return s.Begun > 0 }) {
		return list // nothing was heard of the check but its end
	}
	for _, s := range r.Stages {
		if s.Over = true; s.State() != "done" {
			list = append(list, Advance{Stage: s.ID, State: s.State(), Text: s.Text(), Done: r.Total(), Total: r.Total()})
		}
	}
	return list
}

// Now is the line that says what was last heard.
func (r Running) Now() string {
	switch {
	case r.Waiting:
		return r.waits()
	}
	return fmt.Sprintf("%d of %d steps done", r.Done(), r.Total())
}

// waits says what a check in the queue waits for, and how many are before it.
func (r Running) waits() string {
	why, next := "Many checks run at the moment", "as soon as one of them ends"
	switch r.Waits {
	case "minute":
		why, next = "Many checks were begun within the last minute", "within a minute"
	case "share":
		why, next = "As many checks run for one visitor or network as may at a time", "as soon as one of them ends"
	}
	switch r.Before {
	case 0:
		return why + ". This one is next: it begins " + next + "."
	case 1:
		return why + ", and 1 more is before this one. It begins by itself."
	}
	return fmt.Sprintf("%s, and %d more are before this one. It begins by itself.", why, r.Before)
}

// Queue is the place of a waiting check, as its page is told of it.
type Queue struct {
	Say string `json:"say"`
}

// Arrival is a finding on the page of a running check.
type Arrival struct {
	Place   string `json:"place"` // the host it is about, or the domain
	Verdict string `json:"verdict"`
	Word    string `json:"word"`
	Title   string `json:"title"`
}

// NewArrival says of a finding what the page of a running check shows.
func NewArrival(f report.Finding) Arrival {
	a := Arrival{Place: f.Host, Verdict: verdictClass(f.Verdict), Word: view.VerdictWord(f.Verdict), Title: f.Title}
	if a.Place == "" {
		a.Place = "The domain"
	}
	if f.Address != "" {
		a.Title += " (" + f.Address + ")"
	}
	return a
}

// Place is what was found about one host, or about the domain.
type Place struct {
	Name     string
	Arrivals []Arrival
}

// Places groups the findings by what they are about, in the order they came.
func (r Running) Places() []Place {
	var places []Place
	at := make(map[string]int)
	for _, a := range r.Arrivals {
		i, known := at[a.Place]
		if !known {
			i, at[a.Place] = len(places), len(places)
			places = append(places, Place{Name: a.Place})
		}
		places[i].Arrivals = append(places[i].Arrivals, a)
	}
	return places
}
