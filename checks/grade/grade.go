// Package grade turns findings into the table of who can read or divert the mail, and that
// table into a letter.
//
//	findings → effects → facts → matrix → letter
//
// It is pure: the same findings give the same grade, with no clock and no network, so a
// stored report can be graded again and "what if this were fixed?" is the same function
// asked twice. What is unknown counts neither for nor against a domain.
package grade

import (
	"slices"
	"strings"

	"mxseal/checks/report"
)

// Result is the letter with its reasons, and what it was derived from.
type Result struct {
	Grade  report.Grade
	Matrix report.Matrix // nil where there is no letter
	Badges []report.Badge
	Facts  Facts
}

// Of grades findings of rules: their effects, and by the rows of the rules what can be done about
// them. It reads no sentence.
func Of(findings []report.Finding, rules report.Catalogue) Result {
	all := gather(claimsOf(findings))
	r := OfFacts(all.facts())
	v := judge(r.Facts)
	if v.letter.Valid() {
		r.Grade.NotSeen = unseen(findings)
	}
	r.Grade.Because = because(findings, all, v, r.Facts)
	r.Grade.Next = next(findings, rules, v.letter)
	if worst, best := span(findings, r.Facts, v.letter); worst != "" && worst == best {
		r.Grade.Provisional = false // what was not found out would not move the letter
	} else {
		r.Grade.Worst, r.Grade.Best = worst, best
	}
	if r.Matrix != nil && postQuantum(findings, all) {
		r.Badges = append(r.Badges, report.BadgePQ)
	}
	return r
}

// FactsOf merges the effects of findings into facts.
func FactsOf(findings []report.Finding) Facts { return factsOf(claimsOf(findings)) }

// OfFacts grades facts. What only findings can tell stays empty: the reasons, the next steps
// and the badge for post-quantum key exchange.
func OfFacts(f Facts) Result {
	v := judge(f)
	r := Result{
		Grade: report.Grade{
			Letter:      v.letter,
			Provisional: f.Prov,
			Because:     []string{},
			Broken:      append([]report.Promise{}, v.broken...),
			Reason:      v.reason,
			Sentence:    sentence(v, f),
			Next:        []report.Next{},
		},
		Badges: []report.Badge{},
		Facts:  f,
	}
	if v.letter.Valid() {
		r.Matrix = matrix(f)
		r.Badges = badges(f)
	}
	return r
}

// says is what a letter means (RULES 4.2).
var says = map[report.Letter]string{
	report.LetterAPlus: "Senders that use DANE cannot be fooled, and those that know your MTA-STS policy cannot be fooled by someone on the wire. There is no known weak spot.",
	"A":                "Senders that use DANE cannot be fooled.",
	"B":                "Senders that know your MTA-STS policy cannot be fooled by someone on the wire.",
	"C":                "Eavesdroppers cannot read mail from senders that use TLS, but an active attacker can intercept mail from ordinary senders.",
	"D":                "Mail is encrypted, but neither DANE nor MTA-STS stops an attacker who pretends to be your server.",
	"E":                "Some mail is still sent unencrypted.",
	"F":                "Mail to this domain is sent unencrypted.",
	report.LetterT:     "No letter: we could not find out enough about your mail servers.",
	report.LetterN:     "No mail can be delivered to this domain, so there is none to protect.",
}

// Says returns what a letter means, in a sentence.
func Says(l report.Letter) string { return says[l] }

// saysWithout is what a report without a grade says.
var saysWithout = map[report.Reason]string{
	report.Untestable:    says[report.LetterT],
	report.Undeliverable: "No letter: none of the mail servers of this domain can be found in the DNS.",
	report.DoesNotExist:  "No letter: this domain does not exist, so no mail can reach it.",
	report.NoAddress:     "This domain has neither mail servers nor an address. No mail can reach it, so there is none to protect.",
	report.TakesNoMail:   "This domain says that it takes no mail, so there is none to protect.",
}

var saysBroken = map[report.Promise]string{
	report.PromiseDNSSEC: "DNSSEC is broken: senders that check its signatures cannot deliver, so legitimate mail is stopped.",
	report.PromiseDANE:   "DANE is broken: senders that check your TLSA records cannot deliver, so legitimate mail is stopped.",
	report.PromiseSTS:    "MTA-STS is broken: senders that follow your policy cannot deliver, so legitimate mail is stopped.",
}

// What a letter says where its usual sentence would not be true of the matrix.
const (
	saysHeld     = "Your servers insist on TLS, but offer none that senders with TLS 1.2 or later can use. Their mail waits."
	saysHeldAt   = "One of your servers insists on TLS, but offers none that senders with TLS 1.2 or later can use. They have to find another server."
	saysLenient  = "Mail is encrypted. An impostor can fool all senders except those that check DANE behind unsigned MX records too, as Postfix does."
	saysPartly   = "DNSSEC is broken at some of your mail servers: senders that check its signatures deliver to the others only."
	saysSomeDANE = "DANE is broken: some senders that check your TLSA records cannot deliver, so legitimate mail is stopped."
	saysTaken    = "Your mail depends on a name that does not exist in the DNS. Anyone who can register it can get the mail."
	saysOpened   = "An attacker can get around the protection of your mail."
)

// sentence says what the letter says of this domain, and nothing that its matrix denies. A
// letter that is held down by a cap means what the matrix gave, for a B without MTA-STS is no B
// of MTA-STS; but where the fault undoes what the matrix gave, the sentence is about that.
func sentence(v verdict, f Facts) string {
	if len(v.broken) > 0 {
		var broken []string
		for _, policy := range v.broken {
			broken = append(broken, brokenSentence(policy, f))
		}
		return strings.Join(broken, " ")
	}
	if s, without := saysWithout[v.reason]; without {
		return s
	}
	if v.letter == v.earned || v.letter == "A" || !v.letter.Valid() {
		return earnedSentence(v.letter, f)
	}
	fault := " A known fault holds the grade at " + string(v.letter) + "."
	switch {
	case v.letter == "F":
		return saysTaken + fault
	case v.letter.Worse("B"): // a fault of this weight helps against senders that have something better (RULES 4.3)
		return saysOpened + fault
	}
	return earnedSentence(worse(v.earned, "A"), f) + fault // a cap is a known weak spot: never the sentence of A+
}

func earnedSentence(l report.Letter, f Facts) string {
	lenient := delivery(f, S2L)
	switch {
	case l == "E" && !slices.ContainsFunc(f.counted(), func(m HostFacts) bool {
		return decide(f, m, S1)[1] == report.Clear || decide(f, m, S1L)[1] == report.Clear
	}):
		if delivery(f, S1)[0] != report.Defer {
			return saysHeldAt
		}
		return saysHeld
	case l == "D" && lenient[0] == report.Auth && safe(lenient[2:4]...):
		return saysLenient
	}
	return says[l]
}

func brokenSentence(policy report.Promise, f Facts) string {
	strict := delivery(f, S2)[0]
	switch {
	case policy == report.PromiseDNSSEC && strict != report.Defer:
		return saysPartly
	case policy == report.PromiseDANE && strict != report.Defer:
		return saysSomeDANE
	}
	return saysBroken[policy]
}

// badges are those that are earned (RULES 5).
func badges(f Facts) []report.Badge {
	earned := []report.Badge{}
	award := func(badge report.Badge, condition bool) {
		if condition {
			earned = append(earned, badge)
		}
	}
	award(report.BadgeDANE, holdsDANE(f))
	award(report.BadgeMTASTS, holdsSTS(f))
	award(report.BadgeEnforced, !slices.ContainsFunc(f.counted(), func(m HostFacts) bool { return !m.Forced }))
	award(report.BadgeREQUIRETLS, delivery(f, S5)[0] == report.Auth)
	award(report.BadgeReports, f.RPT)
	return earned
}

// postQuantum reports whether every address that counts negotiated a hybrid group (TLS-41).
func postQuantum(findings []report.Finding, all *effects) bool {
	hybrid := func(host, address string) bool {
		return slices.ContainsFunc(findings, func(f report.Finding) bool {
			return f.Rule == "TLS-41" && f.Verdict == report.Pass && f.Host == host && (f.Address == "" || f.Address == address)
		})
	}
	for _, h := range all.hosts {
		for _, address := range h.counted() {
			if !hybrid(h.name, address) {
				return false
			}
		}
	}
	return true
}
