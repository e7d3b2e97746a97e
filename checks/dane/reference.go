package dane

import (
	"slices"
	"strings"

	"mxseal/checks/internal/pkix"
	"mxseal/checks/report"
)

// reference is a name that a sender looks for in a certificate below a trust anchor. Where the
// standard and Postfix part, only one of the two does.
type reference struct {
	name         string
	rfc, postfix bool
}

// references are the names of a host by the way a sender came to it (RFC 7672 §3.2.2): by an MX
// record that is signed, by one that is not, or without any. A name that the host is only an
// alias of is none where it is not the TLSA base domain.
func references(r report.Observed, h *report.Host) []reference {
	base := h.TLSA.Base
	if base == "" {
		base = h.Name
	}
	names := []reference{{base, true, true}}
	if r.MX == nil || r.Domain == "" { // a server that was asked for by its name
		return names
	}
	expanded := r.Domain
	if steps := r.MX.DNSSEC.Steps; len(steps) > 0 {
		expanded = strings.TrimSuffix(steps[len(steps)-1].Target, ".")
	}
	switch {
	case r.MX.State == report.MXImplicit:
		return append(names, reference{r.Domain, true, false})
	case r.MX.DNSSEC.State == report.Secure:
		return append(names, reference{r.Domain, true, true}, reference{expanded, true, true})
	}
	return append(names, reference{h.Name, true, false}, reference{r.Domain, false, true}, reference{expanded, false, true})
}

// covered reports whether a certificate is for one of the names: its dNSNames, or its common
// name where it has none (RFC 7672 §3.2.3). only says which senders take it, where not all do.
func covered(leaf *pkix.Certificate, names []reference) (only string, ok bool) {
	presented := leaf.DNSNames
	if len(presented) == 0 {
		presented = []string{leaf.Subject.CommonName}
	}
	names = slices.DeleteFunc(slices.Clone(names), func(n reference) bool { return !pkix.NameMatches(presented, n.name) })
	rfc := slices.ContainsFunc(names, func(n reference) bool { return n.rfc })
	postfix := slices.ContainsFunc(names, func(n reference) bool { return n.postfix })
	switch {
	case rfc && postfix:
		return "", true
	case rfc:
		return byTheStandard, true
	case postfix:
		return byPostfix, true
	}
	return "", false
}

// Who takes a name.
const (
	byTheStandard = "senders that go by the letter of RFC 7672"
	byPostfix     = "senders with Postfix"
)
