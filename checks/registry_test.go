package checks_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"mxseal/checks"
	"mxseal/checks/input"
	"mxseal/checks/report"
	"mxseal/checks/self"
)

// folders are the checks' folders where they differ from the id.
var folders = map[report.CheckID]string{"mta-sts": "mtasts", "tls-rpt": "tlsrpt"}

func TestEveryCheckIsWhole(t *testing.T) {
	want := "mx starttls certificate tls dnssec dane mta-sts tls-rpt"
	var ids []string
	for _, c := range checks.All {
		ids = append(ids, string(c.ID))
		folder := string(c.ID)
		if f := folders[c.ID]; f != "" {
			folder = f
		}
		for _, file := range []string{"doc.md", "rules.go", "gather.go", "judge.go"} {
			if _, err := os.Stat(filepath.Join(folder, file)); err != nil {
				t.Errorf("%s: %v", c.ID, err)
			}
		}
		if c.Title == "" || len(c.Doc) < 200 || len(c.Rules) == 0 || c.Judge == nil {
			t.Errorf("%s lacks a title, a text, rules or a judge", c.ID)
		}
	}
	if got := strings.Join(ids, " "); got != want {
		t.Errorf("the checks are %q, want %q", got, want)
	}
}

var (
	ruleID      = regexp.MustCompile(`^(INP|MX|NET|SMT|ENF|TLS|CRT|SEC|DAN|STS|RPT|NBR|HIS|OPS)-\d\d$`)
	placeholder = regexp.MustCompile(`\{[a-z_]+\}`)
	effect      = regexp.MustCompile(`^(noA\+|prov|T|N|T does-not-exist|T undeliverable|N no-address|cap [B-F]|D\.(mxdns|sts|stsLong|rpt)=\w+|M\.(pref|reach|addr|unsigned|tlsa|tls|forced|pkix|sts|rtls)=\w+)$`)
)

func TestEveryRuleIsWhole(t *testing.T) {
	seen := map[string]string{}
	whole := func(check string, r report.Rule) {
		if !ruleID.MatchString(r.ID) {
			t.Errorf("%s: %q is no rule id of the catalogue's areas", check, r.ID)
		}
		if other, twice := seen[r.ID]; twice {
			t.Errorf("%s stands in %s and in %s", r.ID, other, check)
		}
		seen[r.ID] = check
		if r.Title == "" || r.Reference == "" || r.Verdict == "" {
			t.Errorf("%s lacks a title, a verdict or a reference", r.ID)
		}
		if r.Text == "" && r.Verdict != report.Pass {
			t.Errorf("%s does not say what it means for the mail", r.ID)
		}
		if strings.ContainsAny(r.Title, "\n") || len(r.Title) > 140 {
			t.Errorf("%s: the title is no short line", r.ID)
		}
		for _, e := range append(append([]report.Effect{}, r.Effects...), r.Repaired...) {
			if !effect.MatchString(string(e)) {
				t.Errorf("%s has the effect %q, which the grade does not know", r.ID, e)
			}
		}
	}
	for _, c := range checks.All {
		for _, r := range c.Rules {
			whole(string(c.ID), r)
		}
	}
	for _, r := range append(append(report.Rules{}, input.Rules...), self.Rules...) {
		whole("the engine", r)
	}
}

func TestExplainFillsEveryPlaceholder(t *testing.T) {
	f := report.Finding{Rule: "X", Host: "mx.example", Address: "192.0.2.1", Params: map[string]string{"name": "value"}}
	f.Explain(report.Rule{Title: "{domain} {host} {address} {name}"}, "example")
	if f.Title != "example mx.example 192.0.2.1 value" {
		t.Errorf("filled to %q", f.Title)
	}
	if placeholder.MatchString(f.Title) {
		t.Error("a placeholder is left")
	}
}
