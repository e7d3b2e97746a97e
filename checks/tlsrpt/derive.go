package tlsrpt

import (
	"slices"

	"mxseal/checks/report"
	"mxseal/checks/view"
)

// Derive says what the TXT records come to. What was found out about an address stays with it.
func Derive(o report.Observed) {
	if o.TLSRPT != nil {
		conclude(o.TLSRPT)
	}
}

func conclude(t *report.TLSRPT) {
	r := parse(t.TXT)
	found := t.Targets
	t.State, t.Why, t.Raw, t.RUA, t.Targets = "", report.Statement{}, r.raw, nil, r.named()
	for i := range t.Targets {
		own := &t.Targets[i]
		if at := slices.IndexFunc(found, func(f report.Target) bool { return f.URI == own.URI }); at >= 0 {
			own.Mail, own.HTTPS = found[at].Mail, found[at].HTTPS
		}
		t.RUA = append(t.RUA, own.URI)
	}
	switch {
	case r.count == 0 && r.meant == "":
		t.State = report.RPTAbsent
	case r.count == 0:
		t.State, t.Why = report.RPTInvalid, report.Say(report.SaysRecordDiscarded).About(r.why)
	case r.count > 1:
		t.State, t.Why = report.RPTInvalid, report.Say(report.SaysMoreThanOne)
	case r.invalid().Made():
		t.State, t.Why = report.RPTInvalid, report.Say(report.SaysRecordUnusable).About(r.invalid())
	default:
		t.State = report.RPTSound
	}
	t.Error = view.Say(t.Why)
}

// named are the report addresses of a record that senders can use.
func (r record) named() []report.Target {
	if r.invalid().Made() {
		return nil
	}
	return slices.Clone(r.targets)
}
