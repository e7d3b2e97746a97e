package report

import (
	"slices"
	"strings"
	"time"
)

// Memory is how long something that was seen once is held against what is seen now, when
// the reports in between did not see it.
const Memory = 30 * 24 * time.Hour

// Past is what earlier reports of the domain saw, as far as a later one is held against it.
// The engine asks for the latest report once and keeps this much of it as evidence, so that
// judging needs no memory.
type Past struct {
	ID        string     `json:"id"`         // of the latest earlier report
	CheckedAt time.Time  `json:"checked_at"` // of that report
	Letter    Letter     `json:"letter,omitempty"`
	MX        MXState    `json:"mx,omitempty"`      // state of its MX records
	DNSSEC    State      `json:"dnssec,omitempty"`  // of its MX records
	MTASTS    STSState   `json:"mta_sts,omitempty"` // its state
	TLSRPT    RPTState   `json:"tls_rpt,omitempty"` // its state
	Hosts     []PastHost `json:"hosts,omitempty"`
	// Policy is the last MTA-STS policy that was in force.
	Policy *PastPolicy `json:"policy,omitempty"`
	// Announced is what was served when the id of the policy was first seen, where that was another
	// text: senders fetch a policy again only for a new id (RFC 8461 §3.1).
	Announced *PastPolicy `json:"announced,omitempty"`
}

// PastHost is a mail exchanger as it was last seen.
type PastHost struct {
	Name       string        `json:"name"`
	Preference uint16        `json:"preference"`
	SeenAt     time.Time     `json:"seen_at"`             // among the mail exchangers
	DNSSEC     State         `json:"dnssec,omitempty"`    // of its addresses
	TLSA       TLSAState     `json:"tlsa,omitempty"`      // state, where it was found out
	MatchedAt  time.Time     `json:"matched_at,omitzero"` // when its TLSA records last matched
	Addresses  []PastAddress `json:"addresses,omitempty"`
}

// PastAddress is an address of a mail exchanger as it was when it was last talked to.
type PastAddress struct {
	IP       string    `json:"ip"`
	SeenAt   time.Time `json:"seen_at"`
	STARTTLS STARTTLS  `json:"starttls"`
	Keys     []string  `json:"keys,omitempty"` // SHA-256 of the public keys it served, the preferred one first
	PKIX     PKIX      `json:"pkix,omitempty"` // of the first certificate that did not verify, else ok
	TLSAt    time.Time `json:"tls_at,omitzero"`
	ValidAt  time.Time `json:"valid_at,omitzero"` // when all its certificates last verified
	// PutOffSince is the first of the visits in a row on which it answered STARTTLS with
	// “later” (4xx): once that may be a limit on strangers, for an hour it is a fault (SMT-16).
	PutOffSince time.Time `json:"put_off_since,omitzero"`
}

// PastPolicy is an MTA-STS policy that was in force.
type PastPolicy struct {
	ID        string     `json:"id"`
	Mode      PolicyMode `json:"mode"`
	MaxAge    int64      `json:"max_age"` // seconds
	Digest    string     `json:"digest"`  // SHA-256 of the file
	FetchedAt time.Time  `json:"fetched_at"`
}

// Ends is when a sender that fetched the policy last forgets it.
func (p *PastPolicy) Ends() time.Time { return p.FetchedAt.Add(time.Duration(p.MaxAge) * time.Second) }

// Keys are the public keys that an address serves to those who name its host, by their
// SHA-256, the preferred one first.
func (a *Address) Keys() []string {
	var keys []string
	for _, c := range a.Named() {
		if c.SPKISHA256 != "" && !slices.Contains(keys, c.SPKISHA256) {
			keys = append(keys, c.SPKISHA256)
		}
	}
	return keys
}

// PKIX is how the certificates of an address verify: ok, or how the first that does not
// fails, or untested where none is known to; empty where none was seen.
func (a *Address) PKIX() PKIX {
	state := PKIX("")
	for _, c := range a.Named() {
		switch {
		case c.PKIX != PKIXOK && c.PKIX != PKIXUntested:
			return c.PKIX
		case state != PKIXUntested:
			state = c.PKIX
		}
	}
	return state
}

// Host returns what is known of a host of that name; nil where nothing is.
func (p *Past) Host(name string) *PastHost {
	if p == nil {
		return nil
	}
	if i := slices.IndexFunc(p.Hosts, func(h PastHost) bool { return h.Name == name }); i >= 0 {
		return &p.Hosts[i]
	}
	return nil
}

// Address returns what is known of an address; nil where nothing is.
func (h *PastHost) Address(ip string) *PastAddress {
	if h == nil {
		return nil
	}
	if i := slices.IndexFunc(h.Addresses, func(a PastAddress) bool { return a.IP == ip }); i >= 0 {
		return &h.Addresses[i]
	}
	return nil
}

// Recalls reports whether something seen at that time still counts at now: in the latest
// report, however old that is, or within Memory.
func (p *Past) Recalls(seen, now time.Time) bool {
	return !seen.IsZero() && !seen.After(now) && (seen.Equal(p.CheckedAt) || Within(Memory, seen, now))
}

// maxRemembered bounds the hosts of a Past: a report tests ten.
const maxRemembered = 20

// Remember returns what a later report has to know of this one and of those that this one
// remembers. It is nil for nil.
func Remember(r *Report) *Past {
	if r == nil {
		return nil
	}
	p := &Past{ID: r.ID, CheckedAt: r.CheckedAt}
	if r.Grade != nil {
		p.Letter = r.Grade.Letter
	}
	if r.MX != nil {
		p.MX, p.DNSSEC = r.MX.State, r.MX.DNSSEC.State
	}
	if r.MTASTS != nil && r.MTASTS.Failure == nil {
		p.MTASTS = r.MTASTS.State
	}
	if r.TLSRPT != nil && r.TLSRPT.Failure == nil {
		p.TLSRPT = r.TLSRPT.State
	}
	for _, h := range r.Hosts {
		if h.NotTested != NotTestedLimit {
			p.Hosts = append(p.Hosts, rememberHost(h, r.Past.Host(h.Name), r.CheckedAt))
		}
	}
	if r.Past != nil {
		for _, h := range r.Past.Hosts {
			if p.Host(h.Name) == nil && Within(Memory, h.SeenAt, r.CheckedAt) {
				p.Hosts = append(p.Hosts, h)
			}
		}
	}
	p.Hosts = p.Hosts[:min(len(p.Hosts), maxRemembered)]
	p.rememberPolicy(r)
	return p
}

func rememberHost(h *Host, older *PastHost, at time.Time) PastHost {
	p := PastHost{Name: h.Name, Preference: h.Preference, SeenAt: at, DNSSEC: h.DNSSEC.State, TLSA: h.TLSA.State}
	if older != nil {
		p.MatchedAt = older.MatchedAt
	}
	switch h.TLSA.State {
	case TLSAMatch:
		p.MatchedAt = at
	case TLSAUntested, "": // not found out this time
		if older != nil {
			p.TLSA = older.TLSA
		}
	}
	for _, a := range h.Addresses {
		before := older.Address(a.IP)
		switch {
		case a.Reachable && a.SMTP != nil:
			p.Addresses = append(p.Addresses, rememberAddress(a, before, at))
		case before != nil && Within(Memory, before.SeenAt, at):
			again := *before
			again.PutOffSince = putOffSince(a, before, at)
			p.Addresses = append(p.Addresses, again)
		case a.PutOff():
			p.Addresses = append(p.Addresses, PastAddress{IP: a.IP, SeenAt: at, STARTTLS: NotTried, PutOffSince: at})
		}
	}
	return p
}

func rememberAddress(a *Address, before *PastAddress, at time.Time) PastAddress {
	p := PastAddress{IP: a.IP, SeenAt: at, STARTTLS: a.SMTP.STARTTLS, Keys: a.Keys(), PKIX: a.PKIX(), PutOffSince: putOffSince(a, before, at)}
	if before != nil {
		p.TLSAt, p.ValidAt = before.TLSAt, before.ValidAt
		if len(p.Keys) == 0 {
			p.Keys = before.Keys
		}
	}
	if a.SMTP.STARTTLS == Works {
		p.TLSAt = at
	}
	if p.PKIX == PKIXOK {
		p.ValidAt = at
	}
	return p
}

// PutOff reports whether an address lists STARTTLS and, each time it was asked for it,
// answered “later” (a 4xx other than 421) or hung up.
func (a *Address) PutOff() bool {
	if a.SMTP == nil || a.SMTP.STARTTLS != NotTried || a.SMTP.Tries == 0 || a.Failure == nil || a.Failure.Phase != PhaseSTARTTLS {
		return false
	}
	switch a.Failure.Kind {
	case KindClosed, KindReset:
		return true
	case KindReply:
		return strings.HasPrefix(a.SMTP.Reply, "4") && !strings.HasPrefix(a.SMTP.Reply, "421")
	}
	return false
}

func putOffSince(a *Address, before *PastAddress, at time.Time) time.Time {
	switch {
	case !a.PutOff():
		return time.Time{}
	case before != nil && !before.PutOffSince.IsZero() && !before.PutOffSince.After(at):
		return before.PutOffSince
	}
	return at
}

// rememberPolicy keeps the policy of the report if it has one in force, else the one that it
// remembers.
func (p *Past) rememberPolicy(r *Report) {
	if r.Past != nil {
		p.Policy, p.Announced = r.Past.Policy, r.Past.Announced
	}
	m := r.MTASTS
	if !m.InForce() {
		return
	}
	now := &PastPolicy{ID: m.ID, Mode: m.Policy.Mode, MaxAge: m.Policy.MaxAge, Digest: m.Digest(), FetchedAt: r.CheckedAt}
	switch {
	case p.Policy == nil || p.Policy.ID != now.ID:
		p.Announced = nil
	case p.Announced == nil && p.Policy.Digest != now.Digest:
		p.Announced = p.Policy
	case p.Announced != nil && p.Announced.Digest == now.Digest: // the old text is back
		p.Announced = nil
	}
	p.Policy = now
}
