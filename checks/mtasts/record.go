package mtasts

import (
	"regexp"

	"mxseal/checks/internal/fields"
	"mxseal/checks/report"

	"golang.org/x/net/publicsuffix"
)

// record is what the TXT records at _mta-sts come to.
type record struct {
	id     string
	found  bool // something there is meant as an MTA-STS record
	faults []fault
}

func (r *record) fail(rule string, fatal bool, why report.Statement) {
	r.faults = append(r.faults, fault{rule, fatal, why})
}

const version = "v=STSv1"

var (
	policyLines = regexp.MustCompile(`(?i)version: *STSv1|mode: *(enforce|testing|none)|max_age: *[0-9]`)
	validID     = regexp.MustCompile(`^[A-Za-z0-9]{1,32}$`)
)

// parseRecord reads the TXT records at _mta-sts (RFC 8461 §3.1). Of those that senders go
// by there must be exactly one.
func parseRecord(txts []string) record {
	var r record
	c := fields.Choose(txts, version)
	switch len(c.Records) {
	case 0:
		r.nearMiss(txts)
		return r
	case 1:
		r.found = true
	default:
		r.found = true
		r.fail("STS-04", true, report.Say(report.SaysSeveralRecords, "count", len(c.Records), "version", version))
		return r
	}
	if c.Blank {
		r.fail("STS-05", false, report.Say(report.SaysBlankAfterVersion))
	}
	r.fields(c.Records[0])
	for _, txt := range c.Discarded {
		if why, _ := fields.Meant(txt, version); why.Made() {
			r.fail("STS-43", false, fields.Quoted(txt, 100, why))
			break
		}
	}
	return r
}

// nearMiss looks among records that senders discard for one that was meant for them.
func (r *record) nearMiss(txts []string) {
	for _, txt := range txts {
		why, before := fields.Meant(txt, version)
		switch {
		case policyLines.MatchString(txt):
			r.fail("STS-08", true, report.Say(report.SaysPolicyInRecord))
		case !why.Made():
			continue
		case before:
			r.fail("STS-08", true, why)
		default:
			r.fail("STS-05", true, why)
		}
		r.found = true
		return
	}
}

// fields reads what follows the version.
func (r *record) fields(txt string) {
	list, trailing := fields.Split(txt)
	seen := false
	for _, f := range list {
		switch {
		case f.Name == "id" && seen && !f.Fault.Made():
			r.fail("STS-07", false, report.Say(report.SaysSecondField, "name", "id"))
		case f.Name == "id" && !seen:
			seen = true
			r.takeID(f)
		case f.Fault.Made():
			r.fail("STS-08", true, fields.Quoted(f.Text, 60, f.Fault))
		case !fields.Extension(f.Value):
			r.fail("STS-08", true, fields.Quoted(f.Text, 60, fields.BadValue(f.Value)))
		default:
			r.fail("STS-07", false, report.Say(report.SaysUnknownField, "name", f.Name))
		}
	}
	if !seen {
		r.fail("STS-06", true, report.Say(report.SaysThereIsNo, "name", "id"))
	}
	if _, bad := invalidating(r.faults); trailing && !bad {
		r.fail("STS-44", false, report.Say(report.SaysBlankAtEnd))
	}
}

// takeID takes the first id for what it is meant to be.
func (r *record) takeID(f fields.Field) {
	switch {
	case f.Fault.Made():
		r.fail("STS-06", true, fields.Quoted(f.Text, 60, f.Fault))
	case !validID.MatchString(f.Value):
		r.fail("STS-06", true, report.Say(report.SaysIDForm, "text", fields.Quote(f.Value, 60)).About(fields.Namely(fields.Strange(f.Value))))
	default:
		r.id = f.Value
	}
}

// above returns the registered domain that a name is a sub-domain of, if any.
func above(domain string) string {
	registered, err := publicsuffix.EffectiveTLDPlusOne(domain)
	if err != nil || registered == domain {
		return ""
	}
	return registered
}
