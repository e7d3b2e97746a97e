package view

import (
	"fmt"
	"strings"
	"time"

	"mxseal/checks/tlsreport"
)

// ResultWords are how a session failed in a sentence, and what the owner of the server does. Both
// hold for any server: it stands beside them.
type ResultWords struct{ What, Fix string }

var resultWords = map[tlsreport.Result]ResultWords{
	tlsreport.StartTLSNotSupported: {"The server offered them no encryption (STARTTLS).",
		"Turn STARTTLS on. Where it is on and few senders report this, something on their way strips it: a firewall, or an attacker."},
	tlsreport.CertificateHostMismatch: {"The certificate is for another name than that of the server.",
		"Get a certificate that names the server as the MX record does, and let the server load it."},
	tlsreport.CertificateExpired: {"The certificate had expired.",
		"Renew it, and let the mail server load it: often the file is new and the server still shows the old one."},
	tlsreport.CertificateNotTrusted: {"No authority that they trust has issued the certificate.",
		"Send the whole chain, with every intermediate certificate. A certificate of your own making needs TLSA records and DNSSEC."},
	tlsreport.ValidationFailure: {"The certificate or the TLS handshake failed, for a reason that they do not name.",
		"Check the server, and ask the sender where that finds nothing."},
	tlsreport.TLSAInvalid: {"None of the TLSA records fits the certificate of the server.",
		"Publish the TLSA record of the key that the server shows, and do so before the next change of keys."},
	tlsreport.DNSSECInvalid: {"The DNSSEC signatures of the server's name, or of the TLSA records, are not valid.",
		"Have the zone signed again, and compare its keys with the DS record at the registry."},
	tlsreport.DANERequired: {"The sender insists on DANE and found no TLSA records with valid signatures.",
		"Publish TLSA records in a signed zone, or ask the sender why they insist."},
	tlsreport.PolicyFetchError: {"They could not get the MTA-STS policy. Their mail went on without it.",
		"See that the policy's web server answers from everywhere, over IPv4 and IPv6, without redirects."},
	tlsreport.PolicyInvalid: {"The MTA-STS policy has a mistake. Their mail went on without it.",
		"Correct the policy: version, mode, mx and max_age, a line each."},
	tlsreport.WebPKIInvalid: {"The certificate of the policy's web server is not valid. Their mail went on without the policy.",
		"Renew the certificate of mta-sts and the domain, and send its whole chain."},
}

// WordsOfResult are those for a result; one that is not in RFC 8460 stands for itself.
func WordsOfResult(r tlsreport.Result) ResultWords {
	if w, known := resultWords[r]; known {
		return w
	}
	if r == "" {
		return ResultWords{"The report does not say what failed.", "Check the server."}
	}
	return ResultWords{"The sender reports “" + string(r) + "”, which RFC 8460 does not know.", "Ask the sender what that means."}
}

var noteWords = map[tlsreport.Note]string{
	tlsreport.NoZone:     "gives times without a zone; they are taken as UTC",
	tlsreport.NoDates:    "gives no time that can be read",
	tlsreport.NoContact:  "names nobody to ask",
	tlsreport.NoDomain:   "names no domain for a policy; that of the mail or the file is taken",
	tlsreport.NoServer:   "names neither server nor address for a failure",
	tlsreport.SumDiffers: "has failures that do not add up to their sum; the larger number counts",
	tlsreport.NotPacked:  "is said to be gzip and is none",
	tlsreport.NoPolicies: "speaks of no policy",
	tlsreport.BaseDomain: "puts a DANE policy under the name of the server; it counts for the mail domain",
}

// NoteText says what is unusual about so many reports.
func NoteText(n tlsreport.Note, reports int) string {
	return Plural(reports, "report") + ": " + "each " + noteWords[n] + "."
}

// EnforceText answers whether the MTA-STS policy of a domain can go to enforce, and why.
func EnforceText(e tlsreport.Enforce) (answer, why string) {
	unread := ""
	if e.Unread > 0 {
		unread = fmt.Sprintf(" %s could not get the policy: for them it does not count.", Plural(int(e.Unread), "session"))
	}
	switch e.Answer {
	case tlsreport.Yes:
		return "Yes", fmt.Sprintf("%s reported for a week, and no session failed that enforcing would stop.%s", Plural(e.Reporters, "sender"), unread)
	case tlsreport.No:
		return "No", fmt.Sprintf("%s failed that still got through, and would be refused. Fix what is named below first, then wait a week.%s", Plural(int(e.Refused), "session"), unread)
	case tlsreport.NotYet:
		return "Not yet", fmt.Sprintf("The reports cover %s of %s. It takes a week, and two senders.%s", Plural(e.Days, "day"), Plural(e.Reporters, "sender"), unread)
	case tlsreport.Already:
		if e.Refused > 0 {
			return "It does", fmt.Sprintf("The policy enforces, and %s failed: that mail was held back. Fix what is named below now.%s", Plural(int(e.Refused), "session"), unread)
		}
		return "It does", "The policy enforces, and in the last week no mail was held back for it." + unread
	case tlsreport.Unsaid:
		if e.Refused > 0 {
			return "The reports do not say", fmt.Sprintf("They name an MTA-STS policy, but not its mode, and %s failed. Fix what is named below first.%s", Plural(int(e.Refused), "session"), unread)
		}
		return "The reports do not say", "They name an MTA-STS policy, but not its mode." + unread
	}
	return "There is no policy to enforce", "No report speaks of an MTA-STS policy in mode testing."
}

// Sessions are so many sessions, and how many of them failed, as people say it.
func Sessions(succeeded, failed int64) string {
	all := succeeded + failed
	text := Plural(int(all), "session")
	percent := 100 * float64(failed) / float64(max(all, 1))
	switch {
	case all == 0:
		return "no session"
	case failed == 0:
		return text + ", none failed"
	case failed == all:
		return text + ", all failed"
	case percent < 0.1:
		return fmt.Sprintf("%s, %d failed, fewer than one in a thousand", text, failed)
	}
	return fmt.Sprintf("%s, %d failed (%.1f %%)", text, failed, percent)
}

// Between is the days from one to another, both included.
func Between(first, last time.Time) string {
	switch {
	case first.IsZero():
		return "on a day that is not said"
	case first.Equal(last):
		return first.Format("2 Jan 2006")
	}
	return first.Format("2 Jan 2006") + " to " + last.Format("2 Jan 2006")
}

// Quoted are the first of what others have said, in their words.
func Quoted(list []string) string {
	const most = 3
	return "“" + strings.Join(list[:min(len(list), most)], "”, “") + "”"
}
