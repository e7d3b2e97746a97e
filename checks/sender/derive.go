package sender

import (
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Fate is what became of the message to one trap.
type Fate string

const (
	NotOffered Fate = "not-offered"
	Unseen     Fate = "unseen"    // nothing was asked about the trap
	Waiting    Fate = "waiting"   // it was asked about, and nothing is proven yet
	InClear    Fate = "cleartext" // it came, readable
	Encrypted  Fate = "encrypted" // it came inside TLS
	Refused    Fate = "refused"   // it was kept back, which is proven
)

// Delivered reports whether the message came.
func (f Fate) Delivered() bool { return f == InClear || f == Encrypted }

// Settled reports whether what became of the message is known.
func (f Fate) Settled() bool { return f.Delivered() || f == Refused }

// Proof is how a refusal is known.
type Proof string

const (
	ByLeaving Proof = "left"    // it met the trap and left without a message
	BySilence Proof = "silence" // it had learnt enough, and asked nothing more while it dealt with others
)

// Outcome is what became of one trap.
type Outcome struct {
	Trap    Trap
	Fate    Fate
	Proof   Proof     // of a refusal
	At      time.Time // when it came, or what proves the refusal
	Version uint16    // of TLS, where it came by that

	AskedTLSA bool
	Fetched   bool // its policy
	Late      bool // a message came before its policy was fetched: the next one decides
}

// How long a proof takes.
const (
	silence = 45 * time.Second // without a question or a conversation
	leaving = 5 * time.Second  // after a conversation, for a second try in clear
	recent  = 10 * time.Second // between a question for an address and the conversation with it
	enough  = 2                // traps that were dealt with since
	most    = 4                // that were dealt with at all, where nothing is asked about any of them any more
)

// View is what the evidence says at a moment.
type View struct {
	Outcomes map[Trap]*Outcome
	Clients  []netip.Addr // of what was sent, the first first
	Open     bool         // conversations go on
}

// Of is the outcome of a trap.
func (v *View) Of(t Trap) Outcome {
	if o := v.Outcomes[t]; o != nil {
		return *o
	}
	return Outcome{Trap: t, Fate: NotOffered}
}

// Derive says what became of each trap, by what was seen until a moment or the end of the test,
// whichever came first: after the end the names lead nowhere, and silence says nothing.
func Derive(e *Evidence, now time.Time) *View {
	until := now
	if e.Ends.Before(until) {
		until = e.Ends
	}
	w := &weighing{e: e, until: until, seen: make(map[Trap]*trace), view: &View{Outcomes: make(map[Trap]*Outcome)}}
	for trap := range e.Domains {
		w.seen[trap] = &trace{}
		w.view.Outcomes[trap] = &Outcome{Trap: trap, Fate: Unseen}
	}
	w.questions()
	w.clients()
	w.sessions()
	for trap := range w.seen {
		w.deliveries(trap)
	}
	for trap := range w.seen {
		w.refusedByLeaving(trap)
	}
	w.refusedBySilence()
	w.refusedBySilence() // once more: what is known of one may tell of another
	return w.view
}

// trace is what was seen of one trap.
type trace struct {
	first, last time.Time // questions and fetches; zero for none
	address     []time.Time
	tlsa        bool
	fetched     time.Time // the first time
	sessions    []*Session
	open        bool
}

type weighing struct {
	e     *Evidence
	until time.Time
	seen  map[Trap]*trace
	view  *View
	names []string               // of the houses of the clients
	left  map[Manner][]time.Time // ends of conversations without a message or a name
}

func (t *trace) touch(at time.Time) {
	if t.first.IsZero() {
		t.first = at
	}
	if at.After(t.last) {
		t.last = at
	}
}

func (w *weighing) questions() {
	for _, q := range w.e.Questions {
		t := w.seen[q.Trap]
		if t == nil || q.About == AboutReports || q.At.After(w.until) {
			continue
		}
		t.touch(q.At)
		switch q.About {
		case AboutTLSA:
			t.tlsa = true
		case AboutAddress:
			t.address = append(t.address, q.At)
		}
	}
	for _, f := range w.e.Fetches {
		if t := w.seen[f.Trap]; t != nil && !f.At.After(w.until) {
			t.touch(f.At)
			if t.fetched.IsZero() {
				t.fetched = f.At
			}
		}
	}
}

// clients are the addresses that sent a message to one of the traps: its recipients nobody can guess.
func (w *weighing) clients() {
	for _, s := range w.e.Sessions {
		sent := slices.ContainsFunc(s.Messages, func(m Message) bool { return m.Sent && !m.At.After(w.until) })
		if sent && !slices.Contains(w.view.Clients, s.From) {
			w.view.Clients = append(w.view.Clients, s.From)
			w.names = append(w.names, Site(s.EHLO))
		}
	}
}

// ours reports whether a conversation is one of the sender: it has recipients of the test, or comes from
// the network of somebody who had, or under a name of the same house. All others are passers-by.
func (w *weighing) ours(s *Session) bool {
	if len(s.Messages) > 0 || slices.ContainsFunc(w.view.Clients, func(c netip.Addr) bool { return Network(c) == Network(s.From) }) {
		return true
	}
	of := Site(s.EHLO)
	return of != "" && slices.Contains(w.names, of)
}

// Network is the /24 or /48 of an address: servers of one sender often share it.
func Network(a netip.Addr) netip.Prefix {
	bits := 48
	if a = a.Unmap(); a.Is4() {
		bits = 24
	}
	p, _ := a.Prefix(bits)
	return p
}

// Site is the end of a host name that its house has in common, empty where there is none.
func Site(name string) string {
	labels := strings.Split(strings.ToLower(strings.TrimSuffix(name, ".")), ".")
	if len(labels) < 3 || strings.HasPrefix(name, "[") {
		return ""
	}
	return strings.Join(labels[1:], ".")
}

// sessions gives each conversation to its traps: by its recipients, else by the address or the name in
// the hello, else by the question just before it, where that leaves one.
func (w *weighing) sessions() {
	w.left = make(map[Manner][]time.Time)
	for i := range w.e.Sessions {
		s := &w.e.Sessions[i]
		if s.At.After(w.until) || !w.ours(s) {
			continue
		}
		open := s.Over.IsZero() || s.Over.After(w.until)
		w.view.Open = w.view.Open || open
		traps := w.traps(s)
		if len(s.Messages) == 0 && s.Named == "" && !open {
			w.left[s.To] = append(w.left[s.To], s.Over)
		}
		for _, trap := range traps {
			t := w.seen[trap]
			t.sessions = append(t.sessions, s)
			t.open = t.open || open
			if end := s.Over; !open && end.After(t.last) {
				t.last = end
			}
		}
	}
}

// traps are those that a conversation was about.
func (w *weighing) traps(s *Session) []Trap {
	var traps []Trap
	for _, m := range s.Messages {
		if w.seen[m.Trap] != nil && !slices.Contains(traps, m.Trap) {
			traps = append(traps, m.Trap)
		}
	}
	if len(traps) > 0 {
		return traps
	}
	if w.seen[s.Named] != nil {
		return []Trap{s.Named}
	}
	var near, all []Trap
	for _, d := range Designs {
		t := w.seen[d.Trap]
		if t == nil || d.Manner != s.To {
			continue
		}
		all = append(all, d.Trap)
		if slices.ContainsFunc(t.address, func(at time.Time) bool { return !at.After(s.At) && s.At.Sub(at) <= recent }) {
			near = append(near, d.Trap)
		}
	}
	switch {
	case len(all) == 1:
		return all
	case len(near) == 1:
		return near
	}
	return nil
}

// deliveries looks for messages that came: one that came readable outweighs all others.
func (w *weighing) deliveries(trap Trap) {
	t, o := w.seen[trap], w.view.Outcomes[trap]
	o.AskedTLSA = t.tlsa
	o.Fetched = !t.fetched.IsZero()
	binds := DesignOf(trap).Promise == ByPolicy && trap != STS
	for _, s := range t.sessions {
		for _, m := range s.Messages {
			if m.Trap != trap || !m.Sent || m.At.After(w.until) || o.Fate == InClear || o.Fate == Encrypted && m.Secure {
				continue
			}
			if binds && o.Fetched && m.At.Before(t.fetched) {
				o.Late = true // it did not know of the policy yet (RFC 8461 §5.1)
				continue
			}
			o.Fate, o.At, o.Version = InClear, m.At, 0
			if m.Secure {
				o.Fate, o.Version = Encrypted, s.Version
			}
		}
	}
	if o.Fate == Unseen && (!t.first.IsZero() || len(t.sessions) > 0) {
		o.Fate = Waiting
	}
}

// refusedByLeaving looks for a conversation that met the trap and ended without a message. A second
// one, in clear, often follows at once.
func (w *weighing) refusedByLeaving(trap Trap) {
	t, o := w.seen[trap], w.view.Outcomes[trap]
	if o.Fate != Waiting || t.open || w.until.Sub(t.last) < leaving {
		return
	}
	for _, s := range t.sessions {
		if o.Late && s.At.Before(t.fetched) {
			continue
		}
		if s.met(DesignOf(trap).Manner) {
			o.Fate, o.Proof, o.At = Refused, ByLeaving, s.Over
			return
		}
	}
}

// met reports whether a conversation came as far as what the trap is about: without STARTTLS that is
// the answer to EHLO, else the handshake.
func (s *Session) met(m Manner) bool {
	if s.Over.IsZero() || s.EHLO == "" || slices.ContainsFunc(s.Messages, func(m Message) bool { return m.Sent }) {
		return false
	}
	return m == NoStartTLS || m == Says454 && s.STARTTLS || s.Hello != nil
}

// refusedBySilence looks at all that is still open: silence about one trap is weighed against what
// became of the others.
func (w *weighing) refusedBySilence() {
	silent := make(map[Trap]bool)
	for trap := range w.seen {
		silent[trap] = w.silent(trap)
	}
	for trap, is := range silent {
		if is {
			o := w.view.Outcomes[trap]
			o.Fate, o.Proof, o.At = Refused, BySilence, w.seen[trap].last.Add(silence)
		}
	}
}

// silent reports whether nothing more has come for a trap though its sender had learnt what stops it
// and has dealt with others since. While a conversation is open the sender may be stuck in it.
func (w *weighing) silent(trap Trap) bool {
	t, o := w.seen[trap], w.view.Outcomes[trap]
	if o.Fate != Waiting || w.view.Open || t.last.IsZero() || w.until.Sub(t.last) < silence {
		return false
	}
	since, all := 0, 0
	for other, its := range w.view.Outcomes {
		if other == trap || !its.Fate.Settled() || its.Proof == BySilence {
			continue
		}
		all++
		if its.At.After(t.first) {
			since++
		}
	}
	// Of the last ones in a queue it cannot be said what came after them; then the whole queue counts.
	return (since >= enough || all >= most && w.until.Sub(w.e.latest(w.until)) >= silence) && w.knew(trap)
}

// knew reports whether the sender has learnt what stops it.
func (w *weighing) knew(trap Trap) bool {
	t, d := w.seen[trap], DesignOf(trap)
	switch {
	case trap == Bogus:
		return len(t.sessions) == 0 // the resolver gave no answer
	case (d.Promise&ByDANE == 0 || trap == DANEInsecure) && trap != Plain && w.view.Of(Plain).Proof == BySilence && w.view.Of(DANE).Fate == Encrypted:
		return len(t.sessions) == 0 // it sends nothing where there is no DANE, and does not even connect
	case t.tlsa, d.Promise&ByPolicy != 0 && !t.fetched.IsZero(): // that there are no TLSA records stops some, too
		return true
	}
	return w.leftEach(d.Manner)
}

// leftEach reports whether there are as many conversations that the sender left, with servers of a manner,
// as traps of it that nothing else tells of. With fewer, one of them may not have had its turn: some
// senders leave an address alone for a while after it has failed.
func (w *weighing) leftEach(m Manner) bool {
	left, claims := 0, 0
	var first time.Time
	for trap, o := range w.view.Outcomes {
		t, d := w.seen[trap], DesignOf(trap)
		if o.Fate != Waiting && o.Proof != BySilence || d.Manner != m || trap == Bogus || t.tlsa || d.Promise&ByPolicy != 0 && !t.fetched.IsZero() {
			continue
		}
		if claims++; first.IsZero() || t.first.Before(first) {
			first = t.first
		}
	}
	for _, at := range w.left[m] {
		if at.After(first) {
			left++
		}
	}
	return left > 0 && left >= claims
}

// latest is when something was last seen of the sender up to a moment.
func (e *Evidence) latest(until time.Time) time.Time {
	var last time.Time
	later := func(at time.Time) {
		if at.After(last) && !at.After(until) {
			last = at
		}
	}
	for _, q := range e.Questions {
		if q.About != AboutReports {
			later(q.At)
		}
	}
	for _, f := range e.Fetches {
		later(f.At)
	}
	for _, s := range e.Sessions {
		later(s.At)
		later(s.Over)
	}
	return last
}
