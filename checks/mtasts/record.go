package mtasts

import (
	"fmt"
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

func (r *record) fail(rule string, fatal bool, format string, args ...any) {
	r.faults = append(r.faults, fault{rule, fatal, fmt.Sprintf(format, args...)})
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
		r.fail("STS-04", true, "there are %d records that begin with v=STSv1;", len(c.Records))
		return r
	}
	if c.Blank {
		r.fail("STS-05", false, "there is a blank between the version and its semicolon")
	}
	r.fields(c.Records[0])
	for _, txt := range c.Discarded {
		if why, _ := fields.Meant(txt, version); why != "" {
			r.fail("STS-43", false, "%q: %s", report.Clean(txt, 100), why)
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
			r.fail("STS-08", true, "the record holds the content of the policy file")
		case why == "":
			continue
		case before:
			r.fail("STS-08", true, "%s", why)
		default:
			r.fail("STS-05", true, "%s", why)
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
		case f.Name == "id" && seen && f.Fault == "":
			r.fail("STS-07", false, "a second id, which senders ignore")
		case f.Name == "id" && !seen:
			seen = true
			r.takeID(f)
		case f.Fault != "":
			r.fail("STS-08", true, "%q: %s", report.Clean(f.Text, 60), f.Fault)
		case !fields.Extension(f.Value):
			r.fail("STS-08", true, "%q: %s", report.Clean(f.Text, 60), badValue(f.Value))
		default:
			r.fail("STS-07", false, "the field %s, which senders do not know", f.Name)
		}
	}
	if !seen {
		r.fail("STS-06", true, "there is no id")
	}
	if _, bad := invalidating(r.faults); trailing && !bad {
		r.fail("STS-44", false, "a blank at its end")
	}
}

// takeID takes the first id for what it is meant to be.
func (r *record) takeID(f fields.Field) {
	switch odd := fields.Strange(f.Value); {
	case f.Fault != "":
		r.fail("STS-06", true, "%q: %s", report.Clean(f.Text, 60), f.Fault)
	case !validID.MatchString(f.Value) && odd != "":
		r.fail("STS-06", true, "the id %q is not 1 to 32 letters and digits: %s", report.Clean(f.Value, 60), odd)
	case !validID.MatchString(f.Value):
		r.fail("STS-06", true, "the id %q is not 1 to 32 letters and digits", report.Clean(f.Value, 60))
	default:
		r.id = f.Value
	}
}

// badValue says why a value has no place in a field.
func badValue(value string) string {
	if odd := fields.Strange(value); odd != "" {
		return odd
	}
	return "a value is at least one character, and holds no blank and no second ="
}

// above returns the registered domain that a name is a sub-domain of, if any.
func above(domain string) string {
	registered, err := publicsuffix.EffectiveTLDPlusOne(domain)
	if err != nil || registered == domain {
		return ""
	}
	return registered
}
