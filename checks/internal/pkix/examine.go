package pkix

import (
	"crypto/x509"
	"fmt"
	"strings"

	"mxseal/checks/report"
)

// faults are what stands against a way; a is nil where it leads to no anchor.
func (s *search) faults(way []*Certificate, a *Anchor) []report.PathFault {
	e := &examination{search: s, way: way, bare: a != nil && a.Key != nil, anchored: a != nil}
	authorities := 0 // between the leaf and this certificate, those that are issued by themselves aside
	for i, c := range way {
		e.extensions(i, c)
		if i > 0 {
			e.authority(i, c, authorities)
		} else if !c.may(DigitalSignature|KeyEncipherment|KeyAgreement) || c.has(extNetscape) && c.netscape&0x40 == 0 {
			e.add(report.FaultKeyUsage, i, strings.Join(c.Usages(), ", "))
		}
		if !c.serves() {
			e.add(report.FaultPurpose, i, strings.Join(c.PurposeNames(), ", "))
		}
		if i > 0 && !c.SelfIssued() {
			authorities++
		}
		e.strength(i, c)
		e.constrained(i, c)
	}
	for i := len(way) - 1; i >= 0; i-- {
		e.signature(i, way[i])
		e.dates(i, way[i])
	}
	if a != nil && a.constraint != nil {
		var all []*x509.Certificate // only their dates count
		for _, c := range way {
			all = append(all, &x509.Certificate{NotBefore: c.NotBefore, NotAfter: c.NotAfter})
		}
		if err := a.constraint(all); err != nil {
			e.add(report.FaultDistrusted, 0, report.Clean(err.Error(), 100))
		}
	}
	return e.found
}

// examination holds a way against everything that a verifier looks at.
type examination struct {
	*search
	way            []*Certificate
	anchored, bare bool
	found          []report.PathFault
}

func (e *examination) add(code report.FaultCode, depth int, more string) {
	e.found = append(e.found, report.PathFault{Code: code, Depth: depth, About: e.way[depth].Subject.Text, More: report.Clean(more, 100)})
}

// isAnchor reports whether the certificate at that depth is the anchor itself.
func (e *examination) isAnchor(i int) bool { return e.anchored && !e.bare && i == len(e.way)-1 }

func (e *examination) extensions(i int, c *Certificate) {
	if len(c.Unknown) > 0 {
		e.add(report.FaultCriticalExtension, i, c.Unknown[0])
	}
	if len(c.Malformed) > 0 {
		e.add(report.FaultMalformed, i, c.Malformed[0])
	}
	if c.Key.explicit && len(e.way) > 1 {
		e.add(report.FaultExplicitCurve, i, "")
	}
}

// authority looks at a certificate that issued another one.
func (e *examination) authority(i int, c *Certificate, below int) {
	switch {
	case c.has(extBasic) && c.CA:
	case c.has(extBasic):
		e.add(report.FaultNotCA, i, "basicConstraints")
	case i == len(e.way)-1 && c.Version == 1 && c.SelfIssued():
		// A root from the days before the extension.
	case i == len(e.way)-1 && c.has(extKeyUsage):
		// OpenSSL lets the last one pass by its keyUsage.
	default:
		e.add(report.FaultNotCA, i, "no basicConstraints")
	}
	if !c.may(CertSign) {
		e.add(report.FaultKeyUsage, i, "no keyCertSign")
	}
	if i > 1 && c.PathLength >= 0 && below > c.PathLength {
		e.add(report.FaultPathLength, i, fmt.Sprint(c.PathLength))
	}
}

// strength looks at keys and hashes; nobody needs the signature of an anchor.
func (e *examination) strength(i int, c *Certificate) {
	if c.Key.Kind != "" && !c.Key.explicit && c.Key.Bits > 0 && c.Key.Strength() < 80 {
		e.add(report.FaultWeakKey, i, c.Key.String())
	}
	last := i == len(e.way)-1
	if c.Signature.weak() && (!last || e.bare || !e.anchored && !c.SelfIssued()) {
		e.add(report.FaultWeakSignature, i, c.Signature.Name)
	}
}

// constrained holds a certificate against the constraints of all above it.
func (e *examination) constrained(i int, c *Certificate) {
	if i > 0 && c.SelfIssued() {
		return
	}
	for _, above := range e.way[i+1:] {
		if above.Constraints == nil {
			continue
		}
		if name := above.Constraints.forbid(c, i == 0); name != "" {
			e.add(report.FaultNameConstraint, i, name)
			return
		}
	}
}

func (e *examination) signature(i int, c *Certificate) {
	if i == len(e.way)-1 {
		return // an anchor's is not looked at, and the bare key was found by it
	}
	issuer := e.way[i+1]
	if !c.names(issuer) {
		e.add(report.FaultOtherKey, i, "")
	}
	switch e.check(c, issuer.Key) {
	case wrong:
		e.add(report.FaultWrongSignature, i, "")
	case unknown:
		e.add(report.FaultUnknownSignature, i, c.Signature.Name)
	case unchecked:
		e.add(report.FaultUnchecked, i, c.Signature.Name)
	}
}

// dates looks at the validity. That of an anchor counts only where it is signed by itself: to
// RFC 5280 §6.1 it is no part of the path, and OpenSSL and with it Postfix looks at it there alone.
func (e *examination) dates(i int, c *Certificate) {
	if e.isAnchor(i) && len(e.way) > 1 && !(c.SelfIssued() && c.names(c)) {
		return
	}
	switch {
	case e.at.Before(c.NotBefore):
		e.add(report.FaultNotYetValid, i, c.NotBefore.Format(day))
	case e.at.After(c.NotAfter):
		e.add(report.FaultExpired, i, c.NotAfter.Format(day))
	case c.badDate:
		e.add(report.FaultBadDate, i, "")
	}
}

const day = "2006-01-02"
