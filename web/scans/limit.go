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
// leaves the house for it, and pages and pictures come from memory.
type Limits struct {
	PerMinute int // scans that the whole instance begins within a minute; 120 if zero, no bound if negative
	ClientDay int // scans that are begun for one client within 24 hours; 300 if zero, no bound if negative
}

const (
	checksPerDay = 300 // the default of Limits.ClientDay
	startsPerMin = 120 // that of Limits.PerMinute

	// An IPv6 client is its /64 (RFC 4291 §2.5.4). Who has a /48 has 65,536 of them, and gets twice as much as
	// one: enough for an office, too little to take the whole instance.
	clientBits, siteBits = 64, 48

	// SiteShare is how many clients' worth a /48 gets.
	SiteShare = 2

	// DomainHour is how many scans of one domain begin within an hour (RULES OPS-02).
	DomainHour = 10

	maxClients = 100_000 // scans remembered for the daily share of clients; 24 octets each
)

// Client is who asks, as far as limits and the audit log need to know. The zero Client is the
// program itself, which no limit of clients binds.
type Client struct {
	By   string     // form, api; empty for the program itself
	Addr netip.Addr // invalid where it is unknown: such clients are one
}

// Network is the client as limits know it: an IPv4 address, or its /64 of IPv6. It is the
// zero prefix for unknown clients.
func (c Client) Network() netip.Prefix { return c.network(clientBits) }

// Site is the network around it: an IPv4 address, or its /48 of IPv6.
func (c Client) Site() netip.Prefix { return c.network(siteBits) }

func (c Client) network(bits int) netip.Prefix {
	a := c.Addr.Unmap().WithZone("")
	if a.Is4() {
		bits = 32
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}

// budget is what may still be begun. A nil share knows no bound.
type budget struct {
	instance     *checks.Allowance[struct{}]
	client, site *checks.Allowance[netip.Prefix] // by the day
}

func newBudget(l Limits) (b budget) {
	if n := cmp.Or(l.PerMinute, startsPerMin); n > 0 {
		b.instance = &checks.Allowance[struct{}]{N: n, Span: time.Minute, Most: n}
	}
	if n := cmp.Or(l.ClientDay, checksPerDay); n > 0 {
		b.client = &checks.Allowance[netip.Prefix]{N: n, Span: 24 * time.Hour, Most: max(n, maxClients)}
		b.site = &checks.Allowance[netip.Prefix]{N: SiteShare * n, Span: 24 * time.Hour, Most: max(SiteShare*n, maxClients)}
	}
	return b
}

// take takes one scan out of the budget, or says why there is none left. One call at a time.
func (b budget) take(who Client) *Refusal {
	if wait := b.instance.Wait(struct{}{}); wait > 0 {
		return &Refusal{Reason: InstanceFull, Wait: wait}
	}
	if who.By != "" {
		client, site := who.Network(), who.Site()
		if wait := max(b.client.Wait(client), b.site.Wait(site)); wait > 0 {
			return &Refusal{Reason: ClientDay, Wait: wait}
		}
		b.client.Take(client)
		b.site.Take(site)
	}
	b.instance.Take(struct{}{})
	return nil
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
