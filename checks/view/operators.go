package view

import (
	"fmt"
	"slices"
	"strings"

	"mxseal/checks/report"
)

// Operators are who runs the machines of a domain, and what its owner can reach without them.
type Operators struct {
	Mail, DNS []string      // by name; Itself for machines of the domain's own
	Best      report.Letter // the best that the owner can reach alone; empty where all fixes are the owner's
}

// Itself stands among operators for machines that are the domain's own.
const Itself = "its own servers"

// RunBy says who runs the mail and the DNS; empty where neither is known.
func (r Report) RunBy() string {
	var parts []string
	if list := r.Operators.Mail; len(list) > 0 {
		parts = append(parts, "Mail is run by "+named(list))
	}
	if list := r.Operators.DNS; len(list) > 0 {
		parts = append(parts, "DNS by "+named(list))
	}
	return strings.Join(parts, " · ")
}

// Yours says how many of the fixes are in the owner's hands, and what letter can be had at the
// present provider; empty where there is nothing to fix.
func (r Report) Yours() string {
	if r.Grade == nil || len(r.Grade.First) == 0 {
		return ""
	}
	own, all := 0, len(r.Grade.First)
	for _, f := range r.Grade.First {
		if r.ofOwner(f) {
			own++
		}
	}
	switch {
	case own == all && all == 1:
		return "The fix is yours"
	case own == all && all == 2:
		return "Both fixes are yours"
	case own == all:
		return fmt.Sprintf("All %d fixes are yours", all)
	}
	text := fmt.Sprintf("%d of %d fixes are yours", own, all)
	switch own {
	case 0:
		text = "No fix is yours"
	case 1:
		text = fmt.Sprintf("1 of %d fixes is yours", all)
	}
	if best := r.Operators.Best; best != "" && len(r.Operators.Mail) > 0 {
		text += fmt.Sprintf(". %s is the most you can have at %s", best, named(r.Operators.Mail))
	}
	return text
}

// ofOwner reports whether a change is in the hands of the domain's owner.
func (r Report) ofOwner(f report.First) bool {
	return !slices.ContainsFunc(r.StepsOf(f), func(s report.Step) bool { return s.Who == report.Provider })
}

// Message is the number of the first change of the plan that asks the provider for something, with a
// message to send; 0 for none.
func (r Report) Message() int {
	if r.Grade == nil {
		return 0
	}
	return 1 + slices.IndexFunc(r.Grade.First, func(f report.First) bool {
		return slices.ContainsFunc(r.StepsOf(f), func(s report.Step) bool { return s.Kind == report.StepMessage })
	})
}

// named are at most three names.
func named(list []string) string {
	switch n := len(list); {
	case n == 1:
		return list[0]
	case n <= 3:
		return strings.Join(list[:n-1], ", ") + " and " + list[n-1]
	}
	return fmt.Sprintf("%s, %s and %d others", list[0], list[1], len(list)-2)
}
