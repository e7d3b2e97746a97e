package checks_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"mxseal/checks"
	"mxseal/checks/report"
)

func TestForecast(t *testing.T) {
	ends := today.AddDate(0, 0, 56) // of the certificate of seen, issued 34 days ago for 90
	enforced := func(r *report.Report) {
		r.MTASTS = &report.MTASTS{State: "enforce", ID: "1", Raw: "x", Policy: &report.Policy{Mode: "enforce", MaxAge: 604800},
			Fetch: &report.Fetch{Status: 200, Certificate: &report.Certificate{NotAfter: today.AddDate(0, 0, 10)}}}
	}
	with := func(r *report.Report, change func(*report.Report)) *report.Report { change(r); return r }
	chain := func(zone string, answer, keys, ds int) report.Trust {
		until := func(days int) *report.Signature { return &report.Signature{Expires: today.AddDate(0, 0, days)} }
		return report.Trust{State: report.Secure, Signature: until(answer), Chain: []report.Link{
			{Zone: ".", Window: until(1)}, {Zone: "org", Window: until(1), DSWindow: until(1)}, {Zone: zone, Window: until(keys), DSWindow: until(ds)}}}
	}
	records := func(list ...report.TLSARecord) func(*report.Host, *report.Address) {
		return func(h *report.Host, a *report.Address) {
			h.TLSA.Records = list
			for i := range list {
				if list[i].Data == "aa" {
					list[i].Matches = []string{a.IP}
				}
			}
		}
	}
	renewed := today.AddDate(0, 0, 26) // after two thirds of its life
	for _, c := range []struct {
		why  string
		of   *report.Report
		want []string // date, what, rule
	}{
		{"a certificate and a published successor", seen(today, nil), []string{day(ends) + " certificate CRT-06"}},
		{"a certificate that nobody minds", seen(today, func(_ *report.Host, a *report.Address) { a.Certificates[0].PKIX = "self-signed" }), nil},
		{"a certificate that is out of date already", seen(today, func(_ *report.Host, a *report.Address) {
			a.Certificates[0].PKIX, a.Certificates[0].NotAfter = "expired", monday
		}), nil},
		{"a private authority in TLSA", seen(today, func(h *report.Host, a *report.Address) {
			a.Certificates[0].PKIX, a.Certificates[0].PublicCA = "untrusted", false
			records(report.TLSARecord{Usage: 2, Selector: 1, Data: "aa"})(h, a)
		}), []string{day(ends) + " certificate CRT-06"}},
		{"one certificate at two addresses is one date", seen(today, func(h *report.Host, a *report.Address) {
			b := *a
			b.IP = "192.0.2.2"
			h.Addresses = append(h.Addresses, &b)
		}), []string{day(ends) + " certificate CRT-06"}},
		{"3 0 1 of a public certificate", seen(today, records(report.TLSARecord{Usage: 3, Data: "aa"})),
			[]string{day(renewed) + " renewal DAN-19", day(ends) + " certificate CRT-06"}},
		{"3 0 1 of one made at home", seen(today, func(h *report.Host, a *report.Address) {
			a.Certificates[0].PublicCA, a.Certificates[0].PKIX = false, "self-signed"
			records(report.TLSARecord{Usage: 3, Data: "aa"})(h, a)
		}), nil},
		{"a single 3 1 1 of a public certificate", seen(today, records(report.TLSARecord{Usage: 3, Selector: 1, Data: "aa"})),
			[]string{day(renewed) + " renewal DAN-23", day(ends) + " certificate CRT-06"}},
		{"the same when the renewal is overdue", func() *report.Report {
			r := seen(today, records(report.TLSARecord{Usage: 3, Selector: 1, Data: "aa"}))
			r.CheckedAt = today.AddDate(0, 0, 30)
			return r
		}(), []string{day(ends) + " certificate CRT-06", day(ends) + " renewal DAN-23"}},
		{"key and issuer", seen(today, records(report.TLSARecord{Usage: 3, Selector: 1, Data: "aa"}, report.TLSARecord{Usage: 2, Selector: 1, Data: "aa"})),
			[]string{day(ends) + " certificate CRT-06"}},
		{"the policy host's certificate", with(seen(today, noTLS), enforced), []string{day(today.AddDate(0, 0, 10)) + " policy-certificate STS-13"}},
		{"signatures: the soonest of each zone, none of a registry", with(seen(today, noTLS), func(r *report.Report) {
			r.MX.DNSSEC = chain("example.org", 9, 8, 7)
			r.Hosts[0].DNSSEC = chain("example.org", 6, 8, 7)
			tlsa := chain("example.net", 12, 11, 2)
			r.Hosts[0].TLSA.DNSSEC = &tlsa
		}), []string{day(today.AddDate(0, 0, 6)) + " signatures SEC-22", day(today.AddDate(0, 0, 11)) + " signatures SEC-22"}},
		{"the parent's signature over the DS, where the parent is no registry", with(seen(today, noTLS), func(r *report.Report) {
			t := chain("example.org", 9, 8, 7)
			t.Chain = append(t.Chain, report.Link{Zone: "sub.example.org", Window: &report.Signature{Expires: today.AddDate(0, 0, 30)}, DSWindow: &report.Signature{Expires: today.AddDate(0, 0, 5)}})
			r.MX.DNSSEC = t
		}), []string{day(today.AddDate(0, 0, 5)) + " signatures SEC-22", day(today.AddDate(0, 0, 9)) + " signatures SEC-22"}},
		{"signatures that are not believed anyway", with(seen(today, noTLS), func(r *report.Report) {
			r.MX.DNSSEC = chain("example.org", 9, 8, 7)
			r.MX.DNSSEC.State = report.Bogus
		}), nil},
		{"a policy that was withdrawn", after(seen(today, noTLS), with(seen(monday, noTLS), enforced)), []string{day(monday.AddDate(0, 0, 7)) + " policy STS-37"}},
		{"a policy that everybody has forgotten", after(seen(today, noTLS), with(seen(monday.AddDate(0, 0, -7), noTLS), enforced)), nil},
		{"nothing gathered", &report.Report{Meta: report.Meta{Domain: "example.org", CheckedAt: today}}, nil},
	} {
		checks.Conclude(c.of)
		var got []string
		for _, d := range c.of.Forecast {
			got = append(got, day(d.At)+" "+string(d.What)+" "+d.Rule)
			if d.Text == "" {
				t.Errorf("%s: %s says nothing", c.why, d.What)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s:\n%s\nwant\n%s", c.why, strings.Join(got, "\n"), strings.Join(c.want, "\n"))
		}
	}
}

func day(t time.Time) string { return t.Format(time.DateOnly) }

// Every rule that a forecast names exists, so that page and terminal can lead to it.
func TestForecastsNameRules(t *testing.T) {
	known := map[string]bool{}
	for _, c := range checks.All {
		for _, rule := range c.Rules {
			known[rule.ID] = true
		}
	}
	named := map[string]bool{}
	for _, d := range everyDomain(t) {
		r := d.report
		for i, due := range r.Forecast {
			named[due.Rule] = true
			if !known[due.Rule] {
				t.Errorf("%s: %s is no rule", d.Name, due.Rule)
			}
			if !due.At.After(r.CheckedAt) || i > 0 && due.At.Before(r.Forecast[i-1].At) {
				t.Errorf("%s: %v is over, or stands behind a later one", d.Name, due.At)
			}
		}
	}
	for _, rule := range []string{"CRT-06", "SEC-22", "STS-13"} {
		if !named[rule] {
			t.Errorf("no domain of the lab has %s to come", rule)
		}
	}
}
