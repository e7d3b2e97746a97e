package mtasts

import (
	"slices"

	"mxseal/checks/report"
)

// Forecast says when an MTA-STS policy ends: the one in force with the certificate of its
// host, one that was withdrawn with the memory of the senders.
func Forecast(r *report.Report) []report.Due {
	m := r.MTASTS
	switch {
	case m == nil:
		return nil
	case m.State == report.STSEnforce && m.Fetch != nil && m.Fetch.Certificate != nil:
		return []report.Due{{At: m.Fetch.Certificate.NotAfter, Since: m.Fetch.Certificate.NotBefore, What: report.EndsPolicyCertificate, Rule: "STS-13", Host: "mta-sts." + r.Domain,
			Text: "The certificate of the policy host ends. Unless it is renewed, senders cannot fetch the MTA-STS policy from then on, and those whose copy has ended deliver without."}}
	case r.Past == nil || r.Past.Policy == nil || !slices.ContainsFunc(r.Findings, func(f report.Finding) bool { return f.Rule == "STS-37" }):
		return nil
	}
	return []report.Due{{At: r.Past.Policy.Ends(), What: report.EndsPolicy, Rule: "STS-37",
		Text: "The last sender forgets the MTA-STS policy that was served before. Until then it is enforced. After that, only senders that check DANE and partners who insist on a certificate can tell the servers from an impostor."}}
}
