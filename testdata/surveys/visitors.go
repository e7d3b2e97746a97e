package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"mxseal/testdata/daemon"
	"mxseal/testdata/faults/world"
)

// Visitors who ask for one domain each, one after the other, whether or not those before have their report.
const (
	askers   = 100
	askEvery = 200 * time.Millisecond
	askFirst = 10_000_000 // domains that stand on no list
)

// measureVisitors prints for how long visitors of mxseal serve wait for a report, with nothing else to do and
// beside a survey, on one PostgreSQL with a worker. The mail servers are those of the survey.
func measureVisitors(dir, binary, list string, database *daemon.Postgres) error {
	at, err := database.NewDatabase(context.Background(), "visitors")
	if err != nil {
		return err
	}
	around, err := startInternet(dir)
	if err != nil {
		return err
	}
	defer around.cmd.Wait()
	defer around.cmd.Process.Kill()
	for _, args := range [][]string{{"migrate"}, {"survey", "create", "many", "--special", "--file", list}} {
		if out, err := exec.Command(binary, append(args, "--database", at)...).CombinedOutput(); err != nil {
			return fmt.Errorf("%v: %w: %s", args, err, out)
		}
	}
	p, err := world.Serve(binary, filepath.Join(dir, "visited"), []string{"MXSEAL_DATABASE=" + at}, around.flags...)
	if err != nil {
		return err
	}
	defer p.Stop()
	s := &shared{dir: dir, binary: binary, url: at, database: database, figures: figures{what: "visitors"}}
	defer s.end()
	if err := s.work(0, around.flags); err != nil {
		return err
	}
	alone, err := visit(p, askFirst)
	if err != nil {
		return err
	}
	run := exec.Command(binary, "survey", "run", "many", "--database", at)
	if err := run.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- run.Wait() }()
	time.Sleep(5 * time.Second) // it is under way
	beside, err := visit(p, askFirst+askers)
	if err != nil {
		return err
	}
	select {
	case err := <-ended:
		return fmt.Errorf("the survey ended before the visitors had their reports (more -domains): %v", err)
	default:
	}
	run.Process.Kill()
	<-ended
	_, _, most, err := around.counts()
	if err != nil {
		return err
	}
	fmt.Printf("%d visitors, one every %v: half have their report after %v, nine in ten after %v; during a survey after %v and %v (%.2f and %.2f times); at most %d connections to one address at a time\n",
		askers, askEvery, at50(alone), at90(alone), at50(beside), at90(beside), float64(at50(beside))/float64(at50(alone)), float64(at90(beside))/float64(at90(alone)), most)
	return nil
}

func at50(d []time.Duration) time.Duration { return at(d, 50).Round(time.Millisecond) }
func at90(d []time.Duration) time.Duration { return at(d, 90).Round(time.Millisecond) }

// visit has the visitors ask, and returns how long each waited for the report.
func visit(p *world.Program, first int) ([]time.Duration, error) {
	var mu sync.Mutex
	var waits []time.Duration
	var trouble error
	var work sync.WaitGroup
	for n := range askers {
		work.Go(func() {
			took, err := ask(p, world.Listed(first+n))
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				trouble = err
				return
			}
			waits = append(waits, took)
		})
		time.Sleep(askEvery)
	}
	work.Wait()
	slices.Sort(waits)
	return waits, trouble
}

// ask asks for a domain and looks every 50 ms whether its report is there.
func ask(p *world.Program, domain string) (time.Duration, error) {
	began := time.Now()
	c := world.Visitor(true)
	defer c.CloseIdleConnections()
	resp, err := c.PostForm(p.URL+"/check", url.Values{"domain": {domain}})
	if err != nil {
		return 0, err
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusSeeOther {
		return 0, fmt.Errorf("POST of %s: %s", domain, resp.Status)
	}
	for time.Since(began) < 2*time.Minute {
		var r struct {
			Grade       struct{ Letter string }
			Interrupted string
		}
		there, err := p.Report(c, domain, &r)
		switch {
		case err != nil:
			return 0, fmt.Errorf("%s: %w", domain, err)
		case there && (r.Interrupted != "" || r.Grade.Letter == "T"):
			return 0, fmt.Errorf("%s: the letter is %s. %s", domain, r.Grade.Letter, r.Interrupted)
		case there:
			return time.Since(began), nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return 0, fmt.Errorf("%s: no report after %v", domain, time.Since(began))
}
