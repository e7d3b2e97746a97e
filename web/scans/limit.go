package scans

import (
	"cmp"
	"context"
	"net/netip"
	"time"

	"mxseal/checks"
	"mxseal/web/store"
)

// Limits bound what strangers can make this instance begin. Reading is not limited: nothing
// leaves the house for it, and pages and pictures come from memory. Zero stands for the
// default, a negative number for no bound.
type Limits struct {
	PerMinute     int // scans that the whole instance begins within a minute; 120
	ClientDay     int // scans that are begun for one client within 24 hours; 300
	ClientRunning int // scans that run for one client at a time; 4
	ClientStreams int // streams by which one client follows scans at a time; 8
}

const (
	checksPerDay = 300 // the default of Limits.ClientDay
	startsPerMin = 120 // that of Limits.PerMinute

	// DomainHour is how many scans of one domain begin within an hour (RULES OPS-02).
	DomainHour = 10

	clientOctets = 8 << 20 // of memory for the daily shares of clients, and as much for those of each kind of network around them
)

// whole puts the defaults in.
func (l Limits) whole() Limits {
	return Limits{cmp.Or(l.PerMinute, startsPerMin), cmp.Or(l.ClientDay, checksPerDay), cmp.Or(l.ClientRunning, clientRunning), cmp.Or(l.ClientStreams, clientStreams)}
}

// Client is who asks, as far as limits and the audit log need to know. The zero Client is the
// program itself, which no limit of clients binds.
type Client struct {
	By   string     // form, api; empty for the program itself
	Addr netip.Addr // invalid where it is unknown: such clients are one
}

// ourselves is the network of the program itself, which no client has.
var ourselves = netip.MustParsePrefix("0.0.0.0/0")

// Network is the client as one of the Shares: itself, or the network around it. It is the
// zero prefix for unknown clients.
func (c Client) Network(share int) netip.Prefix {
	if c.By == "" {
		return ourselves
	}
	a, bits := c.Addr.Unmap().WithZone(""), Shares[share].V6
	if a.Is4() {
		bits = Shares[share].V4
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}

func (c Client) keys() (list [len(Shares)]key) {
	for i := range list {
		list[i] = key{i, c.Network(i)}
	}
	return list
}

// day is what may still be begun for clients within a day; it is empty where there is no bound.
type day []*checks.Allowance[netip.Prefix]

func newDay(n int) (d day) {
	if n < 0 {
		return nil
	}
	for _, s := range Shares {
		d = append(d, &checks.Allowance[netip.Prefix]{N: s.Worth * n, Span: 24 * time.Hour, Octets: clientOctets})
	}
	return d
}

// take takes one scan for a client, or says how long it has to wait for one. One call at a time.
func (d day) take(who Client) (wait time.Duration) {
	if who.By == "" {
		return 0
	}
	for i, share := range d {
		wait = max(wait, share.Wait(who.Network(i)))
	}
	if wait > 0 {
		return wait
	}
	for i, share := range d {
		share.Take(who.Network(i))
	}
	return 0
}

// minute is what has begun within the last minute. A network gets a part of what is left, so
// that something is left for whoever comes new.
type minute struct {
	most  int // negative for no bound
	begun []start
}

// start is when something began, and for which network.
type start struct {
	at  time.Time
	net netip.Prefix
}

// allows reports whether a scan may begin now.
func (m *minute) allows(who Client) bool {
	if m.most < 0 {
		return true
	}
	over := 0
	for over < len(m.begun) && time.Since(m.begun[over].at) >= time.Minute {
		over++
	}
	m.begun = m.begun[over:]
	left := m.most - len(m.begun)
	if who.By == "" {
		return left > 0
	}
	n, network := 0, who.Network(largest)
	for _, s := range m.begun {
		if s.net == network {
			n++
		}
	}
	return left > 0 && n < max(left/minuteShare, 1)
}

// take notes that one begins.
func (m *minute) take(who Client) {
	if m.most >= 0 {
		m.begun = append(m.begun, start{time.Now(), who.Network(largest)})
	}
}

// rest is how long a domain has to wait for its next scan. What counts are its reports, so
// that neither a restart nor a second process gives a domain more than its share.
func (s *Scanner) rest(ctx context.Context, domain string) (time.Duration, error) {
	list, err := s.cfg.Store.Until(ctx, domain, time.Now(), DomainHour)
	if err != nil {
		return 0, err
	}
	return max(time.Until(Rests(list)), 0), nil
}

// Rests is until when a domain with these reports, youngest first, is not scanned again; in the
// past where it may be.
func Rests(list []store.Entry) time.Time {
	if len(list) < DomainHour {
		return time.Time{}
	}
	return list[DomainHour-1].CheckedAt.Add(time.Hour)
}
