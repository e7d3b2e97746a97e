package view

import (
	"slices"
	"strings"

	"mxseal/checks/report"
)

// Work counts the steps and says who has to do them.
func Work(steps []report.Step) string {
	var who []string
	for _, s := range steps {
		if name := doer(s.Who); !slices.Contains(who, name) {
			who = append(who, name)
		}
	}
	list := strings.Join(who, ", ")
	if n := len(who); n > 1 {
		list = strings.Join(who[:n-1], ", ") + " and " + who[n-1]
	}
	return Plural(len(steps), "step") + " for " + list
}

// doer is who has to do a step, within a sentence.
func doer(who report.Who) string {
	switch who {
	case report.Owner:
		return "you"
	case report.Operator:
		return "the operator of the mail server"
	case report.Provider:
		return "the provider"
	case report.Registrar:
		return "the registrar"
	}
	return string(who)
}

// Who says who has to do a step, before what it is.
func Who(who report.Who) string {
	if who == report.Owner {
		return "You, the domain's owner:"
	}
	return Capital(doer(who)) + ":"
}

// Where says where the code of a step belongs, and what to do with records.
func Where(s report.Step) string {
	var parts []string
	switch s.Do {
	case report.Add:
		parts = append(parts, "Add")
	case report.Replace:
		parts = append(parts, "In place of what is there")
	case report.Delete:
		parts = append(parts, "Delete")
	}
	if s.Where != "" {
		parts = append(parts, s.Where)
	}
	return strings.Join(parts, ", ")
}

// RiskWord leads to what may go wrong with a step.
const RiskWord = "What may go wrong:"

// BrokenWord leads to a policy that stops mail which nobody attacks (BrokenText).
const BrokenWord = "Legitimate mail is being rejected."
