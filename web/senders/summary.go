package senders

import (
	"time"

	"mxseal/checks/sender"
)

// Summary is a test for programs.
type Summary struct {
	ID        string           `json:"id"`
	Began     time.Time        `json:"began"`
	Ends      time.Time        `json:"ends"`
	Running   bool             `json:"running"`
	Addresses []string         `json:"addresses"` // to which one message is sent
	Grade     sender.Grade     `json:"grade"`
	Software  sender.Software  `json:"software,omitempty"` // a guess
	Decided   int              `json:"decided"`            // traps, of those offered
	Offered   int              `json:"offered"`
	Traps     []TrapSummary    `json:"traps"`
	Findings  []FindingSummary `json:"findings"`
}

// TrapSummary is what became of one trap.
type TrapSummary struct {
	Trap  sender.Trap  `json:"trap"`
	Title string       `json:"title"`
	Fate  sender.Fate  `json:"fate"`
	Proof sender.Proof `json:"proof,omitempty"` // of a refusal
	At    time.Time    `json:"at,omitzero"`
}

// FindingSummary is a rule that applied.
type FindingSummary struct {
	Rule    string      `json:"rule"`
	Trap    sender.Trap `json:"trap,omitempty"`
	Verdict string      `json:"verdict"`
	Title   string      `json:"title"`
}

// Summarize puts a verdict into that form.
func Summarize(e *sender.Evidence, v *sender.Verdict, running bool) Summary {
	s := Summary{ID: e.ID, Began: e.Began, Ends: e.Ends, Running: running, Addresses: Addresses(e), Grade: v.Grade, Software: v.Software, Decided: v.Decided, Offered: v.Offered,
		Traps: []TrapSummary{}, Findings: []FindingSummary{}}
	for _, d := range sender.Designs {
		o := v.View.Of(d.Trap)
		s.Traps = append(s.Traps, TrapSummary{d.Trap, d.Title, o.Fate, o.Proof, o.At})
	}
	for _, f := range v.Findings {
		s.Findings = append(s.Findings, FindingSummary{f.ID, f.Trap, string(f.Rule().Verdict), f.Rule().Title})
	}
	return s
}
