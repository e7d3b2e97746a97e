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
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"mxseal/checks/lab/serve"
	"mxseal/checks/sender"
	"mxseal/web/store"
)

const (
	Lasts = 15 * time.Minute   // a test, where nobody ends it sooner
	Known = 8 * 24 * time.Hour // how long the names of a test answer after its end: longer than mail waits in a queue

	keepTests  = 400 * 24 * time.Hour // a test, as TLS reports are
	testsKept  = 20_000               // of the instance
	personal   = 7 * 24 * time.Hour   // how long addresses and names of a sender are kept
	ofNetwork  = 5                    // tests at a time
	atATime    = 500                  // tests of the instance
	questions  = 1000                 // kept of a test
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
	ErrUnready = unready{}
)

// unready is a kind of ErrFull: the instance takes no tests at all until it has a certificate.
type unready struct{}

func (unready) Error() string {
	return "this instance has no valid certificate for its mail servers yet"
}

func (unready) Is(other error) bool { return other == ErrFull }

// Config is what the receiving side works with.
type Config struct {
	Zone         string       // A-label, without a final dot
	Roles        []Role       // where to listen
	Sockets      Sockets      // that are open already
	Certificates Certificates // of the servers
	Store        *store.Store
	Log          *slog.Logger
	// Slots are how many tests with MTA-STS there can be within policyAge: each has policy hosts of its own.
	Slots int
	// Reports is the URL below which TLS reports about tests are delivered (RFC 8460 §3), with a final
	// slash; empty where none are taken.
	Reports string
}

// Role is an address of ours and what listens there.
type Role struct {
	Addr netip.Addr
	Net  netip.Prefix // in place of Addr: every test and trap has its own address in it
	Port uint16       // the usual one if zero
	As   sender.Manner
	Here netip.AddrPort // where to listen, where the address is one that leads here from elsewhere
}

// Sockets are some that were opened for us already.
type Sockets struct {
	Streams []net.Listener
	Packets []net.PacketConn
}

// Senders are the tests of an instance. They are safe for concurrent use.
type Senders struct {
	Config
	signer *serve.Signer
	own    *tls.Certificate // that nobody vouches for
	limits *limits
	now    func() time.Time

	reports sync.Mutex // held while one is taken
	guests  guests
	tested  atomic.Pointer[SelfTested]

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
	dirty    bool          // changed since it was saved
	away     bool          // what was seen is in the store alone
	changed  chan struct{} // closed at the next change; nil where nobody waits for it
}

// slot is one set of policy hosts, which are lent to one test after another.
type slot struct {
	test string
	free time.Time // when it may be lent again
}

// place is what a name below the zone is.
type place struct {
	trap   sender.Trap
	test   string
	host   bool   // a mail server, else a mail domain
	prefix string // labels before it
}

// ErrNoTest says that there is no test of that id.
var ErrNoTest = errors.New("there is no such test")

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
	t.change()
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
	t.change()
	t.evidence.Fetches = append(t.evidence.Fetches, sender.Fetch{At: s.moment(), Trap: p.trap, From: from})
}

// moment is now, as evidence has it.
func (s *Senders) moment() time.Time { return s.now().UTC().Truncate(time.Millisecond) }
