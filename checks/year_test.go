package checks_test

import (
	"crypto/ecdsa"
	"crypto/tls"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"mxseal/checks"
	"mxseal/checks/grade"
	"mxseal/checks/lab"
	"mxseal/checks/report"
)

// way is a way of doing DANE over the renewals of a year.
type way struct {
	name   string
	usage  uint8                            // of the record that it begins with
	key    func(o *owner) *ecdsa.PrivateKey // of the next certificate; nil for a new one
	issuer func(renewal int) int            // that signs
	ahead  func(renewal int) bool           // whether the key after the next is published when a certificate is deployed; nil: never
}

func first(int) int { return 0 }

// ways are those that COMMANDS.md tells of. Of the third publication ahead of time nobody notices that
// it failed; the authority signs with another issuer from the third renewal on, and then by turns.
var ways = []way{
	{name: "`3 1 1`, the key is kept", usage: 3, issuer: first, key: func(o *owner) *ecdsa.PrivateKey { return o.served.PrivateKey.(*ecdsa.PrivateKey) }},
	{name: "`3 1 1`, a new key each time, published before; one publication fails", usage: 3, issuer: first,
		key: func(o *owner) *ecdsa.PrivateKey { return o.prepared }, ahead: func(renewal int) bool { return renewal != 2 }},
	{name: "`2 1 1`, the authority changes its issuer", usage: 2, issuer: func(renewal int) int { return []int{0, 0, 0, 1}[renewal%4] }},
	{name: "`3 1 1`, nothing prepared", usage: 3, issuer: first},
}

// owner plays one way at one domain of the lab, with the hook or without.
type owner struct {
	way
	domain, host string
	hook         bool
	ca           *authority

	served, pending *tls.Certificate
	prepared        *ecdsa.PrivateKey // the key of the next certificate, where that is known before
	published       []string          // TLSA records
	renewals        int
	since           int // the day on which mail stopped, or a certificate was held back; 0: none
	stops, helds    []span
	due             int // the day on which the owner acts on what he was told; 0: none
	advice          []string
}

// span is a number of days from one on.
type span struct{ from, days int }

func (o *owner) certify(t *testing.T) *tls.Certificate {
	var key *ecdsa.PrivateKey
	if o.key != nil && o.served != nil {
		key = o.key(o)
	}
	c := o.ca.issue(t, o.issuer(o.renewals), key, says{name: o.host, life: 90 * oneDay})
	return &c
}

// deploy has the server show a certificate, and publishes the key of the next one where the way says so.
func (o *owner) deploy(t *testing.T, c *tls.Certificate) {
	o.served, o.pending = c, nil
	if o.ahead == nil {
		return
	}
	o.prepared = newKey(t)
	if o.ahead(o.renewals) {
		next := o.ca.issue(t, 0, o.prepared, says{name: o.host, life: oneDay})
		o.publish(tlsa(o.host, 3, next.Leaf))
	}
}

// publish publishes records beside those that are there.
func (o *owner) publish(lines ...string) {
	for _, l := range lines {
		if l = strings.TrimSpace(l); !slices.Contains(o.published, l) {
			o.published = append(o.published, l)
		}
	}
}

// morning is what happens before the mail of a day: what the owner was told to publish is published,
// and a certificate that has 30 days left is renewed. It reports whether there is something to look at.
func (o *owner) morning(t *testing.T, today int) bool {
	acted := o.due == today
	if acted {
		o.publish(o.advice...)
		o.due = 0
	}
	if o.pending == nil && time.Until(o.served.Leaf.NotAfter) <= 30*oneDay {
		o.renewals++
		next := o.certify(t)
		if !o.hook {
			o.deploy(t, next) // the client knows nothing of records
			return true
		}
		o.pending = next
	}
	return acted || o.pending != nil
}

// rehearse is what the hook does: it deploys the certificate that waits, or holds it back. The owner
// publishes on the next day what it prints, and the day after the caches have it.
func (o *owner) rehearse(t *testing.T, e *checks.Engine, today int) (deployed bool) {
	if o.pending == nil {
		return false
	}
	would := e.Rehearse(t.Context(), o.pending.Certificate, domainsOf(t, e, o.host), nil)
	switch {
	case would.Stops() && o.since == 0:
		o.since, o.due, o.advice = today, today+1, would.Hosts[0].Publish
		return false
	case would.Stops(), o.since > 0 && today < o.since+2:
		return false
	}
	if o.since > 0 {
		o.helds = append(o.helds, span{o.since, today - o.since})
		o.since = 0
	}
	o.deploy(t, o.pending)
	return true
}

// evening is what the report of the day says. Without the hook the owner hears of it after three
// days, from people whose mail came back, and publishes what the report says.
func (o *owner) evening(r *report.Report, today int) {
	stopped := r.Matrix[grade.S2][grade.A0] == report.Defer
	switch {
	case stopped && o.hook:
		o.stops = append(o.stops, span{today, 1})
	case stopped && o.since == 0:
		o.since, o.due = today, today+3
		o.advice = []string{tlsa(o.host, 3, o.served.Leaf)}
	case !stopped && !o.hook && o.since > 0:
		o.stops = append(o.stops, span{o.since, today - o.since})
		o.since = 0
	}
}

// said is a cell of the table.
func said(list []span, what, none string) string {
	if len(list) == 0 {
		return none
	}
	var days []string
	sum := 0
	for _, s := range list {
		days = append(days, fmt.Sprint(s.from))
		sum += s.days
	}
	return fmt.Sprintf("%s on day %s: %d days", what, strings.Join(days, ", "), sum)
}

// A year of renewals in simulated time, for every way with the hook and without: with it no mail is
// ever stopped, without it the report shows the day on which it was. The table is in COMMANDS.md.
func TestAYearOfRenewals(t *testing.T) {
	places := []string{"dane.test", "no-report.test", "nsec3.test", "sha1-ds.test", "dane-ta.test", "weak-key.test", "sni-required.test", "tlsa-large.test"}
	var owners []*owner
	synctest.Test(t, func(t *testing.T) {
		ca := newAuthority(t, 2)
		for i, domain := range places {
			o := &owner{way: ways[i/2], domain: domain, host: "mx." + domain, hook: i%2 == 1, ca: ca}
			c := o.certify(t)
			if o.usage == 2 {
				o.publish(tlsa(o.host, 2, ca.issuers[0].Leaf))
			} else {
				o.publish(tlsa(o.host, 3, c.Leaf))
			}
			o.deploy(t, c)
			owners = append(owners, o)
		}
		for today := 1; today <= 365; today++ {
			if busy := slices.Collect(func(yield func(*owner) bool) {
				for _, o := range owners {
					if (o.morning(t, today) || today == 1) && !yield(o) {
						return
					}
				}
			}); len(busy) > 0 {
				play(t, owners, busy, today)
			}
			time.Sleep(oneDay)
		}
	})
	table := "| DANE by | without the hook | with the hook |\n|---|---|---|\n"
	for i := 0; i < len(owners); i += 2 {
		without, with := owners[i], owners[i+1]
		table += fmt.Sprintf("| %s | %s | %s; %s |\n", without.name, said(without.stops, "mail stopped", "no mail stopped"),
			said(with.stops, "mail stopped", "no mail stopped"), said(with.helds, "a certificate was held back", "nothing was held back"))
		if len(with.stops) > 0 {
			t.Errorf("%s: with the hook mail stopped on %v", with.name, with.stops)
		}
		if without.renewals < 5 || with.renewals < 5 {
			t.Errorf("%s: %d and %d renewals in the year", with.name, without.renewals, with.renewals)
		}
		if kept := i == 0; (len(without.stops) == 0) != kept {
			t.Errorf("%s: without the hook mail stopped on %v", without.name, without.stops)
		}
	}
	t.Log("\n" + table)
	told, err := os.ReadFile("../.github/COMMANDS.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(told), table) {
		t.Errorf("COMMANDS.md has another table than:\n%s", table)
	}
}

// play has the hooks rehearse and reports made of the domains where something happened.
func play(t *testing.T, owners, busy []*owner, today int) {
	engine := func() (*lab.Lab, *checks.Engine) {
		mends := make(map[string][]lab.Fix)
		for _, o := range owners {
			mends[o.domain] = []lab.Fix{{Replace: strings.Join(o.published, "\n"), Serve: map[string]tls.Certificate{o.host: *o.served}}}
		}
		l, err := lab.New(lab.Options{Fixes: mends})
		if err != nil {
			t.Fatal(err)
		}
		e, err := checks.New(checks.Config{Resolvers: []netip.AddrPort{l.Resolver()}, Anchors: l.Anchors(), Roots: owners[0].ca.pem(), Allow: l.Networks(), HELO: "mxseal.example", Dial: l.Dial, Depth: report.Quick})
		if err != nil {
			t.Fatal(err)
		}
		return l, e
	}
	l, e := engine()
	deployed := false
	for _, o := range busy {
		deployed = o.rehearse(t, e, today) || deployed
	}
	if deployed {
		l.Close()
		l, e = engine()
	}
	defer l.Close()
	for _, o := range busy {
		o.evening(scan(t, e, o.domain), today)
	}
}
