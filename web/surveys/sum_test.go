package surveys

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"mxseal/checks/adoption"
	"mxseal/checks/report"
	"mxseal/web/store"
)

var noon = time.Date(2026, 8, 3, 12, 0, 0, 0, time.UTC)

// made keeps a run that began then, as if facts had been found of each line.
func made(t *testing.T, s *Surveys, name string, began time.Time, facts func(n int) adoption.Facts) (run store.Run) {
	t.Helper()
	if err := s.cfg.Store.Change(t.Context(), func(tx *store.Tx) (err error) {
		if run, _, err = tx.StartRun(t.Context(), name, began); err != nil {
			return err
		}
		for n := range run.Domains {
			text, err := json.Marshal(facts(n))
			if err != nil {
				return err
			}
			if _, err := tx.KeepResult(t.Context(), run.ID, n, text, began.Add(time.Hour)); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return run
}

// counted counts such a run.
func counted(t *testing.T, s *Surveys, run store.Run) *adoption.Totals {
	t.Helper()
	if err := s.Count(t.Context(), run.ID); err != nil {
		t.Fatal(err)
	}
	text, err := s.cfg.Store.Totals(t.Context(), run.ID)
	if err != nil {
		t.Fatal(err)
	}
	totals := adoption.NewTotals()
	if err := json.Unmarshal(text, totals); err != nil {
		t.Fatal(err)
	}
	return totals
}

func lettered(l report.Letter) adoption.Facts {
	f := adoption.None("")
	f.Letter, f.DANE, f.Provider = l, adoption.No, "Example Hosting"
	if l == "A" {
		f.DANE = adoption.Yes
	}
	return f
}

// What has moved is counted against the run before and the one a year ago, where there is one near that.
func TestWhatHasMoved(t *testing.T) {
	s, _ := working(Config{Store: opened(t)})
	create(t, s, store.Survey{Name: "four"}, "a.example,x\nb.example,x\nc.example\nd.example\n")
	var totals *adoption.Totals
	for _, c := range []struct {
		began      time.Time
		letters    []report.Letter
		last, year *adoption.Moves
	}{
		{noon.AddDate(-1, 0, -3), []report.Letter{"F", "F", "C", "T"}, nil, nil},
		{noon.AddDate(0, -6, 0), []report.Letter{"A", "F", "C", "C"}, &adoption.Moves{Began: noon.AddDate(-1, 0, -3), Up: 1, Moved: []adoption.Move{{From: "F", To: "A", Domains: 1}}}, nil},
		{noon.AddDate(0, 0, -7), []report.Letter{"A", "C", "C", "C"}, &adoption.Moves{Began: noon.AddDate(0, -6, 0), Up: 1, Moved: []adoption.Move{{From: "F", To: "C", Domains: 1}}},
			&adoption.Moves{Began: noon.AddDate(-1, 0, -3), Up: 2, Moved: []adoption.Move{{From: "F", To: "A", Domains: 1}, {From: "F", To: "C", Domains: 1}}}},
		{noon, []report.Letter{"A", "A", "D", "C"}, &adoption.Moves{Began: noon.AddDate(0, 0, -7), Up: 1, Down: 1, Moved: []adoption.Move{{From: "C", To: "A", Domains: 1}, {From: "C", To: "D", Domains: 1}}},
			&adoption.Moves{Began: noon.AddDate(-1, 0, -3), Up: 2, Down: 1, Moved: []adoption.Move{{From: "F", To: "A", Domains: 2}, {From: "C", To: "D", Domains: 1}}}},
	} {
		run := made(t, s, "four", c.began, func(n int) adoption.Facts { return lettered(c.letters[n]) })
		now, err := s.Totals(t.Context(), run) // before they are kept
		if err != nil {
			t.Fatal(err)
		}
		if totals = counted(t, s, run); !reflect.DeepEqual(totals.LastRun, c.last) || !reflect.DeepEqual(totals.YearAgo, c.year) {
			t.Errorf("%v: since the last run %+v, want %+v; since a year ago %+v, want %+v", c.began, totals.LastRun, c.last, totals.YearAgo, c.year)
		}
		if kept, _ := s.Totals(t.Context(), run); !reflect.DeepEqual(now.Letters, kept.Letters) || !reflect.DeepEqual(now.LastRun, kept.LastRun) || len(now.Providers) != len(kept.Providers) {
			t.Errorf("%v: before it was kept %+v, after it %+v", c.began, now, kept)
		}
	}
	shown, err := s.Find(t.Context(), "four")
	for number, domains := range map[adoption.Number]string{adoption.Changed(adoption.SinceLastRun, "C", "A"): "b.example", adoption.Changed(adoption.SinceAYearAgo, "F", "A"): "a.example b.example",
		adoption.Changed(adoption.SinceLastRun, "A", "A"): ""} {
		names, _ := behind(t, s, shown.Runs[0], number.What, number.Answer)
		if strings.Join(names, " ") != domains || totals.Of(number) != len(names) {
			t.Errorf("%s: %v, counted %d", number, names, totals.Of(number))
		}
	}
	if err != nil || len(shown.Runs) != 4 || BriefOf(shown.Runs[3]).Letters["F"] != 2 {
		t.Errorf("%+v, %v", shown, err)
	}
}

// behind are the names of the domains behind a number, block by block.
func behind(t *testing.T, s *Surveys, run store.Run, what, answer string) (names []string, blocks int) {
	t.Helper()
	for from := 0; ; {
		rows, next, err := s.Behind(t.Context(), run, adoption.Number{What: what, Answer: answer}, from)
		if errors.Is(err, store.ErrNotFound) {
			return names, blocks
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			names = append(names, r.Domain)
		}
		if blocks++; next == 0 {
			return names, blocks
		}
		from = next
	}
}

// Each number leads to its domains, in order and once; of many providers the largest are kept.
func TestTheDomainsBehindANumber(t *testing.T) {
	const domains = readRows + 50
	s, _ := working(Config{Store: opened(t)})
	create(t, s, store.Survey{Name: "many"}, many(domains))
	run := made(t, s, "many", noon, func(n int) adoption.Facts {
		f := lettered([]report.Letter{"A", "C"}[n%2])
		f.Provider = fmt.Sprintf("provider %d", n%(n/50+1)) // the first ones have the most
		return f
	})
	totals := counted(t, s, run)
	if len(totals.Providers) != maxProviders || totals.Providers[0].Name != "provider 0" {
		t.Errorf("%d providers, the largest is %s", len(totals.Providers), totals.Providers[0].Name)
	}
	for number, want := range map[string]int{"letter A": domains / 2, "dane no": domains / 2, "starttls untested": domains, "provider provider 0": totals.Providers[0].Domains, "provider provider 40": 0, "letter F": 0} {
		what, answer, _ := strings.Cut(number, " ")
		names, blocks := behind(t, s, run, what, answer)
		seen := make(map[string]bool)
		for _, name := range names {
			seen[name] = true
		}
		if len(names) != want || len(seen) != want || blocks != (want+blockLines-1)/blockLines {
			t.Errorf("%s: %d domains, %d of them different, in %d blocks; want %d", number, len(names), len(seen), blocks, want)
		}
	}
}

// What was counted in steps is as if it were counted at once, and of two who count the same lines one is kept.
func TestCountingGoesOn(t *testing.T) {
	s, _ := working(Config{Store: opened(t)})
	create(t, s, store.Survey{Name: "many"}, many(400))
	run := made(t, s, "many", noon, func(n int) adoption.Facts { return lettered([]report.Letter{"A", "C"}[n%2]) })
	whole, err := s.Totals(t.Context(), run)
	if err != nil {
		t.Fatal(err)
	}
	c, err := s.summing(t.Context(), run.ID, nil)
	if err != nil {
		t.Fatal(err)
	}
	list, err := s.cfg.Store.Results(t.Context(), run.ID, 0, 350, c.Earlier)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range list {
		row, err := rowOf(r)
		if err != nil {
			t.Fatal(err)
		}
		c.add(row, r.Earlier)
	}
	for range 2 { // the second one is too late, and changes nothing
		if err := s.keepStep(t.Context(), run.ID, 0, 350, false, c); err != nil {
			t.Fatal(err)
		}
	}
	if totals := counted(t, s, run); !reflect.DeepEqual(totals.Letters, whole.Letters) || totals.Domains != 400 || totals.Providers[0].Domains != 400 {
		t.Errorf("%+v, want %+v", totals, whole)
	}
	if names, blocks := behind(t, s, run, "letter", "A"); len(names) != 200 || blocks != 2 {
		t.Errorf("%d domains in %d blocks", len(names), blocks)
	}
	if more, err := s.step(t.Context(), run.ID); more || err != nil {
		t.Errorf("counted once more: %v, %v", more, err)
	}
}

// The run beyond those that are kept is cleared away by a job, some at a time.
func TestFormerRunsAreCleared(t *testing.T) {
	t.Parallel()
	kept := opened(t)
	s, e := working(Config{Store: kept}.reporting(nobody, nowhere))
	create(t, s, store.Survey{Name: "two"}, "a.example\nb.example\n")
	for n := range maxRuns {
		made(t, s, "two", noon.AddDate(0, 0, n), func(int) adoption.Facts { return lettered("C") })
	}
	if _, err := s.Start(t.Context(), "two"); err != nil {
		t.Fatal(err)
	}
	rows := func() (n int) {
		t.Helper()
		if err := kept.Writer().QueryRow("SELECT (SELECT count(*) FROM survey_results) + (SELECT count(*) FROM survey_runs)").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := rows(); n != 3*maxRuns {
		t.Errorf("%d rows after the start: the change has deleted results", n)
	}
	if err := e.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	ended(t, kept, "two")
	for rows() != 3*maxRuns { // the new run has two more
		time.Sleep(20 * time.Millisecond)
	}
	if err := e.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if list, err := kept.Runs(t.Context(), "two", 2*maxRuns); err != nil || len(list) != maxRuns || list[maxRuns-1].Began.Equal(noon) {
		t.Errorf("%d runs, %v", len(list), err)
	}
}

// A survey that is deleted leaves nothing behind, and another may have its name.
func TestDelete(t *testing.T) {
	kept := opened(t)
	s, e := working(Config{Store: kept})
	for range 2 {
		create(t, s, store.Survey{Name: "two"}, "a.example,x\nb.example\n")
		counted(t, s, made(t, s, "two", noon, func(int) adoption.Facts { return lettered("C") }))
		if err := s.Delete(t.Context(), "two"); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Find(t.Context(), "two"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("it is still there: %v", err)
		}
	}
	if err := s.Delete(t.Context(), "two"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("it is deleted twice: %v", err)
	}
	if err := e.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	left := func() (n int) {
		if err := kept.Writer().QueryRow(`SELECT (SELECT count(*) FROM survey_lines) + (SELECT count(*) FROM survey_results) + (SELECT count(*) FROM survey_numbers)
			+ (SELECT count(*) FROM survey_sums) + (SELECT count(*) FROM survey_runs)`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	for left() > 0 {
		time.Sleep(20 * time.Millisecond)
	}
	if err := e.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestChange(t *testing.T) {
	s, _ := working(Config{Store: opened(t)})
	create(t, s, store.Survey{Name: "two"}, "a.example\n")
	if err := s.Change(t.Context(), store.Survey{Name: "two", Title: "Two\x1b", Every: 2 * time.Hour, Named: true}); err != nil {
		t.Fatal(err)
	}
	got, err := s.cfg.Store.Survey(t.Context(), "two")
	if err != nil || !strings.HasPrefix(got.Title, "Two") || strings.Contains(got.Title, "\x1b") || got.Every != 2*time.Hour || !got.Named || got.Domains != 1 {
		t.Errorf("%+v, %v", got, err)
	}
	for _, wrong := range []store.Survey{{Name: "two", Every: time.Minute}, {Name: "none"}} {
		if err := s.Change(t.Context(), wrong); err == nil {
			t.Errorf("%+v was taken", wrong)
		}
	}
}

// A run that nobody has counted is counted when it is looked which survey is due.
func TestAnUncountedRunIsCountedLater(t *testing.T) {
	kept := opened(t)
	s, e := working(Config{Store: kept})
	create(t, s, store.Survey{Name: "two"}, "a.example\nb.example\n")
	run := made(t, s, "two", noon.AddDate(-1, 0, 0), func(int) adoption.Facts { return lettered("C") })
	if err := e.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	for {
		if got, err := kept.Run(t.Context(), run.ID); err != nil || got.Brief != nil {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if err := e.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if totals, err := s.Totals(t.Context(), run); err != nil || totals.Letters["C"] != 2 {
		t.Errorf("%+v, %v", totals, err)
	}
}
