package report

import "slices"

// Witness is what one server gave when it was asked for something that our resolver did not
// give, or gave so that it does not hold.
type Witness struct {
	Resolver bool   `json:"resolver,omitempty"` // one of our own; otherwise a name server of the zone
	Zone     string `json:"zone,omitempty"`     // that the name server is one of
	Question string `json:"question"`           // as TLSA of _25._tcp.mx.example.org
	Name     string `json:"name"`               // of the name server; address and port of a resolver
	IP       string `json:"ip,omitempty"`       // of the name server; empty where it has none
	// Kind is what came: answer for one that holds, the reason for one that does not, the
	// rcode, not-authoritative, or that of the failure: timeout, exhausted, unreachable …
	Kind     Kind `json:"kind"`
	Tries    int  `json:"tries"`
	Controls int  `json:"controls,omitempty"` // questions of another type that it answered between the tries
	// Passed says that the servers of the zone above answered a question of the same type, by the same
	// means, so that it is not our own path on which it is lost.
	Passed bool `json:"passed,omitempty"`
}

// Silences is how often a name server that answers everything else has to be silent, one time
// after the other, before its silence counts. On a path that loses every other question it is
// met by chance less than once in a thousand.
const Silences = 6

// erred reports whether the server itself said that it does not answer the question, or that
// it cannot. One time may be an accident.
func (w Witness) erred() bool {
	switch w.Kind {
	case "", KindAnswer, KindTimeout, KindNoAddress, KindFailed, KindReset:
		return false
	case KindClosed: // by TCP, after it had said by UDP that the answer is too long for that
		return w.Controls > 0 && w.Passed
	}
	if Own(w.Kind) {
		return false
	}
	return w.Resolver || w.Tries > 1 || slices.Contains(unproved, Cause(w.Kind))
}

// unproved are the reasons of answers that do not hold, which are no accident.
var unproved = []Cause{CauseLimit, CauseExpired, CauseNotYetValid, CauseSignatureInvalid, CauseNoZoneKeyBit,
	CauseDNSKEYMissing, CauseDSMismatch, CauseSignerMismatch, CauseRRSIGMissing, CauseNSECMissing, CauseRcodeMismatch}

// silent reports whether the server, and nothing on the way, swallows the question.
func (w Witness) silent() bool {
	return w.Kind == KindNoAddress || w.Kind == KindTimeout && w.Tries >= Silences && w.Controls >= w.Tries && w.Passed
}

// Faulty reports whether the server is to blame for what it gave.
func (w Witness) Faulty() bool { return w.erred() || w.silent() }

// Witnessed reports whether somebody else than our own resolver and network shows the fault
// for which the answer is not to be had: signatures that do not hold, an error from one of
// the name servers, the steady silence of all of them, or a second resolver that fails too.
func (t Trust) Witnessed() bool {
	switch t.State {
	case Bogus:
		return true
	case "": // not looked at
		return false
	case Indeterminate:
	default:
		return t.Contested()
	}
	if t.Reason == CauseAliasFault { // the aliases themselves came, and lead nowhere
		return true
	}
	var servers []Witness
	failing, first := false, ""
	for _, w := range t.Witnesses {
		switch {
		case !w.Resolver:
			servers = append(servers, w)
		case first == "":
			first = w.Name
		case w.Name != first && w.Kind == KindServerFailure:
			failing = true
		}
	}
	if slices.ContainsFunc(servers, Witness.erred) || failing {
		return true
	}
	return len(servers) > 0 && t.Unheard == 0 && !slices.ContainsFunc(servers, func(w Witness) bool { return !w.silent() }) &&
		slices.ContainsFunc(servers, func(w Witness) bool { return w.Kind == KindTimeout })
}

// Contested reports whether an answer was had from a name server directly while our resolver
// and another of the name servers both said that they have none: many senders get none.
func (t Trust) Contested() bool {
	resolver, server, answer := false, false, false
	for _, w := range t.Witnesses {
		switch {
		case w.Resolver:
			resolver = resolver || w.Kind == KindServerFailure
		case w.Kind == KindAnswer:
			answer = true
		default:
			server = server || w.erred()
		}
	}
	return resolver && server && answer
}
