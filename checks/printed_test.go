package checks_test

import (
	"encoding/hex"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"mxseal/checks"
	"mxseal/checks/dane"
	"mxseal/checks/fix"
	"mxseal/checks/mtasts"
	"mxseal/checks/report"
	"mxseal/checks/tlsrpt"
	"mxseal/checks/view"
)

// stand are values for what only its owner knows.
var stand = strings.NewReplacer("<DnssecMxValue>", "example-net.o-v1.mx.microsoft", "<your web server>", "www.example.net",
	"<your mail server>", "mx.example.net", "<digest>", strings.Repeat("ab", 32), "<SHA-256 of the server's public key>", strings.Repeat("ab", 32))

// written are records in zone-file form within a text. A sentence may go on, or end, behind one.
var written = regexp.MustCompile(`[A-Za-z0-9_.-]+\. IN (MX [0-9]+ (?:[^\s,;]+\.|\.)|TXT "[^"]*"|TLSA [0-9]+ [0-9]+ [0-9]+ [0-9A-Fa-f]+|CAA [0-9]+ [a-z]+ "[^"]*"|CNAME \S+\.|(?:A|AAAA) [0-9a-f.:]+|DS [0-9]+ [0-9]+ [0-9]+ [0-9A-Fa-f]+)`)

// printed are the records and policy files that the steps of a report show.
type printed struct {
	records  []dns.RR
	deleted  map[string]bool
	policies []string
}

func collect(t *testing.T, r *report.Report) printed {
	t.Helper()
	p := printed{deleted: make(map[string]bool)}
	take := func(f report.Finding, text string, drop bool) {
		text = stand.Replace(text)
		shown := written.FindAllString(text, -1)
		for _, line := range shown {
			rr, err := dns.NewRR(line)
			if err != nil || rr == nil {
				t.Errorf("%s: %s prints %q: %v", r.Domain, f.Rule, line, err)
				continue
			}
			if drop {
				p.deleted[rr.String()] = true
				continue
			}
			p.records = append(p.records, rr)
		}
		if strings.Contains(text, " IN ") && len(shown) == 0 {
			t.Errorf("%s: %s prints what is no record: %q", r.Domain, f.Rule, text)
		}
	}
	for _, f := range r.Findings {
		take(f, f.FixText, false)
		for _, s := range f.Steps {
			switch s.Kind {
			case "file":
				p.policies = append(p.policies, stand.Replace(s.Code))
			case "config", "command":
			default:
				take(f, s.Code, s.Do == "delete")
			}
			take(f, s.Text, s.Do == "delete")
			if strings.Contains(s.Text, "mx: *.") {
				t.Errorf("%s: %s tells of a wildcard: %s", r.Domain, f.Rule, s.Text)
			}
		}
	}
	return p
}

// hold runs them through the parsers and matchers with which the program judges others.
func (p printed) hold(t *testing.T, r *report.Report) {
	t.Helper()
	good := func(what string, findings []report.Finding, want string) {
		if !slices.ContainsFunc(findings, func(f report.Finding) bool { return f.Rule == want && f.Verdict != report.Fail }) {
			t.Errorf("%s: %s does not get %s: %+v", r.Domain, what, want, findings)
		}
		for _, f := range findings {
			if f.Verdict == report.Fail || f.Rule == "STS-44" || f.Rule == "RPT-12" || f.Rule == "STS-07" || f.Rule == "RPT-15" {
				t.Errorf("%s: %s breaks %s: %v", r.Domain, what, f.Rule, f.Params)
			}
		}
	}
	mail := &report.MX{State: "ok"}
	var exchangers []*report.Host
	for _, rr := range p.records {
		switch rr := rr.(type) {
		case *dns.MX:
			if rr.Mx != "." && !p.deleted[rr.String()] {
				exchangers = append(exchangers, &report.Host{Name: strings.TrimSuffix(rr.Mx, ".")})
			}
			if _, ok := dns.IsDomainName(rr.Mx); !ok || (rr.Mx == ".") != (rr.Preference == 0 && rr.Mx == ".") {
				t.Errorf("%s: %v", r.Domain, rr)
			}
		case *dns.TXT:
			txt := strings.Join(rr.Txt, "")
			switch {
			case strings.HasPrefix(rr.Hdr.Name, "_mta-sts."):
				good(txt, mtasts.Judge(report.Observed{Meta: report.Meta{Domain: r.Domain}, Evidence: report.Evidence{MX: mail, MTASTS: &report.MTASTS{TXT: []string{txt}, Fetch: &report.Fetch{Status: 404}}}})[:1], "STS-03")
			case strings.HasPrefix(rr.Hdr.Name, "_smtp._tls."):
				good(txt, tlsrpt.Judge(report.Observed{Meta: report.Meta{Domain: r.Domain}, Evidence: report.Evidence{MX: mail, TLSRPT: &report.TLSRPT{TXT: []string{txt}}}}), "RPT-02")
			case strings.HasPrefix(rr.Hdr.Name, "_dmarc."):
				if !regexp.MustCompile(`^v=DMARC1; p=(none|quarantine|reject)$`).MatchString(txt) {
					t.Errorf("%s: %q", r.Domain, txt)
				}
			case txt != "v=spf1 -all":
				t.Errorf("%s: %v is a TXT record that no test knows", r.Domain, rr)
			}
		case *dns.TLSA:
			if _, err := hex.DecodeString(rr.Certificate); err != nil || len(rr.Certificate) != 64 || rr.Usage < 2 || rr.Usage > 3 || rr.Selector != 1 || rr.MatchingType != 1 {
				t.Errorf("%s: %v", r.Domain, rr)
			}
			if strings.Count(rr.Hdr.Name, "_25._tcp.") != 1 || !strings.HasPrefix(rr.Hdr.Name, "_25._tcp.") {
				t.Errorf("%s: %v stands where nobody looks", r.Domain, rr)
			}
		}
	}
	for _, raw := range p.policies {
		mode := ""
		if _, rest, ok := strings.Cut(raw, "mode: "); ok {
			mode, _, _ = strings.Cut(rest, "\n")
		}
		about := &report.Report{Meta: report.Meta{Domain: r.Domain}, Evidence: report.Evidence{MX: mail, TLSRPT: &report.TLSRPT{State: "ok"}, MTASTS: &report.MTASTS{State: report.STSState(mode),
			TXT: []string{"v=STSv1; id=1"}, Raw: raw, Fetch: &report.Fetch{Status: 200, ContentType: "text/plain"}}}}
		for _, h := range slices.Concat(r.Hosts, exchangers) {
			if h.NotTested != "no-address" {
				about.Hosts = append(about.Hosts, &report.Host{Name: h.Name})
			}
		}
		good(raw, mtasts.Judge(about.Observed()), "STS-22")
		good(raw, mtasts.Judge(about.Observed()), "STS-27")
	}
}

// match publishes the TLSA records that are printed for a host in place of all others, and
// has them compared with what it serves.
func (p printed) match(t *testing.T, r *report.Report) {
	t.Helper()
	for _, h := range r.Hosts {
		base := h.TLSA.Base
		if base == "" {
			base = h.Name
		}
		probe := *h
		probe.TLSA = report.TLSA{Base: base, DNSSEC: &report.Trust{State: report.Secure}}
		for _, rr := range p.records {
			tlsa, ok := rr.(*dns.TLSA)
			if ok && !p.deleted[rr.String()] && !strings.Contains(tlsa.Certificate, "abababab") && tlsa.Hdr.Name == "_25._tcp."+base+"." {
				probe.TLSA.Records = append(probe.TLSA.Records, report.TLSARecord{Usage: tlsa.Usage, Selector: tlsa.Selector,
					Matching: tlsa.MatchingType, Data: strings.ToLower(tlsa.Certificate)})
			}
		}
		if len(probe.TLSA.Records) == 0 {
			continue
		}
		seen := false
		for _, a := range h.Addresses {
			for _, c := range a.Certificates {
				seen = seen || c != nil && len(c.DER) > 0 && c.Via != "no-sni"
			}
		}
		o := r.Observed()
		o.Hosts = []*report.Host{&probe}
		if dane.Derive(o); seen && probe.TLSA.State != "match" {
			for _, a := range h.Addresses {
				if slices.ContainsFunc(a.Certificates, func(c *report.Certificate) bool { return c.WeakKey != "" }) {
					return // its key is to be replaced first
				}
			}
			t.Errorf("%s: the records printed for %s come to %s", r.Domain, h.Name, probe.TLSA.State)
		}
	}
}

// Whatever record or policy a fix prints, in any report of the lab, holds before our own
// parsers and matchers, and every policy covers every mail server that is named beside it.
func TestWhatFixesPrintHoldsInTheLab(t *testing.T) {
	records, policies := 0, 0
	for _, d := range everyDomain(t) {
		r := stored(t, d.report) // what is printed is tried on it
		p := collect(t, r)
		p.hold(t, r)
		p.match(t, r)
		records, policies = records+len(p.records), policies+len(p.policies)
	}
	if records < 100 || policies < 50 {
		t.Errorf("%d records and %d policies were printed; does the test still find them?", records, policies)
	}
}

// The same for every rule there is, and for mail servers of every sort: one's own, an alias,
// a provider's, with names that a policy cannot hold.
func TestWhatFixesPrintHoldsForEveryRule(t *testing.T) {
	hosts := [][]*report.Host{
		{{Name: "mx.example.net"}},
		{{Name: "mx1.example.net"}, {Name: "mx2.example.net", Canonical: "real.example.net"}},
		{{Name: "mx.example.net", Canonical: "real.example.org"}},
		{{Name: "example-net.mail.protection.outlook.com"}},
		{{Name: "example-net.o-v1.mx.microsoft"}},
		{{Name: "aspmx.l.google.com"}, {Name: "alt1.aspmx.l.google.com"}},
		{{Name: "mx.some-provider.example"}},
		{{Name: "mx_1.example.net", NotTested: ""}, {Name: "mx2.example.net"}},
		{{Name: "example.net"}},
		{{Name: "mx.example.net", NotTested: "no-address"}},
		{},
	}
	for at, hs := range hosts {
		for _, state := range []*report.MTASTS{
			{State: "absent"},
			{State: "testing", ID: "1", Policy: &report.Policy{Version: "STSv1", Mode: "testing", MaxAge: 86400, MX: []string{"mx.example.net"}}},
			{State: "enforce", ID: "20260803T1230", Policy: &report.Policy{Version: "STSv1", Mode: "enforce", MaxAge: 31557600, MX: []string{"old.example.net"}}},
			{State: "invalid", ID: "", Policy: nil},
		} {
			r := &report.Report{Meta: report.Meta{Domain: "example.net"}, Evidence: report.Evidence{MX: &report.MX{State: "ok"}, Hosts: hs, MTASTS: state}}
			for i, h := range hs {
				r.MX.Records = append(r.MX.Records, report.Record{Preference: uint16(10 * i), Host: h.Name})
				h.DNSSEC.State, h.TLSA.TTL = report.Secure, 300
				h.Addresses = []*report.Address{{IP: "192.0.2." + strconv.Itoa(i+1), Reachable: true, SMTP: &report.SMTP{STARTTLS: "ok"},
					Certificates: []*report.Certificate{{SPKISHA256: strings.Repeat("ab", 32), PKIX: "ok", Via: "first"}}}}
			}
			for _, c := range checks.All {
				for _, rule := range c.Rules {
					f := report.Finding{Rule: rule.ID, Check: c.ID, Verdict: report.Fail, Effects: rule.Effects, Fixed: rule.Fixed,
						Params: map[string]string{"target": "real.example.org", "preference": "10", "record": "_25._tcp.mx.example.net. IN TLSA 3 1 1 " + strings.Repeat("ab", 32),
							"spki": strings.Repeat("ab", 32), "lines": "mx: mx.example.net", "id": "1", "next": "20261101T120000", "name": "example.net", "authority": "ca.example", "mx": "mx.example.net", "zone": "example.net"}}
					if len(hs) > 0 && rule.ID[:2] != "ST" || rule.ID == "STS-28" && len(hs) > 0 {
						f.Host, f.Address = hs[len(hs)-1].Name, "192.0.2.1"
					}
					if f.Host == "" && strings.Contains(rule.FixText+rule.ID, "{host}") || rule.ID == "MX-18" && f.Host == "" {
						continue // it is always about a host
					}
					f.Explain(rule, r.Domain, view.Say)
					if strings.Contains(f.Title+f.Text+f.FixText, "{record}") {
						t.Errorf("%s: a record is left open: %s", rule.ID, f.FixText)
					}
					one := *r
					one.Findings = []report.Finding{f}
					one.Findings[0].Steps = fix.Steps(&one, checks.Catalogue(), f)
					p := collect(t, &one)
					var covered []*report.Host // a policy holds what it can; the rest has to be renamed first
					for _, h := range hs {
						if !strings.Contains(h.Name, "_") {
							covered = append(covered, h)
						}
					}
					one.Hosts = covered
					if one.Domain = "example.net"; t.Failed() {
						t.Fatalf("at hosts %d, %s, policy %s", at, rule.ID, state.State)
					}
					p.hold(t, &one)
				}
			}
		}
	}
}
