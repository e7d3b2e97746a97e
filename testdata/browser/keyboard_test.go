package browser

import (
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"
)

func TestTheWholeWayByKeyboard(t *testing.T) {
	t.Parallel()
	p := tab(t, Views[0], true)
	must(t, Home.Open(t.Context(), p))

	must(t, p.Type(kb.Tab))
	var skip bool
	must(t, p.Eval(`document.activeElement.matches('a[href="#main"]') && document.activeElement.getBoundingClientRect().left >= 0`, &skip))
	if !skip {
		t.Error("the first stop is no visible link past the head of the page")
	}
	must(t, p.Type(kb.Enter))
	must(t, p.Type(kb.Tab))
	var field bool
	must(t, p.Eval(`document.activeElement.name === "domain"`, &field))
	if !field {
		t.Fatal("behind the link past the head of the page, the field is not next")
	}
	must(t, p.Type("hidden-starttls.test"))
	status, err := p.Enter()
	must(t, err)
	if status != 200 {
		t.Errorf("status %d", status)
	}
	must(t, p.Await(isReport, time.Minute))

	// A folded section opens and closes.
	folded := `document.querySelector("main details:not([open]) > summary")`
	must(t, p.Eval(`window.folded = `+folded+`; window.folded.focus()`, nil))
	for _, want := range []bool{true, false, true} {
		must(t, p.Type(kb.Enter))
		must(t, p.Await(fmt.Sprintf("window.folded.parentElement.open === %t", want), patience))
	}
}

func TestTheKeyboardReachesEverything(t *testing.T) {
	t.Parallel()
	for _, place := range []Place{Home, APlus, F, History, Badge, To, Grades, Sender, Waiting, Verifies, at("check-dane", 200, "/checks/dane"), Refused, NotFound} {
		for _, v := range []View{{1280, false}, {375, true}} {
			t.Run(place.Name+" "+v.String(), func(t *testing.T) {
				t.Parallel()
				p := tab(t, v, true)
				must(t, place.Open(t.Context(), p))
				must(t, p.Unfold())
				stops, err := p.Stops()
				must(t, err)
				must(t, p.Eval(`document.activeElement.blur(); scrollTo(0, 0)`, nil))
				for want, stop := range stops {
					must(t, p.Type(kb.Tab))
					n, wrong, err := p.Focus()
					must(t, err)
					if n != want {
						t.Fatalf("Tab leads to stop %d; want %d, %q", n, want, stop)
					}
					for _, w := range wrong {
						t.Errorf("%q %s", stop, w)
					}
				}
				if len(stops) < 5 {
					t.Errorf("the page has only %d stops", len(stops))
				}
			})
		}
	}
}
