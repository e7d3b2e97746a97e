package tlsrpt

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"mxseal/checks/report"
)

// fault is a departure from the grammar, under the rule that speaks of it.
type fault struct {
	rule string
	text string
}

// record is what the TXT records at _smtp._tls come to.
type record struct {
	raw     string // the one in force
	count   int    // records that begin as one should
	meant   string // one that senders discard though it was meant for them
	targets []report.Target
	faults  []fault
}

func (r *record) fail(rule, format string, args ...any) {
	r.faults = append(r.faults, fault{rule, fmt.Sprintf(format, args...)})
}

const (
	version    = "v=TLSRPTv1;"
	maxTargets = 10 // report addresses that are looked up
)

var (
	almost    = regexp.MustCompile(`(?i)v *= *tlsrpt`)
	extension = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,31}=[\x21-\x3a\x3c\x3e-\x7e]+$`)
	hostName  = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]*[a-z0-9])?$`)
)

// parse reads the TXT records at _smtp._tls (RFC 8460 §3). Those that do not begin with the
// version are discarded; of the rest there must be exactly one.
func parse(txts []string) record {
	var r record
	for _, txt := range txts {
		switch {
		case strings.HasPrefix(txt, version):
			r.count++
			r.raw = txt
		case almost.MatchString(txt):
			r.meant = txt
		}
	}
	if r.count != 1 {
		r.raw = ""
		return r
	}
	fields := strings.Split(strings.TrimPrefix(r.raw, version), ";")
	if last := len(fields) - 1; strings.TrimSpace(fields[last]) == "" {
		fields = fields[:last] // one semicolon at the end is allowed
	}
	seen := false
	for _, field := range fields {
		field = strings.TrimSpace(field)
		rua, isRUA := strings.CutPrefix(field, "rua=")
		switch {
		case isRUA && !seen:
			seen = true
			r.addresses(rua)
		case isRUA: // the first one counts
		case !extension.MatchString(field) && seen:
			r.fail("RPT-05", "what follows a semicolon is no field: %q", report.Clean(field, 60))
		}
	}
	if !seen {
		r.fail("RPT-04", "there is no rua")
	}
	return r
}

// addresses reads the list of report addresses.
func (r *record) addresses(list string) {
	for _, uri := range strings.Split(list, ",") {
		uri = strings.TrimSpace(uri)
		target, rule, why := address(uri)
		if rule != "" {
			r.fail(rule, "%s: %s", quoted(uri), why)
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

// address reads one report address, or says which rule it breaks and how.
func address(uri string) (target report.Target, rule, why string) {
	scheme, rest, found := strings.Cut(uri, ":")
	switch {
	case uri == "":
		return target, "RPT-05", "a comma inside an address must be written %2C"
	case strings.Contains(uri, "!"):
		return target, "RPT-05", "an exclamation mark must be written %21; sizes as in DMARC are unknown here"
	case strings.ContainsAny(uri, " \ufffd"):
		return target, "RPT-05", "it holds a blank or a character that has to be encoded"
	case !found:
		return target, "RPT-04", "it lacks mailto: or https: in front"
	}
	target.URI = uri
	switch strings.ToLower(scheme) {
	case "mailto":
		mailbox, _, _ := strings.Cut(rest, "?")
		at := strings.LastIndex(mailbox, "@")
		target.Domain = strings.ToLower(mailbox[at+1:])
		if at < 1 || !hostName.MatchString(target.Domain) {
			return target, "RPT-04", "it is no mail address"
		}
	case "https":
		if u, err := url.Parse(uri); err == nil {
			target.Domain = report.Clean(strings.ToLower(strings.TrimSuffix(u.Hostname(), ".")), 255)
		}
		if target.Domain == "" {
			return target, "RPT-04", "it names no host"
		}
	default:
		return target, "RPT-04", "only mailto: and https: are allowed"
	}
	return target, "", ""
}

// mail reports whether a target is reached by mail.
func mail(t report.Target) bool {
	return len(t.URI) > len("mailto:") && strings.EqualFold(t.URI[:len("mailto:")], "mailto:")
}
