package templates

import (
	"slices"
	"strings"
	"testing"
)

func TestOverviewTakesWordsFromEvidenceAndMarksFromFindings(t *testing.T) {
	lines := page(rich()).Overview()
	var got []string
	for _, l := range lines {
		line := l.Host.Name + " " + l.NotReached
		for _, s := range l.Stages {
			line += s.Text + " (" + string(s.Verdict) + ") "
		}
		got = append(got, strings.TrimSpace(line))
	}
	want := []string{
		"mx1.xn--bcher-kva.org enforced (pass) valid (warn) TLS 1.3 (info) signed and valid () matches (pass) in the policy (pass)",
		"mx1.xn--bcher-kva.org 2001:db8::25 did not answer on port 25 within 15 s",
		"mx2.example.net not offered (fail) none seen () none () signatures are invalid (fail) unsigned () not in the policy (fail)",
		"mx3.example.net gone.example.net does not exist",
	}
	if !slices.Equal(got, want) {
		t.Errorf("overview\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
