package mx

import (
	"fmt"
	"slices"

	"mxseal/checks/internal/provider"
	"mxseal/checks/report"
)

// aspects are the facts in which the hosts of a domain may differ, as words. An empty word
// means that nothing was seen.
var aspects = []struct {
	name string
	of   func(*report.Host) string
}{
	{"STARTTLS", func(h *report.Host) string { return worst(h, encryption, "no", "old TLS only", "yes") }},
	{"valid certificate", func(h *report.Host) string { return worst(h, certificate, "no", "yes") }},
	{"refuses mail in clear text", func(h *report.Host) string { return worst(h, enforced, "no", "yes") }},
	{"signed address", func(h *report.Host) string { return yes(h.DNSSEC.State == report.Secure) }},
	{"DANE", func(h *report.Host) string {
		switch h.TLSA.State {
		case "", report.TLSAInsecure:
			return "none"
		}
		return string(h.TLSA.State)
	}},
}

// differences names the aspects in which the reachable hosts differ, and says for each host
// what it has.
func differences(hosts []*report.Host) (names, lines []string) {
	for _, aspect := range aspects {
		var seen, words []string
		for _, h := range hosts {
			if !slices.ContainsFunc(h.Addresses, func(a *report.Address) bool { return a.Reachable }) {
				continue
			}
			if word := aspect.of(h); word != "" {
				seen = append(seen, word)
				words = append(words, fmt.Sprintf("%s: %s: %s", aspect.name, h.Name, word))
			}
		}
		slices.Sort(seen)
		if len(slices.Compact(seen)) > 1 {
			names = append(names, aspect.name)
			lines = append(lines, words...)
		}
	}
	return names, lines
}

// worst returns the worst word that of gives for a reachable address; order is worst first.
func worst(h *report.Host, of func(*report.Address) string, order ...string) string {
	for _, word := range order {
		if slices.ContainsFunc(h.Addresses, func(a *report.Address) bool { return a.Reachable && of(a) == word }) {
			return word
		}
	}
	return ""
}

func encryption(a *report.Address) string {
	switch {
	case a.SMTP == nil || a.SMTP.STARTTLS == report.NotTried:
		return ""
	case a.SMTP.STARTTLS != report.Works:
		return "no"
	case a.TLS != nil && (a.TLS.Version == report.TLS11 || a.TLS.Version == report.TLS10):
		return "old TLS only"
	}
	return "yes"
}

func certificate(a *report.Address) string {
	if len(a.Certificates) == 0 {
		return ""
	}
	switch a.PKIX() {
	case "", report.PKIXUntested:
		return ""
	}
	return yes(a.PKIX() == report.PKIXOK)
}

func enforced(a *report.Address) string {
	if a.SMTP == nil || a.SMTP.Enforced == nil {
		return ""
	}
	return yes(*a.SMTP.Enforced)
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// providers names the well-known providers among the hosts, each once, in their order.
func providers(hosts []*report.Host) []string {
	var names []string
	for _, h := range hosts {
		if p := provider.Of(h.Name); p != nil && !slices.Contains(names, p.Name) {
			names = append(names, p.Name)
		}
	}
	return names
}
