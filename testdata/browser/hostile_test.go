package browser

import (
	"strings"
	"testing"
)

// The texts of hostile-text.test stand in banners, EHLO keywords, certificates, TXT and CAA
// records, an MX name and a policy. This much of each kind of markup a visitor must be able
// to read, since it is shown and not obeyed.
var readable = []string{"<script>alert('x')</script>", "<script>alert(1)</script>", "<b>", "<i>"}

func TestTextOfStrangersIsInert(t *testing.T) {
	t.Parallel()
	for _, place := range []Place{Hostile, permanent("permanent", "hostile-text.test"), badge("badge", "hostile-text.test")} {
		t.Run(place.Name, func(t *testing.T) {
			t.Parallel()
			both(t, func(t *testing.T, scripts bool) {
				p := tab(t, Views[0], scripts)
				must(t, place.Open(t.Context(), p))
				must(t, p.Unfold())
				found, err := p.Strange()
				none(t, "foreign", found, err)
				for _, v := range Views {
					must(t, p.Look(v))
					found, err := p.Sideways(v)
					none(t, v.String()+" sideways", found, err)
				}
				if strings.HasPrefix(place.Name, "badge") {
					return // nothing of the strangers' stands there
				}
				var text string
				must(t, p.Eval(`document.body.innerText`, &text))
				for _, r := range readable {
					if !strings.Contains(text, r) {
						t.Errorf("%s is not there to be read", r)
					}
				}
			})
		})
	}
}

func TestTypedMarkupIsInert(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, scripts bool) {
		p := tab(t, Views[0], scripts)
		const typed = `"><script>alert(1)</script><img src=x onerror=alert(2)>`
		_, err := p.Visit("/")
		must(t, err)
		status, err := p.Ask(typed)
		must(t, err)
		if status != 422 {
			t.Errorf("status %d", status)
		}
		found, err := p.Strange()
		none(t, "foreign", found, err)
		var value string
		must(t, p.Eval(`document.querySelector("[name=domain]").value`, &value))
		if value != typed {
			t.Errorf("the field holds %q", value)
		}
		for _, path := range []string{"/check/%3Cscript%3Ealert(1)%3C%2Fscript%3E", "/%22%3E%3Cimg%20src=x%20onerror=alert(1)%3E", "/report/%E2%80%AE%3Cb%3E"} {
			status, err := p.Visit(path)
			must(t, err)
			if status != 404 {
				t.Errorf("%s: status %d", path, status)
			}
			found, err := p.Strange()
			none(t, path, found, err)
		}
	})
}
