package faults

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"mxseal/testdata/faults/world"
)

// The resolver vanishes and comes back. Meanwhile nothing is held against anybody, and the
// reason is said; afterwards checks are right again without a restart.
func TestTheResolverGoesAway(t *testing.T) {
	p := serve(t, t.TempDir(), "--depth", "quick", "--timeout", "20s")
	if r := check(t, p, "perfect.test", 30*time.Second); r.Grade.Letter != "A+" {
		t.Errorf("before: %s has %s", r.Domain, r.Grade.Letter)
	}
	the.Away()
	away := true
	defer func() {
		if away {
			the.Back()
		}
	}()
	for _, domain := range []string{"dane.test", "no-starttls.test"} {
		r := check(t, p, domain, 40*time.Second)
		if r.Grade.Letter != "T" {
			t.Errorf("without a resolver %s has %s, want T", domain, r.Grade.Letter)
		}
		reason := ""
		for _, f := range r.Findings {
			reason += f.Title + " " + f.Text + "\n"
			if f.Verdict == "fail" {
				t.Errorf("without a resolver %s fails: %s %s", domain, f.Rule, f.Title)
			}
		}
		if !strings.Contains(reason, "resolver") {
			t.Errorf("the report of %s does not say that the resolver gave no answer:\n%s", domain, reason)
		}
	}
	must(t, the.Back())
	away = false
	n := 0
	until(t, 40*time.Second, "checks are right again", func() (bool, string) {
		n++
		r := check(t, p, fmt.Sprintf("back%d.%s", n, world.Many), 30*time.Second)
		return r.Grade.Letter == "D" || r.Grade.Letter == "C", r.Grade.Letter
	})
	if r := check(t, p, "certificate.test", 30*time.Second); r.Grade.Letter != "C" {
		t.Errorf("afterwards %s has %s, want C", r.Domain, r.Grade.Letter)
	}
}

// The clock of the machine jumps: two months forward, then back to where it belongs. What
// jumps here is when the root signed, which is the same to whoever holds one against the
// other. No domain is called bogus for it, and the operator is told.
func TestTheClockJumps(t *testing.T) {
	defer the.Displace(0)
	p := serve(t, t.TempDir(), "--depth", "quick")
	c := world.Visitor(true)
	defer c.CloseIdleConnections()
	if r := check(t, p, "perfect.test", 30*time.Second); r.Grade.Letter != "A+" || r.MX.DNSSEC.State != "secure" {
		t.Errorf("before: %s has %s, MX %s", r.Domain, r.Grade.Letter, r.MX.DNSSEC.State)
	}
	judged := func(prefix string, right func(*seen) bool) {
		t.Helper()
		n := 0
		until(t, 45*time.Second, prefix, func() (bool, string) {
			n++
			r := check(t, p, fmt.Sprintf("%s%d.%s", prefix, n, world.Many), 30*time.Second)
			for _, f := range r.Findings {
				if f.Verdict == "fail" && strings.HasPrefix(f.Rule, "SEC-") {
					t.Fatalf("a domain is blamed for our clock: %s %s", f.Rule, f.Title)
				}
			}
			return right(r), fmt.Sprintf("%s, %+v, %+v", r.Grade.Letter, r.MX.DNSSEC, r.Conditions)
		})
	}
	for _, jump := range []struct {
		name string
		by   time.Duration
	}{{"forward", -60 * 24 * time.Hour}, {"backward", 60 * 24 * time.Hour}} {
		the.Displace(jump.by)
		judged(jump.name, func(r *seen) bool {
			return r.MX.DNSSEC.State == "indeterminate" && r.MX.DNSSEC.Reason == "own-clock-wrong"
		})
		operator := serve(t, t.TempDir()) // its self-test begins at once
		until(t, 20*time.Second, "/readyz tells of the clock", func() (bool, string) {
			status, body := get(c, operator.URL+"/readyz")
			return status == http.StatusServiceUnavailable && strings.Contains(body, "failed clock: "), fmt.Sprint(status, " ", body)
		})
		must(t, operator.Stop())
		the.Displace(0)
		judged("after-"+jump.name, func(r *seen) bool { return r.MX.DNSSEC.State == "insecure" })
	}
}

// Five hundred clients begin a request and never finish it. Others are served as if they
// were not there, and every one of them is cut off.
func TestSlowVisitors(t *testing.T) {
	const slow = 500
	p := serve(t, t.TempDir(), "--depth", "quick")
	check(t, p, "slow."+world.Many, 30*time.Second)
	base := atWork(t, p)
	var open, cut atomic.Int64
	var work sync.WaitGroup
	address := strings.TrimPrefix(p.URL, "http://")
	for i := range slow {
		work.Go(func() {
			c, err := net.Dial("tcp", address)
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			begin := []string{"", "G", "GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nHost: x\r\nX-", "POST /check HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\ndomain="}[i%5]
			io.WriteString(c, begin)
			open.Add(1)
			gone := make(chan struct{})
			go func() { io.Copy(io.Discard, c); close(gone) }()
			for end := time.After(45 * time.Second); ; {
				select {
				case <-gone:
					cut.Add(1)
					return
				case <-end:
					return
				case <-time.After(time.Second):
					c.Write([]byte("a")) // an octet a second
				}
			}
		})
	}
	until(t, 20*time.Second, "the slow ones are there", func() (bool, string) {
		return open.Load() == slow, fmt.Sprint(open.Load())
	})
	served := 0
	c := world.Visitor(true)
	defer c.CloseIdleConnections()
	for i := range 200 {
		if status, body := get(c, p.URL+[]string{"/", "/check/slow." + world.Many, "/badge/slow." + world.Many + ".svg", "/healthz"}[i%4]); status == http.StatusOK {
			served++
		} else {
			t.Errorf("another visitor: %d %.100s", status, body)
		}
	}
	hanging := open.Load() - cut.Load()
	r := check(t, p, "perfect.test", 30*time.Second)
	t.Logf("%d of 200 requests of others served while %d clients hung; a check of %s: %s", served, hanging, r.Domain, r.Grade.Letter)
	if served != 200 || hanging < slow/2 || r.Grade.Letter != "A+" {
		t.Errorf("served %d, hanging %d, %s", served, hanging, r.Grade.Letter)
	}
	work.Wait()
	if cut.Load() != slow {
		t.Errorf("%d of %d slow clients were cut off", cut.Load(), slow)
	}
	settled(t, p, base)
}

// atWork returns how many goroutines a program has once all that it does by itself has begun: what is
// done later begins seconds after the start.
func atWork(t *testing.T, p *world.Program) (base int) {
	t.Helper()
	const rest = 10 * time.Second
	since := time.Now()
	until(t, time.Minute, "no more goroutines begin", func() (bool, string) {
		now, err := p.Goroutines()
		must(t, err)
		if now > base {
			base, since = now, time.Now()
		}
		return time.Since(since) > rest, fmt.Sprint(base)
	})
	return base
}

// settled waits until the program has no more goroutines than it began with.
func settled(t *testing.T, p *world.Program, base int) {
	t.Helper()
	const idle = 12 // kept connections of these tests, of the listener for operators, of SQLite's pool
	var now int
	deadline := time.Now().Add(30 * time.Second)
	for {
		var err error
		now, err = p.Goroutines()
		must(t, err)
		if now <= base+idle {
			break
		}
		if time.Now().After(deadline) {
			t.Errorf("%d goroutines at the start, %d at the end:\n%.6000s", base, now, p.Stacks())
			break
		}
		time.Sleep(200 * time.Millisecond)
	}
	t.Logf("goroutines: %d at the start, %d at the end", base, now)
}
