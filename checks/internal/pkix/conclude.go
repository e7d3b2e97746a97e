package pkix

import (
	"fmt"
	"slices"

	"mxseal/checks/report"
)

// Conclude says what a sender who connects to name makes of a leaf, by the path that was found up
// from it. It changes nothing where none was looked for.
func Conclude(leaf *report.Certificate, name string) {
	switch {
	case leaf.Path != nil:
	case leaf.Octets > maxOctets:
		leaf.PKIXDetail = fmt.Sprintf("it is longer than the %d octets that are kept of a list", maxOctets)
		return
	case !leaf.Kept():
		leaf.PKIXDetail = "it was not kept: the report would be too large"
		return
	default:
		return
	}
	path := Path{Anchored: leaf.Path.Anchored}
	for _, f := range leaf.Path.Faults {
		path.Faults = append(path.Faults, Fault{Code: Code(f.Code), Depth: f.Depth, About: f.About, More: f.More})
	}
	if leaf.MoreNames == 0 {
		leaf.NameMatch = NameMatches(leaf.Names, name)
	}
	ownKey := !slices.ContainsFunc(path.Faults, func(f Fault) bool { return f.Code == WeakKey && f.Depth > 0 })
	leaf.Trusted = path.only(WeakKey) && ownKey
	leaf.PublicCA = path.Anchored && !path.Has(WrongSignature) && !path.Has(TooMuch)
	leaf.PKIX, leaf.PKIXDetail = outcomeOf(leaf, path, name)
	leaf.PathFaults = nil
	for _, f := range path.Faults {
		leaf.PathFaults = append(leaf.PathFaults, string(f.Code))
	}
	slices.Sort(leaf.PathFaults)
	leaf.PathFaults = slices.Compact(leaf.PathFaults)
	if told := reason(path.Faults); told >= 0 && leaf.PKIXDetail == "" {
		leaf.PKIXDetail = report.Clean(path.Faults[told].String(), maxText)
	}
}

// only reports whether nothing but dates and these codes stands against a path to an anchor.
func (p Path) only(codes ...Code) bool {
	return p.Anchored && !slices.ContainsFunc(p.Faults, func(f Fault) bool { return !f.dated() && !slices.Contains(codes, f.Code) })
}

// outcomeOf is the word for what a sender makes of a leaf, with what is not among the faults.
func outcomeOf(leaf *report.Certificate, path Path, name string) (pkix report.PKIX, detail string) {
	_, named := hostname(name)
	switch {
	case leaf.Trusted && leaf.WeakKey != "":
		return report.PKIXWeak, "the private key can be found out"
	case path.Holds() && (leaf.NameMatch || !named):
		return report.PKIXOK, ""
	case path.Holds():
		return report.PKIXNameMismatch, "no dNSName covers " + report.Clean(name, 253)
	case path.Dated() && path.Has(Expired):
		return report.PKIXExpired, ""
	case path.Dated():
		return report.PKIXNotYetValid, ""
	case path.Has(TooMuch), path.Has(Unchecked) && path.only(Unchecked, WeakKey):
		return report.PKIXUntested, ""
	case leaf.SelfSigned && !path.Anchored:
		return report.PKIXSelfSigned, ""
	case path.only(WeakKey, WeakSignature), !path.Anchored && (leaf.WeakKey != "" || path.Has(WeakKey) || path.Has(WeakSignature)):
		return report.PKIXWeak, ""
	case path.Has(NoIssuer):
		return report.PKIXIncomplete, ""
	}
	return report.PKIXUntrusted, ""
}

// reason is the fault by which a path is said not to hold: the first that time does not heal, else
// the first; -1 where there is none.
func reason(faults []Fault) int {
	if i := slices.IndexFunc(faults, func(f Fault) bool { return !f.dated() }); i >= 0 {
		return i
	}
	return min(len(faults), 1) - 1
}
