package mtasts

import (
	"net/netip"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/net/publicsuffix"

	"mxseal/checks/internal/fields"
	"mxseal/checks/report"
)

// fault is a departure from the grammar, under the rule that speaks of it.
type fault struct {
	rule  string
	fatal bool // senders take the whole record or policy as invalid
	why   report.Statement
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

var fieldName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,31}$`)

const (
	maxPolicy = 64 << 10 // octets of a policy file (RFC 8461 §3.3)
	maxKept   = 16 << 10 // of those that are kept; some 400 lines
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

func (p *policy) fail(rule string, fatal bool, why report.Statement) {
	_, invalid := invalidating(p.faults)
	if len(p.faults) < maxFaults || fatal && !invalid {
		p.faults = append(p.faults, fault{rule, fatal, why})
	}
}

// parsePolicy reads a policy file as Clean left it (RFC 8461 §3.2): what does not belong
// into text has become U+FFFD. Fields that senders ignore are faults that are not fatal.
func parsePolicy(text string) *policy {
	p := &policy{Policy: report.Policy{MX: []string{}}, seen: make(map[string]bool)}
	if strings.HasPrefix(strings.TrimSpace(text), "<") {
		p.fail("STS-20", true, report.Say(report.SaysWebPage))
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
			p.fail("STS-20", true, report.Say(report.SaysLineCharacters, "line", i+1))
		case fields.Trim(line) == "":
			blank = true
		case !isField || !fieldName.MatchString(name):
			p.fail("STS-20", true, report.Say(report.SaysLine, "line", i+1).About(unnamed(name, isField)))
		default:
			p.field(name, fields.Trim(value))
		}
	}
	if blank {
		p.fail("STS-20", false, report.Say(report.SaysEmptyLine))
	}
	p.complete()
	return p
}

// unnamed says why a line does not begin with the name of a field. After the colon blanks
// are allowed, before it they are not.
func unnamed(name string, isField bool) report.Statement {
	odd, bare := fields.Strange(name), fields.Trim(name)
	switch {
	case odd.Made() && isField:
		return report.Say(report.SaysNoNameFirst).About(odd)
	case isField && bare != name && fieldName.MatchString(bare):
		return report.Say(report.SaysBlankInName)
	}
	return report.Say(report.SaysNoColon)
}

// field reads one line. Names and values are case-sensitive; of single fields the first counts.
func (p *policy) field(name, value string) {
	switch name {
	case "mx":
		if why := malformed(value); why.Made() {
			p.fail("STS-26", false, fields.Quoted(value, 100, why))
			return
		}
		pattern := strings.ToLower(value)
		if wildcardOfSuffix(pattern) {
			p.fail("STS-31", true, report.Say(report.SaysWideWildcard, "pattern", pattern))
		}
		p.MX = append(p.MX, pattern)
		return
	case "version", "mode", "max_age":
		if p.seen[name] {
			p.fail("STS-32", false, report.Say(report.SaysSecondField, "name", name))
			return
		}
		p.seen[name] = true
	}
	switch name {
	case "version":
		p.Version = value
		if value != "STSv1" {
			p.fail("STS-21", true, report.Say(report.SaysPolicyVersion, "text", fields.Quote(value, 60)))
		}
	case "mode":
		p.Mode = report.PolicyMode(value)
		if p.Mode != report.ModeEnforce && p.Mode != report.ModeTesting && p.Mode != report.ModeNone {
			p.fail("STS-23", true, report.Say(report.SaysPolicyMode, "text", fields.Quote(value, 60)))
		}
	case "max_age":
		p.age(value)
	default:
		p.fail("STS-33", false, report.Say(report.SaysUnknownField, "name", name))
	}
}

var digits = regexp.MustCompile(`^[0-9]{1,10}$`)

func (p *policy) age(value string) {
	if !digits.MatchString(value) {
		p.fail("STS-24", true, report.Say(report.SaysPolicyAge, "text", fields.Quote(value, 60)))
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
		p.fail("STS-21", true, report.Say(report.SaysThereIsNo, "name", "version"))
	}
	if !p.seen["mode"] {
		p.fail("STS-23", true, report.Say(report.SaysThereIsNo, "name", "mode"))
	}
	if !p.seen["max_age"] {
		p.fail("STS-24", true, report.Say(report.SaysThereIsNo, "name", "max_age"))
	}
	if len(p.MX) == 0 && p.Mode != report.ModeNone {
		p.fail("STS-25", true, report.Say(report.SaysNoMXLine))
	}
}

var hostName = regexp.MustCompile(`^([A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?\.)*[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?$`)

// malformed says why an mx value is no pattern: a host name in A-labels, with at most a
// wildcard as its whole left-most label (RFC 8461 §3.2, §4.1).
func malformed(pattern string) report.Statement {
	rest := strings.TrimPrefix(pattern, "*.")
	odd := fields.Strange(rest)
	_, err := netip.ParseAddr(strings.Trim(pattern, "[]"))
	switch {
	case pattern == "":
		return report.Say(report.SaysNothingFollows)
	case err == nil:
		return report.Say(report.SaysAddressMisplaced)
	case strings.Contains(rest, "*"):
		return report.Say(report.SaysWildcardWithin)
	case strings.Contains(rest, "/"), strings.Contains(rest, ":"), strings.Contains(rest, "@"):
		return report.Say(report.SaysHostNameAlone)
	case strings.HasPrefix(rest, "."):
		return report.Say(report.SaysDotFirst)
	case strings.HasSuffix(rest, "."):
		return report.Say(report.SaysDotLast)
	case odd.Made() && strings.ContainsFunc(rest, fields.Space):
		return odd
	case odd.Made():
		return report.Say(report.SaysNotALabel)
	case len(rest) > 253 || !hostName.MatchString(rest):
		return report.Say(report.SaysNoHostName)
	}
	return report.Statement{}
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
