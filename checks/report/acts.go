package report

import (
	"slices"
	"strings"
)

// Broken returns the index of the first link of the chain that is not secure; the number of
// links where all are and what is amiss, if anything, is the answer itself.
func (t Trust) Broken() int {
	if i := slices.IndexFunc(t.Chain, func(l Link) bool { return l.State != Secure }); i >= 0 {
		return i
	}
	return len(t.Chain)
}

// guilty names the zone whose records keep the answer from being secure; empty without a
// chain. A link that fails before its DS is known fails by the zone above.
func (t Trust) guilty() string {
	i := t.Broken()
	if len(t.Chain) == 0 {
		return ""
	}
	if i == len(t.Chain) || i > 0 && len(t.Chain[i].DS) == 0 && t.Chain[i].State != Insecure {
		i--
	}
	if z := t.Chain[i].Zone; z != "." {
		return strings.TrimSuffix(z, ".")
	}
	return "."
}

// WhoActs says in one sentence who can fix what keeps an answer from being secure: its
// owner, the DNS host, the registrar, the operator of a top-level domain, or we. Empty where
// it is secure.
func (t Trust) WhoActs() string {
	zone := t.guilty()
	owner, host := "The owner of "+zone, "The DNS host of "+zone
	switch {
	case zone == ".":
		host = "The operators of the root zone"
	case zone == "" || t.Reason == "opt-out":
		owner, host = "The owner of the domain", "The DNS host of the domain"
	case !strings.Contains(zone, "."):
		host = "The operator of the top-level domain " + zone
	}
	switch t.Reason {
	case "no-ds", "opt-out":
		return owner + ": have it signed at the DNS host, then give its DS record to the registrar."
	case "unsupported-algorithm":
		return host + ": sign with algorithm 13. Then the owner gives the new DS record to the registrar."
	case "unsupported-ds-digest":
		return owner + ", at the registrar: enter a DS record with digest type 2."
	case "ds-mismatch":
		return owner + ", at the registrar: replace the DS record by that of a present key, or remove it."
	case "dnskey-missing":
		return host + ": publish the key that signs, or sign with one that is published."
	case "signature-expired", "signature-not-yet-valid", "signature-invalid", "no-zone-key-bit", "signer-mismatch", "rrsig-missing", "limit":
		return host + ": sign the zone again."
	case "nsec-missing", "rcode-mismatch", "nsec3-iterations":
		return host + ": correct the denials of the zone."
	case "lookup-failed", "ds-lookup-failed", "dnskey-lookup-failed":
		return host + ", if other resolvers get no answer either; otherwise the operator of the resolver that was asked."
	case "alias-fault":
		return "The owners of the aliases: let them lead to one name in the end."
	case "upstream-not-dnssec-capable":
		return "Nobody at the domain. The operator of this check: use a resolver that passes DNSSEC records on."
	case "own-clock-wrong":
		return "Nobody at the domain. The operator of this check: set the clock."
	}
	return ""
}

// NoteText puts a note of a Trust or Link into words; a code that it does not know stays as it is.
func NoteText(code string) string {
	switch code {
	case "weak-key":
		return "an RSA key below 2048 bits"
	case "factorable-key":
		return "an RSA key below 1024 bits, which can be computed"
	case "algorithm-without-key":
		return "a DS of an algorithm that no key has"
	case "algorithm-not-signing":
		return "a DS of an algorithm that does not sign the keys"
	case "extra-signature-invalid":
		return "a further signature that does not hold"
	case "expires-soon":
		return "the signature ends within three days"
	case "began-recently":
		return "the signature began within the last hour"
	case "nsec3-iterations":
		return "NSEC3 with further iterations"
	case "nsec3-opt-out":
		return "the denial rests on an opt-out span"
	case "nxdomain-for-existing":
		return "NXDOMAIN was said of a name that exists"
	}
	return code
}
