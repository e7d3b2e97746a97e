package faults

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

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
			if r.Grade.Letter == "T" && !r.Grade.Provisional {
				t.Errorf("%s has no letter, and that for sure", domain)
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
	const checks, clients = 100, 4
	t.Run("four clients", func(t *testing.T) {
		p := serve(t, t.TempDir(), "--timeout", "30s")
		accepted := 0
		strangers := make([]*http.Client, clients)
		for i := range strangers {
			strangers[i] = world.Visitor(true)
			defer strangers[i].CloseIdleConnections()
		}
		for n := range checks {
			if n == 56 {
				time.Sleep(5 * time.Second) // they all have begun, and wait
				kept := firmly(t, p, 100*time.Second)
				t.Logf("%d checks with silent name servers by %d clients: %d of %d honest domains keep their letter, firm", accepted, clients, kept, len(honest))
				if kept != len(honest) {
					t.Errorf("%d of %d honest domains keep their letter", kept, len(honest))
				}
			}
			if post(strangers[n%clients], p, dark(n)) == http.StatusSeeOther {
				accepted++
			}
		}
	})
}

// The same from a client each, with a real resolver in between that has bounds of its own:
// room for all the questions, and room for far fewer, where it drops some to make room.
func TestSilentNameServersBehindUnbound(t *testing.T) {
	const strangers = 56
	for _, room := range []int{1024, 64} {
		t.Run(fmt.Sprint("room for ", room), func(t *testing.T) {
			flags, stop, err := the.Unbound(t.TempDir(), strangers, room)
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
