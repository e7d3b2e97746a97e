// Package starttls looks at how a mail server is reached and whether it takes mail over
// TLS (RFC 3207): the greeting, what it offers, one ordinary handshake, and whether it
// also takes mail in clear.
package starttls

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"strings"
	"sync"
	"time"

	"mxseal/checks/internal/egress"
	"mxseal/checks/internal/smtp"
	"mxseal/checks/report"
)

// respite is how long a server that puts us off by its greeting is left in peace.
const respite = 5 * time.Second

// pauses between the tries of STARTTLS when it is refused for now.
var pauses = []time.Duration{2 * time.Second, 5 * time.Second}

// Gather talks to an address. The conversation is an empty one when no connection was made;
// the state is that of the first handshake that worked, nil when none did; the failure says
// what kept us from the end of the conversation.
func Gather(ctx context.Context, t Target) (*report.SMTP, *tls.ConnectionState, *report.Failure) {
	// What comes after the first connection meets servers that let in few of us at a time.
	t.Config.Tries = len(smtp.Pauses)
	v := &visit{Target: t, seen: &report.SMTP{STARTTLS: report.NotTried}}
	// Some servers forget a connection now and then before they greet. So the first wait is
	// shorter, and only the second one whole.
	impatient := t.Config
	impatient.Banner = cmp.Or(t.Config.Banner, time.Minute) / 3
	first, err := smtp.Dial(ctx, t.Peer, impatient)
	switch {
	case silent(err):
		first, err = smtp.Dial(ctx, t.Peer, t.Config)
	case smtp.TurnedAway(err) && first != nil && egress.Pause(ctx, respite) == nil:
		first, err = smtp.Dial(ctx, t.Peer, t.Config)
	}
	if first == nil {
		return v.seen, nil, failure(err)
	}
	v.session = first
	v.seen.Banner = report.Clean(strings.Join(first.Greeting.Lines, " "), 512)
	v.seen.GreetingMS = first.GreetingTime.Milliseconds()

	var aside sync.WaitGroup
	var clear *second
	var offered bool
	if err == nil {
		v.seen.EHLO, v.seen.HELO, err = first.Hello()
		v.seen.Offer, offered = first.Offer, first.Offers("STARTTLS")
		if v.seen.HELO {
			v.seen.Reply = first.Refusal()
		}
	}
	if err == nil {
		if !t.Alone {
			aside.Go(func() { clear = askInClear(ctx, t) })
		}
		err = v.secure(ctx)
	}
	v.session.Quit()
	v.note(err)
	aside.Wait()
	v.seen.Oddities, v.seen.Transcript = first.Oddities, first.Transcript
	if clear != nil {
		clear.into(v.seen, offered, v.session.InStep)
	}
	return v.seen, v.state, failure(err)
}

// silent reports whether a connection was made and nothing was said.
func silent(err error) bool {
	var e *smtp.Error
	return errors.As(err, &e) && e.Phase == report.PhaseGreeting && (e.Kind == report.KindTimeout || e.Kind == report.KindClosed || e.Kind == report.KindReset)
}

// secure goes from the EHLO to the end of TLS, and sets STARTTLS. The error is what kept
// it from being known, or ended the conversation inside TLS.
func (v *visit) secure(ctx context.Context) error {
	if !v.session.Offers("STARTTLS") {
		v.seen.STARTTLS = report.NotOffered
		if v.Depth != report.Quick && !v.seen.HELO && !masked(v.seen.EHLO) {
			v.insist(ctx)
		}
		return nil
	}
	reply, err := v.session.RequestTLS()
	for v.seen.Tries = 1; later(reply, err) && v.seen.Tries <= len(pauses); v.seen.Tries++ {
		v.session.Quit()
		if egress.Pause(ctx, pauses[v.seen.Tries-1]) != nil {
			break
		}
		again, failed := smtp.DialCalmly(ctx, v.Peer, v.Config)
		if again != nil {
			v.session = again
		}
		if failed == nil {
			_, _, failed = again.Hello()
		}
		if failed != nil {
			break
		}
		reply, err = again.RequestTLS()
	}
	if err != nil {
		return err
	}
	switch v.seen.Reply = reply.String(); {
	case reply.Code/100 == 2:
		v.seen.Tries, v.seen.Reply = 0, ""
		v.seen.Stray = v.session.Stray
		return v.climb(ctx)
	case reply.Code/100 == 4:
		return smtp.Refused(report.PhaseSTARTTLS, v.Peer.Addr.String(), report.SaysPutOff, reply)
	}
	v.seen.STARTTLS, v.seen.Tries = report.Refused, 0
	return nil
}

// insist asks for TLS though it is not listed. Senders would not; it tells the owner that
// only the announcement is missing.
func (v *visit) insist(ctx context.Context) {
	reply, err := v.session.RequestTLS()
	if err != nil {
		return
	}
	v.seen.Reply = reply.String()
	if reply.Code == 220 {
		_, err = v.session.StartTLS(ctx, modern.config(v.Host, new(bool)))
		v.seen.Hidden = err == nil
	}
}

// later reports whether STARTTLS was put off: a 4xx, or the connection closed in answer
// (RULES appendix D).
func later(r smtp.Reply, err error) bool {
	var e *smtp.Error
	if errors.As(err, &e) {
		return e.Kind == report.KindClosed || e.Kind == report.KindReset
	}
	return err == nil && r.Code/100 == 4
}

// note keeps the reply that ended the conversation.
func (v *visit) note(err error) {
	var e *smtp.Error
	if errors.As(err, &e) && e.Reply.Code != 0 && v.seen.Reply == "" {
		v.seen.Reply = e.Reply.String()
	}
}
