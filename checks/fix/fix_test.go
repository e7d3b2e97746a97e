package fix

import (
	"cmp"
	"encoding/hex"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"mxseal/checks/certificate"
	"mxseal/checks/dane"
	"mxseal/checks/dnssec"
	"mxseal/checks/fix/software"
	"mxseal/checks/internal/provider"
	"mxseal/checks/mtasts"
	"mxseal/checks/mx"
	"mxseal/checks/report"
	"mxseal/checks/starttls"
	"mxseal/checks/tls"
	"mxseal/checks/tlsrpt"
)

// rules are those of all checks, and one whose own words are all there is.
var rules = func() report.Catalogue {
	all := report.Catalogue{"XYZ-01": {ID: "XYZ-01", Fix: report.AsSaid}}
	for _, r := range slices.Concat(mx.Rules, starttls.Rules, certificate.Rules, tls.Rules, dnssec.Rules, dane.Rules, mtasts.Rules, tlsrpt.Rules) {
		all[r.ID] = r
	}
	return all
}()

// fixed are the rules that name a fix, in order.
var fixed = slices.DeleteFunc(slices.Sorted(maps.Keys(rules)), func(id string) bool { return rules[id].Fix == "" || rules[id].Fix == report.NoFix })

var moment = time.Date(2026, 8, 3, 12, 30, 0, 0, time.UTC)

const digest = "abababababababababababababababababababababababababababababababab"

// domain is a report with one mail server of that name, whose greeting is given.
func domain(host, software, banner string) *report.Report {
	return &report.Report{
		Meta: report.Meta{
			Domain:    "example.net",
			CheckedAt: moment,
		},
		Evidence: report.Evidence{
			MX: &report.MX{Records: []report.Record{{Preference: 10, Host: host}}, DNSSEC: report.Trust{State: report.Secure}},
			Hosts: []*report.Host{{Name: host, Preference: 10, DNSSEC: report.Trust{State: report.Secure}, TLSA: report.TLSA{State: "none", Base: host, TTL: 300},
				Addresses: []*report.Address{{IP: "192.0.2.1", Reachable: true, SMTP: &report.SMTP{Software: software, Banner: banner, STARTTLS: "ok"},
					Certificates: []*report.Certificate{{SPKISHA256: digest, PKIX: "ok", Via: "first"}}}}}},
			MTASTS: &report.MTASTS{State: "absent"},
		},
	}
}

func found(rule, host string) report.Finding {
	f := report.Finding{Rule: rule, Host: host, Address: "192.0.2.1", Verdict: report.Fail, Effects: []report.Effect{"cap C"}, FixText: "Fix it.", Title: "It is broken", Text: "Anyone can read it.", Reference: "RFC 1"}
	if host == "" {
		f.Address = ""
	}
	return f
}

// code joins what is to be copied, with the place in front.
func code(steps []report.Step) string {
	var b strings.Builder
	for _, s := range steps {
		fmt.Fprintf(&b, "%s %s %s [%s]\n%s\n", s.Who, s.Kind, s.Do, s.Where, s.Code)
	}
	return b.String()
}

func TestStepsNameTheDomainsOwnThings(t *testing.T) {
	for _, c := range []struct {
		why, rule, host string
		change          func(*report.Report)
		want            []string
	}{
		{"the key that is served", "DAN-03", "mx.example.net", nil,
			[]string{"owner dns add [zone of mx.example.net]\n_25._tcp.mx.example.net. IN TLSA 3 1 1 " + digest}},
		{"both keys of a server with two certificates", "DAN-28", "mx.example.net", func(r *report.Report) {
			a := r.Hosts[0].Addresses[0]
			a.Certificates = append(a.Certificates, &report.Certificate{SPKISHA256: strings.Repeat("cd", 32), Via: "other-key-type"}, &report.Certificate{SPKISHA256: strings.Repeat("ef", 32), Via: "no-sni"})
		}, []string{"3 1 1 " + digest + "\n_25._tcp.mx.example.net. IN TLSA 3 1 1 " + strings.Repeat("cd", 32) + "\nserver command"}},
		{"the record that fits nothing is deleted last", "DAN-10", "mx.example.net", func(r *report.Report) {
			r.Hosts[0].TLSA.Records = []report.TLSARecord{{Usage: 3, Selector: 1, Matching: 1, Data: "00ff", Usable: true}}
		}, []string{"3 1 1 " + digest, "owner dns delete [zone of mx.example.net]\n_25._tcp.mx.example.net. IN TLSA 3 1 1 00ff"}},
		{"records of a kind that fits nothing", "DAN-15", "mx.example.net", func(r *report.Report) {
			r.Hosts[0].TLSA.Records = []report.TLSARecord{{Usage: 3, Selector: 1, Matching: 1, Data: digest, Usable: true, Matches: []string{"192.0.2.1"}}, {Usage: 3, Selector: 1, Matching: 2, Data: "aa", Usable: true}}
		}, []string{"owner dns delete [zone of mx.example.net]\n_25._tcp.mx.example.net. IN TLSA 3 1 2 aa"}},
		{"a policy is tested, then promised, with another id", "STS-01", "", nil,
			[]string{"mode: testing\nmx: mx.example.net\nmax_age: 86400", `_mta-sts.example.net. IN TXT "v=STSv1; id=20260803T1230"`,
				"mode: enforce\nmx: mx.example.net\nmax_age: 2419200", `_mta-sts.example.net. IN TXT "v=STSv1; id=20260817T1230"`}},
		{"a policy in force is corrected: the file, then the id", "STS-28", "mx.example.net", func(r *report.Report) {
			r.MTASTS = &report.MTASTS{State: "enforce", ID: "1", Policy: &report.Policy{Mode: "enforce", MaxAge: 1209600, MX: []string{"old.example.net"}}}
		}, []string{"owner file  [https://mta-sts.example.net/.well-known/mta-sts.txt]\nversion: STSv1\nmode: enforce\nmx: mx.example.net\nmax_age: 1209600", "id=20260803T1230"}},
		{"where the file is good only the record is corrected", "STS-04", "", func(r *report.Report) {
			r.MTASTS = &report.MTASTS{State: "invalid", Policy: &report.Policy{Mode: "enforce", MaxAge: 1209600}}
		}, []string{`owner dns replace [zone of example.net]` + "\n" + `_mta-sts.example.net. IN TXT "v=STSv1; id=20260803T1230"`}},
		{"reports", "RPT-01", "", nil, []string{`_smtp._tls.example.net. IN TXT "v=TLSRPTv1; rua=mailto:tlsrpt@example.net"`}},
		{"the registrar's part", "SEC-02", "", func(r *report.Report) {
			r.MX.DNSSEC = report.Trust{State: report.Insecure, Chain: []report.Link{{Zone: "net.", State: report.Secure}, {Zone: "example.net.", State: report.Insecure}}}
		}, []string{"owner config  [DNS host of example.net]", "@127.0.0.1 example.net DNSKEY", "registrar command  [registrar of example.net; a shell on the primary]", "dig +short @127.0.0.1 example.net CDS", "mxseal dns", "rndc dnssec -checkds published example.net"}},
		{"the registrar's part alone, where the zone has keys", "SEC-02", "", func(r *report.Report) {
			r.MX.DNSSEC = report.Trust{State: report.Insecure, Chain: []report.Link{{Zone: "example.net.", State: report.Insecure}}}
			r.DNSSEC = &report.DNSSEC{Zones: []report.Zone{{Name: "example.net", DNSKEY: true, Trust: r.MX.DNSSEC}}}
		}, []string{"^registrar command", "owner command  []\nmxseal dns example.net MX"}},
		{"the forgotten MX record beside another", "MX-16", "mx.example.net", func(r *report.Report) {
			r.MX.Records = append(r.MX.Records, report.Record{Preference: 20, Host: "mx2.example.net"})
		}, []string{"owner dns delete [zone of example.net]\nexample.net. IN MX 10 mx.example.net."}},
		{"… and alone", "MX-16", "mx.example.net", nil, []string{"owner dns replace [zone of example.net]\nexample.net. IN MX 10 <your mail server>."}},
		{"… beside others of the same kind", "MX-16", "mx.example.net", func(r *report.Report) {
			r.MX.Records = append(r.MX.Records, report.Record{Preference: 20, Host: "mx2.example.net"}, report.Record{Preference: 30, Host: "192.0.2.1", Skipped: "literal"})
			r.Findings = []report.Finding{{Rule: "MX-16", Host: "mx.example.net"}, {Rule: "MX-16", Host: "mx2.example.net"}}
		}, []string{"owner dns replace [zone of example.net]\nexample.net. IN MX 10 <your mail server>."}},
		{"a parking service", "MX-36", "mx.parkingcrew.net", nil, []string{"owner dns replace [zone of example.net]\nexample.net. IN MX 10 <your mail server>."}},
		{"a new certificate keeps the key that DANE depends on", "CRT-06", "mx.example.net", func(r *report.Report) {
			r.Hosts[0].TLSA.Records = []report.TLSARecord{{Usage: 3}}
		}, []string{"--cert-name mx.example.net-20260803 --force-renewal --expand --reuse-key -d mx.example.net", "mx.example.net-20260803/fullchain.pem -noout -pubkey", "<digest>", "smtpd_tls_chain_files = /etc/letsencrypt/live/mx.example.net-20260803/privkey.pem", "renewal-hooks/deploy", "mxseal probe"}},
	} {
		r := domain(cmp.Or(c.host, "mx.example.net"), "Postfix", "")
		if c.change != nil {
			c.change(r)
		}
		text, from := "^"+code(Steps(r, rules, found(c.rule, c.host))), 0
		for _, want := range c.want {
			at := strings.Index(text[from:], want)
			if at < 0 {
				t.Errorf("%s: %q is missing, or too early, in\n%s", c.why, want, text)
				break
			}
			from += at
		}
	}
}

func TestSettingsForTheServerThatWasRecognised(t *testing.T) {
	for _, c := range []struct {
		why, software, banner, rule string
		want, never                 []string
	}{
		{"Postfix", "Postfix", "", "SMT-12", []string{"smtpd_tls_security_level = may", "/etc/letsencrypt/live/mx.example.net/privkey.pem", "postfix reload"}, []string{"if it is", "tls_advertise_hosts"}},
		{"Exim may stand on either library", "Exim", "", "TLS-03", []string{"-VERS-TLS1.0", "+no_tlsv1"}, []string{"smtpd_"}},
		{"Exim of Debian has macros, and copies that it may read", "Exim", "", "SMT-12", []string{"MAIN_TLS_ENABLE = yes", "install -m 640 -o root -g Debian-exim /etc/letsencrypt/live/mx.example.net/privkey.pem /etc/exim4/mx.example.net.key", "tls_advertise_hosts = *"}, nil},
		{"OpenSMTPD", "OpenSMTPD", "", "SMT-12", []string{"pki mx.example.net cert", "listen on 0.0.0.0 tls pki mx.example.net", "listen on :: tls"}, []string{"listen on all"}},
		{"Sendmail", "Sendmail", "", "TLS-03", []string{"+SSL_OP_NO_TLSv1_1"}, nil},
		{"Exchange", "Microsoft Exchange", "", "TLS-03", []string{"SCHANNEL"}, nil},
		{"Haraka", "Haraka", "", "TLS-39", []string{"honorCipherOrder=true"}, nil},
		{"Stalwart", "Stalwart", "", "SMT-17", []string{"%{file:/etc/stalwart/mx.example.net.crt}%"}, nil},
		{"mox", "mox", "", "TLS-03", []string{"MinVersion: TLSv1.2"}, nil},
		{"mailcow is a Postfix with a place of its own", "", "mx.example.net ESMTP Postcow", "TLS-03", []string{"data/conf/postfix/extra.cf", "smtpd_tls_protocols = >=TLSv1.2", "docker compose restart postfix-mailcow"}, []string{"/etc/postfix/main.cf", "!SSLv"}},
		{"Mail-in-a-Box writes its settings itself", "Postfix", "mx.example.net ESMTP Hi, I'm a Mail-in-a-Box (Ubuntu/Postfix; see https://mailinabox.email/)", "TLS-03", []string{"sudo mailinabox"}, []string{"smtpd_"}},
		{"nobody knows: the two most likely, marked as a guess", "", "mx.example.net ESMTP", "TLS-03", []string{"if it is Postfix", "if it is Exim"}, nil},
		{"recognised, but not in the table: the rule's own words", "hMailServer", "", "TLS-03", []string{"server task"}, []string{"smtpd_", "if it is"}},
		{"not to be set in this one: the rule's own words", "Stalwart", "", "TLS-03", []string{"server task"}, []string{"smtpd_"}},
	} {
		text := code(Steps(domain("mx.example.net", c.software, c.banner), rules, found(c.rule, "mx.example.net")))
		for _, want := range c.want {
			if !strings.Contains(text, want) {
				t.Errorf("%s: %q is missing in\n%s", c.why, want, text)
			}
		}
		for _, never := range c.never {
			if strings.Contains(text, never) {
				t.Errorf("%s: %q stands in\n%s", c.why, never, text)
			}
		}
	}
}

// What only the provider can do is a letter to him; what its customers can do is theirs.
func TestProviders(t *testing.T) {
	for _, c := range []struct {
		why, host, rule string
		want            []string
		who             []string
	}{
		{"the owner's own server", "mx.example.net", "TLS-24", nil, []string{"server"}},
		{"a server of somebody unknown: a letter", "mx.hoster.example.org", "TLS-24", []string{"Subject: Mail server mx.hoster.example.org of example.net", "On 3 August 2026", "It is broken. Anyone can read it.", "Fix it.", "RFC 1", "the operator of"}, []string{"provider", "owner"}},
		{"Google has no DANE to wait for", "aspmx.l.google.com", "DAN-02", []string{"MTA-STS", "below smtp.goog"}, []string{"owner"}},
		{"a customer's machine at Amazon is not Amazon's mail server", "ec2-192-0-2-1.compute-1.amazonaws.com", "TLS-26", []string{"the operator of"}, []string{"provider", "owner"}},
		{"Amazon's own", "inbound-smtp.eu-west-1.amazonaws.com", "TLS-26", []string{"Only Amazon SES can"}, []string{"provider", "owner"}},
		{"a rented machine", "vps-1.vps.ovh.net", "TLS-26", []string{"the operator of ovh.net"}, []string{"provider", "owner"}},
		{"Google's servers are Google's", "aspmx.l.google.com", "TLS-26", []string{"Google, admin.google.com"}, []string{"provider", "owner"}},
		{"Microsoft gives its customers a way", "example-net.mail.protection.outlook.com", "SEC-07", []string{"Enable-DnssecForVerifiedDomain -DomainName example.net", "example.net. IN MX 30 example-net.mail.protection.outlook.com.", "Enable-SmtpDaneInbound -DomainName example.net"}, []string{"owner"}},
		{"Microsoft's signed names lack a command only", "example-net.j-v1.mx.microsoft", "DAN-03", []string{"Enable-SmtpDaneInbound"}, []string{"owner"}},
		{"a provider's TLSA record is its own, the request holds it", "mail.protonmail.ch", "DAN-03", []string{"_25._tcp.mail.protonmail.ch. IN TLSA 3 1 1 " + digest, "Proton Mail"}, []string{"provider", "owner"}},
		{"the policy is the owner's, whoever runs the servers", "aspmx.l.google.com", "STS-01", []string{"mx: aspmx.l.google.com"}, []string{"owner"}},
		{"a name that only ends alike", "notgoogle.com", "TLS-24", []string{"the operator of notgoogle.com"}, []string{"provider", "owner"}},
	} {
		r := domain(c.host, "Postfix", "")
		f := found(c.rule, c.host)
		if strings.HasPrefix(c.rule, "STS") {
			f = found(c.rule, "")
		}
		steps := Steps(r, rules, f)
		text := code(steps)
		for _, s := range steps {
			text += s.Text + "\n"
			if !slices.Contains(c.who, string(s.Who)) {
				t.Errorf("%s: the %s is to do %q", c.why, s.Who, s.Text)
			}
		}
		for _, want := range c.want {
			if !strings.Contains(text, want) {
				t.Errorf("%s: %q is missing in\n%s", c.why, want, text)
			}
		}
	}
}

func TestNothingToFix(t *testing.T) {
	for why, change := range map[string]func(*report.Finding){
		"it passed":             func(f *report.Finding) { f.Verdict = report.Pass },
		"it was not tested":     func(f *report.Finding) { f.Verdict = report.Untested },
		"nothing can be done":   func(f *report.Finding) { f.Rule = "NET-10" },
		"there is no such rule": func(f *report.Finding) { f.Rule = "XYZ-99" },
		"no letter is at stake": func(f *report.Finding) { f.Effects = nil },
	} {
		f := found("TLS-03", "mx.example.net")
		change(&f)
		if steps := Steps(domain("mx.example.net", "Postfix", ""), rules, f); len(steps) > 0 {
			t.Errorf("%s, and yet: %+v", why, steps)
		}
	}
}

// Names come from strangers, and what is shown is pasted into shells and zones.
func TestNothingOfAStrangerIsPasted(t *testing.T) {
	const evil = "$(reboot);mx.example.net"
	for _, rule := range fixed {
		r := domain(evil, "Postfix", evil)
		r.Hosts[0].TLSA.Base = evil
		r.Hosts[0].TLSA.Records = []report.TLSARecord{{Usage: 3, Data: hex.EncodeToString([]byte(evil)), Usable: true}}
		r.MX.DNSSEC = report.Trust{State: report.Insecure, Chain: []report.Link{{Zone: evil, State: report.Insecure}}}
		r.Hosts[0].DNSSEC = r.MX.DNSSEC
		for _, host := range []string{evil, "mx.example.net", ""} {
			f := found(rule, host)
			f.Params = map[string]string{"zone": evil, "target": evil, "preference": evil}
			for _, s := range Steps(r, rules, f) {
				if s.Kind != "message" && strings.Contains(s.Code+s.Where, "$(reboot)") {
					t.Errorf("%s at %q: %s", rule, host, s.Code)
				}
			}
		}
	}
}

func TestWhatOneFixIsGoodFor(t *testing.T) {
	insecure := report.Trust{State: report.Insecure, Chain: []report.Link{{Zone: "net.", State: report.Secure}, {Zone: "example.net.", State: report.Insecure}}}
	info := func(rule, host string, effects ...report.Effect) report.Finding {
		f := found(rule, host)
		f.Address, f.Verdict, f.Effects = "", report.Info, effects
		return f
	}
	for _, c := range []struct {
		why      string
		host     string
		findings []report.Finding
		want     []string
	}{
		{"suites and versions are one fix", "mx.example.net", []report.Finding{found("TLS-03", "mx.example.net"), found("TLS-25", "mx.example.net")}, []string{"Allow only today's TLS versions and cipher suites at mx.example.net 2 TLS-03 TLS-25"}},
		{"signing the zone signs the address in it; the key comes after", "mx.example.net",
			[]report.Finding{info("DAN-02", "mx.example.net", "M.tlsa=none"), info("SEC-02", "", "noA+"), info("SEC-06", "mx.example.net", "M.addr=insecure")},
			[]string{"Sign example.net with DNSSEC 4 SEC-02 SEC-06", "Publish the key of mx.example.net (TLSA) 1 DAN-02"}},
		{"what a provider lacks for DANE comes with one other name", "mx.example.org",
			[]report.Finding{info("SEC-06", "mx.example.org", "M.addr=insecure"), info("DAN-02", "mx.example.org", "M.tlsa=none")},
			[]string{"Get a mail server with DANE in place of mx.example.org (in the hands of the operator of example.org) 5 SEC-06 DAN-02"}},
		{"what only its own rule speaks of is a fix of its own", "mx.example.net", []report.Finding{found("XYZ-01", "mx.example.net")}, []string{"Fix it. 2 XYZ-01"}},
		{"what passed needs none", "mx.example.net", []report.Finding{{Rule: "TLS-01", Verdict: report.Pass}}, nil},
	} {
		r := domain(c.host, "Postfix", "")
		r.MX.DNSSEC, r.Hosts[0].DNSSEC = insecure, insecure
		r.Findings = c.findings
		var got []string
		for _, a := range Actions(r, rules) {
			got = append(got, fmt.Sprintf("%s %d %s", Title(r, a), a.Effort, strings.Join(a.Rules, " ")))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s:\n got %q\nwant %q", c.why, got, c.want)
		}
	}
}

func TestWhy(t *testing.T) {
	r := &report.Report{Conclusions: report.Conclusions{Grade: &report.Grade{Letter: "C", Because: []string{"SEC-02", "DAN-03", "X-1"}}, Findings: []report.Finding{{Rule: "SEC-02", Title: "Not signed"}, {Rule: "DAN-03", Title: "a has no key"}, {Rule: "DAN-03", Title: "b has no key"}}}}
	if got, want := Why(r), "What holds it at C: Not signed (SEC-02); a has no key (DAN-03, and 1 more); X-1."; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := Why(&report.Report{Conclusions: report.Conclusions{Grade: &report.Grade{Letter: "A+"}}}); got != "" {
		t.Errorf("the best letter needs no excuse: %q", got)
	}
}

// Every rule leads to a fix that has that way; every way is gone by some rule; every setting that a
// rule asks for has a purpose.
func TestTheTablesFitTogether(t *testing.T) {
	gone := map[report.Fix]map[report.Way]bool{}
	for id, rule := range rules {
		row := find(rule.Fix)
		if row == nil {
			if fix := rule.Fix; fix != "" && fix != report.NoFix && fix != report.AsSaid || rule.Way != "" || rule.Settings != nil {
				t.Errorf("%s: %q, %q, %q: there is no such fix", id, fix, rule.Way, rule.Settings)
			}
			continue
		}
		if row.ways[rule.Way].steps == nil {
			t.Errorf("%s: %q has no way %q", id, rule.Fix, rule.Way)
		}
		if gone[rule.Fix] == nil {
			gone[rule.Fix] = map[report.Way]bool{}
		}
		gone[rule.Fix][rule.Way] = true
		if configured := slices.Contains([]report.Fix{report.OfferSTARTTLS, report.LimitTLS, report.AskNoCertificate, report.ReplaceCertificate}, rule.Fix) && rule.Way != report.StopInspection; configured != (len(rule.Settings) > 0) {
			t.Errorf("%s: settings %q", id, rule.Settings)
		}
		if rule.Hosted != "" && find(rule.Hosted) == nil {
			t.Errorf("%s: at a provider's there is no %q", id, rule.Hosted)
		}
	}
	for _, row := range fixes {
		for way := range row.ways {
			if !gone[row.fix][way] {
				t.Errorf("no rule leads to %q by %q", row.fix, way)
			}
		}
	}
	for domain := range toDANE {
		if p := provider.Of("mx." + domain); p == nil || p.Domain != domain {
			t.Errorf("there is no provider at %q", domain)
		}
	}
}

// A server that the MX record names by an alias keeps the mail under both names while the
// record is corrected: the certificate and the policy hold both.
func TestAnAliasAndTheNameBehindIt(t *testing.T) {
	for _, c := range []struct {
		why, canonical, title, domains, mx string
	}{
		{"no alias", "", "mx.example.net", "-d mx.example.net", "mx: mx.example.net"},
		{"an alias", "real.example.net", "real.example.net", "-d mx.example.net -d real.example.net", "mx: mx.example.net\nmx: real.example.net"},
		{"an alias of somebody else's name, which is not ours to use", "real.example.org", "mx.example.net", "-d mx.example.net", "mx: mx.example.net"},
		{"an alias of what is not for a shell", "$(id).example.net", "mx.example.net", "-d mx.example.net", "mx: mx.example.net"},
	} {
		r := &report.Report{Meta: report.Meta{Domain: "example.net"}, Evidence: report.Evidence{Hosts: []*report.Host{{Name: "mx.example.net", Canonical: c.canonical}}, MTASTS: &report.MTASTS{State: "absent"}}, Conclusions: report.Conclusions{Findings: []report.Finding{
			{Rule: "CRT-14", Verdict: report.Fail, Host: "mx.example.net", FixText: "Get one.", Fixed: []report.Effect{"M.pkix=true"}},
			{Rule: "STS-01", Verdict: report.Info, FixText: "Serve one.", Fixed: []report.Effect{"D.sts=enforce"}},
		}}}
		if title := Title(r, Actions(r, rules)[0]); title != "Get a new certificate for "+c.title {
			t.Errorf("%s: %s", c.why, title)
		}
		var code string
		for _, f := range r.Findings {
			for _, s := range Steps(r, rules, f) {
				code += s.Code + "\n"
			}
		}
		if !strings.Contains(code, c.domains+"\n") || !strings.Contains(code, "\n"+c.mx+"\nmax_age") {
			t.Errorf("%s: %s", c.why, code)
		}
	}
}

// Behind a signed alias to an unsigned host the name at its end would be the end of DANE: the
// alias gets addresses of its own instead.
func TestASignedAliasOfAnUnsignedHost(t *testing.T) {
	steps := report.Alias{Name: "mx.example.net", Target: "h.example.org", State: report.Secure}
	for _, c := range []struct {
		why   string
		trust report.Trust
		want  string
	}{
		{"unsigned at its end", report.Trust{State: report.Insecure, Steps: []report.Alias{steps}}, "mx.example.net. IN A 192.0.2.1\nmx.example.net. IN AAAA 2001:db8::1"},
		{"signed to its end", report.Trust{State: report.Secure, Steps: []report.Alias{steps}}, "example.net. IN MX 10 h.example.org."},
	} {
		h := &report.Host{Name: "mx.example.net", Canonical: "h.example.org", DNSSEC: c.trust, Addresses: []*report.Address{{IP: "192.0.2.1"}, {IP: "2001:db8::1"}}}
		f := report.Finding{Rule: "MX-12", Verdict: report.Fail, Host: h.Name, Params: map[string]string{"target": "h.example.org", "preference": "10"}, Effects: []report.Effect{report.NoAPlus}, FixText: "Correct it."}
		list := Steps(&report.Report{Meta: report.Meta{Domain: "example.net"}, Evidence: report.Evidence{Hosts: []*report.Host{h}}, Conclusions: report.Conclusions{Findings: []report.Finding{f}}}, rules, f)
		if !slices.ContainsFunc(list, func(s report.Step) bool { return s.Code == c.want }) {
			t.Errorf("%s: %+v", c.why, list)
		}
	}
}

// Where an alias stands in the place of TLSA records, the record takes its place: the two
// cannot stand beside each other.
func TestTheRecordTakesThePlaceOfTheAlias(t *testing.T) {
	for _, rule := range []string{"DAN-04", "DAN-45", "DAN-46"} {
		h := &report.Host{Name: "mx.example.net", DNSSEC: report.Trust{State: report.Secure},
			Addresses: []*report.Address{{IP: "192.0.2.1", Certificates: []*report.Certificate{{SPKISHA256: "aa"}}}}}
		f := report.Finding{Rule: rule, Verdict: report.Warn, Host: h.Name, FixText: "Correct it.", Fixed: []report.Effect{"M.tlsa=match"}}
		for _, s := range Steps(&report.Report{Meta: report.Meta{Domain: "example.net"}, Evidence: report.Evidence{Hosts: []*report.Host{h}}, Conclusions: report.Conclusions{Findings: []report.Finding{f}}}, rules, f) {
			if s.Kind == "dns" && s.Do != "replace" {
				t.Errorf("%s: %s %s", rule, s.Do, s.Code)
			}
		}
	}
}

// Lines and commands that were tried and do harm, or nothing.
func TestNoMailServerIsGivenWhatHarmsIt(t *testing.T) {
	never := regexp.MustCompile(`smtpd_discard_ehlo_keywords = ?["'\n]|eecdh_grade =|tls_eecdh_auto_curves =|tls_medium_cipherlist = |tls_medium_cipherlist=aNULL|dh1024_param_file =|>=TLSv1|listen on all|ask_ccert|smtpd_tls_ciphers`)
	for _, p := range software.Known() {
		for _, rule := range fixed {
			if rule == "SMT-13" || rule == "SMT-30" {
				continue
			}
			text := code(Steps(domain("mx.example.net", p.Name, p.Said), rules, found(rule, "mx.example.net")))
			if p.Name == "mailcow" { // whose Postfix is never older than 3.6, and which takes the other form amiss
				if strings.Contains(text, "!SSLv") {
					t.Errorf("mailcow, %s: it speaks TLS 1.0 after\n%s", rule, text)
				}
				text = strings.ReplaceAll(text, ">=TLSv1.2", "")
			}
			if harm := never.FindString(text); harm != "" {
				t.Errorf("%s, %s: %q stands in\n%s", p.Name, rule, harm, text)
			}
		}
	}
}

// A server that gets its certificates by itself is not given certbot.
func TestCertbotIsForThoseThatUseIt(t *testing.T) {
	for _, p := range software.Known() {
		for _, rule := range []string{"CRT-06", "CRT-17"} {
			text := code(Steps(domain("mx.example.net", p.Name, p.Said), rules, found(rule, "mx.example.net")))
			if uses := strings.Contains(text, "certbot certonly"); uses != (p.Own == "") {
				t.Errorf("%s, %s: certbot: %v\n%s", p.Name, rule, uses, text)
			}
		}
	}
}
