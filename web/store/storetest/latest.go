package storetest

import (
	"errors"
	"testing"
	"time"

	"mxseal/checks/report"
	"mxseal/web/store"
)

// LatestAndFirm holds stores to this: what trouble of our own has spoilt never stands before a sound
// report, however often it comes; a firm letter is found behind provisional ones. It asks a second
// time after again, where there is such a thing: what it does to a store changes nothing of that.
func LatestAndFirm(t *testing.T, open func(*testing.T) *store.Store, again func(*store.Store) error) {
	type kind struct {
		letter      report.Letter
		provisional bool
		conditions  []report.Condition
		faults      []string
		interrupted report.Interruption
	}
	trouble := []report.Condition{{Name: report.ResourcesCondition, State: report.ConditionFailed, Text: "None left."}}
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
		s := open(t)
		ids := make([]string, len(c.reports))
		for i, k := range c.reports {
			r := Sample("example.org", store.NewID(), Noon.Add(time.Duration(i)*time.Hour))
			r.Grade.Letter, r.Grade.Provisional, r.Conditions, r.Faults, r.Interrupted = k.letter, k.provisional, k.conditions, k.faults, k.interrupted
			if ids[i] = r.ID; s.Save(t.Context(), r) != nil {
				t.Fatal("a report was not saved")
			}
		}
		for _, second := range []bool{false, true} {
			if second && again == nil {
				break
			} else if second {
				if err := again(s); err != nil {
					t.Fatal(err)
				}
			}
			if r, err := s.Latest(t.Context(), "example.org"); err != nil || r.ID != ids[c.latest] {
				t.Errorf("%s (again %v): the latest is %v, %v", c.why, second, r, err)
			}
			r, err := s.Firm(t.Context(), "example.org")
			if c.firm < 0 {
				if !errors.Is(err, store.ErrNotFound) {
					t.Errorf("%s (again %v): firm is %v, %v", c.why, second, r, err)
				}
			} else if err != nil || r.ID != ids[c.firm] {
				t.Errorf("%s (again %v): firm is %v, %v", c.why, second, r, err)
			}
		}
	}
}

// A clock that was ahead makes no report the latest until it has come true.
func future(t *testing.T, s *store.Store) {
	future, now := Sample("example.org", store.NewID(), time.Now().AddDate(1, 0, 0)), Sample("example.org", store.NewID(), time.Now().Add(-time.Hour))
	save(t, s, future)
	if got, err := s.Latest(t.Context(), "example.org"); err != nil || got.ID != future.ID {
		t.Errorf("where there is no other: %v", err)
	}
	save(t, s, now)
	if got, err := s.Latest(t.Context(), "example.org"); err != nil || got.ID != now.ID {
		t.Errorf("the latest is %s of %v, %v", got.ID, got.CheckedAt, err)
	}
}
