package mx

import (
	"slices"
	"strings"

	"mxseal/checks/report"
)

// judgeNeighbours shows records of other subjects; none of them touches the grade.
func judgeNeighbours(j *report.Judgement, r *report.Report) {
	n := r.MX.Neighbours
	switch r.MX.State {
	case "nxdomain", "error":
		return
	}
	spf, dmarc := "none", "none"
	closed := slices.Contains(strings.Fields(strings.ToLower(n.SPF)), "-all")
	switch {
	case closed:
		spf = "present, refuses all others (-all)"
	case n.SPF != "":
		spf = "present"
	}
	policy := tag(n.DMARC, "p")
	switch {
	case policy != "":
		dmarc = "present, policy " + policy
	case n.DMARC != "":
		dmarc = "present, without a policy"
	}
	j.Add("NBR-01").With("found", spf).Showing(shown(n.SPF)...)
	j.Add("NBR-02").With("found", dmarc).Showing(shown(n.DMARC)...)
	if r.MX.State == "null" && !(closed && policy == "reject") {
		j.Add("NBR-04")
	}
	for i, h := range r.Hosts {
		caa, name := h.CAA, h.CAAName
		if i == 0 && name == "" { // a report from before every host was asked for
			caa, name = n.CAA, n.CAAName
		}
		judgeCAA(j, h, caa, name)
	}
}

func shown(record string) []string {
	if record == "" {
		return nil
	}
	return []string{record}
}

// tag returns the value of a tag in a tag list such as that of DMARC (RFC 6376 §3.2).
func tag(record, name string) string {
	for _, field := range strings.Split(record, ";") {
		k, v, _ := strings.Cut(field, "=")
		if strings.EqualFold(strings.TrimSpace(k), name) {
			return strings.ToLower(strings.TrimSpace(v))
		}
	}
	return ""
}

// authorities are the larger public authorities: a word from the issuer names of their
// certificates, and the names by which CAA records call them, as their statements of
// practice say.
var authorities = []struct {
	issuer  string
	domains []string
}{
	{"Let's Encrypt", []string{"letsencrypt.org"}},
	{"Google Trust Services", []string{"pki.goog"}},
	{"Sectigo", []string{"sectigo.com", "comodoca.com", "comodo.com", "usertrust.com", "trust-provider.com"}},
	{"ZeroSSL", []string{"sectigo.com", "comodoca.com", "comodo.com", "usertrust.com", "trust-provider.com"}},
	{"Amazon", []string{"amazon.com", "amazontrust.com", "awstrust.com", "amazonaws.com", "aws.amazon.com"}},
	{"GlobalSign", []string{"globalsign.com"}},
	{"Actalis", []string{"actalis.it"}},
	{"Buypass", []string{"buypass.com", "buypass.no"}},
	{"HARICA", []string{"harica.gr"}},
}

// judgeCAA holds the CAA records in force for a host against its certificates.
func judgeCAA(j *report.Judgement, h *report.Host, caa []string, name string) {
	var issue, wild []string // authorities that may issue; wild is for wildcards where there is any (RFC 8659 §4.3)
	bound := false
	for _, line := range caa {
		tag, value, _ := strings.Cut(line, " ")
		authority, parameters, _ := strings.Cut(value, ";")
		authority = strings.ToLower(strings.TrimSpace(authority))
		switch tag {
		case "issue":
			issue = append(issue, authority)
		case "issuewild":
			wild = append(wild, authority)
		default:
			continue
		}
		bound = bound || strings.Contains(parameters, "accounturi") || strings.Contains(parameters, "validationmethods")
	}
	if issue == nil && wild == nil {
		return
	}
	if wild == nil {
		wild = issue
	}
	if issue != nil {
		binding := ""
		if bound {
			binding = ", all the more as they are bound to an account or to a way of validation"
		}
		j.Add("NBR-05").At(h.Name, "").With("name", name).With("binding", binding).Showing(caa...)
	}
	for _, ca := range authorities {
		forbids := func(allowed []string) bool {
			return allowed != nil && !slices.ContainsFunc(ca.domains, func(d string) bool { return slices.Contains(allowed, d) })
		}
		if forbids(issue) && issuedBy(h, ca.issuer, false) || forbids(wild) && issuedBy(h, ca.issuer, true) {
			j.Add("NBR-06").At(h.Name, "").With("name", name).With("issuer", ca.issuer).With("authority", ca.domains[0]).Showing(caa...)
		}
	}
}

// issuedBy reports whether a publicly trusted certificate of the host names that issuer, and
// is a wildcard or not.
func issuedBy(h *report.Host, issuer string, wildcard bool) bool {
	return slices.ContainsFunc(h.Addresses, func(a *report.Address) bool {
		return slices.ContainsFunc(a.Certificates, func(c *report.Certificate) bool {
			star := slices.ContainsFunc(c.Names, func(n string) bool { return strings.HasPrefix(n, "*.") })
			return c.PublicCA && star == wildcard && strings.Contains(c.Issuer, issuer)
		})
	})
}
