package grade

import (
	"fmt"
	"strings"
	"testing"

	"mxseal/checks/report"
)

func (r row) String() string {
	return strings.Trim(fmt.Sprint([6]report.Outcome(r)), "[]")
}

// Every line of RULES 3.3, those before the last one of each table with a state that would
// come out differently on the line below.
func TestDecisionTable(t *testing.T) {
	signed := Facts{MXDNS: report.Secure}
	unsigned := Facts{MXDNS: report.Insecure}
	enforce := Facts{MXDNS: report.Insecure, STS: Enforce, STSLong: true}
	short := Facts{MXDNS: report.Insecure, STS: Enforce}
	host := func(tls TLS, tlsa TLSA, traits string) HostFacts {
		m := HostFacts{Addr: report.Insecure, TLS: tls, TLSA: tlsa, Reach: true}
		for _, trait := range strings.Fields(traits) {
			switch trait {
			case "forced":
				m.Forced = true
			case "pkix":
				m.PKIX = true
			case "sts":
				m.STS = true
			case "rtls":
				m.RTLS = true
			case "signed":
				m.Addr = report.Secure
			case "bogus":
				m.Addr = report.Bogus
			case "alias": // signed, to an unsigned address
				m.Addr, m.Unsigned = report.Secure, true
			}
		}
		return m
	}
	for _, c := range []struct {
		line   string
		domain Facts
		host   HostFacts
		sender report.Sender
		want   string
	}{
		{"OPP 1", unsigned, host(TLSOK, NoTLSA, "forced"), S1, "ENC ENC DEFER STOLEN STOLEN STOLEN"},
		{"OPP 2", unsigned, host(TLSOK, NoTLSA, ""), S1, "ENC ENC CLEAR STOLEN STOLEN STOLEN"},
		{"OPP 3", unsigned, host(TLSNo, NoTLSA, "forced"), S1, "DEFER DEFER DEFER STOLEN STOLEN STOLEN"},
		{"OPP 4", unsigned, host(TLSNo, NoTLSA, ""), S1, "CLEAR CLEAR CLEAR STOLEN STOLEN STOLEN"},
		{"OPP 4, legacy is not ok", unsigned, host(TLSLegacy, NoTLSA, ""), S1, "CLEAR CLEAR CLEAR STOLEN STOLEN STOLEN"},
		{"OPP 2, legacy is ok for S1L", unsigned, host(TLSLegacy, NoTLSA, ""), S1L, "ENC ENC CLEAR STOLEN STOLEN STOLEN"},
		{"OPP 4, no is not ok for S1L", unsigned, host(TLSNo, NoTLSA, ""), S1L, "CLEAR CLEAR CLEAR STOLEN STOLEN STOLEN"},

		{"S0 1", unsigned, host(TLSOK, NoTLSA, "forced"), S0, "DEFER DEFER DEFER STOLEN STOLEN STOLEN"},
		{"S0 2", unsigned, host(TLSOK, NoTLSA, ""), S0, "CLEAR CLEAR CLEAR STOLEN STOLEN STOLEN"},

		{"S2 1, MX bogus", Facts{MXDNS: report.Bogus}, host(TLSOK, Match, "signed"), S2, "DEFER DEFER DEFER DEFER DEFER DEFER"},
		{"S2 1, address bogus", signed, host(TLSOK, Match, "bogus"), S2, "DEFER DEFER DEFER DEFER DEFER DEFER"},
		{"S2 1, lenient, address bogus behind unsigned MX", unsigned, host(TLSOK, NoTLSA, "bogus"), S2L, "DEFER DEFER DEFER DEFER DEFER DEFER"},
		{"S2 2, mismatch", signed, host(TLSOK, Mismatch, "signed"), S2, "DEFER DEFER DEFER DEFER DEFER DEFER"},
		{"S2 2, lookupfail", signed, host(TLSOK, LookupFail, "signed"), S2, "DEFER DEFER DEFER DEFER DEFER DEFER"},
		{"S2 2, lenient behind unsigned MX", unsigned, host(TLSOK, Mismatch, "signed"), S2L, "DEFER DEFER DEFER DEFER STOLEN STOLEN"},
		{"S2 3", signed, host(TLSOK, Match, "signed"), S2, "AUTH AUTH DEFER DEFER DEFER DEFER"},
		{"S2 3, lenient behind unsigned MX", unsigned, host(TLSOK, Match, "signed"), S2L, "AUTH AUTH DEFER DEFER STOLEN STOLEN"},
		{"S2 4", signed, host(TLSNo, Match, "signed"), S2, "DEFER DEFER DEFER DEFER DEFER DEFER"},
		{"S2 4, legacy", signed, host(TLSLegacy, Match, "signed"), S2, "DEFER DEFER DEFER DEFER DEFER DEFER"},
		{"S2 4, lenient behind unsigned MX", unsigned, host(TLSNo, Match, "signed"), S2L, "DEFER DEFER DEFER DEFER STOLEN STOLEN"},
		{"S2 5", signed, host(TLSOK, Unusable, "signed"), S2, "ENC ENC DEFER STOLEN DEFER STOLEN"},
		{"S2 5, not ok", signed, host(TLSNo, Unusable, "signed"), S2, "DEFER DEFER DEFER STOLEN DEFER STOLEN"},
		{"S2 5, lenient behind unsigned MX", unsigned, host(TLSOK, Unusable, "signed"), S2L, "ENC ENC DEFER STOLEN STOLEN STOLEN"},
		{"S2 6, no TLSA", signed, host(TLSOK, NoTLSA, "signed"), S2, "ENC ENC CLEAR STOLEN DEFER STOLEN"},
		{"S2 6, address unsigned", signed, host(TLSOK, Match, ""), S2, "ENC ENC CLEAR STOLEN STOLEN STOLEN"},
		{"S2 2, signed alias of an unsigned host", signed, host(TLSOK, Mismatch, "alias"), S2, "DEFER DEFER DEFER DEFER DEFER DEFER"},
		{"S2 2, signed alias of an unsigned host, the look-up fails", signed, host(TLSOK, LookupFail, "alias"), S2, "DEFER DEFER DEFER DEFER DEFER DEFER"},
		{"S2 3, signed alias of an unsigned host: the key holds a forged address back", signed, host(TLSOK, Match, "alias"), S2, "AUTH AUTH DEFER DEFER DEFER DEFER"},
		{"S2 4, signed alias of an unsigned host", signed, host(TLSNo, Match, "alias"), S2, "DEFER DEFER DEFER DEFER DEFER DEFER"},
		{"S2 5, signed alias of an unsigned host: no key to demand", signed, host(TLSOK, Unusable, "alias"), S2, "ENC ENC DEFER STOLEN STOLEN STOLEN"},
		{"S2 6, signed alias of an unsigned host: a forged address leads astray", signed, host(TLSOK, NoTLSA, "alias"), S2, "ENC ENC CLEAR STOLEN STOLEN STOLEN"},
		{"S2 3, the same behind unsigned MX", unsigned, host(TLSOK, Match, "alias"), S2L, "AUTH AUTH DEFER DEFER STOLEN STOLEN"},
		{"S2 6, strict behind unsigned MX", unsigned, host(TLSOK, Match, "signed"), S2, "ENC ENC CLEAR STOLEN STOLEN STOLEN"},
		{"S2 6, address unsigned, lenient too", unsigned, host(TLSOK, Match, ""), S2L, "ENC ENC CLEAR STOLEN STOLEN STOLEN"},

		{"S3 1, testing", Facts{STS: Testing, STSLong: true}, host(TLSOK, NoTLSA, "pkix sts"), S3, "ENC ENC CLEAR STOLEN STOLEN STOLEN"},
		{"S3 2", enforce, host(TLSOK, NoTLSA, "pkix sts"), S3, "AUTH AUTH DEFER DEFER DEFER STOLEN"},
		{"S3 2, forgotten within a day", short, host(TLSOK, NoTLSA, "pkix sts"), S3, "AUTH AUTH DEFER DEFER STOLEN STOLEN"},
		{"S3 2, first contact", enforce, host(TLSOK, NoTLSA, "pkix sts"), S3C, "AUTH AUTH DEFER DEFER STOLEN STOLEN"},
		{"S3 3, not in the policy", enforce, host(TLSOK, NoTLSA, "pkix"), S3, "DEFER DEFER DEFER DEFER DEFER STOLEN"},
		{"S3 3, no certificate", enforce, host(TLSOK, NoTLSA, "sts"), S3, "DEFER DEFER DEFER DEFER DEFER STOLEN"},
		{"S3 3, no TLS", short, host(TLSNo, NoTLSA, "pkix sts"), S3, "DEFER DEFER DEFER DEFER STOLEN STOLEN"},
		{"S3 3, first contact", enforce, host(TLSNo, NoTLSA, "pkix sts"), S3C, "DEFER DEFER DEFER DEFER STOLEN STOLEN"},

		{"S4 1", unsigned, host(TLSOK, NoTLSA, "pkix"), S4, "AUTH AUTH DEFER DEFER STOLEN STOLEN"},
		{"S4 2, no certificate", unsigned, host(TLSOK, NoTLSA, ""), S4, "DEFER DEFER DEFER DEFER STOLEN STOLEN"},
		{"S4 2, legacy", unsigned, host(TLSLegacy, NoTLSA, "pkix"), S4, "DEFER DEFER DEFER DEFER STOLEN STOLEN"},

		{"S5 1, mismatch", signed, host(TLSOK, Mismatch, "signed pkix rtls"), S5, "DEFER DEFER DEFER DEFER DEFER DEFER"},
		{"S5 1, bogus", Facts{MXDNS: report.Bogus, STS: Enforce}, host(TLSOK, NoTLSA, "pkix sts rtls"), S5, "DEFER DEFER DEFER DEFER DEFER DEFER"},
		{"S5 2, DANE", signed, host(TLSOK, Match, "signed rtls"), S5, "AUTH AUTH DEFER DEFER DEFER DEFER"},
		{"S5 2, signed MX, public certificate", signed, host(TLSOK, NoTLSA, "pkix rtls"), S5, "AUTH AUTH DEFER DEFER DEFER STOLEN"},
		{"S5 2, MTA-STS", enforce, host(TLSOK, NoTLSA, "pkix sts rtls"), S5, "AUTH AUTH DEFER DEFER DEFER STOLEN"},
		{"S5 2, MTA-STS, unusable TLSA changes nothing", enforce, host(TLSOK, Unusable, "signed pkix sts rtls"), S5, "AUTH AUTH DEFER DEFER DEFER STOLEN"},
		{"S5 3, not offered", signed, host(TLSOK, Match, "signed pkix"), S5, "DEFER DEFER DEFER DEFER DEFER DEFER"},
		{"S5 3, no TLS", signed, host(TLSNo, NoTLSA, "pkix rtls"), S5, "DEFER DEFER DEFER DEFER DEFER STOLEN"},
		{"S5 3, MX not valid", unsigned, host(TLSOK, Match, "signed pkix rtls"), S5, "DEFER DEFER DEFER DEFER DEFER STOLEN"},
		{"S5 3, host not in the policy", enforce, host(TLSOK, NoTLSA, "pkix rtls"), S5, "DEFER DEFER DEFER DEFER DEFER STOLEN"},
		{"S5 3, testing does not count", Facts{STS: Testing}, host(TLSOK, NoTLSA, "pkix sts rtls"), S5, "DEFER DEFER DEFER DEFER DEFER STOLEN"},
		{"S5 3, no certificate", signed, host(TLSOK, NoTLSA, "rtls"), S5, "DEFER DEFER DEFER DEFER DEFER STOLEN"},

		{"S6, DANE", signed, host(TLSOK, Match, "signed"), S6, "AUTH AUTH DEFER DEFER DEFER DEFER"},
		{"S6, DANE broken, MTA-STS must not override", Facts{MXDNS: report.Secure, STS: Enforce, STSLong: true}, host(TLSOK, Mismatch, "signed pkix sts"), S6, "DEFER DEFER DEFER DEFER DEFER DEFER"},
		{"S6, else MTA-STS", enforce, host(TLSOK, Match, "signed pkix sts"), S6, "AUTH AUTH DEFER DEFER DEFER STOLEN"},
	} {
		if got := decide(c.domain, c.host, c.sender).String(); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.line, got, c.want)
		}
	}
}

func TestDeliveryToSeveralHosts(t *testing.T) {
	enforce := func(hosts ...HostFacts) Facts {
		return Facts{MXDNS: report.Insecure, STS: Enforce, STSLong: true, Hosts: hosts}
	}
	good := func(pref int) HostFacts { return HostFacts{Pref: pref, TLS: TLSOK, PKIX: true, STS: true, Reach: true} }
	bad := func(pref int) HostFacts { return HostFacts{Pref: pref, TLS: TLSOK, Reach: true} }
	plain := func(pref int) HostFacts { return HostFacts{Pref: pref, TLS: TLSNo, Reach: true} }
	gone := func(pref int) HostFacts { return HostFacts{Pref: pref, TLS: TLSNo} }
	for _, c := range []struct {
		why    string
		facts  Facts
		sender report.Sender
		want   string
	}{
		{"A0 passes over a host that defers", enforce(bad(10), good(20)), S3, "AUTH AUTH DEFER DEFER DEFER STOLEN"},
		{"A0: the first preference decides, A1: mail meets every host", enforce(bad(10), plain(20)), S1, "ENC CLEAR CLEAR STOLEN STOLEN STOLEN"},
		{"the order is that of the preferences, not of the list", enforce(plain(20), bad(10)), S1, "ENC CLEAR CLEAR STOLEN STOLEN STOLEN"},
		{"A0: of equal preferences the worst", enforce(bad(10), plain(10)), S1, "CLEAR CLEAR CLEAR STOLEN STOLEN STOLEN"},
		{"A0: two equal backups are no part of the first preference", enforce(bad(10), bad(20), plain(20)), S1, "ENC CLEAR CLEAR STOLEN STOLEN STOLEN"},
		{"A0: a level of mixed outcomes drops the deferring host", enforce(bad(10), good(10)), S3, "AUTH AUTH DEFER DEFER DEFER STOLEN"},
		{"all defer", enforce(bad(10), bad(20)), S3, "DEFER DEFER DEFER DEFER DEFER STOLEN"},
		{"a host that was not reached does not count", enforce(gone(5), good(10)), S1, "ENC ENC CLEAR STOLEN STOLEN STOLEN"},
	} {
		if got := delivery(c.facts, c.sender).String(); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.why, got, c.want)
		}
	}
}

func TestSendersAndAttackersAreComplete(t *testing.T) {
	if len(Attackers) != len(row{}) {
		t.Errorf("%d attackers, a row has %d places", len(Attackers), len(row{}))
	}
	seen := map[string]bool{}
	for _, s := range Senders {
		if s.Name == "" || s.Does == "" || seen[string(s.ID)] || seen[s.Name] {
			t.Errorf("sender %+v: nameless or twice", s)
		}
		seen[string(s.ID)], seen[s.Name] = true, true
	}
	for i, a := range Attackers {
		if a.Name == "" || a.Can == "" || string(a.ID) != fmt.Sprintf("A%d", i) {
			t.Errorf("attacker %d is %+v", i, a)
		}
	}
}
