package certificate

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"mxseal/checks/internal/pkix"
	"mxseal/checks/report"
)

// Judge says what the certificates of a report are worth to senders that check them.
func Judge(r report.Observed) []report.Finding {
	j := report.NewJudgement(ID, Rules)
	for _, h := range r.Hosts {
		for _, a := range h.Addresses {
			unseen := 0
			if a.TLS != nil {
				unseen = a.TLS.FurtherChains
			}
			for _, c := range a.Certificates {
				switch {
				case c.Via == report.ViaNoName: // senders that check certificates name the host; TLS-68 notes it
				case !c.Kept():
					unseen++
				default:
					one{j: j, r: r, host: h, address: a, Certificate: c}.judge()
				}
			}
			if unseen > 0 {
				j.Add("CRT-28").At(h.Name, a.IP).With("detail", fmt.Sprintf("its certificates take more room than a report has, and %d of them were not kept", unseen))
			}
			if kinds := keyKinds(a.Certificates); len(kinds) > 1 {
				j.Add("CRT-22").At(h.Name, a.IP).With("keys", strings.Join(kinds, " and "))
			}
			if key := seldomKnown(a.Certificates); key != "" {
				j.Add("CRT-31").At(h.Name, a.IP).With("key", key)
			}
		}
	}
	return j.Findings()
}

func (c one) judge() {
	if c.PKIX == report.PKIXUnparsable {
		c.add("CRT-01").As(report.Fail).Setting(invalid...).Fixing(valid...).
			With("read", "not readable").With("what", "It breaks the rules that certificates are written by, and strict senders break off.").
			With("change", "Have it reissued by a public CA.").Showing(c.PKIXDetail)
		return
	}
	c.add("CRT-01").With("read", "readable").With("change", "").
		With("what", fmt.Sprintf("Subject %s, issued by %s, %s, valid until %s.", c.Subject, c.Issuer, c.Key, day(c.NotAfter))).
		Showing("SHA-256 "+c.SHA256, "key "+c.SPKISHA256)
	c.judgeTrust()
	c.judgeDates()
	c.judgeName()
	c.judgeStrength()
	c.judgeSenders()
	c.judgeIdle()
	if shipped(c.Certificate) {
		c.add("CRT-21").With("why", "its certificate came with a product").
			With("meaning", fmt.Sprintf("The certificate says “%s”. Where the key came along too, everybody who has the product has it and can pass for this server.", c.Subject))
	}
	if other := c.sharedWith(); other != "" {
		c.add("CRT-21").With("why", other+" has it too").
			With("meaning", "The two names belong to different owners, and no certificate names both. The operator of one server can pass for the other, and an attacker can lead mail from one to the other unnoticed.")
	}
	if c.PublicCA && !c.SCT {
		c.add("CRT-25")
	}
}

func (c one) judgeTrust() {
	switch {
	case c.Trusted:
		f := c.add("CRT-02").Showing(c.chainLines()...)
		if c.PKIX == report.PKIXOK {
			f.Setting(valid...)
		}
	case c.PKIX == report.PKIXUntested:
		c.add("CRT-28").With("detail", c.PKIXDetail)
	case c.PKIX == report.PKIXWeak && (c.WeakKey != "" || slices.Contains(c.PathFaults, report.FaultWeakSignature)): // CRT-17 and CRT-19 say so
	case c.PublicCA:
		c.pardoned("CRT-15").With("detail", c.PKIXDetail).With("who", c.refusing())
	case c.PKIX == report.PKIXIncomplete:
		c.pardoned("CRT-03").With("issuer", c.top().Issuer).Showing(c.chainLines()...)
	case c.private():
		c.judgePrivate()
	}
	if !c.ordered() || c.Omitted > 0 {
		c.add("CRT-04").Showing(c.chainLines()...)
	}
}

// judgePrivate judges a certificate that no public authority stands behind.
func (c one) judgePrivate() {
	kind := "issued by a private authority"
	if c.SelfSigned {
		kind = "self-signed"
	}
	if slices.Contains(c.PathFaults, report.FaultWrongSignature) {
		kind = "not signed by the issuer that it names"
	}
	f := c.add("CRT-14").With("kind", kind).With("spki", c.SPKISHA256)
	if matches(c.host, c.address.IP, 2) || matches(c.host, c.address.IP, 3) {
		f.As(report.Info)
	}
}

// refusing says which senders refuse a path. Those with GnuTLS and Go take anyExtendedKeyUsage
// for a TLS server, those with OpenSSL do not.
func (c one) refusing() string {
	if slices.Equal(c.PathFaults, []report.FaultCode{report.FaultPurpose}) && slices.Contains(c.Purposes, "anyExtendedKeyUsage") {
		return "Senders that check the certificate with OpenSSL, such as Postfix, do not deliver; those with GnuTLS or Go take anyExtendedKeyUsage and do."
	}
	return "Senders that check the certificate do not deliver."
}

func (c one) judgeDates() {
	now := c.r.CheckedAt
	switch {
	case now.Before(c.NotBefore):
		c.fault("CRT-06").With("state", "not yet valid")
	case now.After(c.NotAfter):
		c.fault("CRT-06").With("state", "expired")
	case c.PKIX == report.PKIXExpired: // by an issuer
		c.fault("CRT-06").With("state", "issued under one that has expired").Showing(c.PKIXDetail)
	case c.PKIX == report.PKIXNotYetValid:
		c.fault("CRT-06").With("state", "issued under one that is not yet valid").Showing(c.PKIXDetail)
	default:
		c.add("CRT-05")
		life, left := c.NotAfter.Sub(c.NotBefore), c.NotAfter.Sub(now)
		if left < min(life/6, 14*24*time.Hour) {
			c.add("CRT-07").With("days", int(left.Hours()/24))
		}
	}
	if limit := maxLife(c.NotBefore); c.PublicCA && c.NotAfter.Sub(c.NotBefore) > time.Duration(limit)*24*time.Hour {
		c.add("CRT-08").With("days", int(c.NotAfter.Sub(c.NotBefore).Hours()/24)).With("limit", limit)
	} else if days := int(c.NotAfter.Sub(c.NotBefore).Hours() / 24); c.PublicCA && days > 100 {
		c.add("CRT-32").With("days", days)
	}
}

// maxLife is how many days a public certificate may be valid (CA/Browser Forum SC-081v3).
func maxLife(issued time.Time) int {
	for _, step := range []struct {
		from time.Time
		days int
	}{
		{time.Date(2029, 3, 15, 0, 0, 0, 0, time.UTC), 47},
		{time.Date(2027, 3, 15, 0, 0, 0, 0, time.UTC), 100},
		{time.Date(2026, 3, 15, 0, 0, 0, 0, time.UTC), 200},
	} {
		if !issued.Before(step.from) {
			return step.days
		}
	}
	return 398
}

func (c one) judgeName() {
	if _, err := netip.ParseAddr(c.host.Name); err == nil {
		return // met by its address, it has no name to prove
	}
	wildcard := c.wildcard()
	switch {
	case c.NameMatch:
		c.add("CRT-09").Showing(c.Names...)
		if exact := slices.ContainsFunc(c.Names, func(n string) bool { return strings.EqualFold(n, c.host.Name) }); !exact && wildcard != "" {
			c.add("CRT-10").With("wildcard", wildcard).With("covers", "covers").With("change", "")
			c.add("CRT-23").With("parent", strings.TrimPrefix(wildcard, "*."))
		}
	case len(c.Names) == 0 && pkix.NameMatches([]string{c.CommonName}, c.host.Name):
		c.fault("CRT-11")
	default:
		if wildcard != "" {
			c.add("CRT-10").As(report.Fail).With("wildcard", wildcard).With("covers", "does not cover").
				With("change", "Have "+c.host.Name+" itself put into the certificate.")
		}
		names, hint := strings.Join(c.Names[:min(len(c.Names), 5)], ", "), ""
		if more := len(c.Names) - 5; more > 0 {
			names += fmt.Sprintf(" and %d more", more)
		}
		if names == "" {
			names = "no host at all"
		}
		if pkix.NameMatches(c.Names, c.r.Domain) {
			hint = " That the mail domain is there does not help."
		}
		c.fault("CRT-12").With("names", names).With("hint", hint)
	}
	if c.r.Domain != "" && c.r.Domain != c.host.Name && pkix.NameMatches(c.Names, c.r.Domain) {
		c.add("CRT-13")
	}
}

// wildcard is the name with a star that covers the host, or else the one that looks as if
// it should: of the same parent, or of one further up.
func (c one) wildcard() string {
	near := ""
	for _, name := range c.Names {
		switch {
		case !strings.Contains(name, "*"):
		case pkix.NameMatches([]string{name}, c.host.Name):
			return name
		case near == "":
			_, parent, _ := strings.Cut(strings.ToLower(name), ".")
			host := strings.ToLower(c.host.Name)
			if parent != "" && (host == parent || strings.HasSuffix(host, "."+parent)) {
				near = name
			}
		}
	}
	return near
}

// matches reports whether a TLSA record of that usage matches what an address serves.
func matches(h *report.Host, ip string, usage uint8) bool {
	return slices.ContainsFunc(h.TLSA.Records, func(t report.TLSARecord) bool {
		return t.Usage == usage && slices.Contains(t.Matches, ip)
	})
}

// top is the last certificate that the sent chain leads to from the leaf.
func (c one) top() *report.Certificate {
	at := c.Certificate
	for range c.Chain {
		i := slices.IndexFunc(c.Chain, func(l *report.Certificate) bool { return l != at && l.Subject == at.Issuer })
		if i < 0 || at.SelfSigned {
			break
		}
		at = c.Chain[i]
	}
	return at
}

// ordered reports whether each certificate of the chain is followed by its issuer's.
func (c one) ordered() bool {
	at := c.Certificate
	for _, next := range c.Chain {
		if at.SelfSigned || next.PKIX == report.PKIXUnparsable || next.Subject != at.Issuer {
			return false
		}
		at = next
	}
	return true
}

func (c one) chainLines() []string {
	lines := []string{c.Subject + " ← " + c.Issuer}
	for _, link := range c.Chain[:min(len(c.Chain), maxLines)] {
		lines = append(lines, link.Subject+" ← "+link.Issuer)
	}
	if more := len(c.Chain) + c.Omitted - maxLines; more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", more))
	}
	return lines
}
