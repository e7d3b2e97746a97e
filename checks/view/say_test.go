package view

import (
	"regexp"
	"strings"
	"testing"

	"mxseal/checks/report"
)

var says = regexp.MustCompile(`Says\w+ +Says = "([a-z0-9-]+)"`)

// Every code has its words, and no words are without a code.
func TestEveryStatementHasWords(t *testing.T) {
	var source string
	for _, file := range []string{"says.go", "says_records.go", "says_findings.go"} {
		text, err := report.Source.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		source += string(text)
	}
	codes := make(map[report.Says]bool)
	for _, m := range says.FindAllStringSubmatch(source, -1) {
		if code := report.Says(m[1]); codes[code] || wordings[code] == "" {
			t.Errorf("%s stands twice, or has no words", code)
		}
		codes[report.Says(m[1])] = true
	}
	if len(codes) < 100 || len(codes) != len(wordings) {
		t.Errorf("%d codes, words for %d", len(codes), len(wordings))
	}
}

func TestSay(t *testing.T) {
	fault := report.Say(report.SaysNoKeys, "zone", "example.org")
	for _, c := range []struct {
		s    report.Statement
		want string
	}{
		{report.Statement{}, ""},
		{report.Statement{Code: "of-tomorrow"}, "of-tomorrow"},
		{report.Say(report.SaysDidNotAnswer), "did not answer in time"},
		{report.Say(report.SaysServerSilent, "server", "{of} {zone}"), "{of} {zone} does not answer."},
		{report.Say(report.SaysResolverRefuses, "resolver", "192.0.2.1:53", "rcode", "REFUSED", "question", "MX of example.org"),
			"The resolver 192.0.2.1:53 answered REFUSED for MX of example.org. It must allow recursive queries from here."},
		{report.Say(report.SaysServerFails, "server", "ns1").About(fault), "ns1: " + Say(fault)},
		{report.Say(report.SaysEnded, "phase", report.PhaseEHLO, "peer", "192.0.2.1:25", "kind", "timeout").About(report.Say(report.SaysDidNotAnswer)),
			"ehlo: 192.0.2.1:25 did not answer in time; ask again later"},
		{report.Say(report.SaysServersSpecial, "place", "."), "The name servers of the root have special-purpose addresses only, which are never contacted, so none was asked directly."},
		{report.Say(report.SaysReplied, "reply", "a\x1b[31mb\u202e"), "said"},
	} {
		if got := Say(c.s); got != c.want && c.want != "said" || strings.ContainsAny(got, "\x1b\u202e") {
			t.Errorf("%+v: %q, want %q", c.s, got, c.want)
		}
	}
}
