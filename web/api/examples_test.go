package api

import (
	"slices"
	"testing"

	"mxseal/web/problem"
)

// Every reason is shown by an example, but for those that no operation gives.
func TestExamplesOfProblems(t *testing.T) {
	shown := make(map[string]bool)
	for _, p := range exampleProblems {
		shown[p.Reason] = true
		if !slices.ContainsFunc(problem.Words, func(w problem.Word) bool { return w.Word == p.Reason }) {
			t.Errorf("%s: programs do not know the reason %q", p.Title, p.Reason)
		}
	}
	for _, w := range problem.Words {
		if !shown[w.Word] && w.Word != "no-such-address" {
			t.Errorf("there is no example of %s", w.Word)
		}
	}
}
