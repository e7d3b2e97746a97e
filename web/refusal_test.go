package web

import (
	"slices"
	"strings"
	"testing"
	"time"

	"mxseal/web/scans"
)

// Every reason has an answer that says why and, where it will pass, when.
func TestEveryRefusalHasAnAnswer(t *testing.T) {
	reasons := append(slices.Clone(scans.Reasons), scans.ClientStreams, scans.Streams)
	for _, why := range reasons {
		wait := 30 * time.Second
		if why == scans.OptedOut {
			wait = 0
		}
		p := refused(&scans.Refusal{Reason: why, Wait: wait})
		if p.status < 400 || p.title == "" || strings.Contains(p.text, "%") || wait > 0 && !strings.Contains(p.text, "30 seconds") || p.retry != int(wait.Seconds()) {
			t.Errorf("%s: %+v", why, p)
		}
	}
	if len(refusals) != len(reasons) {
		t.Errorf("%d answers for %d reasons", len(refusals), len(reasons))
	}
}

func TestTimesToWait(t *testing.T) {
	for d, words := range map[time.Duration]string{
		time.Millisecond:        "1 second",
		time.Second:             "1 second",
		1001 * time.Millisecond: "2 seconds",
		90 * time.Second:        "90 seconds",
		91 * time.Second:        "2 minutes",
		10 * time.Minute:        "10 minutes",
		90 * time.Minute:        "90 minutes",
		91 * time.Minute:        "2 hours",
		23 * time.Hour:          "23 hours",
	} {
		if got := inWords(d); got != words {
			t.Errorf("%v: %q, want %q", d, got, words)
		}
	}
	if seconds(1001*time.Millisecond) != 2 {
		t.Error("Retry-After is too short")
	}
}
