package postgres

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"mxseal/web/store"
	"mxseal/web/store/postgres"
	"mxseal/web/store/storetest"
)

var databases atomic.Int64

// prepare makes the database "empty", which has the schema and nothing in it.
func (w *world) prepare(ctx context.Context) error {
	url, err := w.database.NewDatabase(ctx, "empty")
	if err != nil {
		return err
	}
	for _, url := range []string{url, w.database.URL} { // the latter for claims
		s, err := postgres.Open(ctx, url)
		if err != nil {
			return err
		}
		if err := s.Close(); err != nil {
			return err
		}
	}
	return nil
}

// empty opens a store in a database of its own, and pooled one behind a pooler.
func empty(t *testing.T) *store.Store  { return emptyOver(t, "direct") }
func pooled(t *testing.T) *store.Store { return emptyOver(t, "pooled") }

func emptyOver(t *testing.T, way string) *store.Store {
	t.Helper()
	name := fmt.Sprint("store", databases.Add(1))
	if _, err := the.database.CopyDatabase(t.Context(), "empty", name); err != nil {
		t.Fatal(err)
	}
	url := strings.Replace(the.urls[way], "/postgres?", "/"+name+"?", 1)
	s, err := postgres.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// The suites that SQLite passes.
func TestStore(t *testing.T) {
	storetest.Run(t, storetest.Kit{Open: empty, Insert: func(t *testing.T, s *store.Store, row store.Row) {
		if _, err := s.Writer().Exec(`INSERT INTO reports (id, domain, checked_at, letter, provisional, rules, body, spoilt) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
			row.ID, row.Domain, row.CheckedAt.UnixMilli(), string(row.Letter), row.Provisional, row.Rules, row.Body, row.Spoilt); err != nil {
			t.Fatal(err)
		}
	}})
}

func TestSurveys(t *testing.T) { storetest.RunSurveys(t, pooled) }
func TestInboxes(t *testing.T) { storetest.RunInboxes(t, pooled) }
func TestWatches(t *testing.T) { storetest.RunWatches(t, pooled) }
