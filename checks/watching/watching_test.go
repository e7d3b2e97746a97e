package watching

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"mxseal/checks/report"
)

// A state survives the store as it is, and Next changes none that it is given.
func TestStatesAreValues(t *testing.T) {
	var s State
	for day := 0.3; day < 260; day++ {
		now := begin.Add(time.Duration(day * 24 * float64(time.Hour)))
		text, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		next, events := Next(s, daneDomain.look(day), nil, now)
		var kept State
		if err := json.Unmarshal(text, &kept); err != nil {
			t.Fatal(err)
		}
		again, same := Next(kept, daneDomain.look(day), nil, now)
		if one, other := fmt.Sprint(asJSON(next), events), fmt.Sprint(asJSON(again), same); one != other {
			t.Fatalf("day %.1f: %s, from the store %s", day, one, other)
		}
		if after := asJSON(s); after != string(text) {
			t.Fatalf("day %.1f: the state was changed:\n%s\n%s", day, text, after)
		}
		s = next
	}
}

// What is undone before it was told is not told; what goes further is told as one.
func TestOneMessageADay(t *testing.T) {
	s := State{Letter: "A", Told: begin}
	at := begin
	look := func(letter, broken string) []Event {
		var told []Event
		for range 2 {
			at = at.Add(time.Hour)
			r := graded("A")
			r.Grade.Letter = "B"
			if letter != "" {
				r = graded(reportLetter(letter))
			}
			if broken != "" {
				r.Grade.Broken = []report.Promise{report.Promise(broken)}
			}
			var events []Event
			s, events = Next(s, r, nil, at)
			told = append(told, events...)
		}
		return told
	}
	for _, step := range []struct {
		letter, broken string
		want           []string
	}{
		{"B", "", nil}, {"A", "", nil}, {"B", "", nil}, {"C", "", nil}, // held: there was a message today
		{"D", "dane", []string{"broken dane", "letter A to D"}}, // not so where mail is rejected
		{"A", "", nil},
		{"D", "", nil},
	} {
		var got []string
		for _, e := range look(step.letter, step.broken) {
			got = append(got, short(e))
		}
		if len(got) != len(step.want) || len(got) > 0 && !sameTexts(got, step.want) {
			t.Errorf("%s %s: told %q, want %q", step.letter, step.broken, got, step.want)
		}
	}
	at = at.Add(20 * time.Hour)
	if got := look("D", ""); len(got) != 1 || short(got[0]) != "kept dane" {
		t.Errorf("the next day: %+v", got)
	}
}

// What is another at every look is not looked at for ever.
func TestFlapping(t *testing.T) {
	s, now, again := State{Letter: "A"}, begin, 0
	for n := range 40 {
		now = now.Add(time.Hour)
		s, _ = Next(s, graded(reportLetter([]string{"B", "C"}[n%2])), nil, now)
		if !s.Again() {
			break
		}
		again++
	}
	if again != maxConfirms {
		t.Errorf("%d looks to confirm", again)
	}
}

func reportLetter(l string) report.Letter { return report.Letter(l) }

func sameTexts(got, want []string) bool {
	for _, w := range want {
		if !slices.Contains(got, w) {
			return false
		}
	}
	return true
}

func asJSON(s State) string {
	text, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(text)
}
