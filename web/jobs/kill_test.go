package jobs

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"mxseal/web/store"
	"mxseal/web/store/sqlite"
	"mxseal/web/store/storetest"
)

// TestMain lets the test binary be the process that is killed: with a path in the environment it
// does the jobs that are kept there, without end, and prints each that it has done.
func TestMain(m *testing.M) {
	if path := os.Getenv("MXSEAL_TEST_JOBS"); path != "" {
		fmt.Fprintln(os.Stderr, doErrands(path))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func doErrands(path string) error {
	s, err := sqlite.Open(path)
	if err != nil {
		return err
	}
	e, err := New(Config{Store: s, Kinds: []Kind{keeping(s, func(n int) { fmt.Println(n) })}, Queues: map[string]int{"errands": 4}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	if err := e.Start(context.Background()); err != nil {
		return err
	}
	select {} // until it is killed
}

// keeping keeps a report for every errand, under an id that is the errand's.
func keeping(s *store.Store, done func(int)) Kind {
	return Do("errands", 1, func(ctx context.Context, e errand, _ int) error {
		id := fmt.Sprint("errand-", e.N)
		if _, err := s.Entry(ctx, id); !errors.Is(err, store.ErrNotFound) {
			return err // it is there: a process died between the report and the end of the job
		}
		if err := s.Save(ctx, storetest.Sample("example.org", id, storetest.Noon)); err != nil {
			return err
		}
		done(e.N)
		return nil
	})
}

// Whenever the process is killed: every job is done in the end, and what it keeps is there once.
func TestNothingIsLostAndNothingTwiceOnKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mxseal.db")
	s, err := sqlite.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	const jobs, kills = 400, 3
	finished := make(chan struct{}, jobs)
	last := engine(t, Config{Store: s, Kinds: []Kind{keeping(s, func(int) { finished <- struct{}{} })}, Queues: map[string]int{"errands": 4}, limit: time.Second, rescue: time.Second})
	var list []Args
	for n := range jobs {
		list = append(list, errand{n})
	}
	add(t, s, last, list...)
	for range kills {
		killAfter(t, path, 30)
	}
	if _, err := s.Writer().Exec("DELETE FROM river_leader"); err != nil { // rather than wait until the lease of the dead has ended
		t.Fatal(err)
	}
	started(t, last)
	for n := int64(0); n < jobs; {
		select {
		case <-finished:
		case <-time.After(100 * time.Millisecond):
		}
		if n, err = s.Reports(t.Context()); err != nil || n > jobs {
			t.Fatalf("%d reports of %d jobs, %v", n, jobs, err)
		}
	}
	for n := range jobs {
		if _, err := s.Get(t.Context(), fmt.Sprint("errand-", n)); err != nil {
			t.Errorf("errand %d: %v", n, err)
		}
	}
}

// killAfter runs a process that does jobs, and kills it in the middle of its work.
func killAfter(t *testing.T, path string, done int) {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), "MXSEAL_TEST_JOBS="+path)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	n := 0
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if n++; n == done {
			if err := child.Process.Kill(); err != nil { // SIGKILL
				t.Fatal(err)
			}
		}
	}
	if err := child.Wait(); err == nil || n < done {
		t.Fatalf("it ended after %d jobs: %v", n, err)
	}
}
