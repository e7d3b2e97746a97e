// Package watching says what to tell those who watch a domain: pure, from what is kept of earlier looks, a
// new report and the time to what is kept afterwards and what is to be told now. It makes no sentence.
//
// What it promises:
//
//   - Nothing is told from one look. What a look sees for the first time is told once a second look, at least
//     confirmAfter later, has seen it too.
//   - Nothing follows from a report that trouble of our own has spoilt. Of one whose letter is not firm
//     neither the letter nor the promises count, only what was seen itself: dates and keys.
//   - Each event is told once. There is at most one message a day, unless mail is being rejected now.
//   - What ends is told when it is late by its own rhythm: what was always renewed 30 days before its end is
//     late at 20.
package watching

import (
	"maps"
	"slices"
	"strings"
	"time"

	"mxseal/checks/report"
)

const (
	confirmAfter = 50 * time.Minute    // between the two looks that an event needs
	maxConfirms  = 3                   // looks in a row that only confirm; then the next day's look decides
	doubtful     = 25 * time.Hour      // after which what no look could confirm is forgotten
	messageEvery = 22 * time.Hour      // between two messages, unless mail is being rejected
	forgetAfter  = 60 * 24 * time.Hour // what no look saw any more
)

// Kind is what happened.
type Kind string

// The kinds of events.
const (
	LetterChanged Kind = "letter"   // From is another than To
	Broken        Kind = "broken"   // Promise stops mail that should arrive
	Kept          Kind = "kept"     // Promise is kept again
	Ending        Kind = "ending"   // What of Host or Zone ends At, and nobody has renewed it in time
	NewKey        Kind = "key"      // Host serves Key, which no TLSA record names
	Reported      Kind = "reported" // several senders reported that sessions with Host failed
)

// Lost is the promise of a domain to be there: it has mail servers that can be found.
const Lost report.Promise = "lost"

// Event is something to be told. It holds codes and parameters of its Kind.
type Event struct {
	Kind Kind      `json:"kind"`
	Seen time.Time `json:"seen"` // when it was confirmed

	From report.Letter `json:"from,omitempty"`
	To   report.Letter `json:"to,omitempty"`

	Promise report.Promise `json:"promise,omitempty"` // dane, sts, dnssec, or lost

	What  report.Ending `json:"what,omitempty"`  // what ends
	At    time.Time     `json:"at,omitzero"`     // when it ends
	Usual int           `json:"usual,omitempty"` // days before the end at which it was renewed until now; 0 where that is not known
	Host  string        `json:"host,omitempty"`
	Zone  string        `json:"zone,omitempty"`

	Key string `json:"key,omitempty"` // SHA-256 of the public key

	Result    string `json:"result,omitempty"` // of the TLS reports
	Reporters int    `json:"reporters,omitempty"`
	Sessions  int64  `json:"sessions,omitempty"` // that failed

	began time.Time // of what ends
}

// Urgent reports whether mail is being rejected now.
func (e Event) Urgent() bool { return e.Kind == Broken }

// same reports whether two looks saw the same.
func (e Event) same(o Event) bool {
	return e.Kind == o.Kind && e.To == o.To && e.Promise == o.Promise && e.What == o.What && e.Host == o.Host && e.Zone == o.Zone && e.Key == o.Key && e.Result == o.Result
}

// Failing is what several TLS reports say of a server.
type Failing struct {
	Result    string
	Host      string
	Reporters int   // who say so
	Sessions  int64 // that failed
	Last      time.Time
}

// State is what is kept of a watched domain. The zero State is that of a domain of which nothing is known.
type State struct {
	Letter   report.Letter        `json:"letter,omitempty"` // the last firm one
	Broken   []report.Promise     `json:"broken,omitempty"` // promises of which it was told
	Ends     map[string]End       `json:"ends,omitempty"`   // by what ends and where
	Keys     map[string]Keys      `json:"keys,omitempty"`   // by mail server
	Reported map[string]time.Time `json:"reported,omitempty"`
	Pending  []Pending            `json:"pending,omitempty"`
	Confirms int                  `json:"confirms,omitempty"` // looks in a row that were to confirm
	Held     []Event              `json:"held,omitempty"`     // that are told with the next message
	Told     time.Time            `json:"told,omitzero"`      // when the last message was
}

// End is something that ends unless it is renewed.
type End struct {
	At    time.Time       `json:"at"`
	Began time.Time       `json:"began"`           // of the present one, by which one is told from the next
	Seen  time.Time       `json:"seen"`            // when it was last looked at
	Told  time.Time       `json:"told,omitzero"`   // Began of the one that was told to end
	Leads []time.Duration `json:"leads,omitempty"` // how long before the end the last ones were renewed
}

// Keys are those of a mail server while its TLSA records matched.
type Keys struct {
	Keys []string  `json:"keys"` // SHA-256 of public keys
	Seen time.Time `json:"seen"`
	Told string    `json:"told,omitempty"` // a key of which it was told that no record names it
}

// Pending is an event that one look has seen.
type Pending struct {
	Event `json:"event"`
	Since time.Time `json:"since"`
}

// Again reports whether a second look, an hour after the last, may confirm something.
func (s State) Again() bool { return s.Confirms > 0 && len(s.Pending) > 0 }

// Next is what becomes of a state by a look: a judged report with its forecast (checks.Explain), and what TLS
// reports said until then. It returns what is to be told now, in one message.
func Next(s State, r *report.Report, failing []Failing, now time.Time) (State, []Event) {
	s = s.clone()
	if r.Spoilt() {
		s.Pending = slices.DeleteFunc(s.Pending, func(p Pending) bool { return now.Sub(p.Since) > doubtful })
		return s.confirming(), nil
	}
	s.learn(r, now)
	var sure []Event
	s.Pending, sure = s.confirm(r, append(s.compare(r, now), s.reported(failing, now)...), now)
	for _, e := range sure {
		s.hold(e)
	}
	s = s.confirming()
	s.Held = slices.DeleteFunc(s.Held, func(e Event) bool { return e.Kind == Ending && !s.Ends[place(e.What, e.Host, e.Zone)].told() })
	urgent := slices.ContainsFunc(s.Held, Event.Urgent)
	if len(s.Held) == 0 || !urgent && (s.Again() || !s.Told.IsZero() && now.Sub(s.Told) < messageEvery) {
		return s, nil
	}
	told := s.Held
	s.Held, s.Told = nil, now
	return s, told
}

// confirming counts the looks that only confirm: what changes at every look must not be looked at for ever.
func (s State) confirming() State {
	if s.Confirms++; len(s.Pending) == 0 || s.Confirms > maxConfirms {
		s.Confirms = 0
	}
	return s
}

// confirm tells what two looks have seen from what waits for the second.
func (s *State) confirm(r *report.Report, seen []Event, now time.Time) (pending []Pending, sure []Event) {
	for _, p := range s.Pending { // what this look could not tell waits for the next
		if ofLetter(p.Event) && !certain(r) && now.Sub(p.Since) <= doubtful {
			pending = append(pending, p)
		}
	}
	for _, e := range seen {
		i := slices.IndexFunc(s.Pending, func(p Pending) bool { return p.same(e) })
		switch {
		case i < 0:
			pending = append(pending, Pending{e, now})
		case now.Sub(s.Pending[i].Since) < confirmAfter:
			pending = append(pending, s.Pending[i])
		default:
			e.Seen = now
			s.know(e)
			sure = append(sure, e)
		}
	}
	return pending, sure
}

// know notes that an event will be told.
func (s *State) know(e Event) {
	switch e.Kind {
	case LetterChanged:
		s.Letter = e.To
	case Broken:
		s.Broken = append(s.Broken, e.Promise)
	case Kept:
		s.Broken = slices.DeleteFunc(s.Broken, func(b report.Promise) bool { return b == e.Promise })
	case Ending:
		end := s.Ends[place(e.What, e.Host, e.Zone)]
		end.Told = e.began
		s.Ends[place(e.What, e.Host, e.Zone)] = end
	case NewKey:
		keys := s.Keys[e.Host]
		keys.Told = e.Key
		s.Keys[e.Host] = keys
	case Reported:
		s.Reported[place(e.Result, e.Host, "")] = e.Seen
	}
}

// hold adds an event to the next message. What is undone before it was told is not told at all.
func (s *State) hold(e Event) {
	for i, h := range s.Held {
		switch {
		case e.Kind == LetterChanged && h.Kind == LetterChanged:
			e.From = h.From
			s.Held = slices.Delete(s.Held, i, i+1)
			if e.From == e.To {
				return
			}
		case e.Promise != "" && e.Promise == h.Promise && e.Kind != h.Kind:
			s.Held = slices.Delete(s.Held, i, i+1)
			return
		default:
			continue
		}
		break
	}
	s.Held = append(s.Held, e)
}

// clone returns a state that can be changed without changing s.
func (s State) clone() State {
	s.Broken, s.Pending, s.Held = slices.Clone(s.Broken), slices.Clone(s.Pending), slices.Clone(s.Held)
	s.Ends, s.Keys, s.Reported = orEmpty(maps.Clone(s.Ends)), orEmpty(maps.Clone(s.Keys)), orEmpty(maps.Clone(s.Reported))
	return s
}

func orEmpty[V any](m map[string]V) map[string]V {
	if m == nil {
		return make(map[string]V)
	}
	return m
}

// place names one thing of one host or zone.
func place[T ~string](what T, host, zone string) string {
	return strings.Join([]string{string(what), host, zone}, " ")
}
