package resolve

import (
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"mxseal/checks/internal/share"

	"mxseal/checks/report"
)

// denyingWorld holds the same zone twice: denied by NSEC and by NSEC3.
func denyingWorld(t *testing.T) *world {
	const text = `
		@         MX 10 mx
		mx        A 192.0.2.1
		*.wild    A 192.0.2.2
		*.alias   CNAME mx
		a.b.c     TXT x
		z         TXT x
		d         DNAME elsewhere.test.`
	w := newWorld(t)
	w.add(&signedZone{name: "nsec.test."}, text)
	w.add(&signedZone{name: "nsec3.test.", nsec3: &dns.NSEC3{SaltLength: 2, Salt: "ABCD", Iterations: 1}}, text)
	for _, z := range []string{"nsec.test.", "nsec3.test."} {
		w.add(&signedZone{name: "signed." + z}, "@ MX 10 mx")
		w.add(&signedZone{name: "plain." + z, unsigned: true}, "@ MX 10 mx")
	}
	return w
}

var denying = []string{"nsec.test.", "nsec3.test."}

func TestRule20And21And22Denials(t *testing.T) {
	w := denyingWorld(t)
	for _, zone := range denying {
		for _, c := range []struct {
			name, typ string
			rcode     int
			why       string
		}{
			{"", "AAAA", 0, "no such type at the apex"},
			{"mx.", "AAAA", 0, "no such type"},
			{"no.", "A", 3, "no such name"},
			{"zz.", "A", 3, "no such name, behind the last"},
			{"0.", "A", 3, "no such name, before the first"},
			{"no.mx.", "A", 3, "no such name below a name"},
			{"c.", "A", 0, "empty non-terminal"},
			{"b.c.", "A", 0, "empty non-terminal below another"},
			{"no.b.c.", "A", 3, "no such name below an empty non-terminal"},
			{"wild.", "A", 0, "the parent of a wildcard is none of its names"},
			{"x.wild.", "A", 0, "made from a wildcard"},
			{"x.y.wild.", "A", 0, "made from a wildcard, two labels"},
			{"x.wild.", "TXT", 0, "a wildcard without the type"},
			{"*.wild.", "A", 0, "the wildcard itself"},
			{"*.wild.", "TXT", 0, "the wildcard itself, without the type"},
			{"x.alias.", "A", 0, "an alias made from a wildcard"},
			{"x.alias.", "TXT", 0, "an alias made from a wildcard, to a name without the type"},
			{"mx.", "DS", 0, "no DS where no zone begins"},
			{"no.", "DS", 3, "no DS where no name is"},
			{"plain.", "DS", 0, "no DS at an unsigned delegation"},
			{"", "DS", 0, "exists"},
		} {
			a := w.lookup(c.name+zone, c.typ)
			if a.Trust.State != report.Secure || a.Rcode != c.rcode || a.NXDOMAIN() != (c.rcode == 3) {
				t.Errorf("%s %s%s: %s %s (%s), rcode %d: %s", c.typ, c.name, zone, a.Trust.State, a.Trust.Reason, a.Trust.Code, a.Rcode, c.why)
			}
		}
	}
	if a := w.lookup("no.nsec3.test", "A"); !slices.Contains(a.Trust.Notes, report.NoteIterations) {
		t.Errorf("notes %v, want one on iterations", a.Trust.Notes)
	}
}

func TestRule20WildcardNeedsProof(t *testing.T) {
	for _, zone := range denying {
		for why, change := range map[string]func(*world, *dns.Msg){
			"no proof":                       func(_ *world, m *dns.Msg) { m.Ns = nil },
			"proof not signed":               func(_ *world, m *dns.Msg) { m.Ns = slices.DeleteFunc(m.Ns, isRRSIG) },
			"proof of another name":          func(w *world, m *dns.Msg) { m.Ns = w.zones[zone].absence("no." + zone) },
			"a record that matches the name": func(w *world, m *dns.Msg) { m.Ns = w.zones[zone].absence("*.wild." + zone) },
		} {
			w := denyingWorld(t)
			w.tamper("x.wild."+zone, "A", func(m *dns.Msg) { change(w, m) })
			a := w.lookup("x.wild."+zone, "A")
			if a.Trust.State != report.Bogus && why != "a record that matches the name" {
				t.Errorf("%s, %s: %s", zone, why, a.Trust.State)
			}
		}
		// A wildcard's record for a name that has a closer one of its own.
		w := denyingWorld(t)
		w.zones[zone].put("here.wild A 192.0.2.9")
		w.tamper("here.wild."+zone, "A", func(m *dns.Msg) {
			z := w.zones[zone]
			m.Answer = z.signed(z.sets["*.wild."+zone][dns.TypeA], "here.wild."+zone)
			m.Ns = z.absence("here.wild." + zone)
		})
		w.lookup("here.wild."+zone, "A").want(t, "bogus", report.CauseNSECMissing)
	}
}

func TestRule21And22FalseDenials(t *testing.T) {
	for _, zone := range denying {
		for _, c := range []struct {
			why, name, typ string
			change         func(z *signedZone, m *dns.Msg)
		}{
			{"the name has the type", "mx.", "A", func(z *signedZone, m *dns.Msg) {
				m.Answer, m.Ns = nil, append(z.signed(z.sets[z.name][dns.TypeSOA], z.name), z.absence("mx."+zone)...)
			}},
			{"the name is an alias", "mx.", "TXT", func(z *signedZone, m *dns.Msg) {
				z.put("mx2 CNAME mx")
				m.Ns = append(z.signed(z.sets[z.name][dns.TypeSOA], z.name), z.absence("mx2."+zone)...)
			}},
			{"the name is not covered", "no.", "A", func(z *signedZone, m *dns.Msg) { m.Ns = z.absence("z."+zone, "*."+zone) }},
			{"the wildcard is not denied", "no.", "A", func(z *signedZone, m *dns.Msg) {
				m.Ns = slices.DeleteFunc(m.Ns, func(rr dns.RR) bool {
					star := z.absence("*." + zone)[0].Header().Name
					return rr.Header().Name == star
				})
			}},
			{"a wildcard has the type", "x.wild.", "A", func(z *signedZone, m *dns.Msg) {
				m.Answer = nil
				m.Ns = append(m.Ns, z.absence("wild."+zone, "*.wild."+zone)...)
			}},
			{"a name below a delegation, denied by the zone above", "mx.signed.", "A", func(z *signedZone, m *dns.Msg) {
				m.Rcode = dns.RcodeNameError
				m.Ns = append(z.signed(z.sets[z.name][dns.TypeSOA], z.name), z.absence("signed."+zone, "mx.signed."+zone, "*."+zone)...)
			}},
			{"the top of a zone, denied by the zone above", "signed.", "TXT", func(z *signedZone, m *dns.Msg) {
				m.Ns = append(z.signed(z.sets[z.name][dns.TypeSOA], z.name), z.absence("signed."+zone)...)
			}},
			{"a name below a DNAME", "x.d.", "A", func(z *signedZone, m *dns.Msg) {
				m.Answer, m.Rcode = nil, dns.RcodeNameError
				m.Ns = append(z.signed(z.sets[z.name][dns.TypeSOA], z.name), z.absence("d."+zone, "x.d."+zone, "*.d."+zone)...)
			}},
			{"no signature over the denial", "no.", "A", func(_ *signedZone, m *dns.Msg) { m.Ns = slices.DeleteFunc(m.Ns, isRRSIG) }},
			{"nothing at all", "no.", "A", func(_ *signedZone, m *dns.Msg) { m.Ns = nil }},
		} {
			w := denyingWorld(t)
			w.tamper(c.name+zone, c.typ, func(m *dns.Msg) { c.change(w.zones[zone], m) })
			a := w.lookup(c.name+zone, c.typ)
			if a.Trust.State != report.Bogus {
				t.Errorf("%s %s%s: %s, want bogus: %s", c.typ, c.name, zone, a.Trust.State, c.why)
			}
		}
	}
}

func TestRule22Parameters(t *testing.T) {
	world3 := func(t *testing.T, n dns.NSEC3) *world {
		w := newWorld(t)
		w.add(&signedZone{name: "zone.test.", nsec3: &n}, "@ MX 10 mx\nmx A 192.0.2.1\n*.wild A 192.0.2.2")
		return w
	}
	for iterations, want := range map[uint16]report.Cause{0: "", 1: "", 50: "", 51: report.CauseNSEC3Iterations, 100: report.CauseNSEC3Iterations, 2500: report.CauseNSEC3Iterations} {
		w := world3(t, dns.NSEC3{Iterations: iterations})
		for name, typ := range map[string]string{"no.zone.test": "A", "zone.test": "AAAA", "x.wild.zone.test": "A"} {
			a := w.lookup(name, typ)
			if a.Trust.Reason != want || want != "" && (a.Trust.State != report.Insecure || a.Trust.EDE != 27) {
				t.Errorf("%d iterations, %s: %s %q EDE %d", iterations, name, a.Trust.State, a.Trust.Reason, a.Trust.EDE)
			}
		}
		w.lookup("mx.zone.test", "A").want(t, "secure", "") // what is there needs no denial
	}
	// The signature over a record of many iterations is checked before it is believed.
	w := world3(t, dns.NSEC3{Iterations: 2500})
	w.mangle = func(_ dns.Question, m *dns.Msg) *dns.Msg {
		for _, rr := range m.Ns {
			if n, ok := rr.(*dns.NSEC3); ok {
				n.Iterations = 2501
			}
		}
		return m
	}
	w.lookup("no.zone.test", "A").want(t, "bogus", report.CauseSignatureInvalid)

	for why, change := range map[string]func(n *dns.NSEC3){
		"unknown hash":  func(n *dns.NSEC3) { n.Hash = 2 },
		"unknown flags": func(n *dns.NSEC3) { n.Flags = 2 },
		"another salt":  func(n *dns.NSEC3) { n.Salt, n.SaltLength = "EE", 1 },
	} {
		w := world3(t, dns.NSEC3{})
		z := w.zones["zone.test."]
		w.tamper("no.zone.test.", "A", func(m *dns.Msg) {
			for i, rr := range m.Ns {
				if n, ok := rr.(*dns.NSEC3); ok {
					change(n)
					m.Ns[i+1] = z.signBy(z.keys[0], []dns.RR{n}, -day, day)
					if why == "another salt" {
						break // one differs
					}
				}
			}
		})
		if a := w.lookup("no.zone.test", "A"); a.Trust.State != report.Bogus {
			t.Errorf("%s: %s, want bogus", why, a.Trust.State)
		}
	}
	// A name with more labels than a validator hashes.
	w = world3(t, dns.NSEC3{})
	w.lookup(strings.Repeat("a.", 20)+"zone.test", "A").want(t, "bogus", report.CauseLimit)
	// The signer of an NSEC3 is its zone, not one above.
	w = world3(t, dns.NSEC3{})
	w.tamper("no.zone.test.", "A", func(m *dns.Msg) {
		above := w.zones["test."]
		for i, rr := range m.Ns {
			if _, ok := rr.(*dns.NSEC3); ok {
				m.Ns[i+1] = above.signBy(above.keys[0], m.Ns[i:i+1], -day, day)
			}
		}
	})
	w.lookup("no.zone.test", "A").want(t, "bogus", report.CauseSignerMismatch)
}

func TestRule23OptOut(t *testing.T) {
	w := newWorld(t)
	w.add(&signedZone{name: "reg.test.", nsec3: &dns.NSEC3{Flags: 1}}, "mx A 192.0.2.1\n*.wild A 192.0.2.2")
	w.add(&signedZone{name: "signed.reg.test."}, "@ MX 10 mx")
	w.add(&signedZone{name: "plain.reg.test.", unsigned: true}, "@ MX 10 mx")
	for _, c := range []struct {
		name, typ string
		state     report.State
		reason    report.Cause
		why       string
	}{
		{"plain.reg.test", "MX", "insecure", report.CauseOptOut, "delegated inside an opt-out span"},
		{"plain.reg.test", "DS", "insecure", report.CauseOptOut, "its DS is not denied for certain"},
		{"signed.reg.test", "MX", "secure", "", "a DS is a DS"},
		{"mx.reg.test", "A", "secure", "", "what is there is signed"},
		{"mx.reg.test", "AAAA", "secure", "", "an exact match needs no span"},
		{"no.reg.test", "A", "insecure", report.CauseOptOut, "a name that may be an unsigned delegation"},
		{"x.wild.reg.test", "A", "insecure", report.CauseOptOut, "a closer name may be an unsigned delegation"},
	} {
		a := w.lookup(c.name, c.typ)
		if a.Trust.State != c.state || a.Trust.Reason != c.reason {
			t.Errorf("%s %s: %s %s, want %s %s: %s", c.typ, c.name, a.Trust.State, a.Trust.Reason, c.state, c.reason, c.why)
		}
	}
	if a := w.lookup("no.reg.test", "A"); !slices.Contains(a.Trust.Notes, report.NoteOptOut) {
		t.Errorf("notes %v", a.Trust.Notes)
	}

	// NXDOMAIN needs the denial of the wildcard all the same.
	z, star := w.zones["reg.test."], "*.reg.test."
	q := question{"no.reg.test.", dns.TypeA}
	for z.absence(q.name)[0].Header().Name == z.absence(star)[0].Header().Name {
		q.name = "n" + q.name // until it is in another span
	}
	r := New(w.config())
	rep := r.ask(t.Context(), q)
	if _, _, f := r.enclosing(t.Context(), z.name).deny(rep, q, rep.rcode, r.trial()); code(f) != report.CauseOptOut {
		t.Errorf("with the wildcard denied: %q", code(f))
	}
	w.tamper(q.name, "A", func(m *dns.Msg) { m.Ns = z.absence("reg.test.", q.name) })
	rep = r.Fresh(new(share.Scan)).ask(t.Context(), q)
	if _, _, f := r.enclosing(t.Context(), z.name).deny(rep, q, rep.rcode, r.trial()); code(f) != report.CauseNSECMissing {
		t.Errorf("without the wildcard denied: %q", code(f))
	}
}

func TestRule24ExpandedOrDoubledNSEC(t *testing.T) {
	w := denyingWorld(t)
	z := w.zones["nsec.test."]
	wild := z.nsecFor("*.wild.nsec.test.")
	w.tamper("x.wild.nsec.test.", "TXT", func(m *dns.Msg) {
		// The NSEC at the wildcard, served as if it were the name's own.
		m.Ns = append(z.signed(z.sets[z.name][dns.TypeSOA], z.name), z.signed(wild, "x.wild.nsec.test.")...)
	})
	w.lookup("x.wild.nsec.test", "TXT").want(t, "bogus", report.CauseNSECMissing)

	w = denyingWorld(t)
	z = w.zones["nsec.test."]
	w.tamper("mx.nsec.test.", "TXT", func(m *dns.Msg) {
		set := z.nsecFor("mx.nsec.test.")
		second := dns.Copy(set[0]).(*dns.NSEC)
		second.NextDomain = "zz.nsec.test."
		m.Ns = append(z.signed(z.sets[z.name][dns.TypeSOA], z.name), z.signed(append(set, second), "mx.nsec.test.")...)
	})
	w.lookup("mx.nsec.test", "TXT").want(t, "bogus", report.CauseNSECMissing)
}

func TestRule25RcodeIsNotSigned(t *testing.T) {
	for _, zone := range denying {
		for _, c := range []struct {
			why, name, typ string
			rcode          int
			want           report.Cause
		}{
			{"NOERROR for a name proved not to exist", "no.", "A", dns.RcodeSuccess, report.CauseRcodeMismatch},
			{"NXDOMAIN beside records", "mx.", "A", dns.RcodeNameError, report.CauseRcodeMismatch},
		} {
			w := denyingWorld(t)
			w.tamper(c.name+zone, c.typ, func(m *dns.Msg) { m.Rcode = c.rcode })
			if a := w.lookup(c.name+zone, c.typ); a.Trust.Reason != c.want || a.Trust.State != report.Bogus {
				t.Errorf("%s, %s: %s %s", zone, c.why, a.Trust.State, a.Trust.Reason)
			}
		}
	}
	// NXDOMAIN for what exists without the type is forgiven where NSEC shows what was meant.
	for _, c := range []struct{ name, typ, why string }{
		{"b.c.", "A", "an empty non-terminal"},
		{"mx.", "TXT", "a name with other types"},
		{"x.wild.", "TXT", "a name that a wildcard makes"},
	} {
		w := denyingWorld(t)
		for _, zone := range denying {
			w.tamper(c.name+zone, c.typ, func(m *dns.Msg) { m.Rcode = dns.RcodeNameError })
		}
		a := w.lookup(c.name+"nsec.test", c.typ)
		a.want(t, "secure", "")
		if !slices.Contains(a.Trust.Notes, report.NoteNXDOMAIN) || a.NXDOMAIN() {
			t.Errorf("%s: notes %v, rcode %d", c.why, a.Trust.Notes, a.Rcode)
		}
		w.lookup(c.name+"nsec3.test", c.typ).want(t, "bogus", report.CauseRcodeMismatch)
	}
	// On the way down the chain the proof alone counts, but no DS comes with NXDOMAIN.
	w := denyingWorld(t)
	for _, zone := range denying {
		w.tamper("plain."+zone, "DS", func(m *dns.Msg) { m.Rcode = dns.RcodeNameError })
		w.tamper("signed."+zone, "DS", func(m *dns.Msg) { m.Rcode = dns.RcodeNameError })
		w.lookup("plain."+zone, "MX").want(t, "insecure", report.CauseNoDS)
		w.lookup("signed."+zone, "MX").want(t, "bogus", report.CauseRcodeMismatch)
	}
}

func TestRule26EveryRecordOfADenialMustVerify(t *testing.T) {
	for _, zone := range denying {
		for _, damaged := range []uint16{dns.TypeSOA, dns.TypeNSEC, dns.TypeNSEC3} {
			w := denyingWorld(t)
			touched := false
			w.tamper("no."+zone, "A", func(m *dns.Msg) {
				if sig := signature(m.Ns, damaged); sig != nil {
					sig.OrigTtl++
					touched = true
				}
			})
			a := w.lookup("no."+zone, "A")
			if touched && a.Trust.Reason != report.CauseSignatureInvalid {
				t.Errorf("%s, damaged %s: %s %s", zone, dns.TypeToString[damaged], a.Trust.State, a.Trust.Reason)
			}
		}
	}
}

func TestNSECCover(t *testing.T) {
	d := &denial{zone: "test."}
	nsec := func(owner, next string, types ...uint16) *dns.NSEC {
		return &dns.NSEC{Hdr: dns.RR_Header{Name: owner}, NextDomain: next, TypeBitMap: types}
	}
	for _, c := range []struct {
		rr   *dns.NSEC
		name string
		want bool
		why  string
	}{
		{nsec("a.test.", "c.test."), "b.test.", true, "between"},
		{nsec("a.test.", "c.test."), "x.a.test.", true, "below the owner"},
		{nsec("a.test.", "c.test."), "a.test.", false, "the owner"},
		{nsec("a.test.", "c.test."), "c.test.", false, "the next"},
		{nsec("a.test.", "c.test."), "d.test.", false, "behind"},
		{nsec("a.test.", "c.test."), "b.other.", false, "of another zone"},
		{nsec("y.test.", "test."), "z.test.", true, "behind the last"},
		{nsec("y.test.", "test."), "x.test.", false, "before the last"},
		{nsec("test.", "test.", dns.TypeNS, dns.TypeSOA), "x.test.", true, "the only name"},
		{nsec("test.", "test.", dns.TypeNS, dns.TypeSOA), "test.", false, "the only name itself"},
		{nsec("y.test.", "b.test."), "z.test.", false, "runs backwards, not to the apex"},
		{nsec("a.test.", "c.test.", dns.TypeNS), "x.a.test.", false, "below a delegation"},
		{nsec("a.test.", "c.test.", dns.TypeNS), "b.test.", true, "beside a delegation"},
		{nsec("a.test.", "c.test.", dns.TypeDNAME), "x.a.test.", false, "below a DNAME"},
	} {
		if got := d.covers(c.rr, c.name); got != c.want {
			t.Errorf("%s to %s covers %s: %v, want %v: %s", c.rr.Hdr.Name, c.rr.NextDomain, c.name, got, c.want, c.why)
		}
	}
}
