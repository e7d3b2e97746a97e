package remedy

import (
	"maps"
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
		for _, name := range inOrder {
			for _, e := range p.settings[name] {
				before, twice := ops[e.option]
				if twice && (before.op != e.op || e.op == set && before.value != e.value) {
					t.Errorf("%s %s, %s: %v, and elsewhere %v", p.name, p.label, name, e, before)
				}
				ops[e.option] = e
			}
		}
		if lines, commands, _ := p.write([]edit{{"smtpd_tls_exclude_ciphers", add, "a"}}); len(lines)+len(commands) == 0 && p.dialect != nil {
			t.Errorf("%s: a list with a word is written as nothing", p.name)
		}
		for name := range p.settings {
			if !slices.Contains(inOrder, name) {
				t.Errorf("%s: %q is no setting", p.name, name)
			}
		}
	}
}

// Two findings of one server show the same line for an option, and it holds what each of them
// shows alone. So it does not matter which is mended first, or whether one is.
func TestFindingsOfOneServerDoNotUndoEachOther(t *testing.T) {
	var rules []string // one for every fix: rules with the same settings have the same
	fixes := make(map[string]bool)
	for _, rule := range slices.Sorted(maps.Keys(table)) {
		row := table[rule]
		if fix := row.change + strings.Join(row.settings, ","); len(row.settings) > 0 && !fixes[fix] {
			rules, fixes[fix] = append(rules, rule), true
		}
	}
	pairs := 0
	for _, p := range programs {
		show := func(shown []report.Finding, f report.Finding) map[string]string {
			r := domain("mx.example.net", p.name, p.said)
			r.Findings = shown
			return optionsIn(t, For(r, f))
		}
		for i, one := range rules {
			a := found(one, "mx.example.net")
			alone := show([]report.Finding{a}, a)
			for _, other := range rules[i+1:] {
				pairs++
				b := found(other, "mx.example.net")
				both := []report.Finding{a, b}
				forA, forB, aloneB := show(both, a), show(both, b), show([]report.Finding{b}, b)
				for option, line := range forA {
					if twin, same := forB[option]; same && twin != line {
						t.Errorf("%s, %s and %s: %s is\n%s\nand\n%s", p.name, one, other, option, line, twin)
					}
				}
				for _, side := range []struct{ alone, now map[string]string }{{alone, forA}, {aloneB, forB}} {
					for option, line := range side.alone {
						for _, word := range words(line) {
							if !slices.Contains(words(side.now[option]), word) {
								t.Errorf("%s, %s and %s: %s loses %q:\n%s\n%s", p.name, one, other, option, word, line, side.now[option])
							}
						}
					}
				}
			}
		}
	}
	if want := len(programs) * len(rules) * (len(rules) - 1) / 2; pairs != want || pairs < 800 {
		t.Errorf("%d pairs, want %d", pairs, want)
	}
}

// words of a line, whatever is between them.
func words(line string) []string {
	return strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune(" ,:'\"`()", r) })
}

// optionsIn are the lines of steps by the option that they change.
func optionsIn(t *testing.T, steps []report.Step) map[string]string {
	t.Helper()
	lines := make(map[string]string)
	for _, s := range steps {
		for line := range strings.SplitSeq(s.Code, "\n") {
			option := ""
			switch {
			case strings.HasPrefix(line, "postconf "):
				f := words(line)
				option = f[1] + " " + strings.SplitN(f[2], "=", 2)[0]
			case s.Kind == "config" && strings.HasPrefix(line, "define("):
				option = words(line)[1]
			case s.Kind == "config":
				option, _, _ = strings.Cut(line, "=")
				if strings.HasPrefix(line, "listen on") || strings.HasPrefix(line, "pki ") {
					option = strings.Join(strings.Fields(line)[:3], " ")
				} else if strings.HasPrefix(line, "ciphers ") {
					option = "ciphers"
				}
			default:
				continue
			}
			key := s.Where + " " + strings.TrimSpace(option)
			if before, twice := lines[key]; twice && s.Who == "server" && before != line && !strings.HasPrefix(s.Where, "PowerShell") {
				t.Errorf("%s stands twice:\n%s\n%s", key, before, line)
			}
			lines[key] = line
		}
	}
	return lines
}
