package resolve

import (
	"context"
	"crypto/rand"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/cloudflare/circl/sign/ed448"
	"github.com/miekg/dns"

	"mxseal/checks/report"
)

func lastLink(a *Answer) report.Link { return a.Trust.Chain[len(a.Trust.Chain)-1] }

func TestRule13UsableDS(t *testing.T) {
	ds := func(k signKey, change func(*dns.DS)) dns.RR {
		d := k.ToDS(dns.SHA256)
		change(d)
		return d
	}
	k := key(t, "zone.test.", dns.ECDSAP256SHA256, 256, 0)
	sha1 := k.ToDS(dns.SHA1)
	for _, c := range []struct {
		why    string
		ds     []dns.RR
		state  report.State
		reason report.Cause
		ede    int
	}{
		{"digest 2", []dns.RR{k.ToDS(dns.SHA256)}, "secure", "", 0},
		{"digest 4", []dns.RR{k.ToDS(dns.SHA384)}, "secure", "", 0},
		{"digest 1 where there is no other", []dns.RR{sha1}, "secure", "", 0},
		{"unknown algorithm", []dns.RR{ds(k, func(d *dns.DS) { d.Algorithm = 23 })}, "insecure", report.CauseUnsupportedAlgorithm, 1},
		{"unknown digest", []dns.RR{ds(k, func(d *dns.DS) { d.DigestType = 3 })}, "insecure", report.CauseUnsupportedDigest, 2},
		{"unknown beside a known one", []dns.RR{ds(k, func(d *dns.DS) { d.DigestType = 3 }), k.ToDS(dns.SHA256)}, "secure", "", 0},
		{"digest 1 does not count beside a wrong digest 2 (RFC 4509 §3)", []dns.RR{sha1, ds(k, func(d *dns.DS) { d.Digest = strings.Repeat("00", 32) })}, "bogus", report.CauseDSMismatch, 9},
	} {
		w := newWorld(t)
		w.add(&signedZone{name: "zone.test.", keys: []signKey{k}, ds: c.ds}, "@ MX 10 mx")
		a := w.lookup("zone.test", "MX")
		if a.Trust.State != c.state || a.Trust.Reason != c.reason || a.Trust.EDE != c.ede {
			t.Errorf("%s: %s %s %d, want %s %s %d", c.why, a.Trust.State, a.Trust.Reason, a.Trust.EDE, c.state, c.reason, c.ede)
		}
		if l := lastLink(a); l.Zone != "zone.test" || len(l.DS) != len(c.ds) || l.State != c.state {
			t.Errorf("%s: last link %+v", c.why, l)
		}
	}
}

func TestRule14KeysOfTheZone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []struct {
			why    string
			change func(z *signedZone, m *dns.Msg)
			state  report.State
			reason report.Cause
		}{
			{"as it should be", func(*signedZone, *dns.Msg) {}, "secure", ""},
			{"no DNSKEY", func(_ *signedZone, m *dns.Msg) { m.Answer = nil }, "bogus", report.CauseDNSKEYMissing},
			{"another key", func(z *signedZone, m *dns.Msg) {
				other := key(t, z.name, dns.ECDSAP256SHA256, 256, 0)
				m.Answer = []dns.RR{other.DNSKEY, z.signBy(other, []dns.RR{other.DNSKEY}, -day, day)}
			}, "bogus", report.CauseDSMismatch},
			{"set signed by another key of the set, not by that of the DS", func(z *signedZone, m *dns.Msg) {
				other := key(t, z.name, dns.ECDSAP256SHA256, 256, 0)
				set := []dns.RR{z.keys[0].DNSKEY, other.DNSKEY}
				m.Answer = append(set, z.signBy(other, set, -day, day))
			}, "bogus", report.CauseDNSKEYMissing},
			{"not signed", func(_ *signedZone, m *dns.Msg) { m.Answer = m.Answer[:1] }, "bogus", report.CauseRRSIGMissing},
			{"signature expired", func(z *signedZone, m *dns.Msg) {
				m.Answer = append(m.Answer[:1], z.signBy(z.keys[0], m.Answer[:1], -9*day, -day))
			}, "bogus", report.CauseExpired},
			{"SERVFAIL", func(_ *signedZone, m *dns.Msg) { m.Answer, m.Rcode = nil, dns.RcodeServerFailure }, "indeterminate", report.CauseDNSKEYLookupFailed},
		} {
			w := secureWorld(t)
			z := w.zones["secure.test."]
			w.tamper("secure.test.", "DNSKEY", func(m *dns.Msg) { c.change(z, m) })
			a := w.lookup("secure.test", "MX")
			if a.Trust.State != c.state || a.Trust.Reason != c.reason {
				t.Errorf("%s: %s %s (%s), want %s %s", c.why, a.Trust.State, a.Trust.Reason, a.Trust.Code, c.state, c.reason)
			}
			if !a.Exists() {
				t.Errorf("%s: the records are to be kept", c.why)
			}
		}
		w := secureWorld(t)
		w.tamper("secure.test.", "DS", func(m *dns.Msg) { m.Answer, m.Rcode = nil, dns.RcodeServerFailure })
		w.lookup("secure.test", "MX").want(t, "indeterminate", report.CauseDSLookupFailed)
	})
}

func TestRule11And33DSAlgorithmWithoutKey(t *testing.T) {
	w := newWorld(t)
	k := key(t, "zone.test.", dns.ECDSAP256SHA256, 256, 0)
	gone := key(t, "zone.test.", dns.ED25519, 256, 0)
	w.add(&signedZone{name: "zone.test.", keys: []signKey{k}, ds: []dns.RR{k.ToDS(dns.SHA256), gone.ToDS(dns.SHA256)}}, "@ MX 10 mx")
	a := w.lookup("zone.test", "MX")
	a.want(t, "secure", "")
	if !slices.Contains(lastLink(a).Notes, report.NoteAlgorithmWithoutKey) {
		t.Errorf("notes %v", lastLink(a).Notes)
	}

	w = newWorld(t)
	z := w.add(&signedZone{name: "zone.test.", keys: []signKey{k, gone}}, "@ MX 10 mx")
	w.tamper("zone.test.", "DNSKEY", func(m *dns.Msg) {
		m.Answer = append(m.Answer[:2], z.signBy(k, m.Answer[:2], -day, day))
	})
	a = w.lookup("zone.test", "MX")
	a.want(t, "secure", "")
	if !slices.Contains(lastLink(a).Notes, report.NoteAlgorithmNotSigning) {
		t.Errorf("notes %v", lastLink(a).Notes)
	}
}

func TestRule15SHA1IsInsecure(t *testing.T) {
	w := newWorld(t)
	w.add(&signedZone{name: "old.test.", keys: []signKey{key(t, "old.test.", dns.RSASHA1NSEC3SHA1, 1024, 0)}}, "@ MX 10 mx")
	w.lookup("old.test", "MX").want(t, "insecure", report.CauseUnsupportedAlgorithm)
	cfg := w.config()
	cfg.AcceptSHA1 = true
	New(cfg).Lookup(t.Context(), "old.test", dns.TypeMX).want(t, "secure", "")
}

func TestRule15Algorithms(t *testing.T) {
	for alg, size := range map[uint8]int{dns.RSASHA256: 2048, dns.RSASHA512: 2048, dns.ECDSAP256SHA256: 256, dns.ECDSAP384SHA384: 384, dns.ED25519: 256} {
		w := newWorld(t)
		w.add(&signedZone{name: "zone.test.", keys: []signKey{key(t, "zone.test.", alg, size, 0)}}, "@ MX 10 mx")
		a := w.lookup("zone.test", "MX")
		a.want(t, "secure", "")
		if got := lastLink(a).Keys[0].Bits; got != size {
			t.Errorf("algorithm %d: %d bits, want %d", alg, got, size)
		}
	}
	public, private, err := ed448.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signature := ed448.Sign(private, []byte("data"), "")
	a := algorithms[dns.ED448]
	if !a.verify(a.hash, public, []byte("data"), signature) || a.verify(a.hash, public, []byte("date"), signature) || a.verify(a.hash, public[1:], []byte("data"), signature) {
		t.Error("Ed448 is not verified rightly")
	}
}

func TestRule17ZoneCuts(t *testing.T) {
	w := newWorld(t)
	w.add(&signedZone{name: "secure.test."}, "mx.deep.down A 192.0.2.1\nalias CNAME mx.deep.down")
	w.add(&signedZone{name: "very.low.secure.test."}, "@ MX 10 mx\nmx A 192.0.2.1")
	w.add(&signedZone{name: "plain.secure.test.", unsigned: true}, "@ MX 10 mx\na.b.c MX 10 mx")
	w.add(&signedZone{name: "island.secure.test.", noDS: true}, "@ MX 10 mx")
	w.add(&signedZone{name: "below.island.secure.test."}, "@ MX 10 mx")
	for _, c := range []struct {
		name, typ string
		state     report.State
		reason    report.Cause
		zones     string
	}{
		{"mx.deep.down.secure.test", "A", "secure", "", ". test secure.test"},
		{"mx.very.low.secure.test", "A", "secure", "", ". test secure.test very.low.secure.test"},
		{"plain.secure.test", "MX", "insecure", report.CauseNoDS, ". test secure.test plain.secure.test"},
		{"a.b.c.plain.secure.test", "MX", "insecure", report.CauseNoDS, ". test secure.test plain.secure.test"},
		{"no.plain.secure.test", "MX", "insecure", report.CauseNoDS, ". test secure.test plain.secure.test"},
		{"island.secure.test", "MX", "insecure", report.CauseNoDS, ". test secure.test island.secure.test"},
		{"below.island.secure.test", "MX", "insecure", report.CauseNoDS, ". test secure.test island.secure.test"},
	} {
		a := w.lookup(c.name, c.typ)
		a.want(t, c.state, c.reason)
		var zones []string
		for _, l := range a.Trust.Chain {
			zones = append(zones, l.Zone)
		}
		if got := strings.Join(zones, " "); got != c.zones {
			t.Errorf("%s: chain %s, want %s", c.name, got, c.zones)
		}
	}
	// Below an alias nothing is delegated, and the alias itself is no cut.
	r := New(w.config())
	if z := r.enclosing(t.Context(), "alias.secure.test."); z.fault != nil || z.name != "secure.test." {
		t.Errorf("the zone of an alias is %s, %v", z.name, z.fault)
	}
}

func TestRule17NoProofThatDSIsAbsent(t *testing.T) {
	for why, change := range map[string]func(w *world, m *dns.Msg){
		"nothing in the denial":    func(_ *world, m *dns.Msg) { m.Ns = nil },
		"the denial not signed":    func(_ *world, m *dns.Msg) { m.Ns = slices.DeleteFunc(m.Ns, isRRSIG) },
		"the child's own denial":   func(w *world, m *dns.Msg) { w.zones["plain.test."].childSide(m) },
		"a denial of another name": func(w *world, m *dns.Msg) { m.Ns = w.zones["test."].absence("secure.test.") },
		"unsigned alias in its place": func(_ *world, m *dns.Msg) {
			rr, _ := dns.NewRR("plain.test. CNAME elsewhere.invalid.")
			m.Answer, m.Ns = []dns.RR{rr}, nil
		},
	} {
		w := newWorld(t)
		w.add(&signedZone{name: "plain.test.", noDS: true}, "@ MX 10 mx")
		w.add(&signedZone{name: "secure.test."}, "@ MX 10 mx")
		w.tamper("plain.test.", "DS", func(m *dns.Msg) { change(w, m) })
		a := w.lookup("plain.test", "MX")
		if a.Trust.State != report.Bogus {
			t.Errorf("%s: %s %s, want bogus", why, a.Trust.State, a.Trust.Reason)
		}
	}
}

func isRRSIG(rr dns.RR) bool { return rr.Header().Rrtype == dns.TypeRRSIG }

// childSide answers a DS question as the child's own servers would.
func (z *signedZone) childSide(m *dns.Msg) {
	m.Ns = append(z.signed(z.sets[z.name][dns.TypeSOA], z.name), z.absence(z.name)...)
}

func TestRule18SignedBelowAnUnsignedCut(t *testing.T) {
	w := newWorld(t)
	w.add(&signedZone{name: "plain.test.", noDS: true, from: -9 * day, to: -day}, "@ MX 10 mx")
	w.lookup("plain.test", "MX").want(t, "insecure", report.CauseNoDS)
	w.lookup("plain.test", "TXT").want(t, "insecure", report.CauseNoDS)

	// The parent's signature over a name below an unsigned delegation, expired: the cut
	// explains why the parent does not care for it.
	w = newWorld(t)
	w.add(&signedZone{name: "plain.test.", unsigned: true}, "@ MX 10 mx")
	w.tamper("plain.test.", "MX", func(m *dns.Msg) {
		m.Answer = append(m.Answer, w.zones["test."].signBy(w.zones["test."].keys[0], m.Answer, -9*day, -day))
	})
	w.lookup("plain.test", "MX").want(t, "insecure", report.CauseNoDS)

	// A signature that names no zone above the record does not lead astray.
	w = secureWorld(t)
	w.tamper("secure.test.", "MX", func(m *dns.Msg) { signature(m.Answer, dns.TypeMX).SignerName = "elsewhere." })
	w.lookup("secure.test", "MX").want(t, "bogus", report.CauseSignerMismatch)
}

func TestRule19DSIsAQuestionToTheParent(t *testing.T) {
	w := newWorld(t)
	w.add(&signedZone{name: "secure.test."}, "@ MX 10 mx")
	w.add(&signedZone{name: "plain.test.", unsigned: true}, "@ MX 10 mx")
	a := w.lookup("secure.test", "DS")
	a.want(t, "secure", "")
	if !a.Exists() || a.Zone != "test." || lastLink(a).Zone != "test" {
		t.Errorf("zone %s, last link %+v, want test", a.Zone, lastLink(a))
	}
	a = w.lookup("plain.test", "DS")
	a.want(t, "secure", "")
	if a.Exists() || !a.Denied() {
		t.Error("the absence of a DS is to be proved by the parent")
	}
	w.tamper("secure.test.", "DS", func(m *dns.Msg) {
		m.Answer = nil
		w.zones["secure.test."].childSide(m)
	})
	if a := w.lookup("secure.test", "DS"); a.Trust.State != report.Bogus {
		t.Errorf("the child's denial of its DS is %s", a.Trust.State)
	}
}

func TestRootDSAndKeys(t *testing.T) {
	w := newWorld(t)
	w.lookup(".", "DNSKEY").want(t, "secure", "")
	w.lookup(".", "NS").want(t, "secure", "")
	w.lookup("nothing", "MX").want(t, "secure", "")
	cfg := w.config()
	cfg.Anchors = []dns.RR{w.zones["."].keys[0].DNSKEY}
	New(cfg).Lookup(context.Background(), "test", dns.TypeSOA).want(t, "secure", "")
}
