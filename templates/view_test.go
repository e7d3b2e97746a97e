package templates

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"mxseal/checks/report"
)

func TestRowsWorthShowing(t *testing.T) {
	ids := func(r Report) string {
		var list []string
		for _, row := range r.Rows() {
			list = append(list, row.ID)
		}
		return strings.Join(list, " ")
	}
	r := page(rich())
	if got := ids(r); got != "S0 S1 S2 S3 S4 S5 S6" {
		t.Errorf("rows %s: helpers and what equals S2 have none", got)
	}
	r.Matrix["S2"] = outcomesOf("ENC ENC CLEAR STOLEN STOLEN STOLEN")
	if got := ids(r); got != "S0 S1 S2 S2L S3 S4 S5 S6" {
		t.Errorf("rows %s: S2L differs from S2 and is worth a row", got)
	}
	if !r.FirstContact() {
		t.Error("the first contact fares worse and deserves its footnote")
	}
	r.Matrix["S3C"] = r.Matrix["S3"]
	if r.FirstContact() {
		t.Error("the first contact fares no worse")
	}
	r.Matrix = nil
	if got := ids(r); got != "" {
		t.Errorf("rows %s without a matrix", got)
	}
}

func TestFindingsAreFoldedAndOrdered(t *testing.T) {
	at := func(rule string, v report.Verdict, host, title string) report.Finding {
		return report.Finding{Rule: rule, Check: "tls", Verdict: v, Host: host, Title: title}
	}
	r := page(&report.Report{Conclusions: report.Conclusions{Findings: []report.Finding{
		at("TLS-41", report.Info, "a.example", "post-quantum"),
		at("TLS-03", report.Warn, "a.example", "old TLS"),
		at("TLS-41", report.Info, "b.example", "post-quantum"), // says the same elsewhere
		at("TLS-20", report.Fail, "a.example", "broken at a"),
		at("TLS-20", report.Fail, "b.example", "broken at b"), // says something else
		{Rule: "XYZ-01", Check: "later", Verdict: report.Pass, Title: "a check this program does not know"},
	}}})
	groups := r.Groups()
	if len(groups) != 2 || groups[0].ID != "tls" || groups[1].ID != "later" {
		t.Fatalf("groups %+v", groups)
	}
	var got []string
	for _, i := range groups[0].Items {
		got = append(got, i.Anchor+"|"+i.Title+"|"+strings.Join(i.Places, ","))
	}
	want := []string{"TLS-20|broken at a|a.example", "|broken at b|b.example", "TLS-03|old TLS|a.example", "TLS-41|post-quantum|a.example,b.example"}
	if !slices.Equal(got, want) {
		t.Errorf("items\n%q, want\n%q", got, want)
	}
	if grave := groups[0].Grave(); len(grave) != 3 || !grave[0].Open || grave[2].Open {
		t.Errorf("grave items %+v: faults open, weak spots at hand, notes folded", grave)
	}
}

func TestOverviewTakesWordsFromEvidenceAndMarksFromFindings(t *testing.T) {
	lines := page(rich()).Overview()
	var got []string
	for _, l := range lines {
		line := l.Host.Name + " " + l.NotReached
		for _, s := range l.Stages {
			line += s.Word + " (" + string(s.Verdict) + ") "
		}
		got = append(got, strings.TrimSpace(line))
	}
	want := []string{
		"mx1.xn--bcher-kva.org enforced (pass) TLS 1.3 (info) valid (warn) matches (pass) in the policy (pass)",
		"mx1.xn--bcher-kva.org 2001:db8::25 did not answer on port 25 within 15 s",
		"mx2.example.net not offered (fail) none () none seen () unsigned () not in the policy (fail)",
		"mx3.example.net gone.example.net does not exist",
	}
	if !slices.Equal(got, want) {
		t.Errorf("overview\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestBlocks(t *testing.T) {
	for doc, want := range map[string][]Block{
		"":                           nil,
		"# A `b` c #":                {{Kind: "heading", Level: 1, Text: []Span{{Text: "A "}, {Style: "code", Text: "b"}, {Text: " c"}}}},
		"one\ntwo\n\nthree":          {{Kind: "paragraph", Text: []Span{{Text: "one two"}}}, {Kind: "paragraph", Text: []Span{{Text: "three"}}}},
		"- a\n  more\n- *b*\n\n1. c": {{Kind: "list", Items: [][]Span{{{Text: "a more"}}, {{Style: "em", Text: "b"}}}}, {Kind: "numbered", Items: [][]Span{{{Text: "c"}}}}},
		"```\n# <code>\n```\n":       {{Kind: "code", Code: "# <code>"}},
		"```\nnever closed":          {{Kind: "code", Code: "never closed"}},
		"**s** [t](/checks/dane) [u](https://example.org/) <https://example.org>": {{Kind: "paragraph", Text: []Span{
			{Style: "strong", Text: "s"}, {Text: " "}, {Style: "link", Text: "t", To: "/checks/dane"}, {Text: " "},
			{Style: "link", Text: "u", To: "https://example.org/"}, {Text: " "}, {Style: "link", Text: "https://example.org", To: "https://example.org"}}}},
		"[x](javascript:alert(1)) [y](//evil.example)": {{Kind: "paragraph", Text: []Span{{Text: "x"}, {Text: ") "}, {Text: "y"}}}}, // no such links
		"2 * 3 * 4": {{Kind: "paragraph", Text: []Span{{Text: "2 * 3 * 4"}}}},
	} {
		if got := Blocks(doc); !reflect.DeepEqual(got, want) {
			t.Errorf("%q\ngives %+v\nwant  %+v", doc, got, want)
		}
	}
}

func FuzzBlocks(f *testing.F) {
	f.Add("# a\n\n- b\n```\nc")
	f.Fuzz(func(t *testing.T, doc string) {
		for _, b := range Blocks(doc) {
			for _, s := range b.Text {
				if s.Style == "link" && !strings.HasPrefix(s.To, "http") && !strings.HasPrefix(s.To, "/") && !strings.HasPrefix(s.To, "#") {
					t.Errorf("a link to %q", s.To)
				}
			}
		}
	})
}

func TestWords(t *testing.T) {
	for got, want := range map[string]string{
		version("TLS1.3"): "TLS 1.3", version("SSL3"): "SSL 3", version("odd"): "odd",
		duration(604800): "7 days", duration(86400): "1 day", duration(5400): "90 minutes", duration(1): "1 second",
		general("{host} at {address}"):      "‹host› at ‹address›",
		effectWord("cap C"):                 "grade C at best",
		effectWord("M.tls=no"):              "TLS: no",
		effectWord("noA+"):                  "no A+",
		zoneName("."):                       "the root",
		algorithm(13) + " " + digestType(2): "ECDSAP256 SHA-256",
		algorithm(99) + " " + digestType(9): "algorithm 99 digest 9",
		stateWord(report.Bogus):             "signature wrong",
		gradeLabel("A+") + gradeLabel("F"):  "Grade A plusGrade F",
		outcomeWord("NEW"):                  "Unknown",
		outcomeClass(`"><script>`):          "unknown",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	for _, o := range outcomes {
		if outcomeText(o) == "" || outcomeWord(o) == "Unknown" || outcomeClass(o) == "unknown" {
			t.Errorf("no words for %s", o)
		}
	}
}
