package watch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"time"

	"mxseal/checks/report"
	"mxseal/checks/watching"
	"mxseal/web/jobs"
	"mxseal/web/scans"
	"mxseal/web/store"
)

const (
	day         = 24 * time.Hour
	roundEvery  = time.Minute
	maxRound    = 200         // domains that one change of the store has looked at
	secondAfter = time.Hour   // the second look that confirms what the first has seen
	tooLate     = time.Hour   // what is due longer than that waits for its own time of the next day
	soonAgain   = time.Minute // while others take the places for checks
	failingDays = 3 * day     // back from now, that TLS reports count
)

// nextLook is when a domain is looked at next after a moment: once a day, at a time that its name says. So no
// hour has many more looks than another.
func nextLook(domain string, after time.Time) time.Time {
	h := fnv.New64a()
	h.Write([]byte(domain))
	next := after.UTC().Truncate(day).Add(time.Duration(mixed(h.Sum64())%uint64(day/time.Second)) * time.Second)
	if !next.After(after) {
		next = next.Add(day)
	}
	return next
}

// mixed spreads what differs in few bits over all of them (the end of MurmurHash3).
func mixed(x uint64) uint64 {
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	x *= 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}

type roundJob struct{}

func (roundJob) Kind() string { return "watch-round" }

type lookJob struct {
	Domain string `json:"domain"`
}

func (lookJob) Kind() string { return "watch-look" }

// round adds the looks that are due. After a long stop they are not all made at once: each waits for its own
// time.
func (w *Watches) round(ctx context.Context, _ roundJob) error {
	for more := true; more; {
		err := w.cfg.Store.Change(ctx, func(tx *store.Tx) error {
			now := time.Now()
			due, err := tx.DueWatches(ctx, now, maxRound)
			if err != nil {
				return err
			}
			more = len(due) == maxRound
			var list []jobs.Args
			for _, one := range due {
				if err := tx.SetNext(ctx, one.Domain, nextLook(one.Domain, now)); err != nil {
					return err
				}
				if now.Sub(one.Next) <= tooLate {
					list = append(list, lookJob{one.Domain})
				}
			}
			return w.jobs.Add(ctx, tx, list...)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// look looks at a domain for all who watch it.
func (w *Watches) look(ctx context.Context, job lookJob, _ int) error {
	watched, err := w.cfg.Store.Watched(ctx, job.Domain)
	if err != nil || !watched {
		return err
	}
	r, err := w.cfg.Look(ctx, job.Domain)
	var no *scans.Refusal
	switch {
	case errors.As(err, &no) && no.Wait > 0:
		return jobs.Again(min(no.Wait, secondAfter))
	case errors.As(err, &no): // its owner wants to be left alone
		return nil
	case errors.Is(err, context.DeadlineExceeded): // it goes on; the next attempt finds it, or its report
		return jobs.Again(soonAgain / 6)
	case errors.Is(err, store.ErrNotFound), errors.Is(err, store.ErrUnreadable): // our own trouble: the next day has another
		w.cfg.Log.Warn("a watched domain could not be looked at", "domain", job.Domain, "error", err)
		return nil
	case err != nil:
		return err
	}
	return w.count(ctx, job.Domain, r)
}

// count adds a report to what is known for each who watches the domain, and has told what there is to tell.
func (w *Watches) count(ctx context.Context, domain string, r *report.Report) error {
	failing := w.failing(ctx, domain, r.CheckedAt)
	return w.cfg.Store.Change(ctx, func(tx *store.Tx) error {
		list, err := tx.WatchesOf(ctx, domain)
		if err != nil {
			return err
		}
		again := false
		for _, one := range list {
			more, err := w.countFor(ctx, tx, one, r, failing[one.Inbox])
			if err != nil {
				return err
			}
			again = again || more
		}
		if second := time.Now().Add(secondAfter); again && second.Before(nextLook(domain, time.Now())) {
			return tx.SetNext(ctx, domain, second)
		}
		return nil
	})
}

// countFor is count for one who watches; again: a second look may confirm something.
func (w *Watches) countFor(ctx context.Context, tx *store.Tx, one store.Watch, r *report.Report, failing []watching.Failing) (again bool, err error) {
	var state watching.State
	if one.State != nil {
		if err := json.Unmarshal(one.State, &state); err != nil {
			w.cfg.Log.Error("what is kept of a watched domain cannot be read, and begins anew", "domain", one.Domain, "error", err)
			state = watching.State{}
		}
	}
	state, events := watching.Next(state, r, failing, r.CheckedAt)
	text, err := json.Marshal(state)
	if err != nil {
		return false, fmt.Errorf("what is known of %s: %w", one.Domain, err)
	}
	kept, err := tx.KeepWatch(ctx, one.Key, text, r.CheckedAt)
	if err != nil || !kept {
		return false, err
	}
	if len(events) == 0 {
		return state.Again(), nil
	}
	body, err := json.Marshal(news{r.ID, events})
	if err != nil {
		return false, fmt.Errorf("what is told of %s: %w", one.Domain, err)
	}
	m := store.Message{ID: newID(), Watch: one.Key, Made: time.Now(), Events: body}
	if err := tx.AddMessage(ctx, m); err != nil {
		return false, err
	}
	return state.Again(), w.jobs.Add(ctx, tx, deliverJob{m.ID})
}

// failing is what TLS reports say of a domain lately, by the key of the inbox that has them. An inbox that is
// gone says nothing.
func (w *Watches) failing(ctx context.Context, domain string, now time.Time) map[string][]watching.Failing {
	if w.cfg.Inboxes == nil {
		return nil
	}
	keys, err := w.cfg.Store.WatchedInboxes(ctx, domain)
	if err != nil {
		w.cfg.Log.Error("the inboxes of a watched domain cannot be read", "domain", domain, "error", err)
	}
	all := make(map[string][]watching.Failing)
	for _, key := range keys {
		_, summary, err := w.cfg.Inboxes.Recent(ctx, key, now.Add(-failingDays))
		if err != nil {
			continue
		}
		for _, d := range summary.Domains() {
			if d.Name != domain {
				continue
			}
			for _, t := range d.Troubles {
				all[key] = append(all[key], watching.Failing{Result: string(t.Result), Host: t.Server, Reporters: len(t.Reporters), Sessions: t.Sessions, Last: t.Last.Add(day)}) // t.Last is the beginning of a day
			}
		}
	}
	return all
}
