package web

import (
	"testing"
	"time"
)

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
