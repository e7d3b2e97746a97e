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
	if o := s.Offer; o != nil && o.Form != report.FormParameter && bySender(o, report.ReadsClear) != "" {
		add("SMT-29").Saying("where", report.Say(report.SaysWordStands, "form", o.Form)).With("line", quoted(o.Line)).With("who", bySender(o, report.ReadsClear))
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
		add("ENF-08").Saying("how", report.Say(report.SaysBreaksOffWithout)).
			Saying("change", report.Say(report.SaysAskOnly)).
			Showing(ladderLines(s.Ladder)...)
	case s.STARTTLS == report.HandshakeFailed && len(s.Ladder) > 0:
		add("SMT-18").With("rungs", len(s.Ladder)).Saying("reason", s.Ladder[0].Statement.Or(s.Ladder[0].Error)).Showing(ladderLines(s.Ladder)...)
	case s.STARTTLS == report.Works:
		if s.ClientCert == report.ClientCertAsked {
			add("ENF-08").As(report.Info).Setting().Fixing().Saying("how", report.Say(report.SaysDoesNoHarm)).With("change", "")
		}
		judgeHandshake(add, h, a)
		judgeInside(add, s)
	}
}

// judgeNotOffered judges a server at which no sender sees the word STARTTLS.
func judgeNotOffered(add func(id string) *report.Finding, s *report.SMTP) {
	switch {
	case s.HELO && s.Offer != nil && s.Offer.Form == report.FormMaskedGreeting:
		add("SMT-30").Showing("220 " + s.Banner)
	case s.HELO:
		f := add("SMT-08").With("reply", "")
		if s.Reply != "" {
			f.Saying("reply", report.Say(report.SaysTookHELO, "reply", s.Reply))
		}
	case masked(s.EHLO):
		add("SMT-13").Showing(s.EHLO...)
	default:
		cause, change := unseen(s.Offer)
		add("SMT-12").Saying("cause", cause).Saying("change", change).Showing(s.EHLO...)
	}
	if s.Hidden && s.Offer == nil {
		add("SMT-14")
	}
}

// judgeInside judges the talk inside TLS.
func judgeInside(add func(id string) *report.Finding, s *report.SMTP) {
	switch s.Injection {
	case report.InjectionAnswered:
		add("SMT-21").Saying("outcome", report.Say(report.SaysObeyed)).Saying("change", report.Say(report.SaysUpdateServer))
	case report.InjectionDiscarded:
		add("SMT-21").As(report.Pass).Setting().Saying("outcome", report.Say(report.SaysForgotten)).With("change", "")
	case report.InjectionClosed:
		add("SMT-21").As(report.Pass).Setting().Saying("outcome", report.Say(report.SaysNotObeyed)).With("change", "")
	}
	if s.EHLOTLS != nil {
		add("SMT-22")
	}
	if smtp.Lists(s.EHLOTLS, "STARTTLS") {
		add("SMT-23")
	}
}
