package checks_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"mxseal/checks"
	"mxseal/checks/fix"
	"mxseal/checks/grade"
	"mxseal/checks/lab"
	"mxseal/checks/report"
	"mxseal/checks/view"
)

// following holds the domains whose plan is followed to its end, with the letters on the
// way: what a person reads, does and gets.
var following = []struct{ domain, letters string }{
	{"no-starttls.test", "F D D A"},        // STARTTLS, sign, TLSA
	{"stripped.test", "F D D A"},           // the firewall, sign, TLSA
	{"broken-handshake.test", "F D D A"},   //
	{"client-certificate.test", "F C B"},   // ask for none, MTA-STS
	{"takeover.test", "F C B"},             // the forgotten MX record, MTA-STS
	{"backup-cleartext.test", "E D B"},     // STARTTLS on the backup, MTA-STS
	{"obsolete-tls.test", "E C B"},         // versions, MTA-STS
	{"sts-expired.test", "E B B A+"},       // certificate, sign, TLSA
	{"tlsa-mismatch.test", "D A A A+"},     // the served key, reports, MTA-STS
	{"dual-cert.test", "D A A A+"},         // the second key
	{"bogus.test", "D C B"},                // signatures
	{"expired.test", "D C B"},              //
	{"tlsa-servfail.test", "D C B"},        // the name server
	{"lame.test", "D C B"},                 //
	{"selfsigned.test", "D C B"},           // certificate, MTA-STS
	{"name-mismatch.test", "D C B"},        //
	{"incomplete-chain.test", "D C B"},     //
	{"certificate.test", "C B B A"},        // MTA-STS, sign, TLSA
	{"signed.test", "C A A A+"},            // TLSA, reports, MTA-STS
	{"tlsa-unsigned.test", "C A A A+"},     // the record itself instead of an alias
	{"tlsa-one-of-two.test", "C A A A+"},   //
	{"tlsa-unusable.test", "C A A A+"},     //
	{"unsigned-provider.test", "C A A A+"}, // sign
	{"signed-domain.test", "C A A A+"},     // another provider
	{"export.test", "C A A A+"},            // suites
	{"injection.test", "C C B"},            // software, MTA-STS
	{"implicit-mx.test", "C B B A"},        //
	{"sts-testing.test", "C B B A"},        // enforce
	{"sts-redirect.test", "C B B A"},       // the file itself
	{"sts-wrong-name.test", "C B B A"},     //
	{"farm.test", "C B B A"},               // both keys
	{"sts.test", "B B A+"},                 // sign, TLSA
	{"sts-unmatched-mx.test", "B B B A+"},  //
	{"tlsa-one-broken.test", "B A A A+"},   //
	{"weak-key.test", "B A A A+"},          //
	{"dane.test", "A A A A+"},              // certificate, reports, MTA-STS
	{"no-report.test", "A A+"},             // one record
	{"nsec3.test", "A A A A+"},             // parameters of the zone
	{"sha1-ds.test", "A A A A+"},           //
	{"sni-required.test", "A A A A+"},      //
	{"cname-mx.test", "A A A A A+"},        // the name itself, certificate, reports, MTA-STS: three of them do nothing
	{"perfect.test", "A+"},                 // nothing to do
}

// The promise of the page: who does what it says first gets the letter that it says. The
// changes are made in the lab from the very records and files that the steps show, in all
// domains at the same time, and each domain is looked at again after every change.
func TestFollowingThePlan(t *testing.T) {
	plans := make(map[string][]report.First)
	fixes := make(map[string][]lab.Fix)
	for round := range 5 {
		synctest.Test(t, func(t *testing.T) {
			_, e := world(t, lab.Options{Fixes: fixes}, nil)
			for _, f := range following {
				want := strings.Fields(f.letters)
				if round >= len(want) {
					continue
				}
				r := scan(t, e, f.domain)
				if round == 0 {
					plans[f.domain] = r.Grade.First
				}
				plan := plans[f.domain]
				if len(plan) != len(want)-1 {
					t.Errorf("%s: the plan has %d changes, want %d: %+v", f.domain, len(plan), len(want)-1, plan)
					continue
				}
				if string(r.Grade.Letter) != want[round] {
					t.Errorf("%s: %s after %d changes, want %s (%s)\n%s", f.domain, r.Grade.Letter, round, want[round], r.Grade.Why, outline(r))
				}
				if round > 0 && r.Grade.Letter != plan[round-1].Letter {
					t.Errorf("%s: “%s” promised %s and gave %s", f.domain, plan[round-1].Title, plan[round-1].Letter, r.Grade.Letter)
				}
				if round < len(plan) {
					fixes[f.domain] = append(fixes[f.domain], fixing(t, r, plan[round].Title))
				}
			}
		})
	}
}

// fixing does in the lab what the steps of an action say.
func fixing(t *testing.T, r *report.Report, title string) lab.Fix {
	var m lab.Fix
	actions := fix.Actions(r, checks.Catalogue())
	at := slices.IndexFunc(actions, func(a report.Action) bool { return fix.Title(r, a) == title })
	if at < 0 {
		t.Errorf("%s: “%s” is nothing to do any more; there are %+v", r.Domain, title, actions)
		return m
	}
	for _, fixed := range actions[at].Fixed {
		f := r.Findings[fixed.Finding]
		area, _, _ := strings.Cut(f.Rule, "-")
		switch {
		case f.Rule == "SEC-07": // another provider
			m.Replace += "@ MX 10 mx.provider.test.\n"
			continue
		case f.Rule == "DAN-02" && len(f.Steps) > 0 && f.Steps[0].Who == "provider":
			continue // it comes with him
		case area == "SEC":
			m.Sign = true
		case f.Rule == "DAN-05":
			m.Answer = true
		case area == "SMT", area == "ENF", area == "TLS":
			m.Speak = append(m.Speak, f.Host)
			if !certified(r, f.Host) {
				m.SelfMade = append(m.SelfMade, f.Host) // any will do
			}
		case area == "CRT":
			m.Certify = append(m.Certify, f.Host)
		}
		copySteps(t, &m, f)
	}
	return m
}

// copySteps takes the records and the file over as they are shown, the last file last.
func copySteps(t *testing.T, m *lab.Fix, f report.Finding) {
	if len(f.Steps) == 0 {
		t.Errorf("%s at %s shows no steps", f.Rule, f.Host)
	}
	for _, s := range f.Steps {
		code := s.Code + "\n"
		switch {
		case s.Kind == "file":
			m.Policy = strings.Split(s.Code, "\n")
		case s.Kind != "dns" || strings.Contains(code, "<"): // something that only its owner knows
		case s.Do == "add":
			m.Add += code
		case s.Do == "replace":
			m.Replace = strings.Join(slices.DeleteFunc(strings.SplitAfter(m.Replace, "\n"), func(line string) bool {
				return line != "" && strings.Fields(line)[0] == strings.Fields(code)[0] // the test before the promise
			}), "") + code
		case s.Do == "delete":
			m.Delete += code
		default:
			t.Errorf("%s: %q is nothing to do with a record", f.Rule, s.Do)
		}
	}
}

func certified(r *report.Report, host string) bool {
	return slices.ContainsFunc(r.Hosts, func(h *report.Host) bool {
		return h.Name == host && slices.ContainsFunc(h.Addresses, func(a *report.Address) bool { return len(a.Certificates) > 0 })
	})
}

// Every rule that can hold a letter down names what fixes it, or says that nothing can; and says in
// steps that are whole what to do.
func TestEveryRuleThatHoldsALetterDownNamesItsFix(t *testing.T) {
	r := &report.Report{Meta: report.Meta{Domain: "example.net"}, Evidence: report.Evidence{Hosts: []*report.Host{{Name: "mx.example.net"}, {Name: "mx.example.org"}}, MTASTS: &report.MTASTS{State: "absent"}}}
	for _, rule := range checks.Catalogue() {
		holds := len(rule.Fixed) > 0 || len(rule.Opens) > 0 || slices.ContainsFunc(rule.Effects, report.Effect.Limits) ||
			rule.Verdict != report.Pass && slices.ContainsFunc(rule.Effects, worsens)
		if holds && rule.Fix == "" && rule.Verdict != report.Untested { // what was not found out may be as it should be
			t.Errorf("%s can hold a letter down and does not say what fixes it", rule.ID)
		}
		if can := rule.Fix != "" && rule.Fix != report.NoFix; can && rule.FixText == "" || rule.Fix == report.NoFix && rule.FixText != "" {
			t.Errorf("%s: fix %q, and its words are %q", rule.ID, rule.Fix, rule.FixText)
		}
		for _, host := range []string{"", "mx.example.net", "mx.example.org"} {
			whole(t, r, rule, host)
		}
	}
}

// worsens reports whether an effect sets a fact that the grade holds against a domain.
func worsens(e report.Effect) bool {
	_, value, fact := e.Fact()
	return fact && slices.Contains([]string{"insecure", "bogus", "absent", "invalid", "none", "lookupfail", "mismatch", "unusable", "no", "legacy"}, value) ||
		e == "M.pkix=false" || e == "M.sts=false" || e == "M.unsigned=true"
}

// whole sees that the steps for a rule at a host are whole.
func whole(t *testing.T, r *report.Report, rule report.Rule, host string) {
	t.Helper()
	f := report.Finding{Rule: rule.ID, Verdict: report.Fail, Host: host, Effects: rule.Effects, Fixed: rule.Fixed}
	f.Explain(rule, r.Domain, view.Say)
	steps := fix.Steps(r, checks.Catalogue(), f)
	if checks.Catalogue().Fixable(f) && len(steps) == 0 {
		t.Errorf("%s at %q has no steps", rule.ID, host)
	}
	for _, s := range steps {
		if err := sound(s); err != nil {
			t.Errorf("%s at %q: %v: %+v", rule.ID, host, err, s)
		}
	}
}

func sound(s report.Step) error {
	switch {
	case !slices.Contains([]report.Who{"owner", "server", "provider", "registrar"}, s.Who):
		return fmt.Errorf("nobody is to do it")
	case !slices.Contains([]report.StepKind{"dns", "file", "config", "command", "message", "task"}, s.Kind):
		return fmt.Errorf("of no known kind")
	case s.Text == "":
		return fmt.Errorf("it says nothing")
	case (s.Kind == "task") != (s.Code == ""):
		return fmt.Errorf("what to copy is missing, or is too much")
	case (s.Kind == "dns") != slices.Contains([]report.Do{"add", "replace", "delete"}, s.Do):
		return fmt.Errorf("what to do with a record is missing, or is too much")
	case strings.Contains(s.Text+s.Where+s.Wait+s.Risk, "{host}") || strings.Contains(s.Text+s.Code, "{domain}") || strings.Contains(s.Text+s.Code, "{zone}"):
		return fmt.Errorf("a placeholder is left")
	}
	return nil
}

// Of every domain of the lab: steps that are whole, a grade that reads no sentence, a plan of at
// most four that ends better than it began, and a sentence for every letter that is not the best.
func TestAdviceForTheLab(t *testing.T) {
	for _, d := range everyDomain(t) {
		r := d.report
		for _, f := range r.Findings {
			if limited := len(f.Fixed) > 0 || slices.ContainsFunc(f.Effects, report.Effect.Limits); limited && f.FixText != "" && len(f.Steps) == 0 {
				t.Errorf("%s: %s says “%s” and has no steps", d.Name, f.Rule, f.FixText)
			}
			for _, s := range f.Steps {
				if err := sound(s); err != nil {
					t.Errorf("%s: %s: %v: %+v", d.Name, f.Rule, err, s)
				}
			}
		}
		if bare := grade.Of(r.Bare().Findings, checks.Catalogue()).Grade; bare.Letter != r.Grade.Letter || !slices.Equal(bare.Next, r.Grade.Next) {
			t.Errorf("%s: graded %s without the sentences, %s with them", d.Name, bare.Letter, r.Grade.Letter)
		}
		first := r.Grade.First
		if len(first) > 4 {
			t.Errorf("%s: %d things to do first", d.Name, len(first))
		}
		if n := len(first); n > 0 && !r.Grade.Letter.Worse(first[n-1].Letter) {
			t.Errorf("%s: the plan leads from %s to %s", d.Name, r.Grade.Letter, first[n-1].Letter)
		}
		if len(r.Grade.Next) > 0 && len(first) == 0 {
			t.Errorf("%s: the fix of %s alone gives %s, and the plan is empty", d.Name, r.Grade.Next[0].Fix, r.Grade.Next[0].Letter)
		}
		if held := r.Grade.Letter.Valid() && len(r.Grade.Because) > 0; held != (r.Grade.Why != "") {
			t.Errorf("%s: %s because of %v, and why is %q", d.Name, r.Grade.Letter, r.Grade.Because, r.Grade.Why)
		}
		for _, rule := range r.Grade.Because {
			if r.Grade.Letter.Valid() && !strings.Contains(r.Grade.Why, rule) {
				t.Errorf("%s: %s holds the letter down and is not in %q", d.Name, rule, r.Grade.Why)
			}
			if row := checks.Catalogue()[rule]; r.Grade.Letter.Valid() && row.Fix == "" && row.Verdict != report.Untested {
				t.Errorf("%s: %s holds the letter down and does not say what fixes it", d.Name, rule)
			}
		}
	}
}
