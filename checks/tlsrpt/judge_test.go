package tlsrpt

import (
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"mxseal/checks/check/checktest"
	"mxseal/checks/internal/resolve"
	"mxseal/checks/report"
)

// domain is a report about example.com with these TXT records; look says what became of
// the look-up of each address.
func domain(look func(*report.Target), txts ...string) *report.Report {
	t := &report.TLSRPT{TXT: txts}
	conclude(t)
	for i := range t.Targets {
		if mail(t.Targets[i]) {
			t.Targets[i].Mail = "yes"
		} else {
			t.Targets[i].HTTPS = "ok"
		}
		if look != nil {
			look(&t.Targets[i])
		}
	}
	return &report.Report{Meta: report.Meta{Domain: "example.com"}, Evidence: report.Evidence{TLSRPT: t, MX: &report.MX{State: "ok"}}}
}

func with(r *report.Report, change func(*report.Report)) *report.Report {
	change(r)
	return r
}

// lost is a question of the check that got no answer.
func lost(kind, name string) func(*report.Report) {
	return func(r *report.Report) {
		r.Unanswered = append(r.Unanswered, report.Question{Check: "tls-rpt", Name: name, Type: kind, Kind: "timeout"})
	}
}

var cases = []struct {
	why    string
	report *report.Report
	state  string
	want   string // rules, with the verdict where it is not the usual one
}{
	{"no record", domain(nil), "absent", "RPT-01"},
	{"no record beside MTA-STS", with(domain(nil), func(r *report.Report) { r.MTASTS = &report.MTASTS{State: "testing"} }), "absent", "RPT-01:warn"},
	{"no record beside DANE", with(domain(nil), func(r *report.Report) { r.Hosts = []*report.Host{{TLSA: report.TLSA{State: "match"}}} }), "absent", "RPT-01:warn"},
	{"no record, and no policy", with(domain(nil), func(r *report.Report) {
		r.MTASTS, r.Hosts = &report.MTASTS{State: "absent"}, []*report.Host{{TLSA: report.TLSA{State: "none"}}}
	}), "absent", "RPT-01"},
	{"a record that senders discard", domain(nil, "v=tlsrptv1; rua=mailto:a@example.com"), "invalid", "RPT-01:warn"},
	{"a blank before the semicolon", domain(nil, "v=TLSRPTv1 ; rua=mailto:a@example.net"), "ok", "RPT-02 RPT-12 RPT-09"},
	{"a blank before the semicolon, beside another record", domain(nil, "v=TLSRPTv1 ; rua=mailto:a@example.net", "v=spf1 -all"), "invalid", "RPT-01:warn"},
	{"a blank before the semicolon, beside a right one", domain(nil, "v=TLSRPTv1 ; rua=mailto:a@example.net", "v=TLSRPTv1; rua=mailto:b@example.net"), "ok", "RPT-02 RPT-15 RPT-09"},
	{"blanks about the =", domain(nil, "v=TLSRPTv1; rua = mailto:a@example.net"), "invalid", "RPT-14"},
	{"a bad field before it", domain(nil, "v=TLSRPTv1; foo; rua=mailto:a@example.net"), "invalid", "RPT-14"},
	{"a no-break space", domain(nil, "v=TLSRPTv1;\u00a0rua=mailto:a@example.net"), "invalid", "RPT-14"},
	{"a semicolon inside an address", domain(nil, "v=TLSRPTv1; rua=https://example.net/a;b"), "invalid", "RPT-05"},
	{"an unknown field", domain(nil, "v=TLSRPTv1; x=y; rua=mailto:a@example.net"), "ok", "RPT-02 RPT-15 RPT-09"},
	{"two ruas", domain(nil, "v=TLSRPTv1; rua=mailto:a@example.net; rua=mailto:b@example.net"), "ok", "RPT-02 RPT-15 RPT-09"},
	{"no answer", with(domain(nil), func(r *report.Report) { r.TLSRPT.Failure = &report.Failure{Text: "SERVFAIL"} }), "absent", "RPT-01:untested"},
	{"to an organisation's other domain", domain(nil, "v=TLSRPTv1; rua=mailto:a@reports.example.com,https://reports.example.com/"), "ok", "RPT-02 RPT-11"},
	{"to the domain itself only", domain(nil, "v=TLSRPTv1; rua=mailto:a@example.com"), "ok", "RPT-02 RPT-07"},
	{"to somebody else", domain(nil, "v=TLSRPTv1; rua=mailto:a@example.net"), "ok", "RPT-02 RPT-09"},
	{"a record at the base domain of two hosts", with(domain(nil, "v=TLSRPTv1; rua=mailto:a@example.net"), func(r *report.Report) {
		for _, name := range []string{"a.example.net", "b.example.net"} {
			r.Hosts = append(r.Hosts, &report.Host{Name: name, TLSA: report.TLSA{State: "match", Base: "mx.example.net", Reports: []string{"v=TLSRPTv1; rua=mailto:b@example.net"}}})
		}
	}), "ok", "RPT-13 RPT-02 RPT-09"},
	{"a record at the base domain alone", with(domain(nil), func(r *report.Report) {
		r.Hosts = []*report.Host{{Name: "a.example.net", TLSA: report.TLSA{State: "match", Base: "a.example.net", Reports: []string{"v=TLSRPTv1; rua=mailto:b@example.net"}}}}
	}), "absent", "RPT-13 RPT-01:warn"},
	{"two records", domain(nil, "v=TLSRPTv1; rua=mailto:a@example.com", "v=TLSRPTv1; rua=mailto:b@example.com"), "invalid", "RPT-03"},
	{"no address", domain(nil, "v=TLSRPTv1;"), "invalid", "RPT-04"},
	{"http", domain(nil, "v=TLSRPTv1; rua=http://example.com/"), "invalid", "RPT-04"},
	{"a size", domain(nil, "v=TLSRPTv1; rua=mailto:a@example.com!10m"), "invalid", "RPT-05"},
	{"one good address, one bad", domain(nil, "v=TLSRPTv1; rua=mailto:a@example.com,b"), "ok", "RPT-02 RPT-04 RPT-07"},
	{"its domain takes no mail", domain(func(t *report.Target) { t.Mail = "no" }, "v=TLSRPTv1; rua=mailto:a@example.com"), "ok", "RPT-02 RPT-06 RPT-07"},
	{"its domain could not be looked up", domain(func(t *report.Target) { t.Mail = "unknown" }, "v=TLSRPTv1; rua=mailto:a@example.com"), "ok", "RPT-02 RPT-16 RPT-07"},
	{"its host could not be looked up", with(domain(func(t *report.Target) { t.HTTPS = "unknown" }, "v=TLSRPTv1; rua=https://r.example.com/"), lost("A", "r.example.com")), "ok", "RPT-02 RPT-19"},
	{"whether its domain exists is not known", with(domain(nil, "v=TLSRPTv1; rua=mailto:a@gone.net"), lost("NS", "gone.net")), "ok", "RPT-02 RPT-09 RPT-19"},
	{"whether a record is misplaced is not known", with(domain(nil), lost("TXT", "_smtp-tlsrpt.example.com")), "absent", "RPT-01 RPT-19"},
	{"the record itself, of which RPT-01 speaks", with(domain(nil), lost("TXT", "_smtp._tls.example.com")), "absent", "RPT-01"},
	{"a host without an address", domain(func(t *report.Target) { t.HTTPS = "unresolvable" }, "v=TLSRPTv1; rua=https://r.example.com/"), "ok", "RPT-02 RPT-08"},
	{"a private host", domain(func(t *report.Target) { t.HTTPS = "forbidden" }, "v=TLSRPTv1; rua=https://r.example.com/"), "ok", "RPT-02 RPT-08"},
	{"at the name of a draft", with(domain(nil), func(r *report.Report) { r.TLSRPT.Misplaced = []string{"_smtp-tlsrpt.example.com"} }), "absent", "RPT-10 RPT-01"},
	{"an alias into a domain that does not exist", with(domain(nil), func(r *report.Report) {
		r.TLSRPT.Vacant = []report.Vacant{{Of: "_smtp._tls.example.com", Name: "a.gone.net", Domain: "gone.net"}}
	}), "absent", "RPT-17 RPT-01"},
	{"an address in a domain that does not exist", with(domain(nil, "v=TLSRPTv1; rua=mailto:a@gone.net"), func(r *report.Report) {
		r.TLSRPT.Vacant = []report.Vacant{{Name: "gone.net", Domain: "gone.net"}}
	}), "ok", "RPT-18 RPT-02 RPT-09"},
	{"a domain without mail", with(domain(nil), func(r *report.Report) { r.MX.State = "null" }), "absent", ""},
	{"nothing gathered", &report.Report{Meta: report.Meta{Domain: "example.com"}}, "", ""},
}

func TestJudge(t *testing.T) {
	for _, c := range cases {
		var got []string
		for _, f := range Judge(c.report.Observed()) {
			rule := Rules.Find(f.Rule)
			name := f.Rule
			if f.Verdict != rule.Verdict {
				name += ":" + string(f.Verdict)
			}
			got = append(got, name)
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%s: %s, want %s", c.why, s, c.want)
		}
		if tr := c.report.TLSRPT; tr != nil && (string(tr.State) != c.state || (tr.Error != "") != (tr.State == "invalid")) {
			t.Errorf("%s: state %s with the error %q, want %s", c.why, tr.State, tr.Error, c.state)
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

func TestOnlyAWorkingRecordSetsTheFact(t *testing.T) {
	for _, c := range cases {
		fact := slices.ContainsFunc(Judge(c.report.Observed()), func(f report.Finding) bool { return slices.Contains(f.Effects, "D.rpt=true") })
		if works := strings.Contains(c.want, "RPT-02"); fact != works {
			t.Errorf("%s: D.rpt %v", c.why, fact)
		}
	}
}

func TestReceives(t *testing.T) {
	mx := func(target string) *resolve.Answer { return &resolve.Answer{Records: []dns.RR{&dns.MX{Mx: target}}} }
	a := &resolve.Answer{Records: []dns.RR{&dns.A{A: net.IPv4(198, 41, 0, 4)}}}
	none, failed := &resolve.Answer{}, &resolve.Answer{Failure: &report.Failure{Kind: "servfail"}}
	for _, c := range []struct {
		why         string
		mx, a, aaaa *resolve.Answer
		want        report.TakesMail
	}{
		{"an MX", mx("mx.example.com."), none, none, "yes"},
		{"a null MX", mx("."), a, none, "no"},
		{"an address instead", none, a, none, "yes"},
		{"nothing", none, none, none, "no"},
		{"no answer about MX", failed, a, none, "unknown"},
		{"no answer about the address", none, failed, none, "unknown"},
	} {
		if got := receives(c.mx, func() (a, aaaa *resolve.Answer) { return c.a, c.aaaa }); got != c.want {
			t.Errorf("%s: %s, want %s", c.why, got, c.want)
		}
	}
}

func TestReachable(t *testing.T) {
	wall := func(a netip.Addr) error {
		if a.IsLoopback() {
			return errors.New("loopback")
		}
		return nil
	}
	a := func(ip string) *resolve.Answer {
		return &resolve.Answer{Records: []dns.RR{&dns.A{A: net.ParseIP(ip)}}}
	}
	none, failed := &resolve.Answer{}, &resolve.Answer{Failure: &report.Failure{Kind: "servfail"}}
	for _, c := range []struct {
		why     string
		answers []*resolve.Answer
		want    report.Endpoint
	}{
		{"a public address", []*resolve.Answer{a("198.41.0.4"), none}, "ok"},
		{"one of two is public", []*resolve.Answer{a("127.0.0.1"), a("198.41.0.4")}, "ok"},
		{"loopback", []*resolve.Answer{a("127.0.0.1"), none}, "forbidden"},
		{"none", []*resolve.Answer{none, none}, "unresolvable"},
		{"no answer", []*resolve.Answer{none, failed}, "unknown"},
	} {
		if got := reachable(wall, c.answers...); got != c.want {
			t.Errorf("%s: %s, want %s", c.why, got, c.want)
		}
	}
}
