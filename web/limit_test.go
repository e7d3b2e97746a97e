package web

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// as is a context in which a client asks.
func as(ctx context.Context, client string) context.Context {
	r := httptest.NewRequest("POST", "/check", nil).WithContext(ctx)
	var addr netip.Addr
	if client != "" {
		addr = netip.MustParseAddr(client)
	}
	return asking(r, addr).Context()
}

func TestTheDayOfAClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBudget(Limits{PerMinute: -1, ClientDay: 3})
		begin := func(client string, wait time.Duration, why string) {
			t.Helper()
			p := b.take(as(t.Context(), client))
			if p == nil && wait == 0 {
				return
			}
			if p == nil || p.status != 429 || p.refusal != refusedClient || p.retry != int(wait.Seconds()) {
				t.Errorf("%s: %+v, want a wait of %v: %s", client, p, wait, why)
			}
		}
		begin("192.0.2.1", 0, "the first")
		begin("::ffff:192.0.2.1", 0, "the same client in another form")
		time.Sleep(time.Hour)
		begin("192.0.2.1", 0, "the third")
		begin("192.0.2.1", 23*time.Hour, "the fourth")
		begin("::ffff:192.0.2.1", 23*time.Hour, "the fourth in another form")
		begin("192.0.2.2", 0, "a neighbour of IPv4")

		begin("2001:db8:0:1::1", 0, "the first of its /64")
		begin("2001:db8:0:1:2::2", 0, "the second")
		begin("2001:db8:0:1:ffff::3", 0, "the third")
		begin("2001:db8:0:1::4", 24*time.Hour, "the fourth")
		for i := range 3 {
			begin(fmt.Sprintf("2001:db8:0:%d::1", i+2), 0, "another /64 of the same /48")
		}
		begin("2001:db8:0:5::1", 24*time.Hour, "the seventh of the /48, which has twice the share")
		begin("2001:db8:1:1::1", 0, "another /48")

		for range 3 {
			begin("", 0, "nobody knows who; they share one budget")
		}
		begin("", 24*time.Hour, "the fourth of all unknown")
		time.Sleep(23 * time.Hour)
		begin("192.0.2.1", 0, "the first two are a day old")

		for range 10 {
			if p := b.take(t.Context()); p != nil {
				t.Errorf("the program itself is refused: %v", p)
			}
		}
	})
}

func TestTheMinuteOfTheInstance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBudget(Limits{PerMinute: 2, ClientDay: 3})
		b.take(as(t.Context(), "192.0.2.1"))
		time.Sleep(10 * time.Second)
		b.take(as(t.Context(), "192.0.2.2"))
		for range 5 { // a refusal costs its client nothing
			if p := b.take(as(t.Context(), "192.0.2.3")); p == nil || p.status != 503 || p.retry != 50 || p.refusal != refusedInstance || !strings.Contains(p.text, "in 50 seconds") {
				t.Errorf("the third within a minute: %+v", p)
			}
		}
		time.Sleep(50 * time.Second)
		if p := b.take(as(t.Context(), "192.0.2.3")); p != nil {
			t.Errorf("after the time that was said: %v", p)
		}
	})
	for _, c := range []struct {
		l                Limits
		instance, client int
	}{
		{Limits{}, 120, 300},
		{Limits{PerMinute: -1, ClientDay: -1}, 0, 0},
		{Limits{PerMinute: 5, ClientDay: 6}, 5, 6},
	} {
		b := newBudget(c.l)
		if b.instance == nil != (c.instance == 0) || b.instance != nil && b.instance.N != c.instance || b.client != nil && (b.client.N != c.client || b.client.Octets > clientOctets) || b.client == nil != (c.client == 0) {
			t.Errorf("%+v gives %+v", c.l, b)
		}
	}
}

func TestFormAndAPIShareOneBudget(t *testing.T) {
	w := newWorld(t)
	form := func() int { return w.post("example.org").Code }
	api := func() int {
		return w.ask("POST", "/api/v1/checks", `{"domain": "example.org"}`, "Content-Type", json_).Code
	}
	for i := range postsPerMinute / 2 {
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
	for range 3 * postsPerMinute {
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
	for i := range domainHour - 1 {
		save(time.Duration(5+5*i) * time.Minute)
	}
	save(61 * time.Minute)
	if rest, err := w.desk.rest(t.Context(), d.ASCII); rest != 0 || err != nil {
		t.Errorf("nine within the hour: wait %v, %v", rest, err)
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
	w := open(t, filepath.Join(t.TempDir(), "mxseal.db"), func(c *Config) { c.Limits.PerMinute = 1 })
	old := sample(domain(1), "old")
	old.CheckedAt = time.Date(2026, 5, 12, 14, 3, 0, 0, time.UTC)
	if err := w.cfg.Store.Save(t.Context(), old); err != nil {
		t.Fatal(err)
	}
	want(t, w.post(domain(2).ASCII), 303)
	rec := w.post(domain(1).ASCII)
	want(t, rec, 503, "Too many checks at once", `href="/check/d1.example"`, "12 May 2026, 14:03 UTC")
	if after, err := strconv.Atoi(rec.Header().Get("Retry-After")); err != nil || after < 1 || after > 60 {
		t.Errorf("Retry-After %q", rec.Header().Get("Retry-After"))
	}
	want(t, w.post(domain(2).ASCII), 303) // joined or fresh: that costs nothing
}

func TestWhoAsks(t *testing.T) {
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8:ff::/48")}
	for _, c := range []struct {
		peer      string
		forwarded []string
		client    string
		why       string
	}{
		{"192.0.2.1:9", nil, "192.0.2.1", "no proxy"},
		{"[::ffff:192.0.2.1]:9", nil, "192.0.2.1", "an IPv4 client on a socket for both"},
		{"[2001:db8::1]:9", nil, "2001:db8::1", "IPv6"},
		{"192.0.2.1:9", []string{"198.51.100.9"}, "192.0.2.1", "a header nobody vouches for"},
		{"10.1.2.3:9", []string{"198.51.100.9"}, "198.51.100.9", "the proxy that was named"},
		{"[::ffff:10.1.2.3]:9", []string{"198.51.100.9"}, "198.51.100.9", "the same in its IPv6 form"},
		{"[2001:db8:ff::1]:9", []string{"2001:db8:7::1"}, "2001:db8:7::1", "all over IPv6"},
		{"10.1.2.3:9", []string{"203.0.113.5, 198.51.100.9"}, "198.51.100.9", "what the client wrote itself stands to the left"},
		{"10.1.2.3:9", []string{"203.0.113.5, 198.51.100.9, 10.9.9.9, 2001:db8:ff::2"}, "198.51.100.9", "several proxies"},
		{"10.1.2.3:9", []string{"203.0.113.5", "198.51.100.9"}, "198.51.100.9", "two headers are one list"},
		{"10.1.2.3:9", []string{"198.51.100.9", "10.9.9.9"}, "198.51.100.9", "two headers, the second by a proxy"},
		{"10.1.2.3:9", []string{"::ffff:198.51.100.9"}, "198.51.100.9", "an IPv4 address written as IPv6"},
		{"10.1.2.3:9", []string{"198.51.100.9, ::ffff:10.0.0.9"}, "198.51.100.9", "a proxy written so"},
		{"10.1.2.3:9", []string{"2001:db8:7::1%eth0"}, "2001:db8:7::1", "a zone means nothing here"},
		{"10.1.2.3:9", []string{"198.51.100.9, garbage"}, "", "nothing left of garbage is believed"},
		{"10.1.2.3:9", []string{"198.51.100.9:1234"}, "", "a port is garbage"},
		{"10.1.2.3:9", []string{"<script>"}, "", "garbage"},
		{"10.1.2.3:9", []string{strings.Repeat("9", 9000)}, "", "much garbage"},
		{"10.1.2.3:9", []string{""}, "", "the proxy does not say"},
		{"10.1.2.3:9", []string{" , ,198.51.100.9 ,"}, "198.51.100.9", "empty places"},
		{"10.1.2.3:9", []string{"10.4.4.4, 10.5.5.5"}, "", "proxies only"},
		{"@", []string{"198.51.100.9"}, "", "a peer without an address vouches for nothing"},
	} {
		w := open(t, filepath.Join(t.TempDir(), "mxseal.db"), func(cfg *Config) { cfg.TrustedProxies = proxies })
		r := httptest.NewRequest("POST", "/check", nil)
		r.RemoteAddr = c.peer
		for _, f := range c.forwarded {
			r.Header.Add("X-Forwarded-For", f)
		}
		for _, never := range []string{"X-Real-IP", "Forwarded", "CF-Connecting-IP", "True-Client-IP", "X-Client-IP"} {
			r.Header.Set(never, "203.0.113.66")
		}
		got := "nobody"
		w.clientIP()(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if who, ok := askerOf(r.Context()); ok {
				got = who.client.String()
			}
		})).ServeHTTP(httptest.NewRecorder(), r)
		if c.client == "" {
			c.client = netip.Addr{}.String()
		}
		if got != c.client {
			t.Errorf("%s %q: %s, want %s: %s", c.peer, c.forwarded, got, c.client, c.why)
		}
	}
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

func TestTimesToWait(t *testing.T) {
	for d, words := range map[time.Duration]string{
		time.Millisecond:        "1 second",
		time.Second:             "1 second",
		1001 * time.Millisecond: "2 seconds",
		90 * time.Second:        "90 seconds",
		91 * time.Second:        "2 minutes",
		10 * time.Minute:        "10 minutes",
		90 * time.Minute:        "90 minutes",
		91 * time.Minute:        "2 hours",
		23 * time.Hour:          "23 hours",
	} {
		if got := inWords(d); got != words {
			t.Errorf("%v: %q, want %q", d, got, words)
		}
	}
	if seconds(1001*time.Millisecond) != 2 {
		t.Error("Retry-After is too short")
	}
}
