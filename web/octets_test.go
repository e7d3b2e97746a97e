package web

import (
	"net/http/httptest"
	"testing"

	"mxseal/static"
	"mxseal/web/scans"
)

// What a visitor has to load is little: on a slow line every page is there within a second.
func TestPagesAreSmall(t *testing.T) {
	s := inTheLab(t)
	for _, domain := range []string{"certificate.test", "signed-domain.test"} {
		d, err := s.cfg.Engine.ParseDomain(domain)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := s.scans.Start(t.Context(), scans.Client{}, d); err != nil {
			t.Fatal(err)
		}
	}
	s.settle()
	for path, most := range map[string]int{"/": 12_000, "/check/certificate.test": 20_000, "/check/signed-domain.test": 20_000, "/to/certificate.test": 12_000, static.Script: 4_000} {
		r := httptest.NewRequest("GET", path, nil)
		r.Header.Set("Accept-Encoding", "gzip")
		rec := httptest.NewRecorder()
		s.ServeHTTP(rec, r)
		if rec.Code != 200 || rec.Header().Get("Content-Encoding") != "gzip" || rec.Body.Len() > most {
			t.Errorf("%s: %d, %d octets compressed, want at most %d", path, rec.Code, rec.Body.Len(), most)
		}
		t.Logf("%s: %d octets compressed", path, rec.Body.Len())
	}
}
