package web

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"mxseal/checks"
	"mxseal/static"
)

func TestHeaders(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{"/", "/check/example.org", "/nothing", "/healthz", static.Style, static.Script, "/badge/example.org", "/badge/example.org.svg"} {
		h := w.ask("GET", path, "").Header()
		csp := h.Get("Content-Security-Policy")
		if !strings.Contains(csp, "default-src 'none'") || !strings.Contains(csp, "frame-ancestors 'none'") || strings.Contains(csp, "unsafe") {
			t.Errorf("%s: Content-Security-Policy %q", path, csp)
		}
		if !strings.Contains(csp, "require-trusted-types-for 'script'") || !strings.Contains(csp, "script-src 'self';") {
			t.Errorf("%s: scripts are not held to our own file and to text: %q", path, csp)
		}
		for name, value := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "Strict-Transport-Security": "max-age=31536000"} {
			if got := h.Get(name); got != value {
				t.Errorf("%s: %s is %q", path, name, got)
			}
		}
		if h.Get("Permissions-Policy") == "" || h.Get("Set-Cookie") != "" {
			t.Errorf("%s: headers %v", path, h)
		}
	}
	if got := w.ask("GET", "/", "", "Accept-Encoding", "gzip").Header().Get("Content-Encoding"); got != "gzip" {
		t.Errorf("pages are sent with encoding %q", got)
	}
	if got := w.ask("GET", static.Style, "").Header().Get("Cache-Control"); !strings.Contains(got, "immutable") {
		t.Errorf("the style sheet is sent with Cache-Control %q", got)
	}
}

func TestAnotherSitesFormIsRefused(t *testing.T) {
	w := newWorld(t)
	for _, header := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Origin", "https://evil.example"}} {
		want(t, w.post("example.org", header...), http.StatusForbidden, "another site")
	}
	w.settle()
	if n := w.runs.Load(); n != 0 {
		t.Errorf("%d checks were run", n)
	}
	want(t, w.post("example.org", "Origin", "https://mxseal.example"), http.StatusSeeOther) // behind a proxy that changes Host
	want(t, w.post("example.net", "Sec-Fetch-Site", "same-origin"), http.StatusSeeOther)
}

func TestErrorsForPeopleAndPrograms(t *testing.T) {
	for _, c := range []struct {
		method, path, body string
		status             int
		title              string
	}{
		{"GET", "/nothing", "", 404, "There is nothing here"},
		{"GET", "/static/style.css", "", 404, "There is nothing here"},
		{"GET", "/report/nothing", "", 404, "No such report"},
		{"GET", "/checks/nothing", "", 404, "No such check"},
		{"DELETE", "/check/example.org", "", 405, "This address does not work that way"},
		{"POST", "/grades", "", 405, "This address does not work that way"},
		{"POST", "/check", "domain=" + strings.Repeat("a", 5000), 413, "That is too much"},
		{"POST", "/check", "domain=%zz", 400, "The form could not be read"},
	} {
		w := newWorld(t)
		want(t, w.ask(c.method, c.path, c.body), c.status, "<h1>"+c.title, `action="/check"`)
		rec := w.ask(c.method, c.path, c.body, "Accept", json_)
		want(t, rec, c.status, fmt.Sprintf(`"status":%d`, c.status), c.title)
		if kind := rec.Header().Get("Content-Type"); kind != "application/problem+json" {
			t.Errorf("%s %s: a program is answered in %s", c.method, c.path, kind)
		}
	}
	w := newWorld(t)
	want(t, w.ask("POST", "/check", `{"domain":"example.org"}`, "Content-Type", json_), 400, "field named domain")
	if got := w.ask("DELETE", "/", "").Header().Values("Allow"); !slices.Equal(got, []string{"GET", "HEAD"}) {
		t.Errorf("Allow is %q", got)
	}
}

func TestOurFaultShowsNoInternals(t *testing.T) {
	w := newWorld(t)
	w.cfg.Store.Close()
	want(t, w.ask("GET", "/report/abc", ""), 500, "Something broke on our side")
	want(t, w.ask("GET", "/healthz", ""), 503)
	if body := w.ask("GET", "/report/abc", "", "Accept", json_).Body.String(); strings.Contains(body, "sql") || !strings.Contains(body, `"status":500`) {
		t.Errorf("the answer is %s", body)
	}
	if !strings.Contains(w.log.String(), "database is closed") {
		t.Error("the log does not say what happened")
	}
	rec := httptest.NewRecorder()
	w.rescue(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("a mistake in here") })).ServeHTTP(rec, httptest.NewRequest("GET", "/", nil))
	want(t, rec, 500, "Something broke on our side")
	if strings.Contains(rec.Body.String(), "a mistake in here") || !strings.Contains(w.log.String(), "a mistake in here") {
		t.Error("a panic belongs in the log and not in the page")
	}
}

func TestOneClientCannotAskForEverything(t *testing.T) {
	from := func(w *world, addr, forwarded string) int {
		r := httptest.NewRequest("POST", "/check", strings.NewReader("domain=example.org"))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.RemoteAddr = addr
		if forwarded != "" {
			r.Header.Set("X-Forwarded-For", forwarded)
		}
		rec := httptest.NewRecorder()
		w.ServeHTTP(rec, r)
		if rec.Code == 429 && rec.Header().Get("Retry-After") == "" {
			t.Error("429 without Retry-After")
		}
		return rec.Code
	}
	w := newWorld(t)
	for i := range perMinute {
		if got := from(w, fmt.Sprintf("[2001:db8:0:1::%x]:99", i+1), fmt.Sprintf("192.0.2.%d", i)); got != 303 { // a header nobody vouches for
			t.Fatalf("request %d: %d", i, got)
		}
	}
	if got := from(w, "[2001:db8:0:1:ffff::1]:99", ""); got != 429 {
		t.Errorf("the same /64 once more: %d", got)
	}
	if got := from(w, "[2001:db8:0:2::1]:99", ""); got != 303 {
		t.Errorf("the neighbouring /64: %d", got)
	}
	w = open(t, filepath.Join(t.TempDir(), "mxseal.db"), func(c *Config) { c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")} })
	for i := range perMinute + 5 {
		if got := from(w, "10.0.0.1:99", fmt.Sprintf("192.0.2.%d", i)); got != 303 {
			t.Fatalf("client %d behind the proxy: %d", i, got)
		}
	}
}

func TestPagesMadeOfRules(t *testing.T) {
	w := newWorld(t)
	for _, c := range checks.All {
		rec := w.ask("GET", "/checks/"+string(c.ID), "")
		want(t, rec, 200)
		for _, rule := range checks.ShownWith(c.ID) {
			want(t, rec, 200, `id="`+rule.ID+`"`)
		}
	}
	want(t, w.ask("GET", "/grades", ""), 200, `id="letter-A+"`, `id="S3"`, `id="A5"`, "Blocked, safe", "No A+")
	want(t, w.ask("GET", "/", ""), 200, `name="domain"`, "perfect.test", "It sends no mail to the servers that it checks")
	want(t, w.ask("GET", "/healthz", ""), 200, "ok")
}

func TestConfigurationThatCannotWork(t *testing.T) {
	if _, err := New(Config{}); err == nil {
		t.Error("a site without engine and store")
	}
	for _, base := range []string{"mxseal.example", "ftp://mxseal.example", "https://mxseal.example/path", "https://", "https://x?q", "https://x?", "https://x#f", "https://x#",
		"https://somebody:secret@mxseal.example", "https://somebody@mxseal.example", "https://x:0", "https://x:99999", "https://x:", "https://x:http", "https://:8080", "https://a b", "https://x/?q", "https://a..b", "https://[::1", "//x"} {
		if _, err := build(Config{BaseURL: base}, nil, nil); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("base URL %q: %v", base, err)
		}
	}
	for base, origin := range map[string]string{"https://MXSEAL.example/": "https://mxseal.example", "http://localhost:8080": "http://localhost:8080",
		"https://m\u00fcnchen.example": "https://xn--mnchen-3ya.example", "http://[::1]:8080": "http://[::1]:8080", "http://192.0.2.1": "http://192.0.2.1"} {
		if got, err := originOf(base); got != origin || err != nil {
			t.Errorf("base URL %q: %q, %v; want %q", base, got, err, origin)
		}
		if err := http.NewCrossOriginProtection().AddTrustedOrigin(origin); err != nil {
			t.Error(err)
		}
	}
}
