package templates

import (
	"strings"
	"testing"

	"mxseal/checks"
	"mxseal/checks/report"
	"mxseal/checks/view"
)

// writing is the page for who writes from there to the domain of a report.
func writing(r *report.Report, from string) To {
	o, known := view.OriginOf(from)
	if !known {
		o, _ = view.OriginOf(view.UnknownOrigin)
	}
	t := To{Report: checks.View(r), Chosen: known}
	t.Answer = t.To(o)
	return t
}

// The block asks without a script, and keeps what was chosen.
func TestWhereFrom(t *testing.T) {
	html := render(t, WhereFrom(Where{Domain: "example.org", Chosen: "posteo"}))
	for _, want := range []string{`method="get"`, `action="/to/example.org"`, `<label for="from">Where do you send from?</label>`, `<option value="posteo" selected>Posteo</option>`, `<option value="unknown">I don’t know</option>`, `type="submit"`} {
		if !strings.Contains(html, want) {
			t.Errorf("the block does not say %s:\n%s", want, html)
		}
	}
	if n := strings.Count(html, "<option"); n != len(view.Origins) {
		t.Errorf("%d to choose from, want %d", n, len(view.Origins))
	}
	if html := render(t, WhereFrom(Where{Domain: "example.org"})); !strings.Contains(html, `value="unknown" selected`) {
		t.Errorf("who has chosen nothing has not said that they do not know: %s", html)
	}
	if html := render(t, WhereFrom(Where{Domain: "example.org", Chosen: hostile, Problem: "Choose."})); strings.Contains(html, "alert(") || !strings.Contains(html, `aria-describedby="from-problem"`) {
		t.Errorf("what was typed comes back: %s", html)
	}
}

func TestThePageForWhoWritesSays(t *testing.T) {
	for _, c := range []struct {
		why  string
		page To
		want []string
	}{
		{"Gmail", writing(rich(), "gmail"), []string{"from Gmail", "No attack", "Blocked, safe", "Gmail checks MTA-STS.", "support.google.com", "Mail security of bücher.org: E (provisional)", "Not everything could be tested"}},
		{"software that the suite measures", writing(rich(), "postfix"), []string{"Postfix as Debian installs it encrypts where it can, and checks nothing.", "We measured that in our own tests."}},
		{"who does not know", writing(rich(), ""), []string{"If you write to bücher.org, ", "Most mail servers encrypt where they can", "Mail from an ordinary server to bücher.org"}},
		{"a domain that takes no mail", writing(noMail(), "gmail"), []string{"comes back to you: the domain takes no mail.", "no mail</strong>"}},
		{"a domain that could not be tested", writing(unreachable(), "gmail"), []string{"We do not know what happens to mail", "not tested</strong>"}},
	} {
		html := render(t, ToPage(frame, c.page))
		for _, want := range c.want {
			if !strings.Contains(html, want) {
				t.Errorf("%s: the page does not say %q", c.why, want)
			}
		}
	}
}
