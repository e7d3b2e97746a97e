package browser

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
)

// both runs a test with and without JavaScript: every page must work without.
func both(t *testing.T, f func(t *testing.T, scripts bool)) {
	t.Run("with JavaScript", func(t *testing.T) { t.Parallel(); f(t, true) })
	t.Run("without JavaScript", func(t *testing.T) { t.Parallel(); f(t, false) })
}

// here are the address of the page, without scheme and host, and its first heading.
func here(t *testing.T, p *Tab) (path, heading string) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		var at []string // none while a page that follows events is loaded again
		err := p.Eval(`document.querySelector("h1") && [location.pathname + location.search + location.hash, document.querySelector("h1").innerText.trim()]`, &at)
		switch {
		case err == nil && len(at) == 2:
			return at[0], at[1]
		case time.Now().After(end):
			t.Fatalf("the page has no heading (last: %v)", err)
		}
	}
}

// isReport is a page with a letter and what it rests on.
const isReport = `document.querySelector("h1") && document.getElementById("evidence") && document.querySelector('svg[aria-label^="Grade"]')`

func TestTheWholeWay(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, scripts bool) {
		domain := map[bool]string{true: "stripped.test", false: "refused-tls.test"}[scripts]
		p := tab(t, Views[0], scripts)
		step := func(status int64, wantPath, wantHeading string) {
			t.Helper()
			path, heading := here(t, p)
			if status != 200 || !regexp.MustCompile("^"+wantPath+"$").MatchString(path) || !strings.Contains(heading, wantHeading) {
				t.Fatalf("status %d, address %s, heading %q; want 200, %s and %q", status, path, heading, wantPath, wantHeading)
			}
		}
		status, err := p.Visit("/")
		must(t, err)
		step(status, "/", "Who can read the mail")
		status, err = p.Ask("  Postmaster@" + strings.ToUpper(domain) + " ") // what people paste
		must(t, err)
		step(status, "/check/"+regexp.QuoteMeta(domain), domain)
		must(t, p.Await(isReport, time.Minute))
		step(200, "/check/"+regexp.QuoteMeta(domain), domain)
		_, err = p.One("image", "^Grade F$")
		must(t, err)

		status, err = p.Follow("link", "^Permanent link$")
		must(t, err)
		step(status, "/report/[a-z0-9]+", domain)
		report, _ := here(t, p)
		must(t, p.Unfold())
		status, err = p.Follow("link", "^STARTTLS, rule SMT-")
		must(t, err)
		step(status, "/checks/starttls#SMT-[0-9]+", "STARTTLS")
		var shown bool
		must(t, p.Eval(`document.querySelector(":target").checkVisibility()`, &shown))
		if !shown {
			t.Error("the link to the rule shows no rule")
		}
		must(t, p.Back())
		step(200, regexp.QuoteMeta(report), domain)
		status, err = p.Follow("link", "^Latest report$")
		must(t, err)
		step(status, "/check/"+regexp.QuoteMeta(domain), domain)
		status, err = p.Follow("link", "^mxseal$")
		must(t, err)
		step(status, "/", "Who can read the mail")
	})
}

func TestWrongInputIsExplainedAndCanBeMended(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, scripts bool) {
		p := tab(t, Views[2], scripts)
		for _, c := range []struct{ typed, reason string }{
			{"not a domain", "."},
			{"192.0.2.1", "(?i)address"}, // an address takes no MX record
		} {
			if _, err := p.Visit("/"); err != nil {
				t.Fatal(err)
			}
			status, err := p.Ask(c.typed)
			must(t, err)
			if status != 422 {
				t.Errorf("%q: status %d", c.typed, status)
			}
			field, err := p.One("textbox", "Mail domain")
			must(t, err)
			var value, invalid, alert string
			must(t, p.Eval(`document.querySelector("[name=domain]").value`, &value))
			must(t, p.Eval(`document.querySelector("[name=domain]").getAttribute("aria-invalid")`, &invalid))
			must(t, p.Eval(`document.querySelector("[role=alert]").innerText.trim()`, &alert))
			if value != c.typed || invalid != "true" {
				t.Errorf("%q: the field holds %q, aria-invalid %q", c.typed, value, invalid)
			}
			if !regexp.MustCompile(c.reason).MatchString(alert) || field.Description != alert {
				t.Errorf("%q: the reason is %q, and the field is described by %q", c.typed, alert, field.Description)
			}
		}
		status, err := p.Ask("null-mx.test")
		must(t, err)
		if path, _ := here(t, p); status != 200 || path != "/check/null-mx.test" {
			t.Errorf("mended: status %d at %s", status, path)
		}
	})
}

func TestAnEmptyFieldIsNotSent(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, scripts bool) {
		p := tab(t, Views[0], scripts)
		_, err := p.Visit("/")
		must(t, err)
		button, err := p.One("button", "^Check$")
		must(t, err)
		must(t, p.Click(button))
		must(t, p.Await(`document.activeElement.name === "domain"`, patience)) // the browser points at it
		if n := len(p.Answers(network.ResourceTypeDocument)); n != 1 {
			t.Errorf("%d pages were loaded", n)
		}
	})
}

func TestWhatIsNotThere(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, scripts bool) {
		p := tab(t, Views[0], scripts)
		for _, place := range []Place{NoReport, NoCheck, NotFound, NotADomain} {
			must(t, place.Open(t.Context(), p))
			_, err := p.One("textbox", "Mail domain") // a way on
			must(t, err)
		}
		must(t, Unchecked.Open(t.Context(), p))
		_, err := p.One("button", "^Check reports.test$")
		must(t, err)
		must(t, Unchecked.Open(t.Context(), p)) // looking has started nothing
	})
}
