package resolve

import (
	"github.com/miekg/dns"

	"mxseal/checks/report"
)

// The reasons why an answer is not secure: stable codes, in report.Trust and report.Link.
const (
	// Insecure: the parent proves, or the standards say, that nothing is to be proved.
	NoDS                 = "no-ds"                 // delegated without a DS record
	OptOut               = "opt-out"               // in a span of NSEC3 that leaves delegations out
	UnsupportedAlgorithm = "unsupported-algorithm" // no DS with an algorithm that may be relied on
	UnsupportedDigest    = "unsupported-ds-digest" // no DS with a digest that may be relied on
	NSEC3Iterations      = "nsec3-iterations"      // more hashing than RFC 9276 lets a validator refuse

	// Bogus: there should be a proof and it is missing or wrong.
	Limit            = "limit" // more signatures, keys or hashes than anyone needs
	Expired          = "signature-expired"
	NotYetValid      = "signature-not-yet-valid"
	SignatureInvalid = "signature-invalid"
	NoZoneKeyBit     = "no-zone-key-bit"
	DNSKEYMissing    = "dnskey-missing"
	DSMismatch       = "ds-mismatch"
	SignerMismatch   = "signer-mismatch"
	RRSIGMissing     = "rrsig-missing"
	NSECMissing      = "nsec-missing"
	RcodeMismatch    = "rcode-mismatch" // the rcode says something else than its proof

	// Indeterminate: no answer, or none that can be judged from here.
	LookupFailed       = "lookup-failed" // of the answer itself
	DSLookupFailed     = "ds-lookup-failed"
	DNSKEYLookupFailed = "dnskey-lookup-failed"
	AliasFault         = "alias-fault" // too many aliases, or an alias that leads nowhere
	NotCapable         = "upstream-not-dnssec-capable"
	ClockWrong         = "own-clock-wrong"
)

// extended gives the extended DNS error that says the same (RFC 8914 §4, RFC 9276 §3.2).
var extended = map[string]uint16{
	UnsupportedAlgorithm: dns.ExtendedErrorCodeUnsupportedDNSKEYAlgorithm,
	UnsupportedDigest:    dns.ExtendedErrorCodeUnsupportedDSDigestType,
	NSEC3Iterations:      dns.ExtendedErrorCodeUnsupportedNSEC3IterValue,
	Limit:                dns.ExtendedErrorCodeDNSBogus,
	Expired:              dns.ExtendedErrorCodeSignatureExpired,
	NotYetValid:          dns.ExtendedErrorCodeSignatureNotYetValid,
	SignatureInvalid:     dns.ExtendedErrorCodeDNSBogus,
	NoZoneKeyBit:         dns.ExtendedErrorCodeNoZoneKeyBitSet,
	DNSKEYMissing:        dns.ExtendedErrorCodeDNSKEYMissing,
	DSMismatch:           dns.ExtendedErrorCodeDNSKEYMissing,
	SignerMismatch:       dns.ExtendedErrorCodeDNSBogus,
	RRSIGMissing:         dns.ExtendedErrorCodeRRSIGsMissing,
	NSECMissing:          dns.ExtendedErrorCodeNSECMissing,
	RcodeMismatch:        dns.ExtendedErrorCodeDNSBogus,
	LookupFailed:         dns.ExtendedErrorCodeNetworkError,
	DSLookupFailed:       dns.ExtendedErrorCodeNetworkError,
	DNSKEYLookupFailed:   dns.ExtendedErrorCodeNetworkError,
	NotCapable:           dns.ExtendedErrorCodeDNSSECIndeterminate,
	ClockWrong:           dns.ExtendedErrorCodeDNSSECIndeterminate,
}

// Notes are faults that do not decide a state, in report.Trust and report.Link.
const (
	NoteWeakKey             = "weak-key"                // RSA below 2048 bits
	NoteFactorableKey       = "factorable-key"          // RSA below 1024 bits
	NoteAlgorithmWithoutKey = "algorithm-without-key"   // a DS algorithm without DNSKEY (RFC 6840 §5.11)
	NoteAlgorithmNotSigning = "algorithm-not-signing"   // a DS algorithm that does not sign the DNSKEY set
	NoteExtraSignature      = "extra-signature-invalid" // a signature beside a good one is expired or wrong
	NoteExpiresSoon         = "expires-soon"            // a signature ends within three days
	NoteBeganRecently       = "began-recently"          // a signature began within the last hour
	NoteIterations          = "nsec3-iterations"        // more than none (RFC 9276 §3.1)
	NoteOptOut              = "nsec3-opt-out"           // the denial rests on an opt-out span
	NoteNXDOMAIN            = "nxdomain-for-existing"   // NXDOMAIN was said of a name that is proved to exist
)

// fault is why something is not secure; nil means secure.
type fault struct {
	state report.State
	code  string
	says  report.Statement // which record of which zone, and who can fix it
	ede   int
}

func newFault(state report.State, code string, says report.Statement) *fault {
	return &fault{state, code, says, int(extended[code])}
}

func insecure(code string, says report.Says, pairs ...any) *fault {
	return newFault(report.Insecure, code, report.Say(says, pairs...))
}

func bogus(code string, says report.Says, pairs ...any) *fault {
	return newFault(report.Bogus, code, report.Say(says, pairs...))
}

func indeterminate(code string, says report.Says, pairs ...any) *fault {
	return newFault(report.Indeterminate, code, report.Say(says, pairs...))
}

// unanswered is the fault of a look-up that failed.
func unanswered(code string, rep *reply) *fault {
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
func code(f *fault) string {
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
