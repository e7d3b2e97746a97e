package view

import (
	"maps"

	"mxseal/checks/grade"
	"mxseal/checks/report"
)

// Actor is a sender or an attacker.
type Actor struct{ ID, Name, Does string }

// Senders are the rows of the matrix, Attackers its columns.
func Senders() []Actor {
	list := make([]Actor, len(grade.Senders))
	for i, s := range grade.Senders {
		list[i] = Actor{string(s.ID), s.Name, s.Does}
	}
	return list
}

func Attackers() []Actor {
	list := make([]Actor, len(grade.Attackers))
	for i, a := range grade.Attackers {
		list[i] = Actor{string(a.ID), a.Name, a.Can}
	}
	return list
}

// Row is a sender with what happens to its mail.
type Row struct {
	Actor
	Cells []Outcome // one an attacker
}

// Outcome is what happens to the mail under one attacker.
type Outcome struct {
	Attacker Actor
	Outcome  report.Outcome
	Why      string // in a sentence; empty for an outcome this program does not know
}

// Rows are the senders worth a row: those whose row tells a reader something that the others do
// not (RULES 3.1). S1L tells an F from an E, nothing more; what S3C tells is a footnote of S3.
func (r Report) Rows() []Row {
	var rows []Row
	for _, s := range Senders() {
		cells, known := r.Matrix[report.Sender(s.ID)]
		if !known || s.ID == string(grade.S1L) || s.ID == string(grade.S3C) || s.ID == string(grade.S2L) && !r.differ(grade.S2, grade.S2L) {
			continue
		}
		row := Row{Actor: s}
		for _, a := range Attackers() {
			o := cells[report.Attacker(a.ID)]
			row.Cells = append(row.Cells, Outcome{a, o, cellReason(s.ID, a.ID, o)})
		}
		rows = append(rows, row)
	}
	return rows
}

// Extremes are the rows of the ordinary sender and of the one that checks everything.
func Extremes(rows []Row) (list []Row) {
	for _, row := range rows {
		if row.ID == string(grade.S1) || row.ID == string(grade.S6) {
			list = append(list, row)
		}
	}
	return list
}

// From is a sender above its column.
func From(sender Actor) string {
	if sender.ID == string(grade.S6) {
		return "From one that checks everything"
	}
	return "From " + sender.Name
}

// InShort says in a line what an attacker does, where the name alone does not.
func InShort(attacker string) string {
	switch report.Attacker(attacker) {
	case grade.A2:
		return "so that no encryption begins"
	case grade.A4:
		return "to name another server"
	}
	return ""
}

// FirstContact says that a sender which has not cached the MTA-STS policy yet fares worse than
// one that has; empty where it does not.
func (r Report) FirstContact() string {
	if !r.differ(grade.S3, grade.S3C) {
		return ""
	}
	return "MTA-STS protects from the second mail on. An attacker who forges DNS can hide the policy from a sender that has never fetched it."
}

func (r Report) differ(s, t report.Sender) bool {
	return len(r.Matrix[s]) > 0 && len(r.Matrix[t]) > 0 && !maps.Equal(r.Matrix[s], r.Matrix[t])
}

// AllOutcomes lists the outcomes, best first.
var AllOutcomes = []report.Outcome{report.Auth, report.Defer, report.Enc, report.Clear, report.Stolen}

// Outcomes that occur in the rows shown, best first.
func (r Report) Outcomes() []report.Outcome {
	seen := make(map[report.Outcome]bool)
	for _, row := range r.Rows() {
		for _, c := range row.Cells {
			seen[c.Outcome] = true
		}
	}
	var list []report.Outcome
	for _, o := range AllOutcomes {
		if seen[o] {
			list = append(list, o)
		}
	}
	return list
}
