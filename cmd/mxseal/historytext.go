package main

import (
	"cmp"
	"strings"

	"mxseal/checks/report"
)

// changeWords name what has changed, for people.
var changeWords = map[string]string{
	"letter":         "letter",
	"mx-state":       "state of the MX records",
	"mx":             "mail server (preference)",
	"dnssec":         "DNSSEC",
	"starttls":       "STARTTLS",
	"key":            "public key",
	"certificate":    "certificate",
	"tlsa":           "TLSA records",
	"mta-sts":        "MTA-STS",
	"mta-sts-id":     "MTA-STS id",
	"mta-sts-policy": "MTA-STS policy file",
	"tls-rpt":        "TLS reporting",
}

// maxDue is how many dates to come are shown without verbose.
const maxDue = 3

// history prints what has changed since the report before and what breaks by itself.
func (p *printer) history(r *report.Report, verbose bool) {
	if r.Past != nil && len(r.Changes) > 0 {
		p.heading("Changed since the check of " + r.Past.CheckedAt.Format("2006-01-02 15:04 UTC"))
		for _, c := range r.Changes {
			what := strings.Join(strings.Fields(cmp.Or(changeWords[c.What], c.What)+" "+c.Host+" "+c.Address), " ")
			p.line("  %s: %s → %s", what, shortened(c.Before), shortened(c.After))
		}
	}
	if len(r.Forecast) == 0 {
		return
	}
	p.heading("What ends by itself, unless somebody acts before")
	for i, d := range r.Forecast {
		if i == maxDue && !verbose {
			p.line("  and %s", count(len(r.Forecast)-maxDue, "later date"))
			break
		}
		p.wrapped("  ", d.At.Format("2006-01-02")+"  "+d.Rule+"  "+d.Text)
	}
}

// shortened is one side of a change: a digest is told by its beginning.
func shortened(s string) string {
	switch {
	case s == "":
		return "none"
	case len(s) == 64 && strings.Trim(s, "0123456789abcdef") == "":
		return s[:12] + "…"
	}
	return s
}
