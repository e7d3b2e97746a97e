package view

import (
	"fmt"

	"mxseal/checks/report"
)

// PathFault says what stands against a path.
func PathFault(f report.PathFault) string {
	words, known := pathFaults[f.Code]
	if !known {
		return string(f.Code)
	}
	text := fmt.Sprintf(words, f.About)
	if f.More != "" {
		text += " (" + f.More + ")"
	}
	return text
}

// pathFaults are what stands against a path; the subject of the certificate goes into the quotes.
var pathFaults = map[report.FaultCode]string{
	report.FaultNoIssuer:          "unknown authority: no certificate of the issuer of “%s” was found",
	report.FaultNoAnchor:          "unknown authority: “%s” is signed by itself and is not among the trusted roots",
	report.FaultExpired:           "“%s” has expired",
	report.FaultNotYetValid:       "“%s” is not yet valid",
	report.FaultBadDate:           "a date of “%s” is not written as it has to be",
	report.FaultWrongSignature:    "the signature of “%s” does not verify under its issuer's key",
	report.FaultUnknownSignature:  "the signature of “%s” is by an algorithm that senders do not know",
	report.FaultUnchecked:         "the signature of “%s” is of a kind that this checker does not compute",
	report.FaultWeakSignature:     "the signature of “%s” can be forged",
	report.FaultWeakKey:           "the key of “%s” is too short",
	report.FaultKeyUsage:          "incompatible key usage: that of “%s” does not allow what it is used for",
	report.FaultPurpose:           "incompatible key usage: the extended key usage of “%s” does not name TLS servers",
	report.FaultNotCA:             "“%s” may not issue certificates",
	report.FaultPathLength:        "more authorities below “%s” than it allows",
	report.FaultNameConstraint:    "the name constraints of an authority forbid a name of “%s”",
	report.FaultCriticalExtension: "unhandled critical extension in “%s”",
	report.FaultMalformed:         "an extension of “%s” cannot be read",
	report.FaultOtherKey:          "“%s” names another key of its issuer than the one that was found",
	report.FaultExplicitCurve:     "the elliptic curve of “%s” is written out instead of named",
	report.FaultDistrusted:        "the root above “%s” is no longer trusted for it",
	report.FaultTooMuch:           "too many ways from “%s” to a root to try them all",
}
