package mx

import (
	"slices"
	"strings"
	"testing"

	"mxseal/checks/check/checktest"
	"mxseal/checks/report"
)

// host is a mail exchanger with addresses; an address that begins with ! is not contacted.
func host(name string, preference uint16, addresses ...string) *report.Host {
	h := &report.Host{Name: name, Preference: preference, DNSSEC: report.Trust{State: report.Insecure}}
	for _, ip := range addresses {
		a := &report.Address{IP: strings.TrimLeft(ip, "!~"), Reachable: true}
		switch ip[0] {
		case '!':
			a.NotTested, a.Reachable = "forbidden", false
			a.Failure = &report.Failure{Text: a.IP + " is not contacted"}
		case '~':
			a.NotTested, a.Reachable = "limit", false
		}
		h.Addresses = append(h.Addresses, a)
	}
	return h
}

// with changes a host.
func with(h *report.Host, change func(*report.Host)) *report.Host {
	change(h)
	return h
}

func noAddress(kind report.Kind) func(*report.Host) {
	return func(h *report.Host) {
		h.NotTested = "no-address"
		h.Failure = &report.Failure{Phase: "address", Kind: kind, Text: "it is " + string(kind)}
	}
}

// speaks makes every address of a host offer STARTTLS with a certificate.
func speaks(starttls, pkix string) func(*report.Host) {
	return func(h *report.Host) {
		for _, a := range h.Addresses {
			a.SMTP = &report.SMTP{STARTTLS: report.STARTTLS(starttls)}
			if pkix != "" {
				a.Certificates = []*report.Certificate{{PKIX: report.PKIX(pkix), PublicCA: true, Issuer: "CN=R3, O=Let's Encrypt"}}
			}
		}
	}
}

func caa(lines ...string) func(*report.Host) {
	return func(h *report.Host) { h.CAA, h.CAAName = lines, "example.org" }
}

// promised is a domain with a policy in force and a host with a public certificate.
func promised(tlsa string, caa func(*report.Host), known bool) *report.Report {
	r := domain(report.MX{State: "ok"}, with(with(host("mx.example.org", 1, v4, v6), speaks("ok", "ok")), caa))
	r.Hosts[0].TLSA.State, r.Hosts[0].CAAKnown = report.TLSAState(tlsa), known
	r.MTASTS = &report.MTASTS{State: "enforce"}
	return r
}

// policyHost is a domain whose policy host has a public certificate, under these CAA records.
func policyHost(caa ...string) *report.Report {
	r := domain(report.MX{State: "ok"}, host("mx.example.org", 1, v4, v6))
	r.MTASTS = &report.MTASTS{State: "enforce", CAA: caa, CAAName: "example.org",
		Fetch: &report.Fetch{Certificate: &report.Certificate{Trusted: true, Issuer: "CN=R3, O=Let's Encrypt", Names: []string{"mta-sts.example.org"}}}}
	return r
}

func domain(mx report.MX, hosts ...*report.Host) *report.Report {
	if mx.State == "ok" && mx.Records == nil {
		for _, h := range hosts {
			mx.Records = append(mx.Records, report.Record{Preference: h.Preference, Host: h.Name})
		}
	}
	return &report.Report{Meta: report.Meta{Domain: "example.org"}, Evidence: report.Evidence{MX: &mx, Hosts: hosts}}
}

// lost is a domain of which one question got no answer.
func lost(kind, name string, hosts ...*report.Host) *report.Report {
	r := domain(report.MX{State: "ok"}, hosts...)
	r.Unanswered = []report.Question{{Check: "mx", Name: name, Type: kind, Kind: "timeout"}}
	return r
}

// without is a host whose name has no address.
func without(name string) *report.Host { return with(host(name, 10), noAddress("nxdomain")) }

func alias(name, target string) func(*report.Host) {
	return func(h *report.Host) {
		h.DNSSEC.Steps = []report.Alias{{Name: name, Target: target}}
		h.Canonical = strings.TrimSuffix(target, ".")
	}
}

// The answers to a question for addresses.
var (
	secure   = report.Family{DNSSEC: report.Trust{State: report.Secure}}
	insecure = report.Family{DNSSEC: report.Trust{State: report.Insecure}}
	bogus    = report.Family{DNSSEC: report.Trust{State: report.Bogus, Detail: "It is not proved."}}
	servfail = report.Family{DNSSEC: report.Trust{State: report.Indeterminate}, Failure: &report.Failure{Kind: "servfail", Text: "SERVFAIL."}}
	timedOut = report.Family{DNSSEC: report.Trust{State: report.Indeterminate}, Failure: &report.Failure{Kind: "timeout", Text: "Silence."}}
)

// families gives a host two answers with so many addresses.
func families(a report.Family, four int, aaaa report.Family, six int) func(*report.Host) {
	a.Type, a.Addresses, aaaa.Type, aaaa.Addresses = "A", four, "AAAA", six
	return func(h *report.Host) {
		h.Families = []report.Family{a, aaaa}
		for _, f := range h.Families {
			if f.Failure != nil {
				h.Failure = f.Failure
			}
		}
	}
}

// seenBy adds what others gave who were asked the same.
func seenBy(f report.Family, others ...report.Witness) report.Family {
	f.DNSSEC.Witnesses = others
	return f
}

const v4, v6 = "198.41.0.4", "2001:503::1"

var cases = []struct {
	why    string
	report *report.Report
	want   string // rules in their order, NBR-01 and NBR-02 left out where nothing is published
}{
	{"one host", domain(report.MX{State: "ok"}, host("mx.example.org", 10, v4, v6)), "MX-04"},
	{"IPv6 alone", domain(report.MX{State: "ok"}, host("mx.example.org", 10, v6)), "MX-04 MX-32"},
	{"IPv6 alone, and no answer about IPv4", domain(report.MX{State: "ok"}, with(host("mx.example.org", 10, v6), families(servfail, 0, insecure, 1))), "MX-04 MX-29"},
	{"IPv4 at one of two", domain(report.MX{State: "ok"}, host("a.example.org", 10, v6), host("b.example.org", 20, v4)), "MX-04 MX-04"},
	{"an underscore", domain(report.MX{State: "ok"}, host("mail_1.example.org", 10, v4, v6)), "MX-04 MX-33"},
	{"two names with one address", domain(report.MX{State: "ok"}, host("a.example.org", 10, v4, v6), host("b.example.org", 20, v4, v6)), "MX-04 MX-04 MX-34"},
	{"a wildcard", domain(report.MX{State: "ok", Wildcard: []string{"*.example.org. IN MX 10 mx.example.org."}}, host("mx.example.org", 10, v4, v6)), "MX-35 MX-04"},
	{"no such domain", domain(report.MX{State: "nxdomain"}), "MX-01"},
	{"no such domain, by a proof that does not hold", domain(report.MX{State: "nxdomain", DNSSEC: report.Trust{State: report.Bogus}}), "MX-27"},
	{"neither MX nor address, by a proof that does not hold", domain(report.MX{State: "none", DNSSEC: report.Trust{State: report.Bogus}}), "MX-27"},
	{"a null MX whose signature does not hold", domain(report.MX{State: "null", DNSSEC: report.Trust{State: report.Bogus}, Records: []report.Record{{Host: "."}}}), "MX-27 NBR-04"},
	{"no answer", domain(report.MX{State: "error", Failure: &report.Failure{Kind: "servfail", Text: "SERVFAIL"}}), "MX-02"},
	{"aliases in a circle", domain(report.MX{State: "error", Failure: &report.Failure{Kind: "loop", Text: "a circle"}}), "MX-11"},
	{"bogus, and used", domain(report.MX{State: "ok", DNSSEC: report.Trust{State: report.Bogus}}, host("mx.example.org", 10, v4, v6)), "MX-03 MX-04"},
	{"implicit MX", domain(report.MX{State: "implicit"}, host("example.org", 0, v4, v6)), "MX-05"},
	{"implicit MX behind an alias: the domain is the alias, not a mail server", domain(report.MX{State: "implicit",
		DNSSEC: report.Trust{Steps: []report.Alias{{Name: "example.org", Target: "example.net"}}}},
		with(host("example.org", 0, v4, v6), func(h *report.Host) { h.Canonical = "example.net" })), "MX-10 MX-05"},
	{"neither MX nor address", domain(report.MX{State: "none"}), "MX-06"},
	{"null MX", domain(report.MX{State: "null", Records: []report.Record{{Host: ".", Skipped: "null"}},
		Neighbours: report.Neighbours{SPF: "v=spf1 -all", DMARC: "v=DMARC1; p=reject"}}), "MX-07 NBR-01 NBR-02"},
	{"null MX while others may send in its name", domain(report.MX{State: "null", Records: []report.Record{{Host: ".", Skipped: "null"}},
		Neighbours: report.Neighbours{SPF: "v=spf1 ~all", DMARC: "v=DMARC1; p=none"}}), "MX-07 NBR-01 NBR-02 NBR-04"},
	{"null MX with a preference", domain(report.MX{State: "null", Records: []report.Record{{Preference: 10, Host: ".", Skipped: "null"}},
		Neighbours: report.Neighbours{SPF: "v=spf1 -all", DMARC: "v=DMARC1; p=reject"}}), "MX-08 NBR-01 NBR-02"},
	{"null MX beside another", domain(report.MX{State: "ok", Records: []report.Record{{Host: ".", Skipped: "null"}, {Preference: 10, Host: "mx.example.org"}}},
		host("mx.example.org", 10, v4, v6)), "MX-09 MX-04"},
	{"an address as target, beside a host", domain(report.MX{State: "ok", Records: []report.Record{{Host: "192.0.2.1", Skipped: "literal"}, {Preference: 10, Host: "mx.example.org"}}},
		host("mx.example.org", 10, v4, v6)), "MX-13 MX-04"},
	{"nothing but an address as target", domain(report.MX{State: "ok", Records: []report.Record{{Host: "192.0.2.1", Skipped: "literal"}}}), "MX-13 MX-15"},
	{"the target is an alias", domain(report.MX{State: "ok"},
		with(host("mx.example.org", 10, v4, v6), func(h *report.Host) { h.Canonical = "real.example.net" })), "MX-04 MX-12"},
	{"one host without an address", domain(report.MX{State: "ok"},
		host("a.example.org", 10, v4, v6), with(host("b.example.org", 20), noAddress("nxdomain"))), "MX-04 MX-04 MX-14"},
	{"no host with an address", domain(report.MX{State: "ok"}, with(host("b.example.org", 20), noAddress("no-data"))), "MX-15 MX-04"},
	{"the only host cannot be looked up", domain(report.MX{State: "ok"}, with(host("b.example.org", 20), noAddress("servfail"))), "MX-04 MX-25"},
	{"half of the look-up failed", domain(report.MX{State: "ok"},
		with(host("b.example.org", 20, v4), func(h *report.Host) { h.Failure = &report.Failure{Kind: "timeout", Text: "timed out"} })), "MX-04 MX-25"},
	{"AAAA: no answer came, which may be our fault", domain(report.MX{State: "ok"}, with(host("b.example.org", 20, v4), families(secure, 1, timedOut, 0))), "MX-04 MX-29"},
	{"AAAA: SERVFAIL, from our resolver alone", domain(report.MX{State: "ok"}, with(host("b.example.org", 20, v4), families(secure, 1, servfail, 0))), "MX-04 MX-29"},
	{"AAAA: SERVFAIL, which the name servers themselves do not give", domain(report.MX{State: "ok"}, with(host("b.example.org", 20, v4),
		families(secure, 1, seenBy(servfail, report.Witness{Name: "ns1", Kind: "answer", Tries: 1}), 0))), "MX-04 MX-29"},
	{"AAAA: SERVFAIL, which a name server gives too", domain(report.MX{State: "ok"}, with(host("b.example.org", 20, v4),
		families(secure, 1, seenBy(servfail, report.Witness{Name: "ns1", Kind: "servfail", Tries: 2}), 0))), "MX-04 MX-28"},
	{"AAAA: a denial that is not proved", domain(report.MX{State: "ok"}, with(host("b.example.org", 20, v4), families(secure, 1, bogus, 0))), "MX-04 MX-28"},
	{"A: signatures that do not hold, beside good AAAA", domain(report.MX{State: "ok"}, with(host("b.example.org", 20, v4, v6), families(bogus, 1, secure, 1))), "MX-04 MX-28"},
	{"unsigned AAAA beside signed A", domain(report.MX{State: "ok"}, with(host("b.example.org", 20, v4, v6), families(secure, 1, insecure, 1))), "MX-04"},
	{"neither family answers", domain(report.MX{State: "ok"}, with(with(host("b.example.org", 20), noAddress("servfail")), families(servfail, 0, servfail, 0))), "MX-04 MX-25"},

	{"the domain stands twice in the target", domain(report.MX{State: "ok"}, without("mail.example.org.example.org")), "MX-15 MX-04 MX-30"},
	{"… beside a good host", domain(report.MX{State: "ok"}, host("a.example.org", 10, v4, v6), without("mail.example.org.example.org")), "MX-04 MX-04 MX-14 MX-30 MX-20"},
	{"… in two targets", domain(report.MX{State: "ok"}, without("a.example.org.example.org"), without("b.example.org.example.org")), "MX-15 MX-04 MX-30 MX-04 MX-30 MX-20"},
	{"… where a wildcard gives it an address", domain(report.MX{State: "ok"}, host("mail.example.org.example.org", 10, v4, v6)), "MX-04 MX-30"},
	{"the domain itself is the target, without a dot", domain(report.MX{State: "ok"}, without("example.org.example.org")), "MX-15 MX-04 MX-30"},
	{"the zone above stands twice in it", &report.Report{Meta: report.Meta{Domain: "sub.example.org"}, Evidence: report.Evidence{MX: &report.MX{State: "ok"}, Hosts: []*report.Host{without("mail.sub.example.org.example.org")}}}, "MX-15 MX-04 MX-30"},
	{"another's host, without a dot", domain(report.MX{State: "ok"}, without("mx.other.net.example.org")), "MX-15 MX-04 MX-30"},
	{"another's domain, without a dot", domain(report.MX{State: "ok"}, without("other.net.example.org")), "MX-15 MX-04 MX-30"},
	{"another's host under a name of which only the look-up tells", domain(report.MX{State: "ok"}, with(without("mx.provider.lan.example.org"),
		func(h *report.Host) { h.Undotted = "mx.provider.lan" })), "MX-15 MX-04 MX-30"},
	{"a host of several labels", domain(report.MX{State: "ok"}, without("mx.mail.example.org")), "MX-15 MX-04"},
	{"a host of several labels that has an address", domain(report.MX{State: "ok"}, host("mx.other.net.example.org", 10, v4, v6)), "MX-04"},
	{"a name that ends alike", domain(report.MX{State: "ok"}, without("mail.anexample.org.example.org")), "MX-15 MX-04 MX-30"},
	{"the target of an alias, without a dot", domain(report.MX{State: "ok"}, with(without("mail.example.org"),
		alias("mail.example.org.", "mx.other.net.example.org."))), "MX-15 MX-04 MX-12 MX-30"},
	{"the target of an alias in the provider's zone, without a dot", domain(report.MX{State: "ok"}, with(without("mx.provider.net"),
		alias("mx.provider.net.", "mx1.provider.net.provider.net."))), "MX-15 MX-04 MX-12 MX-30"},
	{"an alias to nowhere", domain(report.MX{State: "ok"}, with(without("mail.example.org"), alias("mail.example.org.", "gone.example.net."))), "MX-15 MX-04 MX-12"},

	{"a wildcard ended by the TLSA record", domain(report.MX{State: "ok"}, with(without("mail.example.org"), func(h *report.Host) {
		h.Failure.Kind, h.Shadow = "no-data", &report.Shadow{Wildcard: "*.example.org", By: "_25._tcp.mail.example.org", Type: "TLSA"}
	})), "MX-15 MX-04 MX-31"},
	{"a wildcard ended by something", domain(report.MX{State: "ok"}, host("a.example.org", 10, v4, v6), with(without("mail.example.org"), func(h *report.Host) {
		h.Failure.Kind, h.Shadow = "no-data", &report.Shadow{Wildcard: "*.example.org"}
	})), "MX-04 MX-04 MX-14 MX-31 MX-20"},
	{"addresses that fail validation, beside good ones", domain(report.MX{State: "ok"}, host("a.example.org", 10, v4, v6),
		with(host("b.example.org", 20, v4, v6), func(h *report.Host) { h.DNSSEC = report.Trust{State: report.Bogus, Detail: "expired"} })), "MX-04 MX-04 MX-25 MX-34"},
	{"all addresses fail validation: the check of DNSSEC says so", domain(report.MX{State: "ok"},
		with(host("b.example.org", 20, v4, v6), func(h *report.Host) { h.DNSSEC = report.Trust{State: report.Bogus, Detail: "expired"} })), "MX-04"},
	{"a target in a domain nobody has", domain(report.MX{State: "ok", Unregistered: []string{"gone.net"}},
		host("a.example.org", 10, v4, v6), with(host("mx.gone.net", 20), noAddress("nxdomain"))), "MX-16 MX-04 MX-04 MX-14"},
	{"a target whose name only ends alike", domain(report.MX{State: "ok", Unregistered: []string{"gone.net"}}, host("mx.bygone.net", 10, v4, v6)), "MX-04"},
	{"all addresses special purpose", domain(report.MX{State: "ok"},
		with(host("mx.example.org", 10, "!127.0.0.1"), func(h *report.Host) { h.NotTested = "forbidden" })), "MX-04 MX-17 MX-22"},
	{"some addresses special purpose", domain(report.MX{State: "ok"}, host("mx.example.org", 10, "!127.0.0.1", v4, v6)), "MX-04 MX-18"},
	{"listed twice", domain(report.MX{State: "ok", Records: []report.Record{{Preference: 10, Host: "mx.example.org"}, {Preference: 20, Host: "mx.example.org"}, {Preference: 30, Host: "mx.example.org"}}},
		host("mx.example.org", 10, v4, v6)), "MX-19 MX-04"},
	{"equal preference", domain(report.MX{State: "ok"}, host("a.example.org", 10, v4, v6), host("b.example.org", 10, v4, v6)), "MX-04 MX-04 MX-20 MX-34"},
	{"more hosts than are tested", domain(report.MX{State: "ok"}, host("a.example.org", 10, v4, v6),
		with(host("b.example.org", 20), func(h *report.Host) { h.NotTested = "limit" })), "MX-21 MX-04"},
	{"more addresses than are tested", domain(report.MX{State: "ok"}, host("a.example.org", 10, v4, v6, "~198.41.0.9")), "MX-21 MX-04"},
	{"more records than are kept", domain(report.MX{State: "ok", Omitted: 4}, host("a.example.org", 10, v4, v6)), "MX-21 MX-04"},
	{"no IPv6", domain(report.MX{State: "ok"}, host("mx.example.org", 10, v4)), "MX-04 MX-22"},
	{"an IPv4-mapped address is no IPv6", domain(report.MX{State: "ok"}, with(host("mx.example.org", 10, v4, "::ffff:198.41.0.4"),
		func(h *report.Host) { h.Addresses[1].NotTested = "mapped" })), "MX-04 MX-23 MX-22"},
	{"hosts that differ", domain(report.MX{State: "ok"},
		with(host("a.example.org", 10, v4, v6), speaks("ok", "ok")), with(host("b.example.org", 20, v4, v6), speaks("not-offered", ""))), "MX-04 MX-04 MX-34 MX-24"},
	{"hosts that are alike", domain(report.MX{State: "ok"},
		with(host("a.example.org", 10, v4, v6), speaks("ok", "ok")), with(host("b.example.org", 20, v4, v6), speaks("ok", "ok"))), "MX-04 MX-04 MX-34"},
	{"an unreachable host is not compared", domain(report.MX{State: "ok"},
		with(host("a.example.org", 10, v4, v6), speaks("ok", "ok")),
		with(host("b.example.org", 20, v4, v6), func(h *report.Host) { h.Addresses[0].Reachable, h.Addresses[1].Reachable = false, false })), "MX-04 MX-04 MX-34"},
	{"a known provider, once", domain(report.MX{State: "ok"}, host("aspmx.l.google.com", 1, v4, v6), host("alt1.aspmx.l.google.com", 5, v4, v6)), "MX-26 MX-04 MX-04 MX-34"},
	{"a name that only ends like a provider's", domain(report.MX{State: "ok"}, host("mx.notgoogle.com", 1, v4, v6)), "MX-04"},
	{"a mail server of a parking service", domain(report.MX{State: "ok"}, host("mx.parkingcrew.net", 1, v4, v6)), "MX-04 MX-36"},
	{"the one name of a company's that is for parking", domain(report.MX{State: "ok"}, host("park-mx.above.com", 1, v4, v6)), "MX-04 MX-36"},
	{"… and another of its names", domain(report.MX{State: "ok"}, host("mx.above.com", 1, v4, v6)), "MX-04"},
	{"an alias of a parking service's", domain(report.MX{State: "ok"}, with(host("mx.example.org", 1, v4, v6), alias("mx.example.org.", "mail.sedoparking.com."))), "MX-04 MX-12 MX-36"},
	{"a name that only ends like a parking service's", domain(report.MX{State: "ok"}, host("mx.notbodis.com", 1, v4, v6)), "MX-04"},
	{"the parking service itself", &report.Report{Meta: report.Meta{Domain: "bodis.com"}, Evidence: report.Evidence{MX: &report.MX{State: "ok"}, Hosts: []*report.Host{host("mx.bodis.com", 1, v4, v6)}}}, "MX-04"},
	{"whether a mail server's domain exists is not known", lost("NS", "gone.net", host("mx.gone.net", 10, v4, v6)), "MX-04 MX-37"},
	{"whether names below take mail is not known", lost("MX", "*.example.org", host("mx.example.org", 10, v4, v6)), "MX-04 MX-37"},
	{"what SPF says is not known", lost("TXT", "example.org", host("mx.example.org", 10, v4, v6)), "MX-04 MX-37"},
	{"what DMARC says is not known", lost("TXT", "_dmarc.example.org", host("mx.example.org", 10, v4, v6)), "MX-04 MX-37"},
	{"which authorities may issue is not known", lost("CAA", "mx.example.org", host("mx.example.org", 10, v4, v6)), "MX-04 MX-37"},
	{"why a host has no address is not known", lost("A", "*.example.org", host("a.example.org", 10, v4, v6), without("b.example.org")), "MX-04 MX-04 MX-14 MX-20 MX-37"},
	{"the name of an address, which nothing rests on", lost("PTR", "4.0.41.198.in-addr.arpa", host("mx.example.org", 10, v4, v6)), "MX-04"},
	{"an address, of which MX-29 speaks", lost("AAAA", "mx.example.org", host("mx.example.org", 10, v4, v6)), "MX-04"},
	{"SPF and DMARC", domain(report.MX{State: "ok", Neighbours: report.Neighbours{SPF: "v=spf1 a ~all", DMARC: "v=DMARC1"}}, host("mx.example.org", 1, v4, v6)), "NBR-01 NBR-02 MX-04"},
	{"CAA that allows the issuer", domain(report.MX{State: "ok", Neighbours: report.Neighbours{CAA: []string{"issue letsencrypt.org; accounturi=x"}, CAAName: "example.org"}},
		with(host("mx.example.org", 1, v4, v6), speaks("ok", "ok"))), "NBR-05 MX-04"},
	{"CAA that forbids the issuer", domain(report.MX{State: "ok", Neighbours: report.Neighbours{CAA: []string{"issue digicert.com"}, CAAName: "example.org"}},
		with(host("mx.example.org", 1, v4, v6), speaks("ok", "ok"))), "NBR-05 NBR-06 MX-04"},
	{"CAA of the second host that forbids its issuer", domain(report.MX{State: "ok"}, with(host("a.example.org", 10, v4, v6), speaks("ok", "ok")),
		with(with(host("mx.example.org", 20, v4, v6), speaks("ok", "ok")), caa("issue digicert.com"))), "NBR-05 NBR-06 MX-04 MX-04 MX-34"},
	{"CAA that forbids wildcards to an issuer, who issued none", domain(report.MX{State: "ok"},
		with(with(host("mx.example.org", 1, v4, v6), speaks("ok", "ok")), caa("issue letsencrypt.org", "issuewild ;"))), "NBR-05 MX-04"},
	{"CAA that forbids wildcards, of which one is served", domain(report.MX{State: "ok"},
		with(with(with(host("mx.example.org", 1, v4, v6), speaks("ok", "ok")), caa("issue letsencrypt.org", "issuewild ;")), func(h *report.Host) {
			h.Addresses[0].Certificates[0].Names = []string{"*.example.org"}
		})), "NBR-05 NBR-06 MX-04"},
	{"CAA about wildcards alone", domain(report.MX{State: "ok"},
		with(with(host("mx.example.org", 1, v4, v6), speaks("ok", "ok")), caa("issuewild digicert.com"))), "MX-04"},
	{"CAA that restricts nothing", domain(report.MX{State: "ok", Neighbours: report.Neighbours{CAA: []string{"iodef mailto:a@example.org"}, CAAName: "example.org"}},
		with(host("mx.example.org", 1, v4, v6), speaks("ok", "ok"))), "MX-04"},
	{"certificates alone protect, and any authority may issue one", promised("none", caa(), true), "NBR-09 MX-04"},
	{"the same beside CAA records that restrict nothing", promised("none", caa("iodef mailto:a@example.org"), true), "NBR-09 MX-04"},
	{"the same beside CAA records", promised("none", caa("issue letsencrypt.org"), true), "NBR-05 MX-04"},
	{"the same beside DANE", promised("match", caa(), true), "MX-04"},
	{"a question for CAA records got no answer", promised("none", caa(), false), "MX-04"},
	{"CAA that forbids the issuer of the policy host's certificate", policyHost("issue digicert.com"), "NBR-08 MX-04"},
	{"CAA that allows it", policyHost("issue digicert.com", "issue letsencrypt.org"), "MX-04"},
	{"CAA that forbids wildcards alone", policyHost("issuewild ;"), "MX-04"},
	{"one server without a domain", &report.Report{Evidence: report.Evidence{Hosts: []*report.Host{host("mx.example.org", 0, v4, v6)}}}, ""},
	{"nothing gathered", &report.Report{Meta: report.Meta{Domain: "example.org"}}, ""},
}

func TestJudge(t *testing.T) {
	for _, c := range cases {
		findings := Judge(c.report.Observed())
		bare := c.report.MX != nil && c.report.MX.Neighbours.SPF == "" && c.report.MX.Neighbours.DMARC == ""
		var got []string
		for _, f := range findings {
			if bare && (f.Rule == "NBR-01" || f.Rule == "NBR-02") {
				continue
			}
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
	for _, c := range cases {
		reports = append(reports, c.report)
	}
	checktest.Rules(t, Check, reports)
}

func TestEffects(t *testing.T) {
	effects := func(r *report.Report, rule string) string {
		var all []string
		for _, f := range Judge(r.Observed()) {
			if f.Rule == rule {
				for _, e := range f.Effects {
					all = append(all, f.Host+":"+string(e))
				}
			}
		}
		return strings.Join(all, " ")
	}
	for _, c := range []struct {
		why    string
		report *report.Report
		rule   string
		want   string
	}{
		{"each host brings its preference", domain(report.MX{State: "ok"}, host("a", 10, v4), host("b", 20, v4)), "MX-04", "a:M.pref=10 b:M.pref=20"},
		{"an implicit MX has preference 0", domain(report.MX{State: "implicit"}, host("example.org", 0, v4)), "MX-05", "example.org:M.pref=0"},
		{"an alias", domain(report.MX{State: "ok"}, with(host("a", 10, v4), func(h *report.Host) { h.Canonical = "b.example.net" })), "MX-12", "a:noA+"},
		{"a dead name server is no validation failure", domain(report.MX{State: "ok"}, with(host("a", 10), noAddress("servfail"))), "MX-25", "a:prov"},
		{"a domain to be taken over", domain(report.MX{State: "ok", Unregistered: []string{"gone.net"}}, host("a.gone.net", 10)), "MX-16", "a.gone.net:cap F"},
	} {
		if got := effects(c.report, c.rule); got != c.want {
			t.Errorf("%s: %q, want %q", c.why, got, c.want)
		}
	}
}

func TestDifferencesNameTheFact(t *testing.T) {
	a := with(host("a", 10, v4), speaks("ok", "ok"))
	b := with(host("b", 20, v4), speaks("ok", "expired"))
	b.TLSA.State = "match"
	names, lines := differences([]*report.Host{a, b})
	if got := strings.Join(names, ", "); got != "valid certificate, DANE" {
		t.Errorf("they differ in %q", got)
	}
	if !slices.Contains(lines, "valid certificate: b: no") || !slices.Contains(lines, "DANE: a: none") {
		t.Errorf("lines %q", lines)
	}
}

// What the standard allows, or most senders put up with, fails nobody.
func TestNoFailure(t *testing.T) {
	alias := with(host("a", 10, v4), func(h *report.Host) { h.Canonical = "b.example.net" })
	for rule, r := range map[string]*report.Report{
		"MX-05": domain(report.MX{State: "implicit"}, host("example.org", 0, v4)),
		"MX-12": domain(report.MX{State: "ok"}, alias),
	} {
		i := slices.IndexFunc(Judge(r.Observed()), func(f report.Finding) bool { return f.Rule == rule })
		if i < 0 || Judge(r.Observed())[i].Verdict != report.Warn {
			t.Errorf("%s is no warning", rule)
		}
	}
}
