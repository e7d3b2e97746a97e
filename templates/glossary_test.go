package templates

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"mxseal/checks/report"
	"mxseal/checks/view"
)

// merits are all that a report can name.
var merits = []report.Badge{"DANE", "MTA-STS", "TLS enforced", "REQUIRETLS", "PQ", "reports"}

func TestEveryMeritIsExplainedWhereItStands(t *testing.T) {
	r := rich()
	r.Badges, r.Grade.Letter = merits, "B" // below it nobody cares for quantum computers
	html := render(t, ReportPage(frame, page(r)))
	for _, merit := range merits {
		word := view.TermOf(string(merit))
		if view.BadgeText(merit) == "" || !slices.ContainsFunc(view.Glossary(topics), func(w view.Entry) bool { return w.ID == word }) {
			t.Errorf("%s: %q, explained at %q", merit, view.BadgeText(merit), word)
		}
		if want := fmt.Sprintf(`<a href="#%s">%s</a> <span>%s</span>`, word, view.BadgeName(merit), view.BadgeText(merit)); !strings.Contains(html, want) {
			t.Errorf("the page does not say %s", want)
		}
	}
	r.Badges = []report.Badge{"one of tomorrow"}
	if html := render(t, ReportPage(frame, page(r))); !strings.Contains(html, "<strong>one of tomorrow</strong>") {
		t.Error("a merit that this program does not know is lost")
	}
}

// The short table says of three senders what the whole table says, the other way round.
func TestTheShortTable(t *testing.T) {
	r := page(rich())
	list := view.Kinds(r.Rows())
	if len(list) != 3 || list[0].ID != "S1" || list[1].ID != "S2" || list[2].ID != "S3" {
		t.Fatalf("rows %+v", list)
	}
	html := render(t, short(r.Rows()))
	last := 0
	for i, a := range view.Attackers() {
		row := view.Capital(a.Name)
		at := strings.Index(html, row)
		if at < last {
			t.Errorf("%q is not there, or not in its place", row)
		}
		last = at
		for _, sender := range list {
			at := strings.Index(html[last:], "<span>"+sender.Cells[i].Word+"</span>")
			if at < 0 {
				t.Fatalf("%s: no %s", row, sender.Cells[i].Word)
			}
			last += at + 1
		}
	}
	if html := render(t, short(nil)); html != "" {
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
		">3 servers, 2 of 3 addresses answer<", ">4 reports<", "the first 4 Aug 2026<", ">13 words<", "DNSSEC, MTA-STS, TLS reporting, 3 mail servers<",
	} {
		if !strings.Contains(html, want) {
			t.Errorf("no summary says %q", want)
		}
	}
	if strings.Contains(html, `<details class="fold part-findings" open`) {
		t.Error("a part is open from the start")
	}
}
