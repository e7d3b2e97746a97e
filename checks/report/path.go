package report

// Path is what the best way from a leaf up to one of this checker's roots met, with the roots and
// at the time of the check.
type Path struct {
	Anchored bool        `json:"anchored"`         // it reaches a root
	Faults   []PathFault `json:"faults,omitempty"` // what stands against it, the deepest reason first
}

// PathFault is one thing that stands against a path.
type PathFault struct {
	Code  FaultCode `json:"code"`
	Depth int       `json:"depth,omitempty"` // of the certificate that it is about; 0 is the leaf
	About string    `json:"about,omitempty"` // its subject
	More  string    `json:"more,omitempty"`  // what exactly: an extension, a name, an algorithm
}

// FaultCode is what stands against a path.
type FaultCode string

const (
	FaultNoIssuer          FaultCode = "no-issuer" // no certificate of the issuer was found
	FaultNoAnchor          FaultCode = "no-anchor" // it ends at a self-signed certificate that nobody trusts
	FaultExpired           FaultCode = "expired"
	FaultNotYetValid       FaultCode = "not-yet-valid"
	FaultBadDate           FaultCode = "bad-date"           // written as certificates may not write it
	FaultWrongSignature    FaultCode = "signature"          // does not verify under the issuer's key
	FaultUnknownSignature  FaultCode = "unknown-signature"  // by an algorithm that OpenSSL 3.0 does not know
	FaultUnchecked         FaultCode = "unchecked"          // with a key that this checker does not compute with
	FaultWeakSignature     FaultCode = "weak-signature"     // SHA-1 or worse
	FaultWeakKey           FaultCode = "weak-key"           // below 80 bits of security
	FaultKeyUsage          FaultCode = "key-usage"          // keyUsage forbids what the certificate is used for
	FaultPurpose           FaultCode = "purpose"            // extended key usage does not name TLS servers
	FaultNotCA             FaultCode = "not-ca"             // an issuer that may not issue
	FaultPathLength        FaultCode = "path-length"        // more authorities below one than it allows
	FaultNameConstraint    FaultCode = "name-constraint"    // a name that an authority above may not issue for
	FaultCriticalExtension FaultCode = "critical-extension" // one that nobody handles
	FaultMalformed         FaultCode = "malformed"          // an extension that cannot be read
	FaultOtherKey          FaultCode = "other-issuer-key"   // names another key of the issuer
	FaultExplicitCurve     FaultCode = "explicit-curve"     // elliptic curve parameters written out
	FaultDistrusted        FaultCode = "distrusted"         // the root no longer stands for what is issued now
	FaultTooMuch           FaultCode = "too-much"           // more ways than we try
)

// Dated reports whether a fault passes with time.
func (f PathFault) Dated() bool { return f.Code == FaultExpired || f.Code == FaultNotYetValid }
