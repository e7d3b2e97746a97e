package resolve

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/sync/errgroup"

	"mxseal/checks/internal/egress"
	"mxseal/checks/internal/share"
	"mxseal/checks/report"
	"mxseal/checks/view"
)

func secureWorld(t *testing.T) *world {
	w := newWorld(t)
	w.add(&signedZone{name: "secure.test."}, `
		@       MX 10 mx
		mx      A 192.0.2.1
		*.wild  A 192.0.2.2
		a.b.c   TXT x
		alias   CNAME mx`)
	return w
}

func TestRule01QueryBits(t *testing.T) {
	q := question{"secure.test.", dns.TypeMX}.message(true)
	opt := q.IsEdns0()
	switch {
	case !q.RecursionDesired || !q.CheckingDisabled || q.AuthenticatedData:
		t.Error("want RD and CD set, AD clear")
	case opt == nil || !opt.Do() || opt.UDPSize() != 1232:
		t.Errorf("want EDNS with DO and 1232 octets, got %v", opt)
	}
}

func TestRule01TruncatedAnswerComesByTCP(t *testing.T) {
	w := secureWorld(t)
	w.zones["secure.test."].put("big TXT " + strings.Repeat(`"`+strings.Repeat("x", 200)+`" `, 8))
	a := w.lookup("big.secure.test", "TXT")
	a.want(t, "secure", "")
	if !slices.Contains(w.asked, "tcp TXT big.secure.test.") || a.Size < 1600 {
		t.Errorf("size %d, asked %v; want the answer by TCP", a.Size, w.asked)
	}
}

func TestRule01TwoLossesThenTCP(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := secureWorld(t)
		r := New(w.config())
		w.mangle = func(q dns.Question, m *dns.Msg) *dns.Msg {
			if strings.HasPrefix(w.asked[len(w.asked)-1], "udp") {
				return nil
			}
			return m
		}
		start := time.Now()
		r.Lookup(t.Context(), "secure.test", dns.TypeMX).want(t, "secure", "")
		if took := time.Since(start); took != 2*datagramTime {
			t.Errorf("took %v: all chains are to be asked for in one wave of two losses", took)
		}
	})
}

func TestRule01SilenceEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := secureWorld(t)
		w.mangle = func(dns.Question, *dns.Msg) *dns.Msg { return nil }
		a := New(w.config()).Lookup(t.Context(), "secure.test", dns.TypeMX)
		a.want(t, "indeterminate", report.CauseLookupFailed)
		if a.Failure == nil || a.Failure.Kind != "timeout" || !a.LookupFailed() {
			t.Errorf("failure %+v, want a timeout", a.Failure)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		b := New(w.config()).Lookup(ctx, "secure.test", dns.TypeMX)
		if b.Failure == nil || time.Since(start) != time.Second {
			t.Errorf("failure %+v after %v, want one when the caller's time is over", b.Failure, time.Since(start))
		}
	})
}

func TestRule02RepliesToOtherQuestionsAreIgnored(t *testing.T) {
	query := question{"secure.test.", dns.TypeMX}.message(true)
	for _, c := range []struct {
		why    string
		change func(*dns.Msg)
		ok     bool
	}{
		{"the reply to the question", func(m *dns.Msg) {}, true},
		{"case of the name repeated differently", func(m *dns.Msg) { m.Question[0].Name = "SECURE.test." }, true},
		{"an error without the question", func(m *dns.Msg) { m.Rcode, m.Question = dns.RcodeFormatError, nil }, true},
		{"other id", func(m *dns.Msg) { m.Id++ }, false},
		{"other name", func(m *dns.Msg) { m.Question[0].Name = "other.test." }, false},
		{"other type", func(m *dns.Msg) { m.Question[0].Qtype = dns.TypeA }, false},
		{"other class", func(m *dns.Msg) { m.Question[0].Qclass = dns.ClassCHAOS }, false},
		{"two questions", func(m *dns.Msg) { m.Question = append(m.Question, m.Question[0]) }, false},
		{"no question and no error", func(m *dns.Msg) { m.Question = nil }, false},
		{"a query", func(m *dns.Msg) { m.Response = false }, false},
	} {
		m := new(dns.Msg)
		m.SetReply(query)
		c.change(m)
		wire, err := m.Pack()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := readReply(wire, query); (err == nil) != c.ok {
			t.Errorf("%s: accepted %v, want %v", c.why, err == nil, c.ok)
		}
	}
	if a, b := query.Id, (question{"secure.test.", dns.TypeMX}).message(true).Id; a == b {
		c := (question{"secure.test.", dns.TypeMX}).message(true).Id
		if a == c {
			t.Error("three queries with one id")
		}
	}
}

func TestRule03UpstreamThatStripsIsNotTheDomainsFault(t *testing.T) {
	strip := func(m *dns.Msg, types ...uint16) *dns.Msg {
		gone := func(rr dns.RR) bool { return slices.Contains(types, rr.Header().Rrtype) }
		m.Answer, m.Ns = slices.DeleteFunc(m.Answer, gone), slices.DeleteFunc(m.Ns, gone)
		return m
	}
	for why, mangle := range map[string]func(dns.Question, *dns.Msg) *dns.Msg{
		"signatures are taken out": func(_ dns.Question, m *dns.Msg) *dns.Msg { return strip(m, dns.TypeRRSIG) },
		"denials are taken out":    func(_ dns.Question, m *dns.Msg) *dns.Msg { return strip(m, dns.TypeNSEC) },
		"DNSKEY is not known":      func(_ dns.Question, m *dns.Msg) *dns.Msg { return strip(m, dns.TypeDNSKEY, dns.TypeRRSIG) },
	} {
		w := secureWorld(t)
		w.mangle = mangle
		a := w.lookup("secure.test", "MX")
		a.want(t, "indeterminate", report.CauseNotCapable)
		if !a.Exists() {
			t.Errorf("%s: the records are to be kept", why)
		}
	}
	w := secureWorld(t)
	cfg := w.config()
	cfg.Anchors = nil // the real root's
	New(cfg).Lookup(t.Context(), "secure.test", dns.TypeMX).want(t, "indeterminate", report.CauseNotCapable)
}

func TestRule04OtherRcodesAreFailures(t *testing.T) {
	w := secureWorld(t)
	w.mangle = func(q dns.Question, m *dns.Msg) *dns.Msg {
		if q.Qtype == dns.TypeMX && q.Name != "." {
			m.Rcode, m.Answer = dns.RcodeServerFailure, nil
			m.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_EDE{InfoCode: dns.ExtendedErrorCodeNoReachableAuthority, ExtraText: "at delegation \x1b[31msecure.test"}}
		}
		return m
	}
	a := w.lookup("secure.test", "MX")
	a.want(t, "indeterminate", report.CauseLookupFailed)
	if a.Failure == nil || a.Failure.Kind != "servfail" || a.Trust.EDE != 22 || !strings.Contains(view.Say(a.Failure.Statement), "No Reachable Authority") || strings.Contains(view.Say(a.Failure.Statement), "\x1b") {
		t.Errorf("failure %+v, EDE %d; want servfail with EDE 22 and clean text", a.Failure, a.Trust.EDE)
	}
}

func TestRule04ForwarderThatFailsOnCDIsAskedWithout(t *testing.T) {
	w := secureWorld(t)
	var mu sync.Mutex
	seen := make(map[dns.Question]int)
	w.mangle = func(q dns.Question, m *dns.Msg) *dns.Msg {
		mu.Lock()
		defer mu.Unlock()
		if seen[q]++; m.CheckingDisabled || seen[q] == 1 && q.Qtype == dns.TypeMX && q.Name != "." {
			m.Rcode, m.Answer, m.Ns = dns.RcodeServerFailure, nil, nil
		}
		return m
	}
	w.lookup("secure.test", "MX").want(t, "secure", "")
}

func TestNextUpstreamIsAskedAndRemembered(t *testing.T) {
	w := secureWorld(t)
	dead := netip.MustParseAddrPort("192.0.2.99:53")
	peers := []netip.AddrPort{dead, resolverAddr}
	var tries atomic.Int32
	cfg := w.config()
	cfg.Upstreams = peers
	cfg.Dialer = egress.New(egress.Config{Upstreams: peers, Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		if address == dead.String() {
			tries.Add(1)
			return nil, fmt.Errorf("connection refused")
		}
		return w.dial(ctx, network, address)
	}})
	r := New(cfg)
	r.Lookup(t.Context(), "secure.test", dns.TypeMX).want(t, "secure", "")
	first := tries.Load()
	r.Lookup(t.Context(), "mx.secure.test", dns.TypeA).want(t, "secure", "")
	if first == 0 || tries.Load() != first {
		t.Errorf("the dead resolver was tried %d and %d times; want it left alone once another answers", first, tries.Load())
	}
	if a := New(Config{Dialer: cfg.Dialer, Anchors: cfg.Anchors}).Lookup(t.Context(), "secure.test", dns.TypeMX); a.Failure == nil {
		t.Error("no resolver at all must be a failure")
	}
}

func TestCacheAndFresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := secureWorld(t)
		ask := func(r *Resolver) (below, top int) {
			before := len(w.asked)
			r.Lookup(t.Context(), "secure.test", dns.TypeMX).want(t, "secure", "")
			synctest.Wait()
			for _, q := range w.asked[before:] {
				if strings.HasSuffix(q, " secure.test.") {
					below++
				} else {
					top++
				}
			}
			return below, top
		}
		r := New(w.config())
		if below, top := ask(r); below != 3 || top != 4 {
			t.Errorf("first look-up: %d and %d queries, want MX, DS and DNSKEY, and above DNSKEY twice, DS and the self-test", below, top)
		}
		if below, top := ask(r); below+top != 0 {
			t.Errorf("second look-up: %d queries, want none", below+top)
		}
		if below, top := ask(r.Fresh(new(share.Scan))); below != 3 || top != 0 {
			t.Errorf("fresh look-up: %d and %d queries, want all below the top and none above", below, top)
		}
		time.Sleep(mostLifetime)
		if below, _ := ask(r); below != 3 {
			t.Errorf("after a quarter of an hour: %d queries, want all below the top", below)
		}
	})
}

func TestManyAskersOneQuestion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := secureWorld(t)
		r := New(w.config())
		var g errgroup.Group
		answers := make([]*Answer, 20)
		for i := range answers {
			g.Go(func() error {
				answers[i] = r.Lookup(t.Context(), "secure.test", dns.TypeMX)
				return nil
			})
		}
		g.Wait()
		for _, a := range answers {
			a.want(t, "secure", "")
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		slices.Sort(w.asked)
		if once := slices.Compact(slices.Clone(w.asked)); len(once) != len(w.asked) {
			t.Errorf("twenty askers, asked upstream: %v; want each question once", w.asked)
		}
	})
}

func TestParseAnchors(t *testing.T) {
	good := func(text string, n int) {
		t.Helper()
		if rrs, err := ParseAnchors(strings.NewReader(text)); err != nil || len(rrs) != n {
			t.Errorf("%q: %d records, %v", text, len(rrs), err)
		}
	}
	bad := func(text, why string) {
		t.Helper()
		if _, err := ParseAnchors(strings.NewReader(text)); err == nil {
			t.Errorf("%q accepted: %s", text, why)
		}
	}
	good(". 86400 IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D\n; comment\n", 1)
	good(". IN DS 1 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D\n. DNSKEY 257 3 13 AAAA\n", 2)
	bad("", "no record")
	bad("; nothing\n", "no record")
	bad("test. IN DS 1 8 2 AA\n", "not the root's")
	bad(". IN NS a.root.\n", "no anchor")
	bad(". IN DS rubbish\n", "unreadable")
	bad("$INCLUDE /etc/passwd\n", "reads another file")
	if n := len(digests(rootAnchors())); n != 2 {
		t.Errorf("%d built-in anchors, want KSK-2017 and KSK-2024", n)
	}
}

func TestUpstreamsOfResolvConf(t *testing.T) {
	file := filepath.Join(t.TempDir(), "resolv.conf")
	for text, want := range map[string]int{
		"nameserver 192.0.2.53\nnameserver 2001:db8::53\n": 2,
		"search example\n": 0,
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		peers, err := upstreamsOf(file)
		if len(peers) != want || (err != nil) != (want == 0) {
			t.Errorf("%q: %v, %v", text, peers, err)
		}
	}
	if _, err := upstreamsOf(file + ".absent"); err == nil {
		t.Error("an absent file must be an error")
	}
}

func TestMalformedQuestions(t *testing.T) {
	w := secureWorld(t)
	r := New(w.config())
	for _, name := range []string{"a..test", strings.Repeat("a", 64) + ".test", strings.Repeat("abcdefg.", 40)} {
		if a := r.Lookup(t.Context(), name, dns.TypeMX); a.Failure == nil || a.Failure.Kind != "malformed" || a.Trust.State != report.Indeterminate {
			t.Errorf("%q: %+v, want malformed", name, a.Failure)
		}
	}
	for _, typ := range []uint16{0, dns.TypeANY, dns.TypeAXFR, dns.TypeRRSIG, dns.TypeOPT} {
		if a := r.Lookup(t.Context(), "test", typ); a.Failure == nil || a.Failure.Kind != "malformed" {
			t.Errorf("type %d: %+v, want malformed", typ, a.Failure)
		}
	}
}

// Whatever the name servers of a domain answer, so many octets are remembered for one check,
// and so many for all.
func TestAnswersInMemoryAreBounded(t *testing.T) {
	for name, c := range map[string]struct {
		s    *store
		most int
	}{"a check": {newStore(checkOctets), checkOctets}, "the top": {newStore(topOctets), topOctets}} {
		for i := range 3000 {
			q := question{fmt.Sprintf("n%d.example.", i), dns.TypeTXT}
			txt := &dns.TXT{Hdr: dns.RR_Header{Name: q.name, Rrtype: q.qtype, Class: dns.ClassINET}}
			for range 100 {
				txt.Txt = append(txt.Txt, strings.Repeat("x", 250))
			}
			rep := &reply{answer: []*rrset{{name: q.name, typ: q.qtype, rrs: []dns.RR{txt}}}}
			z := &zone{name: q.name, chain: []report.Link{{Zone: q.name, Reason: report.Cause(strings.Repeat("x", 1000))}}}
			c.s.replies.PutFor(q.String(), rep, time.Hour)
			c.s.steps.PutFor(q.String(), &step{reply: rep, zone: z, set: rep.answer[0]}, time.Hour)
			c.s.zones.PutFor(q.name, z, time.Hour)
			c.s.ways.PutFor(q.name, &delegation{zone: q.name, servers: make([]server, 20)}, time.Hour)
			c.s.mute.PutFor(q.name, struct{}{}, time.Hour)
			c.s.heard.PutFor(q.name, report.Witness{Name: strings.Repeat("x", 200)}, time.Hour)
			if h := c.s.held(); h.Octets > c.most || h.Most > c.most {
				t.Fatalf("%s: %+v after %d answers, want at most %d octets", name, h, i+1, c.most)
			}
			if _, ok := c.s.replies.Get(q.String()); !ok {
				t.Fatalf("%s: answer %d is not remembered", name, i)
			}
		}
		if h := c.s.held(); h.Octets < c.most/2 || h.Pushed == 0 {
			t.Errorf("%s: %+v", name, h)
		}
	}
}
