package storetest

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	"mxseal/web/store"
)

// RunInboxes runs the suite of stores that keep inboxes, secrets and tests of senders.
func RunInboxes(t *testing.T, open func(*testing.T) *store.Store) {
	for name, test := range map[string]func(*testing.T, *store.Store){
		"an inbox takes what fits in":             takesWhatFits,
		"what is old in inboxes goes":             inboxesExpire,
		"a secret stays until it is replaced":     secretsStay,
		"the opt-out list is the one shared last": optOutsAreShared,
		"tests of senders are kept and replaced":  senderTests,
		"old tests of senders go, and too many":   senderTestsExpire,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

func inbox(t *testing.T, s *store.Store, token string, made time.Time) {
	t.Helper()
	if added, err := s.AddInbox(t.Context(), store.Inbox{Token: token, Key: "key " + token, Domain: "example.org", Made: made}, 2); err != nil || !added {
		t.Fatal(added, err)
	}
}

// delivered are the reports of an inbox.
func delivered(t *testing.T, s *store.Store, token string) (list []string) {
	t.Helper()
	if err := s.Delivered(t.Context(), token, func(body []byte) error { list = append(list, string(body)); return nil }); err != nil {
		t.Fatal(err)
	}
	return list
}

func takesWhatFits(t *testing.T, s *store.Store) {
	inbox(t, s, "a", Noon)
	inbox(t, s, "b", Noon)
	if added, err := s.AddInbox(t.Context(), store.Inbox{Token: "c", Key: "key c", Made: Noon}, 2); err != nil || added {
		t.Errorf("one too many: %v, %v", added, err)
	}
	for i, c := range []struct {
		keys []string
		kept bool
		now  int
	}{{[]string{"1", "2"}, true, 2}, {[]string{"2"}, true, 2}, {[]string{"3", "4"}, false, 2}} {
		reports := make(map[string][]byte)
		for _, key := range c.keys {
			reports[key] = []byte("report " + key)
		}
		if kept, err := s.Deliver(t.Context(), "a", reports, Noon.Add(time.Hour), 3); err != nil || kept != c.kept {
			t.Errorf("delivery %d: %v, %v", i+1, kept, err)
		}
		if got := delivered(t, s, "a"); len(got) != c.now {
			t.Errorf("after delivery %d: %q", i+1, got)
		}
	}
	want := store.Inbox{Token: "a", Key: "key a", Domain: "example.org", Made: Noon, Last: Noon.Add(time.Hour)}
	for name, get := range map[string]func() (store.Inbox, error){
		"by token": func() (store.Inbox, error) { return s.Inbox(t.Context(), "a") },
		"by key":   func() (store.Inbox, error) { return s.InboxOf(t.Context(), "key a") },
	} {
		if got, err := get(); err != nil || got != want {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	if err := s.RemoveInbox(t.Context(), "a"); err != nil {
		t.Error(err)
	}
	if _, err := s.Inbox(t.Context(), "a"); !errors.Is(err, store.ErrNotFound) || len(delivered(t, s, "a")) != 0 {
		t.Errorf("what was removed is there: %v", err)
	}
}

func inboxesExpire(t *testing.T, s *store.Store) {
	inbox(t, s, "used", Noon)
	inbox(t, s, "unused", Noon)
	for key, at := range map[string]time.Time{"old": Noon, "young": Noon.Add(2 * time.Hour)} {
		if kept, err := s.Deliver(t.Context(), "used", map[string][]byte{key: []byte(key)}, at, 9); err != nil || !kept {
			t.Fatal(kept, err)
		}
	}
	if _, err := s.Deliver(t.Context(), "used", nil, Noon.Add(2*time.Hour), 9); err != nil {
		t.Fatal(err)
	}
	if err := s.ExpireInboxes(t.Context(), Noon.Add(time.Hour), Noon.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if got := delivered(t, s, "used"); !slices.Equal(got, []string{"young"}) {
		t.Errorf("%q", got)
	}
	if _, err := s.Inbox(t.Context(), "unused"); !errors.Is(err, store.ErrNotFound) {
		t.Error("an inbox that nobody used is there")
	}
}

func secretsStay(t *testing.T, s *store.Store) {
	for _, fresh := range []string{"\x00first", "second"} {
		if kept, err := s.Secret(t.Context(), "key", []byte(fresh)); err != nil || string(kept) != "\x00first" {
			t.Errorf("%q, %v", kept, err)
		}
	}
	if err := s.ReplaceSecret(t.Context(), "key", []byte("third")); err != nil {
		t.Fatal(err)
	}
	if kept, err := s.Secret(t.Context(), "key", []byte("fourth")); err != nil || string(kept) != "third" {
		t.Errorf("%q, %v", kept, err)
	}
}

func optOutsAreShared(t *testing.T, s *store.Store) {
	if text, err := s.OptOuts(t.Context()); err != nil || len(text) != 0 {
		t.Errorf("%q, %v", text, err)
	}
	for _, list := range []string{"a.example\n", ""} {
		if err := s.ShareOptOuts(t.Context(), []byte(list)); err != nil {
			t.Fatal(err)
		}
		if text, err := s.OptOuts(t.Context()); err != nil || string(text) != list {
			t.Errorf("%q, %v", text, err)
		}
	}
}

func senderTest(t *testing.T, s *store.Store, one store.SenderTest) {
	t.Helper()
	if err := s.SaveSenderTest(t.Context(), one); err != nil {
		t.Fatal(err)
	}
}

func senderTests(t *testing.T, s *store.Store) {
	want := store.SenderTest{ID: "one", Ends: Noon, Body: []byte(`{"a": 1}`)}
	senderTest(t, s, store.SenderTest{ID: "one", Ends: Noon.Add(time.Hour), Bare: true, Body: []byte("x")})
	senderTest(t, s, want)
	if got, err := s.SenderTest(t.Context(), "one"); err != nil || got.ID != want.ID || !got.Ends.Equal(want.Ends) || got.Bare || !bytes.Equal(got.Body, want.Body) {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := s.SenderTest(t.Context(), "none"); !errors.Is(err, store.ErrNotFound) {
		t.Error(err)
	}
	for after, n := range map[time.Time]int{Noon.Add(-time.Second): 1, Noon: 0} {
		if list, err := s.SenderTests(t.Context(), after); err != nil || len(list) != n {
			t.Errorf("after %v: %d, %v", after, len(list), err)
		}
	}
	if list, err := s.PersonalSenderTests(t.Context(), Noon.Add(time.Second), 9); err != nil || len(list) != 1 {
		t.Errorf("%v, %v", list, err)
	}
	senderTest(t, s, store.SenderTest{ID: "one", Ends: Noon, Bare: true, Body: []byte("{}")})
	if list, err := s.PersonalSenderTests(t.Context(), Noon.Add(time.Second), 9); err != nil || len(list) != 0 {
		t.Errorf("a bare one names somebody: %v, %v", list, err)
	}
}

func senderTestsExpire(t *testing.T, s *store.Store) {
	for i := range 250 {
		senderTest(t, s, store.SenderTest{ID: store.NewID(), Ends: Noon.Add(time.Duration(i) * time.Minute), Body: []byte("{}")})
	}
	for _, c := range []struct {
		before time.Time
		most   int
		gone   int64
	}{{Noon.Add(10 * time.Minute), 1000, 10}, {Noon, 1000, 0}, {Noon, 30, 210}} {
		if n, err := s.ExpireSenderTests(t.Context(), c.before, c.most); err != nil || n != c.gone {
			t.Errorf("%+v: %d, %v", c, n, err)
		}
	}
}
