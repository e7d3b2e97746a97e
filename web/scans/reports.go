package scans

import (
	"context"
	"time"

	"mxseal/checks"
	"mxseal/checks/input"
	"mxseal/checks/report"
)

// Latest returns the youngest report of a domain (A-label) that no trouble of our own has
// spoilt, else the youngest, or store.ErrNotFound. Nobody may change it.
func (s *Scanner) Latest(ctx context.Context, domain string) (*report.Report, error) {
	if r, ok := s.fresh.Get(domain); ok {
		return r, nil
	}
	return explained(s.cfg.Store.Latest(ctx, domain))
}

// Look is Start for somebody who waits for the report, until ctx ends; the scan goes on then. An error
// beside those of Start and ctx: the scan came to no report.
func (s *Scanner) Look(ctx context.Context, who Client, d input.Domain) (*report.Report, error) {
	r, c, err := s.Start(ctx, who, d)
	if err != nil || r != nil {
		return r, err
	}
	for {
		_, ended, more := c.Events(maxMessages)
		if ended {
			return s.Report(ctx, c.ID)
		}
		select {
		case <-more:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// Report returns the report of that id as it was kept, store.ErrNotFound or store.ErrUnreadable.
func (s *Scanner) Report(ctx context.Context, id string) (*report.Report, error) {
	return explained(s.cfg.Store.Get(ctx, id))
}

// explained gives a report that comes from the store its sentences again, by today's rules.
func explained(r *report.Report, err error) (*report.Report, error) {
	if err != nil {
		return nil, err
	}
	checks.Explain(r)
	return r, nil
}

// keep saves a report. It is in memory first, so that whoever looks finds the scan or
// its report at every moment. One that cannot be saved is shown as the latest of its domain
// while it is fresh, and has no address of its own.
//
// What trouble of our own has spoilt takes the place of no sound report.
func (s *Scanner) keep(r *report.Report) {
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	if s.behind(ctx, r) {
		s.spoilt.Put(r.Domain, r)
	} else {
		s.fresh.Put(r.Domain, r)
		s.spoilt.Drop(r.Domain)
	}
	if err := s.cfg.Store.Save(ctx, r); err != nil {
		s.lost.Put(r.ID, struct{}{})
		s.cfg.Log.Error("a report is lost", "error", err)
	}
	s.last.Put(r.Domain, r.ID) // now that whoever asks gets it
}

// LastOf returns the id of the last report of a domain (A-label) that was made here within twice
// FreshFor, else nothing.
func (s *Scanner) LastOf(domain string) string {
	id, _ := s.last.Get(domain)
	return id
}

// behind reports whether a report stands behind an earlier one of its domain, which is sound.
func (s *Scanner) behind(ctx context.Context, r *report.Report) bool {
	if !r.Spoilt() {
		return false
	}
	before, err := s.Latest(ctx, r.Domain)
	return err == nil && !before.Spoilt()
}

// left is how long a report stays fresh, from the end of its scan on.
func left(r *report.Report) time.Duration {
	end, now := r.CheckedAt.Add(time.Duration(r.ElapsedMS)*time.Millisecond), time.Now()
	if !report.Within(FreshFor, end, now) {
		return 0
	}
	return FreshFor - now.Sub(end)
}

// Fresh returns the latest report of a domain (A-label) where it is younger than FreshFor and
// in memory.
func (s *Scanner) Fresh(domain string) (*report.Report, bool) { return s.fresh.Get(domain) }

// Spoilt reports whether the last scan of a domain (A-label) came to a report that trouble of
// our own keeps from being the latest.
func (s *Scanner) Spoilt(domain string) bool {
	_, ok := s.spoilt.Get(domain)
	return ok
}

// Lost reports whether the report of that id was made and could not be saved.
func (s *Scanner) Lost(id string) bool {
	_, ok := s.lost.Get(id)
	return ok
}
