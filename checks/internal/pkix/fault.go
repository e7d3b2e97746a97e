package pkix

import "fmt"

// Code says what is wrong with a path.
type Code string

// The faults of a path. The names are those of the evidence.
const (
	NoIssuer          Code = "no-issuer"          // no certificate of the issuer was found
	NoAnchor          Code = "no-anchor"          // it ends at a self-signed certificate that nobody trusts
	Expired           Code = "expired"            //
	NotYetValid       Code = "not-yet-valid"      //
	BadDate           Code = "bad-date"           // written as certificates may not write it
	WrongSignature    Code = "signature"          // does not verify under the issuer's key
	UnknownSignature  Code = "unknown-signature"  // by an algorithm that OpenSSL 3.0 does not know
	Unchecked         Code = "unchecked"          // with a key that this checker does not compute with
	WeakSignature     Code = "weak-signature"     // SHA-1 or worse
	WeakKey           Code = "weak-key"           // below 80 bits of security
	KeyUsage          Code = "key-usage"          // keyUsage forbids what the certificate is used for
	Purpose           Code = "purpose"            // extended key usage does not name TLS servers
	NotCA             Code = "not-ca"             // an issuer that may not issue
	PathLength        Code = "path-length"        // more authorities below one than it allows
	NameConstraint    Code = "name-constraint"    // a name that an authority above may not issue for
	CriticalExtension Code = "critical-extension" // one that nobody handles
	Malformed         Code = "malformed"          // an extension that cannot be read
	OtherKey          Code = "other-issuer-key"   // names another key of the issuer
	ExplicitCurve     Code = "explicit-curve"     // elliptic curve parameters written out
	Distrusted        Code = "distrusted"         // the root no longer stands for what is issued now
	TooMuch           Code = "too-much"           // more ways than we try
)

// Fault is one thing that is wrong with a path.
type Fault struct {
	Code  Code
	Depth int    // of the certificate it is about; 0 is the leaf
	About string // its subject
	More  string // what exactly: an extension, a name, an algorithm
}

var words = map[Code]string{
	NoIssuer:          "unknown authority: no certificate of the issuer of “%s” was found",
	NoAnchor:          "unknown authority: “%s” is signed by itself and is not among the trusted roots",
	Expired:           "“%s” has expired",
	NotYetValid:       "“%s” is not yet valid",
	BadDate:           "a date of “%s” is not written as it has to be",
	WrongSignature:    "the signature of “%s” does not verify under its issuer's key",
	UnknownSignature:  "the signature of “%s” is by an algorithm that senders do not know",
	Unchecked:         "the signature of “%s” is of a kind that this checker does not compute",
	WeakSignature:     "the signature of “%s” can be forged",
	WeakKey:           "the key of “%s” is too short",
	KeyUsage:          "incompatible key usage: that of “%s” does not allow what it is used for",
	Purpose:           "incompatible key usage: the extended key usage of “%s” does not name TLS servers",
	NotCA:             "“%s” may not issue certificates",
	PathLength:        "more authorities below “%s” than it allows",
	NameConstraint:    "the name constraints of an authority forbid a name of “%s”",
	CriticalExtension: "unhandled critical extension in “%s”",
	Malformed:         "an extension of “%s” cannot be read",
	OtherKey:          "“%s” names another key of its issuer than the one that was found",
	ExplicitCurve:     "the elliptic curve of “%s” is written out instead of named",
	Distrusted:        "the root above “%s” is no longer trusted for it",
	TooMuch:           "too many ways from “%s” to a root to try them all",
}

// String says it in words.
func (f Fault) String() string {
	text := fmt.Sprintf(words[f.Code], f.About)
	if f.More != "" {
		text += " (" + f.More + ")"
	}
	return text
}

// dated reports whether a fault passes with time.
func (f Fault) dated() bool { return f.Code == Expired || f.Code == NotYetValid }
