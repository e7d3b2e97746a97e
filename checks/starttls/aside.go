package starttls

import (
	"context"
	"errors"
	"slices"
	"strings"

	"mxseal/checks/internal/smtp"
	"mxseal/checks/report"
)

// second is a second connection: it asks whether mail is taken without TLS and, beyond
// depth quick, whether a command smuggled in before TLS is obeyed inside.
type second struct {
	offered    bool // STARTTLS was listed there
	reply      smtp.Reply
	injection  string
	failure    *report.Failure
	transcript []report.Line
	oddities   []string
}

// askInClear says EHLO and MAIL FROM:<> without TLS and withdraws at once; no recipient
// is named. A server that enforces TLS answers 530 (RFC 3207 §4).
func askInClear(ctx context.Context, t Target) *second {
	a := new(second)
	s, err := smtp.Dial(ctx, t.Peer, t.Config)
	if s == nil {
		a.failure = failure(err)
		return a
	}
	if err == nil {
		_, _, err = s.Hello()
	}
	if err == nil {
		a.offered = s.Offers("STARTTLS")
		a.reply, err = mail(s)
	}
	a.failure = failure(err)
	if a.injection = t.Injection; err == nil && a.offered && a.injection == "" && t.Depth != report.Quick {
		a.injection = inject(ctx, s, t.Host)
	}
	s.Quit()
	a.transcript, a.oddities = s.Transcript, s.Oddities
	return a
}

// mail opens a transaction and drops it, in one segment where the server allows that
// (RFC 2920).
func mail(s *smtp.Session) (reply smtp.Reply, err error) {
	if !s.Offers("PIPELINING") {
		if reply, err = s.Command("MAIL FROM:<>"); err == nil && reply.Code/100 == 2 {
			_, err = s.Command("RSET")
		}
		return reply, err
	}
	if err = s.Send("MAIL FROM:<>", "RSET"); err == nil {
		reply, err = s.Reply()
	}
	if err == nil && reply.Code != 421 {
		_, err = s.Reply()
	}
	return reply, err
}

// inject sends a command in the same segment as STARTTLS. A server that still answers it
// inside TLS lets a man in the middle put commands in front of a protected session
// (CVE-2011-0411). The command is NOOP, so nothing can come of it. The session ends with
// it. Empty when it told nothing.
func inject(ctx context.Context, s *smtp.Session, host string) string {
	if s.Send("STARTTLS", "NOOP") != nil {
		return ""
	}
	reply, err := s.Reply()
	if err == nil && reply.Code != 220 {
		return ""
	}
	if err == nil {
		_, err = s.StartTLS(ctx, modern.config(host, new(bool)))
	}
	if err == nil {
		reply, err = s.Command("QUIT")
	}
	s.Close()
	var e *smtp.Error
	switch {
	case errors.As(err, &e) && e.Kind == "timeout":
		return ""
	case err != nil || reply.Code == 421:
		return "closed"
	case reply.Code == 221:
		return "discarded"
	}
	return "answered" // by what is no answer to QUIT
}

// into adds what was learnt to the evidence.
func (a *second) into(seen *report.SMTP) {
	seen.Transcript = append(seen.Transcript, report.Line{From: "*", Text: "another connection asks whether mail is taken in clear"})
	seen.Transcript = append(seen.Transcript, a.transcript...)
	for _, odd := range a.oddities {
		if !slices.Contains(seen.Oddities, odd) {
			seen.Oddities = append(seen.Oddities, odd)
		}
	}
	if seen.STARTTLS == "ok" {
		seen.Injection = a.injection
	}
	if a.reply.Code != 0 {
		seen.Changed = a.offered != smtp.Lists(seen.EHLO, "STARTTLS")
		seen.MailReply = a.reply.String()
		seen.Enforced = enforced(a.reply)
		return
	}
	seen.MailFailure = a.failure
}

// enforced reads the reply to MAIL in clear (RULES appendix D); nil when it is unclear.
func enforced(r smtp.Reply) *bool {
	var yes bool
	switch text := strings.ToUpper(r.String()); {
	case r.Code == 250:
	case r.Code == 530, r.Code/100 == 5 && strings.Contains(text, " 5.7.") && strings.Contains(text, "TLS"):
		yes = true
	default:
		return nil
	}
	return &yes
}
