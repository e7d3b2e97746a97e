package resolve

import (
	"github.com/miekg/dns"

	"mxseal/checks/report"
)

// extended gives the extended DNS error that says the same (RFC 8914 §4, RFC 9276 §3.2).
var extended = map[report.Cause]uint16{
	report.CauseUnsupportedAlgorithm: dns.ExtendedErrorCodeUnsupportedDNSKEYAlgorithm,
	report.CauseUnsupportedDigest:    dns.ExtendedErrorCodeUnsupportedDSDigestType,
	report.CauseNSEC3Iterations:      dns.ExtendedErrorCodeUnsupportedNSEC3IterValue,
	report.CauseLimit:                dns.ExtendedErrorCodeDNSBogus,
	report.CauseExpired:              dns.ExtendedErrorCodeSignatureExpired,
	report.CauseNotYetValid:          dns.ExtendedErrorCodeSignatureNotYetValid,
	report.CauseSignatureInvalid:     dns.ExtendedErrorCodeDNSBogus,
	report.CauseNoZoneKeyBit:         dns.ExtendedErrorCodeNoZoneKeyBitSet,
	report.CauseDNSKEYMissing:        dns.ExtendedErrorCodeDNSKEYMissing,
	report.CauseDSMismatch:           dns.ExtendedErrorCodeDNSKEYMissing,
	report.CauseSignerMismatch:       dns.ExtendedErrorCodeDNSBogus,
	report.CauseRRSIGMissing:         dns.ExtendedErrorCodeRRSIGsMissing,
	report.CauseNSECMissing:          dns.ExtendedErrorCodeNSECMissing,
	report.CauseRcodeMismatch:        dns.ExtendedErrorCodeDNSBogus,
	report.CauseLookupFailed:         dns.ExtendedErrorCodeNetworkError,
	report.CauseDSLookupFailed:       dns.ExtendedErrorCodeNetworkError,
	report.CauseDNSKEYLookupFailed:   dns.ExtendedErrorCodeNetworkError,
	report.CauseNotCapable:           dns.ExtendedErrorCodeDNSSECIndeterminate,
	report.CauseClockWrong:           dns.ExtendedErrorCodeDNSSECIndeterminate,
}

// fault is why something is not secure; nil means secure.
type fault struct {
	state report.State
	code  report.Cause
	says  report.Statement // which record of which zone, and who can fix it
	ede   int
}

func newFault(state report.State, code report.Cause, says report.Statement) *fault {
	return &fault{state, code, says, int(extended[code])}
}

func insecure(code report.Cause, says report.Says, pairs ...any) *fault {
	return newFault(report.Insecure, code, report.Say(says, pairs...))
}

func bogus(code report.Cause, says report.Says, pairs ...any) *fault {
	return newFault(report.Bogus, code, report.Say(says, pairs...))
}

func indeterminate(code report.Cause, says report.Says, pairs ...any) *fault {
	return newFault(report.Indeterminate, code, report.Say(says, pairs...))
}

// unanswered is the fault of a look-up that failed.
func unanswered(code report.Cause, rep *reply) *fault {
	f := newFault(report.Indeterminate, code, rep.failure.Statement)
	if rep.ede != 0 {
		f.ede = rep.ede
	}
	return f
}

// trust is the state that f leads to.
func (f *fault) trust() report.State {
	if f == nil {
		return report.Secure
	}
	return f.state
}

// code is the reason of a fault; empty when there is none.
func code(f *fault) report.Cause {
	if f == nil {
		return ""
	}
	return f.code
}

// because puts before what a fault says what follows from it.
func (f *fault) because(says report.Says, pairs ...any) *fault {
	g := *f
	g.says = report.Say(says, pairs...).About(f.says)
	return &g
}
