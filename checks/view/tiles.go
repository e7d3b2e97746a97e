package view

import (
	"fmt"

	"mxseal/checks/grade"
	"mxseal/checks/report"
)

// Tile is one of the three questions that everybody has, with its answer in a few words.
type Tile struct {
	Name string
	Mark report.Verdict
	Text string
}

// Tiles answer: can somebody listen, can somebody interfere, does the mail arrive. None for a domain
// that no mail reaches.
func (r Report) Tiles() []Tile {
	switch {
	case r.Grade == nil || r.Letter() == report.LetterN || r.Grade.Lost():
		return nil
	case r.Letter() == report.LetterT:
		var list []Tile
		for _, name := range []string{"Listening", "Interfering", "Delivery"} {
			list = append(list, Tile{name, report.Untested, "not tested"})
		}
		return list
	}
	return []Tile{r.listening(), r.interfering(), r.delivery()}
}

func (r Report) listening() Tile {
	t := Tile{"Listening", report.Pass, "encrypted"}
	switch {
	case r.cell(grade.S1L, grade.A0) == report.Clear:
		t.Mark, t.Text = report.Fail, "all can be read"
	case r.cell(grade.S1, grade.A0) == report.Clear:
		t.Mark, t.Text = report.Fail, "most can be read"
	case r.cell(grade.S1, grade.A1) == report.Clear, r.cell(grade.S1L, grade.A1) == report.Clear:
		t.Mark, t.Text = report.Fail, "some can be read"
	case r.Letter().Worse("B"):
		if _, capped := r.limit(); capped && r.vacant() == "" {
			t.Mark, t.Text = report.Warn, "weakly encrypted"
		}
	}
	return t
}

func (r Report) interfering() Tile {
	t := Tile{"Interfering", report.Fail, "can be intercepted"}
	dane, policy := r.safe()
	switch {
	case r.vacant() != "":
		t.Text = "can be taken over"
	case dane && policy:
		t.Mark, t.Text = report.Pass, "DANE and MTA-STS stop it"
	case dane:
		t.Mark, t.Text = report.Pass, "DANE stops it"
	case policy:
		t.Mark, t.Text = report.Info, "MTA-STS stops it"
	}
	return t
}

func (r Report) delivery() Tile {
	t := Tile{"Delivery", report.Pass, "nothing in the way"}
	down := 0
	for _, l := range r.Overview() {
		if l.NotReached != "" && l.Host.NotTested != report.NotTestedLimit && (l.Address == nil || l.Address.NotTested != report.NotTestedLimit) {
			down++
		}
	}
	switch {
	case len(r.Grade.Broken) > 0:
		t.Mark, t.Text = report.Fail, "legitimate mail is rejected"
	case r.cell(grade.S1, grade.A0) == report.Defer:
		t.Mark, t.Text = report.Fail, "most mail waits"
	case down == 1:
		t.Mark, t.Text = report.Warn, "1 address does not answer"
	case down > 1:
		t.Mark, t.Text = report.Warn, fmt.Sprintf("%d addresses do not answer", down)
	}
	return t
}
