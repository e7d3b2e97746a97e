package web

import (
	"fmt"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"mxseal/web/scans"
)

func TestFormAndAPIShareOneBudget(t *testing.T) {
	w := newWorld(t)
	form := func() int { return w.post("example.org").Code }
	api := func() int {
		return w.ask("POST", "/api/v1/checks", `{"domain": "example.org"}`, "Content-Type", json_).Code
	}
	for i := range perMinute / 2 {
		if f, a := form(), api(); f != 303 || a != 200 && a != 202 {
			t.Fatalf("turn %d: %d and %d", i, f, a)
		}
	}
	if f, a := form(), api(); f != 429 || a != 429 {
		t.Errorf("the budget of both is used up: form %d, API %d", f, a)
	}
	w.settle()
	want(t, w.ask("GET", "/check/example.org", ""), 200) // reading is free
	want(t, w.ask("GET", "/api/v1/domains/example.org", ""), 200)
	want(t, w.ask("GET", "/badge/example.org.svg", ""), 200)
}

func TestTheMinuteOfAClient(t *testing.T) {
	w := open(t, filepath.Join(t.TempDir(), "mxseal.db"), func(c *Config) { c.Limits.ClientMinute = 2 })
	for _, c := range []struct {
		from string
		code int
		why  string
	}{
		{"192.0.2.1", 303, "the first"},
		{"::ffff:192.0.2.1", 303, "the second, in another form"},
		{"192.0.2.1", 429, "the third"},
		{"192.0.2.2", 303, "a neighbour of IPv4"},
		{"2001:db8::1", 303, "the first of its /64"},
		{"2001:db8::2", 303, "the second"},
		{"2001:db8::3", 429, "the third"},
		{"2001:db8:0:1::1", 303, "another /64"},
		{"2001:db8:0:2::1", 303, "and one more"},
		{"2001:db8:0:3::1", 429, "the fifth of the /48, which has twice the share"},
		{"2001:db8:1::1", 303, "another /48"},
	} {
		r := httptest.NewRequest("POST", "/check", strings.NewReader("domain=example.org"))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.RemoteAddr = netip.AddrPortFrom(netip.MustParseAddr(c.from), 99).String()
		rec := httptest.NewRecorder()
		w.ServeHTTP(rec, r)
		if rec.Code != c.code || c.code == 429 && rec.Header().Get("Retry-After") != "60" {
			t.Errorf("%s: %d, Retry-After %q: %s", c.from, rec.Code, rec.Header().Get("Retry-After"), c.why)
		}
	}
	w = open(t, filepath.Join(t.TempDir(), "mxseal.db"), func(c *Config) { c.Limits.ClientMinute = -1 })
	for range 3 * perMinute {
		want(t, w.post("example.org"), 303)
	}
}

// A domain is checked ten times within an hour. Then the latest report stands, with its age
// and the time of the next.
func TestTheHourOfADomain(t *testing.T) {
	w := newWorld(t)
	d := domain(1)
	save := func(ago time.Duration) {
		t.Helper()
		r := sample(d, fmt.Sprint("report", ago))
		r.CheckedAt = time.Now().Add(-ago).UTC().Truncate(time.Second)
		if err := w.cfg.Store.Save(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	for i := range scans.DomainHour - 1 {
		save(time.Duration(5+5*i) * time.Minute)
	}
	save(61 * time.Minute)
	if list, err := w.cfg.Store.Until(t.Context(), d.ASCII, time.Now(), scans.DomainHour); err != nil || time.Now().Before(scans.Rests(list)) {
		t.Errorf("nine within the hour: wait until %v, %v", scans.Rests(list), err)
	}
	save(50 * time.Minute)
	rec := w.post(d.ASCII)
	want(t, rec, 303)
	want(t, w.ask("GET", rec.Header().Get("Location"), ""), 200, `aria-label="Grade C"`, "This domain was checked 10 times within an hour. The next check can begin at ")
	for _, rec := range []*httptest.ResponseRecorder{
		w.post(d.ASCII, "Accept", json_),
		w.ask("POST", "/api/v1/checks", `{"domain": "`+d.ASCII+`"}`, "Content-Type", json_),
	} {
		want(t, rec, 429, `"status":429`, "checked 10 times within an hour", "in 10 minutes")
		if after, err := strconv.Atoi(rec.Header().Get("Retry-After")); err != nil || after < 9*60 || after > 10*60 {
			t.Errorf("Retry-After %d, %v: the tenth is 50 minutes old", after, err)
		}
	}
	want(t, w.post(domain(2).ASCII), 303)
	w.settle()
	if n := w.runs.Load(); n != 1 {
		t.Errorf("%d checks were run, want the one of the other domain", n)
	}
	if page := w.ask("GET", "/check/"+domain(2).ASCII, "").Body.String(); strings.Contains(page, "within an hour") {
		t.Error("another domain is said to rest")
	}
}

func TestRefusalsOfferTheLatestReport(t *testing.T) {
	w := open(t, filepath.Join(t.TempDir(), "mxseal.db"), func(c *Config) { c.Limits.ClientDay = 1 })
	old := sample(domain(1), "old")
	old.CheckedAt = time.Date(2026, 5, 12, 14, 3, 0, 0, time.UTC)
	if err := w.cfg.Store.Save(t.Context(), old); err != nil {
		t.Fatal(err)
	}
	want(t, w.post(domain(2).ASCII), 303)
	rec := w.post(domain(1).ASCII)
	want(t, rec, 429, "Enough for today", `href="/check/d1.example"`, "12 May 2026, 14:03 UTC")
	if after, err := strconv.Atoi(rec.Header().Get("Retry-After")); err != nil || after < 86_000 || after > 86_400 {
		t.Errorf("Retry-After %q", rec.Header().Get("Retry-After"))
	}
	want(t, w.post(domain(2).ASCII), 303) // joined or fresh: that costs nothing
}

// A web server in front that nobody named makes all visitors one client: that is worth a line.
func TestAProxyThatWasNotNamed(t *testing.T) {
	for _, c := range []struct {
		peer, forwarded string
		proxies         []netip.Prefix
		lines           int
	}{
		{"127.0.0.1:9", "198.51.100.9", nil, 1},
		{"10.0.0.1:9", "198.51.100.9", nil, 1},
		{"127.0.0.1:9", "", nil, 0},
		{"192.0.2.1:9", "198.51.100.9", nil, 0}, // a visitor who writes the header himself
		{"127.0.0.1:9", "10.0.0.7", []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, 0},
	} {
		w := open(t, filepath.Join(t.TempDir(), "mxseal.db"), func(cfg *Config) { cfg.TrustedProxies = c.proxies })
		for range 3 {
			r := httptest.NewRequest("GET", "/", nil)
			r.RemoteAddr = c.peer
			if c.forwarded != "" {
				r.Header.Set("X-Forwarded-For", c.forwarded)
			}
			w.ServeHTTP(httptest.NewRecorder(), r)
		}
		log := w.log.String()
		if n := strings.Count(log, "a proxy that was not named"); n != c.lines {
			t.Errorf("%s for %q: %d lines, want %d", c.peer, c.forwarded, n, c.lines)
		}
		if strings.Contains(log, "198.51.100.9") || strings.Contains(log, "10.0.0") {
			t.Error("an address is in the log")
		}
	}
}
