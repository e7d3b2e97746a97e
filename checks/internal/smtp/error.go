package smtp

import (
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

func (e *Error) Error() string { return e.Text }
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
	case "greeting":
		return e.Kind == "reply" && e.Reply.Code/100 == 4 || e.Kind == "closed" || e.Kind == "reset"
	case "connect":
		return e.Kind == "refused" || e.Kind == "reset"
	}
	return e.Kind == "reply" && e.Reply.Code == 421
}

// refused makes the error of a reply that ends the conversation.
func (s *Session) refused(r Reply) *Error {
	e := &Error{Reply: r}
	e.Phase, e.Kind = s.phase, "reply"
	e.Text = fmt.Sprintf("%s: %s answered “%s”; %s", s.phase, s.peer, r, advice["reply"])
	return e
}

// fail makes the error of a connection that can no longer be used.
func (s *Session) fail(err error) *Error {
	s.broken = true
	if ended := s.ctx.Err(); ended != nil && !report.Own(egress.Kind(err)) {
		err = ended
	}
	e := &Error{Err: err}
	e.Phase = s.phase
	var what string
	e.Kind, e.Alert, what = explain(err)
	e.Text = report.Clean(fmt.Sprintf("%s: %s %s; %s", s.phase, s.peer, what, advice[e.Kind]), maxText)
	s.note("*", report.Clean(what, maxText))
	return e
}

// explain puts an error into its kind, the TLS alert in it, and words that follow the peer's name.
func explain(err error) (kind string, alert int, what string) {
	var header tls.RecordHeaderError
	var remote *net.OpError
	switch {
	case errors.Is(err, errLines), errors.Is(err, errTotal):
		return "limit", 0, "sent " + err.Error()
	case errors.Is(err, errNoCode):
		return "protocol", 0, "sent " + err.Error()
	case errors.As(err, &remote) && remote.Op == "remote error":
		// The alert's type is not exported by crypto/tls, its number is all the same the
		// registered one (RFC 9846 §6).
		if v := reflect.ValueOf(remote.Err); v.Kind() == reflect.Uint8 {
			alert = int(v.Uint())
		}
		return "alert", alert, fmt.Sprintf("sent TLS alert %d (%s)", alert, strings.TrimPrefix(remote.Err.Error(), "tls: "))
	case errors.As(err, &header):
		return "protocol", 0, fmt.Sprintf("sent “%s” where a TLS record was due", report.Clean(string(header.RecordHeader[:]), 32))
	}
	kind = egress.Kind(err)
	switch kind {
	case "timeout":
		what = "did not answer in time"
	case "refused":
		what = "refused the connection"
	case "reset":
		what = "reset the connection"
	case "closed":
		what = "closed the connection"
	case egress.Exhausted:
		what = "was not asked: this machine has run out of files, ports or memory (" + err.Error() + ")"
	case egress.NotAdmitted, egress.Spent:
		what = "was not asked: " + err.Error()
	case egress.RateLimited:
		what = "was not asked: enough for now (" + err.Error() + ")"
	case "unreachable":
		what = "cannot be reached from here"
	case "forbidden":
		what = "is an address that is never contacted"
	default:
		what = "failed: " + err.Error()
		if text := err.Error(); strings.HasPrefix(text, "tls: ") {
			kind = "protocol"
			// A certificate that Go does not parse, a list of them that is too long for it, or
			// a key of an unknown kind or one it finds too small, is no reason for other libraries to break off.
			if strings.Contains(text, "failed to parse certificate") || strings.Contains(text, "keys are insecure") ||
				strings.Contains(text, "handshake message of length") || strings.Contains(text, "unsupported type of public key") {
				kind = "unsupported"
			}
		} else if strings.Contains(text, "keys are insecure") {
			kind = "unsupported"
		}
	}
	return kind, 0, what
}

// advice is what to do about each kind of failure.
var advice = map[string]string{
	"timeout":      "ask again later",
	"exhausted":    "that is our own trouble and says nothing about the server",
	"not-admitted": "that is our own doing and says nothing about the server",
	"spent":        "that is our own doing and says nothing about the server",
	"rate-limited": "that is our own doing and says nothing about the server",
	"refused":      "see whether a mail server listens there",
	"reset":        "see whether a firewall breaks the connection",
	"closed":       "ask again later, and see the server's log",
	"unreachable":  "see whether this machine has a route to it",
	"forbidden":    "publish a public address",
	"reply":        "see the server's log for the reason",
	"limit":        "see whether a mail server listens there",
	"protocol":     "see whether a mail server listens there",
	"alert":        "see the server's TLS log",
	"unsupported":  "ask with another TLS library",
	"failed":       "ask again later",
}
