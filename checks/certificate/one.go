package certificate

import (
	"slices"
	"time"

	"mxseal/checks/report"
)

// one is a certificate at an address, about to be judged.
type one struct {
	*report.Certificate
	j       *report.Judgement
	r       report.Observed
	host    *report.Host
	address *report.Address
}

func (c one) add(id string) *report.Finding {
	return c.j.Add(id).At(c.host.Name, c.address.IP).
		With("subject", c.Subject).With("issuer", c.Issuer).With("key", c.Key).
		With("from", day(c.NotBefore)).With("until", day(c.NotAfter))
}

// pardoned is add for a rule that only informs when DANE-EE vouches for the certificate.
func (c one) pardoned(id string) *report.Finding {
	f := c.add(id)
	if matches(c.host, c.address.IP, 3) {
		f.As(report.Info)
	}
	return f
}

// fault is pardoned for what is wrong with the date or the name. A certificate of nobody's
// authority is fixed by one that a public CA issues for this host, which takes care of
// both, so it alone decides there (CRT-14).
func (c one) fault(id string) *report.Finding {
	f := c.pardoned(id)
	if c.private() {
		f.Setting().Fixing()
	}
	return f
}

// private reports whether the certificate is self-signed or of a private authority.
func (c one) private() bool {
	return !c.Trusted && !c.PublicCA && !slices.Contains([]report.PKIX{report.PKIXIncomplete, report.PKIXWeak, report.PKIXUntested}, c.PKIX)
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }
