package senders

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"

	"mxseal/checks/report"
	"mxseal/checks/sender"
	"mxseal/web/senders/certificates"
)

// Need names one thing that the test of senders does not work without, or not whole.
type Need string

const (
	NeedDelegation Need = "delegation"  // the zone above leads to our name server
	NeedDS         Need = "ds"          // and vouches for our key
	NeedPort       Need = "port"        // what we listen with is reached at the address that the zone names
	NeedPTR        Need = "ptr"         // the address has a name
	NeedIPv4       Need = "ipv4"        // senders without IPv6 reach the mail servers of a manner, too
	NeedMail       Need = "certificate" // of mail servers
	NeedPolicy     Need = "policies"    // certificates of policy hosts
	NeedExpired    Need = "expired"     // a certificate that is over
)

const (
	SelfTestEvery = 10 * time.Minute

	needTime        = 5 * time.Second // to look at one need
	leastLife       = 5               // part of a certificate's life: with less than that left nobody has renewed it
	selfTestAtATime = 8
)

// Condition is how it is with one need.
type Condition struct {
	Need  Need
	Of    string // an address, a name, a manner
	State report.ConditionState
	Seen  string    // what was seen, or an error; cleaned
	Wants []string  // records or commands that fix it
	Met   time.Time // when somebody else last came there; zero for not since the start
}

// Lookup asks the DNS, as Engine.Lookup does.
type Lookup func(ctx context.Context, name string, qtype uint16) *report.Lookup

// SelfTested is what a self-test has found.
type SelfTested struct {
	At         time.Time
	Conditions []Condition
}

// testPTR asks for the name of an address. Some senders ask for it, too.
func testPTR(ctx context.Context, r Role, lookup Lookup) Condition {
	reverse, err := dns.ReverseAddr(r.Addr.String())
	if err != nil {
		return failed(NeedPTR, r.Addr.String(), err.Error())
	}
	answer := lookup(ctx, reverse, dns.TypePTR)
	if len(answer.Records) == 0 {
		return failed(NeedPTR, r.Addr.String(), seenIn(answer), reverse+" PTR NAME")
	}
	return Condition{Need: NeedPTR, Of: r.Addr.String(), State: report.ConditionOK, Seen: seenIn(answer)}
}

// testIPv4 looks whether the mail servers of a manner have an address for everybody.
func (s *Senders) testIPv4(m sender.Manner) Condition {
	if !slices.ContainsFunc(s.addresses(m), netip.Addr.Is4) {
		return failed(NeedIPv4, string(m), "", "--sender-listen ADDRESS="+string(m))
	}
	return Condition{Need: NeedIPv4, Of: string(m), State: report.ConditionOK}
}

// testMail looks whether mail servers have a certificate that somebody renews.
func (s *Senders) testMail(context.Context) Condition {
	c := s.Certificates.Mail()
	switch now := s.now(); {
	case c == nil:
		return failed(NeedMail, "*."+s.Zone, "")
	case !certificates.Valid(c, now), c.Leaf.NotAfter.Sub(now) < c.Leaf.NotAfter.Sub(c.Leaf.NotBefore)/leastLife:
		return failed(NeedMail, "*."+s.Zone, c.Leaf.NotAfter.UTC().Format(time.RFC3339))
	}
	return Condition{Need: NeedMail, Of: "*." + s.Zone, State: report.ConditionOK, Seen: c.Leaf.NotAfter.UTC().Format(time.RFC3339)}
}

// testPolicies looks whether each policy host has a certificate.
func (s *Senders) testPolicies(context.Context) Condition {
	hosts := PolicyHosts(s.Slots, s.Zone)
	if missing := slices.DeleteFunc(slices.Clone(hosts), func(host string) bool { return s.Certificates.Policy(host) != nil }); len(missing) > 0 {
		return failed(NeedPolicy, fmt.Sprintf("%d of %d policy hosts", len(missing), len(hosts)), missing[0])
	}
	return Condition{Need: NeedPolicy, Of: fmt.Sprintf("%d policy hosts", len(hosts)), State: report.ConditionOK}
}

// testExpired looks whether there is a certificate that is over. By ACME one comes with time.
func (s *Senders) testExpired(context.Context) Condition {
	if s.Certificates.Expired() == nil {
		return Condition{Need: NeedExpired, Of: "*." + s.Zone, State: report.ConditionUntested}
	}
	return Condition{Need: NeedExpired, Of: "*." + s.Zone, State: report.ConditionOK}
}

// guests remember when somebody from elsewhere last came to a socket. It is safe for concurrent use.
type guests struct {
	mu   sync.Mutex
	last map[string]time.Time
}

// came notes a visit to a socket, such as "tcp 192.0.2.1:25".
func (s *Senders) came(socket string, from netip.Addr) {
	if from.IsLoopback() || from.IsPrivate() || slices.ContainsFunc(s.Roles, func(r Role) bool { return r.Addr == from || r.Net.IsValid() && r.Net.Contains(from) }) {
		return
	}
	s.guests.mu.Lock()
	defer s.guests.mu.Unlock()
	s.guests.last[socket] = s.moment()
}

// met is when somebody from elsewhere last came to a socket.
func (s *Senders) met(socket string) time.Time {
	s.guests.mu.Lock()
	defer s.guests.mu.Unlock()
	return s.guests.last[socket]
}

// failed is a condition that is not met.
func failed(n Need, of, seen string, wants ...string) Condition {
	return Condition{Need: n, Of: of, State: report.ConditionFailed, Seen: seen, Wants: wants}
}

// seenIn says what an answer was.
func seenIn(l *report.Lookup) string {
	switch {
	case l.Failure != nil:
		return l.Failure.Text
	case len(l.Records) == 0:
		return "no such record (" + l.Rcode + ")"
	}
	return strings.Join(dataOf(l), ", ")
}
