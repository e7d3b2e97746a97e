package watch

import (
	"fmt"
	"testing"
	"time"

	"mxseal/checks/report"
	"mxseal/web/store"
	"mxseal/web/store/sqlite"
)

// The day's reminders of 100,000 watches: what is kept of each is read, held against a report in which a
// certificate is late, kept again, and a message made for each.
func BenchmarkDay(b *testing.B) {
	const watches = maxWatches
	w := opened(b, &hook{status: 204})
	now := time.Now()
	must := func(err error) {
		if err != nil {
			b.Fatal(err)
		}
	}
	for from := 0; from < watches; from += 1000 {
		must(w.cfg.Store.Change(b.Context(), func(tx *sqlite.Tx) error {
			for n := from; n < from+1000; n++ {
				one := store.Watch{Key: fmt.Sprint("key", n), Token: fmt.Sprint("token", n), Domain: fmt.Sprintf("d%d.example", n), Target: fmt.Sprintf("https://h%d.example/", n), Secret: newSecret(), Made: now}
				if _, err := tx.AddWatch(b.Context(), one, store.WatchBounds{All: watches + 1, Target: 1 << 20, Unconfirmed: 1 << 20}); err != nil {
					return err
				}
			}
			return nil
		}))
	}
	_, err := w.cfg.Store.Writer().Exec(`UPDATE watches SET token = NULL, confirmed = 1, next = 1`)
	must(err)
	r := graded("A", now)
	for n := range 10 {
		r.Forecast = append(r.Forecast, report.Due{What: "certificate", Host: fmt.Sprintf("mx%d.example", n), Since: now.Add(-85 * day), At: now.Add(time.Duration(5+n) * day)})
	}
	for b.Loop() {
		began := time.Now()
		for look := range 2 {
			r.CheckedAt = r.CheckedAt.Add(time.Hour)
			for n := range watches {
				must(w.count(b.Context(), fmt.Sprintf("d%d.example", n), r))
			}
			b.Logf("look %d of %d watches: %v", look+1, watches, time.Since(began).Round(time.Millisecond))
		}
	}
	var told int
	must(w.cfg.Store.Writer().QueryRow(`SELECT count(*) FROM watch_messages`).Scan(&told))
	b.Logf("%d messages", told)
}
