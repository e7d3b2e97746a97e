package checks_test

import (
	"encoding/json"
	"testing"

	"mxseal/checks/report"
)

// stored returns what is left of a report after it was written and read.
func stored(t testing.TB, r *report.Report) *report.Report {
	t.Helper()
	body, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var again report.Report
	if err := json.Unmarshal(body, &again); err != nil {
		t.Fatal(err)
	}
	return &again
}
