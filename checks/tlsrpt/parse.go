package tlsrpt

import (
	"regexp"
	"strings"

	"mxseal/checks/internal/fields"
	"mxseal/checks/report"
)

// fault is a departure from the grammar, under the rule that speaks of it.
type fault struct {
	rule  string
	fatal bool // the record is none: strict senders discard it whole
	why   report.Statement
}

// record is what the TXT records at _smtp._tls come to.
type record struct {
	raw     string           // the one in force
	count   int              // records that senders go by; it has to be one
	meant   string           // one that senders discard though it was meant for them
	why     report.Statement // why they do
	targets []report.Target
	ignored []report.Statement // fields that are none of this version's, or not the first
	faults  []fault
}

func (r *record) fail(rule string, fatal bool, why report.Statement) {
	r.faults = append(r.faults, fault{rule, fatal, why})
}

// invalid returns what keeps a record that is there from being used; nothing where one
// address at least can be.
func (r *record) invalid() report.Statement {
	for _, f := range r.faults {
		if f.fatal {
			return f.why
		}
	}
	if len(r.targets) == 0 && len(r.faults) > 0 {
		return r.faults[0].why
	}
	return report.Statement{}
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
		if !why.Made() && almost.MatchString(txt) {
			why = report.Say(report.SaysOtherVersion, "version", version)
		}
		if why.Made() {
			r.meant, r.why = txt, why
			break
		}
	}
	if r.count != 1 {
		return r
	}
	r.raw = c.Records[0]
	if c.Blank {
		r.fail("RPT-12", false, report.Say(report.SaysBlankAfterVersion))
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
		case f.Name == "rua" && seen && !f.Fault.Made():
			r.ignored = append(r.ignored, report.Say(report.SaysSecondField, "name", "rua"))
		case f.Name == "rua" && !seen:
			seen = true
			if f.Fault.Made() {
				r.fail("RPT-14", true, fields.Quoted(f.Text, 60, f.Fault))
				continue
			}
			r.addresses(f.Value)
		case f.Fault.Made() && i > 0 && list[i-1].Name == "rua" && f.Text != "" && !strings.Contains(f.Text, "="):
			r.fail("RPT-05", true, report.Say(report.SaysNoFieldFollows, "text", fields.Quote(f.Text, 60)))
		case f.Fault.Made():
			r.fail("RPT-14", true, fields.Quoted(f.Text, 60, f.Fault))
		case !fields.Extension(f.Value):
			r.fail("RPT-14", true, fields.Quoted(f.Text, 60, fields.BadValue(f.Value)))
		default:
			r.ignored = append(r.ignored, unknown(f.Name))
		}
	}
	if !seen {
		r.fail("RPT-04", false, report.Say(report.SaysThereIsNo, "name", "rua"))
	}
	if trailing && !r.invalid().Made() {
		r.fail("RPT-12", false, report.Say(report.SaysEndsInBlank))
	}
}

// unknown says that senders ignore a field, also a rua that is written otherwise: names are case-sensitive.
func unknown(name string) report.Statement {
	s := report.Say(report.SaysUnknownField, "name", name)
	if strings.EqualFold(name, "rua") {
		return s.About(report.Say(report.SaysSmallLetters, "name", "rua"))
	}
	return s
}

// addresses reads the list of report addresses. Blanks are allowed about the commas alone.
func (r *record) addresses(list string) {
	for _, uri := range strings.Split(list, ",") {
		uri = fields.Trim(uri)
		target, rule, why := address(uri)
		if rule != "" {
			r.fail(rule, false, of(uri, why))
			continue
		}
		if len(r.targets) < maxTargets {
			r.targets = append(r.targets, target)
		}
	}
}

// of says what is wrong with an address.
func of(uri string, why report.Statement) report.Statement {
	if uri == "" {
		return report.Say(report.SaysEmptyAddress).About(why)
	}
	return report.Say(report.SaysQuoted, "text", report.Clean(uri, 100)).About(why)
}
