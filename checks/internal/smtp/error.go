package smtp

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"reflect"
	"strings"
	"time"

	"mxseal/checks/internal/egress"
	"mxseal/checks/report"
)

// Error says in which phase a conversation ended and why. Reply is set when the server
// ended it by words (kind reply), Alert when it did so by a TLS alert (kind alert). Kind
// unsupported means that our own TLS library refused what a server may well serve to others.
type Error struct {
	report.Failure
	Reply Reply
	Alert int
	Err   error
}

// Error is for the log; people get the words of the statement.
func (e *Error) Error() string {
	return fmt.Sprintf("smtp: %s: %s: %s", e.Phase, e.Params["peer"], cmp.Or(e.Reply.String(), string(e.Kind)))
}

func (e *Error) Unwrap() error { return e.Err }

// Pauses are those before a further try at a server that has turned us away.
var Pauses = []time.Duration{2 * time.Second, 5 * time.Second, 10 * time.Second}

// TurnedAway reports whether a server, or what stands before it, had no place for a connection
// that another one may have now: it puts us off by the greeting, or closes or resets in its
// stead.
func TurnedAway(err error) bool {
	var e *Error
	if !errors.As(err, &e) {
		return false
	}
	switch e.Phase {
	case report.PhaseGreeting:
		return e.Kind == report.KindReply && e.Reply.Code/100 == 4 || e.Kind == report.KindClosed || e.Kind == report.KindReset
	case report.PhaseConnect:
		return e.Kind == report.KindRefused || e.Kind == report.KindReset
	}
	return e.Kind == report.KindReply && e.Reply.Code == 421
}

// Refused makes the error of a reply that ends a conversation.
func Refused(phase report.Phase, peer string, says report.Says, r Reply) *Error {
	return &Error{Reply: r, Failure: *report.Failed(phase, report.KindReply, report.Say(says, "phase", phase, "peer", peer, "reply", r, "kind", "reply"))}
}

// refused makes the error of a reply that ends the conversation.
func (s *Session) refused(r Reply) *Error {
	return Refused(s.phase, s.peer, report.SaysReplied, r)
}

// fail makes the error of a connection that can no longer be used.
func (s *Session) fail(err error) *Error {
	s.broken = true
	if ended := s.ctx.Err(); ended != nil && !report.Own(egress.Kind(err)) {
		err = ended
	}
	kind, alert, what := explain(err)
	s.remark(what)
	return &Error{Err: err, Alert: alert, Failure: *report.Failed(s.phase, kind,
		report.Say(report.SaysEnded, "phase", s.phase, "peer", s.peer, "kind", kind).About(what))}
}

// explain puts an error into its kind, the TLS alert in it, and what the peer did.
func explain(err error) (kind report.Kind, alert int, what report.Statement) {
	var header tls.RecordHeaderError
	var remote *net.OpError
	switch {
	case errors.Is(err, errLines):
		return report.KindLimit, 0, report.Say(report.SaysSentTooMuch, "lines", maxLines)
	case errors.Is(err, errTotal):
		return report.KindLimit, 0, report.Say(report.SaysSentTooLong, "octets", maxTotal)
	case errors.Is(err, errNoCode):
		return report.KindProtocol, 0, report.Say(report.SaysSentNoReply)
	case errors.As(err, &remote) && remote.Op == "remote error":
		// The alert's type is not exported by crypto/tls, its number is all the same the
		// registered one (RFC 9846 §6).
		if v := reflect.ValueOf(remote.Err); v.Kind() == reflect.Uint8 {
			alert = int(v.Uint())
		}
		return report.KindAlert, alert, report.Say(report.SaysSentAlert, "alert", alert, "name", strings.TrimPrefix(remote.Err.Error(), "tls: "))
	case errors.As(err, &header):
		return report.KindProtocol, 0, report.Say(report.SaysSentNoRecord, "octets", report.Clean(string(header.RecordHeader[:]), 32))
	}
	kind = egress.Kind(err)
	if says, known := plain[kind]; known {
		return kind, 0, report.Say(says)
	}
	switch kind {
	case report.KindExhausted:
		return kind, 0, report.Say(report.SaysWithoutResources, "error", err)
	case report.KindNotAdmitted, report.KindSpent, report.KindOptedOut:
		return kind, 0, report.Say(report.SaysNotAsked).About(egress.Say(err))
	case report.KindRateLimited:
		return kind, 0, report.Say(report.SaysEnoughForNow).About(egress.Say(err))
	}
	return unread(kind, err), 0, report.Say(report.SaysFailed, "error", err)
}

// plain are the kinds of error that say all.
var plain = map[report.Kind]report.Says{
	report.KindTimeout:     report.SaysDidNotAnswer,
	report.KindRefused:     report.SaysRefusedConnection,
	report.KindReset:       report.SaysResetConnection,
	report.KindClosed:      report.SaysClosedConnection,
	report.KindUnreachable: report.SaysOutOfReach,
	report.KindForbidden:   report.SaysNeverContacted,
}

// unread is the kind of an error of our TLS library. A certificate that Go does not parse, a list of
// them that is too long for it, or a key of an unknown kind or one it finds too small, is no reason
// for other libraries to break off.
func unread(kind report.Kind, err error) report.Kind {
	text := err.Error()
	ours := strings.HasPrefix(text, "tls: ")
	switch {
	case strings.Contains(text, "keys are insecure"), ours && (strings.Contains(text, "failed to parse certificate") ||
		strings.Contains(text, "handshake message of length") || strings.Contains(text, "unsupported type of public key")):
		return report.KindUnsupported
	case ours:
		return report.KindProtocol
	}
	return kind
}
