// Package elsewhere holds what an address shows here against what it showed to other vantages, where they were
// asked: where STARTTLS does not work from here, or a promise is broken. It is no check that is listed: its
// findings are shown with the first that is.
package elsewhere

import (
	"time"

	"mxseal/checks/check"
	"mxseal/checks/report"
)

// Check is the check.
var Check = check.Check{Rules: Rules, Judge: Judge}

// Rules are the rows of the catalogue about other vantages.
var Rules = report.Rules{
	{
		ID: "VAN-01", Verdict: report.Warn, Effects: []report.Effect{report.Provisional}, Fix: report.AsSaid,
		Title:     "{address} answers differently in another network",
		Text:      "Seen from here: {here}. Seen from {vantage}: {there}. Either the server, or a firewall in front of it, treats the two networks differently, or somebody on the way changes the mail traffic. The letter is about what we saw here, and is provisional.",
		FixText:   "Compare with the log of {host} what it said to each of us. If it offered what one of us did not see, something on the way removes it: look first for a firewall that inspects SMTP. DANE or MTA-STS protect senders where somebody does that on purpose.",
		Reference: "RFC 3207 §6",
	},
	{
		ID: "VAN-02", Verdict: report.Info, Fix: report.NoFix,
		Title:     "{address} answers the same in another network",
		Text:      "Seen from here and from {vantage}: {here}. So it is not the network of this checker.",
		Reference: "RFC 3207 §6",
	},
	{
		ID: "VAN-03", Verdict: report.Untested, Effects: []report.Effect{report.Provisional},
		Title:     "{address} was not seen from another network",
		Text:      "What we saw from here should be confirmed from {vantage}, and no answer came from there in time. That is our doing and says nothing about {host}. The letter is provisional.",
		Reference: "RFC 3207 §6",
	},
}

// Judge compares each address that other vantages were asked about. One that saw something else outweighs those
// that saw the same, and one of these is enough to confirm it.
func Judge(r report.Observed) []report.Finding {
	j := report.NewJudgement("", Rules)
	for _, h := range r.Hosts {
		for _, a := range h.Addresses {
			if len(a.Elsewhere) > 0 {
				compare(j, h, a)
			}
		}
	}
	return j.Findings()
}

func compare(j *report.Judgement, h *report.Host, a *report.Address) {
	here := a.SeenFrom("", time.Time{})
	rule, told := "VAN-03", a.Elsewhere[0]
	var lines []string
	for _, there := range a.Elsewhere {
		line := there.Vantage + ": " + string(there.STARTTLS)
		switch {
		case there.At == nil:
			line = there.Vantage + ": no look"
		case !there.Alike(here):
			rule, told = "VAN-01", there
		case rule == "VAN-03":
			rule, told = "VAN-02", there
		}
		lines = append(lines, line)
	}
	f := j.Add(rule).At(h.Name, a.IP).With("vantage", told.Vantage).Showing(lines...)
	if rule != "VAN-03" {
		f.Saying("here", saw(here)).Saying("there", saw(told))
	}
}

// saw says what a vantage saw of an address.
func saw(e report.Elsewhere) report.Statement {
	switch e.STARTTLS {
	case report.Works:
		return report.Say(report.SaysSawTLS, "certificate", e.Certificate)
	case report.NotOffered:
		return report.Say(report.SaysSawNoTLS)
	case report.Refused:
		return report.Say(report.SaysSawRefused)
	case report.HandshakeFailed:
		return report.Say(report.SaysSawBroken)
	}
	return report.Say(report.SaysSawNothing)
}
