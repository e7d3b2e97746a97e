package storetest

import (
	"strings"
	"testing"
	"time"

	"mxseal/checks/report"
	"mxseal/web/store"
)

// Kit is how the suite gets at the stores of one engine.
type Kit struct {
	Open func(t *testing.T) *store.Store // an empty one, which is closed when the test ends

	// Insert puts a row into a store as an earlier program might have, or a damaged disk.
	Insert func(t *testing.T, s *store.Store, row store.Row)
}

// Noon is when samples were made.
var Noon = time.Date(2026, 8, 3, 12, 0, 0, 0, time.UTC)

// Sample is a report with enough in it that a half-written one would be noticed.
func Sample(domain, id string, at time.Time) *report.Report {
	return &report.Report{
		Meta: report.Meta{
			Schema:        report.Schema,
			ID:            id,
			Domain:        domain,
			UnicodeDomain: domain,
			CheckedAt:     at,
			ElapsedMS:     4200,
			Engine:        "test",
			Depth:         report.Standard,
		},
		Evidence: report.Evidence{Hosts: []*report.Host{{Name: "mx." + domain, Preference: 10, Addresses: []*report.Address{{
			IP: "192.0.2.25", Reachable: true, SMTP: &report.SMTP{Banner: strings.Repeat("220 long banner ", 400), EHLO: []string{}, EHLOTLS: []string{}},
		}}}}},
		Conclusions: report.Conclusions{
			Rules:    report.RulesSet,
			Grade:    &report.Grade{Letter: "B", Provisional: true, Because: []string{"ONE-01"}, Broken: []report.Promise{}, Next: []report.Next{{Fix: "ONE-01", Letter: "A"}}},
			Matrix:   report.Matrix{"S1": {"A0": report.Enc, "A3": report.Stolen}},
			Findings: []report.Finding{{Rule: "ONE-01", Check: "one", Verdict: report.Info}},
		},
	}
}

func save(t *testing.T, s *store.Store, list ...*report.Report) {
	t.Helper()
	for _, r := range list {
		if err := s.Save(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
}
