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
func address(uri string) (target report.Target, rule string, why report.Statement) {
	name, rest, found := strings.Cut(uri, ":")
	switch odd := fields.Strange(uri); {
	case uri == "":
		return target, "RPT-05", report.Say(report.SaysCommaWithin)
	case odd.Made():
		return target, "RPT-05", report.Say(report.SaysEncodedWithin).About(odd)
	case strings.Contains(uri, "!"):
		return target, "RPT-05", report.Say(report.SaysExclamation)
	case strings.ContainsAny(uri, " \t"):
		return target, "RPT-05", report.Say(report.SaysBlankWithin)
	case strings.Contains(uri, `"`):
		return target, "RPT-05", report.Say(report.SaysQuotationMark)
	case !found || !scheme.MatchString(name):
		return target, "RPT-04", report.Say(report.SaysNoScheme)
	case !uriText.MatchString(rest):
		return target, "RPT-05", report.Say(report.SaysUnencoded)
	}
	target.URI = uri
	switch strings.ToLower(name) {
	case "mailto":
		target.Domain, why = mailbox(rest)
	case "https":
		target.Domain, why = endpoint(uri)
	default:
		why = report.Say(report.SaysOtherScheme)
	}
	if why.Made() {
		return target, "RPT-04", why
	}
	return target, "", why
}

// mailbox returns the domain of what follows mailto:, or why there is none (RFC 6068 §2).
func mailbox(rest string) (domain string, why report.Statement) {
	rest, _, _ = strings.Cut(rest, "#")
	rest, _, _ = strings.Cut(rest, "?")
	local, domain, found := strings.Cut(rest, "@")
	if strings.Contains(domain, "@") {
		return "", report.Say(report.SaysSecondAt)
	}
	domain = strings.ToLower(domain)
	decoded, err := url.PathUnescape(local)
	if !found || err != nil || !dotAtom.MatchString(decoded) && !quotedString.MatchString(decoded) || !hostName.MatchString(domain) {
		return "", report.Say(report.SaysNoMailAddress)
	}
	return domain, why
}

// endpoint returns the host of an https: address, or why there is none.
func endpoint(uri string) (host string, why report.Statement) {
	u, err := url.Parse(uri)
	if err != nil {
		return "", report.Say(report.SaysNamesNoHost)
	}
	if strings.ContainsAny(u.EscapedPath(), "[]") {
		return "", report.Say(report.SaysBracketsInPath)
	}
	host = report.Clean(strings.ToLower(strings.TrimSuffix(u.Hostname(), ".")), 255)
	if host == "" || strings.ContainsAny(host, "%") {
		return "", report.Say(report.SaysNamesNoHost)
	}
	return host, why
}

// mail reports whether a target is reached by mail.
func mail(t report.Target) bool {
	return len(t.URI) > len("mailto:") && strings.EqualFold(t.URI[:len("mailto:")], "mailto:")
}
