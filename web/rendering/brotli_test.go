package rendering

import (
	"context"
	"io"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/andybalholm/brotli"
)

// What is asked for again goes out as brotli to those who take it, made once for all of them; it
// is the same page with the same ETag, and it is forgotten with the others.
func TestWhatIsAskedForAgainIsBrotli(t *testing.T) {
	m := New()
	var text strings.Builder
	for i := range 3000 {
		text.WriteString("<p>mail server mx")
		text.WriteString(strings.Repeat("0123456789"[i%10:i%10+1], i%7))
		text.WriteString(" keeps the promise of its domain</p>\n")
	}
	head := Head{Kind: "text/html; charset=utf-8", Keep: "no-cache", Open: true}
	p, err := m.Get(t.Context(), from("192.0.2.1"), m.Pages, "name", head, func(_ context.Context, w io.Writer) error {
		_, err := io.WriteString(w, text.String())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	ask := func(accept string) *httptest.ResponseRecorder {
		r, rec := httptest.NewRequest("GET", "/", nil), httptest.NewRecorder()
		r.Header.Set("Accept-Encoding", accept)
		if err := m.Send(rec, r, 200, p); err != nil {
			t.Error(err)
		}
		return rec
	}
	const browser = "gzip, deflate, br, zstd"
	first := ask(browser)
	if got := first.Header().Get("Content-Encoding"); got != "gzip" {
		t.Errorf("asked for once, it is %q", got)
	}
	again := ask(browser)
	if got := again.Header().Get("Content-Encoding"); got != "br" {
		t.Fatalf("asked for again, it is %q", got)
	}
	if b, err := io.ReadAll(brotli.NewReader(again.Body)); err != nil || string(b) != text.String() {
		t.Errorf("%d octets, want %d; %v", len(b), text.Len(), err)
	}
	for _, name := range []string{"Etag", "Content-Type", "Cache-Control", "Vary", "Access-Control-Allow-Origin"} {
		if a, b := first.Header().Get(name), again.Header().Get(name); a != b || a == "" {
			t.Errorf("%s: %q as gzip, %q as brotli", name, a, b)
		}
	}
	if a, b := first.Header().Get("Content-Length"), again.Header().Get("Content-Length"); a == b {
		t.Errorf("both have %s octets", a)
	}
	for accept, want := range map[string]string{"gzip": "gzip", "br;q=0, gzip": "gzip", "identity": "", "br": "br"} {
		if got := ask(accept).Header().Get("Content-Encoding"); got != want {
			t.Errorf("Accept-Encoding %q gets %q, want %q", accept, got, want)
		}
	}
	kept, _ := m.brotlis.kept.Get(p.etag)
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() { ask(browser) })
	}
	all.Wait()
	if now, _ := m.brotlis.kept.Get(p.etag); kept == nil || now != kept {
		t.Error("it was packed again")
	}
	if m.sending.octets != 0 {
		t.Errorf("%d octets are still being sent", m.sending.octets)
	}
}
