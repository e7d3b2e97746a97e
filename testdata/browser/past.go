package browser

import (
	"context"
	"errors"
	"net/http"
	"path/filepath"
	"time"

	"mxseal/checks/report"
	"mxseal/web/store"
	"mxseal/web/store/sqlite"
)

// Age checks a domain that has a past: its earlier reports, a month apart, are what other
// domains are now, the youngest first. Doing so again changes nothing.
func (s *Site) Age(ctx context.Context, domain string, past ...string) error {
	s.ageing.Lock()
	defer s.ageing.Unlock()
	if s.aged[domain] {
		return nil
	}
	reports, err := sqlite.Open(filepath.Join(s.dir, "data", "mxseal.db"))
	if err != nil {
		return err
	}
	for i, other := range past {
		r, err := s.latest(ctx, other)
		if err == nil {
			r.ID, r.Domain, r.UnicodeDomain = store.NewID(), domain, domain
			r.CheckedAt = time.Now().UTC().AddDate(0, -1-i, 0)
			err = reports.Save(ctx, r)
		}
		if err != nil {
			return errors.Join(err, reports.Close())
		}
	}
	if err := reports.Close(); err != nil {
		return err
	}
	if err := s.Start(ctx, domain); err != nil {
		return err
	}
	if _, err := s.Report(ctx, domain); err != nil {
		return err
	}
	s.aged[domain] = true
	return nil
}

func (s *Site) latest(ctx context.Context, domain string) (*report.Report, error) {
	id, err := s.Ready(ctx, domain)
	if err != nil {
		return nil, err
	}
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/report/"+id+"?format=json", nil)
	if err != nil {
		return nil, err
	}
	r := new(report.Report)
	return r, s.ask(q, http.StatusOK, r)
}
