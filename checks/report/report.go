// Package report holds what mxseal saw of a mail domain and what it concluded.
//
// It is the leaf that every other package speaks: evidence (what was seen, without
// opinion), findings (which rules applied) and the grade. Its JSON form is public;
// names are added, never changed. Text that came from strangers is cleaned before it
// is put in here (see Clean) and still has to be escaped on output.
package report

import (
	"slices"
	"time"
)

const (
	Schema   = 1 // of the JSON form
	RulesSet = 1 // version of the rule catalogue
)

// Report is one check of one domain: which check it was, what it saw, and what follows from
// that. Times are UTC; what was not looked at is absent.
type Report struct {
	Meta
	Evidence
	Conclusions
}

// Observed is all that is judged: which check it was and what it saw, without a conclusion.
type Observed struct {
	Meta
	Evidence
}

// Observed returns what the report was judged by.
func (r *Report) Observed() Observed { return Observed{r.Meta, r.Evidence} }

// Meta says which check a report is, and how far it came.
type Meta struct {
	Schema        int       `json:"schema"`            // version of the JSON form; 1
	ID            string    `json:"id"`                // for the permanent address
	State         Ended     `json:"state" enum:"done"` // that this is a report; what answers in its place while a check runs says otherwise
	Domain        string    `json:"domain"`            // A-label
	UnicodeDomain string    `json:"unicode_domain"`    // as people write it
	CheckedAt     time.Time `json:"checked_at"`        // when the check began
	ElapsedMS     int64     `json:"elapsed_ms"`        // how long it took
	Engine        string    `json:"engine"`            // version of the program
	Depth         Depth     `json:"depth"`
	Connections   int       `json:"connections"`           // TCP connections to mail and policy servers
	Interrupted   string    `json:"interrupted,omitempty"` // why the check ended before its time
	Faults        []string  `json:"faults,omitempty"`      // checks that failed by a fault of our own
	HeldBack      bool      `json:"held_back,omitempty"`   // a turn among the connections of this checker did not come in time

	// Conditions are troubles of our own network that the last self-test found.
	Conditions []Condition `json:"conditions,omitempty"`
	// LargeHellos says that a ClientHello of more than one packet came through to a control
	// host in the last self-test.
	LargeHellos bool `json:"large_hellos,omitempty"`

	Input []string `json:"input,omitempty"` // ids of the INP rules that applied to what was typed
}

// Evidence is what was seen. Fields with the tag derived follow from the others: they are
// written when a report is judged (checks.Judge) and never believed before.
type Evidence struct {
	MX     *MX     `json:"mx,omitempty"`
	DNSSEC *DNSSEC `json:"dnssec,omitempty"`
	Hosts  []*Host `json:"hosts,omitempty"` // mail exchangers, in the order senders try them
	MTASTS *MTASTS `json:"mta_sts,omitempty"`
	TLSRPT *TLSRPT `json:"tls_rpt,omitempty"`
	// Past is what earlier reports of the domain saw; absent where there is no memory of it.
	Past *Past `json:"past,omitempty"`
	// Unanswered are questions to the DNS that got no answer, from whomever.
	Unanswered []Question `json:"unanswered,omitempty"`
	// MisplacedTLSA lists names where TLSA records stand that no sender of mail looks at.
	MisplacedTLSA []string `json:"misplaced_tlsa,omitempty"`
	// Lookups are answers that checks about a single record keep, by name and type.
	Lookups []Lookup `json:"lookups,omitempty"`
}

// Lookup returns what is kept of a question; nil where it was not asked. Names have their final dot.
func (e Evidence) Lookup(name, qtype string) *Lookup {
	for i := range e.Lookups {
		if l := &e.Lookups[i]; l.Name == name && l.Type == qtype {
			return l
		}
	}
	return nil
}

// CheckID names a check.
type CheckID string

// Conclusions are what the rules make of the evidence. The same evidence gives the same.
type Conclusions struct {
	Rules    int       `json:"rules"` // version of the rule set
	Grade    *Grade    `json:"grade,omitempty"`
	Matrix   Matrix    `json:"matrix,omitempty"`
	Badges   []string  `json:"badges,omitempty"`   // what earns a mention: DANE, MTA-STS, TLS enforced, REQUIRETLS, PQ, reports
	Findings []Finding `json:"findings,omitempty"` // rules that applied
	Changes  []Change  `json:"changes,omitempty"`  // since the latest report before
	Forecast []Due     `json:"forecast,omitempty"` // what breaks by itself, soonest first
}

// Ended is the word “done”, whatever was stored.
type Ended struct{}

// MarshalText writes it.
func (Ended) MarshalText() ([]byte, error) { return []byte("done"), nil }

// UnmarshalText reads nothing.
func (*Ended) UnmarshalText([]byte) error { return nil }

// Depth is how much is asked of each mail server.
type Depth string

const (
	Quick    Depth = "quick"    // one handshake an address, no enumeration
	Standard Depth = "standard" // a hit per class of cipher suites
	Full     Depth = "full"     // every suite
)

// Letter is a grade, from "A+" to "F", or "T" (not testable), or "N" (takes no mail).
type Letter string

// letters in order, best first. T and N stand apart.
var letters = []Letter{"A+", "A", "B", "C", "D", "E", "F"}

// Letters are all that there are: the letters in order, best first, then T and N.
var Letters = slices.Concat(letters, []Letter{"T", "N"})

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
	Letter      Letter   `json:"letter"`
	Provisional bool     `json:"provisional"`                   // something that could move it was not found out
	Worst       Letter   `json:"worst,omitempty"`               // the worst that it may become once that is known; absent where it is firm
	Best        Letter   `json:"best,omitempty"`                // the best that it may become once that is known; absent where it is firm
	Reason      Reason   `json:"reason,omitempty"`              // why the letter is T or N; absent beside a grade
	Because     []string `json:"because"`                       // ids of the rules that hold the letter down
	Broken      []string `json:"broken" enum:"dane,sts,dnssec"` // policies that stop honest mail
	NotSeen     []string `json:"not_seen,omitempty"`            // servers and addresses that it does not speak of
	Sentence    string   `json:"sentence"`                      // what the letter says
	Next        []Next   `json:"next"`                          // what fixing one finding would give, best first
	First       []First  `json:"first,omitempty"`               // what to do first, in this order
	Why         string   `json:"why,omitempty"`                 // why it is not better, in a sentence
}

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

// Lookup is one validated DNS look-up.
type Lookup struct {
	Name    string   `json:"name"`
	Type    string   `json:"type"`
	Rcode   string   `json:"rcode"`
	TTL     uint32   `json:"ttl"`
	Records []string `json:"records"`
	DNSSEC  Trust    `json:"dnssec"`
	Failure *Failure `json:"failure,omitempty"`
	// Authority is what the name servers say themselves; asked only where the answer failed.
	Authority *Authority `json:"authority,omitempty"`
}

// Event is one step of a running check; exactly one of the fields beside At is set.
type Event struct {
	At       time.Time `json:"at"`
	Progress *Progress `json:"progress,omitempty"`
	Finding  *Finding  `json:"finding,omitempty"`
	Done     *Report   `json:"done,omitempty"`
}

// Progress says that a stage of the check began or ended.
type Progress struct {
	Stage CheckID `json:"stage"`           // check id
	Host  string  `json:"host,omitempty"`  // where the stage is asked of one mail exchanger
	Ended bool    `json:"ended,omitempty"` // it ended; absent: it began
}
