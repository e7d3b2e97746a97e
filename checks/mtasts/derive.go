package mtasts

import (
	"mxseal/checks/report"
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
	m.State, m.ID, m.Policy, m.Error = "", "", nil, ""
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
		m.State, m.Error = report.STSInvalid, "The TXT record is invalid: "+bad.text+"."
	case !fetched:
		m.State, m.Error = report.STSInvalid, "The policy file cannot be fetched. "+why
	case invalid:
		m.State, m.Error = report.STSInvalid, "The policy file is invalid: "+f.text+"."
	default:
		m.State = report.STSState(p.Mode)
	}
}
