package senders

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"github.com/miekg/dns"

	"mxseal/checks/report"
	"mxseal/checks/sender"
)

// SelfTest looks whether all that the test of senders needs is there. It sees it from this machine: that others
// come through, too, only their coming shows (Condition.Met).
func (s *Senders) SelfTest(ctx context.Context, lookup Lookup) []Condition {
	tests := []func(context.Context) Condition{
		func(ctx context.Context) Condition { return s.testDelegation(ctx, lookup) },
		func(ctx context.Context) Condition { return s.testDS(ctx, lookup) },
		s.testMail, s.testPolicies, s.testExpired,
	}
	for _, m := range sender.Manners {
		tests = append(tests, func(context.Context) Condition { return s.testIPv4(m) })
	}
	for _, r := range s.Roles {
		tests = append(tests, func(ctx context.Context) Condition { return s.testPort(ctx, r) })
		if r.As == dnsRole {
			tests = append(tests, func(ctx context.Context) Condition { return s.testQuestion(ctx, r) })
		}
		if r.Addr.IsValid() {
			tests = append(tests, func(ctx context.Context) Condition { return testPTR(ctx, r, lookup) })
		}
	}
	list := make([]Condition, len(tests))
	places := make(chan struct{}, selfTestAtATime)
	var all sync.WaitGroup
	for i, test := range tests {
		all.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			ctx, cancel := context.WithTimeout(ctx, needTime)
			defer cancel()
			list[i] = test(ctx)
			list[i].Seen = report.Clean(list[i].Seen, 500)
		})
	}
	all.Wait()
	slices.SortStableFunc(list, func(a, b Condition) int { return strings.Compare(string(a.Need), string(b.Need)) })
	s.tested.Store(&SelfTested{At: s.moment(), Conditions: list})
	return list
}

// Tested is the last self-test; nil before the first.
func (s *Senders) Tested() *SelfTested { return s.tested.Load() }

// testDelegation asks the resolver for our name server: it comes to the answer only by the zone above.
func (s *Senders) testDelegation(ctx context.Context, lookup Lookup) Condition {
	c := Condition{Need: NeedDelegation, Of: s.Zone, State: report.ConditionOK}
	wants := []string{s.origin() + " NS ns." + s.origin()}
	for _, a := range s.addresses(dnsRole) {
		qtype := dns.TypeA
		if a.Is6() {
			qtype = dns.TypeAAAA
		}
		wants = append(wants, "ns."+s.origin()+" "+dns.TypeToString[qtype]+" "+a.String())
		answer := lookup(ctx, "ns."+s.origin(), qtype)
		if !slices.Contains(dataOf(answer), a.String()) {
			c.State, c.Seen = report.ConditionFailed, seenIn(answer)
		}
	}
	if c.State == report.ConditionFailed {
		c.Wants = wants
	}
	return c
}

// testDS asks the zone above for its DS record.
func (s *Senders) testDS(ctx context.Context, lookup Lookup) Condition {
	answer := lookup(ctx, s.origin(), dns.TypeDS)
	trust := string(answer.DNSSEC.State)
	if !slices.Contains(dataOf(answer), dataIn(s.DS())) || answer.DNSSEC.State != report.Secure {
		return failed(NeedDS, s.Zone, seenIn(answer)+", "+trust, strings.Join(strings.Fields(s.DS()), " "))
	}
	return Condition{Need: NeedDS, Of: s.Zone, State: report.ConditionOK, Seen: trust}
}

// dataOf are the records of an answer without what all records have.
func dataOf(l *report.Lookup) []string {
	all := make([]string, len(l.Records))
	for i, text := range l.Records {
		all[i] = dataIn(text)
	}
	return all
}

// dataIn is what a record says; empty where it is none.
func dataIn(text string) string {
	rr, err := dns.NewRR(text)
	if err != nil || rr == nil {
		return ""
	}
	return strings.TrimPrefix(rr.String(), rr.Header().String())
}

// testPort connects to the address of a role and looks whether it is we who answer there.
func (s *Senders) testPort(ctx context.Context, r Role) Condition {
	at, here := s.reachedAt(r)
	c := Condition{Need: NeedPort, Of: fmt.Sprintf("%s by TCP (%s)", at, r.As), State: report.ConditionOK, Met: s.met("tcp " + here.String())}
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", at.String())
	if err != nil {
		wants := []string{}
		if r.As == allRole {
			wants = append(wants, "ip -6 route add local "+r.Net.String()+" dev lo")
		}
		return failed(NeedPort, c.Of, err.Error(), wants...)
	}
	defer conn.Close()
	end, _ := ctx.Deadline()
	conn.SetDeadline(end)
	if err := s.answers(conn, r); err != nil {
		c.State, c.Seen = report.ConditionFailed, err.Error()
	}
	return c
}

// answers looks whether it is we who answer at a connection.
func (s *Senders) answers(c net.Conn, r Role) error {
	switch r.As {
	case allRole: // an address of nobody: it is enough that it leads here
		return nil
	case dnsRole:
		return s.isOurs(&dns.Conn{Conn: c})
	case policyRole:
		host := policyHost(sender.STS, 0, s.Zone)
		ours := s.Certificates.Policy(host)
		if ours == nil {
			return nil // which is a trouble of its own
		}
		t := tls.Client(c, &tls.Config{ServerName: host, InsecureSkipVerify: true}) // compared below
		if err := t.Handshake(); err != nil {
			return fmt.Errorf("handshake for %s: %w", host, err)
		}
		if shown := t.ConnectionState().PeerCertificates[0]; !shown.Equal(ours.Leaf) {
			return fmt.Errorf("another server answers there: its certificate is for %v", shown.DNSNames)
		}
		return nil
	}
	line, err := bufio.NewReaderSize(c, 512).ReadString('\n')
	if err != nil {
		return fmt.Errorf("no greeting: %w", err)
	}
	if !strings.HasPrefix(line, "220 mail."+s.Zone+" ") {
		return fmt.Errorf("another server answers there: %q", strings.TrimSpace(line))
	}
	_, err = fmt.Fprint(c, "QUIT\r\n")
	return err
}

// testQuestion asks the name server by UDP.
func (s *Senders) testQuestion(ctx context.Context, r Role) Condition {
	at, here := s.reachedAt(r)
	c := Condition{Need: NeedPort, Of: fmt.Sprintf("%s by UDP (%s)", at, r.As), State: report.ConditionOK, Met: s.met("udp " + here.String())}
	conn, err := new(net.Dialer).DialContext(ctx, "udp", at.String())
	if err == nil {
		defer conn.Close()
		end, _ := ctx.Deadline()
		conn.SetDeadline(end)
		err = s.isOurs(&dns.Conn{Conn: conn})
	}
	if err != nil {
		c.State, c.Seen = report.ConditionFailed, err.Error()
	}
	return c
}

// isOurs asks a name server for the key of our zone.
func (s *Senders) isOurs(c *dns.Conn) error {
	q := new(dns.Msg).SetQuestion(s.origin(), dns.TypeDNSKEY)
	if err := c.WriteMsg(q); err != nil {
		return fmt.Errorf("ask: %w", err)
	}
	m, err := c.ReadMsg()
	if err != nil {
		return fmt.Errorf("no answer: %w", err)
	}
	for _, rr := range m.Answer {
		if key, is := rr.(*dns.DNSKEY); is && key.PublicKey == s.signer.DNSKEY.PublicKey {
			return nil
		}
	}
	return fmt.Errorf("another server answers there: it does not have the key of the zone (%s)", dns.RcodeToString[m.Rcode])
}

// reachedAt is where others reach a role, and where we listen for it.
func (s *Senders) reachedAt(r Role) (at, here netip.AddrPort) {
	if r.As == allRole {
		return netip.AddrPortFrom(s.ownAddress(sender.Plain, ""), mailPort), netip.AddrPortFrom(netip.IPv6Unspecified(), mailPort)
	}
	usual := uint16(mailPort)
	switch r.As {
	case dnsRole:
		usual = dnsPort
	case policyRole:
		usual = policyPort
	}
	here = r.at(usual)
	r.Here = netip.AddrPort{}
	return r.at(usual), here
}
