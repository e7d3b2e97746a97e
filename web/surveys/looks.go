package surveys

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"mxseal/checks"
	"mxseal/checks/adoption"
	"mxseal/checks/report"
	"mxseal/web/jobs"
	"mxseal/web/store"
)

const (
	looksTime = 10 * time.Second // after which a further look at an address is left to the next job
	maxNames  = 100              // under which an address is asked for that are read at a time
)

// line is one of a run.
type line struct {
	Run int64 `json:"run"`
	N   int   `json:"n"`
}

type resolveJob struct{ line }

func (resolveJob) Kind() string { return "survey-resolve" }

type judgeJob struct{ line }

func (judgeJob) Kind() string { return "survey-judge" }

type lookJob struct {
	Run     int64  `json:"run"`
	Address string `json:"address"`
}

func (lookJob) Kind() string { return "survey-look" }

type clearJob struct {
	Run int64 `json:"run"`
}

func (clearJob) Kind() string { return "survey-clear" }

// resolve asks about the domain of a line. What it waits for, it waits for in the store.
func (s *Surveys) resolve(ctx context.Context, job resolveJob, attempt int) error {
	l, done, err := s.cfg.Store.LineOf(ctx, job.Run, job.N)
	if errors.Is(err, store.ErrNotFound) || done {
		return nil
	}
	if err != nil {
		return err
	}
	if s.cfg.OptedOut != nil && s.cfg.OptedOut(l.Domain) {
		return s.keep(ctx, job.line, adoption.None("opted-out"))
	}
	d, err := s.cfg.Parse(l.Domain)
	if err != nil { // by the rules of today
		return s.keep(ctx, job.line, adoption.None("no-mail-domain"))
	}
	brief, cancel := context.WithTimeout(ctx, partTime)
	defer cancel()
	r, calls := s.cfg.Resolve(brief, d, store.NewID())
	if err := cmp.Or(ctx.Err(), troubled(r, attempt)); err != nil {
		return err
	}
	awaited, err := unlooked(ctx, s.cfg.Store.Server, job.Run, calls)
	if err != nil {
		return err
	}
	if len(awaited) == 0 { // also a domain without mail
		return s.conclude(ctx, job.line, r)
	}
	body, err := store.Pack(r.Bare())
	if err != nil {
		return fmt.Errorf("%s: %w", l.Domain, err)
	}
	return s.cfg.Store.Change(ctx, func(tx *store.Tx) error { return s.await(ctx, tx, job.line, body, calls) })
}

// await keeps what was asked about a domain and adds the jobs that it waits for: looks at addresses or,
// where they have all been made, the last.
func (s *Surveys) await(ctx context.Context, tx *store.Tx, l line, body []byte, calls []checks.Call) error {
	addresses := make([]string, len(calls))
	for i, c := range calls {
		addresses[i] = c.Address.String()
	}
	if err := tx.LockAddresses(ctx, l.Run, addresses...); err != nil {
		return err
	}
	waits, err := unlooked(ctx, tx.Server, l.Run, calls)
	if err != nil {
		return err
	}
	added, err := tx.KeepPart(ctx, l.Run, l.N, body, len(waits))
	if err != nil || !added {
		return err
	}
	if len(waits) == 0 {
		return s.jobs.Add(ctx, tx, judgeJob{l})
	}
	for _, c := range waits {
		first, err := tx.Await(ctx, l.Run, l.N, c.Address.String(), c.Name)
		if err != nil {
			return err
		}
		if first {
			if err := s.jobs.Add(ctx, tx, lookJob{l.Run, c.Address.String()}); err != nil {
				return err
			}
		}
	}
	return nil
}

// unlooked are the calls that are still to be made, by what the store says of the servers.
func unlooked(ctx context.Context, server func(ctx context.Context, run int64, address, name string) (string, bool, error), run int64, calls []checks.Call) (list []checks.Call, err error) {
	for _, c := range calls {
		alike, looked, err := server(ctx, run, c.Address.String(), c.Name)
		if err != nil {
			return nil, err
		}
		if !looked && !readAlike(alike).To(c.Name) {
			list = append(list, c)
		}
	}
	return list, nil
}

// look looks at a mail server under each name that is asked for, until nobody asks any more.
func (s *Surveys) look(ctx context.Context, job lookJob, attempt int) error {
	began := time.Now()
	brief, cancel := context.WithDeadline(ctx, began.Add(partTime))
	defer cancel()
	bodies, err := s.cfg.Store.Looks(ctx, job.Run, job.Address, checks.EnoughAlike)
	if err != nil {
		return err
	}
	looks, err := unpacked(bodies)
	for err == nil {
		var names []store.Awaited
		if names, err = s.cfg.Store.Awaited(ctx, job.Run, job.Address, maxNames); err != nil {
			return err
		}
		if len(names) == 0 {
			rests := false
			err = s.cfg.Store.Change(ctx, func(tx *store.Tx) (err error) { rests, err = tx.Rest(ctx, job.Run, job.Address); return err })
			if err != nil || rests {
				return err
			}
			return jobs.Again(feedAgain) // somebody has asked meanwhile, or the run is being cleared away
		}
		for _, one := range names {
			if looks, err = s.lookAs(brief, job, one, looks, time.Since(began) > looksTime, attempt); err != nil {
				return cmp.Or(ctx.Err(), err)
			}
		}
	}
	return err
}

// lookAs looks at a mail server under one name, unless the first looks at it stand for that, and returns
// the first looks. late has what needs a look of its own done by the next job.
func (s *Surveys) lookAs(ctx context.Context, job lookJob, as store.Awaited, first []*report.Report, late bool, attempt int) ([]*report.Report, error) {
	if checks.AlikeOf(first).To(as.Name) {
		return first, s.wake(ctx, job, as.Name, nil, checks.AlikeOf(first))
	}
	if late {
		return first, jobs.Again(0)
	}
	addr, err := netip.ParseAddr(job.Address)
	if err != nil {
		return first, err
	}
	seen := s.cfg.Look(ctx, checks.Call{Address: addr, Name: as.Name}, as.Domain)
	if errors.Is(ctx.Err(), context.Canceled) { // it was cut short; a look of which the time ran out is kept
		return first, ctx.Err()
	}
	if err := troubled(seen, attempt); err != nil {
		return first, err
	}
	if len(first) < checks.EnoughAlike {
		first = append(first, seen)
	}
	return first, s.wake(context.WithoutCancel(ctx), job, as.Name, seen, checks.AlikeOf(first))
}

// wake keeps a look under a name, nil where another one stands for it, and has the domains judged that
// waited for nothing else.
func (s *Surveys) wake(ctx context.Context, job lookJob, name string, seen *report.Report, alike checks.Alike) error {
	var body []byte
	if seen != nil {
		var err error
		if body, err = store.Pack(seen.Bare()); err != nil {
			return fmt.Errorf("the look at %s as %s: %w", job.Address, name, err)
		}
	}
	text, err := json.Marshal(alike)
	if err != nil {
		return err
	}
	return s.cfg.Store.Change(ctx, func(tx *store.Tx) error {
		if seen != nil {
			if err := tx.KeepLook(ctx, job.Run, job.Address, name, body); err != nil {
				return err
			}
			if err := tx.SetAlike(ctx, job.Run, job.Address, string(text)); err != nil {
				return err
			}
		}
		ready, err := tx.Wake(ctx, job.Run, job.Address, name)
		if err != nil {
			return err
		}
		list := make([]jobs.Args, len(ready))
		for i, n := range ready {
			list[i] = judgeJob{line{job.Run, n}}
		}
		return s.jobs.Add(ctx, tx, list...)
	})
}

// judge puts together what was asked about the domain of a line and what its mail servers have shown,
// and keeps what is counted.
func (s *Surveys) judge(ctx context.Context, job judgeJob, _ int) error {
	body, err := s.cfg.Store.Part(ctx, job.Run, job.N)
	if errors.Is(err, store.ErrNotFound) { // it was judged before
		return nil
	}
	if err != nil {
		return err
	}
	r, err := store.Unpack(body)
	if err != nil {
		return err
	}
	return s.conclude(ctx, job.line, r)
}

// conclude does what judge does with what was asked about a domain.
func (s *Surveys) conclude(ctx context.Context, l line, r *report.Report) error {
	var failed error
	r = s.cfg.Conclude(r, func(c checks.Call) *report.Report {
		body, err := s.cfg.Store.LookAt(ctx, l.Run, c.Address.String(), c.Name)
		if err == nil {
			var seen *report.Report
			if seen, err = store.Unpack(body); err == nil {
				return seen
			}
		}
		if !errors.Is(err, store.ErrNotFound) {
			failed = errors.Join(failed, err)
		}
		return nil
	})
	if failed != nil {
		return failed
	}
	return s.keep(ctx, l, adoption.FactsOf(r))
}

// keep keeps what is counted of a line. With the last one the run is counted, and what lies between the jobs
// is cleared away.
func (s *Surveys) keep(ctx context.Context, l line, facts adoption.Facts) error {
	text, err := json.Marshal(facts)
	if err != nil {
		return err
	}
	var ended bool
	err = s.cfg.Store.Change(ctx, func(tx *store.Tx) (err error) {
		if ended, err = tx.KeepResult(ctx, l.Run, l.N, text, time.Now()); err != nil || !ended {
			return err
		}
		return s.jobs.Add(ctx, tx, sumJob{l.Run}, clearJob{l.Run})
	})
	if err == nil {
		s.worked(l.Run, ended)
	}
	return err
}

// clear takes away what lies between the jobs of a run that has ended, some at a time.
func (s *Surveys) clear(ctx context.Context, job clearJob, _ int) error {
	for {
		if more, err := s.cfg.Store.Clear(ctx, job.Run); err != nil || !more {
			return err
		}
	}
}

// troubled is the error of a part of a check that met trouble of our own and may be done again.
func troubled(r *report.Report, attempt int) error {
	if attempt >= maxTries {
		return nil
	}
	for _, c := range r.Conditions {
		return fmt.Errorf("trouble of our own: %s: %s", c.Name, c.Text)
	}
	if r.HeldBack {
		return errors.New("no turn to connect came in time")
	}
	return nil
}

// readAlike reads how alike an address answers; what was not noted, or cannot be read, stands for nothing.
func readAlike(text string) (a checks.Alike) {
	if err := json.Unmarshal([]byte(text), &a); err != nil {
		return checks.Alike{}
	}
	return a
}

func unpacked(bodies [][]byte) (list []*report.Report, err error) {
	for _, body := range bodies {
		r, err := store.Unpack(body)
		if err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	return list, nil
}
