package mtasts

import (
	"slices"
	"strings"
	"testing"
	"time"

	"mxseal/checks/check/checktest"
	"mxseal/checks/report"
	"mxseal/checks/view"
)

// subject is a domain with a TXT record and a policy file, and hosts that keep it.
type subject struct {
	domain string
	txt    []string
	fetch  *report.Fetch
	raw    string
	hosts  []*report.Host
	rpt    string
	mx     string
	fail   *report.Failure
	alias  []report.Alias
	second *report.Fetch
	other  string
	past   *report.Past
	above  []string
	vacant []report.Vacant
}

func host(name, starttls, pkix string) *report.Host {
	a := &report.Address{IP: "198.41.0.4", Reachable: true, SMTP: &report.SMTP{STARTTLS: report.STARTTLS(starttls)}}
	if pkix != "" {
		a.Certificates = []*report.Certificate{{PKIX: report.PKIX(pkix), Via: "first"}}
	}
	return &report.Host{Name: name, Addresses: []*report.Address{a}}
}

func served() *report.Fetch { return &report.Fetch{Status: 200, ContentType: "text/plain"} }

const file = "version: STSv1\r\nmode: enforce\r\nmx: mx.example.com\r\nmax_age: 2419200\r\n"

// perfect is changed by each case.
func perfect(change func(*subject)) *report.Report {
	s := &subject{domain: "example.com", txt: []string{"v=STSv1; id=1"}, fetch: served(), raw: file,
		hosts: []*report.Host{host("mx.example.com", "ok", "ok")}, rpt: "ok", mx: "ok"}
	if change != nil {
		change(s)
	}
	m := &report.MTASTS{TXT: s.txt, TXTAlias: s.alias, Fetch: s.fetch, Raw: clean(s.raw), Failure: s.fail, Second: s.second, SecondRaw: s.other, AboveTXT: s.above, Vacant: s.vacant}
	conclude(m)
	return &report.Report{Meta: report.Meta{CheckedAt: now, Domain: s.domain}, Evidence: report.Evidence{Past: s.past, MX: &report.MX{State: report.MXState(s.mx)}, Hosts: s.hosts, MTASTS: m, TLSRPT: &report.TLSRPT{State: report.RPTState(s.rpt)}}}
}

func broken(phase report.Phase, kind report.Kind) *report.Fetch {
	return &report.Fetch{Failure: &report.Failure{Phase: phase, Kind: kind, Text: "it went wrong"}}
}

func replace(old, new string) func(*subject) {
	return func(s *subject) { s.raw = strings.Replace(s.raw, old, new, 1) }
}

func txt(records ...string) func(*subject) { return func(s *subject) { s.txt = records } }

func fetching(f *report.Fetch) func(*subject) { return func(s *subject) { s.fetch, s.raw = f, "" } }

func second(f *report.Fetch, raw string) func(*subject) {
	return func(s *subject) { s.second, s.other = f, raw }
}

var now = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

// policyOf is a policy of four weeks that was fetched a while ago.
func policyOf(id, file string, mode report.PolicyMode, ago time.Duration) *report.PastPolicy {
	m := &report.MTASTS{Raw: clean(file)}
	return &report.PastPolicy{ID: id, Mode: mode, MaxAge: 2419200, Digest: m.Digest(), FetchedAt: now.Add(-ago)}
}

// earlier is that policy as all that is remembered.
func earlier(id, file string, mode report.PolicyMode, ago time.Duration) func(*subject) {
	return func(s *subject) { s.past = &report.Past{Policy: policyOf(id, file, mode, ago)} }
}

func leadingTo(target string) []report.Alias {
	return []report.Alias{{Name: "mta-sts.example.com.", Target: target}}
}

func hosts(hs ...*report.Host) func(*subject) { return func(s *subject) { s.hosts = hs } }

const allGood = "STS-03 STS-20 STS-22 STS-24 STS-27 STS-40"

var cases = []struct {
	why    string
	report *report.Report
	state  string
	want   string
}{
	{"all in order", perfect(nil), "enforce", allGood},
	{"no record, no file", perfect(func(s *subject) { s.txt, s.fetch, s.raw = nil, nil, "" }), "absent", "STS-01"},
	{"no record, but a web server answers there", perfect(func(s *subject) { s.txt, s.fetch, s.raw = nil, &report.Fetch{Status: 404}, "" }), "absent", "STS-01"},
	{"no record, but a policy", perfect(txt()), "absent", "STS-02"},
	{"whether an alias leads into a domain that exists is not known", lost(perfect(nil), "NS", "gone.net"), "enforce", allGood + " STS-50"},
	{"whether the domain above has a policy is not known", lost(perfect(func(s *subject) { s.domain, s.txt, s.fetch, s.raw = "mail.example.com", nil, nil, "" }), "TXT", "_mta-sts.example.com"), "absent", "STS-01 STS-50"},
	{"whether there is a file without a record is not known", lost(perfect(func(s *subject) { s.txt, s.fetch, s.raw = nil, nil, "" }), "A", "mta-sts.example.com"), "absent", "STS-01 STS-50"},
	{"what stands at other addresses of the policy host is not known", lost(perfect(nil), "AAAA", "mta-sts.example.com"), "enforce", allGood + " STS-50"},
	{"an address of the policy host, which is silent", lost(perfect(func(s *subject) {
		s.fetch = &report.Fetch{Failure: &report.Failure{Phase: "address", Kind: "timeout"}}
		s.raw = ""
	}), "A", "mta-sts.example.com"), "absent", "STS-03 STS-45"},
	{"no record for a sub-domain", perfect(func(s *subject) { s.domain, s.txt, s.fetch, s.raw = "mail.example.com", nil, nil, "" }), "absent", "STS-01"},
	{"no record for a sub-domain of one that has a policy", perfect(func(s *subject) {
		s.domain, s.txt, s.fetch, s.raw, s.above = "mail.example.com", nil, nil, "", []string{"v=STSv1; id=1"}
	}), "absent", "STS-01 STS-39"},
	{"no record for a sub-domain of one whose record is none", perfect(func(s *subject) {
		s.domain, s.txt, s.fetch, s.raw, s.above = "mail.example.com", nil, nil, "", []string{"v=spf1 -all"}
	}), "absent", "STS-01"},
	{"two records", perfect(txt("v=STSv1; id=1", "v=STSv1; id=2")), "invalid", "STS-04 STS-20 STS-22 STS-24 STS-27"},
	{"another case", perfect(txt("v=stsv1; id=1")), "invalid", "STS-05 STS-20 STS-22 STS-24 STS-27"},
	{"a blank", perfect(txt("v=STSv1 ; id=1")), "enforce", "STS-03 STS-05 STS-20 STS-22 STS-24 STS-27 STS-40"},
	{"a blank, beside another record", perfect(txt("v=STSv1 ; id=1", "v=spf1 -all")), "invalid", "STS-05 STS-20 STS-22 STS-24 STS-27"},
	{"a blank, beside a right one", perfect(txt("v=STSv1 ; id=2", "v=STSv1; id=1")), "enforce", "STS-03 STS-43 STS-20 STS-22 STS-24 STS-27 STS-40"},
	{"a right one beside another record", perfect(txt("v=spf1 -all", "v=STSv1; id=1")), "enforce", allGood},
	{"a blank at the end", perfect(txt("v=STSv1; id=1 ")), "enforce", "STS-03 STS-44 STS-20 STS-22 STS-24 STS-27 STS-40"},
	{"blanks about the =", perfect(txt("v=STSv1; id = 1")), "invalid", "STS-06 STS-20 STS-22 STS-24 STS-27"},
	{"a no-break space", perfect(txt("v=STSv1;\u00a0id=1")), "invalid", "STS-06 STS-20 STS-22 STS-24 STS-27"},
	{"a bad id", perfect(txt("v=STSv1; id=2026-01-01")), "invalid", "STS-06 STS-20 STS-22 STS-24 STS-27"},
	{"an unknown field", perfect(txt("v=STSv1; id=1; a=b")), "enforce", "STS-03 STS-07 STS-20 STS-22 STS-24 STS-27 STS-40"},
	{"quotes", perfect(txt(`"v=STSv1; id=1"`)), "invalid", "STS-08 STS-20 STS-22 STS-24 STS-27"},
	{"no answer", perfect(func(s *subject) { s.txt, s.fail = nil, &report.Failure{Phase: "txt", Text: "SERVFAIL."} }), "absent", "STS-09"},
	{"no answer, and a policy host that is silent", perfect(func(s *subject) {
		fetching(broken("connect", "timeout"))(s)
		s.txt, s.fail = nil, &report.Failure{Phase: "txt", Text: "SERVFAIL."}
	}), "absent", "STS-09"},
	{"the policy host wants to be left alone", perfect(func(s *subject) {
		s.fetch, s.raw = broken("connect", "opted-out"), ""
		s.fail = s.fetch.Failure
	}), "absent", "STS-42"},
	{"no policy host", perfect(fetching(broken("address", "no-address"))), "invalid", "STS-03 STS-10"},
	{"a private policy host", perfect(fetching(broken("connect", "forbidden"))), "invalid", "STS-03 STS-11"},
	{"no connection", perfect(fetching(broken("connect", "refused"))), "invalid", "STS-03 STS-12"},
	{"no end", perfect(fetching(broken("http", "timeout"))), "absent", "STS-03 STS-45"},
	{"silence", perfect(fetching(broken("connect", "timeout"))), "absent", "STS-03 STS-45"},
	{"silence in the handshake", perfect(fetching(broken("handshake", "timeout"))), "absent", "STS-03 STS-45"},
	{"no way there from here", perfect(fetching(broken("connect", "unreachable"))), "absent", "STS-03 STS-45"},
	{"a trouble of our own", perfect(fetching(broken("connect", "exhausted"))), "absent", "STS-03 STS-45"},
	{"a trouble of our own in a conversation", perfect(fetching(broken("http", "exhausted"))), "absent", "STS-03 STS-45"},
	{"no answer about its address", perfect(fetching(broken("address", "servfail"))), "absent", "STS-03 STS-45"},
	{"the handshake is refused", perfect(fetching(broken("handshake", "failed"))), "invalid", "STS-03 STS-12"},
	{"the handshake is cut off", perfect(fetching(broken("handshake", "reset"))), "invalid", "STS-03 STS-12"},
	{"the answer breaks off", perfect(fetching(broken("http", "closed"))), "invalid", "STS-03 STS-12"},
	{"silence, and the record is none", perfect(func(s *subject) {
		fetching(broken("connect", "timeout"))(s)
		s.txt = []string{"v=STSv1; id="}
	}), "invalid", "STS-06"},
	{"silence, and no record", perfect(func(s *subject) {
		fetching(broken("connect", "timeout"))(s)
		s.txt = nil
	}), "absent", "STS-01"},
	{"silence over IPv4, another answer over IPv6", perfect(func(s *subject) {
		fetching(broken("http", "timeout"))(s)
		s.second = &report.Fetch{Status: 404}
	}), "absent", "STS-03 STS-45"},
	{"silence about a policy that senders remember", perfect(func(s *subject) {
		earlier("1", file, "enforce", time.Hour)(s)
		fetching(broken("connect", "timeout"))(s)
	}), "absent", "STS-03 STS-45"},
	{"certificate", perfect(func(s *subject) {
		s.fetch, s.raw = broken("certificate", "expired"), ""
		s.fetch.Certificate = &report.Certificate{Names: []string{"mta-sts.example.com"}}
	}), "invalid", "STS-03 STS-13"},
	{"old TLS", perfect(fetching(broken("handshake", "tls-version"))), "invalid", "STS-03 STS-14"},
	{"redirect", perfect(fetching(&report.Fetch{Status: 301, Location: "https://www.example.com/"})), "invalid", "STS-03 STS-15"},
	{"not found", perfect(fetching(&report.Fetch{Status: 404})), "invalid", "STS-03 STS-16"},
	{"media type", perfect(func(s *subject) { s.fetch.ContentType = "application/octet-stream" }), "enforce", "STS-03 STS-17 STS-20 STS-22 STS-24 STS-27 STS-40"},
	{"media type with a parameter", perfect(func(s *subject) { s.fetch.ContentType = "Text/Plain; charset=utf-8" }), "enforce", allGood},
	{"too large", perfect(func(s *subject) { s.fetch.TooLarge = true }), "invalid", "STS-03 STS-18"},
	{"a web page", perfect(replace(file, "<html>")), "invalid", "STS-03 STS-20"},
	{"an empty line", perfect(replace("mode", "\nmode")), "enforce", allGood},
	{"no version", perfect(replace("version: STSv1\r\n", "")), "invalid", "STS-03 STS-21 STS-20"},
	{"testing", perfect(replace("enforce", "testing")), "testing", "STS-03 STS-20 STS-22 STS-24 STS-27"},
	{"testing, and nobody listens", perfect(func(s *subject) { s.rpt = "absent"; replace("enforce", "testing")(s) }), "testing", "STS-03 STS-20 STS-22 STS-34 STS-24 STS-27"},
	{"none", perfect(replace("enforce", "none")), "none", "STS-03 STS-20 STS-22 STS-24"},
	{"no mode", perfect(replace("mode: enforce\r\n", "")), "invalid", "STS-03 STS-23 STS-20"},
	{"no max_age", perfect(replace("max_age: 2419200\r\n", "")), "invalid", "STS-03 STS-24 STS-20"},
	{"a day", perfect(replace("2419200", "86400")), "enforce", allGood},
	{"no mx", perfect(replace("mx: mx.example.com\r\n", "")), "invalid", "STS-03 STS-25 STS-20"},
	{"a malformed pattern beside a good one", perfect(replace("mx:", "mx: *\r\nmx:")), "enforce", "STS-03 STS-26 STS-20 STS-22 STS-24 STS-27 STS-40"},
	{"a host outside the policy", perfect(hosts(host("mx.example.com", "ok", "ok"), host("mx2.example.com", "ok", "ok"))), "enforce", "STS-03 STS-20 STS-22 STS-24 STS-27 STS-28"},
	{"no STARTTLS", perfect(hosts(host("mx.example.com", "not-offered", ""))), "enforce", "STS-03 STS-20 STS-22 STS-24 STS-27 STS-29"},
	{"certificate expired", perfect(hosts(host("mx.example.com", "ok", "expired"))), "enforce", "STS-03 STS-20 STS-22 STS-24 STS-27 STS-29"},
	{"a host that does not answer keeps nothing and breaks nothing", perfect(hosts(&report.Host{Name: "mx.example.com", Addresses: []*report.Address{{IP: "198.41.0.4"}}})), "enforce", "STS-03 STS-20 STS-22 STS-24 STS-27"},
	{"a spare pattern", perfect(replace("mx:", "mx: old.example.com\r\nmx:")), "enforce", "STS-03 STS-20 STS-22 STS-24 STS-27 STS-30 STS-40"},
	{"a wildcard of the mail domain", perfect(replace("mx.example.com", "*.example.com")), "enforce", "STS-03 STS-20 STS-22 STS-24 STS-31 STS-27 STS-40"},
	{"a wildcard of a provider", perfect(func(s *subject) {
		replace("mx.example.com", "*.mail.example.net")(s)
		hosts(host("a.mail.example.net", "ok", "ok"))(s)
	}), "enforce", allGood},
	{"a wildcard one label short", perfect(func(s *subject) {
		replace("mx.example.com", "*.mx.cloud.example.net")(s)
		hosts(host("tenant.h-v1.mx.cloud.example.net", "ok", "ok"))(s)
	}), "enforce", "STS-03 STS-20 STS-22 STS-24 STS-28"},
	{"a wildcard of a top-level domain", perfect(replace("mx.example.com", "*.com")), "invalid", "STS-03 STS-31 STS-20"},
	{"two modes", perfect(replace("max_age", "mode: none\r\nmax_age")), "enforce", "STS-03 STS-32 STS-20 STS-22 STS-24 STS-27 STS-40"},
	{"an unknown line", perfect(replace("max_age", "note: x\r\nmax_age")), "enforce", "STS-03 STS-33 STS-20 STS-22 STS-24 STS-27 STS-40"},
	{"the record is delegated, the file is not", perfect(func(s *subject) { s.alias = []report.Alias{{}} }), "enforce", "STS-03 STS-38 STS-20 STS-22 STS-24 STS-27 STS-40"},
	{"both are delegated", perfect(func(s *subject) { s.alias, s.fetch.Alias = []report.Alias{{}}, []report.Alias{{}} }), "enforce", allGood},
	{"DANE is broken", perfect(func(s *subject) { s.hosts[0].TLSA.State = "mismatch" }), "enforce", allGood + " STS-41"},
	{"an alias into a domain that does not exist", perfect(func(s *subject) {
		s.vacant = []report.Vacant{{Of: "_mta-sts.example.com", Name: "a.gone.net", Domain: "gone.net"}}
	}), "enforce", "STS-47 " + allGood},
	{"the same without a record", perfect(func(s *subject) {
		s.txt, s.fetch, s.raw = nil, nil, ""
		s.vacant = []report.Vacant{{Of: "_mta-sts.example.com", Name: "a.gone.net", Domain: "gone.net"}}
	}), "absent", "STS-47 STS-01"},
	{"an alias of a host that does not know the name", perfect(func(s *subject) {
		fetching(&report.Fetch{Status: 404, Alias: leadingTo("pages.example.net.")})(s)
		s.alias = leadingTo("a.example.net.")
	}), "invalid", "STS-03 STS-16 STS-48"},
	{"an alias of a host with another certificate", perfect(func(s *subject) {
		s.fetch, s.raw = broken("certificate", "name-mismatch"), ""
		s.fetch.Alias, s.alias = leadingTo("pages.example.net."), leadingTo("a.example.net.")
	}), "invalid", "STS-03 STS-13 STS-48"},
	{"an alias of a host whose certificate has expired", perfect(func(s *subject) {
		s.fetch, s.raw = broken("certificate", "expired"), ""
		s.fetch.Alias, s.alias = leadingTo("pages.example.net."), leadingTo("a.example.net.")
	}), "invalid", "STS-03 STS-13"},
	{"an alias of a host of one's own without a file", perfect(func(s *subject) {
		fetching(&report.Fetch{Status: 404, Alias: leadingTo("www.example.com.")})(s)
	}), "invalid", "STS-03 STS-16"},
	{"the policy host's certificate ends in a week", perfect(func(s *subject) {
		s.fetch.Certificate = &report.Certificate{NotBefore: now.AddDate(0, 0, -83), NotAfter: now.AddDate(0, 0, 7)}
	}), "enforce", "STS-03 STS-49 STS-20 STS-22 STS-24 STS-27 STS-40"},
	{"the policy host's certificate of six days ends in two", perfect(func(s *subject) {
		s.fetch.Certificate = &report.Certificate{NotBefore: now.AddDate(0, 0, -4), NotAfter: now.AddDate(0, 0, 2)}
	}), "enforce", allGood},
	{"a domain without mail", perfect(func(s *subject) { s.mx = "null" }), "enforce", ""},
	{"the same over IPv6", perfect(second(&report.Fetch{Address: "2001:503::1", Status: 200, ContentType: "text/plain"}, "")), "enforce", allGood},
	{"both without a file", perfect(func(s *subject) {
		fetching(&report.Fetch{Status: 404})(s)
		s.second = &report.Fetch{Status: 404}
	}), "invalid", "STS-03 STS-16"},
	{"no file over IPv6", perfect(second(&report.Fetch{Status: 404}, "")), "enforce", allGood + " STS-19"},
	{"a file over IPv6 alone", perfect(func(s *subject) {
		fetching(&report.Fetch{Status: 404})(s)
		second(served(), clean(file))(s)
	}), "invalid", "STS-03 STS-16 STS-19"},
	{"another certificate over IPv6", perfect(second(broken("certificate", "expired"), "")), "enforce", allGood + " STS-19"},
	{"no connection over IPv6", perfect(second(broken("connect", "refused"), "")), "enforce", allGood + " STS-19"},
	{"no answer over IPv6", perfect(second(broken("connect", "timeout"), "")), "enforce", allGood},
	{"no connection over either", perfect(func(s *subject) {
		fetching(broken("connect", "refused"))(s)
		s.second = broken("connect", "reset")
	}), "invalid", "STS-03 STS-12"},
	{"an older file over IPv6", perfect(second(served(), strings.Replace(clean(file), "enforce", "testing", 1))), "enforce", allGood + " STS-19"},
	{"an empty file over IPv6", perfect(second(served(), "\n")), "enforce", allGood + " STS-19"},
	{"a file over IPv6 that leaves the host out", perfect(second(served(), strings.Replace(clean(file), "mx.example", "old.example", 1))), "enforce", allGood + " STS-19 STS-19"},

	{"as before", perfect(earlier("1", file, "enforce", time.Hour)), "enforce", allGood},
	{"a new file under the old id", perfect(earlier("1", "former", "enforce", time.Hour)), "enforce", allGood + " STS-35"},
	{"a new file under the old id, which all have forgotten", perfect(earlier("1", "former", "enforce", 29*24*time.Hour)), "enforce", allGood},
	{"a new file and a new id", perfect(earlier("0", "former", "enforce", time.Hour)), "enforce", allGood},
	{"a new id for the old file", perfect(earlier("0", file, "enforce", time.Hour)), "enforce", allGood + " STS-36"},
	{"changed twice under one id, at last to what was announced", perfect(func(s *subject) {
		earlier("1", "between", "enforce", time.Hour)(s)
		s.past.Announced = policyOf("1", file, "enforce", 2*time.Hour)
	}), "enforce", allGood},
	{"changed long after it was announced: senders hold the first text", perfect(func(s *subject) {
		earlier("1", file, "enforce", time.Hour)(s)
		s.past.Announced = policyOf("1", "former", "enforce", 24*time.Hour)
	}), "enforce", allGood + " STS-35"},
	{"the record is gone", perfect(func(s *subject) {
		earlier("1", file, "enforce", time.Hour)(s)
		s.txt, s.fetch, s.raw = nil, nil, ""
	}), "absent", "STS-01 STS-37"},
	{"the record is gone, and nobody remembers", perfect(func(s *subject) {
		earlier("1", file, "enforce", 29*24*time.Hour)(s)
		s.txt, s.fetch, s.raw = nil, nil, ""
	}), "absent", "STS-01"},
	{"a policy for testing is gone", perfect(func(s *subject) {
		earlier("1", file, "testing", time.Hour)(s)
		s.txt, s.fetch, s.raw = nil, nil, ""
	}), "absent", "STS-01"},
	{"the file is gone", perfect(func(s *subject) {
		earlier("1", file, "enforce", time.Hour)(s)
		fetching(&report.Fetch{Status: 404})(s)
	}), "invalid", "STS-03 STS-16 STS-37"},
	{"the file is spoilt: that is another fault", perfect(func(s *subject) {
		earlier("1", file, "enforce", time.Hour)(s)
		replace(file, "<html>")(s)
	}), "invalid", "STS-03 STS-20"},
	{"no answer today, a policy before", perfect(func(s *subject) {
		earlier("1", file, "enforce", time.Hour)(s)
		s.txt, s.fail = nil, &report.Failure{Phase: "txt", Text: "SERVFAIL."}
	}), "absent", "STS-09"},
	{"mode none, as one leaves", perfect(func(s *subject) {
		earlier("0", file, "enforce", time.Hour)(s)
		replace("enforce", "none")(s)
	}), "none", "STS-03 STS-20 STS-22 STS-24"},
	{"nothing gathered", &report.Report{Meta: report.Meta{Domain: "example.com"}}, "", ""},
}

func TestJudge(t *testing.T) {
	for _, c := range cases {
		var got []string
		for _, f := range Judge(c.report.Observed()) {
			got = append(got, f.Rule)
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%s: %s, want %s", c.why, s, c.want)
		}
		if m := c.report.MTASTS; m != nil && string(m.State) != c.state {
			t.Errorf("%s: state %s, want %s", c.why, m.State, c.state)
		}
		if m := c.report.MTASTS; m != nil && (m.Error != "") != (m.State == "invalid") {
			t.Errorf("%s: state %s with the error %q", c.why, m.State, m.Error)
		}
	}
}

// lost is the same report with a question of the check that got no answer.
func lost(r *report.Report, kind, name string) *report.Report {
	r.Unanswered = append(r.Unanswered, report.Question{Check: "mta-sts", Name: name, Type: kind, Kind: "timeout"})
	return r
}

// Every rule applies in some case and not in another, and is told in whole sentences.
func TestEveryRuleIsCovered(t *testing.T) {
	var reports []*report.Report
	for _, c := range cases {
		reports = append(reports, c.report)
	}
	checktest.Rules(t, Check, reports)
}

// The facts of the matrix and the verdicts where a rule knows more than one.
func TestVerdictsAndFacts(t *testing.T) {
	for _, c := range []struct {
		why     string
		report  *report.Report
		rule    string
		verdict report.Verdict
		effects string
		fixed   string
	}{
		{"enforced", perfect(nil), "STS-22", report.Pass, "D.sts=enforce", ""},
		{"testing", perfect(replace("enforce", "testing")), "STS-22", report.Warn, "D.sts=testing", "D.sts=enforce"},
		{"none", perfect(replace("enforce", "none")), "STS-22", report.Info, "D.sts=none", "D.sts=enforce"},
		{"no answer about the record", perfect(func(s *subject) { s.txt, s.fail = nil, &report.Failure{Phase: "txt", Text: "SERVFAIL."} }), "STS-09", report.Untested, "D.sts=absent prov", ""},
		{"silence", perfect(fetching(broken("connect", "timeout"))), "STS-45", report.Untested, "D.sts=absent prov", ""},
		{"enforced, but the record is invalid", perfect(txt("v=STSv1; id=")), "STS-22", report.Pass, "", ""},
		{"the record is invalid", perfect(txt("v=STSv1; id=")), "STS-06", report.Fail, "D.sts=invalid", "D.sts=enforce D.stsLong=true"},
		{"the record is invalid, the policy testing", perfect(func(s *subject) { s.txt = []string{"v=STSv1; id="}; replace("enforce", "testing")(s) }), "STS-06", report.Fail, "D.sts=invalid", "D.sts=testing D.stsLong=true"},
		{"the blank is tolerated", perfect(txt("v=STSv1 ; id=1")), "STS-05", report.Warn, "", ""},
		{"weeks", perfect(nil), "STS-24", report.Pass, "D.stsLong=true", ""},
		{"a week", perfect(replace("2419200", "604800")), "STS-24", report.Pass, "D.stsLong=true", ""},
		{"less than a week", perfect(replace("2419200", "604799")), "STS-24", report.Warn, "D.stsLong=true noA+", "D.stsLong=true"},
		{"less than a day", perfect(replace("2419200", "86399")), "STS-24", report.Warn, "D.stsLong=false noA+", "D.stsLong=true"},
		{"more than a year", perfect(replace("2419200", "31557601")), "STS-24", report.Fail, "D.stsLong=true", ""},
		{"no number", perfect(replace("2419200", "4w")), "STS-24", report.Fail, "D.sts=invalid", "D.sts=enforce D.stsLong=true M.sts=true"},
		{"an empty line", perfect(replace("mode", "\nmode")), "STS-20", report.Warn, "", ""},
		{"a web page", perfect(replace(file, "<html>")), "STS-20", report.Fail, "D.sts=invalid", "D.sts=enforce D.stsLong=true M.sts=true"},
		{"a covered host", perfect(nil), "STS-27", report.Pass, "M.sts=true", ""},
		{"an uncovered host", perfect(hosts(host("b.example.com", "ok", "ok"))), "STS-28", report.Fail, "M.sts=false", "M.sts=true"},
		{"an uncovered host while testing", perfect(func(s *subject) {
			s.raw = strings.Replace(file, "enforce", "testing", 1)
			s.hosts[0].Name = "b.example.com"
		}), "STS-28", report.Warn, "M.sts=false", "M.sts=true"},
		{"a host in breach: the certificate's own findings carry the facts", perfect(hosts(host("mx.example.com", "ok", "expired"))), "STS-29", report.Fail, "", ""},
		{"no file over IPv6", perfect(second(&report.Fetch{Status: 404}, "")), "STS-19", report.Warn, "D.sts=invalid", "D.sts=enforce D.stsLong=true"},
		{"no connection over IPv6", perfect(second(broken("connect", "refused"), "")), "STS-19", report.Warn, "", ""},
		{"an older file over IPv6", perfect(second(served(), strings.NewReplacer("enforce", "testing", "2419200", "3600").Replace(clean(file)))), "STS-19", report.Warn, "D.sts=testing D.stsLong=false", "D.sts=enforce D.stsLong=true"},
		{"no policy at all over IPv6", perfect(second(served(), "<html>")), "STS-19", report.Warn, "D.sts=invalid", "D.sts=enforce D.stsLong=true"},
		{"a file over IPv6 alone: the first fetch has said it", perfect(func(s *subject) {
			fetching(&report.Fetch{Status: 404})(s)
			second(served(), clean(file))(s)
		}), "STS-19", report.Warn, "", ""},
		{"a new file under the old id", perfect(earlier("1", "former", "enforce", time.Hour)), "STS-35", report.Fail, "noA+", ""},
		{"no record, a policy that covers all", perfect(txt()), "STS-02", report.Warn, "D.sts=absent", "D.sts=enforce D.stsLong=true M.sts=true"},
		{"no record, a policy that does not", perfect(func(s *subject) { s.txt = nil; s.hosts[0].Name = "b.example.com" }), "STS-02", report.Warn, "D.sts=absent", "D.sts=enforce D.stsLong=true"},
	} {
		findings := Judge(c.report.Observed())
		i := slices.IndexFunc(findings, func(f report.Finding) bool { return f.Rule == c.rule })
		if i < 0 {
			t.Errorf("%s: no %s", c.why, c.rule)
			continue
		}
		f := findings[i]
		if f.Verdict != c.verdict || join(f.Effects) != c.effects || join(f.Fixed) != c.fixed {
			t.Errorf("%s: %s %q, fixed %q; want %s %q, %q", c.why, f.Verdict, join(f.Effects), join(f.Fixed), c.verdict, c.effects, c.fixed)
		}
	}
}

func join(effects []report.Effect) string {
	var all []string
	for _, e := range effects {
		all = append(all, string(e))
	}
	return strings.Join(all, " ")
}

func TestResultCodes(t *testing.T) {
	for _, c := range []struct{ starttls, pkix, want string }{
		{"ok", "ok", ""},
		{"not-offered", "", "starttls-not-supported"},
		{"refused", "", "starttls-not-supported"},
		{"handshake-failed", "", "validation-failure"},
		{"ok", "expired", "certificate-expired"},
		{"ok", "name-mismatch", "certificate-host-mismatch"},
		{"ok", "self-signed", "certificate-not-trusted"},
		{"ok", "incomplete", "certificate-not-trusted"},
		{"untested", "", ""},
	} {
		if got := breach(host("mx", c.starttls, c.pkix).Addresses[0]); got != c.want {
			t.Errorf("%s, %s: %q, want %q", c.starttls, c.pkix, got, c.want)
		}
	}
	a := host("mx", "ok", "ok").Addresses[0]
	a.Certificates = append(a.Certificates, &report.Certificate{PKIX: "name-mismatch", Via: "no-sni"})
	if got := breach(a); got != "" {
		t.Errorf("what is served without SNI counts: %q", got)
	}
}

// Who takes a wildcard for more labels than one, or a name for all below it, is told what to
// write instead; the line is not called left over.
func TestALineThatMissesByLabels(t *testing.T) {
	for _, c := range []struct {
		why, line, host string
		want            string // in the fix; empty where nothing is said
		text            string
	}{
		{"two labels below", "*.mx.cloud.test", "tenant.h-v1.mx.cloud.test", "write mx: *.h-v1.mx.cloud.test, or mx: tenant.h-v1.mx.cloud.test", "exactly one label"},
		{"three labels below", "*.cloud.test", "tenant.h-v1.mx.cloud.test", "write mx: *.h-v1.mx.cloud.test,", "has 3 in front"},
		{"upper case and a final dot", "*.MX.Cloud.Test", "Tenant.H-V1.mx.cloud.test.", "write mx: *.h-v1.mx.cloud.test,", "exactly one label"},
		{"the base of the wildcard itself", "*.mx.cloud.test", "mx.cloud.test", "write mx: mx.cloud.test in", "has none in front"},
		{"a name taken for all below it", "mx.cloud.test", "tenant.mx.cloud.test", "write mx: tenant.mx.cloud.test in", "that name alone"},
		{"no wildcard right under the mail domain", "*.com", "a.b.com", "", ""},
		{"not below the mail domain either", "*.example.com", "a.b.example.com", "write mx: *.b.example.com,", "exactly one label"},
		{"the mail domain is not to be widened to", "*.mail.example.com", "mail.example.com", "write mx: mail.example.com in", "has none"},
		{"a sibling is another server", "old.cloud.test", "mx.cloud.test", "Add the line mx: mx.cloud.test in", ""},
		{"a name that only ends alike", "*.mx.cloud.test", "a.notmx.cloud.test", "Add the line", ""},
		{"one label too many", "a.mx.cloud.test", "mx.cloud.test", "Add the line", ""},
	} {
		r := perfect(func(s *subject) {
			replace("mx.example.com", c.line)(s)
			hosts(host(c.host, "ok", "ok"))(s)
		})
		said := false
		for _, f := range Judge(r.Observed()) {
			f.Explain(Rules.Find(f.Rule), r.Domain, view.Say)
			switch f.Rule {
			case "STS-28":
				said = true
				if !strings.Contains(f.FixText, c.want) || !strings.Contains(f.Text, c.text) {
					t.Errorf("%s: %q %q", c.why, f.Text, f.FixText)
				}
			case "STS-30":
				if c.text != "" {
					t.Errorf("%s: %s", c.why, f.Text)
				}
			}
		}
		if !said && c.want != "" {
			t.Errorf("%s: not a word", c.why)
		}
	}
}
