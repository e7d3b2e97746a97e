package report

import (
	"slices"
	"time"
)

// State is the DNSSEC state of an answer (RFC 4033 §5).
type State string

const (
	Secure        State = "secure"
	Insecure      State = "insecure"
	Bogus         State = "bogus"
	Indeterminate State = "indeterminate" // the look-up failed, or our own view cannot be trusted
)

// Worse returns the worse of two states: bogus, indeterminate, insecure, secure.
func (s State) Worse(t State) State {
	rank := map[State]int{Secure: 1, Insecure: 2, Indeterminate: 3, Bogus: 4}
	if rank[t] > rank[s] {
		return t
	}
	return s
}

// Trust is the state of an answer with the links that proved it, root first.
type Trust struct {
	State     State   `json:"state"`            // empty: not looked at
	Reason    Cause   `json:"reason,omitempty"` // empty when secure
	Statement         // the same in full: which zone, which record
	Detail    string  `json:"detail,omitempty" derived:"words"` // in a sentence
	EDE       int     `json:"ede,omitempty"`                    // extended DNS error (RFC 8914) that says the same
	Chain     []Link  `json:"chain,omitempty"`
	Steps     []Alias `json:"steps,omitempty"` // CNAME and DNAME steps on the way, first to last
	// Signature is the validity of the signature over the answer itself, where it has one.
	Signature *Signature `json:"signature,omitempty"`
	Notes     []Note     `json:"notes,omitempty"` // faults that did not decide the state
	// Witnesses are what others gave, where our resolver gave no answer or one that does not hold.
	Witnesses []Witness `json:"witnesses,omitempty"`
	Omitted   int       `json:"omitted_links,omitempty"`     // of the chain, beyond those listed
	Unheard   int       `json:"omitted_witnesses,omitempty"` // beyond those listed
}

// Link is one zone on the way from the root.
type Link struct {
	Zone   string     `json:"zone"`
	State  State      `json:"state"`
	DS     []DS       `json:"ds,omitempty"`
	Keys   []Key      `json:"keys,omitempty"`      // of these and of DS the first eight
	Window *Signature `json:"signature,omitempty"` // of the DNSKEY RRset
	// DSWindow is the validity of the parent's signature over the DS RRset.
	DSWindow  *Signature `json:"ds_signature,omitempty"`
	Notes     []Note     `json:"notes,omitempty"`  // faults that did not decide the state
	Reason    Cause      `json:"reason,omitempty"` // empty when secure
	Statement            // the same in full
	Detail    string     `json:"detail,omitempty" derived:"words"` // in a sentence
	EDE       int        `json:"ede,omitempty"`
}

// DS is a delegation signer record.
type DS struct {
	Tag       uint16 `json:"tag"`
	Algorithm uint8  `json:"algorithm"`
	Digest    uint8  `json:"digest"` // digest type
}

// Key is a DNSKEY record.
type Key struct {
	Tag       uint16 `json:"tag"`
	Algorithm uint8  `json:"algorithm"`
	Bits      int    `json:"bits"`
	SEP       bool   `json:"sep"`
}

// Signature is the validity period of an RRSIG.
type Signature struct {
	Tag       uint16    `json:"tag"`
	Algorithm uint8     `json:"algorithm"`
	Inception time.Time `json:"inception"`
	Expires   time.Time `json:"expires"`
	TTL       uint32    `json:"ttl"` // original TTL, seconds
}

// Alias is a step from a name to another by CNAME or DNAME.
type Alias struct {
	Name   string `json:"name"`
	Target string `json:"target"`
	State  State  `json:"state"`
}

// Broken returns the index of the first link of the chain that is not secure; the number of
// links where all are and what is amiss, if anything, is the answer itself.
func (t Trust) Broken() int {
	if i := slices.IndexFunc(t.Chain, func(l Link) bool { return l.State != Secure }); i >= 0 {
		return i
	}
	return len(t.Chain)
}

func (t *Trust) cut(links int) {
	t.Shorten(links)
	for i := range t.Chain {
		l := &t.Chain[i]
		l.Keys, l.DS = l.Keys[:min(len(l.Keys), 2)], l.DS[:min(len(l.DS), 2)]
	}
	if more := len(t.Witnesses) - links; more > 0 {
		t.Witnesses = t.Witnesses[:links]
		t.Unheard += more
	}
	if len(t.Steps) > 2 { // where it begins and where it ends is what anything rests on
		t.Steps = slices.Delete(t.Steps, 1, len(t.Steps)-1)
	}
}

// Shorten keeps so many links of a chain: the root, the first that is broken, and the last ones.
func (t *Trust) Shorten(links int) {
	more := len(t.Chain) - links
	if more <= 0 {
		return
	}
	kept := []Link{t.Chain[0]}
	last := len(t.Chain) - (links - 1)
	if broken := t.Broken(); 0 < broken && broken < last {
		kept = append(kept, t.Chain[broken])
		last++
	}
	t.Chain = append(kept, t.Chain[last:]...)
	t.Omitted += more
}

// say writes the sentences of an answer's state; nil has none.
func (t *Trust) say(w speech) {
	if t == nil {
		return
	}
	w.say(t.Statement, &t.Detail)
	sayEach(w, &t.Chain, func(l *Link) (Statement, *string) { return l.Statement, &l.Detail })
}
