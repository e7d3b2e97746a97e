package view

import (
	"strings"
	"testing"

	"mxseal/checks/report"
)

// cells are the outcomes of a row under each attacker.
func cells(line string) map[report.Attacker]report.Outcome {
	row := make(map[report.Attacker]report.Outcome)
	for i, o := range strings.Fields(line) {
		row[report.Attacker(Attackers()[i].ID)] = report.Outcome(o)
	}
	return row
}

func TestRowsWorthShowing(t *testing.T) {
	ids := func(r Report) string {
		var list []string
		for _, row := range r.Rows() {
			list = append(list, row.ID)
			for _, c := range row.Cells {
				if c.Why == "" {
					t.Errorf("%s, %s: no reason for %s", row.ID, c.Attacker.ID, c.Outcome)
				}
			}
		}
		return strings.Join(list, " ")
	}
	dane, policy := cells("AUTH AUTH DEFER DEFER DEFER DEFER"), cells("AUTH AUTH DEFER DEFER DEFER STOLEN")
	plain, first := cells("ENC ENC CLEAR STOLEN STOLEN STOLEN"), cells("AUTH AUTH DEFER DEFER STOLEN STOLEN")
	r := Report{Report: &report.Report{Conclusions: report.Conclusions{Matrix: report.Matrix{
		"S0": cells("CLEAR CLEAR CLEAR STOLEN STOLEN STOLEN"), "S1": plain, "S1L": plain, "S2": dane, "S2L": dane,
		"S3": policy, "S3C": first, "S4": first, "S5": cells("DEFER DEFER DEFER DEFER DEFER DEFER"), "S6": dane}}}}
	if got := ids(r); got != "S0 S1 S2 S3 S4 S5 S6" {
		t.Errorf("rows %s: helpers and what equals S2 have none", got)
	}
	r.Matrix["S2"] = plain
	if got := ids(r); got != "S0 S1 S2 S2L S3 S4 S5 S6" {
		t.Errorf("rows %s: S2L differs from S2 and is worth a row", got)
	}
	if r.FirstContact() == "" {
		t.Error("the first contact fares worse and deserves its footnote")
	}
	r.Matrix["S3C"] = r.Matrix["S3"]
	if r.FirstContact() != "" {
		t.Error("the first contact fares no worse")
	}
	r.Matrix = nil
	if got := ids(r); got != "" {
		t.Errorf("rows %s without a matrix", got)
	}
}

// The page for who writes and the table of the report say the same word of the same cell.
func TestWordsOfOutcomesAreTheSameForWritersAndOwners(t *testing.T) {
	for _, c := range []struct{ row, words string }{
		{"ENC ENC CLEAR STOLEN STOLEN STOLEN", "Encrypted, Encrypted, Readable, Intercepted, Intercepted, Intercepted"},
		{"AUTH AUTH DEFER DEFER DEFER DEFER", "Protected, Protected, Blocked, safe, Blocked, safe, Blocked, safe, Blocked, safe"},
		{"AUTH DEFER DEFER DEFER DEFER STOLEN", "Protected, Not delivered, Blocked, safe, Blocked, safe, Blocked, safe, Intercepted"},
		{"DEFER DEFER DEFER DEFER DEFER DEFER", "Not delivered, Not delivered, Not delivered, Not delivered, Not delivered, Not delivered"},
	} {
		for _, from := range Origins {
			r := Report{Report: &report.Report{Conclusions: report.Conclusions{Grade: &report.Grade{Letter: "C"}, Matrix: report.Matrix{from.row: cells(c.row)}}}}
			var told, shown []string
			for i, a := range Attackers() {
				told = append(told, r.To(from).Row[i].Word)
				shown = append(shown, outcomeOf(from.row, a, r.Matrix[from.row]).Word)
			}
			if got := strings.Join(told, ", "); got != c.words || strings.Join(shown, ", ") != got {
				t.Errorf("%s, %s: who writes is told %s, the owner %v", from.ID, c.row, got, shown)
			}
		}
	}
}

// Cells of one word and one reason are explained once; what has no reason is not.
func TestAlikeCellsAreExplainedOnce(t *testing.T) {
	r := Report{Report: &report.Report{Conclusions: report.Conclusions{Matrix: report.Matrix{"S0": cells("CLEAR CLEAR CLEAR STOLEN STOLEN STOLEN"), "S4": cells("ENC NEW CLEAR STOLEN STOLEN STOLEN")}}}}
	for row, want := range []string{"A0 A1 A2, A3 A4 A5", "A0, A2, A4, A5"} {
		var groups []string
		for _, g := range r.Rows()[row].Alike() {
			var ids []string
			for _, c := range g {
				ids = append(ids, c.Attacker.ID)
			}
			groups = append(groups, strings.Join(ids, " "))
		}
		if got := strings.Join(groups, ", "); got != want {
			t.Errorf("row %d: %s, want %s", row, got, want)
		}
	}
}
