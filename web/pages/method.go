package pages

import (
	"slices"
	"strings"

	"mxseal/checks"
	"mxseal/checks/grade"
	"mxseal/checks/report"
	"mxseal/checks/view"
	"mxseal/templates"
)

// letters say who can read the mail under each grade and what earns it (RULES 4.1 and 4.2);
// the sentence of each is the grade's own.
var letters = []templates.LetterRow{
	{Letter: "A+",
		Who:  "against DANE senders nobody; against senders that know MTA-STS alone only at first contact or with a false certificate; against others an active attacker",
		When: "What earns A and what earns B, both; TLS reports are asked for; and no rule forbids the plus."},
	{Letter: "A",
		Who:  "against DANE senders nobody, not even with forged DNS or a false certificate; against others an active attacker",
		When: "Signed MX, addresses and TLSA records that match on every server."},
	{Letter: "B",
		Who:  "against MTA-STS senders only at first contact or with a false certificate; against others an active attacker",
		When: "An MTA-STS policy in force that names every server, and publicly trusted certificates that fit."},
	{Letter: "C",
		Who:  "any active attacker, except against partners who insist on your certificate",
		When: "A publicly trusted certificate that fits, on every server."},
	{Letter: "D",
		Who:  "any active attacker, except against senders that check DANE behind unsigned MX records, where you publish it",
		When: "TLS 1.2 or later on every server, with any certificate."},
	{Letter: "E",
		Who:  "listeners, a part of the mail; nobody, where it waits for TLS that senders can use",
		When: "A backup server without TLS, or a server with obsolete TLS only."},
	{Letter: "F",
		Who:  "listeners, or anyone who registers a forgotten name",
		When: "A server of first choice without TLS."},
	{Letter: "T", When: "Not testable. It says nothing good or bad."},
	{Letter: "N", When: "There is nothing to protect."},
}

// method is how a letter comes about, with the caps as the rules themselves state them.
func method() templates.Method {
	m := templates.Method{Letters: slices.Clone(letters), Attackers: view.Attackers()}
	for i := range m.Letters {
		m.Letters[i].Sentence = grade.Says(m.Letters[i].Letter)
	}
	for _, s := range view.Senders() {
		if s.ID != string(grade.S1L) { // it has no row: it only tells an F from an E
			m.Senders = append(m.Senders, s)
		}
	}
	for _, letter := range []report.Letter{"F", "E", "D", "C", "B", "A"} {
		c := templates.Cap{Letter: letter}
		for _, check := range checks.All {
			for _, rule := range check.Rules {
				if caps(rule, letter) {
					c.Rules = append(c.Rules, templates.CapRule{ID: rule.ID, Check: check.ID, Title: strings.TrimSuffix(rule.Title, ".")})
				}
			}
		}
		if len(c.Rules) > 0 {
			m.Caps = append(m.Caps, c)
		}
	}
	return m
}

// caps reports whether the rule makes the letter the best possible one; to forbid A+ is to
// make it A.
func caps(rule report.Rule, letter report.Letter) bool {
	for _, e := range rule.Effects {
		if l, ok := e.Cap(); ok && l == letter || e == report.NoAPlus && letter == "A" {
			return true
		}
	}
	return false
}
