package view

import (
	"fmt"

	"mxseal/checks/grade"
	"mxseal/checks/report"
)

// Tile answers one of three questions about a domain's mail in one line.
type Tile struct {
	Label string
	Mark  report.Verdict // Pass is good, Warn partly, Fail bad, Untested not known
	Line  string
}

// Tiles are the three questions: can somebody who listens read the mail, can somebody who
// interferes intercept it, and does anything keep mail away that nobody attacks. They are read
// from the matrix and decide nothing themselves. Where no mail can arrive there are none.
func Tiles(r Report) []Tile {
	switch {
	case len(r.Matrix) > 0:
		return []Tile{r.listening(), r.interfering(), r.delivery()}
	case r.Grade != nil && r.Grade.Reason == report.Untestable:
		const unknown = "not tested"
		return []Tile{{"Listening", report.Untested, unknown}, {"Interfering", report.Untested, unknown}, {"Delivery", report.Untested, unknown}}
	}
	return nil
}

// under is what happens to the mail of a sender under an attacker.
func (r Report) under(s report.Sender, a report.Attacker) report.Outcome { return r.Matrix[s][a] }

// listening goes by ordinary senders: whether their mail is encrypted at all.
func (r Report) listening() Tile {
	today, old := r.under(grade.S1, grade.A1), r.under(grade.S1L, grade.A1)
	switch {
	case today == report.Clear && r.under(grade.S1L, grade.A0) == report.Clear:
		return Tile{"Listening", report.Fail, "mail is sent unencrypted"}
	case today == report.Clear || old == report.Clear:
		return Tile{"Listening", report.Fail, "some mail is sent unencrypted"}
	}
	return Tile{"Listening", report.Pass, "encrypted"}
}

// interfering goes by the senders that check what the domain publishes: it cannot make others check.
func (r Report) interfering() Tile {
	dane, sts := r.withstands(grade.S2), r.withstands(grade.S3)
	switch {
	case dane && sts:
		return Tile{"Interfering", report.Pass, "blocked by senders that check DANE or MTA-STS"}
	case dane:
		return Tile{"Interfering", report.Pass, "blocked by senders that check DANE"}
	case sts:
		return Tile{"Interfering", report.Pass, "blocked by senders that check MTA-STS"}
	case r.withstands(grade.S2L):
		return Tile{"Interfering", report.Warn, "blocked by some senders that check DANE"}
	}
	return Tile{"Interfering", report.Fail, "can be intercepted"}
}

// withstands reports whether the mail of a sender arrives, and nobody on the wire can read or divert it.
func (r Report) withstands(s report.Sender) bool {
	for _, a := range []report.Attacker{grade.A2, grade.A3} {
		if o := r.under(s, a); o != report.Auth && o != report.Defer {
			return false
		}
	}
	return r.under(s, grade.A0) == report.Auth
}

// delivery goes by what happens on a day without an attack.
func (r Report) delivery() Tile {
	broken := map[string]string{"dane": "DANE", "sts": "MTA-STS", "dnssec": "DNSSEC"}
	if r.Grade != nil && len(r.Grade.Broken) > 0 {
		return Tile{"Delivery", report.Fail, "legitimate mail is rejected: " + broken[r.Grade.Broken[0]] + " is broken"}
	}
	today := r.under(grade.S1, grade.A0)
	switch {
	case today == report.Defer && r.under(grade.S1L, grade.A0) == report.Defer:
		return Tile{"Delivery", report.Fail, "mail is not delivered"}
	case today == report.Defer:
		return Tile{"Delivery", report.Fail, "some senders cannot deliver"}
	}
	switch n := len(r.NotSeen()); n {
	case 0:
	case 1:
		return Tile{"Delivery", report.Untested, "one address did not answer"}
	default:
		return Tile{"Delivery", report.Untested, fmt.Sprintf("%d addresses did not answer", n)}
	}
	return Tile{"Delivery", report.Pass, "nothing in the way"}
}
