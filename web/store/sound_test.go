package store

import (
	"errors"
	"testing"
	"time"

	"mxseal/checks/report"
)

// What trouble of our own has spoilt never stands before a sound report, however often it comes;
// a firm letter is found behind provisional ones.
func TestLatestAndFirm(t *testing.T) {
	type kind struct {
		letter      report.Letter
		provisional bool
		conditions  []report.Condition
		faults      []string
		interrupted string
	}
	trouble := []report.Condition{{Name: report.ResourcesCondition, State: "failed", Text: "None left."}}
	firm, provisional := kind{letter: "B"}, kind{letter: "C", provisional: true}
	ours := kind{letter: "D", provisional: true, conditions: trouble}
	stripped := kind{letter: "T", conditions: trouble} // no letter, and not provisional either
	panicked := kind{letter: "D", provisional: true, faults: []string{"dane"}}
	stopped := kind{letter: "D", provisional: true, interrupted: report.CutShort}
	outOfTime := kind{letter: "D", provisional: true, interrupted: report.OutOfTime}
	for _, c := range []struct {
		why          string
		reports      []kind // oldest first
		latest, firm int    // places in the list, -1 for none
	}{
		{"one, and it is firm", []kind{firm}, 0, 0},
		{"the younger counts", []kind{firm, firm}, 1, 1},
		{"a provisional one is the latest and not the firm one", []kind{firm, provisional}, 1, 0},
		{"nothing but provisional ones", []kind{provisional, provisional}, 1, -1},
		{"our trouble stands behind", []kind{firm, ours, stripped, panicked, stopped}, 0, 0},
		{"even behind a provisional one", []kind{firm, provisional, ours}, 1, 0},
		{"a server that takes all our time is no trouble of ours", []kind{firm, outOfTime}, 1, 0},
		{"a later sound one counts", []kind{ours, firm}, 1, 1},
		{"nothing but our trouble", []kind{ours, stripped}, 1, -1},
		{"a domain that cannot be tested is no firm letter", []kind{firm, {letter: "T"}}, 1, 0},
		{"that it takes no mail is one", []kind{firm, {letter: "N"}}, 1, 1},
	} {
		s, _ := opened(t)
		ids := make([]string, len(c.reports))
		for i, k := range c.reports {
			r := sample("example.org", NewID(), noon.Add(time.Duration(i)*time.Hour))
			r.Grade.Letter, r.Grade.Provisional, r.Conditions, r.Faults, r.Interrupted = k.letter, k.provisional, k.conditions, k.faults, k.interrupted
			if ids[i] = r.ID; s.Save(t.Context(), r) != nil {
				t.Fatal("a report was not saved")
			}
		}
		for _, old := range []bool{false, true} {
			if old { // as if they had been kept before the column was there
				if _, err := s.write.Exec("UPDATE reports SET spoilt = NULL"); err != nil {
					t.Fatal(err)
				}
			}
			if r, err := s.Latest(t.Context(), "example.org"); err != nil || r.ID != ids[c.latest] {
				t.Errorf("%s (old %v): the latest is %v, %v", c.why, old, r, err)
			}
			r, err := s.Firm(t.Context(), "example.org")
			if c.firm < 0 {
				if !errors.Is(err, ErrNotFound) {
					t.Errorf("%s (old %v): firm is %v, %v", c.why, old, r, err)
				}
			} else if err != nil || r.ID != ids[c.firm] {
				t.Errorf("%s (old %v): firm is %v, %v", c.why, old, r, err)
			}
		}
	}
}
