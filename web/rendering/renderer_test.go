package rendering

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"mxseal/web/problem"
	"mxseal/web/scans"
)

// page is how pages are sent.
var page = Head{Kind: "text/html; charset=utf-8", Keep: "no-cache"}

// from is a client.
func from(address string) scans.Client {
	return scans.Client{By: "form", Addr: netip.MustParseAddr(address)}
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
		m, p := New(), &press{gate: make(chan struct{}), says: strings.Repeat("page ", 1000)}
		got := make([]*Rendering, 200)
		var all sync.WaitGroup
		for i := range got {
			ctx, leave := context.WithCancel(t.Context())
			defer leave()
			if i == 0 { // who came first has left: the others get it all the same
				time.AfterFunc(time.Second, leave)
			}
			all.Go(func() { got[i], _ = m.Get(ctx, from(fmt.Sprintf("192.0.2.%d", i)), m.Pages, "name", page, p.write) })
		}
		time.Sleep(2 * time.Second)
		if waiting, refused := m.Load(); waiting != 199 || refused != 0 {
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
		if again, err := m.Get(t.Context(), from("192.0.2.250"), m.Pages, "name", page, p.write); err != nil || again != got[1] {
			t.Errorf("the next reader was given %v, %v", again, err)
		}
		time.Sleep(pageKept + time.Minute)
		if h := m.Pages.Held(); h.Octets != 0 {
			t.Errorf("later %+v is held", h)
		}
	})
}

// Few are made side by side, and who has waited long enough is told so.
func TestFewAreMadeSideBySide(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, p := New(), &press{gate: make(chan struct{}), says: "page"}
		var done, busy atomic.Int32
		var all sync.WaitGroup
		for i := range 100 {
			name := fmt.Sprint(i)
			if i%3 == 0 {
				name = "" // for one visitor alone
			}
			all.Go(func() {
				_, err := m.Get(t.Context(), from(fmt.Sprintf("192.0.2.%d", i)), m.Pages, name, page, p.write)
				switch {
				case err == nil:
					done.Add(1)
				case errors.Is(err, problem.Overloaded):
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
		if waiting, refused := m.Load(); waiting != 0 || refused != 100-maxRenderings {
			t.Errorf("%d wait, %d were refused", waiting, refused)
		}
	})
}

// One client cannot have all turns to himself.
func TestAClientWaitsForAFewPages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, p := New(), &press{gate: make(chan struct{}), says: "page"}
		var busy atomic.Int32
		var all sync.WaitGroup
		for i := range 100 {
			all.Go(func() {
				if _, err := m.Get(t.Context(), from("192.0.2.1"), m.Pages, fmt.Sprint(i), page, p.write); errors.Is(err, problem.Overloaded) {
					busy.Add(1)
				}
			})
		}
		synctest.Wait()
		if n := busy.Load(); n != 100-clientRenderings {
			t.Errorf("%d were turned away at once, want all but %d", n, clientRenderings)
		}
		all.Go(func() {
			if _, err := m.Get(t.Context(), from("192.0.2.2"), m.Pages, "another", page, p.write); err != nil {
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

// What is sent is what was written, packed or not, whole or not.
func TestWhatIsWrittenIsSent(t *testing.T) {
	m := New()
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
		{"a picture", strings.Repeat("png", 1000), PNG, false},
	} {
		p, err := m.Get(t.Context(), from("192.0.2.1"), m.Pages, "", Head{Kind: c.kind, Keep: "no-cache"}, func(_ context.Context, out io.Writer) error {
			for part := c.says; part != ""; {
				n := min(1+rand.N(3000), len(part))
				if _, err := io.WriteString(out, part[:n]); err != nil {
					return err
				}
				part = part[n:]
			}
			return nil
		})
		if err != nil || (p.coding == "gzip") != c.packed || p.size != len(c.says) || cap(p.body) > len(p.body)+4096 {
			t.Errorf("%s: %v, coding %q, %d octets of %d", c.why, err, p.coding, p.size, len(c.says))
			continue
		}
		for _, accept := range []string{"gzip", "", "deflate", "gzip;q=0, br;q=0"} {
			for _, method := range []string{"GET", "HEAD"} {
				r := httptest.NewRequest(method, "/", nil)
				r.Header.Set("Accept-Encoding", accept)
				rec := httptest.NewRecorder()
				if err := m.Send(rec, r, 200, p); err != nil {
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
		m.Send(rec, r, 200, p)
		if rec.Code != 304 || rec.Body.Len() != 0 || rec.Header().Get("Content-Type") != "" {
			t.Errorf("%s, known already: %d", c.why, rec.Code)
		}
	}
	if m.sending.octets != 0 {
		t.Errorf("%d octets are still being sent", m.sending.octets)
	}
}

// Twenty readers who do not read, half of them without gzip, hold one page, and nobody else
// waits for them.
func TestSlowReadersShareOnePage(t *testing.T) {
	m := New()
	text := make([]byte, 24<<20) // more than the buffers of a connection take
	for i := range text {
		text[i] = "0123456789abcdef"[rand.N(16)]
	}
	made, err := m.Get(t.Context(), from("192.0.2.1"), m.Pages, "", page, func(_ context.Context, out io.Writer) error {
		_, err := out.Write(text)
		return err
	})
	if err != nil || made.coding != "gzip" {
		t.Fatal(err)
	}
	var inside atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		inside.Add(1)
		defer inside.Add(-1)
		m.Send(rw, r, 200, made)
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
	if n, octets := inside.Load(), m.sending.held(); n != 20 || octets != len(made.body) {
		t.Errorf("%d readers hold %d octets, the page has %d", n, octets, len(made.body))
	}
	if other, err := m.Get(t.Context(), from("192.0.2.2"), m.Pages, "other", page, func(_ context.Context, out io.Writer) error {
		_, err := io.WriteString(out, "another page")
		return err
	}); err != nil || m.Send(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil), 200, other) != nil {
		t.Errorf("another reader has to wait: %v", err)
	}
	for _, c := range readers {
		c.Close()
	}
	for end := time.Now().Add(20 * time.Second); m.sending.held() > 0 && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	if octets := m.sending.held(); octets != 0 {
		t.Errorf("all have left, and %d octets are held", octets)
	}
}

// What is being sent is bounded too, as it is held when the caches have let it go.
func TestWhatIsSentIsBounded(t *testing.T) {
	var s sending
	var all []*Rendering
	for i := 0; ; i++ {
		p := &Rendering{body: make([]byte, 1<<20)}
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

	m := New()
	m.sending.octets = sendOctets
	if err := m.Send(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil), 200, &Rendering{body: make([]byte, 1)}); !errors.Is(err, problem.Overloaded) {
		t.Errorf("beyond the bound: %v", err)
	}
}

// A rendering whose making panics takes no turn with it, and nothing is kept.
func TestAPanicGivesTheTurnBack(t *testing.T) {
	m := New()
	for _, name := range []string{"", "name"} {
		for range 2 * maxRenderings {
			func() {
				defer func() {
					if recover() == nil {
						t.Error("nobody is told")
					}
				}()
				m.Get(t.Context(), from("192.0.2.1"), m.Pages, name, page, func(context.Context, io.Writer) error { panic("a mistake in a page") })
			}()
		}
	}
	if waiting, _ := m.Load(); waiting != 0 || m.Pages.Held().Items != 0 || len(m.turns) != maxRenderings {
		t.Errorf("%d wait, %d pages are kept, %d turns are free", waiting, m.Pages.Held().Items, len(m.turns))
	}
}
