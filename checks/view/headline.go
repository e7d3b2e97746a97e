package view

import (
	"cmp"
	"slices"
	"strings"

	"mxseal/checks/grade"
	"mxseal/checks/report"
)

// Headline is the report in one sentence, which begins with the worst that can happen.
func (r Report) Headline() string {
	if r.Grade == nil {
		return ""
	}
	if s := withoutLetter[r.Grade.Reason]; s != "" {
		return s
	}
	if len(r.Matrix) == 0 {
		return r.Grade.Sentence
	}
	return cmp.Or(r.takeover(), r.harm(), r.weakness(), r.protection())
}

// takeover is the headline where somebody else can own what the mail depends on.
func (r Report) takeover() string {
	domain := r.vacant()
	switch {
	case domain == "":
		return ""
	case r.Letter() == "F":
		return "Anyone who registers " + domain + " can receive your mail."
	}
	return "Anyone who registers " + domain + " can undo what protects your mail."
}

// harm is the headline where it happens without anybody who interferes.
func (r Report) harm() string {
	switch {
	case r.Letter() == "F" && r.cell(grade.S1L, grade.A1) == report.Clear:
		return "Anyone on the way can read your mail: it is sent unencrypted."
	case len(r.Grade.Broken) > 0:
		return brokenHeadline(r.Grade.Broken[0])
	case r.cell(grade.S1, grade.A0) == report.Defer:
		return "Your mail is not delivered: senders find no encryption that both sides know."
	case r.cell(grade.S1, grade.A1) == report.Clear || r.cell(grade.S1L, grade.A1) == report.Clear:
		return "Eavesdroppers can read some of your mail: one of your servers takes it unencrypted."
	}
	return ""
}

// weakness is the headline where a finding holds the letter down.
func (r Report) weakness() string {
	f, capped := r.limit()
	if !capped {
		return ""
	}
	return "A known fault weakens the protection of your mail: " + lowered(f.Title) + "."
}

// protection is the headline where all that counts is what senders can check. An attacker is one on the
// network, without a certificate that an authority issued by mistake.
func (r Report) protection() string {
	dane, policy := r.safe()
	switch plus := r.Letter() == report.LetterAPlus; {
	case plus && dane && policy:
		return "No attacker on the network can read or intercept your mail if its sender checks DANE or MTA-STS."
	case plus && dane:
		return "No attacker on the network can read or intercept your mail if its sender checks DANE."
	case dane && policy:
		return "An active attacker can intercept your mail only if its sender checks neither DANE nor MTA-STS."
	case dane:
		return "An active attacker can intercept your mail unless its sender checks DANE."
	case policy:
		return "An active attacker can intercept your mail unless its sender checks MTA-STS."
	case r.Letter() == "D":
		return "Eavesdroppers can't read your mail, but an active attacker can intercept it: your certificates prove nothing."
	}
	return "Eavesdroppers can't read your mail, but an active attacker can intercept it."
}

// safe reports whether mail is safe from attackers where its sender checks DANE, and where it checks
// MTA-STS. Against a false certificate MTA-STS does not help.
func (r Report) safe() (dane, policy bool) {
	return r.held(grade.S2, grade.A2, grade.A3, grade.A4, grade.A5), r.held(grade.S3, grade.A2, grade.A3)
}

// held reports whether a sender whose mail arrives authenticated is not fooled by any of the attackers.
func (r Report) held(s report.Sender, attackers ...report.Attacker) bool {
	if r.cell(s, grade.A0) != report.Auth {
		return false
	}
	for _, a := range attackers {
		if o := r.cell(s, a); o != report.Auth && o != report.Defer {
			return false
		}
	}
	return true
}

var withoutLetter = map[report.Reason]string{
	report.DoesNotExist:  "No such domain. Is its name spelled correctly?",
	report.Undeliverable: "No mail reaches this domain: its mail servers cannot be found.",
	report.Untestable:    "We could not test this domain's mail servers.",
	report.NoAddress:     "No mail reaches this domain: it has no mail server and no address.",
	report.TakesNoMail:   "This domain says that it takes no mail.",
}

func brokenHeadline(policy report.Promise) string {
	switch policy {
	case report.PromiseDNSSEC:
		return "Legitimate mail is being rejected: your DNSSEC signatures are invalid."
	case report.PromiseDANE:
		return "Legitimate mail is being rejected: your servers do not have the key that your TLSA records promise."
	case report.PromiseSTS:
		return "Legitimate mail is being rejected: your servers do not keep what your MTA-STS policy promises."
	}
	return "Legitimate mail is being rejected."
}

// cell is what happens to the mail of a sender under an attacker; empty where that is not known.
func (r Report) cell(s report.Sender, a report.Attacker) report.Outcome { return r.Matrix[s][a] }

// vacant is a domain that the letter hangs on and that does not exist.
func (r Report) vacant() string {
	for _, reason := range r.Because() {
		if d := reason.Params["registrable"]; reason.Shown && d != "" {
			return d
		}
	}
	return ""
}

// limit is the finding that holds the letter below what the table of senders would give.
func (r Report) limit() (report.Finding, bool) {
	for _, reason := range r.Because() {
		if reason.Shown && slices.ContainsFunc(reason.Effects, func(e report.Effect) bool {
			letter, capped := e.Cap()
			return capped && letter == r.Letter()
		}) {
			return reason.Finding, true
		}
	}
	return report.Finding{}, false
}

// lowered is a title within a sentence.
func lowered(title string) string {
	first, _, _ := strings.Cut(title, " ")
	if strings.ToUpper(first) == first && first != "A" || title == "" {
		return title // an abbreviation, or a name
	}
	return strings.ToLower(title[:1]) + title[1:]
}
