package view

import (
	"cmp"
	"strings"

	"mxseal/checks/report"
)

// act is what has to be done about a cause, after the words for who does it.
type act struct {
	owner bool // of the zone; else the one who runs its name servers
	does  string
}

const (
	haveSigned     = ": have it signed at the DNS host, then give its DS record to the registrar."
	signAgain      = ": sign the zone again."
	correctDenials = ": correct the denials of the zone."
	answer         = ", if other resolvers get no answer either; otherwise the operator of the resolver that was asked."
)

var acts = map[report.Cause]act{
	report.CauseNoDS:   {true, haveSigned},
	report.CauseOptOut: {true, haveSigned},

	report.CauseUnsupportedAlgorithm: {false, ": sign with algorithm 13. Then the owner gives the new DS record to the registrar."},
	report.CauseUnsupportedDigest:    {true, ", at the registrar: enter a DS record with digest type 2."},
	report.CauseDSMismatch:           {true, ", at the registrar: replace the DS record by that of a present key, or remove it."},
	report.CauseDNSKEYMissing:        {false, ": publish the key that signs, or sign with one that is published."},

	report.CauseExpired:          {false, signAgain},
	report.CauseNotYetValid:      {false, signAgain},
	report.CauseSignatureInvalid: {false, signAgain},
	report.CauseNoZoneKeyBit:     {false, signAgain},
	report.CauseSignerMismatch:   {false, signAgain},
	report.CauseRRSIGMissing:     {false, signAgain},
	report.CauseLimit:            {false, signAgain},

	report.CauseNSECMissing:     {false, correctDenials},
	report.CauseRcodeMismatch:   {false, correctDenials},
	report.CauseNSEC3Iterations: {false, correctDenials},

	report.CauseLookupFailed:       {false, answer},
	report.CauseDSLookupFailed:     {false, answer},
	report.CauseDNSKEYLookupFailed: {false, answer},
}

// WhoActs says in one sentence who can fix what keeps an answer from being secure: its
// owner, the DNS host, the registrar, the operator of a top-level domain, or we. Empty where
// it is secure.
func WhoActs(t report.Trust) string {
	switch t.Reason {
	case report.CauseAliasFault:
		return "The owners of the aliases: let them lead to one name in the end."
	case report.CauseNotCapable:
		return "Nobody at the domain. The operator of this check: use a resolver that passes DNSSEC records on."
	case report.CauseClockWrong:
		return "Nobody at the domain. The operator of this check: set the clock."
	}
	a, known := acts[t.Reason]
	if !known {
		return ""
	}
	zone := guilty(t)
	owner, host := "The owner of "+zone, "The DNS host of "+zone
	switch {
	case zone == ".":
		host = "The operators of the root zone"
	case zone == "" || t.Reason == report.CauseOptOut:
		owner, host = "The owner of the domain", "The DNS host of the domain"
	case !strings.Contains(zone, "."):
		host = "The operator of the top-level domain " + zone
	}
	if a.owner {
		return owner + a.does
	}
	return host + a.does
}

// guilty names the zone whose records keep an answer from being secure; empty without a
// chain. A link that fails before its DS is known fails by the zone above.
func guilty(t report.Trust) string {
	i := t.Broken()
	if len(t.Chain) == 0 {
		return ""
	}
	if i == len(t.Chain) || i > 0 && len(t.Chain[i].DS) == 0 && t.Chain[i].State != report.Insecure {
		i--
	}
	if z := t.Chain[i].Zone; z != "." {
		return strings.TrimSuffix(z, ".")
	}
	return "."
}

// notes are what does not decide a state, in words.
var notes = map[report.Note]string{
	report.NoteWeakKey:             "an RSA key below 2048 bits",
	report.NoteFactorableKey:       "an RSA key below 1024 bits, which can be computed",
	report.NoteAlgorithmWithoutKey: "a DS of an algorithm that no key has",
	report.NoteAlgorithmNotSigning: "a DS of an algorithm that does not sign the keys",
	report.NoteExtraSignature:      "a further signature that is invalid",
	report.NoteExpiresSoon:         "the signature ends within three days",
	report.NoteBeganRecently:       "the signature began within the last hour",
	report.NoteIterations:          "NSEC3 with further iterations",
	report.NoteOptOut:              "the denial rests on an opt-out span",
	report.NoteNXDOMAIN:            "NXDOMAIN was said of a name that exists",
}

// noted puts notes into words; one that is not known stays as it is.
func noted(list []report.Note) (words []string) {
	for _, n := range list {
		words = append(words, cmp.Or(notes[n], string(n)))
	}
	return words
}
