// Package checks is the instrument: it looks at a mail domain the way sending mail servers
// do and says who can read or divert the mail sent to it.
//
// Each check is a folder: doc.md says what it asks and why, rules.go holds its rows of the
// rule catalogue as data, gather.go collects evidence, judge.go turns evidence into
// findings without touching network or clock. The engine runs them; the grade follows from
// the findings alone.
package checks

import (
	"mxseal/checks/certificate"
	"mxseal/checks/dane"
	"mxseal/checks/dnssec"
	"mxseal/checks/mtasts"
	"mxseal/checks/mx"
	"mxseal/checks/report"
	"mxseal/checks/starttls"
	"mxseal/checks/tls"
	"mxseal/checks/tlsrpt"
)

// Check is what the page, the API and the grade need to know of one check.
type Check struct {
	ID    string // its folder, its URL and its JSON key
	Title string
	Doc   string // doc.md
	Rules report.Rules
	Judge func(*report.Report) []report.Finding // pure: the same evidence gives the same findings
}

// All lists the checks in reading order.
var All = []Check{
	{"mx", "Mail exchangers", mx.Doc, mx.Rules, mx.Judge},
	{"starttls", "STARTTLS", starttls.Doc, starttls.Rules, starttls.Judge},
	{"certificate", "Certificate and host name", certificate.Doc, certificate.Rules, certificate.Judge},
	{"tls", "TLS versions and ciphers", tls.Doc, tls.Rules, tls.Judge},
	{"dnssec", "DNSSEC", dnssec.Doc, dnssec.Rules, dnssec.Judge},
	{"dane", "DANE", dane.Doc, dane.Rules, dane.Judge},
	{"mta-sts", "MTA-STS", mtasts.Doc, mtasts.Rules, mtasts.Judge},
	{"tls-rpt", "TLS reporting", tlsrpt.Doc, tlsrpt.Rules, tlsrpt.Judge},
}

// Find returns the check with that id.
func Find(id string) (Check, bool) {
	for _, c := range All {
		if c.ID == id {
			return c, true
		}
	}
	return Check{}, false
}
