package surveys

import (
	"fmt"
	"io"
	"log/slog"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"mxseal/checks"
	"mxseal/checks/adoption"
	"mxseal/web/store"
	"mxseal/web/store/sqlite"
)

// junk is a list of so many lines, of which every thousandth names a domain.
func junk(lines int) io.Reader {
	kinds := []string{"\x00\xff\x1b[31m", "no domain at all", strings.Repeat("a.", 3000) + "example", "-", "192.0.2.1", ",,,", "\u202eexample.org\u202c..", "<script>alert(1)</script>", "'; DROP TABLE surveys;--"}
	in, out := io.Pipe()
	go func() {
		for n := range lines {
			text := kinds[n%len(kinds)]
			if n%1000 == 999 {
				text = fmt.Sprintf("d%d.example,label %d", n, n)
			}
			if _, err := fmt.Fprintln(out, text); err != nil {
				return
			}
		}
		out.Close()
	}()
	return in
}

// A long list of junk takes no memory that grows with it. What is wrong with it is said for the first lines,
// and counted for the others.
func TestALongListOfJunk(t *testing.T) {
	const lines = 1_000_000
	s, _ := working(Config{Store: opened(t)})
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	one, list := store.Survey{Name: "junk"}, NewList(junk(lines), parse)
	if err := s.Create(t.Context(), &one, list); err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 4<<20 {
		t.Errorf("%d octets are held after %d lines", grown, lines)
	}
	f := list.Faults
	if one.Domains != lines/1000 || f.All != lines-lines/1000 || len(f.First) != maxFaults {
		t.Errorf("%d domains, %d faults, %d of them named", one.Domains, f.All, len(f.First))
	}
	for n, err := range f.First {
		if text := err.Error(); !strings.HasPrefix(text, fmt.Sprintf("line %d: ", n+1)) || strings.ContainsAny(text, "\x00\x1b\n\u202e") || len(text) > 500 {
			t.Errorf("fault %d is said as %q", n, text)
		}
	}
	runtime.KeepAlive(list)
}

// A domain that comes a thousand times, with other labels each time, is one domain, with its first labels.
func TestADomainAThousandTimes(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	for n := range 1000 {
		fmt.Fprintf(&text, "%s,ministry %d\n", []string{"d0.example", "D0.Example.", "https://d0.example/#top"}[n%3], n)
	}
	kept := opened(t)
	s, e := working(Config{Store: kept}.reporting(nobody, nowhere))
	one, list := store.Survey{Name: "again"}, NewList(strings.NewReader(text.String()), parse)
	if err := s.Create(t.Context(), &one, list); err != nil || one.Domains != 1 || list.Taken != 1000 || list.Faults.All != 0 {
		t.Fatalf("%+v, %d lines, %+v, %v", one, list.Taken, list.Faults, err)
	}
	if _, err := s.Start(t.Context(), "again"); err != nil {
		t.Fatal(err)
	}
	if err := e.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	run := ended(t, kept, "again")
	if err := e.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if list := rows(t, s, run); len(list) != 1 || !slices.Equal(list[0].Labels, []string{"ministry 0"}) {
		t.Errorf("%+v", list)
	}
	if totals, err := s.Totals(t.Context(), run); err != nil || totals.Domains != 1 || len(totals.Labels) != 1 {
		t.Errorf("%+v, %v", totals, err)
	}
}

// A list that is replaced while a run goes on: the survey is deleted, and another one made of its name. What
// is under way of the former finds nothing any more, and the new run has the new list alone.
func TestAListIsReplacedUnderWay(t *testing.T) {
	t.Parallel()
	const domains = 300
	kept := opened(t)
	enough := make(chan struct{})
	var once sync.Once
	looks := 0
	var mu sync.Mutex
	s, e := working(Config{Store: kept}.reporting(nobody, func(checks.Call) {
		mu.Lock()
		defer mu.Unlock()
		if looks++; looks == 3 {
			once.Do(func() { close(enough) })
		}
	}))
	create(t, s, store.Survey{Name: "one"}, many(domains))
	former, err := s.Start(t.Context(), "one")
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-enough
	if err := s.Delete(t.Context(), "one"); err != nil {
		t.Fatal(err)
	}
	create(t, s, store.Survey{Name: "one"}, "d0.example,new\nd900.example,new\n")
	if _, err := s.Start(t.Context(), "one"); err != nil {
		t.Fatal(err)
	}
	run := ended(t, kept, "one")
	for _, table := range []string{"survey_results", "survey_parts", "survey_waits", "survey_looks", "survey_servers"} {
		for left := 1; left > 0; time.Sleep(20 * time.Millisecond) { // until it is cleared away
			if err := kept.Writer().QueryRow("SELECT count(*) FROM "+table+" WHERE run = ?", former.ID).Scan(&left); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := e.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	list := rows(t, s, run)
	if len(list) != 2 || list[0].Domain != "d0.example" || list[1].Domain != "d900.example" || list[1].Labels[0] != "new" || run.ID == former.ID {
		t.Errorf("run %d: %+v", run.ID, list)
	}
}

// heard is a log that tests read while it is written.
type heard struct {
	mu   sync.Mutex
	text strings.Builder
}

func (h *heard) Write(b []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.text.Write(b)
}

func (h *heard) says(what string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return strings.Contains(h.text.String(), what)
}

// The disk fills up during a run: it waits, the log says why, and when there is room again it goes on. Every
// domain has one result.
func TestAFullDisk(t *testing.T) {
	t.Parallel()
	const domains = maxUnderWay + 400 // of which not all are under way when it fills up: the jobs of the others need room
	const places = 64                 // so many are being looked at then, and what is seen of them needs more than is left of a page
	kept := opened(t)
	enough, full := make(chan struct{}), make(chan struct{})
	var mu sync.Mutex
	seen := 0
	var log heard
	s, e := logged(Config{Store: kept}.reporting(func(string) {
		mu.Lock()
		seen++
		n := seen
		mu.Unlock()
		if n == 100+places {
			close(enough)
		}
		if n > 100 { // the rest comes when there is no room
			<-full
		}
	}, nowhere), places, slog.New(slog.NewTextHandler(&log, nil)))
	create(t, s, store.Survey{Name: "many"}, many(domains))
	if _, err := s.Start(t.Context(), "many"); err != nil {
		t.Fatal(err)
	}
	if err := e.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-enough
	pages(t, kept, 1) // no more than there are
	close(full)
	for !log.says("a job failed") || !log.says("full") {
		time.Sleep(20 * time.Millisecond)
	}
	run, err := kept.Runs(t.Context(), "many", 1)
	if err != nil || len(run) != 1 || !run[0].Ended.IsZero() {
		t.Fatalf("on a full disk: %+v, %v", run, err)
	}
	pages(t, kept, 1<<30)
	stop := make(chan struct{})
	var work sync.WaitGroup
	work.Go(func() { // jobs of which the end could not be noted are taken up a minute later
		for {
			select {
			case <-stop:
				return
			case <-time.After(500 * time.Millisecond):
				kept.Writer().Exec("UPDATE river_job SET attempted_at = datetime('now', '-2 minutes') WHERE state = 'running' AND attempted_at < datetime('now', '-3 seconds')")
				kept.Writer().Exec("UPDATE river_job SET scheduled_at = datetime('now') WHERE state = 'retryable'")
			}
		}
	})
	last := ended(t, kept, "many")
	close(stop)
	work.Wait()
	if err := e.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	once(t, s, last, domains)
}

// pages bounds the pages of the file of SQLite; one that has more takes none further, as on a full disk.
func pages(t *testing.T, s *store.Store, n int) {
	t.Helper()
	if _, err := s.Writer().Exec(fmt.Sprint("PRAGMA max_page_count = ", n)); err != nil {
		t.Fatal(err)
	}
}

// once holds that a run has each of so many domains once, with a letter, and that it is counted so.
func once(t *testing.T, s *Surveys, run store.Run, domains int) {
	t.Helper()
	seen := make(map[string]bool)
	for _, r := range rows(t, s, run) {
		if seen[r.Domain] || r.Letter != "C" {
			t.Errorf("%s: %+v, twice: %v", r.Domain, r.Facts, seen[r.Domain])
		}
		seen[r.Domain] = true
	}
	if totals, err := s.Totals(t.Context(), run); err != nil || len(seen) != domains || run.Done != domains || totals.Domains != domains || totals.Letters["C"] != domains {
		t.Errorf("%d domains of %d, %+v, %+v, %v", len(seen), domains, run, totals, err)
	}
}

// Killed at any moment, from the first domain to the end of the counting: every domain is counted once, and
// what lay between the jobs is cleared away.
func TestARunSurvivesKillsAtAnyMoment(t *testing.T) {
	t.Parallel()
	const domains = 150
	path := filepath.Join(t.TempDir(), "mxseal.db")
	kept, err := sqlite.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer kept.Close()
	s, _ := working(Config{Store: kept}.reporting(nobody, nowhere))
	create(t, s, store.Survey{Name: "many"}, many(domains))
	run, err := s.Start(t.Context(), "many")
	if err != nil {
		t.Fatal(err)
	}
	left := func() (n int) {
		t.Helper()
		if err := kept.Writer().QueryRow(`SELECT (SELECT count(*) FROM survey_runs WHERE brief IS NULL) + (SELECT count(*) FROM survey_parts) + (SELECT count(*) FROM survey_waits)
			+ (SELECT count(*) FROM survey_looks) + (SELECT count(*) FROM survey_servers)`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	kills := 0
	for lives := 150 * time.Millisecond; left() > 0; lives += lives / 8 { // a slow machine needs longer to begin at all
		aMinuteLater(t, kept)
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), "MXSEAL_TEST_SURVEY="+path)
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(lives + time.Duration(rand.Int63n(int64(lives))))
		if err := child.Process.Kill(); err != nil { // SIGKILL
			t.Fatal(err)
		}
		child.Wait()
		kills++
	}
	t.Logf("killed %d times", kills)
	if run, err = kept.Run(t.Context(), run.ID); err != nil {
		t.Fatal(err)
	}
	once(t, s, run, domains)
	names, _ := behind(t, s, run, "letter", "C")
	if slices.Sort(names); len(slices.Compact(names)) != domains {
		t.Errorf("%d domains are behind the number of %d", len(names), domains)
	}
}

// How fast a run goes is what this process has done of it, whatever the clock said when it began.
func TestThePaceOfARun(t *testing.T) {
	kept := opened(t)
	s, _ := working(Config{Store: kept})
	create(t, s, store.Survey{Name: "four"}, many(4))
	run, err := s.Start(t.Context(), "four")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := kept.Writer().Exec("UPDATE survey_runs SET began = ?", time.Now().AddDate(0, 0, 1).UnixMilli()); err != nil {
		t.Fatal(err)
	}
	for n, want := range []int{0, 0, 1, 2, 0} {
		shown, err := s.Find(t.Context(), "four")
		if err != nil || shown.Work.Domains != want || (shown.Work.Since.IsZero() != (n == 0 || n == 4)) {
			t.Errorf("after %d domains: %+v, %v", n, shown.Work, err)
		}
		if n < 4 {
			if err := s.keep(t.Context(), line{run.ID, n}, adoption.None("")); err != nil {
				t.Fatal(err)
			}
		}
	}
	if run, err = kept.Run(t.Context(), run.ID); err != nil || run.Ended.Before(run.Began) {
		t.Errorf("it ended before it began: %+v, %v", run, err)
	}
}
