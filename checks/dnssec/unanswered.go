package dnssec

import (
	"slices"

	"mxseal/checks/report"
)

// rests says what rests on the answer to a question of the check.
func rests(r report.Observed) func(report.Question) report.Rest {
	unsigned := func(name string) bool {
		return r.DNSSEC != nil && slices.ContainsFunc(r.DNSSEC.Zones, func(z report.Zone) bool {
			return z.Name == name && z.Trust.State == report.Insecure
		})
	}
	return func(q report.Question) report.Rest {
		if registry(q.Name) { // how it is kept is not told
			return report.Rest{}
		}
		switch q.Type {
		case "NS":
			return report.Rest{Rules: []string{"SEC-37"}, What: "whether the name servers are in domains that exist"}
		case "SOA":
			return report.Rest{Rules: []string{"SEC-09", "SEC-19", "SEC-20", "SEC-37"}, What: "where the zones of the names begin"}
		case "DNSKEY":
			return report.Rest{Rules: []string{"SEC-09", "SEC-39"}, What: "whether a zone has keys"}
		case "NSEC3PARAM":
			rest := report.Rest{Rules: []string{"SEC-19", "SEC-20", "SEC-21"}, What: "how a zone hashes its denials"}
			if unsigned(q.Name) { // DANE, and the best letter, are out of reach all the same
				rest.Rules = []string{"SEC-21"}
			}
			return rest
		case "CDS":
			return report.Rest{Rules: []string{"SEC-38", "SEC-39", "SEC-40"}, What: "what a zone asks of its registry (CDS)"}
		}
		return report.Rest{} // of MX, addresses and TLSA the checks that asked first say so
	}
}
