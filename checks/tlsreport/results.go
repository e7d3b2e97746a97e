package tlsreport

// Result is how a session failed (RFC 8460 §4.3).
type Result string

// The results. Others are kept as they are said.
const (
	StartTLSNotSupported    Result = "starttls-not-supported"
	CertificateHostMismatch Result = "certificate-host-mismatch"
	CertificateExpired      Result = "certificate-expired"
	CertificateNotTrusted   Result = "certificate-not-trusted"
	ValidationFailure       Result = "validation-failure"
	TLSAInvalid             Result = "tlsa-invalid"
	DNSSECInvalid           Result = "dnssec-invalid"
	DANERequired            Result = "dane-required"
	PolicyFetchError        Result = "sts-policy-fetch-error"
	PolicyInvalid           Result = "sts-policy-invalid"
	WebPKIInvalid           Result = "sts-webpki-invalid"
)

// OfPolicy reports whether it is the policy that could not be had: then a sender goes on without.
func (r Result) OfPolicy() bool {
	return r == PolicyFetchError || r == PolicyInvalid || r == WebPKIInvalid
}
