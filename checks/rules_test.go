package checks_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"mxseal/checks"
	"mxseal/checks/history"
	"mxseal/checks/report"
)

// numbers are the ids of the rule catalogue by area. Those that were added to it later stand
// behind the comma.
var numbers = map[string]string{
	"INP": "1-16",
	"MX":  "1-26, 27-37",
	"NET": "1-7, 8-11",
	"SMT": "1-28, 29-30 34-36",
	"ENF": "1-9",
	"TLS": "1-10 20-44 50-63, 64-69 75",
	"CRT": "1-25, 26-32",
	"SEC": "1-28, 29-30 35-42",
	"DAN": "1-35, 36-39 42 45-46 49-52",
	"STS": "1-41, 42-45 47-50",
	"RPT": "1-11, 12-19",
	"NBR": "1-7, 8-9",
	"HIS": "1-5",
}

// ids writes the numbers out.
func ids(t *testing.T) []string {
	var all []string
	for area, spans := range numbers {
		for span := range strings.FieldsSeq(strings.ReplaceAll(spans, ",", " ")) {
			first, last, found := strings.Cut(span, "-")
			if !found {
				last = first
			}
			from, err := strconv.Atoi(first)
			if err != nil {
				t.Fatal(err)
			}
			to, err := strconv.Atoi(last)
			if err != nil {
				t.Fatal(err)
			}
			for n := from; n <= to; n++ {
				all = append(all, fmt.Sprintf("%s-%02d", area, n))
			}
		}
	}
	slices.Sort(all)
	return all
}

var leftOut = regexp.MustCompile(`(?m)^\| ([A-Z]+-\d\d) \| (.+) \|$`)

// Every rule of the catalogue is either implemented or left out with a reason, and there is
// no rule beside it in its areas.
func TestEveryRuleOfTheCatalogue(t *testing.T) {
	doc, err := os.ReadFile("doc.md")
	if err != nil {
		t.Fatal(err)
	}
	reasons := map[string]string{}
	for _, row := range leftOut.FindAllStringSubmatch(string(doc), -1) {
		if reasons[row[1]] != "" {
			t.Errorf("doc.md: %s stands there twice", row[1])
		}
		reasons[row[1]] = row[2]
	}
	if len(reasons) == 0 {
		t.Fatal("doc.md has no table of rules that are left out")
	}
	rules := allRules()
	implemented := map[string]bool{}
	for _, rule := range rules {
		implemented[rule.ID] = true
	}
	catalogue := ids(t)
	for _, id := range catalogue {
		switch {
		case implemented[id] && reasons[id] != "":
			t.Errorf("%s is implemented; delete its row in doc.md", id)
		case !implemented[id] && reasons[id] == "":
			t.Errorf("%s is neither implemented nor left out with a reason in doc.md", id)
		}
	}
	for _, rule := range rules {
		area, _, _ := strings.Cut(rule.ID, "-")
		if numbers[area] != "" && !slices.Contains(catalogue, rule.ID) {
			t.Errorf("%s is no rule of the catalogue; an addition goes into the list above and into doc.md", rule.ID)
		}
	}
	for id := range reasons {
		if !slices.Contains(catalogue, id) {
			t.Errorf("doc.md: %s is no rule of the catalogue", id)
		}
	}
}

// Rules about the past say what to do, and leave the grade to what is seen today.
func TestHistoryRulesAreWhole(t *testing.T) {
	for _, rule := range history.Rules {
		if rule.Title == "" || rule.Text == "" || rule.Reference == "" || rule.Verdict == "" || len(rule.Title) > 140 {
			t.Errorf("%s lacks a title, a text, a verdict or a reference", rule.ID)
		}
		if rule.Verdict == report.Fail && rule.FixText == "" {
			t.Errorf("%s fails somebody without saying what to do", rule.ID)
		}
		if len(rule.Effects) > 0 {
			t.Errorf("%s touches the grade: the past must not, only what is seen today", rule.ID)
		}
	}
}

// allRules are the rows of every check.
func allRules() (rules report.Rules) {
	for _, c := range checks.Every {
		rules = append(rules, c.Rules...)
	}
	return rules
}
