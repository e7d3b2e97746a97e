package certificate

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"

	"mxseal/checks/internal/pkix"
	"mxseal/checks/report"
)

// factored says how near a modulus of less than 1024 bits is to being factored.
func factored(bits int) report.Says {
	switch {
	case bits > 0 && bits <= 512:
		return report.SaysFactoredInHours
	case bits > 0 && bits <= 829: // RSA-250, 2020
		return report.SaysFactoredInPublic
	}
	return report.SaysNoMargin
}

func (c one) judgeStrength() {
	kind, _, _ := strings.Cut(c.Key, " ")
	bits := c.KeyBits
	if bits == 0 { // older evidence has it in the name alone
		fmt.Sscanf(c.Key, "RSA %d", &bits)
	}
	modulus, curve := kind == "RSA" || kind == "RSA-PSS", kind == "ECDSA"
	switch {
	case c.WeakKey == report.WeakKeyShort && modulus:
		c.add("CRT-17").Saying("why", report.Say(factored(bits), "key", c.Key))
	case c.WeakKey == report.WeakKeyShort:
		c.add("CRT-17").Saying("why", report.Say(report.SaysBelowEveryBound, "key", c.Key))
	case c.WeakKey == report.WeakKeyROCA:
		c.add("CRT-17").Saying("why", report.Say(report.SaysMadeByROCA))
	case c.Key == "ECDSA P-224":
		c.add("CRT-16").As(report.Warn).Setting(report.NoAPlus).Saying("how", report.Say(report.SaysOutOfUse)).
			Saying("meaning", report.Say(report.SaysP224))
	case modulus && bits > 0 && bits < 2048, curve && bits > 0 && bits < 256, kind == "DSA":
		c.add("CRT-16").Saying("how", report.Say(report.SaysTooShort)).
			Saying("meaning", report.Say(report.SaysKeyCanBeFound))
	case modulus && bits > 0 && bits < 3072:
		c.add("CRT-18")
	}
	c.judgeSignatures()
}

// judgeSignatures judges by which hashes the certificates are signed.
func (c one) judgeSignatures() {
	for _, link := range append([]*report.Certificate{c.Certificate}, c.Chain...) {
		if link.SelfSigned || link.PKIX == report.PKIXUnparsable || !link.Kept() || !c.onPath(link) {
			continue // nobody needs the signature of a root, or what is on no path
		}
		switch {
		case weakHash(link.Signature):
			c.pardoned("CRT-19").With("signature", link.Signature).Showing(link.Subject)
		case strings.Contains(strings.ToUpper(link.Signature), "SHA224"):
			c.add("CRT-20").Showing(link.Subject)
		}
	}
}

// sharedWith is a host of another owner that serves the very same key; empty where there is
// none. Names in one certificate are of one owner.
func (c one) sharedWith() string {
	for _, h := range c.r.Hosts {
		if c.SPKISHA256 == "" || organisation(h.Name) == organisation(c.host.Name) {
			continue
		}
		for _, a := range h.Addresses {
			for _, other := range a.Certificates {
				if !other.Kept() || other.MoreNames > 0 || c.MoreNames > 0 {
					continue // one may name both
				}
				both := func(l *report.Certificate) bool {
					return pkix.NameMatches(l.Names, h.Name) && pkix.NameMatches(l.Names, c.host.Name)
				}
				if other.SPKISHA256 == c.SPKISHA256 && !both(other) && !both(c.Certificate) {
					return h.Name
				}
			}
		}
	}
	return ""
}

// organisation is the registrable domain of a host, or the host itself where it has none.
func organisation(host string) string {
	if domain, err := publicsuffix.EffectiveTLDPlusOne(host); err == nil {
		return domain
	}
	return host
}

// keyKinds are the kinds of key that an address serves certificates for.
func keyKinds(certificates []*report.Certificate) []string {
	var kinds []string
	for _, c := range certificates {
		if kind, _, _ := strings.Cut(c.Key, " "); kind != "" && !slices.Contains(kinds, kind) {
			kinds = append(kinds, kind)
		}
	}
	return kinds
}

// seldomKnown returns the kind of key of an address all of whose certificates have one that
// part of the senders do not know; empty where one has another.
func seldomKnown(certificates []*report.Certificate) string {
	kind := ""
	for _, c := range certificates {
		switch c.Key {
		case "Ed25519", "Ed448", "ECDSA P-521":
			kind = c.Key
		default:
			return ""
		}
	}
	return kind
}
