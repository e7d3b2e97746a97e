package grade

import (
	"slices"

	"mxseal/checks/report"
)

// deciding lists, for each letter that the matrix can give, the effects that keep it from
// being better.
var deciding = map[report.Letter][]report.Effect{
	"A": withoutSTS,
	"B": withoutDANE,
	"C": slices.Concat(withoutDANE, withoutSTS),
	"D": {"M.pkix=false"},
	"E": withoutTLS,
	"F": {"M.tls=no"},
}

// decidingBroken lists the effects that make a policy stop honest mail.
var decidingBroken = map[report.Promise][]report.Effect{
	report.PromiseDNSSEC: {"D.mxdns=bogus", "M.addr=bogus"},
	report.PromiseDANE:   slices.Concat([]report.Effect{"M.tlsa=mismatch", "M.tlsa=lookupfail"}, withoutTLS),
	report.PromiseSTS:    slices.Concat([]report.Effect{"M.sts=false", "M.pkix=false"}, withoutTLS),
}

var (
	withoutTLS  = []report.Effect{"M.tls=no", "M.tls=legacy"}
	withoutDANE = []report.Effect{"D.mxdns=insecure", "M.addr=insecure", "M.unsigned=true",
		"M.tlsa=none", "M.tlsa=insecure", "M.tlsa=unusable", "M.tlsa=mismatch", "M.tlsa=lookupfail"}
	withoutSTS = []report.Effect{"D.sts=absent", "D.sts=invalid", "D.sts=none", "D.sts=testing",
		"M.sts=false", "M.pkix=false"}
)

// because returns the ids of the rules that hold the letter down, in the order of the
// findings: those that set a fact which decided it, and caps at that very letter.
func because(findings []report.Finding, all *effects, v verdict, f Facts) []string {
	rules := []string{}
	note := func(rule string) {
		if !slices.Contains(rules, rule) {
			rules = append(rules, rule)
		}
	}
	facts := decidingFacts(v, f)
	for _, finding := range findings {
		for _, e := range finding.Effects {
			if holds(e, v) || slices.Contains(facts, e) && judged(finding, all, v, f) {
				note(finding.Rule)
			}
		}
	}
	if v.letter == report.LetterT && len(rules) == 0 { // nobody said so outright: what we could not find out of the hosts
		for _, finding := range findings {
			if finding.Verdict == report.Untested && finding.Host != "" {
				note(finding.Rule)
			}
		}
	}
	return rules
}

// holds reports whether an effect that is no fact of the matrix forbids a better letter.
func holds(e report.Effect, v verdict) bool {
	limit, capped := e.Cap()
	switch {
	case v.reason != "":
		_, why, ok := e.NoGrade()
		return ok && why == v.reason
	case v.letter == "A" && (e == report.NoAPlus || e == report.Provisional || e == "D.rpt=false"):
		return true
	}
	return capped && limit == v.letter
}

// decidingFacts lists the effects that gave the matrix its letter, if that is the letter.
func decidingFacts(v verdict, f Facts) []report.Effect {
	switch {
	case v.letter != v.matrix:
		return nil
	case len(v.broken) > 0:
		var list []report.Effect
		for _, policy := range v.broken {
			list = append(list, decidingBroken[policy]...)
		}
		return list
	case v.letter == "B" && f.STS == Enforce: // a host may be left out of the policy, or fail it
		return slices.Concat(deciding["B"], []report.Effect{"M.sts=false", "M.pkix=false"})
	}
	return deciding[v.letter]
}

// judged reports whether a finding is about something that had a part in the letter: the
// domain, a host that counts, and for an F one of those that are tried first.
func judged(finding report.Finding, all *effects, v verdict, f Facts) bool {
	if !all.counts(finding.Host, finding.Address) {
		return false
	}
	if v.letter != "F" || finding.Host == "" {
		return true
	}
	first := f.counted()[0].Pref
	return slices.ContainsFunc(f.Hosts, func(m HostFacts) bool { return m.Name == finding.Host && m.Pref == first })
}

// next returns what fixing the findings of one rule would give, for each rule whose fix gives a
// better letter than the present one; best first, else in the order of the findings.
func next(findings []report.Finding, rules report.Catalogue, present report.Letter) []report.Next {
	steps := []report.Next{}
	if present == report.LetterN {
		return steps
	}
	var list []claim // most findings say nothing to the grade
	var after []fixed
	for _, f := range findings {
		fixable := rules.Fixable(f)
		if fixable {
			after = append(after, fixed{len(list), rules.After(f)})
		}
		if fixable || len(f.Effects) > 0 {
			list = append(list, claim{f.Rule, f.Host, f.Address, f.Effects})
		}
	}
	then := slices.Clone(list)
	for i, one := range after {
		rule := list[one.claim].rule
		same := func(f fixed) bool { return list[f.claim].rule == rule }
		if slices.ContainsFunc(after[:i], same) {
			continue // asked already
		}
		for _, f := range after[i:] {
			if same(f) {
				then[f.claim].effects = f.effects
			}
		}
		if l := judge(factsOf(then)).letter; l.Valid() && present.Worse(l) {
			steps = append(steps, report.Next{Fix: rule, Letter: l})
		}
		copy(then, list)
	}
	slices.SortStableFunc(steps, func(a, b report.Next) int {
		switch {
		case b.Letter.Worse(a.Letter):
			return -1
		case a.Letter.Worse(b.Letter):
			return 1
		}
		return 0
	})
	return steps
}

// fixed is what takes the place of the effects of a claim once its finding is fixed.
type fixed struct {
	claim   int // index
	effects []report.Effect
}
