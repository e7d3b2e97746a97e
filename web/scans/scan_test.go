package scans

import (
	"testing"

	"mxseal/checks"
	"mxseal/checks/report"
)

func TestWhatAScanSaysIsBounded(t *testing.T) {
	c := newScan("id", checks.Domain{ASCII: "example.org", Unicode: "example.org"})
	for i := range maxMessages + 100 {
		c.note(report.Event{Finding: &report.Finding{Rule: "MX-04", Host: domain(i).ASCII}})
		c.note(report.Event{Progress: &report.Progress{Stage: "mx"}})
	}
	if news, _, _ := c.Hear(0); len(news) > maxMessages || len(news) != c.View().Heard {
		t.Errorf("%d events are kept", len(news))
	}
	if n := len(c.View().Findings); n > maxMessages {
		t.Errorf("%d findings are kept", n)
	}
	for _, n := range []int{-1, maxMessages, maxMessages + 1} { // whatever a client asks for
		c.Hear(n)
	}
}
