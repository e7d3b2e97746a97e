package postgres

import (
	"encoding/json"
	"log/slog"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"mxseal/web/jobs"
	"mxseal/web/store"
	"mxseal/web/store/sqlite"
	"mxseal/web/store/storetest"
	"mxseal/web/surveys"
)

// What lies in a file goes into PostgreSQL and back, with what is still to be done, and goes on there.
func TestCopy(t *testing.T) {
	from, err := sqlite.Open(filepath.Join(t.TempDir(), "a.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	fill(t, from)
	between := empty(t)
	there := copied(t, from, between)
	back, err := sqlite.Open(filepath.Join(t.TempDir(), "b.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer back.Close()
	if again := copied(t, between, back); !slices.Equal(again, there) {
		t.Errorf("back came %v of %v", again, there)
	}
	if err := between.Save(t.Context(), storetest.Sample("example.org", store.NewID(), storetest.Noon.Add(time.Hour))); err != nil {
		t.Errorf("a report after the copy: %v", err)
	}
	if _, err := store.Copy(t.Context(), from, between); err == nil {
		t.Error("it was copied into one that is not empty")
	}
}

// copied copies all, and returns how much that was.
func copied(t *testing.T, from, to *store.Store) []store.Copied {
	t.Helper()
	list, err := store.Copy(t.Context(), from, to)
	if err != nil {
		t.Fatal(err)
	}
	n, err := jobs.Copy(t.Context(), from, to)
	if err != nil || n != 1 {
		t.Fatalf("%d jobs, %v", n, err)
	}
	return append(list, store.Copied{What: "jobs", Rows: int64(n)})
}

// fill keeps one of everything.
func fill(t *testing.T, s *store.Store) {
	t.Helper()
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for i := range 1200 {
		must(s.Save(ctx, storetest.Sample("example.org", store.NewID(), storetest.Noon.Add(time.Duration(i)*time.Second))))
	}
	lists, kinds := surveys.New(surveys.Config{Store: s})
	e, err := jobs.New(jobs.Config{Store: s, Kinds: kinds, Log: slog.New(slog.DiscardHandler)})
	must(err)
	lists.By(e)
	left := []store.Line{{Domain: "a.example", Labels: []string{"zoë", "\x00"}}, {Domain: "b.example"}}
	must(s.AddSurvey(ctx, &store.Survey{Name: "two", Title: "Two", Every: time.Hour}, func() (line store.Line, more bool, err error) {
		if len(left) == 0 {
			return line, false, nil
		}
		line, left = left[0], left[1:]
		return line, true, nil
	}))
	run, err := lists.Start(ctx, "two")
	must(err)
	must(s.Change(ctx, func(tx *store.Tx) error {
		facts, err := json.Marshal(map[string]string{"letter": "A"})
		must(err)
		if _, err := tx.KeepPart(ctx, run.ID, 1, []byte{0, 255}, 1); err != nil {
			return err
		}
		if _, err := tx.Await(ctx, run.ID, 1, "192.0.2.1", "mx.b.example"); err != nil {
			return err
		}
		must(tx.KeepLook(ctx, run.ID, "192.0.2.2", "mx.a.example", []byte("x")))
		_, err = tx.KeepResult(ctx, run.ID, 0, facts, storetest.Noon)
		return err
	}))
	_, err = s.AddInbox(ctx, store.Inbox{Token: "t", Key: "k", Domain: "example.org", Made: storetest.Noon}, 9)
	must(err)
	_, err = s.Deliver(ctx, "t", map[string][]byte{"one": []byte("{}")}, storetest.Noon, 9)
	must(err)
	_, err = s.Secret(ctx, "key", []byte{1, 2, 0})
	must(err)
	must(s.SaveSenderTest(ctx, store.SenderTest{ID: "id", Ends: storetest.Noon, Bare: true, Body: []byte("{}")}))
	must(s.Change(ctx, func(tx *store.Tx) error {
		if _, err := tx.AddWatch(ctx, store.Watch{Key: "w", Token: "c", Domain: "example.org", Target: "postmaster@example.org", Made: storetest.Noon}, store.WatchBounds{All: 9, Target: 9, Unconfirmed: 9}); err != nil {
			return err
		}
		return tx.AddMessage(ctx, store.Message{ID: "m", Watch: "w", Made: storetest.Noon})
	}))
	_, err = s.ConfirmWatch(ctx, "c", storetest.Noon, storetest.Noon)
	must(err)
}
