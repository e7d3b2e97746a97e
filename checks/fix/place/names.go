package place

import (
	"strings"

	"golang.org/x/net/publicsuffix"

	"mxseal/checks/internal/provider"
	"mxseal/checks/report"
)

// Plain reports whether a name holds nothing but letters, digits, hyphens, underscores and dots.
func Plain(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_' && r != '.'
	}) && name[0] != '-'
}

// Names are those that an own mail server goes by, now and once the MX record names it and not an
// alias of it.
func Names(h *report.Host, domain string) []string {
	proper := strings.TrimSuffix(h.Canonical, ".")
	if proper == "" || proper == h.Name || !Plain(proper) || !ours(proper, domain) {
		return []string{h.Name}
	}
	return []string{h.Name, proper}
}

// ours reports whether a name stands in the domain, or beside it under one registration.
func ours(name, domain string) bool {
	if name == domain || strings.HasSuffix(name, "."+domain) {
		return true
	}
	a, errA := publicsuffix.EffectiveTLDPlusOne(name)
	b, errB := publicsuffix.EffectiveTLDPlusOne(domain)
	return errA == nil && errB == nil && a == b
}

// Operator returns who runs a host for others; nil where it is the domain's own.
func Operator(host, domain string) *provider.Provider {
	if ours(host, domain) || domain == "" {
		return nil
	}
	if p := provider.Of(host); p != nil {
		return p
	}
	above, err := publicsuffix.EffectiveTLDPlusOne(host)
	if err != nil {
		above = host
	}
	return &provider.Provider{Name: "the operator of " + above}
}

// Unsigned returns the zone that keeps an answer from being secure: the first link of the chain
// that is not; name if there is none.
func Unsigned(t report.Trust, name string) string {
	for _, link := range t.Chain {
		if zone := strings.TrimSuffix(link.Zone, "."); link.State != report.Secure && Plain(zone) {
			return zone
		}
	}
	return name
}
