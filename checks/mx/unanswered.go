package mx

import (
	"slices"
	"strings"

	"mxseal/checks/report"
)

// rests says what rests on the answer to a question of the check.
func rests(r report.Observed) func(report.Question) report.Rest {
	hosts := []string{r.Domain}
	for _, h := range r.Hosts {
		hosts = append(hosts, h.Name)
	}
	return func(q report.Question) report.Rest {
		switch {
		case q.Type == "NS":
			return report.Rest{Rules: []string{"MX-16"}, What: "whether the domains of the mail servers exist"}
		case q.Type == "CAA":
			return report.Rest{Rules: []string{"NBR-05", "NBR-06", "NBR-09"}, What: "which authorities may issue certificates"}
		case q.Type == "TXT" && q.Name == r.Domain:
			return report.Rest{Rules: []string{"NBR-01", "NBR-04"}, What: "what SPF says"}
		case q.Type == "TXT" && (q.Name == "_dmarc."+r.Domain || strings.HasSuffix(r.Domain, "."+strings.TrimPrefix(q.Name, "_dmarc."))):
			return report.Rest{Rules: []string{"NBR-02", "NBR-04"}, What: "what DMARC says"}
		case q.Type == "MX" && q.Name == "*."+r.Domain:
			return report.Rest{Rules: []string{"MX-35"}, What: "whether every name below the domain takes mail"}
		case q.Type == "MX" && q.Name == r.Domain: // MX-02
		case (q.Type == "A" || q.Type == "AAAA") && slices.Contains(hosts, q.Name): // MX-02, MX-25, MX-28, MX-29
		case q.Type == "PTR": // shown, and nothing rests on it
		default:
			return report.Rest{Rules: []string{"MX-30", "MX-31"}, What: "why a mail server has no address"}
		}
		return report.Rest{}
	}
}

// unanswered reports whether a question of the check got no answer.
func unanswered(r report.Observed, kind, name string) bool {
	return r.Lost(ID, name, kind)
}
