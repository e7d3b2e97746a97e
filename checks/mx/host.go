package mx

import (
	"slices"
	"strings"

	"mxseal/checks/report"
)

// lookupFailed reports whether a question for an address of the host got no answer. That a
// name or a record does not exist is an answer.
func lookupFailed(h *report.Host) bool {
	return h.Failure != nil && h.Failure.Kind != report.KindNoDomain && h.Failure.Kind != report.KindNoData
}

// believed reports whether a host's addresses may be used by a sender that validates.
func believed(h *report.Host) bool {
	return hasAddress(h) && (h.DNSSEC.State == report.Secure || h.DNSSEC.State == report.Insecure)
}

func hasAddress(h *report.Host) bool { return len(h.Addresses) > 0 }

func reasonOf(h *report.Host) report.Statement {
	switch {
	case h.Failure != nil:
		return h.Failure.Statement.Or(h.Failure.Text)
	case h.DNSSEC.Detail != "":
		return h.DNSSEC.Statement.Or(h.DNSSEC.Detail)
	}
	return report.Say(report.SaysAnswerBogus, "host", h.Name)
}

func failureLine(f *report.Failure) []string {
	if f == nil {
		return nil
	}
	return []string{f.Text}
}

// mayHaveIPv4 is true as well for a host that was not looked up, or in vain.
func mayHaveIPv4(h *report.Host) bool {
	return h.NotTested == report.NotTestedLimit || lookupFailed(h) || h.Doubtful() ||
		slices.ContainsFunc(h.Addresses, func(a *report.Address) bool { return !strings.Contains(a.IP, ":") })
}

// mayHaveIPv6 is true as well for a host that was not looked up, or in vain.
func mayHaveIPv6(h *report.Host) bool {
	return h.NotTested == report.NotTestedLimit || lookupFailed(h) || h.Doubtful() ||
		slices.ContainsFunc(h.Addresses, func(a *report.Address) bool {
			return strings.Contains(a.IP, ":") && a.NotTested != report.NotTestedMapped
		})
}
