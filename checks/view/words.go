package view

import (
	"regexp"

	"mxseal/checks/report"
)

// OutcomeWord is an outcome under attack in one or two words; Meanings says them in a sentence.
func OutcomeWord(o report.Outcome) string {
	switch o {
	case report.Auth:
		return "Protected"
	case report.Enc:
		return "Encrypted"
	case report.Defer:
		return "Blocked, safe"
	case report.Clear:
		return "Readable"
	case report.Stolen:
		return "Intercepted"
	}
	return "Unknown"
}

func VerdictWord(v report.Verdict) string {
	switch v {
	case report.Pass:
		return "Good"
	case report.Info:
		return "Note"
	case report.Warn:
		return "Weak"
	case report.Fail:
		return "Fault"
	case report.Untested:
		return "Not tested"
	}
	return "Not looked at"
}

// LetterWord is a letter; T and N are no grades, and said in words.
func LetterWord(l report.Letter) string {
	switch {
	case l.Valid():
		return string(l)
	case l == report.LetterT:
		return "not tested"
	case l == report.LetterN:
		return "no mail"
	}
	return "no grade"
}

// GradeLabel says a letter to those who hear it.
func GradeLabel(l report.Letter) string {
	switch {
	case l == report.LetterAPlus:
		return "Grade A plus"
	case l.Valid():
		return "Grade " + string(l)
	case l == report.LetterT, l == report.LetterN:
		return "No grade: " + LetterWord(l)
	}
	return "No grade"
}

func BrokenText(promise report.Promise) string {
	switch promise {
	case report.PromiseDANE:
		return "The published TLSA records name a key that your servers do not have."
	case report.PromiseSTS:
		return "The MTA-STS policy demands something that your servers do not do."
	case report.PromiseDNSSEC:
		return "The signatures in the DNS are invalid: senders that check them cannot even find your servers."
	}
	return string(promise)
}

// BadgeName is a merit as people are told of it.
func BadgeName(badge report.Badge) string {
	switch badge {
	case report.BadgePQ:
		return "Post-quantum"
	case report.BadgeReports:
		return "TLS reports"
	}
	return string(badge)
}

func BadgeText(badge report.Badge) string {
	switch badge {
	case report.BadgeDANE:
		return "senders that check it cannot be fooled"
	case report.BadgeMTASTS:
		return "senders that check it cannot be fooled on the wire"
	case report.BadgeEnforced:
		return "takes no mail without TLS"
	case report.BadgeREQUIRETLS:
		return "passes mail on only where it stays protected"
	case report.BadgePQ:
		return "the key exchange withstands quantum computers"
	case report.BadgeReports:
		return "senders report failed TLS"
	}
	return ""
}

// EffectWord says how a rule touches the grade.
func EffectWord(e report.Effect) string {
	if letter, ok := e.Cap(); ok {
		return "grade " + string(letter) + " at best"
	}
	if name, value, ok := e.Fact(); ok {
		return factWord(name) + ": " + value
	}
	if letter, _, ok := e.NoGrade(); ok {
		return "no grade (" + string(letter) + ")"
	}
	switch e {
	case report.NoAPlus:
		return "no A+"
	case report.Provisional:
		return "provisional grade"
	}
	return string(e)
}

func factWord(name string) string {
	switch name {
	case "D.mxdns":
		return "DNSSEC of the MX"
	case "D.sts":
		return "MTA-STS policy"
	case "D.stsLong":
		return "MTA-STS policy kept for a day or more"
	case "D.rpt":
		return "TLS reports asked for"
	case "M.pref":
		return "preference"
	case "M.reach":
		return "reachable"
	case "M.addr":
		return "DNSSEC of the addresses"
	case "M.tlsa":
		return "TLSA"
	case "M.tls":
		return "TLS"
	case "M.forced":
		return "TLS enforced"
	case "M.pkix":
		return "publicly trusted certificate"
	case "M.sts":
		return "host in the policy"
	case "M.rtls":
		return "REQUIRETLS"
	}
	return name
}

var placeholder = regexp.MustCompile(`\{(\w+)\}`)

// General reads a rule's text without a finding: {host} becomes ‹host›.
func General(text string) string { return placeholder.ReplaceAllString(text, "‹$1›") }
