package templates

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"mxseal/checks/report"
)

// merits are all that a report can name.
var merits = []string{"DANE", "MTA-STS", "TLS enforced", "REQUIRETLS", "PQ", "reports"}

func TestEveryMeritIsExplainedWhereItStands(t *testing.T) {
	r := rich()
	r.Badges = merits
	html := render(t, ReportPage(frame, page(r)))
	for _, merit := range merits {
		word := wordOf(merit)
		if badgeText(merit) == "" || !slices.ContainsFunc(glossary, func(w term) bool { return w.id == word }) {
			t.Errorf("%s: %q, explained at %q", merit, badgeText(merit), word)
		}
		if want := fmt.Sprintf(`<a href="#%s">%s</a> <span>%s</span>`, word, badgeName(merit), badgeText(merit)); !strings.Contains(html, want) {
			t.Errorf("the page does not say %s", want)
		}
	}
	r.Badges = []string{"one of tomorrow"}
	if html := render(t, ReportPage(frame, page(r))); !strings.Contains(html, "<strong>one of tomorrow</strong>") {
		t.Error("a merit that this program does not know is lost")
	}
}

func TestStepsSayForWhom(t *testing.T) {
	for want, who := range map[string][]string{
		"1 step for you":                    {"owner"},
		"3 steps for you and the registrar": {"owner", "registrar", "owner"},
		"4 steps for the provider, you, whoever runs the mail server and somebody of tomorrow": {"provider", "owner", "server", "somebody of tomorrow"},
	} {
		var steps []report.Step
		for _, w := range who {
			steps = append(steps, report.Step{Who: w})
		}
		if got := work(steps); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// The short table says of two senders what the whole table says, the other way round.
func TestTheShortTable(t *testing.T) {
	r := page(rich())
	list := extremes(r.Rows())
	if len(list) != 2 || list[0].ID != "S1" || list[1].ID != "S6" {
		t.Fatalf("rows %+v", list)
	}
	html := render(t, short(r, r.Rows()))
	last := 0
	for i, a := range attackers {
		row := capital(a.Name)
		for _, sender := range list {
			if sender.Cells[i].Attacker != a || sender.Cells[i].Outcome != r.Matrix[report.Sender(sender.ID)][report.Attacker(a.ID)] {
				t.Errorf("%s, %s: %+v", sender.ID, a.ID, sender.Cells[i])
			}
		}
		at := strings.Index(html, row)
		if at < last {
			t.Errorf("%q is not there, or not in its place", row)
		}
		last = at
		for _, sender := range list {
			at := strings.Index(html[last:], "<span>"+outcomeWord(sender.Cells[i].Outcome)+"</span>")
			if at < 0 {
				t.Fatalf("%s: no %s", row, outcomeWord(sender.Cells[i].Outcome))
			}
			last += at + 1
		}
	}
	if html := render(t, short(r, nil)); html != "" {
		t.Errorf("nothing is known, and the table says %q", html)
	}
}

func TestLongListsOfCapsAreGroupedBySubject(t *testing.T) {
	c := Cap{Letter: "A"}
	for i := range 9 {
		c.Rules = append(c.Rules, CapRule{fmt.Sprintf("TLS-%02d", i), "tls", "one of nine"})
	}
	c.Rules = append(c.Rules, CapRule{"MX-05", "mx", "There is no MX record at {domain}"})
	html := render(t, GradesPage(frame, Method{Caps: []Cap{{"F", c.Rules[:1]}, c}}))
	for _, want := range []string{
		`>10 rules<`, `>TLS versions and ciphers <span class="count">9 rules</span>`, `>Mail exchangers <span class="count">1 rule</span>`, "‹domain›", "SMT-12", // the last of the words
	} {
		if !strings.Contains(html, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if n := strings.Count(html, `href="/checks/tls#TLS-`); n != 10 { // nine, and one of them for F too
		t.Errorf("%d rules of TLS, want 10", n)
	}
	if n := strings.Count(html, `class="subject"`); n != 2 {
		t.Errorf("%d subjects, want 2: a short list is not grouped", n)
	}
}

func TestSummariesCountWhatIsFolded(t *testing.T) {
	html := render(t, ReportPage(frame, page(rich())))
	for _, want := range []string{
		">3 servers, 2 of 3 addresses answer<", ">4 reports<", "the first 4 Aug 2026<", ">13 words<", "DNS, 3 mail servers, MTA-STS, TLS reporting<",
	} {
		if !strings.Contains(html, want) {
			t.Errorf("no summary says %q", want)
		}
	}
	if strings.Contains(html, `class="fold part" open`) {
		t.Error("a part is open from the start")
	}
}
