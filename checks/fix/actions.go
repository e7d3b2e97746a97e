package fix

import (
	"cmp"
	"slices"
	"strings"

	"mxseal/checks/fix/place"
	"mxseal/checks/report"
)

// Actions groups the findings of a report by what fixes them, and where, in the order in which to
// act. It reads no sentence.
func Actions(r *report.Report, rules report.Catalogue) []report.Action {
	type key struct {
		fix            report.Fix
		rule           string // whose own words say what to do
		provider, zone string
	}
	index := make(map[key]int)
	var list []report.Action
	for i, f := range r.Findings {
		if !rules.Fixable(f) {
			continue
		}
		p := place.Of(r, rules, f)
		a := action(p)
		k := key{fix: a.Fix, provider: a.Provider, zone: a.Zone}
		if a.Fix == report.AsSaid {
			k.rule = f.Rule
		}
		at, known := index[k]
		if !known {
			at = len(list)
			index[k], list = at, append(list, a)
		}
		extend(&list[at], p, i)
	}
	slices.SortStableFunc(list, func(a, b report.Action) int { return cmp.Compare(order(a.Fix), order(b.Fix)) })
	return list
}

// action is what fixes a finding, before it is said which findings and hosts are part of it.
func action(p place.Place) report.Action {
	a := report.Action{Fix: p.Fix(), Rule: p.Rule.ID, Effort: report.Reload}
	if row := find(a.Fix); row != nil {
		a.Effort = row.effort
		if strings.Contains(row.title, "{zone}") {
			a.Zone = p.Zone()
		}
	}
	if way := wayOf(p.Rule); p.Hosted() && (way.who == operator || way.steps == nil || a.Fix == report.MoveToDANE) {
		a.Provider, a.Effort = p.Provider.Name, report.OtherProvider
	}
	return a
}

// extend makes a finding of the report part of an action.
func extend(a *report.Action, p place.Place, finding int) {
	f := p.Finding
	if !slices.Contains(a.Rules, f.Rule) {
		a.Rules = append(a.Rules, f.Rule)
	}
	host := f.Host
	if p.Host != nil { // by the name that stays when the MX record is corrected
		all := place.Names(p.Host, p.Report.Domain)
		host = all[len(all)-1]
	}
	if host != "" && !slices.Contains(a.Hosts, host) {
		a.Hosts = append(a.Hosts, host)
	}
	a.Fixed = append(a.Fixed, report.Fixed{Finding: finding, Effects: p.Rules.After(f)})
}
