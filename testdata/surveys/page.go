package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"time"

	"mxseal/checks"
	"mxseal/web"
	"mxseal/web/store"
	"mxseal/web/store/sqlite"
	"mxseal/web/surveys"
)

// made is a survey of made-up domains: facts differ by line, so that every number has some. Every run moves
// some domains.
const made = `WITH RECURSIVE c(n) AS (VALUES(?1) UNION ALL SELECT n + 1 FROM c WHERE n + 1 < ?2)
	INSERT INTO survey_results (run, n, facts) SELECT ?3, n, json_object(
		'letter', CASE (n + ?3 * (n % 50 = 0)) % 7 WHEN 0 THEN 'A+' WHEN 1 THEN 'A' WHEN 2 THEN 'B' WHEN 3 THEN 'C' WHEN 4 THEN 'D' WHEN 5 THEN 'F' ELSE 'T' END,
		'provisional', json(CASE WHEN n % 100 = 0 THEN 'true' ELSE 'false' END), 'why', CASE WHEN n % 7 = 6 THEN 'not-testable' ELSE '' END,
		'starttls', CASE WHEN n % 20 = 0 THEN 'no' ELSE 'yes' END, 'certificate', CASE WHEN n % 3 = 0 THEN 'no' ELSE 'yes' END,
		'dnssec', CASE WHEN n % 4 = 0 THEN 'yes' ELSE 'no' END, 'dane', CASE WHEN n % 11 = 0 THEN 'yes' ELSE 'no' END,
		'mta_sts', CASE WHEN n % 13 = 0 THEN 'enforce' WHEN n % 13 = 1 THEN 'testing' ELSE 'absent' END, 'tls_rpt', CASE WHEN n % 9 = 0 THEN 'yes' ELSE 'no' END,
		'tls_1_3', CASE WHEN n % 5 = 0 THEN 'untested' ELSE 'yes' END, 'post_quantum', CASE WHEN n % 6 = 0 THEN 'yes' ELSE 'no' END,
		'broken', json(CASE WHEN n % 5000 = 0 THEN '["dane"]' ELSE '[]' END), 'provider', CASE WHEN n % 2 = 0 THEN 'provider ' || (n % 60) ELSE 'provider of ' || n END) FROM c`

// measurePage keeps two runs of a survey of so many domains, counts the second, and prints how long that
// takes and how long its page does.
func measurePage(dir string, domains int) error {
	ctx := context.Background()
	s, err := sqlite.Open(filepath.Join(dir, "page.db"))
	if err != nil {
		return err
	}
	defer s.Close()
	runs, err := fillSurvey(ctx, s, domains)
	if err != nil {
		return err
	}
	lists, _ := surveys.New(surveys.Config{Store: s})
	var counted time.Duration
	for _, run := range runs {
		began := time.Now()
		if err := lists.Count(ctx, run); err != nil {
			return fmt.Errorf("count run %d: %w", run, err)
		}
		counted = time.Since(began)
	}
	engine, err := checks.New(checks.Config{Resolvers: []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:9")}})
	if err != nil {
		return err
	}
	fmt.Printf("\na survey of %d domains (made data), counted in %.1fs:\n", domains, counted.Seconds())
	for _, page := range []string{"/surveys", "/survey/made", "/survey/made?show=broken:dane", "/survey/made?show=dane:yes", "/survey/made?show=label:south", "/survey/made.atom"} {
		var times []time.Duration
		for range 20 {
			site, err := web.New(web.Config{Engine: engine, Store: s, Log: slog.New(slog.DiscardHandler)}) // that remembers nothing
			if err != nil {
				return err
			}
			rec := httptest.NewRecorder()
			began := time.Now()
			site.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, page, nil))
			times = append(times, time.Since(began))
			if rec.Code != http.StatusOK {
				return fmt.Errorf("%s: %d", page, rec.Code)
			}
			if err := site.Close(ctx); err != nil {
				return err
			}
		}
		fmt.Printf("  %-32s %v, at most %v\n", page, at(times, 50), at(times, 100))
	}
	return nil
}

// fillSurvey keeps a list, and two runs of it.
func fillSurvey(ctx context.Context, s *store.Store, domains int) (ids []int64, err error) {
	n := -1
	if err := s.AddSurvey(ctx, &store.Survey{Name: "made", Title: "Made domains", Named: true}, func() (store.Line, bool, error) {
		n++
		return store.Line{Domain: fmt.Sprintf("d%d.example", n), Labels: []string{[]string{"north", "south", "east"}[n%3], fmt.Sprint("ministry ", n%300)}}, n < domains, nil
	}); err != nil {
		return nil, err
	}
	const batch = 100_000
	for nth := range 2 {
		var id int64
		if err := s.Change(ctx, func(tx *store.Tx) error {
			run, _, err := tx.StartRun(ctx, "made", time.Now().AddDate(0, 0, nth-1))
			id = run.ID
			return err
		}); err != nil {
			return nil, err
		}
		for from := 0; from < domains; from += batch {
			if err := s.Change(ctx, func(tx *store.Tx) error {
				_, err := tx.SQL().ExecContext(ctx, made, from, min(from+batch, domains), id)
				return err
			}); err != nil {
				return nil, err
			}
		}
		if err := s.Change(ctx, func(tx *store.Tx) error {
			_, err := tx.SQL().ExecContext(ctx, `UPDATE survey_runs SET fed = domains, done = domains, ended = began + 3600000 WHERE id = ?`, id)
			return err
		}); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, nil
}
