package tlsrpt

import (
	"slices"

	"mxseal/checks/report"
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
	t.State, t.Error, t.Raw, t.RUA, t.Targets = "", "", r.raw, nil, r.named()
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
		t.State, t.Error = report.RPTInvalid, "Senders discard the record: "+r.why+"."
	case r.count > 1:
		t.State, t.Error = report.RPTInvalid, "There is more than one record."
	case r.invalid() != "":
		t.State, t.Error = report.RPTInvalid, "The record cannot be used: "+r.invalid()+"."
	default:
		t.State = report.RPTSound
	}
}

// named are the report addresses of a record that senders can use.
func (r record) named() []report.Target {
	if r.invalid() != "" {
		return nil
	}
	return slices.Clone(r.targets)
}
