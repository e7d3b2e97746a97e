package senders

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"mxseal/checks/sender"
	"mxseal/web/store"
)

// saved is a test at rest.
type saved struct {
	Evidence sender.Evidence `json:"evidence"`
	Slot     int             `json:"slot"`
	Network  netip.Prefix    `json:"network,omitzero"`
}

// atRest is a test as it is kept; s.mu is held. What comes from now on is to be kept anew.
func (s *Senders) atRest(t *test) (store.SenderTest, error) {
	e := t.evidence
	e.Sessions = append(e.Sessions[:len(e.Sessions):len(e.Sessions)], s.looseOf(t)...)
	text, err := json.Marshal(saved{Evidence: e, Slot: t.slot, Network: t.network})
	if err != nil {
		return store.SenderTest{}, err
	}
	t.dirty = false
	return store.SenderTest{ID: e.ID, Ends: e.Ends, Body: text}, nil
}

// change says that something new was seen; Senders.mu is held.
func (t *test) change() {
	t.dirty = true
	if t.changed != nil {
		close(t.changed)
		t.changed = nil
	}
}

// Changed is closed when something new is seen of a test; it is nil where nothing more can come.
func (s *Senders) Changed(id string) <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tests[id]
	if t == nil {
		return nil
	}
	if t.changed == nil {
		t.changed = make(chan struct{})
	}
	return t.changed
}

// save keeps a test. While the disk writes, nobody who asks has to wait.
func (s *Senders) save(ctx context.Context, one store.SenderTest) error {
	err := s.Store.SaveSenderTest(ctx, one)
	if err != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		if t := s.tests[one.ID]; t != nil {
			t.dirty = true
		}
	}
	return err
}

// saveAll keeps what has changed, and forgets what nobody asks for any more.
func (s *Senders) saveAll(ctx context.Context) error {
	list, failed := s.unsaved()
	for _, one := range list {
		failed = errors.Join(failed, s.save(ctx, one))
	}
	s.forget()
	return errors.Join(failed, s.strip(ctx))
}

// over reports whether nothing can come for a test any more.
func (s *Senders) over(t *test) bool { return s.now().Sub(t.evidence.Ends) > conversationMax }

// unsaved are the tests that have changed, and those that are over and here for the last time.
func (s *Senders) unsaved() (list []store.SenderTest, failed error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.tests {
		if !t.dirty && (t.away || !s.over(t)) {
			continue
		}
		one, err := s.atRest(t)
		if err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		list = append(list, one)
	}
	return list, failed
}

// forget drops what was seen of tests that are over and saved, and later their names too.
func (s *Senders) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, t := range s.tests {
		if t.dirty {
			continue
		}
		if s.over(t) {
			t.leave()
		}
		if s.now().Sub(t.evidence.Ends) > Known {
			for _, d := range sender.Designs {
				if s.housed() {
					delete(s.hosts, s.ownAddress(d.Trap, id))
				}
			}
			delete(s.tests, id)
		}
	}
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

// Expire deletes the oldest tests of a store: those that ended before a moment or a year and more ago, and
// where there are more than testsKept.
func Expire(ctx context.Context, s *store.Store, before time.Time) (n int64, err error) {
	if year := time.Now().Add(-keepTests); year.After(before) {
		before = year
	}
	return s.ExpireSenderTests(ctx, before, testsKept)
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

// anonymous takes from evidence what names somebody. Each network and each house is replaced by one that only
// says whether two were the same, so that judging it gives what it gave.
func anonymous(e *sender.Evidence) {
	networks, houses := make(map[netip.Prefix]netip.Addr), make(map[string]string)
	hide := func(a netip.Addr) netip.Addr {
		n := sender.Network(a)
		if _, known := networks[n]; !known {
			networks[n] = netip.AddrFrom4([4]byte{0, byte(len(networks) >> 8), byte(len(networks)), 0})
		}
		return networks[n]
	}
	hideName := func(name string) string {
		house := sender.Site(name)
		switch {
		case name == "":
			return ""
		case house == "":
			return "hidden"
		}
		if _, known := houses[house]; !known {
			houses[house] = fmt.Sprintf("host.house-%d.hidden", len(houses))
		}
		return houses[house]
	}
	for i := range e.Questions {
		e.Questions[i].From = hide(e.Questions[i].From)
	}
	for i := range e.Fetches {
		e.Fetches[i].From = hide(e.Fetches[i].From)
	}
	for i := range e.Reports {
		e.Reports[i].From = ""
	}
	for i := range e.Sessions {
		one := &e.Sessions[i]
		one.From, one.EHLO = hide(one.From), hideName(one.EHLO)
		for j := range one.Messages {
			one.Messages[j].From = ""
		}
	}
}
