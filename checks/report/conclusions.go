package report

import (
	"slices"
	"time"
)

// Conclusions are what the rules make of the evidence. The same evidence gives the same.
type Conclusions struct {
	Rules    int       `json:"rules"` // version of the rule set
	Grade    *Grade    `json:"grade,omitempty"`
	Matrix   Matrix    `json:"matrix,omitempty"`
	Badges   []Badge   `json:"badges,omitempty"`   // what earns a mention
	Findings []Finding `json:"findings,omitempty"` // rules that applied
	Changes  []Change  `json:"changes,omitempty"`  // since the latest report before
	Forecast []Due     `json:"forecast,omitempty"` // what breaks by itself, soonest first
}

// Letter is a grade, from "A+" to "F", or "T" (not testable), or "N" (takes no mail).
type Letter string

// Those that say more than their place in the order.
const (
	LetterAPlus Letter = "A+"
	LetterT     Letter = "T" // not testable
	LetterN     Letter = "N" // takes no mail
)

// letters in order, best first. T and N stand apart.
var letters = []Letter{LetterAPlus, "A", "B", "C", "D", "E", "F"}

// Letters are all that there are: the letters in order, best first, then T and N.
var Letters = slices.Concat(letters, []Letter{LetterT, LetterN})

// Worse reports whether l is a worse grade than m. T and N are worse than every letter.
func (l Letter) Worse(m Letter) bool { return l.rank() > m.rank() }

// Valid reports whether l is one of A+, A, B, C, D, E, F.
func (l Letter) Valid() bool { return slices.Contains(letters, l) }

func (l Letter) rank() int {
	if i := slices.Index(letters, l); i >= 0 {
		return i
	}
	return len(letters)
}

// Down returns the letter n steps below l, F at the lowest.
func (l Letter) Down(n int) Letter {
	return letters[min(l.rank()+n, len(letters)-1)]
}

// Grade is the letter with its reasons.
type Grade struct {
	Letter      Letter    `json:"letter"`
	Provisional bool      `json:"provisional"`        // something that could move it was not found out
	Worst       Letter    `json:"worst,omitempty"`    // the worst that it may become once that is known; absent where it is firm
	Best        Letter    `json:"best,omitempty"`     // the best that it may become once that is known; absent where it is firm
	Reason      Reason    `json:"reason,omitempty"`   // why the letter is T or N; absent beside a grade
	Because     []string  `json:"because"`            // ids of the rules that hold the letter down
	Broken      []Promise `json:"broken"`             // promises to senders that stop honest mail
	NotSeen     []string  `json:"not_seen,omitempty"` // servers and addresses that it does not speak of
	Sentence    string    `json:"sentence"`           // what the letter says
	Next        []Next    `json:"next"`               // what fixing one finding would give, best first
	First       []First   `json:"first,omitempty"`    // what to do first, in this order
	Why         string    `json:"why,omitempty"`      // why it is not better, in a sentence
}

// Promise is what a domain lets senders rely on. A broken one stops honest mail.
type Promise string

const (
	PromiseDANE   Promise = "dane"
	PromiseSTS    Promise = "sts"
	PromiseDNSSEC Promise = "dnssec"
)

// Badge is what earns a mention beside the letter.
type Badge string

const (
	BadgeDANE       Badge = "DANE"
	BadgeMTASTS     Badge = "MTA-STS"
	BadgeEnforced   Badge = "TLS enforced"
	BadgeREQUIRETLS Badge = "REQUIRETLS"
	BadgePQ         Badge = "PQ"      // the key exchange withstands quantum computers
	BadgeReports    Badge = "reports" // of failed TLS are asked for
)

// Reason is why there is no grade. What is undeliverable fails every demand on a domain.
type Reason string

const (
	Untestable    Reason = "not-testable"   // T: too little was found out
	DoesNotExist  Reason = "does-not-exist" // T: the domain does not exist
	Undeliverable Reason = "undeliverable"  // T: the domain names no place that mail could be delivered to
	NoAddress     Reason = "no-address"     // N: it has neither an MX record nor an address
	TakesNoMail   Reason = "takes-no-mail"  // N: it says so
)

// Next is the letter that the domain would have with every finding of one rule fixed.
type Next struct {
	Fix    string `json:"fix"` // rule id
	Letter Letter `json:"letter"`
}

// Sender is a row of the matrix, S0 to S6 (RULES 3.1).
type Sender string

// Attacker is a column of the matrix, A0 to A5 (RULES 3.2).
type Attacker string

// Outcome is what happens to the mail (RULES 3.3).
type Outcome string

const (
	Auth   Outcome = "AUTH"   // delivered encrypted and authenticated
	Enc    Outcome = "ENC"    // delivered encrypted, unauthenticated, to the real server
	Clear  Outcome = "CLEAR"  // delivered readable on the wire
	Stolen Outcome = "STOLEN" // delivered to the attacker
	Defer  Outcome = "DEFER"  // deferred or bounced
)

// Matrix says for every sender and attacker what happens to the mail.
type Matrix map[Sender]map[Attacker]Outcome

// Change is one difference to the latest earlier report.
type Change struct {
	What    Aspect `json:"what"` // what differs
	Host    string `json:"host,omitempty"`
	Address string `json:"address,omitempty"`
	Before  string `json:"before"` // empty for what is new
	After   string `json:"after"`  // empty for what is gone
}

// Aspect is what two reports are compared by. Each check has words for its own (check.Words).
type Aspect string

const (
	AspectLetter      Aspect = "letter"
	AspectMXState     Aspect = "mx-state"
	AspectMX          Aspect = "mx" // a mail exchanger with its preference
	AspectDNSSEC      Aspect = "dnssec"
	AspectSTARTTLS    Aspect = "starttls"
	AspectKey         Aspect = "key"         // that an address serves
	AspectCertificate Aspect = "certificate" // how those of an address verify
	AspectTLSA        Aspect = "tlsa"
	AspectMTASTS      Aspect = "mta-sts"
	AspectPolicyID    Aspect = "mta-sts-id"
	AspectPolicy      Aspect = "mta-sts-policy" // its text
	AspectTLSRPT      Aspect = "tls-rpt"
)

// Due is a date on which something breaks by itself unless somebody acts before it.
type Due struct {
	At   time.Time `json:"at"`
	What Ending    `json:"what"`
	Rule string    `json:"rule"` // that would fire then
	Host string    `json:"host,omitempty"`
	Text string    `json:"text,omitempty"` // what happens then, in a sentence

	Since time.Time `json:"-"` // when what ends began: one that is renewed began later; zero where that is not known
	Zone  string    `json:"-"` // of the signatures
}

// Ending is what ends on a date.
type Ending string

const (
	EndsCertificate       Ending = "certificate" // of a mail server
	EndsPolicyCertificate Ending = "policy-certificate"
	EndsSignatures        Ending = "signatures" // of DNSSEC
	EndsRenewal           Ending = "renewal"    // the usual day of a new certificate
	EndsPolicy            Ending = "policy"     // senders forget it
)
