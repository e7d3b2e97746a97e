package pkix

import (
	"slices"

	"mxseal/checks/report"
)

// Conclude says what a sender who connects to name makes of a leaf, by the path that was found up
// from it. It changes nothing where none was looked for.
func Conclude(leaf *report.Certificate, name string) {
	if leaf.Path == nil {
		return
	}
	path := Path{Anchored: leaf.Path.Anchored}
	for _, f := range leaf.Path.Faults {
		path.Faults = append(path.Faults, Fault{Code: Code(f.Code), Depth: f.Depth, About: f.About, More: f.More})
	}
	_, named := hostname(name)
	if leaf.MoreNames == 0 {
		leaf.NameMatch = NameMatches(leaf.Names, name)
	}
	leaf.PKIXDetail, leaf.PathFaults = "", nil
	only := func(codes ...Code) bool { // beside dates
		return path.Anchored && !slices.ContainsFunc(path.Faults, func(f Fault) bool { return !f.dated() && !slices.Contains(codes, f.Code) })
	}
	ownKey := !slices.ContainsFunc(path.Faults, func(f Fault) bool { return f.Code == WeakKey && f.Depth > 0 })
	leaf.Trusted = only(WeakKey) && ownKey
	leaf.PublicCA = path.Anchored && !path.Has(WrongSignature) && !path.Has(TooMuch)
	switch {
	case leaf.Trusted && leaf.WeakKey != "":
		leaf.PKIX, leaf.PKIXDetail = "weak", "the private key can be found out"
	case path.Holds() && (leaf.NameMatch || !named):
		leaf.PKIX = "ok"
	case path.Holds():
		leaf.PKIX, leaf.PKIXDetail = "name-mismatch", "no dNSName covers "+report.Clean(name, 253)
	case path.Dated() && path.Has(Expired):
		leaf.PKIX = "expired"
	case path.Dated():
		leaf.PKIX = "not-yet-valid"
	case path.Has(TooMuch), path.Has(Unchecked) && only(Unchecked, WeakKey):
		leaf.PKIX = "untested"
	case leaf.SelfSigned && !path.Anchored:
		leaf.PKIX = "self-signed"
	case only(WeakKey, WeakSignature), !path.Anchored && (leaf.WeakKey != "" || path.Has(WeakKey) || path.Has(WeakSignature)):
		leaf.PKIX = "weak"
	case path.Has(NoIssuer):
		leaf.PKIX = "incomplete"
	default:
		leaf.PKIX = "untrusted"
	}
	for _, f := range path.Faults {
		leaf.PathFaults = append(leaf.PathFaults, string(f.Code))
	}
	slices.Sort(leaf.PathFaults)
	leaf.PathFaults = slices.Compact(leaf.PathFaults)
	if told := reason(path.Faults); told >= 0 && leaf.PKIXDetail == "" {
		leaf.PKIXDetail = report.Clean(path.Faults[told].String(), maxText)
	}
}

// reason is the fault by which a path is said not to hold: the first that time does not heal, else
// the first; -1 where there is none.
func reason(faults []Fault) int {
	if i := slices.IndexFunc(faults, func(f Fault) bool { return !f.dated() }); i >= 0 {
		return i
	}
	return min(len(faults), 1) - 1
}
