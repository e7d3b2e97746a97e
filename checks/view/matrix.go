package view

import (
	"cmp"
	"maps"
	"slices"

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
	Word     string // the outcome in a word or two
	Mark     Mark
	Why      string // in a sentence; empty for an outcome this program does not know
}

// Mark is how an outcome is to be taken, which decides its colour.
type Mark string

const (
	Safe    Mark = "safe"    // authenticated, or an attack that failed
	Private Mark = "private" // encrypted, to whomever
	Open    Mark = "open"    // readable
	Lost    Mark = "lost"    // with the attacker, or not delivered though nobody attacks
	Given   Mark = "given"   // nothing that the owner publishes or sets changes it
	Unknown Mark = "unknown"
)

// outcomeOf reads one cell of a sender's row.
func outcomeOf(sender report.Sender, a Actor, cells map[report.Attacker]report.Outcome) Outcome {
	o := cells[report.Attacker(a.ID)]
	cell := Outcome{Attacker: a, Outcome: o, Why: cellReason(string(sender), a.ID, o)}
	cell.Word, cell.Mark = said(report.Attacker(a.ID), cells)
	if given(sender, report.Attacker(a.ID), o, cells) {
		cell.Mark = Given
	}
	return cell
}

// said is one cell in a word or two, and how it is to be taken. Mail that stays with its sender under
// attack is a success, and a failure where nobody interferes, or where it stays there anyway.
func said(a report.Attacker, cells map[report.Attacker]report.Outcome) (string, Mark) {
	o := cells[a]
	if o == report.Defer && (a == grade.A0 || a == grade.A1 || cells[grade.A0] == report.Defer) {
		return "Not delivered", Lost
	}
	return OutcomeWord(o), cmp.Or(markOf[o], Unknown)
}

var markOf = map[report.Outcome]Mark{report.Auth: Safe, report.Defer: Safe, report.Enc: Private, report.Clear: Open, report.Stolen: Lost}

// given reports whether an outcome is the sender's own choice, so that no domain can have a better one.
func given(s report.Sender, a report.Attacker, o report.Outcome, cells map[report.Attacker]report.Outcome) bool {
	bad := o == report.Clear || o == report.Stolen
	switch s {
	case grade.S0:
		return bad || o == report.Defer // it has no TLS, wherever it sends
	case grade.S1, grade.S1L:
		return bad && a != grade.A0 && a != grade.A1
	case grade.S3, grade.S3C:
		return o == report.Stolen && (a == grade.A5 || s == grade.S3C && a == grade.A4)
	case grade.S4:
		return o == report.Stolen && (a == grade.A4 || a == grade.A5)
	case grade.S5:
		return cells[grade.A0] == report.Defer // hardly any server offers REQUIRETLS
	}
	return false
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
			row.Cells = append(row.Cells, outcomeOf(report.Sender(s.ID), a, cells))
		}
		rows = append(rows, row)
	}
	return rows
}

// Alike are the cells of a row that have a reason, those of one word and one reason together.
func (row Row) Alike() (groups [][]Outcome) {
	for _, c := range row.Cells {
		i := slices.IndexFunc(groups, func(g []Outcome) bool { return g[0].Word == c.Word && g[0].Why == c.Why })
		switch {
		case c.Why == "":
		case i < 0:
			groups = append(groups, []Outcome{c})
		default:
			groups[i] = append(groups[i], c)
		}
	}
	return groups
}

// Kinds are the rows of the senders that matter: the ordinary one, one that checks DANE, one that
// checks MTA-STS.
func Kinds(rows []Row) (list []Row) {
	for _, row := range rows {
		switch report.Sender(row.ID) {
		case grade.S1, grade.S2, grade.S3:
			list = append(list, row)
		}
	}
	return list
}

// Kind is a sender of Kinds above its column.
func Kind(sender Actor) string {
	switch report.Sender(sender.ID) {
	case grade.S2:
		return "Checks DANE"
	case grade.S3:
		return "Checks MTA-STS"
	}
	return "Ordinary sender"
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
	return slices.DeleteFunc(slices.Clone(AllOutcomes), func(o report.Outcome) bool {
		return !slices.ContainsFunc(r.Rows(), func(row Row) bool {
			return slices.ContainsFunc(row.Cells, func(c Outcome) bool { return c.Outcome == o })
		})
	})
}

// Meaning is a word of the table with what it means.
type Meaning struct {
	Word string
	Mark Mark
	Text string

	outcome report.Outcome
}

// Meanings explain the words of outcomes, best first.
func Meanings(outcomes []report.Outcome) (list []Meaning) {
	for _, m := range meanings {
		if slices.Contains(outcomes, m.outcome) {
			list = append(list, m)
		}
	}
	return list
}

// Legend explains the words of some rows, best first. What is grey wherever it stands is grey here too.
func Legend(rows []Row) (list []Meaning) {
	marks := make(map[string]Mark)
	for _, row := range rows {
		for _, c := range row.Cells {
			if marks[c.Word] == "" || marks[c.Word] == Given {
				marks[c.Word] = c.Mark
			}
		}
	}
	for _, m := range meanings {
		if mark := marks[m.Word]; mark != "" {
			m.Mark = mark
			list = append(list, m)
		}
	}
	return list
}

// AnyGiven reports whether some cell is the sender's own choice.
func AnyGiven(rows []Row) bool {
	return slices.ContainsFunc(rows, func(row Row) bool {
		return slices.ContainsFunc(row.Cells, func(c Outcome) bool { return c.Mark == Given })
	})
}

var meanings = []Meaning{
	{"Protected", Safe, "Delivered encrypted, and the sender made sure that it was your server.", report.Auth},
	{"Blocked, safe", Safe, "The attack fails. The sender notices, and keeps the mail or returns it. Nobody reads it.", report.Defer},
	{"Encrypted", Private, "Delivered encrypted, though the sender could not be sure that it was your server.", report.Enc},
	{"Readable", Open, "Delivered to your server. Anyone on the way can read it.", report.Clear},
	{"Intercepted", Lost, "Delivered to the attacker, who can read it, change it and pass it on.", report.Stolen},
	{"Not delivered", Lost, "Nobody interferes, and the sender still cannot deliver.", report.Defer},
}
