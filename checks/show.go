package checks

import (
	"mxseal/checks/report"
	"mxseal/checks/view"
)

// View returns what a report says, for all who show it. Its evidence is derived, as Judge leaves it.
func View(r *report.Report) view.Report {
	v := view.Report{Report: r, Topics: Topics(), Sections: Sections(r.Observed()), Operators: operators(r)}
	for _, c := range All {
		if c.Column != nil {
			v.Columns = append(v.Columns, *c.Column)
		}
	}
	return v
}

// Sections are what the checks saw, in reading order.
func Sections(o report.Observed) []view.Section {
	var list []view.Section
	for _, c := range All {
		if c.Show != nil {
			list = append(list, c.Show(o)...)
		}
	}
	return list
}

// Topics are the names of the checks, in reading order.
func Topics() []view.Topic {
	list := make([]view.Topic, len(All))
	for i, c := range All {
		list[i] = view.Topic{ID: c.ID, Title: c.Title, Terms: c.Words.Terms, Changes: c.Words.Changes}
	}
	return list
}
