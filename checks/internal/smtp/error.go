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
	return fmt.Sprintf("smtp: %s: %s: %s", e.Phase, e.Params["peer"], cmp.Or(e.Reply.String(), e.Kind))
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
		return e.Kind == "reply" && e.Reply.Code/100 == 4 || e.Kind == "closed" || e.Kind == "reset"
	case report.PhaseConnect:
		return e.Kind == "refused" || e.Kind == "reset"
	}
	return e.Kind == "reply" && e.Reply.Code == 421
}

// Refused makes the error of a reply that ends a conversation.
func Refused(phase report.Phase, peer string, says report.Says, r Reply) *Error {
	return &Error{Reply: r, Failure: *report.Failed(phase, "reply", report.Say(says, "phase", phase, "peer", peer, "reply", r, "kind", "reply"))}
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
func explain(err error) (kind string, alert int, what report.Statement) {
	var header tls.RecordHeaderError
	var remote *net.OpError
	switch {
	case errors.Is(err, errLines):
		return "limit", 0, report.Say(report.SaysSentTooMuch, "lines", maxLines)
	case errors.Is(err, errTotal):
		return "limit", 0, report.Say(report.SaysSentTooLong, "octets", maxTotal)
	case errors.Is(err, errNoCode):
		return "protocol", 0, report.Say(report.SaysSentNoReply)
	case errors.As(err, &remote) && remote.Op == "remote error":
		// The alert's type is not exported by crypto/tls, its number is all the same the
		// registered one (RFC 9846 §6).
		if v := reflect.ValueOf(remote.Err); v.Kind() == reflect.Uint8 {
			alert = int(v.Uint())
		}
		return "alert", alert, report.Say(report.SaysSentAlert, "alert", alert, "name", strings.TrimPrefix(remote.Err.Error(), "tls: "))
	case errors.As(err, &header):
		return "protocol", 0, report.Say(report.SaysSentNoRecord, "octets", report.Clean(string(header.RecordHeader[:]), 32))
	}
	kind = egress.Kind(err)
	if says, known := plain[kind]; known {
		return kind, 0, report.Say(says)
	}
	switch kind {
	case egress.Exhausted:
		return kind, 0, report.Say(report.SaysWithoutResources, "error", err)
	case egress.NotAdmitted, egress.Spent, "opted-out":
		return kind, 0, report.Say(report.SaysNotAsked).About(egress.Say(err))
	case egress.RateLimited:
		return kind, 0, report.Say(report.SaysEnoughForNow).About(egress.Say(err))
	}
	return unread(kind, err), 0, report.Say(report.SaysFailed, "error", err)
}

// plain are the kinds of error that say all.
var plain = map[string]report.Says{
	"timeout":     report.SaysDidNotAnswer,
	"refused":     report.SaysRefusedConnection,
	"reset":       report.SaysResetConnection,
	"closed":      report.SaysClosedConnection,
	"unreachable": report.SaysOutOfReach,
	"forbidden":   report.SaysNeverContacted,
}

// unread is the kind of an error of our TLS library. A certificate that Go does not parse, a list of
// them that is too long for it, or a key of an unknown kind or one it finds too small, is no reason
// for other libraries to break off.
func unread(kind string, err error) string {
	text := err.Error()
	ours := strings.HasPrefix(text, "tls: ")
	switch {
	case strings.Contains(text, "keys are insecure"), ours && (strings.Contains(text, "failed to parse certificate") ||
		strings.Contains(text, "handshake message of length") || strings.Contains(text, "unsupported type of public key")):
		return "unsupported"
	case ours:
		return "protocol"
	}
	return kind
}
