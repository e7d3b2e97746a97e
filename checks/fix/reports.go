package fix

import (
	"regexp"
	"slices"
	"strings"

	"mxseal/checks/fix/place"
	"mxseal/checks/report"
)

// askForReports are the steps to a TLS reporting record. Addresses that work stay in it.
func askForReports(p place.Place) []report.Step {
	uris := reportAddresses(p.Report.TLSRPT)
	text := "Publish where senders are to report failed deliveries, as the only record of this kind."
	if len(uris) > 0 {
		text += " The addresses that can be used stay."
	} else {
		uris = []string{"mailto:tlsrpt@" + p.Report.Domain}
		text += " The mailbox must exist; a machine may read it. An address outside of {domain} still works when its own mail servers do not."
	}
	value := "v=TLSRPTv1; rua=" + strings.Join(uris, ",")
	var parts []string // a string in the DNS has 255 octets at most
	for len(value) > 255 {
		parts, value = append(parts, `"`+value[:255]+`"`), value[255:]
	}
	parts = append(parts, `"`+value+`"`)
	return []report.Step{{Who: report.Owner, Kind: report.StepDNS, Do: report.Replace, Where: "zone of " + p.Report.Domain,
		Code: "_smtp._tls.{domain}. IN TXT " + strings.Join(parts, " "), Text: text, Risk: "Nothing: mail is delivered as before."}}
}

// reportAddress is an address that stands in a record as it is; a size at its end goes.
var reportAddress = regexp.MustCompile(`^(?:mailto:[A-Za-z0-9._%+=-]+@[A-Za-z0-9.-]+|https://[A-Za-z0-9.-]+(?::[0-9]+)?(?:/[A-Za-z0-9._~%/?=&+-]*)?)$`)

var sizeLimit = regexp.MustCompile(`![0-9]+[kmgtKMGT]?$`)

// reportAddresses are those of the records that are there, without those that cannot be used.
func reportAddresses(t *report.TLSRPT) []string {
	if t == nil {
		return nil
	}
	var list []string
	for _, txt := range t.TXT {
		_, rua, found := strings.Cut(txt, "rua=")
		if !found || !strings.HasPrefix(strings.TrimSpace(txt), "v=TLSRPTv1") {
			continue
		}
		rua, _, _ = strings.Cut(rua, ";")
		for uri := range strings.SplitSeq(rua, ",") {
			uri = sizeLimit.ReplaceAllString(strings.TrimSpace(uri), "")
			useless := slices.ContainsFunc(t.Targets, func(known report.Target) bool {
				return known.URI == uri && (known.Mail == report.MailRefused || known.HTTPS == report.EndpointUnresolvable || known.HTTPS == report.EndpointForbidden)
			})
			if reportAddress.MatchString(uri) && !useless && !slices.Contains(list, uri) {
				list = append(list, uri)
			}
		}
	}
	return list
}
