package resolve

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"mxseal/checks/internal/share"

	"mxseal/checks/report"
)

// trip is what one question to the upstream takes.
const trip = 50 * time.Millisecond

// mailWorld holds a domain with two mail hosts in another signed zone, one of them with TLSA
// records behind an alias.
func mailWorld(t testing.TB) *world {
	w := newWorld(t)
	w.add(&signedZone{name: "domain.test."}, `
		@              MX 10 mx1.provider.test.
		@              MX 20 mx2.provider.test.
		_mta-sts       TXT "v=STSv1; id=1"
		_smtp._tls     TXT "v=TLSRPTv1; rua=mailto:tls@provider.test"
		mta-sts        A 192.0.2.80`)
	w.add(&signedZone{name: "provider.test."}, `
		mx1            A 192.0.2.1
		mx1            AAAA 2001:db8::1
		mx2            A 192.0.2.2
		_25._tcp.mx1   CNAME tlsa
		_25._tcp.mx2   TLSA 3 1 1 `+strings.Repeat("ab", 32)+`
		tlsa           TLSA 3 1 1 `+strings.Repeat("cd", 32))
	w.slow = trip
	return w
}

// lookUpMail asks for all that mail to the domain depends on, side by side where one answer
// does not need another: first the MX, then the hosts' addresses, then TLSA (RFC 7672 §2.2).
func lookUpMail(t testing.TB, ctx context.Context, r *Resolver) {
	var all sync.WaitGroup
	look := func(name string, qtype uint16) *Answer {
		a := r.Lookup(ctx, name, qtype)
		if a.Trust.State != report.Secure {
			t.Errorf("%s of %s: %s (%s)", dns.TypeToString[qtype], name, a.Trust.State, a.Trust.Code)
		}
		return a
	}
	beside := func(name string, qtype uint16) { all.Go(func() { look(name, qtype) }) }
	beside("_mta-sts.domain.test", dns.TypeTXT)
	beside("_smtp._tls.domain.test", dns.TypeTXT)
	beside("mta-sts.domain.test", dns.TypeA)
	beside("mta-sts.domain.test", dns.TypeAAAA)
	for _, rr := range look("domain.test", dns.TypeMX).Records {
		host := rr.(*dns.MX).Mx
		all.Go(func() {
			var addresses sync.WaitGroup
			addresses.Go(func() { look(host, dns.TypeA) })
			addresses.Go(func() { look(host, dns.TypeAAAA) })
			addresses.Wait()
			if !look("_25._tcp."+host, dns.TypeTLSA).Exists() {
				t.Errorf("%s has no TLSA records", host)
			}
		})
	}
	all.Wait()
}

// The questions of one domain go out in four waves: MX with its chain, addresses with the
// hosts' chain, TLSA, the alias's target. One at a time they would take six times as long.
func TestWaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := mailWorld(t)
		start := time.Now()
		lookUpMail(t, t.Context(), New(w.config()).Fresh(new(share.Scan)))
		if waves := time.Since(start) / trip; waves > 4 {
			t.Errorf("%d waves, want at most 4", waves)
		}
		synctest.Wait()
		if n := len(w.asked); n > 40 {
			t.Errorf("%d queries, want at most 40", n)
		}
		slices.Sort(w.asked)
		if once := slices.Compact(slices.Clone(w.asked)); len(once) != len(w.asked) {
			t.Errorf("asked %v; want each question once", w.asked)
		}
	})
}

// BenchmarkWaves prints how many questions one domain takes, in how many waves of 50 ms
// they are answered, and how long they would take one at a time.
func BenchmarkWaves(b *testing.B) {
	w := mailWorld(b)
	w.remembered = make(map[dns.Question]*dns.Msg)
	lookUpMail(b, b.Context(), New(w.config())) // what an upstream has signed it need not sign again
	var took, sequential time.Duration
	queries := 0
	for b.Loop() {
		w.asked = nil
		start := time.Now()
		lookUpMail(b, b.Context(), New(w.config()).Fresh(new(share.Scan)))
		took += time.Since(start)
		queries += w.settled()

		one := New(w.config()).Fresh(new(share.Scan))
		one.upstream.questions = share.New(1, 0)
		start = time.Now()
		lookUpMail(b, b.Context(), one)
		sequential += time.Since(start)
		w.settled()
	}
	n := float64(b.N)
	b.ReportMetric(float64(queries)/n, "queries")
	b.ReportMetric(float64(took/time.Duration(b.N)/trip), "waves")
	b.ReportMetric(float64(took.Milliseconds())/n, "ms")
	b.ReportMetric(float64(sequential.Milliseconds())/n, "sequential-ms")
}

// settled waits for what was asked ahead and returns how many questions were put.
func (w *world) settled() int {
	time.Sleep(3 * trip)
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.asked)
}

// BenchmarkWarmLookup takes an answer from memory, chain and all.
func BenchmarkWarmLookup(b *testing.B) {
	w := mailWorld(b)
	w.slow = 0
	r := New(w.config())
	lookUpMail(b, b.Context(), r)
	for b.Loop() {
		if a := r.Lookup(b.Context(), "_25._tcp.mx1.provider.test", dns.TypeTLSA); a.Trust.State != report.Secure || len(a.Trust.Chain) != 3 {
			b.Fatal(a.Trust.Code)
		}
	}
}
