package watch

import (
	"fmt"
	"testing"
	"time"

	"mxseal/checks/report"
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
	_, err := w.cfg.Store.Writer().Exec(`WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?)
		INSERT INTO watches (key, domain, target, secret, inbox, made, confirmed, next) SELECT 'key' || i, 'd' || i || '.example', 'https://h' || i || '.example/', '', '', 1, 1, 1 FROM n`, watches)
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
