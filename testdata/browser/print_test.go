package browser

import (
	"slices"
	"testing"
)

// On paper a report is a page or two; only the largest are longer.
func TestAReportIsTwoPagesOfPaper(t *testing.T) {
	t.Parallel()
	longer := make(chan string, 200)
	t.Run("reports", func(t *testing.T) {
		reports(t, func(t *testing.T, p *Tab, domain string) {
			_, err := p.Visit("/check/" + domain)
			must(t, err)
			n, err := p.Sheets()
			must(t, err)
			if n > 2 {
				longer <- domain
			}
		})
	})
	close(longer)
	var list []string
	for domain := range longer {
		list = append(list, domain)
	}
	slices.Sort(list)
	if len(list) > 5 {
		t.Errorf("%d reports take more than two pages: %v", len(list), list)
	}
	t.Logf("more than two pages: %v", list)
}

// Who wants all of it on paper expands it first.
func TestPaperShowsEverythingOnRequest(t *testing.T) {
	t.Parallel()
	for _, place := range []Place{APlus, F, Hostile} {
		t.Run(place.Name, func(t *testing.T) {
			t.Parallel()
			p := tab(t, Views[1], false)
			must(t, place.Open(t.Context(), p))
			folded, err := p.Folded()
			must(t, err)
			if len(folded) < 20 {
				t.Fatalf("only %d texts are folded", len(folded))
			}
			_, err = p.Follow("link", "^Expand all$")
			must(t, err)
			missing, err := p.Unprinted(folded)
			none(t, "not on the paper", missing, err)
		})
	}
}
