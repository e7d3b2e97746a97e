package pkix

import (
	"net/netip"
	"strings"
)

// NameMatches reports whether one of the presented dNSNames covers the reference name
// (RFC 9525 §6.3). Both are A-labels, compared without regard to case; a wildcard counts
// only as the whole left-most label and stands for exactly one. An address is no name.
func NameMatches(names []string, name string) bool {
	reference, ok := hostname(name)
	if !ok {
		return false
	}
	_, parent, _ := strings.Cut(reference, ".")
	for _, presented := range names {
		if same(presented, reference) {
			return true
		}
		rest, wild := strings.CutPrefix(presented, "*.")
		if wild && parent != "" && same(rest, parent) {
			return true
		}
	}
	return false
}

// same compares without regard to case. The reference is ASCII; characters that only
// Unicode folds to ASCII, such as the Kelvin sign, take more octets.
func same(presented, reference string) bool {
	return len(presented) == len(reference) && strings.EqualFold(presented, reference)
}

// hostname takes the final dot off a reference name; ok is false for what cannot be one.
func hostname(name string) (string, bool) {
	name = strings.TrimSuffix(name, ".")
	if name == "" || strings.HasPrefix(name, ".") || strings.Contains(name, "..") || strings.Contains(name, "*") {
		return "", false
	}
	for i := range len(name) {
		if name[i] <= ' ' || name[i] > '~' {
			return "", false
		}
	}
	_, err := netip.ParseAddr(name)
	return name, err != nil
}
