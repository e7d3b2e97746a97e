package dane

import (
	"crypto/x509"
	"slices"
	"strings"
	"testing"

	"mxseal/checks/check/checktest"
	"mxseal/checks/report"
	"mxseal/checks/view"
)

type judged struct {
	why    string
	report *report.Report
	want   string
}

func of(hosts ...*report.Host) *report.Report {
	r := &report.Report{Meta: report.Meta{Domain: "example.org", CheckedAt: now}, Evidence: report.Evidence{Hosts: hosts, MX: &report.MX{State: "ok", DNSSEC: report.Trust{State: report.Secure}}}}
	for _, h := range hosts {
		match(r, h)
	}
	return r
}

func with(h *report.Host, change func(*report.Host)) *report.Host {
	change(h)
	return h
}

// as has the host's only address look otherwise to those who ask for the TLSA base domain,
// which is another name.
func as(h *report.Host, starttls string, certificates ...*report.Certificate) *report.Host {
	h.TLSA.Base = "real.example.org"
	h.Addresses[0].AsBase = &report.Shown{ServerName: h.TLSA.Base, STARTTLS: report.STARTTLS(starttls), Certificates: certificates}
	return h
}

func cases(t *testing.T) []judged {
	root := mint(t, "Root", nil, authority)
	intermediate := mint(t, "Intermediate", root, authority)
	leaf, other := mint(t, "mx.example.org", intermediate, nil), mint(t, "mx.example.org", intermediate, nil)
	public := func(chain ...*cert) *report.Certificate {
		c := describe(chain...)
		c.PublicCA = true
		return c
	}
	via := func(v report.Via, c *report.Certificate) *report.Certificate { c.Via = v; return c }
	off := func(h *report.Host) {
		h.Addresses[0].SMTP = &report.SMTP{STARTTLS: "not-offered", Reply: "250 HELP"}
		h.Addresses[0].Certificates = nil
	}
	insecure := report.Trust{State: report.Insecure}
	good := func() *report.Host {
		return serving(records(tlsa(3, 1, 1, leaf), tlsa(3, 1, 1, other)), describe(leaf))
	}
	alias := report.Trust{State: report.Insecure, Steps: []report.Alias{{Name: "mx.example.org", Target: "h.plain.net", State: report.Secure}}}
	nowhere := report.Trust{State: report.Insecure, Steps: []report.Alias{{Name: "_25._tcp.mx.example.org", Target: "tlsa.plain.net", State: report.Secure}}}
	// doubtful gives a host a second address, of a family whose signatures do not hold.
	doubtful := func(served ...*report.Certificate) func(*report.Host) {
		return func(h *report.Host) {
			h.Families = []report.Family{{Type: "A", Addresses: 1, DNSSEC: h.DNSSEC}, {Type: "AAAA", Addresses: 1, DNSSEC: report.Trust{State: report.Bogus}}}
			h.Addresses = append(h.Addresses, &report.Address{IP: "2001:503::1", Reachable: true, SMTP: &report.SMTP{STARTTLS: "ok"}, Certificates: served})
		}
	}
	first, second, spareOne := mint(t, "X1", root, authority), mint(t, "X2", root, authority), mint(t, "X3", root, authority)
	byFirst := mint(t, "mx.example.org", first, nil)
	turns(t, first, "active", second, "active", spareOne, "backup")
	selfMade := mint(t, "nobody", nil, expired)
	wrongName := describe(leaf)
	wrongName.NameMatch = false
	weak := describe(leaf)
	weak.WeakKey = "roca"

	underRoot := mint(t, "mx.example.org", root, nil)
	cross := reissue(t, root, mint(t, "Old", nil, authority), expired)
	forClients := mint(t, "mx.example.org", root, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} })

	return []judged{
		{"current and next key", of(good()), "DAN-09 DAN-18 DAN-24"},
		{"one record", of(serving(records(tlsa(3, 1, 1, leaf)), describe(leaf))), "DAN-09 DAN-18 DAN-23"},
		{"address unsigned", of(with(serving(nil), func(h *report.Host) { h.DNSSEC, h.TLSA.DNSSEC = insecure, nil })), "DAN-02"},
		{"address bogus: other checks say so", of(with(serving(nil), func(h *report.Host) { h.DNSSEC.State, h.TLSA.DNSSEC = report.Bogus, nil })), ""},
		{"no address", of(with(serving(nil), func(h *report.Host) { h.Addresses, h.NotTested = nil, "no-address" })), ""},
		{"a signed alias to unsigned addresses, the key at the alias", of(with(good(), func(h *report.Host) { h.DNSSEC = alias })), "DAN-09 DAN-18 DAN-24"},
		{"a signed alias to unsigned addresses, a stale key at the alias", of(with(serving(records(tlsa(3, 1, 1, other)), describe(leaf)), func(h *report.Host) { h.DNSSEC = alias })), "DAN-10"},
		{"a signed alias to unsigned addresses, no key", of(with(serving(nil, describe(leaf)), func(h *report.Host) { h.DNSSEC = alias })), "DAN-03"},
		{"a key that only an address serves which does not validate", of(with(good(), doubtful(describe(mint(t, "mx.example.org", intermediate, nil))))), "DAN-09 DAN-18 DAN-24"},
		{"no STARTTLS at an address that does not validate", of(with(good(), func(h *report.Host) {
			doubtful()(h)
			h.Addresses[1].SMTP.STARTTLS = "not-offered"
		})), "DAN-09 DAN-18 DAN-24"},
		{"an alias into an unsigned zone where nothing is", of(with(serving(nil, describe(leaf)), func(h *report.Host) { h.TLSA.DNSSEC = &nowhere })), "DAN-45"},
		{"an alias to a signed name where nothing is", of(with(serving(nil, describe(leaf)), func(h *report.Host) {
			signed := nowhere
			signed.State = report.Secure
			h.TLSA.DNSSEC = &signed
		})), "DAN-46"},
		{"an alias into an unsigned zone that answers with an error", of(with(serving(nil, describe(leaf)), func(h *report.Host) {
			failed := nowhere
			failed.State, failed.Witnesses = report.Indeterminate, []report.Witness{{Kind: "servfail", Tries: 2}}
			h.TLSA = report.TLSA{Base: h.Name, DNSSEC: &failed, Failure: &report.Failure{Text: "SERVFAIL"}}
		})), "DAN-05"},
		{"records at names of the alias between", of(with(serving(nil, describe(leaf)), func(h *report.Host) { h.TLSA.Misplaced = []string{"_25._tcp.between.example.org"} })), "DAN-03 DAN-31"},
		{"never asked, as for a server given by address", of(&report.Host{Name: ip, Addresses: []*report.Address{{IP: ip}}}), ""},
		{"nothing published", of(serving(nil, describe(leaf))), "DAN-03"},
		{"published, not signed", of(with(good(), func(h *report.Host) { h.TLSA.DNSSEC = &insecure })), "DAN-04"},
		{"look-up fails", of(with(good(), func(h *report.Host) {
			h.TLSA.DNSSEC = &report.Trust{State: report.Indeterminate, Witnesses: []report.Witness{{Kind: "servfail", Tries: 2}}}
			h.TLSA.Failure = &report.Failure{Text: "SERVFAIL"}
		})), "DAN-05"},
		{"look-up fails here only", of(with(good(), func(h *report.Host) {
			h.TLSA = report.TLSA{State: "untested", Base: h.Name, DNSSEC: &report.Trust{State: report.Indeterminate}, Failure: &report.Failure{Text: "Silence."}}
		})), "DAN-42"},
		{"a usage for the web, alone", of(serving(records(tlsa(1, 1, 1, leaf)), describe(leaf))), "DAN-06 DAN-08"},
		{"a usage for the web, beside a good one", of(serving(records(tlsa(1, 1, 1, leaf), tlsa(3, 1, 1, leaf)), describe(leaf))), "DAN-06 DAN-09 DAN-18"},
		{"a malformed record beside a good one", of(serving(records(tlsa(3, 1, 1, leaf), report.TLSARecord{Usage: 3, Selector: 1, Matching: 1, Data: "00", Unusable: "length"}), describe(leaf))), "DAN-07 DAN-09 DAN-18"},
		{"a key that anyone may have", of(serving(records(tlsa(3, 1, 1, leaf)), weak)), "DAN-08"},
		{"nothing fits", of(serving(records(tlsa(3, 1, 1, other)), describe(leaf))), "DAN-10"},
		{"the authority is not sent", of(serving(records(tlsa(2, 1, 1, root)), describe(leaf, intermediate))), "DAN-10 DAN-13"},
		{"the authority is not sent, but the key is published too", of(serving(records(tlsa(2, 1, 1, root), tlsa(3, 1, 1, leaf)), describe(leaf, intermediate))), "DAN-09 DAN-14 DAN-18 DAN-24"},
		{"one kind has nothing for the present certificate", of(serving(records(tlsa(3, 1, 1, leaf), tlsa(3, 0, 1, other)), describe(leaf))), "DAN-09 DAN-14 DAN-18"},
		{"strongest digest does not fit, weaker does", of(serving(records(tlsa(3, 1, 1, leaf), tlsa(3, 1, 2, other)), describe(leaf))), "DAN-10 DAN-15 DAN-18"},
		{"strongest digest does not fit, another kind does", of(serving(records(tlsa(3, 1, 1, leaf), tlsa(3, 1, 2, other), tlsa(3, 0, 1, leaf)), describe(leaf))), "DAN-09 DAN-15 DAN-18"},
		{"SHA2-512 only", of(serving(records(tlsa(3, 1, 2, leaf)), describe(leaf))), "DAN-16 DAN-09 DAN-23"},
		{"whole key", of(serving(records(tlsa(3, 1, 0, leaf)), describe(leaf))), "DAN-17 DAN-09 DAN-23"},
		{"digest of a certificate that is renewed", of(serving(records(tlsa(3, 0, 1, leaf)), public(leaf))), "DAN-09 DAN-19 DAN-23"},
		{"digest of a certificate made at home", of(serving(records(tlsa(3, 0, 1, leaf)), describe(leaf))), "DAN-09 DAN-23"},
		{"digest of a public intermediate's certificate", of(serving(records(tlsa(2, 0, 1, intermediate)), public(leaf, intermediate))), "DAN-09 DAN-20 DAN-22"},
		{"one public intermediate alone", of(serving(records(tlsa(2, 1, 1, intermediate)), public(leaf, intermediate))), "DAN-09 DAN-21 DAN-22"},
		{"one of several issuers that a public authority signs with", of(serving(records(tlsa(2, 1, 1, first)), public(byFirst, first))), "DAN-09 DAN-49 DAN-22"},
		{"two records, and not yet all of its issuers", of(serving(records(tlsa(2, 1, 1, first), tlsa(2, 1, 1, spareOne)), public(byFirst, first))), "DAN-09 DAN-49 DAN-22"},
		{"all but one that is kept in reserve", of(serving(records(tlsa(2, 1, 1, first), tlsa(2, 1, 1, second)), public(byFirst, first))), "DAN-09 DAN-49 DAN-22"},
		{"all its issuers", of(serving(records(tlsa(2, 1, 1, first), tlsa(2, 1, 1, second), tlsa(2, 1, 1, spareOne)), public(byFirst, first))), "DAN-09 DAN-22"},
		{"all its issuers by other digests", of(serving(records(tlsa(2, 1, 2, first), tlsa(2, 1, 2, second), tlsa(2, 1, 2, spareOne)), public(byFirst, first))), "DAN-16 DAN-09 DAN-22"},
		{"one issuer, and its root, which is sent", of(serving(records(tlsa(2, 1, 1, first), tlsa(2, 1, 1, root)), public(byFirst, first, root))), "DAN-09 DAN-22"},
		{"one issuer beside the own key", of(serving(records(tlsa(3, 1, 1, byFirst), tlsa(2, 1, 1, first)), public(byFirst, first))), "DAN-09 DAN-18 DAN-22 DAN-24"},
		{"a public root, sent", of(serving(records(tlsa(2, 1, 1, root)), public(leaf, intermediate, root))), "DAN-09 DAN-22"},
		{"an authority of one's own", of(serving(records(tlsa(2, 0, 1, intermediate)), describe(leaf, intermediate))), "DAN-09"},
		{"key and issuer", of(serving(records(tlsa(3, 1, 1, leaf), tlsa(2, 1, 1, intermediate)), public(leaf, intermediate))), "DAN-09 DAN-18 DAN-22 DAN-24"},
		{"DANE on some hosts only", of(good(), with(serving(nil, describe(leaf)), func(h *report.Host) { h.Name = "mx2.example.org" })), "DAN-09 DAN-18 DAN-24 DAN-03 DAN-25"},
		{"the host without DANE does not answer", of(good(), with(serving(nil), func(h *report.Host) { h.Addresses[0].Reachable = false })), "DAN-09 DAN-18 DAN-24 DAN-03"},
		{"domain unsigned", func() *report.Report { r := of(good()); r.MX.DNSSEC = insecure; return r }(), "DAN-09 DAN-18 DAN-24 DAN-26"},
		{"no STARTTLS", of(with(good(), off)), "DAN-27"},
		{"no STARTTLS and nothing usable", of(with(serving(records(tlsa(1, 1, 1, leaf))), off)), "DAN-06 DAN-08 DAN-27"},
		{"STARTTLS could not be tested", of(with(good(), func(h *report.Host) {
			off(h)
			h.Addresses[0].SMTP.STARTTLS, h.Addresses[0].Reachable = "untested", false
		})), ""},
		{"two certificates, one published", of(serving(records(tlsa(3, 1, 1, leaf)), describe(leaf), via("other-key-type", describe(other)))), "DAN-28 DAN-18"},
		{"two certificates, both published", of(serving(records(tlsa(3, 1, 1, leaf), tlsa(3, 1, 1, other)), describe(leaf), via("other-key-type", describe(other)))), "DAN-09 DAN-18 DAN-24"},
		{"records behind a signed alias", of(with(good(), func(h *report.Host) {
			h.TLSA.DNSSEC.Steps = []report.Alias{{Name: "_25._tcp.mx.example.org", Target: "_dane.example.org", State: report.Secure}}
		})), "DAN-29 DAN-09 DAN-18 DAN-24"},
		{"records at the domain beside MX hosts", func() *report.Report { r := of(good()); r.MisplacedTLSA = []string{"_25._tcp.example.org"}; return r }(), "DAN-09 DAN-18 DAN-24 DAN-31"},
		{"whether records stand at the domain is not known", func() *report.Report {
			r := of(good())
			r.Unanswered = []report.Question{{Check: "dane", Name: "_25._tcp.example.org", Type: "TLSA", Kind: "timeout"}}
			return r
		}(), "DAN-09 DAN-18 DAN-24 DAN-52"},
		{"records for submission alone", of(with(serving(nil, describe(leaf)), func(h *report.Host) { h.TLSA.Misplaced = []string{"_587._tcp.mx.example.org"} })), "DAN-03 DAN-31"},
		{"the published key is served without SNI only", of(serving(records(tlsa(3, 1, 1, other)), describe(leaf), via("no-sni", describe(other)))), "DAN-10 DAN-32"},
		{"another certificate for the TLSA base domain, the published one", of(as(serving(records(tlsa(3, 1, 1, other)), describe(leaf)), "ok", describe(other))), "DAN-09 DAN-18 DAN-23"},
		{"another certificate for the TLSA base domain, not the published one", of(as(serving(records(tlsa(3, 1, 1, leaf)), describe(leaf)), "ok", describe(other))), "DAN-10 DAN-32"},
		{"no TLS for the TLSA base domain", of(as(serving(records(tlsa(3, 1, 1, leaf)), describe(leaf)), "handshake-failed")), "DAN-50"},
		{"no TLS for any name", of(as(with(serving(records(tlsa(3, 1, 1, leaf))), off), "handshake-failed")), "DAN-27"},
		{"TLS for the TLSA base domain alone", of(as(with(serving(records(tlsa(3, 1, 1, leaf))), off), "ok", describe(leaf))), "DAN-09 DAN-18 DAN-23"},
		{"what is shown for the TLSA base domain was not seen", of(as(serving(records(tlsa(3, 1, 1, leaf)), describe(leaf)), "untested")), "DAN-51"},
		{"kept for a week", of(with(good(), func(h *report.Host) { h.TLSA.TTL = 604800 })), "DAN-33 DAN-09 DAN-18 DAN-24"},
		{"kept for a day", of(with(good(), func(h *report.Host) { h.TLSA.TTL = 86400 })), "DAN-09 DAN-18 DAN-24"},
		{"a large answer", of(with(good(), func(h *report.Host) { h.TLSA.Size = 1233 })), "DAN-34 DAN-09 DAN-18 DAN-24"},
		{"out of date, and published", of(serving(records(tlsa(3, 1, 1, selfMade)), describe(selfMade))), "DAN-09 DAN-35 DAN-18 DAN-23"},
		{"for another name, and published", of(serving(records(tlsa(3, 1, 1, leaf)), wrongName)), "DAN-09 DAN-35 DAN-18 DAN-23"},
		{"an authority past its end, sent as a cross-certificate", of(serving(records(tlsa(2, 1, 1, root)), describe(underRoot, cross))), "DAN-09 DAN-36"},
		{"the same beside the key itself", of(serving(records(tlsa(2, 1, 1, root), tlsa(3, 1, 1, underRoot)), describe(underRoot, cross))), "DAN-09 DAN-18 DAN-24"},
		{"a name that only Postfix takes", func() *report.Report {
			r := of(serving(records(tlsa(2, 1, 1, root)), describe(mint(t, "example.org", root, nil), root)))
			r.MX.DNSSEC = insecure
			match(r, r.Hosts[0])
			return r
		}(), "DAN-09 DAN-37 DAN-26"},
		{"more records than are kept", of(with(serving(records(tlsa(3, 1, 1, other)), describe(leaf)), func(h *report.Host) { h.TLSA.Omitted = 100 })), "DAN-38"},
		{"more chains than are kept", of(with(good(), func(h *report.Host) { h.Addresses[0].TLS = &report.TLS{FurtherChains: 3} })), "DAN-38 DAN-18"},
		{"a certificate that was not kept, and its digest is published", of(serving(records(tlsa(3, 1, 1, leaf), tlsa(3, 1, 1, other)), unkept(leaf))), "DAN-09 DAN-18 DAN-24"},
		{"the digest of another", of(serving(records(tlsa(3, 1, 1, other)), unkept(leaf))), "DAN-10"},
		{"what the digests of one that was not kept do not tell", of(serving(records(tlsa(3, 1, 2, other)), unkept(leaf))), "DAN-16 DAN-38"},
		{"an authority above one that was not kept", of(serving(records(tlsa(2, 1, 1, root)), unkept(leaf))), "DAN-38"},
		{"a path that does not hold below the authority", of(serving(records(tlsa(2, 1, 1, root)), describe(forClients, root))), "DAN-10 DAN-39"},
		{"nothing gathered", &report.Report{Meta: report.Meta{Domain: "example.org"}}, ""},
	}
}

// unkept is a certificate of which the report had no room for more than its digests.
func unkept(c *cert) *report.Certificate {
	d := describe(c)
	d.Cut()
	return d
}

func TestJudge(t *testing.T) {
	for _, c := range cases(t) {
		var got []string
		for _, f := range Judge(c.report.Observed()) {
			got = append(got, f.Rule)
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%s: %s, want %s", c.why, s, c.want)
		}
	}
}

// Every rule applies in some case and not in another, and is told in whole sentences.
func TestEveryRuleIsCovered(t *testing.T) {
	var reports []*report.Report
	for _, c := range cases(t) {
		reports = append(reports, c.report)
	}
	checktest.Rules(t, Check, reports)
}

// The facts of the matrix: one value of M.tlsa for each host or address that was looked at.
func TestFacts(t *testing.T) {
	want := map[string]string{
		"current and next key":       "M.tlsa=match",
		"address unsigned":           "M.tlsa=none",
		"nothing published":          "M.tlsa=none",
		"published, not signed":      "M.tlsa=none",
		"look-up fails":              "M.tlsa=lookupfail",
		"a usage for the web, alone": "M.tlsa=unusable",
		"nothing fits":               "M.tlsa=mismatch",
		"a signed alias to unsigned addresses, the key at the alias":     "M.tlsa=match",
		"a signed alias to unsigned addresses, a stale key at the alias": "M.tlsa=mismatch",
		"an alias into an unsigned zone where nothing is":                "M.tlsa=none",
		"an alias to a signed name where nothing is":                     "M.tlsa=none",
		"an alias into an unsigned zone that answers with an error":      "M.tlsa=lookupfail",
		"a key that only an address serves which does not validate":      "M.tlsa=match",
		"no STARTTLS at an address that does not validate":               "M.tlsa=match",
		"the authority is not sent":                                      "M.tlsa=mismatch",
		"two certificates, one published":                                "M.tlsa=mismatch",
		"no STARTTLS":                                                    "M.tlsa=match",
		"no STARTTLS and nothing usable":                                 "M.tlsa=unusable",
		"address bogus: other checks say so":                             "",
		"strongest digest does not fit, another kind does":               "M.tlsa=match",
		"look-up fails here only":                                        "prov",
	}
	for _, c := range cases(t) {
		facts, known := want[c.why]
		if !known {
			continue
		}
		delete(want, c.why)
		var got []string
		for _, f := range Judge(c.report.Observed()) {
			for _, e := range f.Effects {
				if e != report.NoAPlus {
					got = append(got, string(e))
				}
				if strings.HasPrefix(string(e), "M.") && f.Host == "" {
					t.Errorf("%s: %s sets %s of no host", c.why, f.Rule, e)
				}
			}
		}
		if s := strings.Join(got, " "); s != facts {
			t.Errorf("%s: %q, want %q", c.why, s, facts)
		}
	}
	for why := range want {
		t.Errorf("no case %q", why)
	}
}

func TestTheFixIsReadyToPublish(t *testing.T) {
	leaf := mint(t, "mx.example.org", nil, nil)
	c := describe(leaf)
	f := Judge(of(serving(nil, c)).Observed())[0]
	f.Explain(Rules.Find(f.Rule), "example.org", view.Say)
	if want := "_25._tcp.mx.example.org. IN TLSA 3 1 1 " + c.SPKISHA256; !strings.Contains(f.FixText, want) || !slices.Contains(f.Detail, want) {
		t.Errorf("%s lacks %q\n%s\n%q", f.Rule, want, f.FixText, f.Detail)
	}
}

// A digest that does not fit beside others that do is a warning: where nothing fits, DAN-10 says so.
func TestStaleStrongDigest(t *testing.T) {
	for _, c := range cases(t) {
		if !strings.HasPrefix(c.why, "strongest digest does not fit") {
			continue
		}
		for _, f := range Judge(c.report.Observed()) {
			if f.Rule == "DAN-15" && (f.Verdict != report.Warn || len(f.Effects) != 1 || f.Effects[0] != report.NoAPlus) {
				t.Errorf("%s: %s %v", c.why, f.Verdict, f.Effects)
			}
		}
	}
}
