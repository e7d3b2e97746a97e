package problem

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"mxseal/checks/input"
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
		p := Refused(&scans.Refusal{Reason: why, Wait: wait})
		if p.Status < 400 || p.Title == "" || strings.Contains(p.Text, "%") || wait > 0 && !strings.Contains(p.Text, "30 seconds") || p.Wait != int(wait.Seconds()) {
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

// Every problem has a reason that programs are told of, and a type that leads to it.
func TestEveryReasonIsAWord(t *testing.T) {
	known := map[string]bool{}
	for _, w := range Words {
		if known[w.Word] || w.Text == "" {
			t.Errorf("%s is there twice, or without a text", w.Word)
		}
		known[w.Word] = true
	}
	_, err := input.Parse("localhost", false)
	var typed *Problem
	if !errors.As(NotMailDomain(err, 422, "body.domain"), &typed) || typed.At != "body.domain" || typed.Status != 422 {
		t.Fatal(err)
	}
	all := []*Problem{NoSuchAddress, NotKept, NotReadable, TwoDomains, NoSuchCheck, NotChecked, WrongMethod, ForeignOrigin, TooLarge, NoForm, NotJSON, BrokenJSON, Invalid, TooSlow, TooMany,
		Overloaded, NoStore, Fault, NoSuchPicture, NoReport("x", 0), Missing("x", true, 0), UnknownSender("gmail", "query.from"), typed}
	for why := range refusals {
		all = append(all, Refused(&scans.Refusal{Reason: why, Wait: time.Minute}))
	}
	used := map[string]bool{}
	for _, p := range all {
		d := p.Details("https://mxseal.example", true)
		if !known[d.Code] || d.Code != d.Reason || d.Type != "https://mxseal.example/api#problem-"+d.Reason || d.Status < 400 || d.Title == "" {
			t.Errorf("%s: %+v", p.Title, d)
		}
		used[d.Reason] = true
	}
	for word := range known {
		if !used[word] {
			t.Errorf("no problem has the reason %s", word)
		}
	}
}
