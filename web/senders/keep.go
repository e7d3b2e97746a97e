package senders

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"

	"mxseal/checks/sender"
	"mxseal/web/store"
)

// key is that of the zone. It is made once and kept in the store, so that it is in the backup and the
// zone above can name it for good.
func (s *Senders) key(ctx context.Context) (*ecdsa.PrivateKey, error) {
	fresh, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	text, err := fresh.Bytes()
	if err != nil {
		return nil, err
	}
	if text, err = s.Store.Secret(ctx, "key of the zone "+s.Zone, text); err != nil {
		return nil, err
	}
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), text)
	if err != nil {
		return nil, fmt.Errorf("the kept key of %s cannot be read: %w", s.Zone, err)
	}
	return key, nil
}

// saved is a test at rest.
type saved struct {
	Evidence sender.Evidence `json:"evidence"`
	Slot     int             `json:"slot"`
	Network  netip.Prefix    `json:"network,omitzero"`
}

// save keeps a test; s.mu is held.
func (s *Senders) save(ctx context.Context, t *test) error {
	e := t.evidence
	e.Sessions = append(e.Sessions[:len(e.Sessions):len(e.Sessions)], s.looseOf(t)...)
	text, err := json.Marshal(saved{Evidence: e, Slot: t.slot, Network: t.network})
	if err != nil {
		return err
	}
	if err := s.Store.SaveSenderTest(ctx, store.SenderTest{ID: e.ID, Ends: e.Ends, Body: text}); err != nil {
		return err
	}
	t.dirty = false
	return nil
}

// saveAll keeps what has changed, and forgets what nobody asks for any more.
func (s *Senders) saveAll(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var failed error
	now := s.now()
	for id, t := range s.tests {
		over := now.Sub(t.evidence.Ends) > conversationMax
		if t.dirty || over && !t.away {
			if failed = errors.Join(failed, s.save(ctx, t)); t.dirty {
				continue
			}
		}
		if over { // what was seen is in the store; here its names are enough
			t.leave()
		}
		if now.Sub(t.evidence.Ends) > Known {
			for _, d := range sender.Designs {
				if s.housed() {
					delete(s.hosts, s.own(d.Trap, id))
				}
			}
			delete(s.tests, id)
		}
	}
	return errors.Join(failed, s.strip(ctx))
}

// leave drops what was seen, which is in the store.
func (t *test) leave() {
	t.evidence.Questions, t.evidence.Fetches, t.evidence.Sessions, t.away = nil, nil, nil, true
}

// load takes up the tests whose names are still known.
func (s *Senders) load(ctx context.Context) error {
	all, err := s.Store.SenderTests(ctx, s.now().Add(-Known))
	if err != nil {
		return err
	}
	for _, one := range all {
		var kept saved
		if json.Unmarshal(one.Body, &kept) != nil || kept.Evidence.Zone != s.Zone {
			continue
		}
		t := &test{evidence: kept.Evidence, slot: kept.Slot, network: kept.Network}
		if s.now().After(t.evidence.Ends) {
			t.leave()
		}
		s.tests[one.ID] = t
		s.house(one.ID)
		if free := t.evidence.Ends.Add(slotRested); t.slot >= 0 && t.slot < len(s.slots) && free.After(s.slots[t.slot].free) {
			s.slots[t.slot] = slot{test: one.ID, free: free}
		}
	}
	return nil
}

// kept is the evidence of a test whose names nobody knows any more, or that has ended.
func (s *Senders) kept(ctx context.Context, id string) (*sender.Evidence, error) {
	if !isID(id) {
		return nil, ErrNoTest
	}
	one, err := s.Store.SenderTest(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, ErrNoTest
	}
	if err != nil {
		return nil, err
	}
	var kept saved
	if err := json.Unmarshal(one.Body, &kept); err != nil {
		return nil, fmt.Errorf("%w: %w", store.ErrUnreadable, err)
	}
	return &kept.Evidence, nil
}

// strip removes who it was from tests that ended a while ago: addresses, names, domains.
func (s *Senders) strip(ctx context.Context) error {
	old, err := s.Store.PersonalSenderTests(ctx, s.now().Add(-personal), 100)
	if err != nil {
		return err
	}
	for _, one := range old {
		var kept saved
		if json.Unmarshal(one.Body, &kept) == nil {
			kept.Network = netip.Prefix{}
			anonymous(&kept.Evidence)
			if one.Body, err = json.Marshal(kept); err != nil {
				return err
			}
		}
		one.Bare = true
		if err := s.Store.SaveSenderTest(ctx, one); err != nil {
			return err
		}
	}
	return nil
}

// anonymous takes from evidence what names somebody. Each address is replaced by one that only says
// whether two were the same, so that judging it gives what it gave.
func anonymous(e *sender.Evidence) {
	known := make(map[netip.Addr]netip.Addr)
	hide := func(a netip.Addr) netip.Addr {
		n := network(a).Addr()
		if _, ok := known[n]; !ok {
			known[n] = netip.AddrFrom4([4]byte{0, byte(len(known) >> 8), byte(len(known)), 0})
		}
		return known[n]
	}
	for i := range e.Questions {
		e.Questions[i].From = hide(e.Questions[i].From)
	}
	for i := range e.Fetches {
		e.Fetches[i].From = hide(e.Fetches[i].From)
	}
	for i := range e.Sessions {
		one := &e.Sessions[i]
		one.From = hide(one.From)
		if one.EHLO != "" {
			one.EHLO = "hidden"
		}
		for j := range one.Messages {
			one.Messages[j].From = ""
		}
	}
}
