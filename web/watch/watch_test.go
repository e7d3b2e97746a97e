package watch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mxseal/checks/input"
	"mxseal/checks/report"
	"mxseal/web/jobs"
	"mxseal/web/scans"
	"mxseal/web/store"
	"mxseal/web/store/sqlite"
)

// hook is a receiver of webhooks.
type hook struct {
	status int
	err    error
	got    []payload
	header []map[string]string
}

func (h *hook) post(_ context.Context, _ string, header map[string]string, body []byte) (int, error) {
	var p payload
	if err := json.Unmarshal(body, &p); err != nil {
		return 0, err
	}
	h.got, h.header = append(h.got, p), append(h.header, header)
	return h.status, h.err
}

// opened returns the watches of an empty store; its jobs are done by hand.
func opened(t testing.TB, h *hook) *Watches {
	t.Helper()
	s, err := sqlite.Open(filepath.Join(t.TempDir(), "mxseal.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	w, kinds := New(Config{Store: s, Parse: func(typed string) (input.Domain, error) { return input.Parse(typed, true) }, Webhooks: true,
		BaseURL: "https://mxseal.example", Log: slog.New(slog.DiscardHandler), Post: h.post})
	e, err := jobs.New(jobs.Config{Store: s, Kinds: kinds, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	w.By(e, nil)
	return w
}

// pending are the ids of the messages that are to be delivered.
func pending(t *testing.T, w *Watches) (ids []string) {
	t.Helper()
	rows, err := w.cfg.Store.Writer().Query(`SELECT id FROM watch_messages WHERE sent = 0 AND given_up = 0 ORDER BY made`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	return ids
}

func deliverAll(t *testing.T, w *Watches) {
	t.Helper()
	for _, id := range pending(t, w) {
		if err := w.deliver(t.Context(), deliverJob{id}, 1); err != nil {
			t.Fatal(err)
		}
	}
}

const target = "https://hooks.example.net/mail"

// confirmed asks for a watch and confirms it as its receiver does.
func confirmed(t *testing.T, w *Watches, h *hook, domain string) store.Watch {
	t.Helper()
	if err := w.Ask(t.Context(), domain, target, ""); err != nil {
		t.Fatal(err)
	}
	deliverAll(t, w)
	last := h.got[len(h.got)-1]
	token := strings.TrimPrefix(last.Data.Confirm, "https://mxseal.example/watch/confirm/")
	if last.Type != "watch.confirm" || !store.IsID(token) || last.Data.Watch != "" {
		t.Fatalf("%+v", last)
	}
	one, err := w.Confirm(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Confirm(t.Context(), token); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("confirmed twice: %v", err)
	}
	return one
}

func graded(letter report.Letter, at time.Time) *report.Report {
	return &report.Report{Meta: report.Meta{ID: "aaaaaaaaaaaaaaaaaaaaaaaaaa", CheckedAt: at}, Conclusions: report.Conclusions{Grade: &report.Grade{Letter: letter}}}
}

// A receiver confirms, and is told of what two looks have seen: once, with a signature that it can check.
func TestAWatchByWebhook(t *testing.T) {
	h := &hook{status: 204}
	w := opened(t, h)
	one := confirmed(t, w, h, "Example.ORG")
	at, letters := time.Now().Add(-24*time.Hour), []report.Letter{"A", "C", "C", "C"}
	for n, letter := range letters {
		w.cfg.Look = func(context.Context, string) (*report.Report, error) {
			return graded(letter, at.Add(time.Duration(n)*time.Hour)), nil
		}
		for range 2 { // a job may be done twice
			if err := w.look(t.Context(), lookJob{"example.org"}, 1); err != nil {
				t.Fatal(err)
			}
		}
		kept, err := w.cfg.Store.Watch(t.Context(), one.Key)
		if err != nil {
			t.Fatal(err)
		}
		if second := time.Until(kept.Next); n == 1 && second > secondAfter {
			t.Errorf("the second look is %v later", second)
		}
	}
	deliverAll(t, w)
	if len(h.got) != 2 {
		t.Fatalf("%d messages: %+v", len(h.got), h.got)
	}
	said, header := h.got[1], h.header[1]
	if said.Type != "watch.changed" || len(said.Data.Events) != 1 || said.Data.Events[0].Title != "Grade down from A to C" || said.Data.Watch != "https://mxseal.example/watch/"+one.Key {
		t.Errorf("%+v", said)
	}
	body, _ := json.Marshal(said)
	if want := sign(one.Secret, header["webhook-id"], header["webhook-timestamp"], body); header["webhook-signature"] != want {
		t.Errorf("the signature is %s, want %s", header["webhook-signature"], want)
	}
	_, list, err := w.Read(t.Context(), one.Key)
	if err != nil || len(list) != 2 || list[0].Sent.IsZero() || list[0].Events[0].To != "C" {
		t.Errorf("%+v, %v", list, err)
	}
	if err := w.End(t.Context(), one.Key); err != nil {
		t.Fatal(err)
	}
	w.cfg.Look = nil // nobody looks any more
	if err := w.look(t.Context(), lookJob{"example.org"}, 1); err != nil {
		t.Fatal(err)
	}
}

// The signature is that of the example of Standard Webhooks.
func TestSign(t *testing.T) {
	got := sign("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", []byte(`{"test": 2432232314}`))
	if want := "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// What is not taken is tried again with growing waits, then given up, and the watch ends after several.
func TestReceiversThatFail(t *testing.T) {
	h := &hook{status: 204}
	w := opened(t, h)
	one := confirmed(t, w, h, "example.org")
	add := func() store.Message {
		body, _ := json.Marshal(news{Report: "aaaaaaaaaaaaaaaaaaaaaaaaaa"})
		m := store.Message{ID: newID(), Watch: one.Key, Made: time.Now(), Events: body}
		if err := w.cfg.Store.Change(t.Context(), func(tx *store.Tx) error { return tx.AddMessage(t.Context(), m) }); err != nil {
			t.Fatal(err)
		}
		return m
	}
	for n, fault := range []struct {
		status int
		err    error
	}{{500, nil}, {302, nil}, {0, errors.New("no answer")}, {404, nil}, {503, nil}} {
		h.status, h.err = fault.status, fault.err
		m := add()
		for try := range len(tryAgain) + 1 {
			err := w.deliver(t.Context(), deliverJob{m.ID}, 1)
			if again := try < len(tryAgain); (err != nil) != again {
				t.Fatalf("fault %d, try %d: %v", n, try, err)
			}
		}
		kept, err := w.cfg.Store.Watch(t.Context(), one.Key)
		if last := n == maxMissed-1; last != errors.Is(err, store.ErrNotFound) || !last && kept.Missed != n+1 {
			t.Errorf("after %d messages: %d missed, %v", n+1, kept.Missed, err)
		}
	}
	h.status, h.err = 204, nil
	one = confirmed(t, w, h, "example.net")
	h.status = 410
	m := add()
	if err := w.deliver(t.Context(), deliverJob{m.ID}, 1); err != nil {
		t.Fatal(err)
	}
	if _, err := w.cfg.Store.Watch(t.Context(), one.Key); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a receiver that is gone: %v", err)
	}
}

func TestTargets(t *testing.T) {
	w := opened(t, &hook{})
	for typed, want := range map[string]error{
		"https://hooks.example.net/x?y=z": nil, "https://hooks.example.net:443/": nil, "https://hooks.example.net:25/": ErrTarget, "http://hooks.example.net/": ErrTarget,
		"https://me@hooks.example.net/": ErrTarget, "https://192.0.2.1/": ErrTarget, "https://[::1]/": ErrTarget, "https://localhost/": ErrTarget, "https://" + strings.Repeat("a", 600): ErrTarget,
		"me@example.net": ErrKind, "me": ErrTarget, "@example.net": ErrTarget, "a b@example.net": ErrTarget, "me@example.net\r\nBcc: you@example.net": ErrTarget, "<me@example.net>": ErrTarget, "": ErrTarget,
	} {
		if _, err := w.target(typed); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", typed, err, want)
		}
	}
}

// Of 100,000 domains no hour has more than 6 % of the looks.
func TestLooksAreSpread(t *testing.T) {
	const domains = 100_000
	hours := make(map[int]int)
	noon := time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC)
	for n := range domains {
		domain := fmt.Sprintf("domain%d.example", n)
		next := nextLook(domain, noon)
		if next.Sub(noon) <= 0 || next.Sub(noon) > day || !nextLook(domain, next).Equal(next.Add(day)) {
			t.Fatalf("%s: %v", domain, next)
		}
		hours[next.Hour()]++
	}
	most := 0
	for _, n := range hours {
		most = max(most, n)
	}
	t.Logf("the fullest of %d hours has %.2f %% of the looks", len(hours), 100*float64(most)/domains)
	if len(hours) != 24 || most > domains*6/100 {
		t.Errorf("an hour has %d looks", most)
	}
}

// What is due is added once; after a long stop each domain waits for its own time.
func TestRounds(t *testing.T) {
	h := &hook{status: 204}
	w := opened(t, h)
	confirmed(t, w, h, "now.example.org")
	confirmed(t, w, h, "stopped.example.org")
	if err := w.cfg.Store.Change(t.Context(), func(tx *store.Tx) error {
		return errors.Join(tx.SetNext(t.Context(), "now.example.org", time.Now().Add(-time.Minute)), tx.SetNext(t.Context(), "stopped.example.org", time.Now().Add(-2*tooLate)))
	}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := w.round(t.Context(), roundJob{}); err != nil {
			t.Fatal(err)
		}
	}
	var args string
	var n int
	if err := w.cfg.Store.Writer().QueryRow(`SELECT count(*), coalesce(max(args), '') FROM river_job WHERE kind = 'watch-look'`).Scan(&n, &args); err != nil {
		t.Fatal(err)
	}
	if n != 1 || !strings.Contains(args, "now.example.org") {
		t.Errorf("%d looks, %s", n, args)
	}
}

// Refusals wait or end a look; none is a failure.
func TestLooksThatAreRefused(t *testing.T) {
	h := &hook{status: 204}
	w := opened(t, h)
	confirmed(t, w, h, "example.org")
	for n, refused := range []struct {
		err   error
		again bool
	}{{&scans.Refusal{Reason: scans.Busy, Wait: time.Second}, true}, {&scans.Refusal{Reason: scans.OptedOut}, false}, {context.DeadlineExceeded, true}, {store.ErrNotFound, false}} {
		w.cfg.Look = func(context.Context, string) (*report.Report, error) { return nil, refused.err }
		if err := w.look(t.Context(), lookJob{"example.org"}, 1); (err != nil) != refused.again {
			t.Errorf("%d: %v", n, err)
		}
	}
}
