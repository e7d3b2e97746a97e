package storetest

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"mxseal/checks/report"
	"mxseal/web/store"
)

// large is a report of more octets than may be kept.
func large(domain string, at time.Time) *report.Report {
	r := Sample(domain, store.NewID(), at)
	r.Hosts[0].Addresses[0].SMTP.Banner = strings.Repeat("x", store.MaxReport)
	return r
}

// What could not be read again is not written, and counts as lost.
func tooLarge(t *testing.T, s *store.Store) {
	r := large("example.org", Noon)
	if err := s.Save(t.Context(), r); err == nil || !strings.Contains(err.Error(), "octets") {
		t.Errorf("a report of more than %d octets is kept: %v", store.MaxReport, err)
	}
	if _, err := s.Get(t.Context(), r.ID); !errors.Is(err, store.ErrNotFound) {
		t.Error(err)
	}
	if s.Lost() != 1 {
		t.Errorf("%d lost", s.Lost())
	}
	// One that just fits is there and whole.
	text := large("example.org", Noon)
	n, err := size(text)
	if err != nil {
		t.Fatal(err)
	}
	text.Hosts[0].Addresses[0].SMTP.Banner = strings.Repeat("x", store.MaxReport-(n-store.MaxReport))
	if err := s.Save(t.Context(), text); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Get(t.Context(), text.ID); err != nil || len(got.Hosts[0].Addresses[0].SMTP.Banner) != 2*store.MaxReport-n {
		t.Error(err)
	}
}

func size(r *report.Report) (int, error) {
	text, err := r.MarshalJSON()
	return len(text), err
}

// A latest report that cannot be read counts as none, and is logged; its own address says why.
func unreadable(t *testing.T, k Kit) {
	s := k.Open(t)
	var log strings.Builder
	s.Log = slog.New(slog.NewTextHandler(&log, nil))
	insert := func(r *report.Report, body []byte) {
		k.Insert(t, s, store.Row{Entry: store.Entry{ID: r.ID, CheckedAt: r.CheckedAt, Letter: "B", Rules: 1}, Domain: r.Domain, Body: body})
	}
	var bomb bytes.Buffer // small, and larger than a report once it is unpacked
	z := gzip.NewWriter(&bomb)
	z.Write([]byte(`{"domain":"` + strings.Repeat("0", store.MaxReport) + `"}`))
	z.Close()
	older := Sample("example.org", store.NewID(), Noon)
	older.Grade.Provisional = false
	if err := s.Save(t.Context(), older); err != nil {
		t.Fatal(err)
	}
	for i, body := range [][]byte{[]byte("damaged"), bomb.Bytes(), bytes.Repeat([]byte("x"), store.MaxReport+1)} {
		bad := Sample("example.org", store.NewID(), Noon.Add(time.Duration(i+1)*time.Minute))
		insert(bad, body)
		log.Reset()
		for what, ask := range map[string]func(context.Context, string) (*report.Report, error){"latest": s.Latest, "firm": s.Firm} {
			if got, err := ask(t.Context(), "example.org"); err != nil || got.ID != older.ID {
				t.Errorf("%s beside row %d: %v", what, i, err)
			}
		}
		if !strings.Contains(log.String(), bad.ID) {
			t.Errorf("row %d: nobody is told: %s", i, log.String())
		}
		if _, err := s.Get(t.Context(), bad.ID); !errors.Is(err, store.ErrUnreadable) {
			t.Errorf("row %d: %v", i, err)
		}
		insert(Sample("other.example", store.NewID(), Noon), body)
	}
	if _, err := s.Latest(t.Context(), "other.example"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("with nothing that can be read: %v", err)
	}
}
