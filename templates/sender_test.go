package templates

import (
	"testing"
	"time"

	"mxseal/checks/report"
	"mxseal/checks/sender"
)

// A badge claims no more than a test has proved, and nothing before its end.
func TestTheBadgeOfASender(t *testing.T) {
	day := &sender.Evidence{Began: time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)}
	for says, of := range map[string]SenderTest{
		"being tested":                  {Running: true, Verdict: &sender.Verdict{Facts: sender.Facts{DANE: sender.Yes}, Grade: sender.Grade{Letter: "A", Row: sender.RowStrict}}},
		"verifies · 29 Nov 2026":        {Verdict: &sender.Verdict{Facts: sender.Facts{DANE: sender.Yes}, Grade: sender.Grade{Letter: "A", Row: sender.RowStrict}}},
		"can be fooled · 29 Nov 2026":   {Verdict: &sender.Verdict{Facts: sender.Facts{DANE: sender.Yes}, Grade: sender.Grade{Letter: "C", Row: sender.RowStrict}}},
		"does not verify · 29 Nov 2026": {Verdict: &sender.Verdict{Facts: sender.Facts{DANE: sender.No, MTASTS: sender.No}, Grade: sender.Grade{Letter: "C", Row: sender.RowOrdinary}}},
		"not known · 29 Nov 2026":       {Verdict: &sender.Verdict{Facts: sender.Facts{DANE: sender.No}, Grade: sender.Grade{Letter: "C", Row: sender.RowOrdinary}}},
	} {
		of.Evidence = day
		if got := of.Badge(); got.Message() != says {
			t.Errorf("%q, not %q", got.Message(), says)
		}
	}
	clear := SenderTest{Evidence: day, Verdict: &sender.Verdict{Facts: sender.Facts{Encrypts: sender.No}, Grade: sender.Grade{Letter: "F", Row: sender.RowClear}}}
	if b := clear.Badge(); b.Says != "does not verify" || b.Letter != report.Letter("F") || clear.Verifies() {
		t.Errorf("%+v", b)
	}
}
