package jobs

import (
	"context"
	"testing"
	"time"

	"mxseal/web/store"
)

// aDayBack makes the file one of yesterday's clock that was a day ahead: all its times lie in the future.
func aDayBack(t *testing.T, s *store.Store) {
	t.Helper()
	for _, statement := range []string{
		`UPDATE river_job SET scheduled_at = datetime(scheduled_at, 'subsec', '+1 day'), attempted_at = datetime(attempted_at, 'subsec', '+1 day')`,
		`UPDATE river_leader SET expires_at = datetime(expires_at, 'subsec', '+1 day')`,
	} {
		if _, err := s.Writer().Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
}

// A clock that is set back by a day, between two runs of the program or under way, keeps no job waiting: one
// that is due, one that was put off, one whose process died.
func TestAClockIsSetBack(t *testing.T) {
	s, seen := opened(t), newLedger()
	putOff := make(chan struct{})
	e := engine(t, Config{Store: s, Queues: map[string]int{"errands": 2}, limit: time.Second, rescue: time.Second, round: 50 * time.Millisecond, Kinds: []Kind{
		Do("errands", 1, func(_ context.Context, e errand, _ int) error {
			if seen.note(e.N) == 1 && e.N == 3 {
				close(putOff)
				return Again(time.Minute)
			}
			return nil
		}),
	}})
	add(t, s, e, errand{1}, errand{2})
	for _, died := range []string{
		`UPDATE river_job SET state = 'running', attempt = 1, attempted_at = datetime('now', 'subsec') WHERE args ->> 'n' = 2`,
		`INSERT INTO river_leader (elected_at, expires_at, leader_id, name) VALUES (datetime('now', 'subsec'), datetime('now', 'subsec', '+10 seconds'), 'dead', 'default')`,
	} {
		if _, err := s.Writer().Exec(died); err != nil {
			t.Fatal(err)
		}
	}
	aDayBack(t, s)
	started(t, e)
	for range 2 {
		<-seen.all
	}
	add(t, s, e, errand{3})
	<-putOff
	for { // until the end of the attempt is in the file
		var n int
		if err := s.Writer().QueryRow(`SELECT count(*) FROM river_job WHERE state = 'scheduled'`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		if n == 1 {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	aDayBack(t, s)
	for seen.times(3) < 2 {
		time.Sleep(5 * time.Millisecond)
	}
}

// A clock that is set ahead makes jobs due, and those under way look as if their process had died: they may
// have a twin, and are done.
func TestAClockIsSetAhead(t *testing.T) {
	s, seen := opened(t), newLedger()
	busy, free := make(chan struct{}), make(chan struct{})
	e := engine(t, Config{Store: s, Queues: map[string]int{"errands": 2}, limit: 20 * time.Second, rescue: 20 * time.Second, round: 50 * time.Millisecond, Kinds: []Kind{
		Do("errands", 1, func(_ context.Context, e errand, _ int) error {
			if seen.note(e.N) == 1 {
				close(busy)
				<-free
			}
			return nil
		}),
	}})
	add(t, s, e, errand{1})
	started(t, e)
	<-busy
	if _, err := s.Writer().Exec(`UPDATE river_job SET attempted_at = datetime(attempted_at, 'subsec', '-1 day'), scheduled_at = datetime(scheduled_at, 'subsec', '-1 day')`); err != nil {
		t.Fatal(err)
	}
	close(free)
	for {
		var n int
		if err := s.Writer().QueryRow(`SELECT count(*) FROM river_job WHERE kind = 'errand' AND state = 'completed'`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		if n == 1 {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	if n := seen.times(1); n < 1 || n > 2 {
		t.Errorf("it was done %d times", n)
	}
}
