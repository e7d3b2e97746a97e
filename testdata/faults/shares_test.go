package faults

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"mxseal/testdata/faults/world"
)

// shares are the limits of an instance as it comes, and not those of this suite.
var shares = []string{"--max-checks-per-minute", "120"}

// state is what a program hears of a check that waits or runs.
type state struct {
	State    string
	Before   *int
	WaitsFor string `json:"waits_for"`
}

// stands asks how a check stands; its state is "done" once there is a report.
func stands(c *http.Client, p *world.Program, domain string) (s state) {
	status, body := get(c, p.URL+"/check/"+domain, "Accept", "application/json")
	if status == http.StatusOK {
		return state{State: "done"}
	}
	if json.Unmarshal([]byte(body), &s) != nil {
		s.State = fmt.Sprint(status)
	}
	return s
}

// begun is how a check stands that nothing but the pace of the scans may hold back, for a moment.
func begun(t *testing.T, c *http.Client, p *world.Program, domain string) (s state) {
	t.Helper()
	for end := time.Now().Add(time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if s = stands(c, p, domain); s.State != "waiting" {
			break
		}
	}
	return s
}

// Four clients bring all the tarpits they can, and a fifth hundred streams. Everybody else is
// served as if they were not there.
func TestStrangersGetTheirShare(t *testing.T) {
	must(t, tarpits())
	p := serve(t, t.TempDir(), append(shares, "--timeout", "60s")...)
	alone := check(t, p, "perfect.test", 30*time.Second)

	c := world.Visitor(true)
	defer c.CloseIdleConnections()
	const strangers, each = 4, 30
	var domains []string
	answers := make(map[int]int)
	for i := range strangers {
		stranger := world.Visitor(true)
		defer stranger.CloseIdleConnections()
		for n := range each {
			domain := fmt.Sprintf("%d.%s", len(domains), world.Pits)
			status, body := askAs(stranger, p, domain)
			answers[status]++
			if status != http.StatusSeeOther && (status != http.StatusTooManyRequests || !strings.Contains(body, "waiting that this one was not taken")) {
				t.Errorf("a stranger's check: %d %.200s", status, body)
			}
			domains = append(domains, domain)
			if n == 3 { // as many as may: they begin one after another
				until(t, 10*time.Second, "a stranger's four run", func() (bool, string) {
					s := stands(c, p, domain)
					return s.State == "running", s.State
				})
			}
		}
		if s := stands(c, p, domains[i*each+5]); s.State != "waiting" || s.WaitsFor != "share" || s.Before == nil || *s.Before != 1 {
			t.Errorf("the sixth of a stranger stands at %+v", s)
		}
	}
	states := make(map[string]int)
	for _, d := range domains {
		states[stands(c, p, d).State]++
	}
	t.Logf("%d clients ask for %d tarpits each: answers %v, states %v", strangers, each, answers, states)
	if states["running"] != 4*strangers || states["waiting"] != 16*strangers {
		t.Errorf("%v, want %d running and %d waiting", states, 4*strangers, 16*strangers)
	}

	asked := time.Now()
	if status, body := ask(p, "dane.test"); status != http.StatusSeeOther {
		t.Fatalf("a fifth client: %d %.200s", status, body)
	}
	if s := begun(t, c, p, "dane.test"); s.State != "running" && s.State != "done" {
		t.Errorf("its check does not begin at once: %+v", s)
	}
	honest := await(t, p, "dane.test", 60*time.Second)
	if honest.Grade.Letter != "A" {
		t.Errorf("dane.test has %s beside tarpits", honest.Grade.Letter)
	}
	t.Logf("a check of another alone %d ms, beside them %d ms, with its report %v after it was asked for", alone.ElapsedMS, honest.ElapsedMS, time.Since(asked).Round(time.Millisecond))
	for _, d := range domains[:4] {
		if s := stands(c, p, d); s.State != "running" {
			t.Errorf("%s is %s: the strangers were not there any more", d, s.State)
		}
	}

	// One client follows a check a thousand times.
	hoarder := world.Visitor(true)
	defer hoarder.CloseIdleConnections()
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	follow := func(c *http.Client) int {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, p.URL+"/check/"+domains[0]+"/events", nil)
		must(t, err)
		resp, err := c.Do(r)
		must(t, err)
		if resp.StatusCode != http.StatusOK {
			resp.Body.Close()
		}
		return resp.StatusCode
	}
	streams := make(map[int]int)
	for range 1024 {
		streams[follow(hoarder)]++
	}
	others := make(map[int]int)
	for range 20 {
		others[follow(world.Visitor(false))]++
	}
	t.Logf("one client asks for 1,024 streams: %v; then twenty others: %v", streams, others)
	if streams[http.StatusOK] != 8 || streams[http.StatusTooManyRequests] != 1016 || others[http.StatusOK] != 20 {
		t.Error("want 8 for the one, and one for each of the others")
	}
}

// victim opens the victim's server, once.
var victim = sync.OnceValue(func() error { return the.OpenVictim() })

// A stranger has asked for the victim's domain behind four of his own, each of which names the
// victim's mail server ten times. The check begins at once when its owner asks for it. How long
// it takes then is printed; it is at the gate of the server that this is decided.
func TestTheVictimIsServed(t *testing.T) {
	must(t, victim())
	began := time.Now()
	alone := check(t, serve(t, t.TempDir(), shares...), world.Slow, 90*time.Second)
	took := time.Since(began)

	p := serve(t, t.TempDir(), shares...)
	c, stranger := world.Visitor(true), world.Visitor(true)
	defer c.CloseIdleConnections()
	defer stranger.CloseIdleConnections()
	for i := range 4 {
		domain := fmt.Sprintf("%d.%s", i, world.Crowding)
		if status, body := askAs(stranger, p, domain); status != http.StatusSeeOther {
			t.Fatalf("%d %.200s", status, body)
		}
	}
	time.Sleep(time.Second) // he is at it
	if status, body := askAs(stranger, p, world.Slow); status != http.StatusSeeOther {
		t.Fatalf("%d %.200s", status, body)
	}
	before := stands(c, p, world.Slow)
	began = time.Now()
	if status, body := ask(p, world.Slow); status != http.StatusSeeOther {
		t.Fatalf("the victim: %d %.200s", status, body)
	}
	after := begun(t, c, p, world.Slow)
	beside := await(t, p, world.Slow, 120*time.Second)
	t.Logf("asked for by a stranger it is %s for %s; asked for by its owner it is %s", before.State, before.WaitsFor, after.State)
	t.Logf("alone %d ms (%v with its page), beside the stranger %d ms (%v): %.1f times; letter %s and %s, %d and %d connections", alone.ElapsedMS, took.Round(time.Millisecond),
		beside.ElapsedMS, time.Since(began).Round(time.Millisecond), float64(beside.ElapsedMS)/float64(alone.ElapsedMS), alone.Grade.Letter, beside.Grade.Letter, alone.Connections, beside.Connections)
	if before.State != "waiting" || before.WaitsFor != "share" || after.State != "running" && after.State != "done" {
		t.Errorf("%+v, then %+v: the victim waits behind the stranger", before, after)
	}
	if beside.Grade.Letter != alone.Grade.Letter {
		t.Errorf("the victim has %s beside the stranger, and %s alone", beside.Grade.Letter, alone.Grade.Letter)
	}
}

// Four strangers have domains checked of which each names the victim's mail server by its own name
// and by nine others. The look at it, which all of them and the victim wait for, takes the turns of
// all at its gate.
func TestTheVictimBesideFourStrangers(t *testing.T) {
	must(t, victim())
	alone := check(t, serve(t, t.TempDir(), shares...), world.Slow, 90*time.Second)
	p := serve(t, t.TempDir(), shares...)
	for i := range 4 {
		if status, body := ask(p, fmt.Sprintf("%d.%s", i, world.Crowding)); status != http.StatusSeeOther {
			t.Fatalf("%d %.200s", status, body)
		}
	}
	time.Sleep(500 * time.Millisecond) // they are at it
	beside := check(t, p, world.Slow, 120*time.Second)
	t.Logf("alone %d ms, beside four strangers %d ms: %.1f times; %d and %d connections", alone.ElapsedMS, beside.ElapsedMS,
		float64(beside.ElapsedMS)/float64(alone.ElapsedMS), alone.Connections, beside.Connections)
	if beside.Grade.Letter != alone.Grade.Letter {
		t.Errorf("the victim has %s beside the strangers, and %s alone", beside.Grade.Letter, alone.Grade.Letter)
	}
}
