package dane

import (
	"bytes"
	"crypto/x509"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	ours "mxseal/checks/internal/pkix"
	"mxseal/checks/internal/resolve"
	"mxseal/checks/report"
)

func TestMatch(t *testing.T) {
	root := mint(t, "Root", nil, authority)
	intermediate := mint(t, "Intermediate", root, authority)
	outdatedCA := mint(t, "Outdated", root, func(c *x509.Certificate) { authority(c); expired(c) })
	noCA := mint(t, "No authority", root, nil)
	foreign := mint(t, "Foreign", nil, authority)
	leaf := mint(t, "mx.example.org", intermediate, nil)
	other := mint(t, "mx.example.org", intermediate, nil)
	misnamedLeaf := mint(t, "elsewhere.example.net", intermediate, nil)
	domainLeaf := mint(t, "example.org", intermediate, nil)
	wildLeaf := mint(t, "*.example.org", intermediate, nil)
	deepWild := mint(t, "*.org", intermediate, nil)
	cnLeaf := mint(t, "mx.example.org", intermediate, func(c *x509.Certificate) { c.DNSNames = nil })
	cnBesideSAN := mint(t, "mx.example.org", intermediate, func(c *x509.Certificate) { c.DNSNames = []string{"elsewhere.example.net"} })
	expiredLeaf := mint(t, "mx.example.org", intermediate, expired)
	underOutdated := mint(t, "mx.example.org", outdatedCA, nil)
	underNoCA := mint(t, "mx.example.org", noCA, nil)
	underRoot := mint(t, "mx.example.org", root, nil)
	self := mint(t, "mx.example.org", nil, nil)
	selfExpired := mint(t, "nobody", nil, expired)

	weak := describe(leaf, intermediate)
	weak.WeakKey = "short"
	second := describe(other, intermediate)
	second.Via = "other-key-type"
	unnamedCert := describe(other, intermediate)
	unnamedCert.Via = "no-sni"

	for _, c := range []struct {
		why   string
		rs    []report.TLSARecord
		certs []*report.Certificate
		want  string
	}{
		// usage 3 (RFC 7672 §3.1.1)
		{"key digest", records(tlsa(3, 1, 1, leaf)), []*report.Certificate{describe(leaf)}, "match"},
		{"certificate digest", records(tlsa(3, 0, 1, leaf)), []*report.Certificate{describe(leaf)}, "match"},
		{"SHA2-512", records(tlsa(3, 1, 2, leaf)), []*report.Certificate{describe(leaf)}, "match"},
		{"the key itself", records(tlsa(3, 1, 0, leaf)), []*report.Certificate{describe(leaf)}, "match"},
		{"the certificate itself", records(tlsa(3, 0, 0, leaf)), []*report.Certificate{describe(leaf)}, "match"},
		{"names and dates are ignored", records(tlsa(3, 1, 1, selfExpired)), []*report.Certificate{describe(selfExpired)}, "match"},
		{"another key", records(tlsa(3, 1, 1, other)), []*report.Certificate{describe(leaf)}, "mismatch"},
		{"a key of the chain is not that of the leaf", records(tlsa(3, 1, 1, intermediate)), []*report.Certificate{describe(leaf, intermediate)}, "mismatch"},
		{"one of two fits: the other is the next key", records(tlsa(3, 1, 1, leaf), tlsa(3, 1, 1, other)), []*report.Certificate{describe(leaf)}, "match"},

		// usage 2 (RFC 7672 §3.1.2)
		{"root sent", records(tlsa(2, 0, 1, root)), []*report.Certificate{describe(leaf, intermediate, root)}, "match"},
		{"root not sent", records(tlsa(2, 0, 1, root)), []*report.Certificate{describe(leaf, intermediate)}, "mismatch"},
		{"root not sent, but whole in the record", records(tlsa(2, 0, 0, root)), []*report.Certificate{describe(leaf, intermediate)}, "match"},
		{"root's bare key in the record signs the intermediate", records(tlsa(2, 1, 0, root)), []*report.Certificate{describe(leaf, intermediate)}, "match"},
		{"root's bare key in the record signs the leaf", records(tlsa(2, 1, 0, root)), []*report.Certificate{describe(underRoot)}, "match"},
		{"a foreign bare key signs nothing", records(tlsa(2, 1, 0, foreign)), []*report.Certificate{describe(leaf, intermediate)}, "mismatch"},
		{"a foreign certificate in the record leads nowhere", records(tlsa(2, 0, 0, foreign)), []*report.Certificate{describe(leaf, intermediate)}, "mismatch"},
		{"intermediate as trust anchor", records(tlsa(2, 1, 1, intermediate)), []*report.Certificate{describe(leaf, intermediate)}, "match"},
		{"chain in another order", records(tlsa(2, 1, 1, root)), []*report.Certificate{describe(leaf, root, intermediate)}, "match"},
		{"intermediate missing below the anchor", records(tlsa(2, 1, 1, root)), []*report.Certificate{describe(leaf, root)}, "mismatch"},
		{"sent, but it did not sign the leaf", records(tlsa(2, 1, 1, foreign)), []*report.Certificate{describe(leaf, foreign)}, "mismatch"},
		{"the issuer is no authority", records(tlsa(2, 1, 1, noCA)), []*report.Certificate{describe(underNoCA, noCA)}, "mismatch"},
		{"the leaf is out of date", records(tlsa(2, 1, 1, intermediate)), []*report.Certificate{describe(expiredLeaf, intermediate)}, "mismatch"},
		{"the anchor is out of date: no part of the path", records(tlsa(2, 1, 1, outdatedCA)), []*report.Certificate{describe(underOutdated, outdatedCA)}, "match"},
		{"the leaf itself is no anchor", records(tlsa(2, 1, 1, self)), []*report.Certificate{describe(self)}, "mismatch"},
		{"nor when it is sent twice", records(tlsa(2, 1, 1, self)), []*report.Certificate{describe(self, self)}, "mismatch"},

		// names (RFC 7672 §3.2.2, §3.2.3)
		{"for another name", records(tlsa(2, 1, 1, intermediate)), []*report.Certificate{describe(misnamedLeaf, intermediate)}, "mismatch"},
		{"for the mail domain", records(tlsa(2, 1, 1, intermediate)), []*report.Certificate{describe(domainLeaf, intermediate)}, "match"},
		{"for the wildcard above the host", records(tlsa(2, 1, 1, intermediate)), []*report.Certificate{describe(wildLeaf, intermediate)}, "match"},
		{"for the wildcard above the mail domain", records(tlsa(2, 1, 1, intermediate)), []*report.Certificate{describe(deepWild, intermediate)}, "match"},
		{"the common name, where there is no other", records(tlsa(2, 1, 1, intermediate)), []*report.Certificate{describe(cnLeaf, intermediate)}, "match"},
		{"not the common name beside dNSNames", records(tlsa(2, 1, 1, intermediate)), []*report.Certificate{describe(cnBesideSAN, intermediate)}, "mismatch"},

		// digest agility (RFC 7671 §9)
		{"the strongest digest fits", records(tlsa(3, 1, 1, other), tlsa(3, 1, 2, leaf)), []*report.Certificate{describe(leaf)}, "match"},
		{"only a weaker digest fits", records(tlsa(3, 1, 1, leaf), tlsa(3, 1, 2, other)), []*report.Certificate{describe(leaf)}, "mismatch"},
		{"another selector has its own strongest", records(tlsa(3, 1, 1, leaf), tlsa(3, 0, 2, other)), []*report.Certificate{describe(leaf)}, "match"},
		{"whole data stand beside any digest", records(tlsa(3, 1, 0, leaf), tlsa(3, 1, 2, other)), []*report.Certificate{describe(leaf)}, "match"},
		{"a malformed stronger digest shadows nothing", records(tlsa(3, 1, 1, leaf), report.TLSARecord{Usage: 3, Selector: 1, Matching: 2, Data: "00", Unusable: "length"}),
			[]*report.Certificate{describe(leaf)}, "match"},

		// several certificates (RFC 7672 §8.1)
		{"both certificates published", records(tlsa(3, 1, 1, leaf), tlsa(3, 1, 1, other)), []*report.Certificate{describe(leaf), second}, "match"},
		{"one of two certificates published", records(tlsa(3, 1, 1, leaf)), []*report.Certificate{describe(leaf), second}, "mismatch"},
		{"both under one anchor", records(tlsa(2, 1, 1, intermediate)), []*report.Certificate{describe(leaf, intermediate), second}, "match"},
		{"what is served without SNI does not count", records(tlsa(3, 1, 1, leaf)), []*report.Certificate{describe(leaf), unnamedCert}, "match"},

		// the rest
		{"usage 1 is not for mail", records(tlsa(1, 1, 1, leaf)), []*report.Certificate{describe(leaf)}, "unusable"},
		{"usage 0 is not for mail", records(tlsa(0, 1, 1, root)), []*report.Certificate{describe(leaf, intermediate, root)}, "unusable"},
		{"a key that anyone may have", records(tlsa(3, 1, 1, leaf)), []*report.Certificate{weak}, "unusable"},
		{"no certificate was seen", records(tlsa(3, 1, 1, leaf)), nil, "untested"},
		{"no records", nil, []*report.Certificate{describe(leaf)}, "none"},
	} {
		h := serving(c.rs, c.certs...)
		match(by(h), h)
		if string(h.TLSA.State) != c.want {
			t.Errorf("%s: %s, want %s; records %s", c.why, h.TLSA.State, c.want, show(h.TLSA.Records))
		}
		match(by(h), h) // a second time changes nothing
		if string(h.TLSA.State) != c.want {
			t.Errorf("%s: %s when matched again", c.why, h.TLSA.State)
		}
	}
}

func TestMatchesNameTheAddresses(t *testing.T) {
	a, b := mint(t, "a", nil, nil), mint(t, "b", nil, nil)
	h := serving(records(tlsa(3, 1, 1, a), tlsa(3, 1, 1, b)), describe(a))
	h.Addresses = append(h.Addresses, &report.Address{IP: ip2, Certificates: []*report.Certificate{describe(b)}})
	match(by(h), h)
	if h.TLSA.State != "match" {
		t.Errorf("state %s", h.TLSA.State)
	}
	for i, want := range []string{ip, ip2} {
		if got := h.TLSA.Records[i].Matches; !slices.Equal(got, []string{want}) {
			t.Errorf("record %d matches %v, want %s", i, got, want)
		}
	}
	h.Addresses[1].Certificates = []*report.Certificate{describe(mint(t, "c", nil, nil))}
	match(by(h), h)
	if h.TLSA.State != "mismatch" {
		t.Errorf("one address of two fits: %s", h.TLSA.State)
	}
}

func TestCandidates(t *testing.T) {
	step := func(target string, s report.State) report.Alias { return report.Alias{Target: target, State: s} }
	const sec, ins, bog = report.Secure, report.Insecure, report.Bogus
	for _, c := range []struct {
		why   string
		state report.State
		steps []report.Alias
		want  string
	}{
		{"no alias, signed", sec, nil, "mx.example.org"},
		{"no alias, unsigned", ins, nil, ""},
		{"no alias, bogus", bog, nil, ""},
		{"no answer", report.Indeterminate, nil, ""},
		{"alias, all steps signed: the end, then the original", sec, []report.Alias{step("a.example.net", sec), step("b.example.net", sec)}, "b.example.net mx.example.org"},
		{"alias signed, its target not: the original only", ins, []report.Alias{step("a.example.net", sec)}, "mx.example.org"},
		{"first step unsigned", ins, []report.Alias{step("a.example.net", ins), step("b.example.net", sec)}, ""},
		{"alias, end bogus", bog, []report.Alias{step("a.example.net", sec)}, ""},
	} {
		h := &report.Host{Name: "mx.example.org", DNSSEC: report.Trust{State: c.state, Steps: c.steps}, Addresses: []*report.Address{{IP: ip}}}
		if got := strings.Join(candidates(h), " "); got != c.want {
			t.Errorf("%s: %q, want %q", c.why, got, c.want)
		}
	}
	if got := candidates(&report.Host{Name: "mx", DNSSEC: report.Trust{State: sec}}); got != nil {
		t.Errorf("without addresses: %v", got)
	}
}

func TestTake(t *testing.T) {
	leaf := mint(t, "mx.example.org", nil, nil)
	good := tlsa(3, 1, 1, leaf)
	rr := func(usage uint8) []dns.RR {
		return []dns.RR{&dns.TLSA{Usage: usage, Selector: 1, MatchingType: 1, Certificate: strings.ToUpper(good.Data)}}
	}
	secure, insecure := report.Trust{State: report.Secure}, report.Trust{State: report.Insecure}
	unsigned := report.TLSA{Base: "first.example.org", DNSSEC: &insecure, Records: []report.TLSARecord{good}}
	for _, c := range []struct {
		why    string
		before report.TLSA
		answer resolve.Answer
		state  string
		ends   bool
	}{
		{"signed and usable", report.TLSA{}, resolve.Answer{Trust: secure, Records: rr(3)}, "untested", true},
		{"signed, none usable", report.TLSA{}, resolve.Answer{Trust: secure, Records: rr(1)}, "unusable", true},
		{"unsigned", report.TLSA{}, resolve.Answer{Trust: insecure, Records: rr(3)}, "insecure", false},
		{"absent", report.TLSA{}, resolve.Answer{Trust: secure, Rcode: dns.RcodeNameError}, "none", false},
		{"absent at the second candidate, unsigned at the first", unsigned, resolve.Answer{Trust: secure}, "insecure", false},
		{"signed at the second candidate, unsigned at the first", unsigned, resolve.Answer{Trust: secure, Records: rr(3)}, "untested", true},
		{"SERVFAIL, and nobody else to show it", report.TLSA{}, resolve.Answer{Trust: report.Trust{State: report.Indeterminate}, Failure: &report.Failure{Kind: "servfail"}}, "untested", true},
		{"SERVFAIL, from a name server too", report.TLSA{}, resolve.Answer{Trust: report.Trust{State: report.Indeterminate, Witnesses: []report.Witness{{Kind: "servfail", Tries: 2}}}, Failure: &report.Failure{Kind: "servfail"}}, "lookupfail", true},
		{"had from one name server, where our resolver and another had nothing", report.TLSA{}, resolve.Answer{Trust: report.Trust{State: report.Secure, Witnesses: []report.Witness{
			{Resolver: true, Kind: "servfail", Tries: 1}, {Kind: "answer", Tries: 1}, {Kind: "refused", Tries: 2}}}, Records: rr(3)}, "lookupfail", true},
		{"had from one name server, where our resolver was silent", report.TLSA{}, resolve.Answer{Trust: report.Trust{State: report.Secure, Witnesses: []report.Witness{
			{Resolver: true, Kind: "timeout", Tries: 1}, {Kind: "answer", Tries: 1}, {Kind: "refused", Tries: 2}}}, Records: rr(3)}, "untested", true},
		{"bogus", report.TLSA{}, resolve.Answer{Trust: report.Trust{State: report.Bogus}, Records: rr(3)}, "lookupfail", true},
		{"a denial that fails validation", report.TLSA{}, resolve.Answer{Trust: report.Trust{State: report.Bogus}}, "lookupfail", true},
	} {
		h := &report.Host{Name: "mx.example.org", TLSA: c.before, DNSSEC: secure}
		ends := take(&h.TLSA, h.Name, &c.answer)
		if state := answered(h); string(state) != c.state || ends != c.ends {
			t.Errorf("%s: %s, ends %v; want %s, %v", c.why, state, ends, c.state, c.ends)
		}
	}
}

func TestFault(t *testing.T) {
	leaf := mint(t, "mx.example.org", nil, nil)
	digest := strings.Repeat("ab", 32)
	record := func(usage, selector, matching uint8, data string) report.TLSARecord {
		return report.TLSARecord{Usage: usage, Selector: selector, Matching: matching, Data: data}
	}
	for _, c := range []struct {
		r    report.TLSARecord
		want report.Unusable
	}{
		{record(3, 1, 1, digest), ""},
		{record(2, 0, 2, digest+digest), ""},
		{tlsa(3, 0, 0, leaf), ""},
		{tlsa(2, 1, 0, leaf), ""},
		{record(0, 0, 1, digest), "pkix-usage"},
		{record(1, 1, 1, digest), "pkix-usage"},
		{record(4, 1, 1, digest), "unknown-usage"},
		{record(255, 1, 1, digest), "unknown-usage"},
		{record(3, 2, 1, digest), "unknown-selector"},
		{record(3, 1, 3, digest), "unknown-matching"},
		{record(3, 1, 1, digest[2:]), "length"},
		{record(3, 1, 2, digest), "length"},
		{record(3, 1, 1, ""), "length"},
		{record(3, 1, 1, "zz"), "undecodable"},
		{record(3, 0, 0, digest), "undecodable"},
		{record(3, 1, 0, hex.EncodeToString(leaf.Raw)), "undecodable"}, // a certificate where a key belongs
	} {
		if got := fault(c.r); got != c.want {
			t.Errorf("%s: %q, want %q", presentation(c.r), got, c.want)
		}
	}
}

func TestPublicKeyIsTheOneInTheCertificate(t *testing.T) {
	leaf := mint(t, "mx.example.org", nil, nil)
	if !bytes.Equal(publicKey(leaf.Raw), leaf.RawSubjectPublicKeyInfo) {
		t.Error("another key was found")
	}
	if publicKey(leaf.Raw[:50]) != nil || publicKey(nil) != nil {
		t.Error("a key was found in a broken certificate")
	}
}

func FuzzPublicKey(f *testing.F) {
	leaf := mint(f, "mx.example.org", nil, nil)
	f.Add(leaf.Raw)
	f.Add(leaf.Raw[:100])
	f.Fuzz(func(t *testing.T, der []byte) {
		key := publicKey(der)
		if parsed, err := x509.ParseCertificate(der); err == nil && !bytes.Equal(key, parsed.RawSubjectPublicKeyInfo) {
			t.Errorf("found %x, Go finds %x", key, parsed.RawSubjectPublicKeyInfo)
		}
	})
}

func FuzzRecord(f *testing.F) {
	leaf := mint(f, "mx.example.org", nil, nil)
	chain := listOf(describe(leaf, mint(f, "CA", nil, authority)))
	f.Add(uint8(3), uint8(1), uint8(1), "00")
	f.Add(uint8(2), uint8(0), uint8(0), hex.EncodeToString(leaf.Raw))
	f.Fuzz(func(t *testing.T, usage, selector, matching uint8, data string) {
		r := report.TLSARecord{Usage: usage, Selector: selector, Matching: matching, Data: data}
		r.Unusable = fault(r)
		r.Usable = r.Unusable == ""
		why, _ := mismatch(r, chain, []reference{{"mx.example.org", true, true}}, now)
		if !r.Usable && why == "" {
			t.Errorf("an unusable record matches: %s", presentation(r))
		}
	})
}

// associated is the data of a record for a certificate.
func associated(r report.TLSARecord, der []byte) []byte {
	read, _ := ours.Read(der)
	return association(r, der, read)
}

// publicKey is the SubjectPublicKeyInfo of a certificate; nil where it cannot be read.
func publicKey(der []byte) []byte { return associated(report.TLSARecord{Selector: 1}, der) }
