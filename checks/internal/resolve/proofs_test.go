package resolve

import (
	"encoding/base64"
	"testing"

	"github.com/miekg/dns"

	"mxseal/checks/report"
	"mxseal/checks/view"
)

// What was proved once is believed for exactly that key, signature and data, and for nothing
// that differs in a bit; what failed is not remembered.
func TestProofsAreOfOneThingOnly(t *testing.T) {
	w := secureWorld(t)
	z := w.zones["secure.test."]
	records := z.sets[z.name][dns.TypeMX]
	sig := z.signBy(z.keys[0], records, -day, day)
	key := z.keys[0].DNSKEY
	data, err := signedData(&rrset{name: z.name, typ: dns.TypeMX, rrs: records}, sig)
	if err != nil {
		t.Fatal(err)
	}
	p := newProofs()
	for range 2 {
		if !p.verifies(key, sig, data) {
			t.Fatal("a good signature is refused")
		}
	}
	if n := p.known.Held().Items; n != 1 {
		t.Errorf("%d proofs are remembered, want one", n)
	}
	flip := func(text string, bit int) string {
		b, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		b[bit/8%len(b)] ^= 1 << (bit % 8)
		return base64.StdEncoding.EncodeToString(b)
	}
	for bit := range 8 * 64 {
		k, s, d := *key, *sig, append([]byte{}, data...)
		k.PublicKey = flip(key.PublicKey, bit)
		s.Signature = flip(sig.Signature, bit)
		d[bit/8%len(d)] ^= 1 << (bit % 8)
		if p.verifies(&k, sig, data) || p.verifies(key, &s, data) || p.verifies(key, sig, d) {
			t.Fatalf("with bit %d changed it is believed", bit)
		}
	}
	other := *key
	other.Algorithm = dns.ED25519
	if p.verifies(&other, sig, data) {
		t.Error("another algorithm is believed")
	}
	if n := p.known.Held().Items; n != 1 {
		t.Errorf("%d proofs are remembered, want the one that holds", n)
	}
}

// That a signature was proved does not make it valid for ever, and what it covers is looked
// at every time.
func TestProofsDoNotOutliveTheirTime(t *testing.T) {
	w := secureWorld(t)
	z := w.zones["secure.test."]
	records := z.sets[z.name][dns.TypeMX]
	sig := z.signBy(z.keys[0], records, -day, day)
	set := &rrset{name: z.name, typ: dns.TypeMX, rrs: records, sigs: []*dns.RRSIG{sig}}
	signed := &zone{name: z.name, keys: []*dns.DNSKEY{z.keys[0].DNSKEY}}
	p := newProofs()
	if _, _, f := signed.authenticate(set, &trial{now: w.now, proved: p}); f != nil {
		t.Fatal(view.Say(f.says))
	}
	if _, _, f := signed.authenticate(set, &trial{now: w.now.Add(2 * day), proved: p}); code(f) != report.CauseExpired {
		t.Errorf("two days later: %q", code(f))
	}
	if _, _, f := (&zone{name: z.name}).authenticate(set, &trial{now: w.now, proved: p}); code(f) != report.CauseDNSKEYMissing {
		t.Errorf("after the key was taken out of the zone: %q", code(f))
	}
	changed := *set
	changed.rrs = []dns.RR{dns.Copy(records[0])}
	changed.rrs[0].(*dns.MX).Preference++
	if _, _, f := signed.authenticate(&changed, &trial{now: w.now, proved: p}); code(f) != report.CauseSignatureInvalid {
		t.Errorf("another preference: %q", code(f))
	}
}
