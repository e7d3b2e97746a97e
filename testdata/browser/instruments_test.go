package browser

import (
	_ "embed"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"
)

//go:embed faults.html
var faults string

// TestInstruments holds up a page with one of each fault, so that a suite that sees nothing
// is not one that is blind.
func TestInstruments(t *testing.T) {
	t.Parallel()
	bad := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/guarded":
			w.Header().Set("Content-Security-Policy", "default-src 'none'")
			fallthrough
		case "/":
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			fmt.Fprint(w, faults)
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(bad.Close)
	look := func(path string) *Tab {
		t.Helper()
		p, err := (&Chromium{site: &Site{URL: bad.URL}, ctx: chromium.ctx}).Tab(Views[3], true)
		must(t, err)
		t.Cleanup(p.Close)
		_, err = p.Visit(path)
		must(t, err)
		return p
	}
	sees := func(instrument string, found []string, err error, wanted ...string) {
		t.Helper()
		must(t, err)
		for _, w := range wanted {
			if !strings.Contains(strings.Join(found, "\n"), w) {
				t.Errorf("%s does not see %q; it sees:\n%s", instrument, w, strings.Join(found, "\n"))
			}
		}
	}

	p := look("/")
	must(t, p.Await("document.images[0].complete", patience))
	for end := time.Now().Add(patience); len(p.Noise()) < 5 && time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
	}
	sees("the watch", p.Noise(), nil, "console.log", "chatter", "dialog: hello", "another host: http://127.0.0.2:9/", "thrown", "404")
	sees("the watch", look("/guarded").Noise(), nil, "by script-src-elem", "by script-src-attr", "by style-src-elem", "missing.png by img-src")

	found, err := p.Frame()
	sees("Frame", found, err, "no language", "the title", "2 headings", "the id twice", "#nowhere", "missing.png")
	found, err = p.Sideways(Views[3])
	sees("Sideways", found, err, "1508 pixels", `id="wide"`)
	found, err = p.Clipped()
	sees("Clipped", found, err, `id="cut"`)
	found, err = p.Strange()
	sees("Strange", found, err, "element <font>", "element <script>", "attribute href=javascript:", "attribute onclick", "characters in the text", "characters in title")

	broken, err := p.Accessibility(axe, AllRules)
	var ids []string
	for _, v := range broken {
		ids = append(ids, v.ID)
	}
	sees("axe-core", ids, err, "color-contrast", "html-has-lang", "image-alt", "label")

	stops, err := p.Stops()
	must(t, err)
	var wrong []string
	for range stops {
		must(t, p.Type(kb.Tab))
		n, w, err := p.Focus()
		must(t, err)
		for _, w := range w {
			wrong = append(wrong, stops[n]+" "+w)
		}
	}
	sees("Focus", wrong, nil, "no outline has no outline", "faint outline has an outline of contrast 1.")

	folded, err := p.Folded()
	must(t, err)
	missing, err := p.Unprinted(folded)
	sees("Unprinted", missing, err, "Hidden on paper")
}
