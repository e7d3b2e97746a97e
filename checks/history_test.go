package checks_test

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"mxseal/checks"
	"mxseal/checks/history"
	"mxseal/checks/lab"
	"mxseal/checks/report"
)

var (
	today  = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	monday = today.AddDate(0, 0, -4)
)

// seen is a report of one host with one address, as a check at that time made it.
func seen(at time.Time, change func(*report.Host, *report.Address)) *report.Report {
	a := &report.Address{IP: "192.0.2.1", Reachable: true, SMTP: &report.SMTP{STARTTLS: "ok"},
		Certificates: []*report.Certificate{{Via: "first", PKIX: "ok", SPKISHA256: "aa", SHA256: "a1", PublicCA: true, NotBefore: monday.AddDate(0, 0, -30), NotAfter: monday.AddDate(0, 0, 60)}}}
	h := &report.Host{Name: "mx.example.org", Preference: 10, DNSSEC: report.Trust{State: report.Secure}, Addresses: []*report.Address{a},
		TLSA: report.TLSA{State: "match", Records: []report.TLSARecord{
			{Usage: 3, Selector: 1, Matching: 1, Data: "aa", Usable: true, Matches: []string{a.IP}},
			{Usage: 3, Selector: 1, Matching: 1, Data: "bb", Usable: true}}}}
	if change != nil {
		change(h, a)
	}
	return &report.Report{Meta: report.Meta{ID: "earlier", Domain: "example.org", CheckedAt: at}, Evidence: report.Evidence{Hosts: []*report.Host{h}, MX: &report.MX{State: "ok", DNSSEC: report.Trust{State: report.Secure}, Records: []report.Record{{Preference: 10, Host: h.Name}}}, MTASTS: &report.MTASTS{State: "absent"}, TLSRPT: &report.TLSRPT{State: "absent"}}}
}

// after is today's report, which remembers the others, the oldest first.
func after(now *report.Report, earlier ...*report.Report) *report.Report {
	for _, r := range append(earlier, now) {
		if i := slices.Index(earlier, r); i > 0 {
			r.Past = report.Remember(earlier[i-1])
		} else if i < 0 && len(earlier) > 0 {
			r.Past = report.Remember(earlier[len(earlier)-1])
		}
	}
	return now
}

func noTLS(_ *report.Host, a *report.Address) {
	a.SMTP.STARTTLS, a.Certificates = "not-offered", nil
}

func silent(_ *report.Host, a *report.Address) {
	a.Reachable, a.SMTP.STARTTLS, a.Certificates = false, "untested", nil
	a.Failure = &report.Failure{Phase: "greeting", Kind: "timeout"}
}

// keyed serves another key; tlsa is what the published records come to.
func keyed(key, pkix, tlsa string) func(*report.Host, *report.Address) {
	return func(h *report.Host, a *report.Address) {
		a.Certificates[0].SPKISHA256, a.Certificates[0].PKIX = key, report.PKIX(pkix)
		h.TLSA.State = report.TLSAState(tlsa)
		for i := range h.TLSA.Records {
			h.TLSA.Records[i].Matches = nil
		}
		switch tlsa {
		case "match":
			h.TLSA.Records[1].Matches = []string{a.IP}
		case "none":
			h.TLSA.Records = nil
		}
	}
}

// withoutTLSA has no DANE at all.
func withoutTLSA(h *report.Host, _ *report.Address) { h.TLSA = report.TLSA{State: "none"} }

var histories = []struct {
	why  string
	of   *report.Report
	want string // the rules of HIS with verdict, in order
}{
	{"nothing is remembered", seen(today, noTLS), ""},
	{"nothing has changed", after(seen(today, nil), seen(monday, nil)), ""},
	{"STARTTLS is gone", after(seen(today, noTLS), seen(monday, nil)), "HIS-01 warn"},
	{"STARTTLS is refused now", after(seen(today, func(_ *report.Host, a *report.Address) { a.SMTP.STARTTLS = "refused" }), seen(monday, nil)), "HIS-01 warn"},
	{"STARTTLS was never there", after(seen(today, noTLS), seen(monday, noTLS)), ""},
	{"STARTTLS came", after(seen(today, nil), seen(monday, noTLS)), ""},
	{"STARTTLS is gone, as on the check before", after(seen(today, noTLS), seen(monday.AddDate(0, 0, -1), nil), seen(monday, noTLS)), "HIS-01 warn"},
	{"STARTTLS is gone for longer than we remember", after(seen(today, noTLS), seen(today.AddDate(0, 0, -31), nil), seen(monday, noTLS)), ""},
	{"a single check, half a year ago", after(seen(today, noTLS), seen(today.AddDate(0, -6, 0), nil)), "HIS-01 warn"},
	{"the server does not answer: that is no change", after(seen(today, silent), seen(monday, nil)), ""},
	{"the server did not answer between", after(seen(today, noTLS), seen(monday.AddDate(0, 0, -1), nil), seen(monday, silent)), "HIS-01 warn"},
	{"another address is another server", after(seen(today, func(h *report.Host, a *report.Address) { noTLS(h, a); a.IP = "192.0.2.9" }), seen(monday, nil)), ""},

	{"the certificate ran out", after(seen(today, func(h *report.Host, a *report.Address) { a.Certificates[0].PKIX = "expired" }), seen(monday, nil)), "HIS-02 warn"},
	{"the certificate was never valid", after(seen(today, keyed("aa", "self-signed", "none")), seen(monday, keyed("aa", "self-signed", "none"))), ""},
	{"the records fail validation now", after(seen(today, func(h *report.Host, _ *report.Address) { h.TLSA.State = "lookupfail" }), seen(monday, nil)), "HIS-02 warn"},
	{"the records were withdrawn", after(seen(today, withoutTLSA), seen(monday, nil)), ""},
	{"what a server without SNI shows does not count", after(seen(today, func(_ *report.Host, a *report.Address) {
		a.Certificates = append(a.Certificates, &report.Certificate{Via: "no-sni", PKIX: "untrusted", SPKISHA256: "zz"})
	}), seen(monday, nil)), ""},

	{"the published successor took over", after(seen(today, keyed("bb", "ok", "match")), seen(monday, nil)), "HIS-03 info"},
	{"renewed with a new key, no DANE", after(seen(today, keyed("cc", "ok", "none")), seen(monday, withoutTLSA)), "HIS-03 info"},
	{"a new key that nobody vouches for", after(seen(today, keyed("cc", "self-signed", "none")), seen(monday, keyed("aa", "self-signed", "none"))), "HIS-03 info"},
	{"a new key that nobody vouches for, after one that was valid", after(seen(today, keyed("cc", "self-signed", "none")), seen(monday, withoutTLSA)), "HIS-02 warn"},
	{"a second key beside the first", after(seen(today, func(_ *report.Host, a *report.Address) {
		a.Certificates = append(a.Certificates, &report.Certificate{Via: "other-key-type", PKIX: "ok", SPKISHA256: "dd"})
	}), seen(monday, nil)), ""},
	{"a new key that is not published", after(seen(today, keyed("cc", "ok", "mismatch")), seen(monday, nil)), "HIS-02 warn HIS-04 fail"},
	{"a new key that is not published, and never was", after(seen(today, keyed("cc", "ok", "mismatch")), seen(monday, keyed("aa", "ok", "mismatch"))), ""},
}

func TestHistory(t *testing.T) {
	fired, optedOut := map[string]bool{}, map[string]bool{}
	for _, c := range histories {
		checks.Conclude(c.of)
		var got []string
		here := map[string]bool{}
		for _, f := range c.of.Findings {
			if !strings.HasPrefix(f.Rule, "HIS-") {
				continue
			}
			got = append(got, f.Rule+" "+string(f.Verdict))
			fired[f.Rule], here[f.Rule] = true, true
			if s := f.Title + f.Text + f.FixText; strings.ContainsAny(s, "{}") {
				t.Errorf("%s: %s leaves a placeholder open: %s", c.why, f.Rule, s)
			}
			if len(f.Effects) > 0 {
				t.Errorf("%s: %s touches the grade; what is wrong today has a rule of its own", c.why, f.Rule)
			}
		}
		for _, rule := range history.Rules {
			optedOut[rule.ID] = optedOut[rule.ID] || !here[rule.ID]
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%s: %q, want %q", c.why, s, c.want)
		}
	}
	for _, rule := range history.Rules {
		if !fired[rule.ID] || !optedOut[rule.ID] {
			t.Errorf("%s: fires %v, stays away %v", rule.ID, fired[rule.ID], optedOut[rule.ID])
		}
	}
}

func TestHistorySaysSinceWhen(t *testing.T) {
	r := after(seen(today, noTLS), seen(monday.AddDate(0, 0, -2), nil), seen(monday, silent))
	checks.Conclude(r)
	i := slices.IndexFunc(r.Findings, func(f report.Finding) bool { return f.Rule == "HIS-01" })
	if i < 0 || r.Findings[i].Title != "192.0.2.1 offered working TLS until 2026-11-14, but not now" {
		t.Errorf("%+v", r.Findings)
	}
}

func TestChanges(t *testing.T) {
	policy := func(id, raw string) func(*report.Report) {
		return func(r *report.Report) {
			r.MTASTS = &report.MTASTS{State: "enforce", ID: id, Raw: raw, Policy: &report.Policy{Mode: "enforce", MaxAge: 604800}}
		}
	}
	with := func(r *report.Report, change func(*report.Report)) *report.Report { change(r); return r }
	extra := func(r *report.Report) {
		r.Hosts = append(r.Hosts, &report.Host{Name: "mx2.example.org", Preference: 20})
	}
	for _, c := range []struct {
		why  string
		of   *report.Report
		want []string // what, where: before → after
	}{
		{"nothing is remembered", seen(today, nil), nil},
		{"nothing has changed", after(seen(today, nil), seen(monday, nil)), nil},
		{"STARTTLS", after(seen(today, noTLS), seen(monday, nil)), []string{"starttls mx.example.org 192.0.2.1: ok → not-offered"}},
		{"what was not found out is no change", after(seen(today, silent), seen(monday, nil)), nil},
		{"key and certificate", after(seen(today, keyed("cc", "self-signed", "mismatch")), seen(monday, nil)),
			[]string{"certificate mx.example.org 192.0.2.1: ok → self-signed", "key mx.example.org 192.0.2.1: aa → cc", "tlsa mx.example.org : match → mismatch"}},
		{"a server came", after(with(seen(today, nil), extra), seen(monday, nil)), []string{"mx mx2.example.org :  → 20"}},
		{"a server went", after(seen(today, nil), with(seen(monday, nil), extra)), []string{"mx mx2.example.org : 20 → "}},
		{"a server that went before the last report", after(seen(today, nil), with(seen(monday.AddDate(0, 0, -1), nil), extra), seen(monday, nil)), nil},
		{"no answer about the servers", after(with(seen(today, nil), func(r *report.Report) { r.MX.State, r.Hosts = "error", nil }), seen(monday, nil)), []string{"mx-state  : ok → error"}},
		{"another preference", after(seen(today, func(h *report.Host, _ *report.Address) { h.Preference = 5 }), seen(monday, nil)), []string{"mx mx.example.org : 10 → 5"}},
		{"signed no more", after(with(seen(today, nil), func(r *report.Report) { r.MX.DNSSEC.State = report.Insecure }), seen(monday, nil)), []string{"dnssec  : secure → insecure"}},
		{"indeterminate is not known", after(with(seen(today, nil), func(r *report.Report) { r.MX.DNSSEC.State = report.Indeterminate }), seen(monday, nil)), nil},
		{"a policy came", after(with(seen(today, nil), policy("1", "a")), seen(monday, nil)), []string{"mta-sts  : absent → enforce"}},
		{"a new policy", after(with(seen(today, nil), policy("2", "b")), with(seen(monday, nil), policy("1", "a"))),
			[]string{"mta-sts-id  : 1 → 2", "mta-sts-policy  : ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb → 3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d"}},
		{"reports are asked for", after(with(seen(today, nil), func(r *report.Report) { r.TLSRPT.State = "ok" }), seen(monday, nil)), []string{"tls-rpt  : absent → ok"}},
		{"the letter", after(seen(today, nil), with(seen(monday, nil), func(r *report.Report) { r.Grade = &report.Grade{Letter: "F"} })), []string{"letter  : F → D"}},
	} {
		checks.Conclude(c.of)
		var got []string
		for _, d := range c.of.Changes {
			got = append(got, fmt.Sprintf("%s %s %s: %s → %s", d.What, d.Host, d.Address, d.Before, d.After))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s:\n%s\nwant\n%s", c.why, strings.Join(got, "\n"), strings.Join(c.want, "\n"))
		}
	}
}

// Somebody steps between us and the servers of a domain after the first check, and leaves
// again after the second: what was remembered is what tells.
func TestScanChangeScan(t *testing.T) {
	for _, c := range []struct {
		domain, between string // what happens between the first and the second check
		from, to        string // connections to one server reach another
		rules           []string
		changes         []string
	}{
		{"dane.test", "another server answers in its place", "127.77.3.1:25", "127.77.60.1:25", []string{"HIS-02", "HIS-04", "DAN-10"}, []string{"letter", "tlsa", "key"}},
		{"sts.test", "the policy host is gone", "127.77.20.201:443", "127.77.60.1:443", []string{"STS-12", "STS-37"}, []string{"letter", "mta-sts"}},
		{"certificate.test", "STARTTLS is taken out of the dialogue", "127.77.30.1:25", "127.77.80.1:25", []string{"HIS-01", "SMT-12"}, []string{"letter", "starttls"}},
	} {
		synctest.Test(t, func(t *testing.T) {
			kept := map[string]*report.Report{}
			asked := 0
			between := false
			_, e := world(t, lab.Options{}, func(cfg *checks.Config) {
				cfg.Previous = func(_ context.Context, domain string) *report.Report {
					asked++
					return kept[domain]
				}
				dial := cfg.Dial
				cfg.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
					if between && address == c.from {
						address = c.to
					}
					return dial(ctx, network, address)
				}
			})
			check := func() *report.Report {
				r := stored(t, scan(t, e, c.domain))
				kept[c.domain] = r
				time.Sleep(24 * time.Hour) // what is cached has run out by the next one
				return r
			}
			first := check()
			if first.Past != nil || len(first.Changes) > 0 {
				t.Errorf("%s: the first check remembers %+v", c.domain, first.Past)
			}
			between = true
			second := check()
			for _, rule := range c.rules {
				if !fired(second, rule) {
					t.Errorf("%s: when %s, %s does not fire\n%s", c.domain, c.between, rule, outline(second))
				}
			}
			for _, what := range c.changes {
				if !slices.ContainsFunc(second.Changes, func(d report.Change) bool { return d.What == report.Aspect(what) }) {
					t.Errorf("%s: when %s, no change of %s among %v", c.domain, c.between, what, second.Changes)
				}
			}
			between = false
			third := check()
			for _, rule := range c.rules {
				if fired(third, rule) {
					t.Errorf("%s: %s fires though all is as it was", c.domain, rule)
				}
			}
			if third.Grade.Letter != first.Grade.Letter || asked != 3 {
				t.Errorf("%s: %s at first, %s at last; asked %d times for what was before", c.domain, first.Grade.Letter, third.Grade.Letter, asked)
			}
			again := stored(t, second)
			checks.Conclude(again)
			if len(again.Findings) != len(second.Findings) || !slices.Equal(again.Changes, second.Changes) {
				t.Errorf("%s: judged again it has %d findings and %d changes, not %d and %d", c.domain, len(again.Findings), len(again.Changes), len(second.Findings), len(second.Changes))
			}
		})
	}
}
