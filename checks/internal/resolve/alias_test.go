package resolve

import (
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"mxseal/checks/report"
)

func steps(a *Answer) string {
	var out []string
	for _, s := range a.Trust.Steps {
		out = append(out, s.Name+">"+s.Target+":"+string(s.State))
	}
	return strings.Join(out, " ")
}

func aliasWorld(t *testing.T) *world {
	w := newWorld(t)
	w.add(&signedZone{name: "one.test."}, `
		mx       A 192.0.2.1
		direct   CNAME mx
		across   CNAME mx.two.test.
		out      CNAME mx.plain.test.
		broken   CNAME mx.expired.test.
		dead     CNAME mx.nowhere
		dangling CNAME no.two.test.
		sub      DNAME two.test.
		loop     CNAME pool
		pool     CNAME loop
		*.star   CNAME mx`)
	w.add(&signedZone{name: "two.test."}, "mx A 192.0.2.2\nback CNAME direct.one.test.")
	w.add(&signedZone{name: "plain.test.", unsigned: true}, "mx A 192.0.2.3\nhome CNAME mx.one.test.")
	w.add(&signedZone{name: "expired.test.", from: -9 * day, to: -day}, "mx A 192.0.2.4")
	long := w.add(&signedZone{name: "long.test."}, "")
	for i := range 12 {
		long.put(string(rune('a'+i)) + " CNAME " + string(rune('b'+i)))
	}
	return w
}

func TestRule27And28EachStepHasItsState(t *testing.T) {
	w := aliasWorld(t)
	for _, c := range []struct{ name, state, steps, why string }{
		{"direct.one.test", "secure", "direct.one.test>mx.one.test:secure", "within a zone"},
		{"across.one.test", "secure", "across.one.test>mx.two.test:secure", "into another zone"},
		{"back.two.test", "secure", "back.two.test>direct.one.test:secure direct.one.test>mx.one.test:secure", "there and back"},
		{"out.one.test", "insecure", "out.one.test>mx.plain.test:secure", "first step secure, the rest not (RFC 7672 §2.2.2)"},
		{"home.plain.test", "insecure", "home.plain.test>mx.one.test:insecure", "first step insecure, the rest secure"},
		{"broken.one.test", "bogus", "broken.one.test>mx.expired.test:secure", "to a broken zone"},
		{"x.sub.one.test", "secure", "x.sub.one.test>x.two.test:secure", "DNAME to a name that does not exist"},
		{"mx.sub.one.test", "secure", "mx.sub.one.test>mx.two.test:secure", "DNAME"},
		{"x.star.one.test", "secure", "x.star.one.test>mx.one.test:secure", "made from a wildcard"},
		{"dangling.one.test", "secure", "dangling.one.test>no.two.test:secure", "to nothing, provably"},
	} {
		a := w.lookup(c.name, "A")
		if string(a.Trust.State) != c.state || steps(a) != c.steps {
			t.Errorf("%s: %s (%s), steps %s, want %s, %s: %s", c.name, a.Trust.State, a.Trust.Code, steps(a), c.state, c.steps, c.why)
		}
		if want := c.steps[strings.LastIndex(c.steps, ">")+1 : strings.LastIndex(c.steps, ":")]; a.Canonical != want+"." {
			t.Errorf("%s: canonical name %s, want %s", c.name, a.Canonical, want)
		}
	}
	if a := w.lookup("dangling.one.test", "A"); !a.NXDOMAIN() || !a.Denied() {
		t.Errorf("rcode %d, want that of the last name", a.Rcode)
	}
	a := w.lookup("across.one.test", "A")
	var zones []string
	for _, l := range a.Trust.Chain {
		zones = append(zones, l.Zone)
	}
	if !slices.Equal(zones, []string{".", "test", "one.test", "two.test"}) {
		t.Errorf("zones %v, want every one that had a part, once", zones)
	}
}

func TestRule27TheTargetIsAskedForAfresh(t *testing.T) {
	w := aliasWorld(t)
	// What the upstream says about the target beside the alias is not taken.
	w.tamper("across.one.test.", "A", func(m *dns.Msg) {
		m.Answer = m.Answer[:2]
		rr, _ := dns.NewRR("mx.two.test. 60 IN A 198.51.100.66")
		m.Answer = append(m.Answer, rr)
		m.Rcode = dns.RcodeNameError
	})
	a := w.lookup("across.one.test", "A")
	a.want(t, "secure", "")
	if len(a.Records) != 1 || a.Records[0].(*dns.A).A.String() != "192.0.2.2" {
		t.Errorf("records %v", a.Records)
	}
}

func TestRule27LoopsEnd(t *testing.T) {
	w := aliasWorld(t)
	for _, name := range []string{"loop.one.test", "a.long.test"} {
		a := w.lookup(name, "A")
		if a.Failure == nil || a.Failure.Kind != "loop" || a.Trust.State != report.Indeterminate || a.Trust.Reason != report.CauseAliasFault {
			t.Errorf("%s: %+v, %s", name, a.Failure, a.Trust.State)
		}
	}
	if a := w.lookup("e.long.test", "A"); a.Failure != nil || len(a.Trust.Steps) != 8 {
		t.Errorf("eight aliases: %+v, %d steps", a.Failure, len(a.Trust.Steps))
	}
	if a := w.lookup("direct.one.test", "CNAME"); !a.Exists() || len(a.Trust.Steps) != 0 {
		t.Error("who asks for a CNAME gets it")
	}
}

func TestRule27FalseAliases(t *testing.T) {
	for _, c := range []struct {
		why, name string
		change    func(w *world, m *dns.Msg)
		state     string
	}{
		{"CNAME not signed", "direct.one.test.", func(_ *world, m *dns.Msg) { m.Answer = slices.DeleteFunc(m.Answer, isRRSIG) }, "bogus"},
		{"CNAME changed", "direct.one.test.", func(_ *world, m *dns.Msg) { m.Answer[0].(*dns.CNAME).Target = "mx.two.test." }, "bogus"},
		{"the CNAME made from a DNAME points elsewhere, the DNAME counts", "mx.sub.one.test.", func(_ *world, m *dns.Msg) {
			for _, rr := range m.Answer {
				if c, ok := rr.(*dns.CNAME); ok {
					c.Target = "evil.test."
				}
			}
		}, "secure"},
		{"DNAME not signed", "mx.sub.one.test.", func(_ *world, m *dns.Msg) { m.Answer = slices.DeleteFunc(m.Answer, isRRSIG) }, "bogus"},
		{"DNAME made from a wildcard", "a.b.star.one.test.", func(w *world, m *dns.Msg) {
			z := w.zones["one.test."]
			set, _ := dns.NewRR("*.star.one.test. 60 IN DNAME two.test.")
			m.Answer = z.signed([]dns.RR{set}, "b.star.one.test.")
			m.Ns = z.absence("a.b.star.one.test.")
		}, "bogus"},
		{"two CNAMEs", "direct.one.test.", func(w *world, m *dns.Msg) {
			rr, _ := dns.NewRR("direct.one.test. 60 IN CNAME mx.two.test.")
			m.Answer = append(m.Answer, rr)
		}, "indeterminate"},
	} {
		w := aliasWorld(t)
		w.tamper(c.name, "A", func(m *dns.Msg) { c.change(w, m) })
		a := w.lookup(c.name, "A")
		if string(a.Trust.State) != c.state {
			t.Errorf("%s: %s %s (%s), want %s", c.why, a.Trust.State, a.Trust.Reason, a.Trust.Code, c.state)
		}
	}
}

func TestDNAMETargets(t *testing.T) {
	dname := func(owner, target string) *rrset {
		return &rrset{name: owner, typ: dns.TypeDNAME, rrs: []dns.RR{&dns.DNAME{Hdr: dns.RR_Header{Name: owner, Rrtype: dns.TypeDNAME}, Target: target}}}
	}
	for _, c := range []struct{ owner, target, name, want, why string }{
		{"old.test.", "new.test.", "a.b.old.test.", "a.b.new.test.", "the suffix is replaced"},
		{"old.test.", ".", "a.old.test.", "a.", "by the root"},
		{".", "new.test.", "a.", "a.new.test.", "of the root"},
		{"old.test.", "New.TEST.", "a.old.test.", "a.new.test.", "lower case"},
		{"old.test.", strings.Repeat("a234567.", 30), strings.Repeat("b234567.", 5) + "old.test.", "", "too long a name (RFC 6672 §2.2)"},
	} {
		if got := dname(c.owner, c.target).target(c.name); got != c.want {
			t.Errorf("%s: %q, want %q", c.why, got, c.want)
		}
	}
}

// Who asks for the alias itself is not led on, and what becomes of the target, which servers
// go after all the same and say in the rcode, is none of his business (RFC 1034 §3.6.2, RFC
// 2308 §2.1). An alias that a DNAME makes is derived here from the DNAME that is proved.
func TestTheAliasItselfIsAskedFor(t *testing.T) {
	for _, c := range []struct{ name, state, target string }{
		{"direct.one.test", "secure", "mx.one.test."},
		{"dangling.one.test", "secure", "no.two.test."},
		{"dead.one.test", "secure", "mx.nowhere.one.test."},
		{"broken.one.test", "secure", "mx.expired.test."},
		{"out.one.test", "secure", "mx.plain.test."},
		{"loop.one.test", "secure", "pool.one.test."},
		{"x.star.one.test", "secure", "mx.one.test."},
		{"mx.sub.one.test", "secure", "mx.two.test."},
		{"x.sub.one.test", "secure", "x.two.test."},
		{"a.b.sub.one.test", "secure", "a.b.two.test."},
		{"home.plain.test", "insecure", "mx.one.test."},
		{"mx.one.test", "secure", ""},
		{"no.one.test", "secure", ""},
	} {
		for _, says := range []int{dns.RcodeSuccess, dns.RcodeNameError} {
			w := aliasWorld(t)
			w.mangle = func(q dns.Question, m *dns.Msg) *dns.Msg {
				if q.Qtype == dns.TypeCNAME && len(m.Answer) > 0 {
					m.Rcode = says
				}
				return m
			}
			a := w.lookup(c.name, "CNAME")
			target := ""
			if a.Exists() {
				target = a.Records[0].(*dns.CNAME).Target
			}
			if string(a.Trust.State) != c.state || target != c.target || len(a.Trust.Steps) > 0 || target != "" && (a.NXDOMAIN() || a.TTL == 0 || a.Records[0].Header().Name != a.Name) {
				t.Errorf("%s, %s: %s to %q by %q, rcode %d, %s", c.name, dns.RcodeToString[says], a.Trust.State, target, steps(a), a.Rcode, a.Trust.Code)
			}
		}
	}
	w := aliasWorld(t)
	w.mangle = func(q dns.Question, m *dns.Msg) *dns.Msg {
		if q.Qtype == dns.TypeCNAME {
			m.Answer = slices.DeleteFunc(m.Answer, func(rr dns.RR) bool { return rr.Header().Rrtype == dns.TypeCNAME })
		}
		return m
	}
	if a := w.lookup("mx.sub.one.test", "CNAME"); !a.Exists() || a.Trust.State != report.Secure {
		t.Errorf("a server that sends the DNAME alone: %s %s", a.Trust.State, a.Trust.Code)
	}
	// Every other type goes on, and a denial that the records contradict stays a fault.
	w = aliasWorld(t)
	w.mangle = func(q dns.Question, m *dns.Msg) *dns.Msg {
		if q.Name == "mx.one.test." && q.Qtype == dns.TypeA {
			m.Rcode = dns.RcodeNameError
		}
		return m
	}
	w.lookup("mx.one.test", "A").want(t, "bogus", report.CauseRcodeMismatch)
	if a := w.lookup("mx.sub.one.test", "DNAME"); steps(a) != "mx.sub.one.test>mx.two.test:secure" {
		t.Errorf("DNAME below a DNAME: %s", steps(a))
	}
}
