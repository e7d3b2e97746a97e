package senders

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"mxseal/checks/sender"
	"mxseal/checks/tlsreport"
	"mxseal/web/store"
)

// about hands on one TLS report about a domain.
func about(domain string) func(func(*tlsreport.Report)) error {
	return func(take func(*tlsreport.Report)) error {
		take(&tlsreport.Report{Organization: "Sender Inc.", Policies: []tlsreport.Policy{{Domain: domain}}})
		return nil
	}
}

// A test asks for reports while it runs and for 48 hours after, and takes those about its own domains.
func TestReports(t *testing.T) {
	i := start(t, filepath.Join(t.TempDir(), "mxseal.db"))
	i.Reports = "https://mxseal.example/tlsrpt/"
	e := i.started("192.0.2.1")
	if err := i.send(e, sender.Plain, true); err != nil {
		t.Fatal(err)
	}
	settle(t, func() bool { return !sender.Judge(i.evidence(e.ID), time.Now()).View.Open })
	record := func(s *Senders, trap sender.Trap) string {
		for _, rr := range s.look("_smtp._tls." + e.Domains[trap]).sets[dns.TypeTXT] {
			return rr.(*dns.TXT).Txt[0]
		}
		return ""
	}
	if got := record(i.Senders, sender.Plain); got != "v=TLSRPTv1; rua=https://mxseal.example/tlsrpt/"+e.ID {
		t.Errorf("the record is %q", got)
	}
	if got := record(i.Senders, sender.STS); got != "" {
		t.Errorf("a domain that is lent to others asks for reports: %q", got)
	}
	for _, c := range []struct {
		id, domain string
		err        error
	}{{e.ID, "example.org", store.ErrNotFound}, {strings.Repeat("a", idLength), e.Domains[sender.Plain], store.ErrNotFound}, {"x", "x", store.ErrNotFound}, {e.ID, strings.ToUpper(e.Domains[sender.Broken]), nil}} {
		if err := i.Deliver(t.Context(), c.id, about(c.domain)); !errors.Is(err, c.err) {
			t.Errorf("a report about %s for %s: %v, not %v", c.domain, c.id, err, c.err)
		}
	}
	before := sender.Judge(e, time.Now()).Grade
	if v := sender.Judge(i.evidence(e.ID), time.Now()); v.Facts.Reports != sender.Yes || v.View.Reported.IsZero() || sender.Judge(i.evidence(e.ID), e.Began).Grade.Letter != before.Letter {
		t.Errorf("%+v", v.Facts)
	}
	if err := i.saveAll(t.Context()); err != nil {
		t.Fatal(err)
	}

	// Later, when the test is in the store alone.
	later, err := New(t.Context(), i.Config)
	if err != nil {
		t.Fatal(err)
	}
	later.now = func() time.Time { return e.Ends.Add(sender.Reported - time.Minute) }
	if err := errors.Join(later.saveAll(t.Context()), later.Deliver(t.Context(), e.ID, about(e.Domains[sender.Plain]))); err != nil {
		t.Fatal(err)
	}
	if got := record(later, sender.Plain); got == "" {
		t.Error("within 48 hours nobody is told where reports go")
	}
	for range 2 * reportsMax {
		if err := later.Deliver(t.Context(), e.ID, about(e.Domains[sender.Plain])); err != nil {
			t.Fatal(err)
		}
	}
	if kept, err := later.kept(t.Context(), e.ID); err != nil || len(kept.Reports) != reportsMax || kept.Reports[0].From != "Sender Inc." || len(kept.Sessions) == 0 {
		t.Errorf("%+v, %v", kept.Reports, err)
	}
	later.now = func() time.Time { return e.Ends.Add(sender.Reported + time.Minute) }
	if err := later.Deliver(t.Context(), e.ID, about(e.Domains[sender.Plain])); !errors.Is(err, store.ErrNotFound) || record(later, sender.Plain) != "" {
		t.Errorf("after 48 hours: %v, %q", err, record(later, sender.Plain))
	}
}

// The oldest tests go: those of more than a year ago, and those that are too many.
func TestExpire(t *testing.T) {
	i := start(t, filepath.Join(t.TempDir(), "mxseal.db"))
	now := time.Now()
	for name, ago := range map[string]time.Duration{"ancient": keepTests + time.Hour, "old": 30 * time.Hour, "new": 20 * time.Hour, "newest": time.Hour} {
		if err := i.Store.SaveSenderTest(t.Context(), store.SenderTest{ID: name, Ends: now.Add(-ago), Body: []byte("{}")}); err != nil {
			t.Fatal(err)
		}
	}
	there := func(ids string) {
		t.Helper()
		for _, id := range []string{"ancient", "old", "new", "newest"} {
			if _, err := i.Store.SenderTest(t.Context(), id); (err == nil) != strings.Contains(" "+ids+" ", " "+id+" ") {
				t.Errorf("%s: %v", id, err)
			}
		}
	}
	if n, err := Expire(t.Context(), i.Store, time.Time{}); n != 1 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	there("old new newest")
	if n, err := i.Store.ExpireSenderTests(t.Context(), time.Time{}, 2); n != 1 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	there("new newest")
	if n, err := Expire(t.Context(), i.Store, now.Add(-2*time.Hour)); n != 1 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	there("newest")
}
