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
				j.Add("CRT-28").At(h.Name, a.IP).Saying("detail", report.Say(report.SaysCertificatesNotKept, "count", unseen))
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
			Saying("read", report.Say(report.SaysNotReadable)).Saying("what", report.Say(report.SaysBreaksRules)).
			Saying("change", report.Say(report.SaysHaveReissued)).Showing(c.PKIXDetail)
		return
	}
	c.add("CRT-01").Saying("read", report.Say(report.SaysIsLegible)).With("change", "").
		Saying("what", report.Say(report.SaysCertificateIs, "subject", c.Subject, "issuer", c.Issuer, "key", c.Key, "until", day(c.NotAfter))).
		Showing("SHA-256 "+c.SHA256, "key "+c.SPKISHA256)
	c.judgeTrust()
	c.judgeDates()
	c.judgeName()
	c.judgeStrength()
	c.judgeSenders()
	c.judgeIdle()
	if shipped(c.Certificate) {
		c.add("CRT-21").Saying("why", report.Say(report.SaysCameWithProduct)).
			Saying("meaning", report.Say(report.SaysProductKey, "subject", c.Subject))
	}
	if other := c.sharedWith(); other != "" {
		c.add("CRT-21").Saying("why", report.Say(report.SaysHasItToo, "host", other)).
			Saying("meaning", report.Say(report.SaysOwnersShareKey))
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
		c.add("CRT-28").Saying("detail", c.PKIXWhy.Or(c.PKIXDetail))
	case c.PKIX == report.PKIXWeak && (c.WeakKey != "" || slices.Contains(c.PathFaults, report.FaultWeakSignature)): // CRT-17 and CRT-19 say so
	case c.PublicCA:
		c.pardoned("CRT-15").Saying("detail", c.PKIXWhy.Or(c.PKIXDetail)).Saying("who", report.Say(c.refusing()))
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
	kind := report.SaysPrivateAuthority
	if c.SelfSigned {
		kind = report.SaysSelfSigned
	}
	if slices.Contains(c.PathFaults, report.FaultWrongSignature) {
		kind = report.SaysNotByIssuer
	}
	f := c.add("CRT-14").Saying("kind", report.Say(kind)).With("spki", c.SPKISHA256)
	if matches(c.host, c.address.IP, 2) || matches(c.host, c.address.IP, 3) {
		f.As(report.Info)
	}
}

// refusing says which senders refuse a path. Those with GnuTLS and Go take anyExtendedKeyUsage
// for a TLS server, those with OpenSSL do not.
func (c one) refusing() report.Says {
	if slices.Equal(c.PathFaults, []report.FaultCode{report.FaultPurpose}) && slices.Contains(c.Purposes, "anyExtendedKeyUsage") {
		return report.SaysOpenSSLRefuses
	}
	return report.SaysCheckersRefuse
}

func (c one) judgeDates() {
	now := c.r.CheckedAt
	switch {
	case now.Before(c.NotBefore):
		c.fault("CRT-06").Saying("state", report.Say(report.SaysStateNotYetValid))
	case now.After(c.NotAfter):
		c.fault("CRT-06").Saying("state", report.Say(report.SaysStateExpired))
	case c.PKIX == report.PKIXExpired: // by an issuer
		c.fault("CRT-06").Saying("state", report.Say(report.SaysIssuerExpired)).Showing(c.PKIXDetail)
	case c.PKIX == report.PKIXNotYetValid:
		c.fault("CRT-06").Saying("state", report.Say(report.SaysIssuerNotYetValid)).Showing(c.PKIXDetail)
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
			c.add("CRT-10").With("wildcard", wildcard).Saying("covers", report.Say(report.SaysCovers)).With("change", "")
			c.add("CRT-23").With("parent", strings.TrimPrefix(wildcard, "*."))
		}
	case len(c.Names) == 0 && pkix.NameMatches([]string{c.CommonName}, c.host.Name):
		c.fault("CRT-11")
	default:
		if wildcard != "" {
			c.add("CRT-10").As(report.Fail).With("wildcard", wildcard).Saying("covers", report.Say(report.SaysDoesNotCover)).
				Saying("change", report.Say(report.SaysHaveNamePutIn, "host", c.host.Name))
		}
		names, hint := strings.Join(c.Names[:min(len(c.Names), 5)], ", "), report.Statement{}
		if more := len(c.Names) - 5; more > 0 {
			names += fmt.Sprintf(" and %d more", more)
		}
		if names == "" {
			names = "no host at all"
		}
		if pkix.NameMatches(c.Names, c.r.Domain) {
			hint = report.Say(report.SaysDomainNoHelp)
		}
		c.fault("CRT-12").With("names", names).Saying("hint", hint)
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
