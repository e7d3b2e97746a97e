package senders

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"mxseal/checks/report"
	"mxseal/checks/sender"
	"mxseal/checks/tlsreport"
	"mxseal/web/store"
)

const (
	reportsMax  = 20  // kept of a test
	ofReportMax = 200 // octets of who reports
)

// asksForReports reports whether a domain has a TLS-RPT record now: until some time after the end of its test,
// since senders may look for it when they report. s.mu is held.
func (s *Senders) asksForReports(p place) bool {
	t := s.tests[p.test]
	return !p.host && p.prefix == "_smtp._tls" && slices.Contains(sender.Reporting, p.trap) && t.evidence.RUA != "" && s.now().Before(t.evidence.Ends.Add(sender.Reported))
}

// rptRecord is that record (RFC 8460 §3).
func (s *Senders) rptRecord(p place, name string) dns.RR {
	return &dns.TXT{Hdr: header(name, dns.TypeTXT), Txt: []string{"v=TLSRPTv1; rua=" + s.tests[p.test].evidence.RUA}}
}

// Deliver writes down that reports about a test have come. They are read only where the test waits for some.
// store.ErrNotFound: it does not, or they are about something else.
func (s *Senders) Deliver(ctx context.Context, id string, read func(take func(*tlsreport.Report)) error) error {
	e, err := s.Evidence(ctx, id)
	if errors.Is(err, ErrNoTest) || err == nil && (e.RUA == "" || s.now().After(e.Ends.Add(sender.Reported))) {
		return store.ErrNotFound
	}
	if err != nil {
		return err
	}
	var fresh []sender.Report
	if err := read(func(r *tlsreport.Report) {
		if isAbout(r, e) {
			fresh = append(fresh, sender.Report{At: s.moment(), From: report.Clean(r.Organization, ofReportMax)})
		}
	}); err != nil {
		return err
	}
	if len(fresh) == 0 {
		return store.ErrNotFound
	}
	return s.addReports(ctx, id, fresh)
}

// isAbout reports whether a TLS report is about a domain of a test.
func isAbout(r *tlsreport.Report, e *sender.Evidence) bool {
	return slices.ContainsFunc(r.Policies, func(p tlsreport.Policy) bool {
		return slices.ContainsFunc(sender.Reporting, func(t sender.Trap) bool {
			domain := e.Domains[t]
			return domain != "" && (strings.EqualFold(p.Domain, domain) || strings.EqualFold(p.For, domain))
		})
	})
}

// addReports keeps reports with a test, wherever that is. More than reportsMax say nothing new.
func (s *Senders) addReports(ctx context.Context, id string, fresh []sender.Report) error {
	s.reports.Lock()
	defer s.reports.Unlock()
	add := func(e *sender.Evidence) {
		e.Reports = slices.Concat(e.Reports, fresh[:min(len(fresh), reportsMax-len(e.Reports))])
	}
	s.mu.Lock()
	if t := s.tests[id]; t != nil && !t.away {
		add(&t.evidence)
		t.dirty = true
		s.mu.Unlock()
		return nil
	}
	s.mu.Unlock()
	one, err := s.Store.SenderTest(ctx, id) // nobody else writes there: nothing more is seen of it
	if err != nil {
		return err
	}
	var kept saved
	if err := json.Unmarshal(one.Body, &kept); err != nil {
		return fmt.Errorf("%w: %w", store.ErrUnreadable, err)
	}
	add(&kept.Evidence)
	if one.Body, err = json.Marshal(kept); err != nil {
		return err
	}
	return s.Store.SaveSenderTest(ctx, one)
}
