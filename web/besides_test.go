package web

import (
	"crypto/tls"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// An operator's texts and addresses are where people and machines look for them.
func TestWhoRunsTheSite(t *testing.T) {
	w := open(t, filepath.Join(t.TempDir(), "mxseal.db"), func(c *Config) {
		c.Operator, c.Contact, c.Logo = "Example Ltd", "post@example.net", "Mail check"
		c.Imprint, c.Privacy = "Example Ltd\nStreet 1 <b>\n\nCourt of Example", "https://example.net/privacy"
	})
	want(t, w.ask("GET", "/grades", ""), 200, "Run by Example Ltd.", `<a href="/imprint">Imprint</a>`, `<a href="https://example.net/privacy">Privacy</a>`, "Mail check</a>")
	want(t, w.ask("GET", "/imprint", ""), 200, "Example Ltd<br> Street 1 &lt;b&gt;</p>", "Court of Example</p>")
	if rec := w.ask("GET", "/privacy", ""); rec.Code != 303 || rec.Header().Get("Location") != "https://example.net/privacy" {
		t.Errorf("%d to %s", rec.Code, rec.Header().Get("Location"))
	}
	rec := w.ask("GET", "/.well-known/security.txt", "")
	want(t, rec, 200, "Contact: mailto:post@example.net\n", "Canonical: https://mxseal.example/.well-known/security.txt\n")
	until := regexp.MustCompile(`(?m)^Expires: (.+)$`).FindStringSubmatch(rec.Body.String())
	if until == nil {
		t.Fatal("it has no end")
	}
	if end, err := time.Parse(time.RFC3339, until[1]); err != nil || time.Until(end) < 24*time.Hour || time.Until(end) > 365*24*time.Hour { // RFC 9116 §2.5.5
		t.Errorf("it expires %s, %v", until[1], err)
	}

	nobody := newWorld(t)
	for _, path := range []string{"/imprint", "/privacy", "/.well-known/security.txt"} {
		want(t, nobody.ask("GET", path, ""), 404)
	}
	if page := nobody.ask("GET", "/", "").Body.String(); strings.Contains(page, "Imprint") || strings.Contains(page, "Privacy") {
		t.Error("the page leads to texts that nobody has written")
	}
	want(t, nobody.ask("GET", "/robots.txt", ""), 200, "User-agent: *\n", "Disallow: /api/v1/\n")
	if rec := nobody.ask("GET", "/favicon.ico", ""); rec.Code != 200 || rec.Header().Get("Content-Type") != "image/x-icon" || !strings.HasPrefix(rec.Body.String(), "\x00\x00\x01\x00") {
		t.Errorf("the icon: %d %s", rec.Code, rec.Header().Get("Content-Type"))
	}
}

// Home is small, leads to a report that anybody can look at, and every page leads to every other.
func TestHomeLeadsOn(t *testing.T) {
	w := newWorld(t)
	rec := w.ask("GET", "/", "")
	want(t, rec, 200, "Free, no account", `href="/report/sample"`, `<a href="/" aria-current="page">Check</a>`, `<a href="/grades">How grading works</a>`, `<a href="/api">API</a>`)
	if n := rec.Body.Len(); n > 12<<10 {
		t.Errorf("%d octets", n)
	}
	want(t, w.ask("GET", "/report/sample", ""), 200, "example.org", "This is a sample", "noindex", `aria-label="Grade C"`)
	want(t, w.ask("GET", "/report/sample", "", "Accept", json_), 200, `"id":"sample"`, `"letter":"C"`)
	want(t, w.ask("GET", "/grades", ""), 200, `<a href="/grades" aria-current="page">`)
}

// A picture stands beside a link to a report where the site knows its address, and that is believed
// of a request only where TLS or a web server that was named vouches for it.
func TestThePictureBesideALink(t *testing.T) {
	const own = `<meta property="og:image" content="https://mail.example.net/report/example-org/card.png">`
	for _, c := range []struct {
		why, from, proto, host string
		tls                    string // the name that TLS was begun for
		shown                  bool
	}{
		{"anybody", "203.0.113.9:5000", "https", "mail.example.net", "", false},
		{"the proxy", "127.0.0.1:5000", "https", "mail.example.net", "", true},
		{"the proxy without a scheme", "127.0.0.1:5000", "", "mail.example.net", "", false},
		{"the proxy with no host that the DNS can hold", "127.0.0.1:5000", "https", "mail.example.net/x?", "", false},
		{"TLS", "203.0.113.9:5000", "", "mail.example.net", "mail.example.net", true},
		{"TLS for another name", "203.0.113.9:5000", "", "mail.example.net", "other.example.net", false},
	} {
		w := open(t, filepath.Join(t.TempDir(), "mxseal.db"), func(c *Config) {
			c.BaseURL, c.TrustedProxies = "", []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
		})
		w.save(t, graded("example.org", "C", 3))
		r := httptest.NewRequest("GET", "/report/example-org", nil)
		r.RemoteAddr, r.Host = c.from, c.host
		if c.proto != "" {
			r.Header.Set("X-Forwarded-Proto", c.proto)
		}
		if c.tls != "" {
			r.TLS = &tls.ConnectionState{ServerName: c.tls}
		}
		rec := httptest.NewRecorder()
		w.ServeHTTP(rec, r)
		want(t, rec, 200)
		if shown := strings.Contains(rec.Body.String(), own); shown != c.shown || !shown && strings.Contains(rec.Body.String(), "og:image") {
			t.Errorf("%s: a picture: %v", c.why, shown)
		}
	}
}
