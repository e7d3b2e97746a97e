package browser

import (
	"fmt"
	"testing"
)

// Who has ten minutes and a phone meets within two screens all that a report is for.
func TestTheFirstTwoScreensOfAPhone(t *testing.T) {
	t.Parallel()
	const width, height = 375, 812 // a phone of 2020, in its own pixels
	for _, c := range []struct {
		place Place
		first bool // there is something to do
	}{{F, true}, {APlus, false}} {
		t.Run(c.place.Name, func(t *testing.T) {
			t.Parallel()
			both(t, func(t *testing.T, scripts bool) {
				p := tab(t, View{width, false}, scripts)
				must(t, c.place.Open(t.Context(), p))
				below := func(what, selector string) {
					t.Helper()
					var y float64
					must(t, p.Eval(fmt.Sprintf(`(e => e && e.checkVisibility() ? e.getBoundingClientRect().bottom + scrollY : 1e9)(document.querySelector(%q))`, selector), &y))
					if y > 2*height {
						t.Errorf("%s ends at %.0f pixels, below the second screen", what, y)
					}
				}
				below("the letter", `main svg[aria-label^="Grade"]`)
				below("its sentence", ".sentence")
				if c.first {
					below("what to do first, and who has to", ".first li:last-child summary")
				}
				below("who can read the mail", ".short tr:last-child")
			})
		})
	}
}

// What is folded says how much it holds; a link that leads into it opens it.
func TestPartsOfAReportAreFolded(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, scripts bool) {
		for _, v := range []View{{375, false}, {1280, false}} {
			p := tab(t, v, scripts)
			must(t, F.Open(t.Context(), p))
			var parts, open, uncounted, words int
			must(t, p.Eval(`document.querySelectorAll(".part").length`, &parts))
			must(t, p.Eval(`document.querySelectorAll(".part[open]").length`, &open))
			must(t, p.Eval(`[...document.querySelectorAll(".fold > summary > .count")].filter(e => !/\d/.test(e.innerText)).length`, &uncounted))
			must(t, p.Eval(`document.querySelectorAll(".fold:not(.part) #words").length`, &words))
			if want := map[bool]int{true: parts}[scripts && v.Width > 736]; parts < 4 || open != want {
				t.Errorf("%s: %d of %d parts are open; want %d", v, open, parts, want)
			}
			if uncounted > 0 || words != 1 {
				t.Errorf("%s: %d summaries count nothing; %d glossaries", v, uncounted, words)
			}
			link, err := p.One("link", "^Glossary$")
			must(t, err)
			must(t, p.Click(link))
			must(t, p.Await(`document.querySelector("#word-dane").checkVisibility()`, patience))
		}
	})
}
