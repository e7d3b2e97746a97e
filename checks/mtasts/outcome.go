package mtasts

import (
	"fmt"

	"mxseal/checks/report"
)

// refused reports whether an address takes no connection, by an answer of its own.
func refused(f *report.Fetch) bool {
	return f.Failure != nil && f.Failure.Phase == report.PhaseConnect && !uncertain(f.Failure) && f.Failure.Kind != report.KindForbidden
}

// leftAlone is the kind of failure where the owner of the policy host has asked not to be contacted.
const leftAlone = "opted-out"

// fetchFault returns the rule that a fetch broke and what happened; nothing for one that
// brought a file.
func fetchFault(f *report.Fetch) (rule string, why report.Statement) {
	switch {
	case f == nil:
		return "STS-10", report.Say(report.SaysNotLookedFor)
	case f.Failure != nil:
		rule = "STS-12"
		switch {
		case f.Failure.Kind == leftAlone:
			rule = "STS-42"
		case uncertain(f.Failure):
			rule = "STS-45"
		case f.Failure.Phase == report.PhaseAddress:
			rule = "STS-10"
		case f.Failure.Kind == report.KindForbidden:
			rule = "STS-11"
		case f.Failure.Phase == report.PhaseCertificate:
			rule = "STS-13"
		case f.Failure.Kind == report.KindTLSVersion:
			rule = "STS-14"
		}
		return rule, f.Failure.Statement.Or(f.Failure.Text)
	case f.Status >= 300 && f.Status < 400:
		return "STS-15", report.Say(report.SaysRedirects, "status", f.Status, "location", f.Location)
	case f.Status != 200:
		return "STS-16", report.Say(report.SaysAnswersStatus, "status", f.Status)
	case f.TooLarge:
		return "STS-18", report.Say(report.SaysPolicyLarge)
	}
	return "", why
}

// unseen reports whether a fetch failed in a way that says nothing about the policy.
func unseen(f *report.Fetch) bool {
	return f != nil && f.Failure != nil && (f.Failure.Kind == leftAlone || uncertain(f.Failure))
}

// uncertain reports whether a failure may be ours, or that of the path between. We look from
// one place: silence met there is met by nobody else for certain, however long one waits.
// What senders meet as well is what the policy host, or its name servers, answered.
func uncertain(f *report.Failure) bool {
	switch f.Phase {
	case report.PhaseAddress:
		return f.Kind != report.KindNoAddress
	case report.PhaseCertificate:
		return f.Kind == report.Kind(report.PKIXUntested)
	case report.PhaseConnect:
		switch f.Kind {
		case report.KindRefused, report.KindReset, report.KindClosed, report.KindForbidden:
			return false
		}
		return true
	}
	switch f.Kind { // behind an open connection
	case report.KindTimeout, report.KindUnreachable, report.KindExhausted, report.KindLimit, report.KindNotAdmitted, report.KindRateLimited, report.KindSpent:
		return true
	}
	return false
}

// outcome says in a line what a fetch brought.
func outcome(f *report.Fetch) string {
	if f.Failure != nil {
		return f.Failure.Text
	}
	return fmt.Sprintf("status %d", f.Status)
}
