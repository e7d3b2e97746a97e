package pkix

import (
	"slices"

	"mxseal/checks/report"
)

// Conclude says what a sender who connects to name makes of a leaf, by the path that was found up
// from it. It changes nothing where none was looked for.
func Conclude(leaf *report.Certificate, name string) {
	switch {
	case leaf.Path != nil:
	case leaf.Octets > maxOctets:
		leaf.PKIXWhy = report.Say(report.SaysCertificateLong, "octets", maxOctets)
		return
	case !leaf.Kept():
		leaf.PKIXWhy = report.Say(report.SaysCertificateNotKept)
		return
	default:
		return
	}
	path := Path{Anchored: leaf.Path.Anchored, Faults: leaf.Path.Faults}
	if leaf.MoreNames == 0 {
		leaf.NameMatch = NameMatches(leaf.Names, name)
	}
	ownKey := !slices.ContainsFunc(path.Faults, func(f report.PathFault) bool { return f.Code == report.FaultWeakKey && f.Depth > 0 })
	leaf.Trusted = path.only(report.FaultWeakKey) && ownKey
	leaf.PublicCA = path.Anchored && !path.Has(report.FaultWrongSignature) && !path.Has(report.FaultTooMuch)
	leaf.PKIX, leaf.PKIXWhy = outcomeOf(leaf, path, name)
	leaf.PKIXDetail, leaf.PathFaults = "", nil
	for _, f := range path.Faults {
		leaf.PathFaults = append(leaf.PathFaults, f.Code)
	}
	slices.Sort(leaf.PathFaults)
	leaf.PathFaults = slices.Compact(leaf.PathFaults)
	if told := reason(path.Faults); told >= 0 && !leaf.PKIXWhy.Made() {
		f := path.Faults[told]
		leaf.PKIXWhy = report.Say(report.SaysPathFault, "fault", f.Code, "about", f.About, "more", f.More)
	}
}

// only reports whether nothing but dates and these codes stands against a path to an anchor.
func (p Path) only(codes ...report.FaultCode) bool {
	return p.Anchored && !slices.ContainsFunc(p.Faults, func(f report.PathFault) bool { return !f.Dated() && !slices.Contains(codes, f.Code) })
}

// outcomeOf is what a sender makes of a leaf, with what is not among the faults.
func outcomeOf(leaf *report.Certificate, path Path, name string) (pkix report.PKIX, why report.Statement) {
	_, named := hostname(name)
	switch {
	case leaf.Trusted && leaf.WeakKey != "":
		return report.PKIXWeak, report.Say(report.SaysKeyKnown)
	case path.Holds() && (leaf.NameMatch || !named):
		return report.PKIXOK, why
	case path.Holds():
		return report.PKIXNameMismatch, report.Say(report.SaysNoNameCovers, "name", name)
	case path.Dated() && path.Has(report.FaultExpired):
		return report.PKIXExpired, why
	case path.Dated():
		return report.PKIXNotYetValid, why
	case path.Has(report.FaultTooMuch), path.Has(report.FaultUnchecked) && path.only(report.FaultUnchecked, report.FaultWeakKey):
		return report.PKIXUntested, why
	case leaf.SelfSigned && !path.Anchored:
		return report.PKIXSelfSigned, why
	case path.only(report.FaultWeakKey, report.FaultWeakSignature), !path.Anchored && (leaf.WeakKey != "" || path.Has(report.FaultWeakKey) || path.Has(report.FaultWeakSignature)):
		return report.PKIXWeak, why
	case path.Has(report.FaultNoIssuer):
		return report.PKIXIncomplete, why
	}
	return report.PKIXUntrusted, why
}

// reason is the fault by which a path is said not to hold: the first that time does not heal, else
// the first; -1 where there is none.
func reason(faults []report.PathFault) int {
	if i := slices.IndexFunc(faults, func(f report.PathFault) bool { return !f.Dated() }); i >= 0 {
		return i
	}
	return min(len(faults), 1) - 1
}
