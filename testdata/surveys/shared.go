package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"mxseal/testdata/daemon"
	"mxseal/testdata/faults/world"
)

// fewAtOnce is what a worker does at a time where waiting is to be the limit, and not the processors.
const fewAtOnce = 4

// measureShared has one and two workers on a PostgreSQL make a run, and two of which one is killed again
// and again, and the database too; and visitors wait beside a run. Then it looks for reports among many.
func measureShared(dir, binary, list string) error {
	run, err := daemon.Open("mxseal-shared-", "testdata/real/install.sh", daemon.PostgreSQL)
	if run != nil {
		defer run.Close()
	}
	if err != nil {
		return err
	}
	n, err := run.Claim(33, 1, 5432)
	if err != nil {
		return err
	}
	database, err := run.StartPostgres(fmt.Sprintf("127.33.%d.1:5432", n))
	if err != nil {
		return err
	}
	fmt.Printf("\nWorkers on one PostgreSQL, %d domains and mail servers at a time each:\n", fewAtOnce)
	var took []time.Duration
	for i, c := range []struct {
		what                    string
		workers, kills, crashes int
	}{{"one", 1, 0, 0}, {"two", 2, 0, 0}, {"two, killed", 2, *kills, 3}} {
		url, err := database.NewDatabase(context.Background(), fmt.Sprint("run", i))
		if err != nil {
			return err
		}
		s := &shared{dir: dir, binary: binary, url: url, database: database, figures: figures{what: c.what}}
		if err := s.measure(list, c.workers, c.kills, c.crashes); err != nil {
			return fmt.Errorf("workers: %s: %w", c.what, err)
		}
		took = append(took, s.took)
		fmt.Printf("  %-12s %.1fs, %.0f domains a second, %.2f of the time of one; %.3f looks an address, at most %d connections to one at a time, %d results, none twice\n", c.what, s.took.Seconds(),
			float64(*domains)/s.took.Seconds(), s.took.Seconds()/took[0].Seconds(), float64(s.looks)/float64(world.Hosters+world.Pool), s.most, s.lines)
	}
	if err := measureVisitors(dir, binary, list, database); err != nil {
		return fmt.Errorf("visitors: %w", err)
	}
	return measureDatabase(database, *reports)
}

// shared is one run on a PostgreSQL.
type shared struct {
	figures
	dir, binary, url string
	database         *daemon.Postgres

	mu      sync.Mutex
	workers []*exec.Cmd
}

func (s *shared) measure(list string, workers, kills, crashes int) error {
	around, err := startInternet(s.dir)
	if err != nil {
		return err
	}
	defer around.cmd.Wait()
	defer around.cmd.Process.Kill()
	for _, args := range [][]string{{"migrate"}, {"survey", "create", "many", "--special", "--file", list}} {
		if out, err := exec.Command(s.binary, append(args, "--database", s.url)...).CombinedOutput(); err != nil {
			return fmt.Errorf("%v: %w: %s", args, err, out)
		}
	}
	defer s.end()
	for i := range workers {
		if err := s.work(i, around.flags); err != nil {
			return err
		}
	}
	stop := make(chan struct{})
	var trouble sync.WaitGroup
	trouble.Go(func() { err = s.trouble(stop, around.flags, kills, crashes) })
	began := time.Now()
	out, _, failed := s.run(s.binary, []string{"survey", "run", "many", "--database", s.url}, 0)
	s.took = time.Since(began)
	close(stop)
	trouble.Wait()
	if failed != nil || err != nil {
		return fmt.Errorf("%w, %w", failed, err)
	}
	m := looked.FindStringSubmatch(out)
	if m == nil {
		return fmt.Errorf("the program says: %s", out)
	}
	fmt.Sscan(m[2], &s.looks)
	if _, _, s.most, err = around.counts(); err != nil {
		return err
	}
	return s.check(s.binary, "--database", s.url)
}

// work starts a worker, in the place of another where there is one.
func (s *shared) work(i int, flags []string) error {
	c := exec.Command(s.binary, append([]string{"work", "--database", s.url, "--name", fmt.Sprint(i), "--at-once", fmt.Sprint(fewAtOnce)}, flags...)...)
	log, err := os.OpenFile(filepath.Join(s.dir, fmt.Sprintf("worker-%s-%d.log", s.what, i)), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	c.Stderr = log
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	s.mu.Lock()
	defer s.mu.Unlock()
	if i < len(s.workers) {
		s.workers[i] = c
	} else {
		s.workers = append(s.workers, c)
	}
	return c.Start()
}

// trouble kills the second worker and the database so many times, evenly over a run, and starts them again.
func (s *shared) trouble(stop chan struct{}, flags []string, kills, crashes int) error {
	if kills+crashes == 0 {
		return nil
	}
	pause := time.Duration(*domains) * time.Second / 50 / time.Duration(kills+crashes+1)
	for n := range kills + crashes {
		select {
		case <-stop:
			return fmt.Errorf("the run was over after %d of %d kills", n, kills+crashes)
		case <-time.After(pause):
		}
		if n*crashes/(kills+crashes) != (n+1)*crashes/(kills+crashes) {
			s.database.Kill()
			if err := s.database.Start(); err != nil {
				return err
			}
			continue
		}
		s.workers[1].Process.Kill()
		s.workers[1].Wait()
		if err := s.work(1, flags); err != nil {
			return err
		}
	}
	return nil
}

func (s *shared) end() {
	for _, c := range s.workers {
		c.Process.Kill()
		c.Wait()
	}
}
