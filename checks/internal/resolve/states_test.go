package resolve

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"mxseal/checks/internal/share"

	"mxseal/checks/report"
)

func TestRule06EitherAnchorSuffices(t *testing.T) {
	w := secureWorld(t)
	anchor := func(k signKey) dns.RR { return k.ToDS(dns.SHA256) }
	own, other := w.zones["."].keys[0], key(t, ".", dns.ECDSAP256SHA256, 256, 0)
	for _, c := range []struct {
		why     string
		anchors []dns.RR
		state   report.State
		reason  report.Cause
	}{
		{"the key in use", []dns.RR{anchor(own)}, "secure", ""},
		{"the next key beside the present one", []dns.RR{anchor(other), anchor(own)}, "secure", ""},
		{"as DNSKEY", []dns.RR{other.DNSKEY, own.DNSKEY}, "secure", ""},
		{"another key only: our own view is at fault", []dns.RR{anchor(other)}, "indeterminate", report.CauseNotCapable},
	} {
		cfg := w.config()
		cfg.Anchors = c.anchors
		a := New(cfg).Lookup(t.Context(), "secure.test", dns.TypeMX)
		if a.Trust.State != c.state || a.Trust.Reason != c.reason {
			t.Errorf("%s: %s %s", c.why, a.Trust.State, a.Trust.Reason)
		}
	}
	tags := make(map[uint16]bool)
	for _, ds := range digests(rootAnchors()) {
		tags[ds.KeyTag] = true
	}
	if !tags[20326] || !tags[38696] {
		t.Errorf("built in: %v, want KSK-2017 and KSK-2024", tags)
	}
}

// To a sender bogus, indeterminate, SERVFAIL and a timeout are one thing; insecure is none.
func TestRule29LookupFailureIsOneThing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := aliasWorld(t)
		w.tamper("mx.two.test.", "A", func(m *dns.Msg) { m.Rcode, m.Answer = dns.RcodeServerFailure, nil })
		for _, c := range []struct {
			name, state  string
			fails, means bool
		}{
			{"mx.one.test", "secure", false, false},
			{"mx.plain.test", "insecure", false, false},
			{"mx.expired.test", "bogus", true, false},
			{"broken.one.test", "bogus", true, false},
			{"mx.two.test", "indeterminate", true, false},
			{"across.one.test", "indeterminate", true, false},
			{"loop.one.test", "indeterminate", true, false},
			{"no.one.test", "secure", false, true},
			{"no.plain.test", "insecure", false, true},
			{"no.expired.test", "bogus", true, false},
		} {
			a := w.lookup(c.name, "A")
			if string(a.Trust.State) != c.state || a.LookupFailed() != c.fails || a.Denied() != c.means {
				t.Errorf("%s: %s, look-up failed %v, denied %v", c.name, a.Trust.State, a.LookupFailed(), a.Denied())
			}
		}
	})
}

// Which TLSA base domains a sender tries hangs on two states: that of the first alias, and
// that of all together (RFC 7672 §2.2.2).
func TestRule30And32TheFirstAliasHasItsOwnState(t *testing.T) {
	w := aliasWorld(t)
	for _, c := range []struct{ name, first, all string }{
		{"mx.one.test", "", "secure"},
		{"across.one.test", "secure", "secure"},
		{"out.one.test", "secure", "insecure"},
		{"home.plain.test", "insecure", "insecure"},
	} {
		a := w.lookup(c.name, "A")
		first := ""
		if len(a.Trust.Steps) > 0 {
			first = string(a.Trust.Steps[0].State)
		}
		if first != c.first || string(a.Trust.State) != c.all {
			t.Errorf("%s: first alias %q, all %s; want %q, %s", c.name, first, a.Trust.State, c.first, c.all)
		}
	}
}

// TLSA behind a secure alias counts; one insecure step spoils it. The base domain is the
// name that was asked for, not the alias's target.
func TestRule31TLSABehindAnAlias(t *testing.T) {
	w := aliasWorld(t)
	w.zones["one.test."].put("_25._tcp.mx CNAME tlsa.two.test.\n_25._tcp.out CNAME tlsa.plain.test.")
	w.zones["two.test."].put("tlsa TLSA 3 1 1 " + strings.Repeat("ab", 32))
	w.zones["plain.test."].put("tlsa TLSA 3 1 1 " + strings.Repeat("ab", 32))
	for name, want := range map[string]string{"_25._tcp.mx.one.test": "secure", "_25._tcp.out.one.test": "insecure"} {
		a := w.lookup(name, "TLSA")
		if !a.Exists() || string(a.Trust.State) != want || a.Name != name+"." {
			t.Errorf("%s: %s, asked for %s", name, a.Trust.State, a.Name)
		}
	}
}

func TestEveryCauseHasAnErrorCode(t *testing.T) {
	// No error: the zone is not signed, and resolvers answer. And RFC 8914 knows none for aliases.
	none := []report.Cause{report.CauseNoDS, report.CauseOptOut, report.CauseAliasFault}
	source, err := report.Source.ReadFile("cause.go")
	if err != nil {
		t.Fatal(err)
	}
	causes := regexp.MustCompile(`Cause = "([^"]*)"`).FindAllStringSubmatch(string(source), -1)
	if len(causes) < 20 {
		t.Fatalf("causes %q", causes)
	}
	for _, m := range causes {
		c := report.Cause(m[1])
		if !regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`).MatchString(m[1]) {
			t.Errorf("%q is no stable code", c)
		}
		if _, ok := extended[c]; ok == slices.Contains(none, c) {
			t.Errorf("%s has an extended DNS error: %v", c, ok)
		}
	}
}

// Whatever mail depends on, its chain is whole in the evidence: keys, DS and the times of
// the signatures over both, and that of the answer.
func TestTheChainIsWholeInEvidence(t *testing.T) {
	w := mailWorld(t)
	w.slow = 0
	r := New(w.config())
	for name, typ := range map[string]uint16{
		"domain.test": dns.TypeMX, "mx1.provider.test": dns.TypeA, "_25._tcp.mx1.provider.test": dns.TypeTLSA, "_25._tcp.mx2.provider.test": dns.TypeTLSA,
		"_mta-sts.domain.test": dns.TypeTXT, "mta-sts.domain.test": dns.TypeA, "_smtp._tls.domain.test": dns.TypeTXT, "none.domain.test": dns.TypeTLSA,
	} {
		trust := r.Lookup(t.Context(), name, typ).Trust
		text, err := json.Marshal(trust)
		if err != nil {
			t.Fatal(err)
		}
		var back report.Trust
		if err := json.Unmarshal(text, &back); err != nil {
			t.Fatal(err)
		}
		if len(back.Chain) != 3 || back.Signature == nil || back.Signature.Expires.IsZero() {
			t.Errorf("%s: %s", name, text)
		}
		for i, l := range back.Chain {
			if len(l.Keys) == 0 || len(l.DS) == 0 || l.Window == nil || l.State != report.Secure {
				t.Errorf("%s: link %s lacks something: %+v", name, l.Zone, l)
			}
			if i > 0 && (l.DSWindow == nil || l.DSWindow.Tag != back.Chain[i-1].Keys[0].Tag) {
				t.Errorf("%s: link %s: the signature over the DS is %+v", name, l.Zone, l.DSWindow)
			}
		}
	}
}

// A failed answer shows how far the chain is whole.
func TestAFailedAnswerHasItsChain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := secureWorld(t)
		w.tamper("secure.test.", "MX", func(m *dns.Msg) { m.Rcode, m.Answer = dns.RcodeServerFailure, nil })
		a := w.lookup("secure.test", "MX")
		a.want(t, "indeterminate", report.CauseLookupFailed)
		if len(a.Trust.Chain) != 3 || lastLink(a).State != report.Secure {
			t.Errorf("chain %+v", a.Trust.Chain)
		}
	})
}

// What one check was told it remembers to its end, however short the TTL; the next check
// asks again.
func TestAFreshResolverKeepsOneStateOfThings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := secureWorld(t)
		w.zones["secure.test."].put("brief 1 TXT a")
		r := New(w.config())
		texts := func(r *Resolver) string {
			return strings.Join(r.Lookup(t.Context(), "brief.secure.test", dns.TypeTXT).Texts(), "")
		}
		check := r.Fresh(new(share.Scan))
		before := texts(check)
		w.zones["secure.test."].sets["brief.secure.test."][dns.TypeTXT][0].(*dns.TXT).Txt = []string{"b"}
		time.Sleep(mostLifetime / 2)
		if now := texts(check); before != "a" || now != "a" {
			t.Errorf("one check saw %q, then %q", before, now)
		}
		if now := texts(r.Fresh(new(share.Scan))); now != "b" {
			t.Errorf("the next check saw %q", now)
		}
	})
}
