package software

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"mxseal/checks/report"
)

func TestFold(t *testing.T) {
	for _, c := range []struct {
		why        string
		edits, all []edit
	}{
		{"nothing", nil, nil},
		{"a list gets the words of all, each once", []edit{{"o", add, "a b"}, {"p", set, "v"}, {"o", add, "b c"}}, []edit{{"o", add, "a b c"}, {"p", set, "v"}}},
		{"words leave a list", []edit{{"o", drop, "a"}, {"o", drop, "b a"}}, []edit{{"o", drop, "a b"}}},
		{"what goes, goes once", []edit{{"o", unset, ""}, {"o", unset, ""}}, []edit{{"o", unset, ""}}},
		{"words come and others go", []edit{{"o", add, "a"}, {"o", drop, "b"}}, []edit{{"o", add, "a"}, {"o", drop, "b"}}},
	} {
		before := slices.Clone(c.edits)
		if got := fold(c.edits); !slices.Equal(got, c.all) {
			t.Errorf("%s: %v, want %v", c.why, got, c.all)
		}
		if !slices.Equal(before, c.edits) {
			t.Errorf("%s: it changed what it was given", c.why)
		}
	}
}

// Of one option there is one change, whatever was found, and no two settings want different values.
func TestSettingsAgree(t *testing.T) {
	for _, p := range programs {
		ops := make(map[string]edit)
		for _, name := range report.Settings {
			for _, e := range p.settings[name] {
				before, twice := ops[e.option]
				if twice && (before.op != e.op || e.op == set && before.value != e.value) {
					t.Errorf("%s %s, %s: %v, and elsewhere %v", p.Name, p.label, name, e, before)
				}
				ops[e.option] = e
			}
		}
		if lines, commands, _ := p.dialect(edit{"smtpd_tls_exclude_ciphers", add, "a"}, list{}); len(lines)+len(commands) == 0 {
			t.Errorf("%s: a list with a word is written as nothing", p.Name)
		}
		for name := range p.settings {
			if !slices.Contains(report.Settings, name) {
				t.Errorf("%s: %q is no setting", p.Name, name)
			}
		}
	}
}

// What Debian 12 has is tried word by word, in testdata/real; of the rest it is known where it was
// read, and when.
func TestEveryProgramIsTriedOrHasASource(t *testing.T) {
	sourced := regexp.MustCompile(`^20[0-9]{2}-[0-9]{2}-[0-9]{2} .`)
	tried := []string{"Postfix", "Exim of Debian or Ubuntu, with GnuTLS", "Sendmail"}
	for _, p := range programs {
		if name := strings.TrimSpace(p.Name + " " + p.label); slices.Contains(tried, name) == (p.source != "") || p.source != "" && !sourced.MatchString(p.source) {
			t.Errorf("%s has no dated source, or is tried and has one: %q", name, p.source)
		}
	}
	for _, name := range report.Settings {
		if len(postfix[name]) == 0 {
			t.Errorf("Postfix does not know %q", name)
		}
	}
}
