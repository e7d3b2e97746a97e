package browser

import (
	"testing"
)

func TestPaperShowsWhatIsFolded(t *testing.T) {
	t.Parallel()
	for _, place := range []Place{APlus, F, Hostile} {
		t.Run(place.Name, func(t *testing.T) {
			t.Parallel()
			p := tab(t, Views[1], true)
			must(t, place.Open(t.Context(), p))
			folded, err := p.Folded()
			must(t, err)
			if len(folded) < 20 {
				t.Fatalf("only %d texts are folded", len(folded))
			}
			missing, err := p.Unprinted(folded)
			none(t, "not on the paper", missing, err)
		})
	}
}
