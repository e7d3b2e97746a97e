package starttls

import (
	"context"
	"errors"
	"slices"

	"mxseal/checks/internal/smtp"
	"mxseal/checks/report"
)

// second is a second connection: it asks whether mail is taken without TLS and, beyond
// depth quick, whether a command smuggled in before TLS is obeyed inside.
type second struct {
	offered    bool // STARTTLS was listed there
	reply      smtp.Reply
	injection  report.Injection
	failure    *report.Failure
	transcript []report.Line
	oddities   []report.Oddity
}

// askInClear says EHLO and MAIL FROM:<> without TLS and withdraws at once; no recipient
// is named. A server that enforces TLS answers 530 (RFC 3207 §4).
func askInClear(ctx context.Context, t Target) *second {
	a := new(second)
	s, err := smtp.DialCalmly(ctx, t.Peer, t.Config)
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
func inject(ctx context.Context, s *smtp.Session, host string) report.Injection {
	defer s.Close()
	if s.Send("STARTTLS", "NOOP") != nil {
		return ""
	}
	reply, err := s.Reply()
	if err == nil && reply.Code/100 != 2 {
		return ""
	}
	if err == nil {
		_, err = s.StartTLS(ctx, modern.config(host, new(bool)))
	}
	if err == nil {
		err = s.Send("QUIT")
	}
	var heard []smtp.Reply
	for err == nil && len(heard) < 4 && (heard == nil || heard[len(heard)-1].Code != 221) {
		if reply, err = s.Reply(); err == nil {
			heard = append(heard, reply)
		}
	}
	var e *smtp.Error
	return smuggled(heard, err == nil || errors.As(err, &e) && e.Kind != report.KindTimeout)
}

// smuggled concludes from what was said inside TLS to a QUIT what became of the NOOP before
// it, by the number of the replies and by what they are: ended is false where there may be
// more to come. A greeting inside TLS is out of place and no answer to anything.
func smuggled(heard []smtp.Reply, ended bool) report.Injection {
	for len(heard) > 0 && heard[0].Code == 220 {
		heard = heard[1:]
	}
	switch {
	case len(heard) == 0 && ended, len(heard) > 0 && heard[0].Code == 421:
		return report.InjectionClosed
	case len(heard) > 0 && heard[0].Code == 221:
		return report.InjectionDiscarded
	case len(heard) > 1 && answersNOOP(heard[0].Code):
		return report.InjectionAnswered // by one reply more than there was to answer
	}
	return ""
}

// answersNOOP reports whether a code is one that a server has for a NOOP that it obeys, does
// not know, or wants no more of.
func answersNOOP(code int) bool { return code == 250 || code/10 == 50 || code == 530 }

// into adds what was learnt to the evidence.
func (a *second) into(seen *report.SMTP, offered, inStep bool) {
	seen.Transcript = append(seen.Transcript, report.Line{From: report.Remark, Statement: report.Say(report.SaysAskedInClear)})
	seen.Transcript = append(seen.Transcript, a.transcript...)
	for _, odd := range a.oddities {
		if !slices.Contains(seen.Oddities, odd) {
			seen.Oddities = append(seen.Oddities, odd)
		}
	}
	// What the first hello has come to is known by the other conversation, and whether words
	// come unasked inside TLS.
	if seen.STARTTLS == report.Works && inStep && len(seen.Ladder) > 0 && seen.Ladder[0].OK {
		seen.Injection = a.injection
	}
	if a.reply.Code != 0 {
		seen.Changed = a.offered != offered
		seen.MailReply = a.reply.String()
		seen.Enforced = enforced(a.reply)
		return
	}
	seen.MailFailure = a.failure
}
