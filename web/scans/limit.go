package scans

import (
	"cmp"
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

	clientRunning = 4 // that of Limits.ClientRunning
	clientStreams = 8 // that of Limits.ClientStreams

	minuteShare = 2 // one network has at most this part of what is left of the scans of a minute: a half

	// DomainHour is how many scans of one domain begin within an hour (RULES OPS-02).
	DomainHour = 10

	clientOctets = 8 << 20 // of memory for the daily shares of clients, and as much for those of each kind of network around them
)

// whole puts the defaults in.
func (l Limits) whole() Limits {
	return Limits{cmp.Or(l.PerMinute, startsPerMin), cmp.Or(l.ClientDay, checksPerDay), cmp.Or(l.ClientRunning, clientRunning), cmp.Or(l.ClientStreams, clientStreams)}
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

// Rests is until when a domain with these reports, youngest first, is not scanned again; in the
// past where it may be.
func Rests(list []store.Entry) time.Time {
	if len(list) < DomainHour {
		return time.Time{}
	}
	return list[DomainHour-1].CheckedAt.Add(time.Hour)
}
