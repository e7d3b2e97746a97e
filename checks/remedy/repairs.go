package remedy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"mxseal/checks/report"
)

// Repairs groups the findings of a report by the change that mends them, in the order in
// which to make the changes. The findings' sentences have to be filled in.
func Repairs(r *report.Report) []report.Repair {
	type key struct{ change, by, zone string }
	type group struct {
		report.Repair
		order int
		hosts []string
		title string
		by    string
		zone  string
	}
	groups := make(map[key]*group)
	var list []*group
	for i, f := range r.Findings {
		if !mendable(f) {
			continue
		}
		c := newCase(r, f)
		name := c.change()
		at := slices.IndexFunc(changes, func(ch struct {
			name string
			change
		}) bool {
			return ch.name == name
		})
		k, title, effort := key{change: name}, f.Remedy, report.Reload
		if at >= 0 {
			title, effort = changes[at].title, changes[at].effort
		} else {
			k.change, at = f.Rule, len(changes)
		}
		if c.hosted() && c.byProvider() {
			k.by, effort = c.provider.Name, report.OtherProvider
		}
		if strings.Contains(title, "{zone}") {
			k.zone = c.zone()
		}
		g := groups[k]
		if g == nil {
			g = &group{order: at, title: title, by: k.by, zone: k.zone}
			g.Rule, g.Effort = f.Rule, effort
			groups[k], list = g, append(list, g)
		}
		if !slices.Contains(g.Rules, f.Rule) {
			g.Rules = append(g.Rules, f.Rule)
		}
		host := f.Host
		if c.host != nil { // by the name that stays when the MX record is corrected
			all := names(c.host, r.Domain)
			host = all[len(all)-1]
		}
		if host != "" && !slices.Contains(g.hosts, host) {
			g.hosts = append(g.hosts, host)
		}
		after := f.Repaired
		if more, leftOpen := opened[f.Rule]; leftOpen && len(after) == 0 {
			after = more
		}
		g.Mends = append(g.Mends, report.Mended{Finding: i, Effects: after})
	}
	slices.SortStableFunc(list, func(a, b *group) int { return cmp.Compare(a.order, b.order) })
	repairs := make([]report.Repair, len(list))
	for i, g := range list {
		g.Title = strings.NewReplacer("{domain}", r.Domain, "{hosts}", enumerate(g.hosts), "{zone}", g.zone).Replace(g.title)
		if g.by != "" {
			g.Title += " (in the hands of " + g.by + ")"
		}
		repairs[i] = g.Repair
	}
	return repairs
}

// change names the change that mends the finding. What a provider's host lacks for DANE is
// one change, since it comes with one other name.
func (c the) change() string {
	if c.hosted() && aboutDANE[c.finding.Rule] {
		return "dane"
	}
	return table[c.finding.Rule].change
}

// byProvider reports whether the change is made by the host's provider.
func (c the) byProvider() bool {
	return table[c.finding.Rule].atServer || c.change() == "dane" || table[c.finding.Rule].steps == nil
}

// enumerate names at most three.
func enumerate(names []string) string {
	switch n := len(names); {
	case n == 0:
		return "the mail servers"
	case n == 1:
		return names[0]
	case n <= 3:
		return strings.Join(names[:n-1], ", ") + " and " + names[n-1]
	default:
		return fmt.Sprintf("%s, %s and %d more", names[0], names[1], n-2)
	}
}

// Why says in a sentence what keeps the letter from being better, with the ids of the rules.
func Why(r *report.Report) string {
	if r.Grade == nil || !r.Grade.Letter.Valid() || len(r.Grade.Because) == 0 {
		return ""
	}
	var reasons []string
	for _, id := range r.Grade.Because {
		at, times := -1, 0
		for i, f := range r.Findings {
			if f.Rule != id {
				continue
			}
			if at < 0 {
				at = i
			}
			times++
		}
		if at < 0 || r.Findings[at].Title == "" {
			reasons = append(reasons, id)
			continue
		}
		title := r.Findings[at].Title
		if times > 1 {
			title += fmt.Sprintf(" (%s, and %d more)", id, times-1)
		} else {
			title += " (" + id + ")"
		}
		reasons = append(reasons, title)
	}
	return "Not better than " + string(r.Grade.Letter) + " because: " + strings.Join(reasons, "; ") + "."
}
