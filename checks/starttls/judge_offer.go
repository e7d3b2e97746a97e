package starttls

import (
	"strings"

	"mxseal/checks/internal/smtp"
	"mxseal/checks/report"
)

// judgeTLS judges the offer of STARTTLS and what came of it.
func judgeTLS(j *report.Judgement, h *report.Host, a *report.Address) {
	s := a.SMTP
	add := func(id string) *report.Finding { return j.Add(id).At(h.Name, a.IP) }
	switch s.STARTTLS {
	case report.NotTried:
		return
	case report.NotOffered:
		judgeNotOffered(add, s)
		return
	}
	add("SMT-10")
	if o := s.Offer; o != nil && o.Form != "parameter" && bySender(o, "clear") != "" {
		add("SMT-29").With("where", formWords[o.Form]).With("line", quoted(o.Line)).With("who", bySender(o, "clear"))
	}
	for _, keyword := range s.EHLO {
		if name, parameter, _ := strings.Cut(strings.TrimLeft(keyword, " "), " "); strings.EqualFold(name, "STARTTLS") && parameter != "" {
			add("SMT-11").With("keyword", keyword)
		}
	}
	if s.Stray != "" {
		add("SMT-20").Showing(s.Stray)
	}
	judgeOutcome(add, h, a)
}

// judgeOutcome judges what came of the offer.
func judgeOutcome(add func(id string) *report.Finding, h *report.Host, a *report.Address) {
	s := a.SMTP
	switch {
	case s.STARTTLS == report.Refused:
		add("SMT-17").With("reply", s.Reply)
	case s.STARTTLS == report.HandshakeFailed && s.ClientCert == report.ClientCertRequired:
		add("ENF-08").With("how", "and breaks off without").
			With("change", "Ask, do not require. Postfix: smtpd_tls_req_ccert = no. Exim: tls_verify_hosts empty; tls_try_verify_hosts may stay.").
			Showing(ladderLines(s.Ladder)...)
	case s.STARTTLS == report.HandshakeFailed && len(s.Ladder) > 0:
		add("SMT-18").With("rungs", len(s.Ladder)).With("reason", s.Ladder[0].Error).Showing(ladderLines(s.Ladder)...)
	case s.STARTTLS == report.Works:
		if s.ClientCert == report.ClientCertAsked {
			add("ENF-08").As(report.Info).Setting().Fixing().With("how", "which does no harm").With("change", "")
		}
		judgeHandshake(add, h, a)
		judgeInside(add, s)
	}
}

// judgeNotOffered judges a server at which no sender sees the word STARTTLS.
func judgeNotOffered(add func(id string) *report.Finding, s *report.SMTP) {
	switch {
	case s.HELO && s.Offer != nil && s.Offer.Form == "masked-greeting":
		add("SMT-30").Showing("220 " + s.Banner)
	case s.HELO:
		reply := ""
		if s.Reply != "" {
			reply = "It answered EHLO by “" + s.Reply + "” and took HELO. "
		}
		add("SMT-08").With("reply", reply)
	case masked(s.EHLO):
		add("SMT-13").Showing(s.EHLO...)
	default:
		cause, change := unseen(s.Offer)
		add("SMT-12").With("cause", cause).With("change", change).Showing(s.EHLO...)
	}
	if s.Hidden && s.Offer == nil {
		add("SMT-14")
	}
}

// judgeInside judges the talk inside TLS.
func judgeInside(add func(id string) *report.Finding, s *report.SMTP) {
	switch s.Injection {
	case "answered":
		add("SMT-21").With("outcome", "obeyed").With("change", "Update the mail server or the TLS proxy in front of it.")
	case "discarded":
		add("SMT-21").As(report.Pass).Setting().With("outcome", "forgotten").With("change", "")
	case "closed":
		add("SMT-21").As(report.Pass).Setting().With("outcome", "not obeyed").With("change", "")
	}
	if s.EHLOTLS != nil {
		add("SMT-22")
	}
	if smtp.Lists(s.EHLOTLS, "STARTTLS") {
		add("SMT-23")
	}
}
