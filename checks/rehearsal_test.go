package checks_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"mxseal/checks"
	"mxseal/checks/input"
	"mxseal/checks/lab"
	"mxseal/checks/records"
	"mxseal/checks/rehearse"
)

// domainsOf understands names as a person types them.
func domainsOf(t *testing.T, e *checks.Engine, names ...string) []input.Domain {
	t.Helper()
	var list []input.Domain
	for _, name := range names {
		d, err := e.ParseDomain(name)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, d)
	}
	return list
}

// outcome is what becomes of the mail at the first host, in words.
func outcome(o rehearse.Outcome) string {
	var parts []string
	for _, s := range o.Hosts[0].Senders {
		part := fmt.Sprintf("%s %s", s.Who, s.Mail)
		if len(s.Because) > 0 {
			part += " " + strings.Join(s.Because, " ")
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, "; ")
}

// tlsa is a record for the key of a certificate.
func tlsa(host string, usage uint8, c *x509.Certificate) string {
	return records.TLSA(host, 300, usage, records.SumOf(c.RawSubjectPublicKeyInfo), "").String() + "\n"
}

// What is said of the next certificate before it is deployed, for every kind of sender.
func TestRehearsal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ca := newAuthority(t, 2)
		const host = "mx.dane.test"
		good := says{name: host, life: 90 * oneDay}
		present := ca.issue(t, 0, nil, good)
		next := ca.issue(t, 1, nil, good)
		own := tlsa(host, 3, present.Leaf)
		issuer := tlsa(host, 2, ca.issuers[0].Leaf)
		changed := func(change func(*x509.Certificate)) tls.Certificate {
			c := good
			c.change = change
			return ca.issue(t, 0, present.PrivateKey.(keyOf), c)
		}
		for _, c := range []struct {
			why, published string
			next           tls.Certificate
			want           string
		}{
			{"the same key", own, ca.issue(t, 1, present.PrivateKey.(keyOf), good), "ordinary delivered; dane delivered; insisting delivered"},
			{"a new key", own, next, "ordinary delivered; dane stopped DAN-10; insisting delivered"},
			{"a new key that is published", own + tlsa(host, 3, next.Leaf), next, "ordinary delivered; dane delivered; insisting delivered"},
			{"the issuer that is published", issuer, ca.issue(t, 0, nil, good), "ordinary delivered; dane delivered; insisting delivered"},
			{"another issuer", issuer, next, "ordinary delivered; dane stopped DAN-10 DAN-13; insisting delivered"},
			{"another issuer, a published key", issuer + tlsa(host, 3, next.Leaf), next, "ordinary delivered; dane delivered; insisting delivered"},
			{"the chain is not sent", issuer, tls.Certificate{Certificate: ca.issue(t, 0, nil, good).Certificate[:1]}, "ordinary delivered; dane stopped DAN-10 DAN-13; insisting stopped CRT-03"},
			{"expired, the key is published", own, changed(func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Hour) }), "ordinary delivered; dane delivered; insisting stopped CRT-06"},
			{"for another name", own, changed(func(c *x509.Certificate) { c.DNSNames = []string{"www.dane.test"} }), "ordinary delivered; dane delivered; insisting stopped CRT-12"},
			{"a key that may not sign", own, changed(func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageKeyEncipherment }), "ordinary delivered; dane delivered; insisting delivered; part stopped CRT-26"},
			{"of its own making, published", own, ca.make(t, good, present.PrivateKey.(keyOf), nil), "ordinary delivered; dane delivered; insisting refused CRT-14"},
			{"of its own making, not published", own, ca.make(t, good, nil, nil), "ordinary delivered; dane stopped DAN-10; insisting stopped CRT-14"},
		} {
			_, e := world(t, lab.Options{Fixes: map[string][]lab.Fix{"dane.test": {{Replace: c.published}}}}, func(cfg *checks.Config) { cfg.Roots = ca.pem() })
			o := e.Rehearse(t.Context(), c.next.Certificate, domainsOf(t, e, host), nil)
			if got := outcome(o); got != c.want {
				t.Errorf("%s: %s; want %s", c.why, got, c.want)
			}
			if o.Stops() != strings.Contains(c.want, "stopped") || o.Unknown() {
				t.Errorf("%s: stops %v, unknown %v", c.why, o.Stops(), o.Unknown())
			}
			fits := strings.Contains(c.want, "dane delivered")
			if (o.Hosts[0].Held != nil) != fits || (o.Hosts[0].Publish == nil) != fits {
				t.Errorf("%s: held until %v, to publish %q", c.why, o.Hosts[0].Held, o.Hosts[0].Publish)
			}
			if leaf, err := x509.ParseCertificate(c.next.Certificate[0]); !fits && (err != nil || o.Hosts[0].Publish[0] != strings.TrimSpace(tlsa(host, 3, leaf))) {
				t.Errorf("%s: to publish %q", c.why, o.Hosts[0].Publish)
			}
		}
	})
}

type keyOf = *ecdsa.PrivateKey

// What is to be published first makes the next rehearsal pass.
func TestWhatIsPrintedIsEnough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ca := newAuthority(t, 1)
		next := ca.issue(t, 0, nil, says{name: "mx.dane.test", life: 90 * oneDay})
		mend := lab.Fix{}
		for _, want := range []bool{true, false} {
			_, e := world(t, lab.Options{Fixes: map[string][]lab.Fix{"dane.test": {mend}}}, func(cfg *checks.Config) { cfg.Roots = ca.pem() })
			o := e.Rehearse(t.Context(), next.Certificate, domainsOf(t, e, "mx.dane.test"), nil)
			if o.Stops() != want {
				t.Fatalf("stops: %v (%s)", o.Stops(), outcome(o))
			}
			mend.Add = strings.Join(o.Hosts[0].Publish, "\n")
		}
	})
}

// The policies of the domains that are named, and hosts of every kind.
func TestRehearsalOfPoliciesAndHosts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, e := world(t, lab.Options{}, nil)
		served := func(domain string) [][]byte {
			c := scan(t, e, domain).Hosts[0].Addresses[0].Certificates[0]
			chain := [][]byte{c.DER}
			for _, more := range c.Chain {
				chain = append(chain, more.DER)
			}
			return chain
		}
		for _, c := range []struct{ why, chainOf, host, domain, want string }{
			{"the policy is kept", "sts.test", "mx1.sts.test", "sts.test", "ordinary delivered; dane unasked; insisting delivered; mta-sts delivered"},
			{"a certificate for another name", "certificate.test", "mx1.sts.test", "sts.test", "ordinary delivered; dane unasked; insisting stopped CRT-12; mta-sts stopped STS-29"},
			{"a policy that only tests", "sts-testing.test", "mx.sts-testing.test", "sts-testing.test", "ordinary delivered; dane unasked; insisting delivered; mta-sts unasked"},
			{"a server that the policy does not name", "sts-unmatched-mx.test", "mx2.sts-unmatched-mx.test", "sts-unmatched-mx.test", "ordinary delivered; dane unasked; insisting stopped CRT-12; mta-sts stopped STS-28"},
			{"a domain without a policy", "dane.test", "mx.dane.test", "dane.test", "ordinary delivered; dane delivered; insisting refused CRT-14; mta-sts unasked"},
			{"a name that does not resolve", "dane.test", "nobody.dane.test", "", "ordinary unknown"},
			{"a name whose look-up fails", "dane.test", "mx.servfail.test", "", "ordinary unknown"},
			{"TLSA records that nobody can look up", "dane.test", "mx.tlsa-servfail.test", "", "ordinary delivered; dane stopped DAN-05; insisting stopped CRT-14"},
			{"behind an alias, records at its end", "cname-mx.test", "mx.cname-mx.test", "", "ordinary delivered; dane delivered; insisting refused CRT-14"},
		} {
			var domains []input.Domain
			if c.domain != "" {
				domains = domainsOf(t, e, c.domain)
			}
			if got := outcome(e.Rehearse(t.Context(), served(c.chainOf), domainsOf(t, e, c.host), domains)); got != c.want {
				t.Errorf("%s: %s; want %s", c.why, got, c.want)
			}
		}
	})
}

// Three hosts cost no connection to a mail server, and twelve questions at most once the keys of
// their zone are known.
func TestWhatARehearsalCosts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var questions, connections atomic.Int32
		mend := lab.Fix{}
		const zone = "perfect.test"
		hosts := []string{"a." + zone, "b." + zone, "c." + zone}
		ca := newAuthority(t, 1)
		next := ca.issue(t, 0, nil, says{name: "*." + zone, life: 90 * oneDay})
		for i, h := range hosts {
			mend.Add += fmt.Sprintf("%s. IN A 127.77.1.%d\n", h, i+1) + tlsa(h, 3, next.Leaf)
		}
		_, e := world(t, lab.Options{Fixes: map[string][]lab.Fix{zone: {mend}}}, func(cfg *checks.Config) {
			dial := cfg.Dial
			cfg.Roots = ca.pem()
			cfg.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
				if strings.HasPrefix(network, "udp") {
					c, err := dial(ctx, network, address)
					return &counted{c, &questions}, err
				}
				connections.Add(1)
				return dial(ctx, network, address)
			}
		})
		e.Lookup(t.Context(), zone+".", dns.TypeMX)
		questions.Store(0)
		o := e.Rehearse(t.Context(), next.Certificate, domainsOf(t, e, hosts...), nil)
		if o.Stops() || o.Unknown() {
			t.Errorf("%s", outcome(o))
		}
		if n := questions.Load(); n > 12 || n == 0 {
			t.Errorf("%d questions to the DNS, want at most 12", n)
		}
		if n := connections.Load(); n != 0 {
			t.Errorf("%d connections", n)
		}
		t.Logf("%d questions for %d hosts", questions.Load(), len(hosts))
		if !slices.ContainsFunc(o.Hosts, func(h rehearse.Host) bool { return h.Held != nil }) {
			t.Error("nothing is said of caches")
		}
	})
}

// counted counts what is written to the resolver: a question is one packet.
type counted struct {
	net.Conn
	n *atomic.Int32
}

func (c *counted) Write(b []byte) (int, error) {
	c.n.Add(1)
	return c.Conn.Write(b)
}

// BenchmarkRehearse rehearses a certificate for three hosts, once the keys of their zone are known;
// nothing is remembered of the hosts themselves.
func BenchmarkRehearse(b *testing.B) {
	l, err := lab.New(lab.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	e, err := checks.New(checks.Config{Resolvers: []netip.AddrPort{l.Resolver()}, Anchors: l.Anchors(), Roots: l.CA(), Allow: l.Networks(), Dial: l.Dial})
	if err != nil {
		b.Fatal(err)
	}
	served := l.Domains()[0].Name
	d, err := e.ParseDomain(served)
	if err != nil {
		b.Fatal(err)
	}
	chain := [][]byte{e.Run(b.Context(), d, "id", nil).Hosts[0].Addresses[0].Certificates[0].DER}
	for i := 0; b.Loop(); i++ {
		var hosts []input.Domain
		for j := range 3 {
			hosts = append(hosts, input.Domain{ASCII: fmt.Sprintf("h%d-%d.wildcard.test", i, j)})
		}
		e.Rehearse(b.Context(), chain, hosts, nil)
	}
}
