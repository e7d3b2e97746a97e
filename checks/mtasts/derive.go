package mtasts

import (
	"mxseal/checks/report"
	"mxseal/checks/view"
)

// Derive says what the record and the policy file come to.
func Derive(r report.Observed) {
	if r.MTASTS != nil {
		conclude(r.MTASTS)
	}
}

// conclude sets the state, the id and the policy from what was seen. A failure that is not of the
// TXT look-up is a conclusion of its own.
func conclude(m *report.MTASTS) {
	m.State, m.ID, m.Policy, m.Why = "", "", nil, report.Statement{}
	if m.Failure != nil && m.Failure.Phase != report.PhaseTXT {
		m.Failure = nil
	}
	record := parseRecord(m.TXT)
	p := parsePolicy(m.Raw)
	rule, why := fetchFault(m.Fetch)
	f, invalid := invalidating(p.faults)
	fetched := rule == "" && m.Fetch != nil
	if fetched && !invalid {
		m.Policy = &p.Policy
	}
	m.ID = record.id
	bad, malformed := invalidating(record.faults)
	if record.found && !malformed && m.Failure == nil && unseen(m.Fetch) {
		unknown := *m.Fetch.Failure // there is a policy, and what it says is unknown
		m.Failure = &unknown
	}
	switch {
	case m.Failure != nil || !record.found:
		m.State = report.STSAbsent
	case malformed:
		m.State, m.Why = report.STSInvalid, report.Say(report.SaysRecordInvalid).About(bad.why)
	case !fetched:
		m.State, m.Why = report.STSInvalid, report.Say(report.SaysPolicyUnfetched).About(why)
	case invalid:
		m.State, m.Why = report.STSInvalid, report.Say(report.SaysPolicyInvalid).About(f.why)
	default:
		m.State = report.STSState(p.Mode)
	}
	m.Error = view.Say(m.Why)
}
