package resolve

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"encoding/base64"
	"io"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"mxseal/checks/report"
)

const day = 24 * time.Hour

// tamper changes the answer to one question.
func (w *world) tamper(name, qtype string, change func(m *dns.Msg)) {
	before := w.mangle
	w.mangle = func(q dns.Question, m *dns.Msg) *dns.Msg {
		if before != nil {
			m = before(q, m)
		}
		if strings.EqualFold(q.Name, name) && dns.TypeToString[q.Qtype] == qtype {
			change(m)
		}
		return m
	}
}

// signature returns the first RRSIG in a section that covers the type.
func signature(section []dns.RR, covered uint16) *dns.RRSIG {
	for _, rr := range section {
		if s, ok := rr.(*dns.RRSIG); ok && s.TypeCovered == covered {
			return s
		}
	}
	return nil
}

func TestRule07ValidityPeriod(t *testing.T) {
	for _, c := range []struct {
		from, to time.Duration
		state    report.State
		reason   report.Cause
		why      string
	}{
		{-day, 14 * day, "secure", "", "now is within"},
		{-14 * day, -time.Second, "bogus", report.CauseExpired, "no tolerance after"},
		{time.Minute, 14 * day, "bogus", report.CauseNotYetValid, "no tolerance before"},
		{day, -day, "bogus", report.CauseExpired, "ends before it begins"},
		{-40 * 365 * day, 40 * 365 * day, "bogus", report.CauseExpired, "serial numbers: further apart than they can tell"},
	} {
		w := newWorld(t)
		z := w.add(&signedZone{name: "secure.test."}, "@ MX 10 mx")
		w.tamper("secure.test.", "MX", func(m *dns.Msg) {
			m.Answer = append(z.sets[z.name][dns.TypeMX], z.signBy(z.keys[0], z.sets[z.name][dns.TypeMX], c.from, c.to))
		})
		a := w.lookup("secure.test", "MX")
		if a.Trust.State != c.state || a.Trust.Reason != c.reason {
			t.Errorf("%s: %s %s (%s)", c.why, a.Trust.State, a.Trust.Reason, a.Trust.Code)
		}
		if !a.Exists() {
			t.Errorf("%s: the records are to be kept", c.why)
		}
	}
}

// only reports whether the notes are that one; of an empty one, whether there are none.
func only(notes []report.Note, n report.Note) bool {
	return n == "" && len(notes) == 0 || len(notes) == 1 && notes[0] == n
}

func TestRule07NotesOnTime(t *testing.T) {
	w := newWorld(t)
	w.add(&signedZone{name: "ending.test.", from: -day, to: 2 * day}, "@ MX 10 mx")
	w.add(&signedZone{name: "young.test.", from: -time.Minute, to: 20 * day}, "@ MX 10 mx")
	w.add(&signedZone{name: "calm.test.", from: -day, to: 20 * day}, "@ MX 10 mx")
	for name, want := range map[string]report.Note{"ending.test": report.NoteExpiresSoon, "young.test": report.NoteBeganRecently, "calm.test": ""} {
		a := w.lookup(name, "MX")
		a.want(t, "secure", "")
		if got := a.Trust.Notes; !only(got, want) {
			t.Errorf("%s: notes %q, want %q", name, got, want)
		}
		if s := a.Trust.Signature; s == nil || s.Expires.Location() != time.UTC || s.TTL != 3600 {
			t.Errorf("%s: signature %+v", name, s)
		}
	}
}

func TestRule07OwnClockWrong(t *testing.T) {
	for _, off := range []time.Duration{-365 * day, 365 * day} {
		w := secureWorld(t)
		cfg := w.config()
		cfg.Now = func() time.Time { return w.now.Add(off) }
		New(cfg).Lookup(t.Context(), "secure.test", dns.TypeMX).want(t, "indeterminate", report.CauseClockWrong)
	}
}

func TestRule08SignerAndLabels(t *testing.T) {
	set := func(text string) *rrset {
		rr, err := dns.NewRR(text)
		if err != nil {
			t.Fatal(err)
		}
		return &rrset{name: dns.CanonicalName(rr.Header().Name), typ: rr.Header().Rrtype, rrs: []dns.RR{rr}}
	}
	now := time.Now()
	k := key(t, "example.", dns.ECDSAP256SHA256, 256, 0)
	sign := func(s *rrset, signer string, labels int) *rrset {
		sig := &dns.RRSIG{Algorithm: k.Algorithm, KeyTag: k.KeyTag(), SignerName: signer,
			Inception: uint32(now.Add(-time.Hour).Unix()), Expiration: uint32(now.Add(time.Hour).Unix())}
		if err := sig.Sign(k.Signer, s.rrs); err != nil {
			t.Fatal(err)
		}
		if labels >= 0 {
			sig.Labels = uint8(labels)
		}
		s.sigs = []*dns.RRSIG{sig}
		return s
	}
	for _, c := range []struct {
		why    string
		set    *rrset
		reason report.Cause
	}{
		{"in order", sign(set("a.example. A 192.0.2.1"), "example.", -1), ""},
		{"a name that ends in the same letters is not below", sign(set("notexample. A 192.0.2.1"), "example.", -1), report.CauseSignerMismatch},
		{"a name of another zone", sign(set("a.other. A 192.0.2.1"), "example.", -1), report.CauseSignerMismatch},
		{"another zone's name as signer", sign(set("a.example. A 192.0.2.1"), "other.", -1), report.CauseSignerMismatch},
		{"more labels than the owner has", sign(set("a.example. A 192.0.2.1"), "example.", 3), report.CauseSignatureInvalid},
		{"the asterisk does not count", sign(set("*.example. A 192.0.2.1"), "example.", 2), report.CauseSignatureInvalid},
		{"a wildcard above the zone", sign(set("a.example. A 192.0.2.1"), "example.", 0), report.CauseSignatureInvalid},
		{"fewer labels than were signed", sign(set("a.b.example. A 192.0.2.1"), "example.", 2), report.CauseSignatureInvalid},
	} {
		z := &zone{name: "example.", keys: []*dns.DNSKEY{k.DNSKEY}}
		_, _, f := z.authenticate(c.set, &trial{now: now})
		if got := code(f); got != c.reason {
			t.Errorf("%s: %q, want %q", c.why, got, c.reason)
		}
	}
}

func TestRule08ClassAndCase(t *testing.T) {
	w := secureWorld(t)
	w.tamper("secure.test.", "MX", func(m *dns.Msg) {
		foreign := dns.Copy(m.Answer[0])
		foreign.Header().Class = dns.ClassCHAOS
		m.Answer = append(m.Answer, foreign)
		for _, rr := range m.Answer[:2] {
			rr.Header().Name = "SeCuRe.TeSt."
		}
	})
	a := w.lookup("secure.test", "MX")
	a.want(t, "secure", "")
	if len(a.Records) != 1 {
		t.Errorf("%d records, want the one of class IN", len(a.Records))
	}
}

func TestRule09UnfitKeys(t *testing.T) {
	for _, c := range []struct {
		why    string
		change func(k *dns.DNSKEY)
		reason report.Cause
	}{
		{"a zone key", func(*dns.DNSKEY) {}, ""},
		{"not a zone key", func(k *dns.DNSKEY) { k.Flags &^= dns.ZONE }, report.CauseNoZoneKeyBit},
		{"revoked", func(k *dns.DNSKEY) { k.Flags |= dns.REVOKE }, report.CauseNoZoneKeyBit},
		{"protocol 4", func(k *dns.DNSKEY) { k.Protocol = 4 }, report.CauseNoZoneKeyBit},
	} {
		w := newWorld(t)
		ksk := key(t, "secure.test.", dns.ECDSAP256SHA256, 256, 0)
		zsk := key(t, "secure.test.", dns.ECDSAP256SHA256, 256, dns.ZONE)
		c.change(zsk.DNSKEY)
		z := w.add(&signedZone{name: "secure.test.", keys: []signKey{ksk, zsk}}, "@ MX 10 mx")
		w.tamper("secure.test.", "MX", func(m *dns.Msg) {
			set := z.sets[z.name][dns.TypeMX]
			m.Answer = append(slices.Clone(set), z.signBy(zsk, set, -day, day))
		})
		a := w.lookup("secure.test", "MX")
		if a.Trust.Reason != c.reason {
			t.Errorf("%s: %s %q, want %q", c.why, a.Trust.State, a.Trust.Reason, c.reason)
		}
		if c.reason != "" && a.Trust.EDE != 11 {
			t.Errorf("%s: EDE %d, want 11", c.why, a.Trust.EDE)
		}
	}
}

func TestRule10KeyTrap(t *testing.T) {
	real := key(t, "example.", dns.ECDSAP256SHA256, 256, 0)
	now := time.Now()
	set := &rrset{name: "example.", typ: dns.TypeTXT, rrs: []dns.RR{&dns.TXT{
		Hdr: dns.RR_Header{Name: "example.", Rrtype: dns.TypeTXT, Class: dns.ClassINET, Ttl: 60}, Txt: []string{"x"}}}}
	good := &dns.RRSIG{Algorithm: real.Algorithm, KeyTag: real.KeyTag(), SignerName: "example.",
		Inception: uint32(now.Add(-time.Hour).Unix()), Expiration: uint32(now.Add(time.Hour).Unix())}
	if err := good.Sign(real.Signer, set.rrs); err != nil {
		t.Fatal(err)
	}
	// The key tag is a sum of 16-bit words: to swap two of them keeps it.
	keys := []*dns.DNSKEY{}
	raw, _ := base64.StdEncoding.DecodeString(real.PublicKey)
	for i := 2; len(keys) < 31; i += 2 {
		swapped := bytes.Clone(raw)
		copy(swapped[:2], raw[i:i+2])
		copy(swapped[i:i+2], raw[:2])
		k := *real.DNSKEY
		k.PublicKey = base64.StdEncoding.EncodeToString(swapped)
		if k.KeyTag() != real.KeyTag() {
			t.Fatal("the tags differ")
		}
		keys = append(keys, &k)
	}
	wrong := *good
	wrong.Signature = base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{1}, 64))
	for range 50 {
		set.sigs = append(set.sigs, &wrong)
	}
	tr := &trial{now: now}
	_, _, f := (&zone{name: "example.", keys: keys}).authenticate(set, tr)
	if code(f) != report.CauseLimit || tr.verifications > maxPerSet {
		t.Errorf("%q after %d verifications, want a limit", code(f), tr.verifications)
	}

	// Many good keys of other tags cost nothing, and a few wrong signatures no security.
	set.sigs = []*dns.RRSIG{&wrong, good}
	_, notes, f := (&zone{name: "example.", keys: []*dns.DNSKEY{real.DNSKEY}}).authenticate(set, &trial{now: now})
	if f != nil || !slices.Contains(notes, report.NoteExtraSignature) {
		t.Errorf("%q, notes %v", code(f), notes)
	}

	ds := make([]*dns.DS, 8)
	for i := range ds {
		ds[i] = real.ToDS(dns.SHA256)
		ds[i].Digest = strings.Repeat("00", 32)
	}
	if _, f := entryKeys(ds, []*dns.DNSKEY{real.DNSKEY}, "example."); code(f) != report.CauseLimit {
		t.Errorf("eight wrong digests: %q, want a limit", code(f))
	}

	tr = &trial{now: now, verifications: maxPerMessage}
	set.sigs = []*dns.RRSIG{good}
	if _, _, f := (&zone{name: "example.", keys: []*dns.DNSKEY{real.DNSKEY}}).authenticate(set, tr); code(f) != report.CauseLimit {
		t.Errorf("a message that has used up its verifications: %q, want a limit", code(f))
	}
}

func TestRule11OneValidSignatureSuffices(t *testing.T) {
	w := secureWorld(t)
	z := w.zones["secure.test."]
	w.tamper("secure.test.", "MX", func(m *dns.Msg) {
		set := z.sets[z.name][dns.TypeMX]
		m.Answer = append(m.Answer, z.signBy(z.keys[0], set, -9*day, -day))
	})
	a := w.lookup("secure.test", "MX")
	a.want(t, "secure", "")
	if !slices.Contains(a.Trust.Notes, report.NoteExtraSignature) {
		t.Errorf("notes %v", a.Trust.Notes)
	}
}

func TestRule12WorstReasonIsTold(t *testing.T) {
	w := secureWorld(t)
	z := w.zones["secure.test."]
	set := z.sets[z.name][dns.TypeMX]
	good := func() *dns.RRSIG { return z.signBy(z.keys[0], set, -day, day) }
	broken := func(change func(*dns.RRSIG)) *dns.RRSIG { s := good(); change(s); return s }
	expired := z.signBy(z.keys[0], set, -9*day, -day)
	early := z.signBy(z.keys[0], set, day, 9*day)
	invalid := broken(func(s *dns.RRSIG) { s.OrigTtl++ })
	keyless := broken(func(s *dns.RRSIG) { s.KeyTag++ })
	foreign := broken(func(s *dns.RRSIG) { s.SignerName = "test." })
	unknown := broken(func(s *dns.RRSIG) { s.Algorithm = 23 })
	order := []*dns.RRSIG{expired, early, invalid, keyless, foreign, unknown}
	reasons := []report.Cause{report.CauseExpired, report.CauseNotYetValid, report.CauseSignatureInvalid, report.CauseDNSKEYMissing, report.CauseSignerMismatch, report.CauseUnsupportedAlgorithm}
	for i := range order {
		sigs := slices.Clone(order[i:])
		slices.Reverse(sigs)
		_, _, f := (&zone{name: z.name, keys: []*dns.DNSKEY{z.keys[0].DNSKEY}}).authenticate(
			&rrset{name: z.name, typ: dns.TypeMX, rrs: set, sigs: sigs}, &trial{now: w.now})
		if code(f) != reasons[i] || f.state != report.Bogus {
			t.Errorf("%d signatures from %s on: %q", len(sigs), reasons[i], code(f))
		}
	}
	if _, _, f := (&zone{name: z.name}).authenticate(&rrset{name: z.name, typ: dns.TypeMX, rrs: set}, &trial{now: w.now}); code(f) != report.CauseRRSIGMissing || f.ede != 10 {
		t.Errorf("no signature: %+v", f)
	}
}

// smallRSA signs with a key that crypto/rsa refuses to make or to use.
type smallRSA struct{ n, d *big.Int }

func newSmallRSA(t *testing.T, zone string, bits int) signKey {
	t.Helper()
	one, e := big.NewInt(1), big.NewInt(65537)
	for {
		p, err1 := rand.Prime(rand.Reader, bits/2)
		q, err2 := rand.Prime(rand.Reader, bits/2)
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		n := new(big.Int).Mul(p, q)
		d := new(big.Int).ModInverse(e, new(big.Int).Mul(p.Sub(p, one), q.Sub(q, one)))
		if d == nil || n.BitLen() != bits {
			continue
		}
		return signKey{&dns.DNSKEY{Hdr: dns.RR_Header{Name: zone, Rrtype: dns.TypeDNSKEY, Class: dns.ClassINET, Ttl: 3600},
			Flags: dns.ZONE | dns.SEP, Protocol: 3, Algorithm: dns.RSASHA256,
			PublicKey: base64.StdEncoding.EncodeToString(append([]byte{3, 1, 0, 1}, n.Bytes()...))}, smallRSA{n, d}}
	}
}

func (k smallRSA) Public() crypto.PublicKey { return nil }

func (k smallRSA) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	size := (k.n.BitLen() + 7) / 8
	em := slices.Concat(digestInfo[opts.HashFunc()], digest)
	em = slices.Concat([]byte{0, 1}, bytes.Repeat([]byte{255}, size-3-len(em)), []byte{0}, em)
	return new(big.Int).Exp(new(big.Int).SetBytes(em), k.d, k.n).FillBytes(make([]byte, size)), nil
}

func TestRule16WeakKeys(t *testing.T) {
	for _, c := range []struct {
		bits int
		note report.Note
	}{{512, report.NoteFactorableKey}, {768, report.NoteFactorableKey}, {1024, report.NoteWeakKey}, {2048, ""}} {
		w := newWorld(t)
		w.add(&signedZone{name: "rsa.test.", keys: []signKey{newSmallRSA(t, "rsa.test.", c.bits)}}, "@ MX 10 mx")
		a := w.lookup("rsa.test", "MX")
		a.want(t, "secure", "")
		link := a.Trust.Chain[len(a.Trust.Chain)-1]
		if got := link.Notes; !only(got, c.note) || link.Keys[0].Bits != c.bits {
			t.Errorf("%d bits: notes %q, key %+v", c.bits, got, link.Keys[0])
		}
	}
}

func TestRule16BrokenRSAKeys(t *testing.T) {
	n := bytes.Repeat([]byte{0xff}, 128)
	even := bytes.Clone(n)
	even[127] = 0xfe
	for why, k := range map[string][]byte{
		"exponent 1":            append([]byte{1, 1}, n...),
		"even exponent":         append([]byte{1, 4}, n...),
		"exponent of 9 octets":  append([]byte{9, 1, 0, 0, 0, 0, 0, 0, 0, 1}, n...),
		"no exponent":           append([]byte{0, 0, 0}, n...),
		"exponent beyond key":   {200, 1, 2},
		"even modulus":          append([]byte{1, 3}, even...),
		"modulus of 4104 bits":  append([]byte{1, 3}, bytes.Repeat([]byte{0xff}, 513)...),
		"modulus of a few bits": {1, 3, 0xff, 0xff},
		"nothing":               {},
	} {
		if n, _ := parseRSA(k); n != nil {
			t.Errorf("%s: accepted", why)
		}
	}
	if n, e := parseRSA(append([]byte{0, 0, 3, 1, 0, 1}, n...)); n == nil || e.Int64() != 65537 {
		t.Error("a long form of the exponent's length is refused")
	}
}

// RFC 2181 §5: a record that comes twice in a message is one record.
func TestARecordThatComesTwice(t *testing.T) {
	rr, err := dns.NewRR("a.example. NSEC c.example. A")
	if err != nil {
		t.Fatal(err)
	}
	other, err := dns.NewRR("a.example. NSEC b.example. A")
	if err != nil {
		t.Fatal(err)
	}
	if sets := rrsets([]dns.RR{rr, dns.Copy(rr)}); len(sets) != 1 || len(sets[0].rrs) != 1 {
		t.Errorf("twice the same: %v", sets)
	}
	if sets := rrsets([]dns.RR{rr, other}); len(sets) != 1 || len(sets[0].rrs) != 2 {
		t.Errorf("two that differ: %v", sets)
	}
}
