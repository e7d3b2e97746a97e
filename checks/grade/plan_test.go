package grade

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"mxseal/checks/report"
)

// action reads "RULE effort: effect, effect; RULE: effect": the rules whose findings it fixes and
// what then holds of each; no effects where nothing is left to say.
func action(list []report.Finding, text string) report.Action {
	var r report.Action
	for part := range strings.SplitSeq(text, "; ") {
		about, effects, _ := strings.Cut(part, ":")
		rule, effort, _ := strings.Cut(about, " ")
		if r.Rule == "" {
			r.Rule = rule
			fmt.Sscan(effort, &r.Effort)
		}
		r.Rules = append(r.Rules, rule)
		for i, f := range list {
			if f.Rule != rule {
				continue
			}
			m := report.Fixed{Finding: i}
			if effects = strings.TrimSpace(effects); effects != "" {
				for e := range strings.SplitSeq(effects, ", ") {
					m.Effects = append(m.Effects, report.Effect(e))
				}
			}
			r.Fixed = append(r.Fixed, m)
		}
	}
	return r
}

func TestPlan(t *testing.T) {
	const host = " mx.test 192.0.2.1: "
	unsigned := slices.Clip(but("SEC-01>SEC-02: D.mxdns=insecure", "SEC-06>SEC-06 mx.test: M.addr=insecure", "DAN-09>DAN-02 mx.test: M.tlsa=none", "STS-22>STS-01: D.sts=absent", "STS-27>"))
	const sign, key = "SEC-02 4: D.mxdns=secure; SEC-06: M.addr=secure", "DAN-02 1: M.tlsa=match"
	const policy = "STS-01 2: D.sts=enforce, M.sts=true"
	for _, c := range []struct {
		why      string
		findings []report.Finding
		actions  []string
		want     string
	}{
		{"nothing to fix", perfect(), nil, ""},
		{"nothing better to be had", append(perfect(), at("TLS-27 mx.test: M.tls=ok")), []string{"TLS-27 1: M.tls=ok"}, ""},
		{"one change", but("RPT-02>RPT-01: noA+"), []string{"RPT-01 1: D.rpt=true"}, "RPT-01 A+"},
		{"what does not help is left out", unsigned, []string{sign}, ""},
		{"the best letter first", but("DAN-09>DAN-03"+host+"M.tlsa=none", "STS-22>STS-01: D.sts=absent", "STS-27>"), []string{policy, "DAN-03 1: M.tlsa=match"}, "DAN-03 A, STS-01 A+"},
		{"a sequence where no single change helps, in the order given", unsigned, []string{sign, key}, "SEC-02 C, DAN-02 A"},
		{"single changes before a sequence", unsigned, []string{sign, key, policy}, "STS-01 B, SEC-02 B, DAN-02 A+"},
		{"of two ways to the same letter the easier", append(unsigned, at("NBR-01: noA+")), []string{"STS-01 5: D.sts=enforce, M.sts=true", "NBR-01 2:; STS-01: D.sts=enforce, M.sts=true"}, "NBR-01 B"},
		{"what stops honest mail before what is easier",
			but("DAN-09>DAN-10"+host+"M.tlsa=mismatch", "STS-22>STS-01: D.sts=absent", "STS-27>"),
			[]string{"STS-01 1: D.sts=enforce, M.sts=true", "DAN-10 5: M.tlsa=none"}, "DAN-10 C, STS-01 B"},
		{"a sequence of three", append(unsigned, at("TLS-24"+host+"cap C")), []string{"TLS-24 2:", sign, key}, "TLS-24 C, SEC-02 C, DAN-02 A"},
		{"four where no three help", append(unsigned, at("TLS-24"+host+"cap C"), at("TLS-52"+host+"cap C")), []string{"TLS-24 2:", "TLS-52 3:", sign, key},
			"TLS-24 C, TLS-52 C, SEC-02 C, DAN-02 A"},
		{"four, and nothing that is not needed", append(unsigned, at("TLS-24"+host+"cap C"), at("TLS-52"+host+"cap C"), at("NBR-01: noA+")), []string{"NBR-01 1:", "TLS-24 2:", "TLS-52 3:", sign, key},
			"TLS-24 C, TLS-52 C, SEC-02 C, DAN-02 A"},
		{"no more than four", append(unsigned, at("TLS-24"+host+"cap C"), at("TLS-52"+host+"cap C"), at("TLS-31"+host+"cap C")), []string{"TLS-24 2:", "TLS-31 2:", "TLS-52 3:", sign, key}, ""},
		{"no more than three where some of them help", append(unsigned, at("NBR-01: noA+"), at("TLS-24"+host+"cap B")), []string{policy, "NBR-01 1:", "TLS-24 2:", sign, key}, "STS-01 B"},
		{"one fix for several rules", append(perfect(), at("TLS-24"+host+"cap C"), at("TLS-52"+host+"cap C")), []string{"TLS-24 2:; TLS-52:"}, "TLS-24 A+"},
		{"all findings of a rule at once", append(perfect(), at("TLS-24"+host+"cap C"), at("TLS-24 two.test: cap C")), []string{"TLS-24 2:"}, "TLS-24 A+"},
		{"from nothing readable to DANE", []report.Finding{at("MX-04 mx.test: M.pref=10"), at("SMT-12" + host + "M.reach=true, M.tls=no"),
			at("SEC-02: D.mxdns=insecure"), at("SEC-06 mx.test: M.addr=insecure"), at("DAN-02 mx.test: M.tlsa=none")},
			[]string{"SMT-12 2: M.reach=true, M.tls=ok", sign, key}, "SMT-12 D, SEC-02 D, DAN-02 A"},
		{"not testable, and no change is known that helps", findings("NET-02: T"), nil, ""},
		{"no mail wanted", append(findings("MX-08: N"), at("SMT-12 mx.test: M.reach=true, M.tls=no")), []string{"SMT-12 2: M.reach=true, M.tls=ok"}, ""},
	} {
		var actions []report.Action
		for _, text := range c.actions {
			actions = append(actions, action(c.findings, text))
		}
		before, _ := json.Marshal(c.findings)
		var got []string
		for _, f := range Plan(c.findings, actions) {
			got = append(got, f.Rule+" "+string(f.Letter))
		}
		if text := strings.Join(got, ", "); text != c.want {
			t.Errorf("%s: %q, want %q", c.why, text, c.want)
		}
		if after, _ := json.Marshal(c.findings); string(after) != string(before) {
			t.Errorf("%s: the findings were changed", c.why)
		}
	}
}

// The letter at the end is that of the grade function itself, asked with everything fixed.
func TestAPlanPromisesWhatTheGradeGives(t *testing.T) {
	list := but("DAN-09>DAN-03 mx.test: M.tlsa=none", "STS-22>STS-01: D.sts=absent", "STS-27>", "RPT-02>RPT-01: noA+")
	texts := []string{"DAN-03 1: M.tlsa=match", "RPT-01 1: D.rpt=true", "STS-01 2: D.sts=enforce, M.sts=true"}
	var actions []report.Action
	for _, text := range texts {
		actions = append(actions, action(list, text))
	}
	fixed := slices.Clone(list)
	plan := Plan(list, actions)
	if len(plan) != 3 {
		t.Fatalf("%d changes, want 3", len(plan))
	}
	for _, step := range plan {
		for _, r := range actions {
			if r.Rule != step.Rule {
				continue
			}
			for _, m := range r.Fixed {
				fixed[m.Finding].Effects = m.Effects
			}
		}
		if l := Of(fixed, nil).Grade.Letter; l != step.Letter {
			t.Errorf("%s promises %s, the grade is %s", step.Rule, step.Letter, l)
		}
	}
}
