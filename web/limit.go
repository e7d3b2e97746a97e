package web

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"net/http"
	"net/netip"
	"time"

	"mxseal/checks"
	"mxseal/checks/report"
	"mxseal/web/store"
)

// Limits bound what strangers can make this instance do. Reading is not limited by number:
// nothing leaves the house for it, and few answers are made at a time (renderer).
type Limits struct {
	PerMinute    int // checks that the whole instance begins within a minute; 120 if zero, no bound if negative
	ClientMinute int // checks that one client may ask for within a minute, joined and fresh ones too; 30 if zero, no bound if negative
	ClientDay    int // checks that are begun for one client within 24 hours; 300 if zero, no bound if negative
}

const (
	postsPerMinute = 30  // the default of Limits.ClientMinute
	checksPerDay   = 300 // that of Limits.ClientDay
	startsPerMin   = 120 // that of Limits.PerMinute

	// An IPv6 client is its /64 (RFC 4291 §2.5.4). Who has a /48 has 65,536 of them, and gets twice as much as
	// one: enough for an office, too little to take the whole instance.
	clientBits, siteBits, siteShare = 64, 48, 2

	domainHour   = 10      // checks of one domain that begin within an hour (RULES OPS-02)
	clientOctets = 8 << 20 // of memory for the daily shares of clients, and as much for those of sites
)

// asker is who asks for a check, as far as limits and the audit log need to know.
type asker struct {
	by     string     // form, api
	client netip.Addr // invalid where it is unknown: such clients share one budget
}

type askerKey struct{}

// asking notes who asks where the desk finds it.
func asking(r *http.Request, client netip.Addr) *http.Request {
	a := asker{by: "form", client: client.Unmap().WithZone("")}
	if ofAPI(r) {
		a.by = "api"
	}
	return r.WithContext(context.WithValue(r.Context(), askerKey{}, a))
}

// askerOf returns who asks; false for the program itself, which no limit of clients binds.
func askerOf(ctx context.Context) (asker, bool) {
	a, ok := ctx.Value(askerKey{}).(asker)
	return a, ok
}

// network is the client as limits know it: an IPv4 address, or the network of IPv6 of so
// many bits. It is the zero prefix for unknown clients.
func (a asker) network(bits int) netip.Prefix {
	if a.client.Is4() {
		bits = 32
	}
	p, err := a.client.Prefix(bits)
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
		b.instance = &checks.Allowance[struct{}]{N: n, Span: time.Minute}
	}
	if n := cmp.Or(l.ClientDay, checksPerDay); n > 0 {
		b.client = &checks.Allowance[netip.Prefix]{N: n, Span: 24 * time.Hour, Octets: clientOctets}
		b.site = &checks.Allowance[netip.Prefix]{N: siteShare * n, Span: 24 * time.Hour, Octets: clientOctets}
	}
	return b
}

// take takes one check out of the budget, or says why there is none left. One call at a time.
func (b budget) take(ctx context.Context) *problem {
	if wait := b.instance.Wait(struct{}{}); wait > 0 {
		return instanceFull(wait)
	}
	if who, ok := askerOf(ctx); ok {
		client, site := who.network(clientBits), who.network(siteBits)
		if wait := max(b.client.Wait(client), b.site.Wait(site)); wait > 0 {
			return clientFull(wait)
		}
		b.client.Take(client)
		b.site.Take(site)
	}
	b.instance.Take(struct{}{})
	return nil
}

// rest is how long a domain has to wait for its next check. What counts are its reports, so
// that neither a restart nor a second process gives a domain more than its share.
func (k *desk) rest(ctx context.Context, domain string) (time.Duration, error) {
	list, err := k.store.Until(ctx, domain, time.Now(), domainHour)
	if err != nil || len(list) < domainHour {
		return 0, err
	}
	return max(time.Until(restUntil(list[domainHour-1].CheckedAt)), 0), nil
}

// restUntil is when a domain may be checked again whose last checks but nine began then.
func restUntil(tenth time.Time) time.Time { return tenth.Add(time.Hour) }

func instanceFull(wait time.Duration) *problem {
	return &problem{status: http.StatusServiceUnavailable, retry: seconds(wait), refusal: refusedInstance, title: "Too many checks at once",
		text: "So many checks were begun here within a minute that this one was not taken. Please try again in " + inWords(wait) + "."}
}

func clientFull(wait time.Duration) *problem {
	return &problem{status: http.StatusTooManyRequests, retry: seconds(wait), refusal: refusedClient, title: "Enough for today",
		text: "So many checks were begun for your network within a day that the next has to wait " + inWords(wait) + ". Reports can be read all the time."}
}

func domainRests(wait time.Duration) *problem {
	return &problem{status: http.StatusTooManyRequests, retry: seconds(wait), refusal: refusedDomain, title: "Checked often enough for now",
		text: fmt.Sprintf("This domain was checked %d times within an hour. The next check can begin in %s; until then the latest report stands.", domainHour, inWords(wait))}
}

// about adds to a problem which report of the domain can be read meanwhile; nil is none.
func (p *problem) about(latest *report.Report) *problem {
	q := *p
	q.latest = latest
	return &q
}

// seconds is a time as Retry-After tells it: never too short.
func seconds(d time.Duration) int { return int(math.Ceil(d.Seconds())) }

// inWords is a time to wait, rounded up.
func inWords(d time.Duration) string {
	count := func(n float64, unit string) string {
		if n = math.Ceil(n); n == 1 {
			return "1 " + unit
		}
		return fmt.Sprintf("%.0f %ss", n, unit)
	}
	switch {
	case d <= 90*time.Second:
		return count(d.Seconds(), "second")
	case d <= 90*time.Minute:
		return count(d.Minutes(), "minute")
	}
	return count(d.Hours(), "hour")
}

// overLimit answers a client that has asked for too much within a minute.
func (s *Site) overLimit(_ http.ResponseWriter, r *http.Request) error {
	who, _ := askerOf(r.Context())
	s.cfg.Audit.overLimit(who)
	s.metrics.refused(refusedClient)
	return tooMany
}

// notice says on the page of the latest report why no other will follow it for now; history
// are the reports of the domain, youngest first.
func (s *Site) notice(domain string, history []store.Entry) string {
	if s.cfg.OptOuts.Domain(domain) {
		return "The owner of this domain has asked not to be checked from here. This report is from before, and no check will follow it."
	}
	if len(history) >= domainHour {
		if until := restUntil(history[domainHour-1].CheckedAt); time.Now().Before(until) {
			return fmt.Sprintf("This domain was checked %d times within an hour. The next check can begin at %s.", domainHour, until.UTC().Add(time.Minute-1).Format("15:04 UTC"))
		}
	}
	return ""
}
