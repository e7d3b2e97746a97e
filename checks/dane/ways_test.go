package dane

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"mxseal/checks/report"
)

// The right column is what OpenSSL 3.0.22 says, measured for each row with
//
//	openssl s_server -cert leaf.pem -key leaf.key -cert_chain sent.pem
//	openssl s_client -dane_tlsa_domain mx.example.org -dane_tlsa_rrdata "<record>" -verify_return_error
func TestThePathBelowAnAnchor(t *testing.T) {
	root := mint(t, "Root", nil, authority)
	old := mint(t, "Old", nil, authority)
	past := mint(t, "Past", nil, func(c *x509.Certificate) { authority(c); expired(c) })
	cross := reissue(t, root, old, expired)
	middle := mint(t, "Middle", root, authority)
	leaf := mint(t, "mx.example.org", root, nil)
	below := mint(t, "mx.example.org", middle, nil)
	underPast := mint(t, "mx.example.org", past, nil)
	limited := mint(t, "Limited", root, func(c *x509.Certificate) { authority(c); c.MaxPathLenZero = true })
	tooDeep := mint(t, "Too deep", limited, authority)
	underDeep := mint(t, "mx.example.org", tooDeep, nil)
	staleMiddle := mint(t, "Stale", root, func(c *x509.Certificate) { authority(c); expired(c) })
	underStale := mint(t, "mx.example.org", staleMiddle, nil)
	clients := mint(t, "mx.example.org", root, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} })
	anything := mint(t, "mx.example.org", root, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageAny} })
	signing := mint(t, "mx.example.org", root, func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign })
	enciphers := mint(t, "mx.example.org", root, func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageKeyEncipherment })
	critical := mint(t, "mx.example.org", root, func(c *x509.Certificate) {
		c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 2, 3, 4}, Critical: true, Value: []byte{5, 0}}}
	})
	self := mint(t, "mx.example.org", nil, nil)
	clientCA := mint(t, "Client CA", root, func(c *x509.Certificate) {
		authority(c)
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	})
	underClientCA := mint(t, "mx.example.org", clientCA, nil)

	for _, c := range []struct {
		why  string
		r    report.TLSARecord
		sent []*cert
		want string // empty: a match
	}{
		{"the root, sent as a cross-certificate past its end", tlsa(2, 1, 1, root), []*cert{leaf, cross}, ""},
		{"the same behind an intermediate", tlsa(2, 1, 1, root), []*cert{below, middle, cross}, ""},
		{"the cross-certificate itself", tlsa(2, 0, 1, cross), []*cert{leaf, cross}, ""},
		{"an intermediate past its end as the anchor", tlsa(2, 1, 1, staleMiddle), []*cert{underStale, staleMiddle}, ""},
		{"an intermediate past its end below the anchor", tlsa(2, 1, 1, root), []*cert{underStale, staleMiddle, root}, "has expired"},
		{"a self-signed anchor past its end", tlsa(2, 1, 1, past), []*cert{underPast, past}, "has expired"},
		{"the same, whole in the record", tlsa(2, 0, 0, past), []*cert{underPast}, "has expired"},
		{"the leaf itself, whole in the record", tlsa(2, 0, 0, self), []*cert{self}, absent},
		{"the leaf itself, as a digest of the certificate", tlsa(2, 0, 1, self), []*cert{self, self}, absent},
		{"the leaf's own bare key", tlsa(2, 1, 0, leaf), []*cert{leaf}, absent},
		{"a leaf for clients, by digest", tlsa(2, 1, 1, root), []*cert{clients, root}, "extended key usage"},
		{"a leaf for clients, by bare key", tlsa(2, 1, 0, root), []*cert{clients}, "extended key usage"},
		{"a leaf for clients, by the certificate in the record", tlsa(2, 0, 0, root), []*cert{clients}, "extended key usage"},
		{"a leaf for anything", tlsa(2, 1, 1, root), []*cert{anything, root}, "extended key usage"},
		{"a leaf that may sign certificates only, by bare key", tlsa(2, 1, 0, root), []*cert{signing}, "key usage"},
		{"a leaf that may only encipher keys", tlsa(2, 1, 1, root), []*cert{enciphers, root}, ""},
		{"a critical extension that nobody knows, by bare key", tlsa(2, 1, 0, root), []*cert{critical}, "critical extension"},
		{"the same by digest", tlsa(2, 1, 1, root), []*cert{critical, root}, "critical extension"},
		{"an authority for clients", tlsa(2, 1, 1, root), []*cert{underClientCA, clientCA, root}, "extended key usage"},
		{"an authority for clients as the anchor", tlsa(2, 1, 1, clientCA), []*cert{underClientCA, clientCA}, "extended key usage"},
		{"more authorities than allowed", tlsa(2, 1, 1, root), []*cert{underDeep, tooDeep, limited, root}, "more authorities"},
		{"the same above the anchor", tlsa(2, 1, 1, tooDeep), []*cert{underDeep, tooDeep, limited, root}, ""},
		{"a bare key below the top", tlsa(2, 1, 0, root), []*cert{below, middle}, ""},
	} {
		h := serving(records(c.r), describe(c.sent...))
		s := examine(by(h).Observed(), h, (*report.Address).ToDANE)[0]
		if got := s.why[0]; (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", c.why, got, c.want)
		}
		if accepts, asked, said := oracle(t, c.r, c.sent); asked && accepts != (c.want == "") {
			t.Errorf("%s: OpenSSL accepts it: %v, %s", c.why, accepts, said)
		}
	}
}

// The reference identifiers by the way that a sender came to the host (RFC 7672 §3.2.2).
func TestReferences(t *testing.T) {
	root := mint(t, "Root", nil, authority)
	const base, alias, domain, expanded = "mx.real.example", "mx.example.org", "example.org", "example.net"
	for _, c := range []struct {
		why   string
		state string
		mx    report.State
		base  string
		want  map[string]string // name in the certificate: who takes it; all for both
	}{
		{"signed MX", "ok", report.Secure, base, map[string]string{base: "all", domain: "all", expanded: "all"}},
		{"signed MX, TLSA at the alias itself", "ok", report.Secure, alias, map[string]string{alias: "all", domain: "all", expanded: "all"}},
		{"unsigned MX", "ok", report.Insecure, base, map[string]string{base: "all", alias: byTheStandard, domain: byPostfix, expanded: byPostfix}},
		{"no MX", "implicit", report.Secure, base, map[string]string{base: "all", domain: byTheStandard}},
	} {
		for _, name := range []string{base, alias, domain, expanded, "elsewhere.test", "*.example.org"} {
			leaf := mint(t, name, root, nil)
			h := serving(records(tlsa(2, 1, 1, root)), describe(leaf, root))
			h.TLSA.Base = c.base
			r := by(h)
			r.MX.State, r.MX.DNSSEC.State = report.MXState(c.state), c.mx
			if c.state != "implicit" {
				r.MX.DNSSEC.Steps = []report.Alias{{Name: domain, Target: expanded + ".", State: report.Secure}}
			}
			s := examine(r.Observed(), h, (*report.Address).ToDANE)[0]
			got := s.why[0]
			if got == "" {
				if got = s.ways[0].only; got == "" {
					got = "all"
				}
			}
			want := c.want[name]
			if name == "*.example.org" {
				want = c.want[alias]
			}
			if want == "" {
				want = misnamed
			}
			if got != want {
				t.Errorf("%s, certificate for %s: %s, want %s", c.why, name, got, want)
			}
			match(r, h)
			if state := map[bool]string{true: "mismatch", false: "match"}[want == misnamed]; string(h.TLSA.State) != state {
				t.Errorf("%s, certificate for %s: %s, want %s", c.why, name, h.TLSA.State, state)
			}
		}
	}
	// A server that is asked for by its name has no mail domain.
	h := serving(records(tlsa(2, 1, 1, root)), describe(mint(t, "mx.example.org", root, nil), root))
	if match(&report.Report{Meta: report.Meta{CheckedAt: now}}, h); h.TLSA.State != "match" {
		t.Errorf("by the server's name alone: %s", h.TLSA.State)
	}
}

// A limit never makes a record that was not looked at one that does not fit.
func TestManyRecords(t *testing.T) {
	leaf := mint(t, "mx.example.org", nil, nil)
	answer := func(stale int, fitting bool) []dns.RR {
		var rrs []dns.RR
		for i := range stale {
			rrs = append(rrs, &dns.TLSA{Usage: 2, Selector: 1, MatchingType: 1, Certificate: fmt.Sprintf("%064x", i)})
		}
		if fitting {
			rrs = append(rrs, &dns.TLSA{Usage: 3, Selector: 1, MatchingType: 1, Certificate: tlsa(3, 1, 1, leaf).Data})
		}
		return rrs
	}
	for _, c := range []struct {
		stale   int
		fitting bool
		want    string
		rule    string
	}{
		{36, true, "match", "DAN-09"},
		{36, false, "mismatch", "DAN-10"},
		{250, true, "match", "DAN-09"},
		{1500, true, "untested", "DAN-38"},
	} {
		rs, omitted := recordsOf(answer(c.stale, c.fitting))
		h := serving(rs, describe(leaf))
		h.TLSA.Omitted = omitted
		r := by(h)
		match(r, h)
		if string(h.TLSA.State) != c.want {
			t.Errorf("%d stale records: %s, want %s", c.stale, h.TLSA.State, c.want)
		}
		findings := Judge(r.Observed())
		if !slices.ContainsFunc(findings, func(f report.Finding) bool { return f.Rule == c.rule }) {
			t.Errorf("%d stale records: no %s in %v", c.stale, c.rule, findings)
		}
		for _, f := range findings {
			if len(f.Detail) > 20 {
				t.Errorf("%s shows %d lines", f.Rule, len(f.Detail))
			}
		}
		octets := 0
		for _, r := range rs {
			octets += len(r.Data)
		}
		if octets > maxRecords {
			t.Errorf("%d octets are kept", octets)
		}
	}
	// Records that nobody can use make no room for themselves.
	useless := answer(0, true)
	for i := range 1500 {
		useless = append(useless, &dns.TLSA{Usage: 0, Selector: 1, MatchingType: 1, Certificate: fmt.Sprintf("%064x", i)})
	}
	rs, omitted := recordsOf(useless)
	h := serving(rs, describe(leaf))
	h.TLSA.Omitted = omitted
	if match(by(h), h); h.TLSA.State != "match" || omitted == 0 {
		t.Errorf("behind useless records: %s, %d left out", h.TLSA.State, omitted)
	}
	// One that is too large by itself is no reason to say that there is none.
	huge := report.TLSARecord{Usage: 2, Matching: 0, Data: strings.Repeat("00", maxRecords)}
	rs, omitted = recordsOf([]dns.RR{&dns.TLSA{Usage: huge.Usage, Certificate: huge.Data}})
	if len(rs) != 0 || omitted != 1 {
		t.Errorf("a huge record: %d kept, %d left out", len(rs), omitted)
	}
}

// What Go's library does not read has a key, dates and a path like any other.
func TestALeafThatGoDoesNotRead(t *testing.T) {
	root := mint(t, "Root", nil, authority)
	leaf := mint(t, "mx.example.org", root, nil)
	odd := &cert{&x509.Certificate{Raw: spoil(t, leaf.Raw, root), RawSubjectPublicKeyInfo: leaf.RawSubjectPublicKeyInfo}, nil}
	if _, err := x509.ParseCertificate(odd.Raw); err == nil {
		t.Fatal("Go reads it")
	}
	for _, r := range []report.TLSARecord{tlsa(3, 1, 1, leaf), tlsa(2, 1, 1, root), tlsa(2, 0, 0, root), tlsa(2, 1, 0, root),
		{Usage: 3, Matching: 0, Usable: true, Data: hex.EncodeToString(odd.Raw)}} {
		h := serving(records(r), describe(odd, root))
		if match(by(h), h); h.TLSA.State != "match" {
			t.Errorf("%s: %s", presentation(r), h.TLSA.State)
		}
		if why := fault(r); why != "" {
			t.Errorf("%s: %s", presentation(r), why)
		}
	}
}
