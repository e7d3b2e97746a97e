package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-chi/chi/v5/middleware"

	"mxseal/checks/input"
	"mxseal/checks/report"
	"mxseal/web/scans"
)

// from is a request of one client.
func from(ctx context.Context, client string) (r *http.Request) {
	asked := httptest.NewRequest("GET", "/", nil).WithContext(ctx)
	asked.RemoteAddr = net.JoinHostPort(client, "1024")
	middleware.ClientIPFromRemoteAddr(http.HandlerFunc(func(_ http.ResponseWriter, known *http.Request) { r = known })).ServeHTTP(nil, asked)
	return r
}

// press writes answers when its gate opens, and counts.
type press struct {
	gate            chan struct{}
	made, now, peak atomic.Int32
	says            string
}

func (p *press) write(ctx context.Context, w io.Writer) error {
	p.made.Add(1)
	now := p.now.Add(1)
	defer p.now.Add(-1)
	for peak := p.peak.Load(); now > peak && !p.peak.CompareAndSwap(peak, now); peak = p.peak.Load() {
	}
	select {
	case <-p.gate:
	case <-ctx.Done():
		return ctx.Err()
	}
	_, err := io.WriteString(w, p.says)
	return err
}

// However many want a page at the same time, it is made once, and all get the same octets.
func TestAPageIsMadeOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, p := newRenderer(), &press{gate: make(chan struct{}), says: strings.Repeat("page ", 1000)}
		got := make([]*rendering, 200)
		var all sync.WaitGroup
		for i := range got {
			ctx, leave := context.WithCancel(t.Context())
			defer leave()
			if i == 0 { // who came first has left: the others get it all the same
				time.AfterFunc(time.Second, leave)
			}
			all.Go(func() { got[i], _ = m.get(from(ctx, fmt.Sprintf("192.0.2.%d", i)), m.pages, "name", pageHead, p.write) })
		}
		time.Sleep(2 * time.Second)
		if waiting, refused := m.load(); waiting != 199 || refused != 0 {
			t.Errorf("%d wait, %d were refused", waiting, refused)
		}
		close(p.gate)
		all.Wait()
		for i, g := range got {
			if i > 0 && (g == nil || g != got[1]) || i == 0 && g != nil {
				t.Fatalf("reader %d was given %v", i, g)
			}
		}
		if n := p.made.Load(); n != 1 {
			t.Errorf("it was made %d times", n)
		}
		if again, err := m.get(from(t.Context(), "192.0.2.250"), m.pages, "name", pageHead, p.write); err != nil || again != got[1] {
			t.Errorf("the next reader was given %v, %v", again, err)
		}
		time.Sleep(pageKept + time.Minute)
		if h := m.pages.Held(); h.Octets != 0 {
			t.Errorf("later %+v is held", h)
		}
	})
}

// Few are made side by side, and who has waited long enough is told so.
func TestFewAreMadeSideBySide(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, p := newRenderer(), &press{gate: make(chan struct{}), says: "page"}
		var done, busy atomic.Int32
		var all sync.WaitGroup
		for i := range 100 {
			name := fmt.Sprint(i)
			if i%3 == 0 {
				name = "" // for one visitor alone
			}
			all.Go(func() {
				_, err := m.get(from(t.Context(), fmt.Sprintf("192.0.2.%d", i)), m.pages, name, pageHead, p.write)
				switch {
				case err == nil:
					done.Add(1)
				case errors.Is(err, overloaded):
					busy.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		time.Sleep(renderWait + time.Second)
		if n := busy.Load(); n != 100-maxRenderings {
			t.Errorf("%d were turned away, want all but the %d", n, maxRenderings)
		}
		close(p.gate)
		all.Wait()
		if done.Load() != maxRenderings || p.peak.Load() != maxRenderings {
			t.Errorf("%d were made, at most %d side by side; want %d", done.Load(), p.peak.Load(), maxRenderings)
		}
		if waiting, refused := m.load(); waiting != 0 || refused != 100-maxRenderings {
			t.Errorf("%d wait, %d were refused", waiting, refused)
		}
	})
}

// One client cannot have all turns to himself.
func TestAClientWaitsForAFewPages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, p := newRenderer(), &press{gate: make(chan struct{}), says: "page"}
		var busy atomic.Int32
		var all sync.WaitGroup
		for i := range 100 {
			all.Go(func() {
				if _, err := m.get(from(t.Context(), "192.0.2.1"), m.pages, fmt.Sprint(i), pageHead, p.write); errors.Is(err, overloaded) {
					busy.Add(1)
				}
			})
		}
		synctest.Wait()
		if n := busy.Load(); n != 100-clientRenderings {
			t.Errorf("%d were turned away at once, want all but %d", n, clientRenderings)
		}
		all.Go(func() {
			if _, err := m.get(from(t.Context(), "192.0.2.2"), m.pages, "another", pageHead, p.write); err != nil {
				t.Errorf("another client: %v", err)
			}
		})
		synctest.Wait()
		close(p.gate)
		all.Wait()
		if len(m.waiting) != 0 {
			t.Errorf("clients are remembered: %v", m.waiting)
		}
	})
}

// A page whose making panics is our own fault, for all who wait, and blocks nobody.
func TestAPanicWhileAPageIsMade(t *testing.T) {
	w := newWorld(t)
	broken := w.rescue(w.answer(func(rw http.ResponseWriter, r *http.Request) error {
		_, err := w.renderer.get(r, w.renderer.pages, strings.TrimPrefix(r.URL.Path, "/"), pageHead, func(context.Context, io.Writer) error { panic("a mistake in a page") })
		return err
	}))
	for _, name := range []string{"", "name"} {
		for range 2 * maxRenderings {
			rec := httptest.NewRecorder()
			broken.ServeHTTP(rec, httptest.NewRequest("GET", "/"+name, nil))
			want(t, rec, 500, "Something broke on our side")
		}
	}
	if log := w.log.String(); strings.Count(log, "a mistake in a page") < 4*maxRenderings || !strings.Contains(log, "renderer_test.go") {
		t.Error("the log does not say what happened, or where")
	}
	if h := w.renderer.pages.Held(); h.Items != 0 || len(w.renderer.turns) != maxRenderings {
		t.Errorf("%d pages are kept, %d turns are free", h.Items, len(w.renderer.turns))
	}
	want(t, w.ask("GET", "/grades", ""), 200)
}

// What is sent is what was written, packed or not, whole or not.
func TestWhatIsWrittenIsSent(t *testing.T) {
	w := newWorld(t)
	noise := make([]byte, 40_000)
	for i := range noise {
		noise[i] = byte(rand.N(256))
	}
	for _, c := range []struct {
		why, says, kind string
		packed          bool
	}{
		{"a page", strings.Repeat("Ünïcödé <b>bold</b> ", 5000), "text/html; charset=utf-8", true},
		{"nothing", "", "text/html; charset=utf-8", false},
		{"a few octets", `{"a":1}`, "application/json", false},
		{"what cannot be packed", string(noise), "text/html; charset=utf-8", false},
		{"a picture", strings.Repeat("png", 1000), imagePNG, false},
	} {
		p, err := w.renderer.get(from(t.Context(), "192.0.2.1"), w.renderer.pages, "", head{kind: c.kind, keep: "no-cache"}, func(_ context.Context, out io.Writer) error {
			for part := c.says; part != ""; {
				n := min(1+rand.N(3000), len(part))
				if _, err := io.WriteString(out, part[:n]); err != nil {
					return err
				}
				part = part[n:]
			}
			return nil
		})
		if err != nil || p.packed != c.packed || p.size != len(c.says) || cap(p.body) > len(p.body)+4096 {
			t.Errorf("%s: %v, packed %v, %d octets of %d", c.why, err, p.packed, p.size, len(c.says))
			continue
		}
		for _, accept := range []string{"gzip", "", "br, deflate", "gzip;q=0"} {
			for _, method := range []string{"GET", "HEAD"} {
				r := httptest.NewRequest(method, "/", nil)
				r.Header.Set("Accept-Encoding", accept)
				rec := httptest.NewRecorder()
				if err := w.send(rec, r, 200, p); err != nil {
					t.Fatal(err)
				}
				length := p.size
				if accept == "gzip" {
					length = len(p.body)
				}
				if got := rec.Header().Get("Content-Length"); got != fmt.Sprint(length) {
					t.Errorf("%s, %s of %q: Content-Length %s, want %d", c.why, method, accept, got, length)
				}
				if zipped := rec.Header().Get("Content-Encoding") == "gzip"; zipped != (c.packed && accept == "gzip") {
					t.Errorf("%s, %s of %q: packed %v", c.why, method, accept, zipped)
				}
				if vary := rec.Header().Get("Vary"); (vary == "Accept-Encoding") != c.packed {
					t.Errorf("%s: Vary is %q", c.why, vary)
				}
				switch body := rec.Body.String(); {
				case method == "HEAD" && body != "":
					t.Errorf("%s: HEAD has a body", c.why)
				case method == "GET" && accept != "gzip" && body != c.says:
					t.Errorf("%s: %d other octets", c.why, len(body))
				}
			}
		}
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("If-None-Match", p.etag)
		rec := httptest.NewRecorder()
		w.send(rec, r, 200, p)
		if rec.Code != 304 || rec.Body.Len() != 0 || rec.Header().Get("Content-Type") != "" {
			t.Errorf("%s, known already: %d", c.why, rec.Code)
		}
	}
	if w.sending.octets != 0 {
		t.Errorf("%d octets are still being sent", w.sending.octets)
	}
}

// Who has to wait is told so: a page for people, problem details for programs, both with
// Retry-After, and none of them needs a turn.
func TestManyAreReading(t *testing.T) {
	w := newWorld(t)
	w.save(t, graded("example.org", "A", 1))
	for range maxRenderings {
		<-w.renderer.turns // somebody has them
	}
	for range clientRenderings { // so that nobody waits in this test
		leave, _ := w.renderer.enter(client(from(t.Context(), "192.0.2.1")))
		defer leave()
	}
	for _, path := range []string{"/", "/check/example.org", "/report/example-org", "/report/example-org/card.png", "/grades", "/api", "/checks/mx", "/badge/example.org"} {
		rec := w.ask("GET", path, "")
		want(t, rec, 503, "Many are reading just now", "Please wait", `action="/check"`)
		if rec.Header().Get("Retry-After") != "5" {
			t.Errorf("%s: Retry-After %q", path, rec.Header().Get("Retry-After"))
		}
		if rec.Header().Get("ETag") != "" {
			t.Errorf("%s: an ETag for what is not there", path)
		}
	}
	for _, path := range []string{"/api/v1/reports/example-org", "/api/v1/domains/example.org", "/api/v1/domains/example.org/history", "/openapi.json"} {
		rec := w.ask("GET", path, "")
		want(t, rec, 503, `"status":503`, "Many are reading just now")
		if rec.Header().Get("Retry-After") != "5" {
			t.Errorf("%s: Retry-After %q", path, rec.Header().Get("Retry-After"))
		}
	}
	want(t, w.ask("GET", "/healthz", ""), 200)
	want(t, w.ask("GET", "/nothing", ""), 404, "There is nothing here")
	for _, form := range badgeForms { // they stand in the pages of others
		want(t, w.ask("GET", "/badge/example.org"+form, ""), 200)
	}
	list, _ := scrape(t, w.Site)
	if n := value(list, "mxseal_renderings_refused_total"); n == "0" || value(list, "mxseal_renderings") != fmt.Sprint(clientRenderings) {
		t.Errorf("%s were refused, %s wait", n, value(list, "mxseal_renderings"))
	}
	if pages, brief := w.renderer.pages.Held(), w.renderer.brief.Held(); pages.Items != 0 || brief.Items != 2 {
		t.Errorf("%d pages are kept, and %d for a moment: want the two that say so", pages.Items, brief.Items)
	}
	for range maxRenderings {
		w.renderer.turns <- nil
	}
}

// Twenty readers who do not read, half of them without gzip, hold one page, and nobody else
// waits for them.
func TestSlowReadersShareOnePage(t *testing.T) {
	w := newWorld(t)
	text := make([]byte, 24<<20) // more than the buffers of a connection take
	for i := range text {
		text[i] = "0123456789abcdef"[rand.N(16)]
	}
	made, err := w.renderer.get(from(t.Context(), "192.0.2.1"), w.renderer.pages, "", pageHead, func(_ context.Context, out io.Writer) error {
		_, err := out.Write(text)
		return err
	})
	if err != nil || !made.packed {
		t.Fatal(err)
	}
	var inside atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		inside.Add(1)
		defer inside.Add(-1)
		w.send(rw, r, 200, made)
	}))
	defer server.Close()
	var readers []net.Conn
	for i := range 20 {
		c, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: mxseal.example\r\n%s\r\n", []string{"", "Accept-Encoding: gzip\r\n"}[i%2])
		readers = append(readers, c)
	}
	for end := time.Now().Add(20 * time.Second); inside.Load() < 20 && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	if n, octets := inside.Load(), w.sending.held(); n != 20 || octets != len(made.body) {
		t.Errorf("%d readers hold %d octets, the page has %d", n, octets, len(made.body))
	}
	want(t, w.ask("GET", "/", ""), 200)
	for _, c := range readers {
		c.Close()
	}
	for end := time.Now().Add(20 * time.Second); w.sending.held() > 0 && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	if octets := w.sending.held(); octets != 0 {
		t.Errorf("all have left, and %d octets are held", octets)
	}
}

// What is being sent is bounded too, as it is held when the caches have let it go.
func TestWhatIsSentIsBounded(t *testing.T) {
	var s sending
	var all []*rendering
	for i := 0; ; i++ {
		p := &rendering{body: make([]byte, 1<<20)}
		if !s.begin(p) {
			break
		}
		if !s.begin(p) {
			t.Fatal("a second reader of the same page is refused")
		}
		if all = append(all, p); s.held() > sendOctets || i > 1000 {
			t.Fatalf("%d octets are being sent", s.held())
		}
	}
	if len(all) != sendOctets>>20 {
		t.Errorf("%d pages of a MiB are being sent", len(all))
	}
	for _, p := range all {
		s.end(p)
		s.end(p)
	}
	if s.held() != 0 {
		t.Errorf("%d octets are left", s.held())
	}

	w := newWorld(t)
	w.sending.octets = sendOctets
	rec := w.ask("GET", "/grades", "")
	want(t, rec, 503, "Many are reading just now")
	if rec.Header().Get("Retry-After") != "5" {
		t.Error("no Retry-After")
	}
}

// A page that was made before the last check is never shown behind it, whatever the caches
// still hold of it.
func TestNoPageIsBehindTheLastReport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		addresses := func(letter string) {
			t.Helper()
			want(t, w.ask("GET", "/check/example.org", ""), 200, `aria-label="Grade `+letter+`"`)
			want(t, w.ask("GET", "/check/example.org", "", "Accept", json_), 200, `"letter":"`+letter+`"`)
			want(t, w.ask("GET", "/api/v1/domains/example.org", ""), 200, `"letter":"`+letter+`"`)
			want(t, w.ask("GET", "/badge/example.org.json", ""), 200, `"message":"`+letter+` ·`)
		}
		for _, letter := range []string{"F", "C", "A", "D"} {
			w.as = func(_ context.Context, _ input.Domain, id string, _ func(report.Event)) *report.Report {
				r := graded("example.org", report.Letter(letter), 0)
				r.ID, r.CheckedAt = id, time.Now()
				return r
			}
			w.post("example.org")
			w.settle()
			addresses(letter)
			time.Sleep(scans.FreshFor)
		}
	})
}

// Pages of a running check are shared by all who see the same state of it, and kept as long
// as a page that loads itself again.
func TestTheLivePageIsShared(t *testing.T) {
	w := newWorld(t)
	w.gate = make(chan struct{})
	w.post("example.org")
	for range 20 {
		want(t, w.ask("GET", "/check/example.org", ""), 200, `http-equiv="refresh"`)
	}
	if h := w.renderer.brief.Held(); h.Items == 0 || h.Items > 3 {
		t.Errorf("twenty readers, %d pages", h.Items)
	}
	if h := w.renderer.pages.Held(); h.Items != 0 {
		t.Errorf("%d of them are among the pages that are kept", h.Items)
	}
	close(w.gate)
	w.settle()
}

// Badges of one domain that all expire at once are looked up once.
func TestAStandingIsLookedUpOnce(t *testing.T) {
	w := newWorld(t)
	w.save(t, graded("example.org", "A", 1, "DANE"))
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() { want(t, w.ask("GET", "/badge/example.org.svg", ""), 200) })
	}
	all.Wait()
	if h := w.standings.Held(); h.Items != 1 {
		t.Errorf("%d standings are kept", h.Items)
	}
	if h := w.renderer.pictures.Held(); h.Items != 1 {
		t.Errorf("%d pictures are kept", h.Items)
	}
}
