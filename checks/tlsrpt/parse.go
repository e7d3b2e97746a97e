package tlsrpt

import (
	"fmt"
	"regexp"
	"strings"

	"mxseal/checks/internal/fields"
	"mxseal/checks/report"
)

// fault is a departure from the grammar, under the rule that speaks of it.
type fault struct {
	rule  string
	fatal bool // the record is none: strict senders discard it whole
	text  string
}

// record is what the TXT records at _smtp._tls come to.
type record struct {
	raw     string // the one in force
	count   int    // records that senders go by; it has to be one
	meant   string // one that senders discard though it was meant for them
	why     string // why they do
	targets []report.Target
	ignored []string // fields that are none of this version's, or not the first
	faults  []fault
}

func (r *record) fail(rule string, fatal bool, format string, args ...any) {
	r.faults = append(r.faults, fault{rule, fatal, fmt.Sprintf(format, args...)})
}

// invalid returns what keeps a record that is there from being used; nothing where one
// address at least can be.
func (r *record) invalid() string {
	for _, f := range r.faults {
		if f.fatal {
			return f.text
		}
	}
	if len(r.targets) == 0 && len(r.faults) > 0 {
		return r.faults[0].text
	}
	return ""
}

const (
	version    = "v=TLSRPTv1"
	maxTargets = 10 // report addresses that are looked up
)

var almost = regexp.MustCompile(`(?i)v[\s\pZ]*=[\s\pZ]*tlsrpt`)

// parse reads the TXT records at _smtp._tls (RFC 8460 §3). Of those that senders go by
// there must be exactly one.
func parse(txts []string) record {
	c := fields.Choose(txts, version)
	r := record{count: len(c.Records)}
	for _, txt := range c.Discarded {
		why, _ := fields.Meant(txt, version)
		if why == "" && almost.MatchString(txt) {
			why = "the record does not begin with exactly v=TLSRPTv1;"
		}
		if why != "" {
			r.meant, r.why = txt, why
			break
		}
	}
	if r.count != 1 {
		return r
	}
	r.raw = c.Records[0]
	if c.Blank {
		r.fail("RPT-12", false, "there is a blank between the version and its semicolon")
	}
	r.fields()
	return r
}

// fields reads what follows the version.
func (r *record) fields() {
	list, trailing := fields.Split(r.raw)
	seen := false
	for i, f := range list {
		switch {
		case f.Name == "rua" && seen && f.Fault == "":
			r.ignored = append(r.ignored, "a second rua, which senders ignore")
		case f.Name == "rua" && !seen:
			seen = true
			if f.Fault != "" {
				r.fail("RPT-14", true, "%q: %s", report.Clean(f.Text, 60), f.Fault)
				continue
			}
			r.addresses(f.Value)
		case f.Fault != "" && i > 0 && list[i-1].Name == "rua" && f.Text != "" && !strings.Contains(f.Text, "="):
			r.fail("RPT-05", true, "what follows a semicolon is no field: %q", report.Clean(f.Text, 60))
		case f.Fault != "":
			r.fail("RPT-14", true, "%q: %s", report.Clean(f.Text, 60), f.Fault)
		case !fields.Extension(f.Value):
			r.fail("RPT-14", true, "%q: %s", report.Clean(f.Text, 60), badValue(f.Value))
		default:
			r.ignored = append(r.ignored, "the field "+f.Name+", which senders do not know"+capitals(f.Name))
		}
	}
	if !seen {
		r.fail("RPT-04", false, "there is no rua")
	}
	if trailing && r.invalid() == "" {
		r.fail("RPT-12", false, "there is a blank at its end")
	}
}

// badValue says why a value has no place in a field.
func badValue(value string) string {
	if odd := fields.Strange(value); odd != "" {
		return odd
	}
	return "a value is at least one character, and holds no blank and no second ="
}

// capitals notes a rua that is written otherwise: names are case-sensitive.
func capitals(name string) string {
	if strings.EqualFold(name, "rua") {
		return "; rua is written in small letters"
	}
	return ""
}

// addresses reads the list of report addresses. Blanks are allowed about the commas alone.
func (r *record) addresses(list string) {
	for _, uri := range strings.Split(list, ",") {
		uri = fields.Trim(uri)
		target, rule, why := address(uri)
		if rule != "" {
			r.fail(rule, false, "%s: %s", quoted(uri), why)
			continue
		}
		if len(r.targets) < maxTargets {
			r.targets = append(r.targets, target)
		}
	}
}

func quoted(uri string) string {
	if uri == "" {
		return "an empty address"
	}
	return report.Clean(uri, 100)
}
