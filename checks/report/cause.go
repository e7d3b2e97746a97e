package report

// Cause is why an answer of the DNS is not secure, or why a link on the way to it is not.
type Cause string

// Insecure: the parent proves, or the standards say, that nothing is to be proved.
const (
	CauseNoDS                 Cause = "no-ds"                 // delegated without a DS record
	CauseOptOut               Cause = "opt-out"               // in a span of NSEC3 that leaves delegations out
	CauseUnsupportedAlgorithm Cause = "unsupported-algorithm" // no DS with an algorithm that may be relied on
	CauseUnsupportedDigest    Cause = "unsupported-ds-digest" // no DS with a digest that may be relied on
	CauseNSEC3Iterations      Cause = "nsec3-iterations"      // more hashing than RFC 9276 lets a validator refuse
)

// Bogus: there should be a proof and it is missing or wrong.
const (
	CauseLimit            Cause = "limit" // more signatures, keys or hashes than anyone needs
	CauseExpired          Cause = "signature-expired"
	CauseNotYetValid      Cause = "signature-not-yet-valid"
	CauseSignatureInvalid Cause = "signature-invalid"
	CauseNoZoneKeyBit     Cause = "no-zone-key-bit"
	CauseDNSKEYMissing    Cause = "dnskey-missing"
	CauseDSMismatch       Cause = "ds-mismatch"
	CauseSignerMismatch   Cause = "signer-mismatch"
	CauseRRSIGMissing     Cause = "rrsig-missing"
	CauseNSECMissing      Cause = "nsec-missing"
	CauseRcodeMismatch    Cause = "rcode-mismatch" // the rcode says something else than its proof
)

// Indeterminate: no answer, or none that can be judged from here.
const (
	CauseLookupFailed       Cause = "lookup-failed" // of the answer itself
	CauseDSLookupFailed     Cause = "ds-lookup-failed"
	CauseDNSKEYLookupFailed Cause = "dnskey-lookup-failed"
	CauseAliasFault         Cause = "alias-fault" // too many aliases, or an alias that leads nowhere
	CauseNotCapable         Cause = "upstream-not-dnssec-capable"
	CauseClockWrong         Cause = "own-clock-wrong"
)

// Note is a fault of an answer or a link that does not decide its state.
type Note string

const (
	NoteWeakKey             Note = "weak-key"                // RSA below 2048 bits
	NoteFactorableKey       Note = "factorable-key"          // RSA below 1024 bits
	NoteAlgorithmWithoutKey Note = "algorithm-without-key"   // a DS algorithm without DNSKEY (RFC 6840 §5.11)
	NoteAlgorithmNotSigning Note = "algorithm-not-signing"   // a DS algorithm that does not sign the DNSKEY set
	NoteExtraSignature      Note = "extra-signature-invalid" // a signature beside a good one is expired or wrong
	NoteExpiresSoon         Note = "expires-soon"            // a signature ends within three days
	NoteBeganRecently       Note = "began-recently"          // a signature began within the last hour
	NoteIterations          Note = "nsec3-iterations"        // more than none (RFC 9276 §3.1)
	NoteOptOut              Note = "nsec3-opt-out"           // the denial rests on an opt-out span
	NoteNXDOMAIN            Note = "nxdomain-for-existing"   // NXDOMAIN was said of a name that is proved to exist
)
