package senders

import (
	"context"
	"crypto/rand"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"mxseal/checks/lab/serve"
	"mxseal/checks/sender"
	"mxseal/web/senders/certificates"
	"mxseal/web/store"
)

// New returns the receiving side with the tests that are kept.
func New(ctx context.Context, c Config) (*Senders, error) {
	c.Zone = strings.ToLower(strings.TrimSuffix(c.Zone, "."))
	s := &Senders{Config: c, limits: newLimits(), now: time.Now, tests: make(map[string]*test), slots: make([]slot, c.Slots), hosts: make(map[netip.Addr]place), guests: guests{last: make(map[string]time.Time)}, live: make(map[*talk]sender.Session)}
	// The zone above names this key for good.
	key, err := certificates.Key(ctx, c.Store, "key of the zone "+c.Zone)
	if err != nil {
		return nil, err
	}
	if s.own, err = certificates.SelfSigned("mail." + c.Zone); err != nil {
		return nil, err
	}
	s.signer = serve.NewSigner(s.origin(), ttl, key)
	return s, s.load(ctx)
}

// Start begins a test for a visitor.
func (s *Senders) Start(ctx context.Context, who netip.Addr) (id string, err error) {
	one, err := s.begin(who)
	if err != nil {
		return "", err
	}
	return one.ID, s.save(ctx, one)
}

// begin makes a test whose names are known from now on.
func (s *Senders) begin(who netip.Addr) (one store.SenderTest, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.Ready(); err != nil {
		return one, err
	}
	now, from := s.moment(), sender.Network(who)
	running, his := 0, 0
	for _, t := range s.tests {
		if now.Before(t.evidence.Ends) {
			running++
			if t.network == from {
				his++
			}
		}
	}
	switch {
	case his >= ofNetwork:
		return one, ErrNetwork
	case running >= atATime:
		return one, ErrFull
	}
	id := strings.ToLower(rand.Text())[:idLength]
	t := &test{slot: s.lend(id, now), network: from, evidence: sender.Evidence{ID: id, Zone: s.Zone, Began: now, Ends: now.Add(Lasts), Domains: make(map[sender.Trap]string)}}
	if s.Reports != "" {
		t.evidence.RUA = s.Reports + id
	}
	for _, d := range sender.Designs {
		if domain := s.domain(d, id, t.slot); domain != "" && s.offers(d, t.slot) {
			t.evidence.Domains[d.Trap] = domain
		} else {
			t.evidence.Missing = append(t.evidence.Missing, d.Trap)
		}
	}
	s.tests[id] = t
	s.house(id)
	return s.atRest(t)
}

// lend gives a test the slot that has rested longest; −1 where none is free.
func (s *Senders) lend(id string, now time.Time) int {
	best := -1
	for i := range s.slots {
		if !s.slots[i].free.After(now) && (best < 0 || s.slots[i].free.Before(s.slots[best].free)) {
			best = i
		}
	}
	if best >= 0 {
		s.slots[best] = slot{test: id, free: now.Add(Lasts + slotRested)}
	}
	return best
}

// Ready is nil where a test can be told apart from trouble of our own, else ErrUnready.
func (s *Senders) Ready() error {
	if !certificates.Valid(s.Certificates.Mail(), s.now()) {
		return ErrUnready
	}
	return nil
}

// offers reports whether this instance has what a trap needs, with the policy hosts of a slot.
func (s *Senders) offers(d sender.Design, slot int) bool {
	mail := s.Certificates.Mail()
	switch {
	case mail == nil, len(s.addresses(d.Manner)) == 0 && !s.housed():
		return false
	case d.Manner == sender.OldCert:
		return s.Certificates.Expired() != nil
	case d.Trap == sender.DANEIssuer:
		return len(mail.Certificate) > 1
	case d.Promise&sender.ByPolicy != 0:
		return slot >= 0 && len(s.addresses(policyRole)) > 0 && s.Certificates.Policy(policyHost(d.Trap, slot, s.Zone)) != nil
	}
	return true
}

// End closes the traps of a test.
func (s *Senders) End(ctx context.Context, id string) error {
	one, ended, err := s.close(id)
	if err != nil || !ended {
		return err
	}
	return s.save(ctx, one)
}

// close is End in memory; it reports whether the test was still open.
func (s *Senders) close(id string) (one store.SenderTest, ended bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tests[id] == nil {
		return one, false, ErrNoTest
	}
	t := s.running(id)
	if t == nil {
		return one, false, nil
	}
	t.evidence.Ends = s.moment()
	t.change()
	one, err = s.atRest(t)
	return one, true, err
}

// Evidence is what was seen of a sender up to now.
func (s *Senders) Evidence(ctx context.Context, id string) (*sender.Evidence, error) {
	s.mu.Lock()
	t := s.tests[id]
	if t == nil || t.away {
		s.mu.Unlock()
		return s.kept(ctx, id)
	}
	defer s.mu.Unlock()
	e := t.evidence
	e.Questions, e.Fetches = slices.Clone(e.Questions), slices.Clone(e.Fetches)
	e.Sessions = append(slices.Clone(e.Sessions), s.looseOf(t)...)
	for i := range e.Sessions {
		e.Sessions[i].Messages = slices.Clone(e.Sessions[i].Messages)
	}
	slices.SortStableFunc(e.Sessions, func(a, b sender.Session) int { return a.At.Compare(b.At) })
	return &e, nil
}

// looseOf are the conversations without a recipient that the sender of the test had while it ran, and that belong
// to no other test.
func (s *Senders) looseOf(t *test) []sender.Session {
	var his []sender.Session
	for _, one := range slices.Concat(s.loose, slices.Collect(maps.Values(s.live))) {
		if one.Over.IsZero() && slices.ContainsFunc(t.evidence.Sessions, func(known sender.Session) bool {
			return known.At.Equal(one.At) && known.From == one.From && known.Port == one.Port
		}) {
			continue
		}
		if t.may(one) && s.ownerOf(one) == t {
			his = append(his, one)
		}
	}
	return his
}

// ownerOf is the test to which a conversation without a recipient belongs. Of several, as when a visitor tries
// again, it is that which had a message under the same name, or from the same address, or whose servers were asked
// for just before; nil where more than one is left.
func (s *Senders) ownerOf(one sender.Session) *test {
	var all []*test
	for _, t := range s.tests {
		if t.may(one) {
			all = append(all, t)
		}
	}
	for _, closer := range []func(*test) bool{
		func(t *test) bool { return t.had(func(of sender.Session) bool { return of.EHLO == one.EHLO }) },
		func(t *test) bool { return t.had(func(of sender.Session) bool { return of.From == one.From }) },
		func(t *test) bool { return t.asked(one) },
	} {
		if near := slices.DeleteFunc(slices.Clone(all), func(t *test) bool { return !closer(t) }); len(all) > 1 && len(near) > 0 {
			all = near
		}
	}
	if len(all) != 1 {
		return nil
	}
	return all[0]
}

// may reports whether a conversation can be one of the test: it came while that ran, from an address that it had
// a message from, or, as many have several, from beside one, or under a name of the same house, for a server that
// was asked for just before.
func (t *test) may(one sender.Session) bool {
	if one.At.Before(t.evidence.Began) || one.At.After(t.evidence.Ends) {
		return false
	}
	return t.had(func(of sender.Session) bool { return of.From == one.From }) || t.asked(one) && t.had(func(of sender.Session) bool { return of.Beside(&one) })
}

// had reports whether a message of the test came in such a conversation.
func (t *test) had(such func(sender.Session) bool) bool {
	return slices.ContainsFunc(t.evidence.Sessions, func(s sender.Session) bool { return len(s.Messages) > 0 && such(s) })
}

// asked reports whether the address of a server of that manner was asked for just before a conversation.
func (t *test) asked(one sender.Session) bool {
	return slices.ContainsFunc(t.evidence.Questions, func(q sender.Question) bool {
		return q.About == sender.AboutAddress && sender.DesignOf(q.Trap).Manner == one.To && sender.JustBefore(q.At, one.At)
	})
}

// Addresses are where a visitor sends his one message.
func Addresses(e *sender.Evidence) []string {
	var all []string
	for _, d := range sender.Designs {
		if domain := e.Domains[d.Trap]; domain != "" {
			all = append(all, e.ID+"@"+domain)
		}
	}
	return all
}

// Missing are the titles of traps that this instance does not offer.
func (s *Senders) Missing() []string {
	var titles []string
	for _, d := range sender.Designs {
		if !s.offers(d, min(0, s.Slots-1)) {
			titles = append(titles, d.Title)
		}
	}
	return titles
}
