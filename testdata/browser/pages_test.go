package browser

import "testing"

func TestEveryPage(t *testing.T) {
	for _, place := range Places() {
		t.Run(place.Name, func(t *testing.T) {
			t.Parallel()
			p := tab(t, Views[0], true)
			must(t, place.Open(t.Context(), p))
			stands(t, p)
		})
	}
}

// stands looks at a page with all instruments, in every view. It ends in the first, unfolded.
func stands(t *testing.T, p *Tab) {
	t.Helper()
	found, err := p.Frame()
	none(t, "frame", found, err)
	found, err = p.Strange()
	none(t, "foreign", found, err)
	for _, v := range Views {
		must(t, p.Look(v))
		found, err := p.Sideways(v)
		none(t, v.String()+" sideways", found, err)
	}
	must(t, p.Unfold())
	for i, v := range Views {
		must(t, p.Look(v))
		found, err := p.Sideways(v)
		none(t, v.String()+" unfolded, sideways", found, err)
		found, err = p.Clipped()
		none(t, v.String()+" clipped", found, err)
		rules := AllRules
		if i%2 == 1 { // the width is the same, so is all but the colours
			rules = ColourRules
		}
		broken, err := p.Accessibility(axe, rules)
		none(t, v.String()+" accessibility", broken, err)
	}
	must(t, p.Look(Views[0]))
}
