package mx

import (
	"slices"
	"strings"

	"mxseal/checks/report"
)

// judgeNeighbours shows records of other subjects; none of them touches the grade.
func judgeNeighbours(j *report.Judgement, r report.Observed) {
	n := r.MX.Neighbours
	switch r.MX.State {
	case report.MXNoDomain, report.MXError:
		return
	}
	judgePolicies(j, r)
	for i, h := range r.Hosts {
		caa, name := h.CAA, h.CAAName
		if i == 0 && name == "" { // a report from before every host was asked for
			caa, name = n.CAA, n.CAAName
		}
		judgeCAA(j, h, caa, name)
		if h.CAAKnown && permitted(caa, "issue") == nil && r.MTASTS != nil && r.MTASTS.State == report.STSEnforce && h.TLSA.State != report.TLSAMatch && publicly(h) {
			j.Add("NBR-09").At(h.Name, "")
		}
	}
	judgePolicyCAA(j, r)
}

// judgePolicies shows what SPF and DMARC say of mail that goes out.
func judgePolicies(j *report.Judgement, r report.Observed) {
	n := r.MX.Neighbours
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
	noSPF, noDMARC := n.SPF == "" && unanswered(r, "TXT", r.Domain), n.DMARC == "" && unanswered(r, "TXT", "_dmarc."+r.Domain) // MX-37 says so
	if !noSPF {
		j.Add("NBR-01").With("found", spf).Showing(shown(n.SPF)...)
	}
	if !noDMARC {
		j.Add("NBR-02").With("found", dmarc).Showing(shown(n.DMARC)...)
	}
	if r.MX.State == report.MXNull && !(closed && policy == "reject") && !noSPF && !noDMARC {
		j.Add("NBR-04")
	}
}

// publicly reports whether a host has a certificate of a public authority.
func publicly(h *report.Host) bool {
	return slices.ContainsFunc(h.Addresses, func(a *report.Address) bool {
		return slices.ContainsFunc(a.Certificates, func(c *report.Certificate) bool { return c.PublicCA })
	})
}

// judgePolicyCAA holds the CAA records in force for the policy host against its certificate.
func judgePolicyCAA(j *report.Judgement, r report.Observed) {
	m := r.MTASTS
	if m == nil || m.Fetch == nil || m.Fetch.Certificate == nil {
		return
	}
	c := m.Fetch.Certificate
	allowed := permitted(m.CAA, "issue")
	if wild := permitted(m.CAA, "issuewild"); wild != nil && starred(c) {
		allowed = wild
	}
	for _, ca := range authorities {
		if ca.forbidden(allowed) && c.Trusted && strings.Contains(c.Issuer, ca.issuer) {
			j.Add("NBR-08").With("name", m.CAAName).With("issuer", ca.issuer).With("authority", ca.domains[0]).Showing(m.CAA...)
		}
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

// authority is one that issues public certificates.
type authority struct {
	issuer  string
	domains []string
}

// forbidden reports whether CAA records leave the authority out; nil allows everybody.
func (ca authority) forbidden(allowed []string) bool {
	return allowed != nil && !slices.ContainsFunc(ca.domains, func(d string) bool { return slices.Contains(allowed, d) })
}

// permitted returns the authorities that the records of one tag name; nil where there are none.
func permitted(caa []string, tag string) []string {
	var list []string
	for _, line := range caa {
		if value, ok := strings.CutPrefix(line, tag+" "); ok {
			name, _, _ := strings.Cut(value, ";")
			list = append(list, strings.ToLower(strings.TrimSpace(name)))
		}
	}
	return list
}

// authorities are the larger public authorities: a word from the issuer names of their
// certificates, and the names by which CAA records call them, as their statements of
// practice say.
var authorities = []authority{
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
	issue, wild := permitted(caa, "issue"), permitted(caa, "issuewild") // wild is for wildcards where there is any (RFC 8659 §4.3)
	bound := slices.ContainsFunc(caa, func(line string) bool {
		_, parameters, _ := strings.Cut(line, ";")
		return strings.HasPrefix(line, "issue") && (strings.Contains(parameters, "accounturi") || strings.Contains(parameters, "validationmethods"))
	})
	if issue == nil && wild == nil {
		return
	}
	if wild == nil {
		wild = issue
	}
	if issue != nil {
		binding := report.Statement{}
		if bound {
			binding = report.Say(report.SaysBoundToAccount)
		}
		j.Add("NBR-05").At(h.Name, "").With("name", name).Saying("binding", binding).Showing(caa...)
	}
	for _, ca := range authorities {
		if ca.forbidden(issue) && issuedBy(h, ca.issuer, false) || ca.forbidden(wild) && issuedBy(h, ca.issuer, true) {
			j.Add("NBR-06").At(h.Name, "").With("name", name).With("issuer", ca.issuer).With("authority", ca.domains[0]).Showing(caa...)
		}
	}
}

// issuedBy reports whether a publicly trusted certificate of the host names that issuer, and
// is a wildcard or not.
func issuedBy(h *report.Host, issuer string, wildcard bool) bool {
	return slices.ContainsFunc(h.Addresses, func(a *report.Address) bool {
		return slices.ContainsFunc(a.Certificates, func(c *report.Certificate) bool {
			return c.PublicCA && starred(c) == wildcard && strings.Contains(c.Issuer, issuer)
		})
	})
}

// starred reports whether a certificate is one for a wildcard.
func starred(c *report.Certificate) bool {
	return slices.ContainsFunc(c.Names, func(n string) bool { return strings.HasPrefix(n, "*.") })
}
