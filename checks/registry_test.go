package checks_test

import (
	"cmp"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"mxseal/checks"
	"mxseal/checks/report"
	"mxseal/checks/view"
)

// Every folder with a doc.md is a check that is listed, and each that is listed is whole.
func TestEveryCheckIsWhole(t *testing.T) {
	docs, err := filepath.Glob("*/doc.md")
	if err != nil {
		t.Fatal(err)
	}
	listed := make(map[string]bool)
	for _, c := range checks.All {
		folder := strings.ReplaceAll(string(c.ID), "-", "")
		listed[folder] = true
		for _, file := range []string{"doc.md", "check.go", "rules.go", "judge.go"} {
			if _, err := os.Stat(filepath.Join(folder, file)); err != nil {
				t.Errorf("%s: %v", c.ID, err)
			}
		}
		if c.Title == "" || len(c.Doc) < 200 || len(c.Rules) == 0 || c.Judge == nil {
			t.Errorf("%s lacks a title, a text, rules or a judge", c.ID)
		}
	}
	for _, doc := range docs {
		if folder := filepath.Dir(doc); !listed[folder] {
			t.Errorf("%s is not listed in checks.go", folder)
		}
	}
}

var (
	ruleID      = regexp.MustCompile(`^[A-Z]{2,3}-\d\d$`)
	placeholder = regexp.MustCompile(`\{[a-z_]+\}`)
	effect      = regexp.MustCompile(`^(noA\+|prov|T|N|T does-not-exist|T undeliverable|N no-address|cap [B-F]|D\.(mxdns|sts|stsLong|rpt)=\w+|M\.(pref|reach|addr|unsigned|tlsa|tls|forced|pkix|sts|rtls)=\w+)$`)
)

func TestEveryRuleIsWhole(t *testing.T) {
	seen := map[string]string{}
	whole := func(check string, r report.Rule) {
		if !ruleID.MatchString(r.ID) {
			t.Errorf("%s: %q is no rule id: an area and a number", check, r.ID)
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
		for _, e := range append(append([]report.Effect{}, r.Effects...), r.Fixed...) {
			if !effect.MatchString(string(e)) {
				t.Errorf("%s has the effect %q, which the grade does not know", r.ID, e)
			}
		}
	}
	for _, c := range checks.Every {
		for _, r := range c.Rules {
			whole(cmp.Or(string(c.ID), "a room that is no listed check"), r)
		}
	}
}

func TestExplainFillsEveryPlaceholder(t *testing.T) {
	f := report.Finding{Rule: "X", Host: "mx.example", Address: "192.0.2.1", Params: map[string]string{"name": "value"}}
	f.Explain(report.Rule{Title: "{domain} {host} {address} {name}"}, "example", view.Say)
	if f.Title != "example mx.example 192.0.2.1 value" {
		t.Errorf("filled to %q", f.Title)
	}
	if placeholder.MatchString(f.Title) {
		t.Error("a placeholder is left")
	}
}
