package web

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"mxseal/web/scans"
)

// beside fetches a path of the site and the same bytes from a bare handler, in turn and over
// real connections, so that whatever else the machine does slows both alike. The figure that
// counts is the share: requests a second of the site, in per cent of the bare handler's.
func beside(b *testing.B, path string) {
	s := inTheLab(b)
	d, err := s.cfg.Engine.ParseDomain("perfect.test")
	if err != nil {
		b.Fatal(err)
	}
	if _, _, err := s.scans.Start(b.Context(), scans.Client{}, d); err != nil {
		b.Fatal(err)
	}
	s.settle()
	rec := httptest.NewRecorder()
	s.ServeHTTP(rec, wanting(b, path))
	content := rec.Body.Bytes()
	bare := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Write(content) })

	var took [2]time.Duration
	var servers [2]*httptest.Server
	for i, handler := range []http.Handler{s, bare} {
		servers[i] = httptest.NewServer(handler)
		defer servers[i].Close()
		fetch(b, servers[i], path, len(content)) // connects
	}
	for b.Loop() {
		for i, server := range servers {
			start := time.Now()
			fetch(b, server, path, len(content))
			took[i] += time.Since(start)
		}
	}
	n := float64(b.N)
	b.ReportMetric(n/took[0].Seconds(), "requests/s")
	b.ReportMetric(n/took[1].Seconds(), "bare-requests/s")
	b.ReportMetric(100*took[1].Seconds()/took[0].Seconds(), "%-of-bare")
}

func wanting(b *testing.B, url string) *http.Request {
	r, err := http.NewRequest("GET", url, nil)
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Accept-Encoding", "gzip") // and the client leaves it packed
	return r
}

func fetch(b *testing.B, server *httptest.Server, path string, size int) {
	resp, err := server.Client().Do(wanting(b, server.URL+path))
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()
	if n, err := io.Copy(io.Discard, resp.Body); err != nil || int(n) != size || resp.StatusCode != 200 {
		b.Fatalf("%d of %d bytes, %d, %v", n, size, resp.StatusCode, err)
	}
}

func BenchmarkCachedReport(b *testing.B) { beside(b, "/check/perfect.test") }
func BenchmarkBadge(b *testing.B)        { beside(b, "/badge/perfect.test.svg") }
