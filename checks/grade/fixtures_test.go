package grade

import (
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"testing"

	"mxseal/checks/report"
)

// The worked configurations: facts, the whole matrix, the letter, the broken policies.
func TestFixtures(t *testing.T) {
	data, err := os.ReadFile("testdata/matrix-fixtures.json")
	if err != nil {
		t.Fatal(err)
	}
	var fixtures []struct {
		Name   string
		Facts  json.RawMessage
		Matrix report.Matrix
		Grade  report.Letter
		Broken []report.Promise
	}
	if err := json.Unmarshal(data, &fixtures); err != nil {
		t.Fatal(err)
	}
	if len(fixtures) != 28 {
		t.Fatalf("%d configurations, want 28", len(fixtures))
	}
	for _, c := range fixtures {
		t.Run(c.Name, func(t *testing.T) {
			var facts Facts
			if err := json.Unmarshal(c.Facts, &facts); err != nil {
				t.Fatal(err)
			}
			r := OfFacts(facts)
			if r.Grade.Letter != c.Grade {
				t.Errorf("grade %s, want %s", r.Grade.Letter, c.Grade)
			}
			if !slices.Equal(r.Grade.Broken, c.Broken) {
				t.Errorf("broken %q, want %q", r.Grade.Broken, c.Broken)
			}
			if len(r.Matrix) != len(c.Matrix) {
				t.Errorf("%d senders, want %d", len(r.Matrix), len(c.Matrix))
			}
			for sender, row := range c.Matrix {
				for attacker, want := range row {
					if got := r.Matrix[sender][attacker]; got != want {
						t.Errorf("%s×%s: %s, want %s", sender, attacker, got, want)
					}
				}
			}

			// Facts written out are the facts that were read, under the same names.
			written, err := json.Marshal(facts)
			if err != nil {
				t.Fatal(err)
			}
			var before, after map[string]any
			if err := json.Unmarshal(c.Facts, &before); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(written, &after); err != nil {
				t.Fatal(err)
			}
			before["rpt"] = true // optional
			if !reflect.DeepEqual(before, after) {
				t.Errorf("written %s", written)
			}
		})
	}
}
