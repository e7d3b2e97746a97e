package mtasts

import (
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/net/publicsuffix"

	"mxseal/checks/report"
)

// fault is a departure from the grammar, under the rule that speaks of it.
type fault struct {
	rule  string
	fatal bool // senders take the whole record or policy as invalid
	text  string
}

// record is what the TXT records at _mta-sts come to.
type record struct {
	id     string
	found  bool // something there is meant as an MTA-STS record
	faults []fault
}

func (r *record) fail(rule string, fatal bool, format string, args ...any) {
	r.faults = append(r.faults, fault{rule, fatal, fmt.Sprintf(format, args...)})
}

// invalidating returns the first fault that makes everything invalid.
func invalidating(faults []fault) (fault, bool) {
	for _, f := range faults {
		if f.fatal {
			return f, true
		}
	}
	return fault{}, false
}

var (
	versionBlank = regexp.MustCompile(`^v=STSv1 +;`)
	versionOdd   = regexp.MustCompile(`^(?i)v *= *stsv1([^0-9a-z]|$)`)
	policyLines  = regexp.MustCompile(`(?i)version: *STSv1|mode: *(enforce|testing|none)|max_age: *[0-9]`)
	fieldName    = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,31}$`)
	fieldValue   = regexp.MustCompile(`^[\x21-\x3a\x3c\x3e-\x7e]+$`)
	validID      = regexp.MustCompile(`^[A-Za-z0-9]{1,32}$`)
)

// parseRecord reads the TXT records at _mta-sts (RFC 8461 §3.1). Those that do not begin
// with the version are of no concern; of the rest there must be exactly one.
func parseRecord(txts []string) record {
	var r record
	var ours []string
	for _, txt := range txts {
		if strings.HasPrefix(txt, "v=STSv1;") || versionBlank.MatchString(txt) {
			ours = append(ours, txt)
		}
	}
	if len(ours) == 0 {
		r.nearMiss(txts)
		return r
	}
	r.found = true
	if len(ours) > 1 {
		r.fail("STS-04", true, "there are %d records that begin with v=STSv1", len(ours))
		return r
	}
	if versionBlank.MatchString(ours[0]) {
		r.fail("STS-05", false, "a blank stands between the version and its semicolon")
	}
	_, rest, _ := strings.Cut(ours[0], ";")
	r.fields(rest)
	return r
}

// nearMiss looks among records that senders discard for one that was meant for them.
func (r *record) nearMiss(txts []string) {
	for _, txt := range txts {
		bare := strings.Trim(txt, " \"'“”\\\ufffd")
		switch {
		case policyLines.MatchString(txt):
			r.fail("STS-08", true, "the content of the policy file stands in the record")
		case versionOdd.MatchString(txt):
			r.fail("STS-05", true, "the record does not begin with exactly v=STSv1;")
		case versionOdd.MatchString(bare):
			r.fail("STS-08", true, "something stands before the version, such as a quotation mark or a blank")
		default:
			continue
		}
		r.found = true
		return
	}
}

// fields reads what follows the version.
func (r *record) fields(rest string) {
	fields := strings.Split(rest, ";")
	if last := len(fields) - 1; strings.TrimSpace(fields[last]) == "" {
		fields = fields[:last] // one semicolon at the end is allowed
	}
	seen := false
	for _, field := range fields {
		name, value, isField := strings.Cut(strings.TrimSpace(field), "=")
		switch {
		case isField && name == "id" && seen:
			r.fail("STS-07", false, "a second id, which senders ignore")
		case isField && name == "id":
			seen = true
			if !validID.MatchString(value) {
				r.fail("STS-06", true, "the id %q is not 1 to 32 letters and digits", value)
				continue
			}
			r.id = value
		case isField && fieldName.MatchString(name) && fieldValue.MatchString(value):
			r.fail("STS-07", false, "the field %s, which senders do not know", name)
		default:
			r.fail("STS-08", true, "%q is not a name and a value with = between them", report.Clean(field, 60))
		}
	}
	if !seen {
		r.fail("STS-06", true, "there is no id")
	}
}

const (
	maxPolicy = 64 << 10 // octets of a policy file (RFC 8461 §3.3)
	maxFaults = 20       // kept of one policy
	maxMaxAge = 31557600 // seconds; about one year (RFC 8461 §3.2)
	week      = 7 * 86400
)

// policy is a policy file, read.
type policy struct {
	report.Policy
	tooLong bool // max_age was above the maximum, which counts instead
	faults  []fault
	seen    map[string]bool
}

func (p *policy) fail(rule string, fatal bool, format string, args ...any) {
	_, invalid := invalidating(p.faults)
	if len(p.faults) < maxFaults || fatal && !invalid {
		p.faults = append(p.faults, fault{rule, fatal, fmt.Sprintf(format, args...)})
	}
}

// parsePolicy reads a policy file as Clean left it (RFC 8461 §3.2): what does not belong
// into text has become U+FFFD. Fields that senders ignore are faults that are not fatal.
func parsePolicy(text string) *policy {
	p := &policy{Policy: report.Policy{MX: []string{}}, seen: make(map[string]bool)}
	if strings.HasPrefix(strings.TrimSpace(text), "<") {
		p.fail("STS-20", true, "it is a web page")
		return p
	}
	lines := strings.Split(text, "\n")
	if last := len(lines) - 1; lines[last] == "" {
		lines = lines[:last]
	}
	blank := false
	for i, line := range lines {
		switch name, value, isField := strings.Cut(line, ":"); {
		case strings.Contains(line, "\ufffd"):
			p.fail("STS-20", true, "line %d holds a byte order mark, a bare carriage return or another character that does not belong there", i+1)
		case strings.TrimSpace(line) == "":
			blank = true
		case !isField || !fieldName.MatchString(name):
			p.fail("STS-20", true, "line %d is not a name and a value with a colon between them", i+1)
		default:
			p.field(name, strings.Trim(value, " "))
		}
	}
	if blank {
		p.fail("STS-20", false, "it holds an empty line")
	}
	p.complete()
	return p
}

// field reads one line. Names and values are case-sensitive; of single fields the first counts.
func (p *policy) field(name, value string) {
	switch name {
	case "mx":
		if why := malformed(value); why != "" {
			p.fail("STS-26", false, "%q: %s", report.Clean(value, 100), why)
			return
		}
		pattern := strings.ToLower(value)
		if wildcardOfSuffix(pattern) {
			p.fail("STS-31", true, "the pattern %s covers every domain that somebody registers there", pattern)
		}
		p.MX = append(p.MX, pattern)
		return
	case "version", "mode", "max_age":
		if p.seen[name] {
			p.fail("STS-32", false, "a second %s, which senders ignore", name)
			return
		}
		p.seen[name] = true
	}
	switch name {
	case "version":
		p.Version = value
		if value != "STSv1" {
			p.fail("STS-21", true, "the version is %q, not STSv1", report.Clean(value, 60))
		}
	case "mode":
		p.Mode = value
		if value != "enforce" && value != "testing" && value != "none" {
			p.fail("STS-23", true, "the mode %q is none of enforce, testing and none", report.Clean(value, 60))
		}
	case "max_age":
		p.age(value)
	default:
		p.fail("STS-33", false, "the field %s, which senders do not know", name)
	}
}

var digits = regexp.MustCompile(`^[0-9]{1,10}$`)

func (p *policy) age(value string) {
	if !digits.MatchString(value) {
		p.fail("STS-24", true, "max_age is %q, not a number of seconds of at most ten digits", report.Clean(value, 60))
		return
	}
	p.MaxAge, _ = strconv.ParseInt(value, 10, 64) // ten digits fit
	if p.MaxAge > maxMaxAge {
		p.MaxAge, p.tooLong = maxMaxAge, true
	}
}

// complete notes what is missing.
func (p *policy) complete() {
	if !p.seen["version"] {
		p.fail("STS-21", true, "there is no version")
	}
	if !p.seen["mode"] {
		p.fail("STS-23", true, "there is no mode")
	}
	if !p.seen["max_age"] {
		p.fail("STS-24", true, "there is no max_age")
	}
	if len(p.MX) == 0 && p.Mode != "none" {
		p.fail("STS-25", true, "there is no mx line that names a host")
	}
}

var hostName = regexp.MustCompile(`^([A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?\.)*[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?$`)

// malformed says why an mx value is no pattern: a host name in A-labels, with at most a
// wildcard as its whole left-most label (RFC 8461 §3.2, §4.1).
func malformed(pattern string) string {
	rest := strings.TrimPrefix(pattern, "*.")
	_, err := netip.ParseAddr(strings.Trim(pattern, "[]"))
	switch {
	case pattern == "":
		return "nothing follows the colon"
	case err == nil:
		return "an address has no place here"
	case strings.Contains(rest, "*"):
		return "a wildcard stands only for the whole left-most label"
	case strings.Contains(rest, "/"), strings.Contains(rest, ":"), strings.Contains(rest, "@"):
		return "only a host name belongs here, without a port, a scheme or a local part"
	case strings.HasPrefix(rest, "."):
		return "it begins with a dot"
	case strings.HasSuffix(rest, "."):
		return "it ends in a dot"
	case strings.ContainsFunc(rest, func(r rune) bool { return r > 127 }):
		return "international names are written as A-labels (xn--…)"
	case len(rest) > 253 || !hostName.MatchString(rest):
		return "it is not a host name"
	}
	return ""
}

// wildcardOfSuffix reports whether a pattern is a wildcard right under a name below which
// anyone can register.
func wildcardOfSuffix(pattern string) bool {
	base, wildcard := strings.CutPrefix(pattern, "*.")
	if !wildcard {
		return false
	}
	suffix, icann := publicsuffix.PublicSuffix(base)
	return suffix == base && (icann || !strings.Contains(base, "."))
}

// matches reports whether a pattern covers the name in an MX record; a wildcard stands for
// exactly one label (RFC 8461 §4.1).
func matches(pattern, host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if base, wildcard := strings.CutPrefix(pattern, "*."); wildcard {
		first, rest, ok := strings.Cut(host, ".")
		return ok && first != "" && rest == base
	}
	return pattern == host
}
