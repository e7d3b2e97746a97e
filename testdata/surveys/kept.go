package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"time"

	"mxseal/checks/report"
	"mxseal/testdata/daemon"
	"mxseal/web/store"
	"mxseal/web/store/postgres"
	"mxseal/web/store/sqlite"
)

// lookUps is how many domains are asked for.
const lookUps = 1000

// numbers are those from the first parameter up to the second, in SQLite and in PostgreSQL.
const (
	ofSQLite   = `WITH RECURSIVE c(n) AS (VALUES($1) UNION ALL SELECT n + 1 FROM c WHERE n + 1 < $2) `
	ofPostgres = `WITH c(n) AS (SELECT generate_series($1::bigint, $2::bigint - 1)) `
)

// measureFile is measureStore with a file.
func measureFile(dir string, reports int) error {
	s, err := sqlite.Open(filepath.Join(dir, "reports.db"))
	if err != nil {
		return err
	}
	defer s.Close()
	return measureStore(s, "a file", ofSQLite, reports)
}

// measureDatabase is measureStore with a PostgreSQL.
func measureDatabase(database *daemon.Postgres, reports int) error {
	at, err := database.NewDatabase(context.Background(), "reports")
	if err != nil {
		return err
	}
	s, err := postgres.Open(context.Background(), at)
	if err != nil {
		return err
	}
	defer s.Close()
	return measureStore(s, "PostgreSQL", ofPostgres, reports)
}

// measureStore fills a store with reports with short bodies, two of each domain, and prints how long it
// takes to find the latest one of a domain and its history.
func measureStore(s *store.Store, in, numbers string, reports int) error {
	ctx := context.Background()
	body, err := store.Pack(&report.Report{Meta: report.Meta{Schema: report.Schema, CheckedAt: time.Now()}, Conclusions: report.Conclusions{Grade: &report.Grade{Letter: "C"}}})
	if err != nil {
		return err
	}
	began := time.Now()
	const batch = 100_000
	for from := 0; from < reports; from += batch {
		if err := s.Change(ctx, func(tx *store.Tx) error {
			_, err := tx.SQL().ExecContext(ctx, numbers+`INSERT INTO reports (id, domain, checked_at, letter, provisional, rules, body, spoilt)
				SELECT 'R' || n, 'd' || (n % $3) || '.example', $4 + n, 'C', FALSE, 1, $5, FALSE FROM c`,
				from, min(from+batch, reports), reports/2, time.Now().Add(-24*time.Hour).UnixMilli(), body)
			return err
		}); err != nil {
			return err
		}
	}
	filled := time.Since(began)
	size, err := s.Size(ctx)
	if err != nil {
		return err
	}
	var latest, history []time.Duration
	for range lookUps {
		domain := fmt.Sprintf("d%d.example", rand.IntN(reports/2))
		began := time.Now()
		if _, err := s.Latest(ctx, domain); err != nil {
			return fmt.Errorf("%s: %w", domain, err)
		}
		latest = append(latest, time.Since(began))
		began = time.Now()
		list, err := s.History(ctx, domain, 50)
		if err != nil || len(list) != 2 {
			return fmt.Errorf("%s: %d reports, %w", domain, len(list), err)
		}
		history = append(history, time.Since(began))
	}
	fmt.Printf("\n%d reports in %s with bodies of %d octets (%d MiB, filled in %.0fs), %d domains asked for:\n", reports, in, len(body), size>>20, filled.Seconds(), lookUps)
	fmt.Printf("  latest   %v, 99 of 100 in %v\n  history  %v, 99 of 100 in %v\n", at(latest, 50), at(latest, 99), at(history, 50), at(history, 99))
	return nil
}

// at is the time within which so many of a hundred were.
func at(times []time.Duration, percent int) time.Duration {
	slices.Sort(times)
	return times[(len(times)-1)*percent/100].Round(10 * time.Microsecond)
}
