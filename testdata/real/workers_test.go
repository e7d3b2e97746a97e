package real

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"mxseal/testdata/daemon"
	"mxseal/web/store/postgres"
)

// shared is a PostgreSQL with the commands of the program on it.
type shared struct {
	t *testing.T
	*daemon.Postgres
	run *daemon.Run
}

func share(t *testing.T) *shared {
	t.Helper()
	run, err := daemon.Open("mxseal-workers-", "testdata/real/install.sh", daemon.PostgreSQL)
	t.Cleanup(func() { run.Close() })
	if err != nil {
		t.Fatal(err)
	}
	n, err := run.Claim(32, 1, 5432)
	if err != nil {
		t.Fatal(err)
	}
	p, err := run.StartPostgres(fmt.Sprintf("127.32.%d.1:5432", n), daemon.Unsynced)
	if err != nil {
		t.Fatal(err)
	}
	return &shared{t: t, Postgres: p, run: run}
}

// do runs a command to its end and returns what it says.
func (s *shared) do(args ...string) []byte {
	s.t.Helper()
	c := exec.Command(the.program(), args...)
	c.Env = []string{"PATH=/usr/bin:/bin", "HOME=" + the.Dir, "MXSEAL_DATABASE=" + s.URL}
	var said bytes.Buffer
	c.Stderr = &said
	out, err := c.Output()
	if err != nil {
		s.t.Fatalf("%s: %v\n%s%s", strings.Join(args, " "), err, out, &said)
	}
	return out
}

// work starts a worker, and returns what kills it.
func (s *shared) work(name string, flags ...string) (kill func()) {
	s.t.Helper()
	c := exec.Command(the.program(), append([]string{"work", "--name", name}, flags...)...)
	c.Env = []string{"PATH=/usr/bin:/bin", "HOME=" + the.Dir, "MXSEAL_DATABASE=" + s.URL}
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	log, err := os.Create(filepath.Join(s.run.Dir, name+".log"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer log.Close()
	c.Stdout, c.Stderr = log, log
	if err := c.Start(); err != nil {
		s.t.Fatal(err)
	}
	gone := make(chan struct{})
	go func() { c.Wait(); close(gone) }()
	kill = func() { c.Process.Kill(); <-gone }
	s.t.Cleanup(func() {
		kill()
		if s.t.Failed() {
			s.t.Logf("%s:\n%s", name, s.run.Read(name+".log"))
		}
	})
	return kill
}

// letters are those of a survey's last run, by domain.
func (s *shared) letters(name string) map[string]string {
	s.t.Helper()
	rows, err := csv.NewReader(bytes.NewReader(s.do("survey", "export", name, "--format", "csv"))).ReadAll()
	if err != nil {
		s.t.Fatal(err)
	}
	letters := make(map[string]string)
	for _, row := range rows[1:] {
		letters[row[0]] = row[2]
	}
	return letters
}

// Two workers on a real PostgreSQL give the domains of the real servers the letters that they have by
// themselves, also where one of them is killed, and the database too.
func TestWorkers(t *testing.T) {
	s := share(t)
	if said := s.do("migrate"); !strings.Contains(string(said), "up to date") {
		t.Fatalf("%s", said)
	}
	want := make(map[string]string)
	var list strings.Builder
	for _, d := range domains {
		want[d.name] = d.letter
		fmt.Fprintln(&list, d.name)
	}
	file := filepath.Join(s.run.Dir, "list")
	if err := os.WriteFile(file, []byte(list.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	s.do("survey", "create", "all", "--special", "--file", file)
	s.work("one", the.flags()...)
	kill := s.work("two", the.flags()...)
	var trouble sync.WaitGroup
	trouble.Go(func() {
		time.Sleep(3 * time.Second)
		kill()
		time.Sleep(2 * time.Second)
		s.Kill()
		if err := s.Start(); err != nil {
			t.Error(err)
		}
		time.Sleep(3 * time.Second)
		s.work("three", the.flags()...)
	})
	out := s.do("survey", "run", "all")
	trouble.Wait()
	compare(t, s.letters("all"), want)
	t.Logf("%s", out)
}

// Who has opted out at the site is left alone by workers that were told nothing, also where the site has
// ended since.
func TestOptOutsReachWorkers(t *testing.T) {
	s := share(t)
	left, looked := domains[0], domains[1]
	file := filepath.Join(s.run.Dir, "opt-out")
	if err := os.WriteFile(file, []byte(left.name+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	site, err := daemon.Serve(the.program(), filepath.Join(s.run.Dir, "site"), []string{"MXSEAL_DATABASE=" + s.URL}, append(the.flags(), "--opt-out-file", file)...)
	if err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(time.Minute); len(s.optOuts()) == 0; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the site keeps its list to itself")
		}
	}
	if err := site.Stop(time.Minute); err != nil {
		t.Fatal(err)
	}
	list := filepath.Join(s.run.Dir, "two")
	if err := os.WriteFile(list, []byte(left.name+"\n"+looked.name+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	s.do("survey", "create", "two", "--special", "--file", list)
	s.work("told", the.flags()...)
	s.do("survey", "run", "two")
	compare(t, s.letters("two"), map[string]string{left.name: "T", looked.name: looked.letter})
	if said := s.do("survey", "export", "two", "--format", "csv"); bytes.Count(said, []byte(",opted-out,")) != 1 {
		t.Errorf("not one domain has opted out:\n%s", said)
	}
}

// A database has one site. After it was killed the next opens.
func TestOneSite(t *testing.T) {
	s := share(t)
	serve := func(folder string) (*daemon.Site, error) {
		return daemon.Serve(the.program(), filepath.Join(s.run.Dir, folder), []string{"MXSEAL_DATABASE=" + s.URL}, the.flags()...)
	}
	site, err := serve("one")
	if err != nil {
		t.Fatal(err)
	}
	if second, err := serve("two"); err == nil {
		second.Kill()
		t.Error("there are two sites")
	} else if !strings.Contains(err.Error(), "the database is in use by another mxseal serve; stop that one, or run mxseal work here") {
		t.Error(err)
	}
	if err := site.Kill(); err != nil {
		t.Fatal(err)
	}
	if site, err = serve("two"); err != nil {
		t.Fatal(err)
	}
	if err := site.Stop(time.Minute); err != nil {
		t.Error(err)
	}
}

// optOuts is the list that the database has.
func (s *shared) optOuts() []byte {
	kept, err := postgres.Join(s.t.Context(), s.URL)
	if err != nil {
		s.t.Fatal(err)
	}
	defer kept.Close()
	text, err := kept.OptOuts(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	return text
}
