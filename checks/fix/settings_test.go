package fix

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"mxseal/checks/fix/software"
	"mxseal/checks/report"
)

// Two findings of one server show the same line for an option, and it holds what each of them
// shows alone. So it does not matter which is fixed first, or whether one is.
func TestFindingsOfOneServerDoNotUndoEachOther(t *testing.T) {
	var each []string // rule for every fix: rules with the same settings have the same
	seen := make(map[string]bool)
	for _, id := range fixed {
		rule := rules[id]
		if fix := fmt.Sprint(rule.Fix, rule.Settings); len(rule.Settings) > 0 && !seen[fix] {
			each, seen[fix] = append(each, id), true
		}
	}
	pairs := 0
	for _, p := range software.Known() {
		show := func(shown []report.Finding, f report.Finding) map[string]string {
			r := domain("mx.example.net", p.Name, p.Said)
			r.Findings = shown
			return optionsIn(t, Steps(r, rules, f))
		}
		for i, one := range each {
			a := found(one, "mx.example.net")
			alone := show([]report.Finding{a}, a)
			for _, other := range each[i+1:] {
				pairs++
				b := found(other, "mx.example.net")
				both := []report.Finding{a, b}
				forA, forB, aloneB := show(both, a), show(both, b), show([]report.Finding{b}, b)
				for option, line := range forA {
					if twin, same := forB[option]; same && twin != line {
						t.Errorf("%s, %s and %s: %s is\n%s\nand\n%s", p.Name, one, other, option, line, twin)
					}
				}
				for _, side := range []struct{ alone, now map[string]string }{{alone, forA}, {aloneB, forB}} {
					for option, line := range side.alone {
						for _, word := range words(line) {
							if !slices.Contains(words(side.now[option]), word) {
								t.Errorf("%s, %s and %s: %s loses %q:\n%s\n%s", p.Name, one, other, option, word, line, side.now[option])
							}
						}
					}
				}
			}
		}
	}
	if want := len(software.Known()) * len(each) * (len(each) - 1) / 2; pairs != want || pairs < 800 {
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
