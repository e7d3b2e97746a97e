package browser

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"mxseal/checks/lab"
)

// lasting are domains whose checks take minutes.
var lasting = []string{"silent.test", "slow.test", "endless.test"}

// reports calls f with the latest report of every domain of the lab, in tabs without script.
func reports(t *testing.T, f func(t *testing.T, p *Tab, domain string)) {
	world, err := lab.New(lab.Options{})
	must(t, err)
	defer world.Close()
	var domains []string
	for _, d := range world.Domains() {
		if !slices.Contains(lasting, d.Name) {
			domains = append(domains, d.Name)
		}
	}
	const share = 20 // of one visitor within a minute
	for i, some := range slices.Collect(slices.Chunk(domains, share)) {
		t.Run(some[0], func(t *testing.T) {
			t.Parallel()
			by, p := site.By(byte(10+i)), tab(t, Views[0], false)
			for _, domain := range some {
				_, err := by.Ready(t.Context(), domain)
				must(t, err)
				f(t, p, domain)
			}
		})
	}
}

// sizes are those of a laptop and of a phone.
var sizes = [][2]int64{{1280, 800}, {375, 812}}

// Who opens a report sees without scrolling and without script what it says, what to do next and
// where the domain is; and a desktop has no longer page than a phone.
func TestTheFirstScreenOfEveryReport(t *testing.T) {
	t.Parallel()
	reports(t, func(t *testing.T, p *Tab, domain string) {
		var tall [2]float64
		for i, size := range sizes {
			must(t, p.Size(size[0], size[1]))
			status, err := p.Visit("/check/" + domain)
			must(t, err)
			if status != 200 {
				t.Fatalf("%s: status %d", domain, status)
			}
			// What is wrong with this instance is said above all pages, and no part of a report.
			must(t, p.Eval(`document.querySelector(".banner")?.remove()`, nil))
			var ends map[string]float64
			must(t, p.Eval(`Object.fromEntries([".sentence", ".tiles", ".next", ".stairs"].map(s => [s, document.querySelector(s)]).filter(([, e]) => e).map(([s, e]) => [s, e.getBoundingClientRect().bottom]))`, &ends))
			for part, y := range ends {
				if y > float64(size[1]) {
					t.Errorf("%s at %d×%d: %s ends at %.0f", domain, size[0], size[1], part, y)
				}
			}
			var letter string
			must(t, p.Eval(`document.querySelector("main .seal").getAttribute("aria-label")`, &letter))
			if graded := strings.HasPrefix(letter, "Grade"); ends[".sentence"] == 0 || graded != (ends[".stairs"] > 0) || graded && ends[".tiles"] == 0 {
				t.Errorf("%s, %s: the first screen has only %v", domain, letter, ends)
			}
			must(t, p.Eval(`document.documentElement.scrollHeight`, &tall[i]))
		}
		if tall[0] > tall[1] {
			t.Errorf("%s: %.0f pixels on a desktop, %.0f on a phone", domain, tall[0], tall[1])
		}
	})
}

// What is folded says how much it holds, a link that leads into it opens it, and all of it unfolds
// when somebody asks for that.
func TestPartsOfAReportAreFolded(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, scripts bool) {
		for _, v := range []View{{375, false}, {1280, false}} {
			p := tab(t, v, scripts)
			must(t, F.Open(t.Context(), p))
			var parts, open, uncounted int
			must(t, p.Eval(`document.querySelectorAll(".fold").length`, &parts))
			must(t, p.Eval(`document.querySelectorAll("main details[open]").length`, &open))
			must(t, p.Eval(`[...document.querySelectorAll(".fold > summary > .count")].filter(e => !/\d/.test(e.innerText)).length`, &uncounted))
			if parts < 5 || open != 0 || uncounted > 0 {
				t.Errorf("%s: %d parts, %d open, %d summaries that count nothing", v, parts, open, uncounted)
			}
			link, err := p.One("link", "^Glossary$")
			must(t, err)
			must(t, p.Click(link))
			must(t, p.Await(`document.querySelector("#word-dane").checkVisibility()`, patience))
			link, err = p.One("link", "^Show me how$")
			must(t, err)
			must(t, p.Click(link))
			must(t, p.Await(`document.querySelector("#how-1 .steps").checkVisibility()`, patience))
			link, err = p.One("link", "^Expand all$")
			must(t, err)
			must(t, p.Click(link))
			must(t, p.Await(`document.querySelectorAll("main details").length > 20 && !document.querySelector("main details:not([open])")`, patience))
		}
	})
}

// The filter of the findings needs no script.
func TestFindingsAreFiltered(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, scripts bool) {
		p := tab(t, Views[0], scripts)
		must(t, E.Open(t.Context(), p))
		must(t, p.Eval(`document.querySelector(".part-findings").open = true`, nil))
		for name, kinds := range map[string]string{"To do": ".v-fail, .v-warn", "Not tested": ".v-untested", "Passed": ".v-pass", "All": ".finding"} {
			choice, err := p.One("radio", "^"+name)
			must(t, err)
			must(t, p.Click(choice))
			must(t, p.Await(fmt.Sprintf(`[...document.querySelectorAll(".finding")].every(e => e.checkVisibility() === e.matches(%q))`, kinds), patience))
		}
	})
}

// The link of a report is copied by a button, which is there only with a script.
func TestTheLinkIsCopied(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, scripts bool) {
		p := tab(t, Views[0], scripts)
		must(t, F.Open(t.Context(), p))
		if !scripts {
			var shown bool
			must(t, p.Eval(`document.querySelector("[data-link]").checkVisibility()`, &shown))
			if shown {
				t.Error("a button that does nothing is shown")
			}
			return
		}
		must(t, p.Eval(`navigator.clipboard.writeText = async text => { document.title = text }`, nil))
		button, err := p.One("button", "^Copy link$")
		must(t, err)
		must(t, p.Click(button))
		must(t, p.Await(`document.querySelector("[data-link]").textContent === "Copied" && document.title === new URL(document.querySelector("[data-link]").dataset.link, location).href`, patience))
	})
}
