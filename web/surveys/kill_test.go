package surveys

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"mxseal/web/store"
	"mxseal/web/store/sqlite"
)

// TestMain lets the test binary be the process that is killed: with a path in the environment it
// goes on with the runs that are kept there, and prints each domain that it looks at.
func TestMain(m *testing.M) {
	if path := os.Getenv("MXSEAL_TEST_SURVEY"); path != "" {
		fmt.Fprintln(os.Stderr, goOn(path))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func goOn(path string) error {
	s, err := sqlite.Open(path)
	if err != nil {
		return err
	}
	_, e := working(Config{Store: s}.reporting(func(domain string) { fmt.Println(domain) }, nowhere))
	if err := e.Start(context.Background()); err != nil {
		return err
	}
	select {} // until it is killed
}

// However often the process is killed: in the end every domain has one result, and few were looked at
// twice.
func TestARunSurvivesKills(t *testing.T) {
	t.Parallel()
	const domains, kills = 1000, 10
	path := filepath.Join(t.TempDir(), "mxseal.db")
	kept, err := sqlite.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer kept.Close()
	looks := make(chan string, 10*domains)
	s, e := working(Config{Store: kept}.reporting(func(domain string) { looks <- domain }, nowhere))
	create(t, s, store.Survey{Name: "many"}, many(domains))
	if _, err := s.Start(t.Context(), "many"); err != nil {
		t.Fatal(err)
	}
	for range kills {
		aMinuteLater(t, kept)
		for _, domain := range killAfter(t, path, 40) {
			looks <- domain
		}
	}
	aMinuteLater(t, kept)
	if err := e.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	run := ended(t, kept, "many")
	if err := e.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	seen := make(map[string]bool)
	for _, r := range rows(t, s, run) {
		if seen[r.Domain] || r.Letter != "C" {
			t.Errorf("%s: %+v, twice: %v", r.Domain, r.Facts, seen[r.Domain])
		}
		seen[r.Domain] = true
	}
	if len(seen) != domains || run.Done != domains {
		t.Errorf("%d domains of %d, %+v", len(seen), domains, run)
	}
	if n := len(looks); n > domains+(kills+1)*2*Beside {
		t.Errorf("%d looks at %d domains", n, domains)
	}
}

// aMinuteLater makes the jobs of a process that was killed old enough to be taken up, and ends what
// it had to say among others.
func aMinuteLater(t *testing.T, s *store.Store) {
	t.Helper()
	for _, later := range []string{
		"DELETE FROM river_leader",
		"UPDATE river_job SET attempted_at = datetime('now', '-2 minutes') WHERE state = 'running'",
	} {
		if _, err := s.Writer().Exec(later); err != nil {
			t.Fatal(err)
		}
	}
}

// killAfter runs a process that goes on with a run, kills it, and returns what it had looked at.
func killAfter(t *testing.T, path string, n int) (seen []string) {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), "MXSEAL_TEST_SURVEY="+path)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if seen = append(seen, lines.Text()); len(seen) == n {
			if err := child.Process.Kill(); err != nil { // SIGKILL
				t.Fatal(err)
			}
		}
	}
	if err := child.Wait(); err == nil || len(seen) < n {
		t.Fatalf("it ended after %d looks: %v", len(seen), err)
	}
	return seen
}
