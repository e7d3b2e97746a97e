package faults

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"mxseal/testdata/faults/world"
)

// honest are ordinary domains, with the letters that they earn.
var honest = map[string]string{"perfect.test": "A+", "hosted.test": "A+", "dane.test": "A", "dane-ta.test": "A", "sts.test": "B",
	"weak-key.test": "B", "certificate.test": "C", "no-starttls.test": "F"}

// post asks for a check as one client.
func post(c *http.Client, p *world.Program, domain string) int {
	resp, err := c.PostForm(p.URL+"/check", url.Values{"domain": {domain}})
	if err != nil {
		return 0
	}
	resp.Body.Close()
	return resp.StatusCode
}

// firmly has the honest domains checked side by side and counts those that keep their letter,
// for sure.
func firmly(t *testing.T, p *world.Program, patience time.Duration) (kept int) {
	t.Helper()
	var mu sync.Mutex
	var all sync.WaitGroup
	for domain, letter := range honest {
		all.Go(func() {
			if status, body := ask(p, domain); status != http.StatusSeeOther {
				t.Errorf("POST of %s: %d %.100s", domain, status, body)
				return
			}
			r := await(t, p, domain, patience)
			mu.Lock()
			defer mu.Unlock()
			if r.Grade.Letter == letter && !r.Grade.Provisional && len(r.Conditions) == 0 {
				kept++
				return
			}
			t.Logf("%s has %s, provisional %v, conditions %+v, MX %+v %+v, after %d ms", domain, r.Grade.Letter, r.Grade.Provisional, r.Conditions, r.MX, r.Interrupted, r.ElapsedMS)
			if !r.Grade.Provisional && len(r.Conditions) == 0 {
				t.Errorf("%s has %s for sure, want %s", domain, r.Grade.Letter, letter)
			}
		})
	}
	all.Wait()
	return kept
}

// dark is a domain with ten mail servers in zones whose name servers are silent.
func dark(n int) string { return fmt.Sprintf("%d.%s", n, world.Dark) }

// A hundred checks wait for name servers that never answer. Nobody else does.
func TestSilentNameServers(t *testing.T) {
	const first, checks, clients = 56, 100, 4 // of the 64 that run at a time the first leave eight places
	p := serve(t, t.TempDir(), "--timeout", "30s")
	strangers := make([]*http.Client, clients)
	for i := range strangers {
		strangers[i] = world.Visitor(true)
		defer strangers[i].CloseIdleConnections()
	}
	accepted := 0
	send := func(from, to int) {
		for n := from; n < to; n++ {
			if post(strangers[n%clients], p, dark(n)) == http.StatusSeeOther {
				accepted++
			}
		}
	}
	send(0, first)
	time.Sleep(5 * time.Second) // they have begun, and wait
	var others sync.WaitGroup
	others.Go(func() {
		time.Sleep(time.Second)
		send(first, checks)
	})
	kept := firmly(t, p, 100*time.Second)
	others.Wait()
	t.Logf("%d checks with silent name servers by %d clients: %d of %d honest domains keep their letter, firm", accepted, clients, kept, len(honest))
	if kept != len(honest) || accepted < clients {
		t.Errorf("%d of %d honest domains keep their letter beside %d strangers", kept, len(honest), accepted)
	}
}

// The same from a client each, with a real resolver in between that has bounds of its own:
// room for all the questions, and room for far fewer, where it drops some to make room.
func TestSilentNameServersBehindUnbound(t *testing.T) {
	const strangers = 56
	for _, room := range []int{1024, 64} {
		t.Run(fmt.Sprint("room for ", room), func(t *testing.T) {
			flags, stop, err := the.Unbound(strangers, room)
			must(t, err)
			defer func() { t.Log(strings.Join(stop(), "\n")) }()
			p := serveAt(t, t.TempDir(), append(flags, "--timeout", "30s")...)
			for n := range strangers {
				if status, body := ask(p, dark(n)); status != http.StatusSeeOther {
					t.Errorf("POST of %s: %d %.100s", dark(n), status, body)
				}
			}
			time.Sleep(5 * time.Second)
			kept := firmly(t, p, 100*time.Second)
			t.Logf("%d checks with silent name servers behind an Unbound with room for %d questions: %d of %d honest domains keep their letter, firm", strangers, room, kept, len(honest))
			if room > 512 && kept != len(honest) {
				t.Errorf("%d of %d honest domains keep their letter", kept, len(honest))
			}
		})
	}
}

// The resolver is restarted while a check runs. No letter shows it.
func TestTheResolverIsRestarted(t *testing.T) {
	closed := func(length time.Duration) {
		the.Away()
		time.Sleep(length)
		must(t, the.Back())
	}
	in := func(mood int32, length time.Duration) {
		the.Mood.Store(mood)
		time.Sleep(length)
		the.Mood.Store(dns.RcodeSuccess)
	}
	for _, c := range []struct {
		does string
		run  func()
	}{
		{"closed for a second", func() { closed(time.Second) }},
		{"closed for three seconds", func() { closed(3 * time.Second) }},
		{"closed for a second, SERVFAIL for two", func() { closed(time.Second); in(dns.RcodeServerFailure, 2*time.Second) }},
		{"SERVFAIL for three seconds", func() { in(dns.RcodeServerFailure, 3*time.Second) }},
		{"REFUSED for three seconds", func() { in(dns.RcodeRefused, 3*time.Second) }},
		{"silent for three seconds", func() { in(world.Silent, 3*time.Second) }},
	} {
		t.Run(c.does, func(t *testing.T) {
			p := serve(t, t.TempDir())
			check(t, p, "certificate.test", 30*time.Second)
			asked := the.Asked.Load()
			over := make(chan struct{})
			go func() { defer close(over); c.run() }()
			r := check(t, p, "perfect.test", 60*time.Second)
			<-over
			t.Logf("%s: %s has %s after %d ms, %d questions", c.does, r.Domain, r.Grade.Letter, r.ElapsedMS, the.Asked.Load()-asked)
			if r.Grade.Letter != "A+" || r.Grade.Provisional || len(r.Conditions) > 0 {
				t.Errorf("%s has %+v, conditions %+v", r.Domain, r.Grade, r.Conditions)
			}
		})
	}
}

// A hundred thousand datagrams come before each answer: to other questions, with our id and
// others. The answer is waited for all the same, and they are not worth our while.
func TestAFloodOfAnswers(t *testing.T) {
	const most = 500 * time.Millisecond // of computing, beyond what the check takes without
	p := serve(t, t.TempDir(), "--depth", "quick")
	check(t, p, "first."+world.Many, 30*time.Second)
	spent := func(domain string) time.Duration {
		before := p.Processor()
		r := check(t, p, domain, 60*time.Second)
		took := p.Processor() - before
		t.Logf("%s has %s after %d ms, %d ms computing", domain, r.Grade.Letter, r.ElapsedMS, took.Milliseconds())
		if r.Grade.Letter != "C" && r.Grade.Letter != "D" || r.MX.State != "ok" {
			t.Errorf("%s has %+v, MX %+v", domain, r.Grade, r.MX)
		}
		return took
	}
	calm := spent("calm." + world.Many)
	if flooded := spent("x." + world.Hail); flooded > calm+most {
		t.Errorf("%v of computing in a flood, %v without", flooded, calm)
	}
}
