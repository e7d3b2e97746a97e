package tlsrpt

import (
	"net/url"
	"regexp"
	"strings"

	"mxseal/checks/internal/fields"
	"mxseal/checks/report"
)

const (
	pchar = `([A-Za-z0-9._~:@$&'()*+=-]|%[0-9A-Fa-f]{2})`
	atext = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~,\\x{80}-\\x{10ffff}-]"
)

var (
	hostName = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]*[a-z0-9])?$`)
	// A URI behind its scheme (RFC 3986 appendix A), without the three characters that must be
	// encoded here.
	uriText = regexp.MustCompile(`^(` + pchar + `|/|\[[0-9A-Fa-f:.]+\])*(\?(` + pchar + `|[/?])*)?(#(` + pchar + `|[/?])*)?$`)
	scheme  = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*$`)
	// The local part of a mail address once it is decoded: a dot-atom, where a comma and letters
	// outside of ASCII have a place, or a quoted string (RFC 6068 §2, RFC 6531 §3.3).
	dotAtom      = regexp.MustCompile("^" + atext + "+(\\." + atext + "+)*$")
	quotedString = regexp.MustCompile(`^"([^"\\[:cntrl:]]|\\[ -~])*"$`)
)

// address reads one report address, or says which rule it breaks and how.
func address(uri string) (target report.Target, rule, why string) {
	name, rest, found := strings.Cut(uri, ":")
	switch odd := fields.Strange(uri); {
	case uri == "":
		return target, "RPT-05", "a comma inside an address must be written %2C"
	case odd != "":
		return target, "RPT-05", odd + "; inside an address it is percent-encoded"
	case strings.Contains(uri, "!"):
		return target, "RPT-05", "an exclamation mark must be written %21; sizes as in DMARC are unknown here"
	case strings.ContainsAny(uri, " \t"):
		return target, "RPT-05", "it holds a blank"
	case strings.Contains(uri, `"`):
		return target, "RPT-05", "a quotation mark must be written %22"
	case !found || !scheme.MatchString(name):
		return target, "RPT-04", "it lacks mailto: or https: in front"
	case !uriText.MatchString(rest):
		return target, "RPT-05", "it holds a character that has to be percent-encoded, or a % that encodes none"
	}
	target.URI = uri
	switch strings.ToLower(name) {
	case "mailto":
		target.Domain, why = mailbox(rest)
	case "https":
		target.Domain, why = endpoint(uri)
	default:
		why = "only mailto: and https: are allowed"
	}
	if why != "" {
		return target, "RPT-04", why
	}
	return target, "", ""
}

// mailbox returns the domain of what follows mailto:, or why there is none (RFC 6068 §2).
func mailbox(rest string) (domain, why string) {
	rest, _, _ = strings.Cut(rest, "#")
	rest, _, _ = strings.Cut(rest, "?")
	local, domain, found := strings.Cut(rest, "@")
	if strings.Contains(domain, "@") {
		return "", "it is no mail address: it has more than one @"
	}
	domain = strings.ToLower(domain)
	decoded, err := url.PathUnescape(local)
	if !found || err != nil || !dotAtom.MatchString(decoded) && !quotedString.MatchString(decoded) || !hostName.MatchString(domain) {
		return "", "it is no mail address"
	}
	return domain, ""
}

// endpoint returns the host of an https: address, or why there is none.
func endpoint(uri string) (host, why string) {
	u, err := url.Parse(uri)
	if err != nil {
		return "", "it names no host"
	}
	if strings.ContainsAny(u.EscapedPath(), "[]") {
		return "", "brackets in a path are written %5B and %5D"
	}
	host = report.Clean(strings.ToLower(strings.TrimSuffix(u.Hostname(), ".")), 255)
	if host == "" || strings.ContainsAny(host, "%") {
		return "", "it names no host"
	}
	return host, ""
}

// mail reports whether a target is reached by mail.
func mail(t report.Target) bool {
	return len(t.URI) > len("mailto:") && strings.EqualFold(t.URI[:len("mailto:")], "mailto:")
}
