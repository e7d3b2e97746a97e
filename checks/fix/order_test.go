package fix

import (
	"slices"
	"strings"
	"testing"

	"mxseal/checks/report"
)

// misplaced reports which of the parts is missing or too early, and nothing where all are in order.
func misplaced(steps []report.Step, parts ...string) string {
	var b strings.Builder
	for _, s := range steps {
		b.WriteString(s.Text + "\n" + s.Code + "\n" + s.Wait + "\n")
	}
	text := b.String()
	for _, part := range parts {
		at := strings.Index(text, part)
		if at < 0 {
			return part
		}
		text = text[at+len(part):]
	}
	return ""
}

// What was seen over the network is compared on the server before it is published, and a renewal
// keeps the key before anything depends on it.
func TestAKeyIsComparedBeforeItIsPublished(t *testing.T) {
	for _, rule := range []string{"DAN-02", "DAN-03", "DAN-08", "DAN-10", "DAN-16", "DAN-28"} {
		steps := Steps(domain("mx.example.net", "Postfix", ""), rules, found(rule, "mx.example.net"))
		if part := misplaced(steps, "--reuse-key", "sha256sum", "IN TLSA 3 1 1 "+digest, "next one"); part != "" {
			t.Errorf("%s: %q is missing, or too early: %+v", rule, part, steps)
		}
	}
}

// The record of a certificate that will be renewed goes when every cache has that of the key.
func TestTheRecordOfTheCertificateGoesLast(t *testing.T) {
	for _, c := range []struct {
		why     string
		records []report.TLSARecord
		want    []string
		never   string
	}{
		{"one", []report.TLSARecord{{Usage: 3, Matching: 1, Data: "aa", Usable: true, Matches: []string{"192.0.2.1"}}}, []string{"3 1 1 " + digest, "two times the TTL", "IN TLSA 3 0 1 aa"}, ""},
		{"two kinds of it", []report.TLSARecord{{Usage: 3, Matching: 1, Data: "aa", Matches: []string{"192.0.2.1"}}, {Usage: 3, Matching: 2, Data: "bb", Matches: []string{"192.0.2.1"}}}, []string{"3 0 1 aa", "3 0 2 bb"}, ""},
		{"one of an authority stays", []report.TLSARecord{{Usage: 3, Matching: 1, Data: "aa", Matches: []string{"192.0.2.1"}}, {Usage: 2, Selector: 1, Matching: 1, Data: "cc", Matches: []string{"192.0.2.1"}}}, []string{"3 0 1 aa"}, "2 1 1 cc"},
	} {
		r := domain("mx.example.net", "Postfix", "")
		r.Hosts[0].TLSA.Records = c.records
		steps := Steps(r, rules, found("DAN-19", "mx.example.net"))
		if part := misplaced(steps, c.want...); part != "" {
			t.Errorf("%s: %q is missing, or too early: %+v", c.why, part, steps)
		}
		if c.never != "" && misplaced(steps, c.never) == "" {
			t.Errorf("%s: %s is touched", c.why, c.never)
		}
	}
}

// A better reporting record keeps the addresses that work.
func TestReportAddressesThatWorkStay(t *testing.T) {
	for _, c := range []struct{ why, rule, want string }{
		{"v=TLSRPTv1; rua=mailto:a@example.net,ftp://b.example", "RPT-04", "rua=mailto:a@example.net\""},
		{"v=TLSRPTv1; rua=mailto:a@example.net!10m,https://r.example/v1?d=1", "RPT-05", "rua=mailto:a@example.net,https://r.example/v1?d=1\""},
		{"v=TLSRPTv1; rua=mailto:a@dead.example,mailto:b@example.org", "RPT-06", "rua=mailto:b@example.org\""},
		{"v=TLSRPTv1; rua=mailto:a@dead.example", "RPT-06", "rua=mailto:tlsrpt@example.net\""},
		{"v=TLSRPTv1; rua=mailto:a@example.org|v=TLSRPTv1; rua=mailto:b@example.org,mailto:a@example.org;", "RPT-03", "rua=mailto:a@example.org,mailto:b@example.org\""},
		{"v=TLSRPTv1; rua=mailto:$(id)@example.org\"", "RPT-14", "rua=mailto:tlsrpt@example.net\""},
		{"v=spf1 rua=mailto:a@example.org", "RPT-01", "rua=mailto:tlsrpt@example.net\""},
	} {
		r := domain("mx.example.net", "", "")
		r.TLSRPT = &report.TLSRPT{TXT: strings.Split(c.why, "|"), Targets: []report.Target{{URI: "mailto:a@dead.example", Mail: "no"}}}
		if text := code(Steps(r, rules, found(c.rule, ""))); !strings.Contains(text, c.want) {
			t.Errorf("%s: want %s in %s", c.why, c.want, text)
		}
	}
}

// A long record is cut into strings that the DNS can hold.
func TestALongReportingRecord(t *testing.T) {
	r := domain("mx.example.net", "", "")
	long := "https://" + strings.Repeat("a", 60) + ".example/"
	r.TLSRPT = &report.TLSRPT{TXT: []string{"v=TLSRPTv1; rua=" + long + "1," + long + "2," + long + "3," + long + "4"}}
	text := Steps(r, rules, found("RPT-05", ""))[0].Code
	for i, part := range strings.Split(text, `"`) {
		if i%2 == 1 && len(part) > 255 {
			t.Errorf("a string of %d octets", len(part))
		}
	}
	if strings.Count(text, `"`) != 4 || !strings.Contains(strings.ReplaceAll(text, `" "`, ""), long+"4\"") {
		t.Error(text)
	}
}

// No record stands beside an alias.
func TestAnMXRecordIsNotPutBesideAnAlias(t *testing.T) {
	r := domain("example.net", "", "")
	f := found("MX-05", "example.net")
	if steps := Steps(r, rules, f); len(steps) != 1 || steps[0].Do != "add" {
		t.Errorf("%+v", steps)
	}
	r.Hosts[0].Canonical = "web.example.org"
	if steps := Steps(r, rules, f); slices.ContainsFunc(steps, func(s report.Step) bool { return s.Kind == "dns" }) {
		t.Errorf("%+v", steps)
	}
}

// The real name of a server comes into the policy before it comes into the MX record, and the
// alias leaves last.
func TestTheRealNameComesInOrder(t *testing.T) {
	f := found("MX-12", "mx.example.net")
	f.Params = map[string]string{"target": "real.example.net", "preference": "10"}
	for _, c := range []struct {
		mode string
		want []string
	}{
		{"enforce", []string{"certificate", "mode: enforce\nmx: mx.example.net\nmx: real.example.net\nmax_age: 1209600", "id=", "TTL of the TXT", "IN MX 10 real.example.net.", "TTL of the MX", "IN MX 10 mx.example.net."}},
		{"testing", []string{"mode: testing", "id=", "IN MX 10 real.example.net."}},
		{"", []string{"certificate", "IN MX 10 real.example.net.", "TTL of the MX", "IN MX 10 mx.example.net."}},
	} {
		r := domain("mx.example.net", "Postfix", "")
		r.Hosts[0].Canonical = "real.example.net"
		r.Findings = []report.Finding{f}
		if c.mode != "" {
			r.MTASTS = &report.MTASTS{State: report.STSState(c.mode), ID: "1", Policy: &report.Policy{Mode: report.PolicyMode(c.mode), MaxAge: 1209600}}
		}
		steps := Steps(r, rules, f)
		if part := misplaced(steps, c.want...); part != "" {
			t.Errorf("%q: %q is missing, or too early: %+v", c.mode, part, steps)
		}
	}
}

// A web server gets its certificate before the block that names it.
func TestTheCertificateComesBeforeTheServerBlock(t *testing.T) {
	steps := Steps(domain("mx.example.net", "", ""), rules, found("STS-01", ""))
	if part := misplaced(steps, "certbot certonly", "ssl_certificate", "mode: testing", "two weeks", "mode: enforce"); part != "" {
		t.Errorf("%q is missing, or too early: %+v", part, steps)
	}
}

// A file that cannot be fetched keeps its mode; where a new one takes the promise back, it is said.
func TestNoPromiseIsTakenBackInSilence(t *testing.T) {
	for _, rule := range []string{"STS-12", "STS-13", "STS-14", "STS-15", "STS-16", "STS-20", "STS-25"} {
		r := domain("mx.example.net", "", "")
		r.MTASTS = &report.MTASTS{State: "invalid", ID: "1"}
		steps := Steps(r, rules, found(rule, ""))
		at := slices.IndexFunc(steps, func(s report.Step) bool { return strings.Contains(s.Code, "mode: testing") })
		if at < 0 || !strings.Contains(steps[at].Risk, "takes that back") {
			t.Errorf("%s: %+v", rule, steps)
		}
		if rule < "STS-17" && !strings.Contains(steps[0].Text, "stays as it is, with its mode") {
			t.Errorf("%s: %+v", rule, steps[0])
		}
	}
}

// The way to Microsoft's signed names says what has to be there before, waits where caches hold
// what was, and puts a promise back.
func TestTheWayToMicrosoftsSignedNames(t *testing.T) {
	r := domain("example-net.mail.protection.outlook.com", "", "")
	r.MTASTS = &report.MTASTS{State: "enforce", ID: "1", Policy: &report.Policy{Mode: "enforce", MaxAge: 1209600}}
	steps := Steps(r, rules, found("DAN-02", "example-net.mail.protection.outlook.com"))
	if part := misplaced(steps, "preference 0 or 10", "smart hosts", "old TTL of the MX", "Enable-DnssecForVerifiedDomain", "wildcard", "mx: <DnssecMxValue>", "old TTL of the TXT", "IN MX 20 <DnssecMxValue>", "IN MX 0 <DnssecMxValue>", "Enable-SmtpDaneInbound", "back to mode enforce, with the full new name"); part != "" {
		t.Errorf("%q is missing, or too early: %+v", part, steps)
	}
}
