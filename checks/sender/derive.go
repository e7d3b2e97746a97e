package sender

import (
	"net/netip"
	"slices"
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
	enough  = 2                // traps that were dealt with since
	most    = 4                // that were dealt with at all, where nothing is asked about any of them any more
)

// View is what the evidence says at a moment.
type View struct {
	Outcomes map[Trap]*Outcome
	Clients  []netip.Addr // of what was sent, the first first
	Open     bool         // conversations go on
	Reports  Answer       // whether TLS reports came
	Reported time.Time    // when the first of them did
}

// Of is the outcome of a trap.
func (v *View) Of(t Trap) Outcome {
	if o := v.Outcomes[t]; o != nil {
		return *o
	}
	return Outcome{Trap: t, Fate: NotOffered}
}

// Again reports whether another message, while the traps are open, decides what the first could not: of some
// traps the policy was read only after it had come.
func (v *View) Again() bool {
	return slices.ContainsFunc(Designs, func(d Design) bool {
		o := v.Of(d.Trap)
		return o.Late && !o.Fate.Settled()
	})
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
	w.reports(now)
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

// asked reports whether the address was asked for just before a moment.
func (t *trace) asked(at time.Time) bool {
	return slices.ContainsFunc(t.address, func(q time.Time) bool { return JustBefore(q, at) })
}

type weighing struct {
	e     *Evidence
	until time.Time
	seen  map[Trap]*trace
	view  *View
	known []*Session             // by which each client was met first
	left  map[Manner][]time.Time // ends of conversations without a message or a name
	paced map[Manner]time.Time   // when a trap last had its turn that had waited for it
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
	for i := range w.e.Sessions {
		s := &w.e.Sessions[i]
		if s.sent(w.until) && !slices.Contains(w.view.Clients, s.From) {
			w.view.Clients = append(w.view.Clients, s.From)
			w.known = append(w.known, s)
		}
	}
}

// ours reports whether a conversation is one of the sender: it has recipients of the test, or comes from
// the network of somebody who had, or under a name of the same house. All others are passers-by.
func (w *weighing) ours(s *Session) bool {
	return len(s.Messages) > 0 || slices.ContainsFunc(w.known, s.Beside)
}

// sessions gives each conversation to its traps: by its recipients, else by the address or the name in
// the hello, else by the question just before it, where that leaves one.
func (w *weighing) sessions() {
	w.left, w.paced = make(map[Manner][]time.Time), make(map[Manner]time.Time)
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
			if len(t.address) > 0 && !t.asked(s.At) {
				w.paced[s.To] = s.At
			}
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
		if t.asked(s.At) {
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
			switch {
			case m.Trap != trap || !m.Sent || m.At.After(w.until) || !worse(o, m):
			case binds && o.Fetched && m.At.Before(t.fetched):
				o.Late = true // it did not know of the policy yet (RFC 8461 §5.1)
			case m.Secure:
				o.Fate, o.At, o.Version = Encrypted, m.At, s.Version
			default:
				o.Fate, o.At, o.Version = InClear, m.At, 0
			}
		}
	}
	if o.Fate == Unseen && (!t.first.IsZero() || len(t.sessions) > 0) {
		o.Fate = Waiting
	}
}

// worse reports whether a message that was sent tells more than what is known: in clear more than encrypted.
func worse(o *Outcome, m Message) bool {
	return o.Fate != InClear && (o.Fate != Encrypted || !m.Secure)
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
	if s.Over.IsZero() || s.EHLO == "" || s.sent(s.Over) {
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
	if o.Fate != Waiting || w.view.Open || t.last.IsZero() || w.until.Sub(t.last) < silence || w.inTurn(trap) {
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

// inTurn reports whether a trap may still have to wait for its turn: some senders look up all names at once, and
// then begin one conversation with an address every few seconds. What DNS stops needs no turn.
func (w *weighing) inTurn(trap Trap) bool {
	return trap != Bogus && w.until.Sub(w.paced[DesignOf(trap).Manner]) < silence
}

// knew reports whether the sender has learnt what stops it.
func (w *weighing) knew(trap Trap) bool {
	t, d := w.seen[trap], DesignOf(trap)
	switch {
	case trap == Bogus:
		return len(t.sessions) == 0 && len(t.address) == 0 // the resolver gave no answer
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
		if !at.Before(first) {
			left++
		}
	}
	return left > 0 && left >= claims
}
