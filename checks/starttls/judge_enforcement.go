package starttls

import (
	"slices"
	"strings"

	"mxseal/checks/internal/pkix"
	"mxseal/checks/internal/smtp"
	"mxseal/checks/report"
)

// judgeEnforcement judges whether an address insists on TLS, and REQUIRETLS.
func judgeEnforcement(j *report.Judgement, r report.Observed, h *report.Host, a *report.Address) {
	s := a.SMTP
	add := func(id string) *report.Finding { return j.Add(id).At(h.Name, a.IP) }
	switch {
	case s.Enforced != nil && *s.Enforced:
		add("ENF-02").With("reply", s.MailReply)
		judgeInsistence(add, a)
	case s.Enforced != nil:
		add("ENF-01").Showing(s.MailReply)
	case s.MailReply != "":
		add("ENF-03").Saying("reason", report.Say(report.SaysItAnswered, "reply", s.MailReply))
	case s.MailFailure != nil:
		add("ENF-03").Saying("reason", s.MailFailure.Statement.Or(s.MailFailure.Text))
	}
	if s.STARTTLS != report.Works || s.EHLOTLS == nil {
		return
	}
	switch {
	case smtp.Lists(s.EHLOTLS, "REQUIRETLS"):
		add("ENF-05")
		if missing := unusable(r, h, a); r.MX != nil && missing != nil {
			add("ENF-07").With("missing", strings.Join(missing, ", "))
		}
	case smtp.Lists(s.EHLO, "REQUIRETLS"):
		add("ENF-06")
	default:
		add("ENF-09")
	}
}

// judgeInsistence judges an address that insists on a TLS which not every sender can do.
func judgeInsistence(add func(id string) *report.Finding, a *report.Address) {
	_, isOld := oldVersion(a.SMTP.Ladder)
	switch hello := Worked(a.SMTP.Ladder); {
	case a.TLS != nil && slices.Equal(a.TLS.Versions, []report.Version{report.TLS13}) && slices.Contains(a.TLS.Refused, report.TLS12):
		add("ENF-04").Saying("what", report.Say(report.SaysTLS13Alone)).Saying("change", report.Say(report.SaysAllowTLS12))
	case hello == report.HelloAllTLS12 || hello == report.HelloEverySuite || hello == report.HelloAnySuite || isOld:
		add("ENF-04").Saying("what", report.Say(report.SaysOldSuitesAlone)).
			Saying("change", report.Say(report.SaysAllowDefaults))
	}
}

// unusable lists what a sender of a REQUIRETLS message would miss (RFC 8689 §4.2.1): a
// name of the mail server that is proved, and a certificate that can be verified.
func unusable(r report.Observed, h *report.Host, a *report.Address) []string {
	var missing []string
	policy := r.MTASTS != nil && r.MTASTS.State == report.STSEnforce && r.MTASTS.Policy != nil &&
		pkix.NameMatches(r.MTASTS.Policy.MX, h.Name) // RFC 8461 §4.1 matches like a certificate's names
	if r.MX == nil || r.MX.DNSSEC.State != report.Secure && !policy {
		missing = append(missing, "a proof that "+h.Name+" is the right server")
	}
	public := len(a.Certificates) > 0 && !slices.ContainsFunc(a.Certificates, func(c *report.Certificate) bool { return c.PKIX != report.PKIXOK && c.PKIX != report.PKIXUntested })
	if h.TLSA.State != report.TLSAMatch && !public {
		missing = append(missing, "a certificate that can be verified")
	}
	return missing
}
