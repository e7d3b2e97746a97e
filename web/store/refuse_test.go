package store

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
)

// large is a report of more octets than may be kept.
func large(domain string, at time.Time) *report.Report {
	r := sample(domain, NewID(), at)
	r.Hosts[0].Addresses[0].SMTP.Banner = strings.Repeat("x", maxReport)
	return r
}

// What could not be read again is not written, and counts as lost.
func TestWhatCannotBeReadIsNotSaved(t *testing.T) {
	s, _ := opened(t)
	r := large("example.org", noon)
	if err := s.Save(t.Context(), r); err == nil || !strings.Contains(err.Error(), "octets") {
		t.Errorf("a report of more than %d octets is kept: %v", maxReport, err)
	}
	if _, err := s.Get(t.Context(), r.ID); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
	if s.Lost() != 1 {
		t.Errorf("%d lost", s.Lost())
	}
	// One that just fits is there and whole.
	text := large("example.org", noon)
	n, err := size(text)
	if err != nil {
		t.Fatal(err)
	}
	text.Hosts[0].Addresses[0].SMTP.Banner = strings.Repeat("x", maxReport-(n-maxReport))
	if err := s.Save(t.Context(), text); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Get(t.Context(), text.ID); err != nil || len(got.Hosts[0].Addresses[0].SMTP.Banner) != 2*maxReport-n {
		t.Error(err)
	}
}

func size(r *report.Report) (int, error) {
	text, err := r.MarshalJSON()
	return len(text), err
}

// insert puts a row into the file as an earlier program might have, or a damaged disk.
func insert(t *testing.T, s *Store, r *report.Report, body []byte) {
	t.Helper()
	if _, err := s.write.Exec(`INSERT INTO reports (id, domain, checked_at, letter, provisional, rules, body, spoilt) VALUES (?, ?, ?, 'B', 0, 1, ?, 0)`,
		r.ID, r.Domain, r.CheckedAt.UnixMilli(), body); err != nil {
		t.Fatal(err)
	}
}

// A latest report that cannot be read counts as none, and is logged; its own address says why.
func TestUnreadableReportsCountAsNone(t *testing.T) {
	s, _ := opened(t)
	var log bytes.Buffer
	s.Log = slog.New(slog.NewTextHandler(&log, nil))
	var bomb bytes.Buffer // small, and larger than a report once it is unpacked
	z := gzip.NewWriter(&bomb)
	z.Write([]byte(`{"domain":"` + strings.Repeat("0", maxReport) + `"}`))
	z.Close()
	older := sample("example.org", NewID(), noon)
	older.Grade.Provisional = false
	if err := s.Save(t.Context(), older); err != nil {
		t.Fatal(err)
	}
	for i, body := range [][]byte{[]byte("damaged"), bomb.Bytes(), bytes.Repeat([]byte("x"), maxReport+1)} {
		bad := sample("example.org", NewID(), noon.Add(time.Duration(i+1)*time.Minute))
		insert(t, s, bad, body)
		log.Reset()
		for what, ask := range map[string]func(context.Context, string) (*report.Report, error){"latest": s.Latest, "firm": s.Firm} {
			if got, err := ask(t.Context(), "example.org"); err != nil || got.ID != older.ID {
				t.Errorf("%s beside row %d: %v", what, i, err)
			}
		}
		if !strings.Contains(log.String(), bad.ID) {
			t.Errorf("row %d: nobody is told: %s", i, log.String())
		}
		if _, err := s.Get(t.Context(), bad.ID); !errors.Is(err, ErrUnreadable) {
			t.Errorf("row %d: %v", i, err)
		}
		insert(t, s, sample("other.example", NewID(), noon), body)
	}
	if _, err := s.Latest(t.Context(), "other.example"); !errors.Is(err, ErrNotFound) {
		t.Errorf("with nothing that can be read: %v", err)
	}
}

// A clock that was ahead makes no report the latest until it has come true.
func TestReportsFromTheFutureStandBehind(t *testing.T) {
	s, _ := opened(t)
	future, now := sample("example.org", NewID(), time.Now().AddDate(1, 0, 0)), sample("example.org", NewID(), time.Now().Add(-time.Hour))
	if err := s.Save(t.Context(), future); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Latest(t.Context(), "example.org"); err != nil || got.ID != future.ID {
		t.Errorf("where there is no other: %v", err)
	}
	if err := s.Save(t.Context(), now); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Latest(t.Context(), "example.org"); err != nil || got.ID != now.ID {
		t.Errorf("the latest is %s of %v, %v", got.ID, got.CheckedAt, err)
	}
}
