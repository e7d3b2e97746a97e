// Package senders is the receiving side of the test of senders: a zone of its own, mail servers of every
// manner and a policy host, and what came to them from whom.
//
// A test is a name that nobody can guess, below the zone. Whatever is asked or sent about it is written
// down with the test (checks/sender has the evidence and the judging); nothing is relayed, no text of a
// message is kept, and no bounce is ever sent. When a test ends its domains say that they take no mail
// (RFC 7505), for a week at least, so that what a sender still has in its queue comes back to its author.
//
// Who connects is a stranger: connections, questions and what is kept of them are bounded by network, by
// test and for the instance.
package senders

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"mxseal/checks/lab/serve"
	"mxseal/checks/sender"
	"mxseal/web/store"
	"mxseal/web/store/sqlite"
)

const (
	Lasts = 15 * time.Minute   // a test, where nobody ends it sooner
	Known = 8 * 24 * time.Hour // how long the names of a test answer after its end: longer than mail waits in a queue

	personal   = 7 * 24 * time.Hour // how long addresses and names of a sender are kept
	ofNetwork  = 5                  // tests at a time
	atATime    = 500                // tests of the instance
	questions  = 1000               // kept of a test
	fetches    = 100
	sessions   = 300
	looseKept  = 4000 // conversations that belong to no test, or not yet
	saveEvery  = 15 * time.Second
	policyAge  = time.Hour // max_age of our policies
	slotRested = policyAge // before a slot is lent again
)

// Why a test cannot be started.
var (
	ErrNetwork = errors.New("as many tests as one network may have are going on from yours")
	ErrFull    = errors.New("as many tests as this instance takes are going on")
)

// Config is what the receiving side works with.
type Config struct {
	Zone         string       // A-label, without a final dot
	Roles        []Role       // where to listen
	Certificates Certificates // of the servers
	Store        *sqlite.Store
	Log          *slog.Logger
	// Slots are how many tests with MTA-STS there can be within policyAge: each has policy hosts of its own.
	Slots int
}

// Senders are the tests of an instance. They are safe for concurrent use.
type Senders struct {
	Config
	signer *serve.Signer
	own    *tls.Certificate // that nobody vouches for
	limits *limits
	now    func() time.Time

	mu    sync.Mutex
	tests map[string]*test // those whose names are known
	slots []slot
	hosts map[netip.Addr]place     // of tests with addresses of their own
	loose []sender.Session         // without a recipient of any test
	live  map[*talk]sender.Session // conversations that go on: the beginning of each
}

// test is one test; Senders.mu guards it.
type test struct {
	evidence sender.Evidence
	slot     int // of its policy hosts; −1 for none
	network  netip.Prefix
	dirty    bool // changed since it was saved
	away     bool // what was seen is in the store alone
}

// slot is one set of policy hosts, which are lent to one test after another.
type slot struct {
	test string
	free time.Time // when it may be lent again
}

// New returns the receiving side with the tests that are kept.
func New(ctx context.Context, c Config) (*Senders, error) {
	c.Zone = strings.ToLower(strings.TrimSuffix(c.Zone, "."))
	s := &Senders{Config: c, limits: newLimits(), now: time.Now, tests: make(map[string]*test), slots: make([]slot, c.Slots), hosts: make(map[netip.Addr]place), live: make(map[*talk]sender.Session)}
	key, err := s.key(ctx)
	if err != nil {
		return nil, err
	}
	if s.own, err = selfSigned("mail." + c.Zone); err != nil {
		return nil, err
	}
	s.signer = serve.NewSigner(s.origin(), ttl, key)
	return s, s.load(ctx)
}

// Start begins a test for a visitor.
func (s *Senders) Start(ctx context.Context, who netip.Addr) (id string, err error) {
	one, err := s.begin(who)
	if err != nil {
		return "", err
	}
	return one.ID, s.save(ctx, one)
}

// begin makes a test whose names are known from now on.
func (s *Senders) begin(who netip.Addr) (one store.SenderTest, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now, from := s.moment(), sender.Network(who)
	running, his := 0, 0
	for _, t := range s.tests {
		if now.Before(t.evidence.Ends) {
			running++
			if t.network == from {
				his++
			}
		}
	}
	switch {
	case his >= ofNetwork:
		return one, ErrNetwork
	case running >= atATime:
		return one, ErrFull
	}
	id := strings.ToLower(rand.Text())[:idLength]
	t := &test{slot: s.lend(id, now), network: from, evidence: sender.Evidence{ID: id, Zone: s.Zone, Began: now, Ends: now.Add(Lasts), Domains: make(map[sender.Trap]string)}}
	for _, d := range sender.Designs {
		if domain := s.domain(d, id, t.slot); domain != "" && s.offers(d) {
			t.evidence.Domains[d.Trap] = domain
		} else {
			t.evidence.Missing = append(t.evidence.Missing, d.Trap)
		}
	}
	s.tests[id] = t
	s.house(id)
	return s.atRest(t)
}

// lend gives a test the slot that has rested longest; −1 where none is free.
func (s *Senders) lend(id string, now time.Time) int {
	best := -1
	for i := range s.slots {
		if !s.slots[i].free.After(now) && (best < 0 || s.slots[i].free.Before(s.slots[best].free)) {
			best = i
		}
	}
	if best >= 0 {
		s.slots[best] = slot{test: id, free: now.Add(Lasts + slotRested)}
	}
	return best
}

// offers reports whether this instance has what a trap needs.
func (s *Senders) offers(d sender.Design) bool {
	switch {
	case len(s.addresses(d.Manner)) == 0 && !s.housed():
		return false
	case d.Manner == sender.OldCert:
		return s.Certificates.Expired() != nil
	case d.Trap == sender.DANEIssuer:
		return len(s.Certificates.Mail().Certificate) > 1
	case d.Promise&sender.ByPolicy != 0:
		return len(s.addresses(policyRole)) > 0
	}
	return true
}

// End closes the traps of a test.
func (s *Senders) End(ctx context.Context, id string) error {
	one, ended, err := s.close(id)
	if err != nil || !ended {
		return err
	}
	return s.save(ctx, one)
}

// close is End in memory; it reports whether the test was still open.
func (s *Senders) close(id string) (one store.SenderTest, ended bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tests[id] == nil {
		return one, false, ErrNoTest
	}
	t := s.running(id)
	if t == nil {
		return one, false, nil
	}
	t.evidence.Ends = s.moment()
	one, err = s.atRest(t)
	return one, true, err
}

// ErrNoTest says that there is no test of that id.
var ErrNoTest = errors.New("there is no such test")

// Evidence is what was seen of a sender up to now.
func (s *Senders) Evidence(ctx context.Context, id string) (*sender.Evidence, error) {
	s.mu.Lock()
	t := s.tests[id]
	if t == nil || t.away {
		s.mu.Unlock()
		return s.kept(ctx, id)
	}
	defer s.mu.Unlock()
	e := t.evidence
	e.Questions, e.Fetches = slices.Clone(e.Questions), slices.Clone(e.Fetches)
	e.Sessions = append(slices.Clone(e.Sessions), s.looseOf(t)...)
	for i := range e.Sessions {
		e.Sessions[i].Messages = slices.Clone(e.Sessions[i].Messages)
	}
	slices.SortStableFunc(e.Sessions, func(a, b sender.Session) int { return a.At.Compare(b.At) })
	return &e, nil
}

// looseOf are the conversations without a recipient that a client of the test had while it ran, where
// that client has no other test at the time.
func (s *Senders) looseOf(t *test) []sender.Session {
	clients := t.clients()
	var his []sender.Session
	for _, one := range slices.Concat(s.loose, slices.Collect(maps.Values(s.live))) {
		if one.Over.IsZero() && slices.ContainsFunc(t.evidence.Sessions, func(known sender.Session) bool {
			return known.At.Equal(one.At) && known.From == one.From && known.Port == one.Port
		}) {
			continue
		}
		if !slices.Contains(clients, one.From) || one.At.Before(t.evidence.Began) || one.At.After(t.evidence.Ends) {
			continue
		}
		others := false
		for _, other := range s.tests {
			if other != t && !one.At.Before(other.evidence.Began) && !one.At.After(other.evidence.Ends) && slices.Contains(other.clients(), one.From) {
				others = true
			}
		}
		if !others {
			his = append(his, one)
		}
	}
	return his
}

func (t *test) clients() []netip.Addr {
	var all []netip.Addr
	for _, one := range t.evidence.Sessions {
		if len(one.Messages) > 0 && !slices.Contains(all, one.From) {
			all = append(all, one.From)
		}
	}
	return all
}

// running returns the test of an id while its traps are open; s.mu is held.
func (s *Senders) running(id string) *test {
	if t := s.tests[id]; t != nil && s.now().Before(t.evidence.Ends) {
		return t
	}
	return nil
}

// asked writes a question down.
func (s *Senders) asked(p place, about sender.Subject, from netip.Addr) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.running(p.test)
	if t == nil || about == "" {
		return
	}
	if t.evidence.Domains[p.trap] == "" {
		return
	}
	if len(t.evidence.Questions) >= questions {
		t.evidence.Cut = true
		return
	}
	t.dirty = true
	t.evidence.Questions = append(t.evidence.Questions, sender.Question{At: s.moment(), Trap: p.trap, About: about, From: from})
}

// fetched writes down that a policy was got.
func (s *Senders) fetched(p place, from netip.Addr) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.running(p.test)
	if t == nil {
		return
	}
	if len(t.evidence.Fetches) >= fetches {
		t.evidence.Cut = true
		return
	}
	t.dirty = true
	t.evidence.Fetches = append(t.evidence.Fetches, sender.Fetch{At: s.moment(), Trap: p.trap, From: from})
}

// moment is now, as evidence has it.
func (s *Senders) moment() time.Time { return s.now().UTC().Truncate(time.Millisecond) }

// Addresses are where a visitor sends his one message.
func Addresses(e *sender.Evidence) []string {
	var all []string
	for _, d := range sender.Designs {
		if domain := e.Domains[d.Trap]; domain != "" {
			all = append(all, e.ID+"@"+domain)
		}
	}
	return all
}

// Role is an address of ours and what listens there.
type Role struct {
	Addr netip.Addr
	Net  netip.Prefix // in place of Addr: every test and trap has its own address in it
	Port uint16       // the usual one if zero
	As   sender.Manner
}

// What listens beside mail servers.
const (
	dnsRole    sender.Manner = "dns"
	policyRole sender.Manner = "policy"
	allRole    sender.Manner = "all"
)

// ParseRole reads ADDRESS=ROLE; the address may be a prefix of IPv6 for the role all, and have a port.
func ParseRole(text string) (Role, error) {
	at, as, ok := strings.Cut(text, "=")
	r := Role{As: sender.Manner(as)}
	if !ok || !slices.Contains(append([]sender.Manner{dnsRole, policyRole, allRole}, sender.Manners...), r.As) {
		return r, fmt.Errorf("%q is not ADDRESS=ROLE; the roles are dns, policy, all and %v", text, sender.Manners)
	}
	if r.As == allRole {
		p, err := netip.ParsePrefix(at)
		if err != nil || !p.Addr().Is6() || p.Bits() > 64 {
			return r, fmt.Errorf("%q: the role all needs an IPv6 network of /64 or more", text)
		}
		r.Net = p.Masked()
		return r, nil
	}
	if both, err := netip.ParseAddrPort(at); err == nil {
		r.Addr, r.Port = both.Addr(), both.Port()
		return r, nil
	}
	var err error
	if r.Addr, err = netip.ParseAddr(at); err != nil {
		return r, fmt.Errorf("%q: %w", text, err)
	}
	return r, nil
}

// addresses are those of a role.
func (s *Senders) addresses(as sender.Manner) []netip.Addr {
	var all []netip.Addr
	for _, r := range s.Roles {
		if r.As == as && r.Addr.IsValid() {
			all = append(all, r.Addr)
		}
	}
	return all
}

// Missing are the titles of traps that this instance does not offer.
func (s *Senders) Missing() []string {
	var titles []string
	for _, d := range sender.Designs {
		if !s.offers(d) || d.Promise&sender.ByPolicy != 0 && s.Slots == 0 {
			titles = append(titles, d.Title)
		}
	}
	return titles
}
