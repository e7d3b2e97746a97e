package view

import (
	"strings"
	"testing"

	"mxseal/checks/report"
)

// What another network saw differently is said beside the letter.
func TestDoubtsAboutOurOwnWay(t *testing.T) {
	r := Report{Report: &report.Report{}}
	r.Grade = &report.Grade{Letter: "F", Provisional: true, Worst: "F", Best: "A"}
	r.Findings = []report.Finding{
		{Rule: "VAN-02", Title: "mx1 answers the same"},
		{Rule: "VAN-01", Title: "mx2 answers differently", Effects: []report.Effect{report.Provisional}},
	}
	if said := r.Doubts(); !strings.HasPrefix(said, "mx2 answers differently. ") || strings.Contains(said, "mx1") {
		t.Errorf("%q", said)
	}
}
