package report_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"mxseal/checks/report"
)

var start = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

func on(day int) time.Time { return start.AddDate(0, 0, day) }

// remembered runs reports through memory, one a day, and returns what the last leaves.
func remembered(reports ...*report.Report) *report.Past {
	var p *report.Past
	for i, r := range reports {
		r.CheckedAt, r.Past = on(i), p
		p = report.Remember(r)
	}
	return p
}

func policy(state, id, text string) *report.Report {
	r := &report.Report{Evidence: report.Evidence{MTASTS: &report.MTASTS{State: report.STSState(state), ID: id, Raw: text}}}
	if text != "" {
		r.MTASTS.Policy = &report.Policy{Mode: "enforce", MaxAge: 86400}
	}
	return r
}

// Senders go by the text that they fetched for an id, so that one is kept as long as the id stands.
func TestRememberedPolicies(t *testing.T) {
	for _, c := range []struct {
		why     string
		reports []*report.Report
		want    string // id, day and text of the policy and of the announced one
	}{
		{"none", []*report.Report{{}}, ""},
		{"one", []*report.Report{policy("enforce", "1", "a")}, "1/0/a"},
		{"seen again", []*report.Report{policy("enforce", "1", "a"), policy("enforce", "1", "a")}, "1/1/a"},
		{"a new id", []*report.Report{policy("enforce", "1", "a"), policy("enforce", "2", "b")}, "2/1/b"},
		{"another text under the same id", []*report.Report{policy("enforce", "1", "a"), policy("enforce", "1", "b")}, "1/1/b 1/0/a"},
		{"and a third", []*report.Report{policy("enforce", "1", "a"), policy("enforce", "1", "b"), policy("enforce", "1", "c")}, "1/2/c 1/0/a"},
		{"and back", []*report.Report{policy("enforce", "1", "a"), policy("enforce", "1", "b"), policy("enforce", "1", "a")}, "1/2/a"},
		{"and then a new id", []*report.Report{policy("enforce", "1", "a"), policy("enforce", "1", "b"), policy("enforce", "2", "b")}, "2/2/b"},
		{"withdrawn", []*report.Report{policy("enforce", "1", "a"), policy("absent", "", ""), {}}, "1/0/a"},
		{"a file without a record is no policy", []*report.Report{policy("absent", "", "a")}, ""},
	} {
		p := remembered(c.reports...)
		texts := map[string]string{}
		for _, s := range []string{"a", "b", "c"} {
			texts[(&report.MTASTS{Raw: s}).Digest()] = s
		}
		var got []string
		for _, q := range []*report.PastPolicy{p.Policy, p.Announced} {
			if q != nil {
				got = append(got, fmt.Sprintf("%s/%d/%s", q.ID, int(q.FetchedAt.Sub(start).Hours()/24), texts[q.Digest]))
			}
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%s: %q, want %q", c.why, s, c.want)
		}
	}
}

func host(change func(*report.Host, *report.Address)) *report.Report {
	a := &report.Address{IP: "192.0.2.1", Reachable: true, SMTP: &report.SMTP{STARTTLS: "ok"},
		Certificates: []*report.Certificate{{PKIX: "ok", SPKISHA256: "aa"}}}
	h := &report.Host{Name: "mx", TLSA: report.TLSA{State: "match"}, Addresses: []*report.Address{a}}
	if change != nil {
		change(h, a)
	}
	return &report.Report{Evidence: report.Evidence{MX: &report.MX{State: "ok"}, Hosts: []*report.Host{h}}}
}

func silent(h *report.Host, a *report.Address) {
	h.TLSA.State = "untested"
	*a = report.Address{IP: a.IP, SMTP: &report.SMTP{STARTTLS: "untested"}, Failure: &report.Failure{Phase: "connect", Kind: "timeout"}}
}

func putOff(kind, reply string) func(*report.Host, *report.Address) {
	return func(h *report.Host, a *report.Address) {
		silent(h, a)
		a.SMTP.Tries, a.SMTP.Reply = 3, reply
		a.Failure = &report.Failure{Phase: "starttls", Kind: report.Kind(kind)}
	}
}

func TestRememberedHosts(t *testing.T) {
	gone := &report.Report{Evidence: report.Evidence{MX: &report.MX{State: "ok"}}}
	quiet := func(n int) []*report.Report {
		list := []*report.Report{host(nil)}
		for range n {
			list = append(list, host(silent))
		}
		return list
	}
	for _, c := range []struct {
		why     string
		reports []*report.Report
		want    string
	}{
		{"seen", []*report.Report{host(nil)}, "tlsa match of day 0, ok of day 0, keys [aa], tls 0, valid 0"},
		{"seen again", []*report.Report{host(nil), host(nil)}, "tlsa match of day 1, ok of day 1, keys [aa], tls 1, valid 1"},
		{"what was not found out is kept from before", []*report.Report{host(nil), host(silent)}, "tlsa match of day 0, ok of day 0, keys [aa], tls 0, valid 0"},
		{"what is worse now, with when it was better", []*report.Report{host(nil), host(func(h *report.Host, a *report.Address) {
			h.TLSA.State, a.SMTP.STARTTLS, a.Certificates = "none", "not-offered", nil
		})}, "tlsa none of day 0, not-offered of day 1, keys [aa], tls 0, valid 0"},
		{"silent for a month", quiet(30), "tlsa match of day 0, ok of day 0, keys [aa], tls 0, valid 0"},
		{"silent for longer", quiet(32), "tlsa match of day 0"},
		{"gone for a day", []*report.Report{host(nil), gone}, "tlsa match of day 0, ok of day 0, keys [aa], tls 0, valid 0"},
		{"put off", []*report.Report{host(putOff("reply", "454 later"))}, "tlsa untested, untested of day 0, keys [], put off since 0"},
		{"put off twice", []*report.Report{host(putOff("reply", "454 later")), host(putOff("closed", ""))}, "tlsa untested, untested of day 0, keys [], put off since 0"},
		{"put off, then not", []*report.Report{host(putOff("reply", "454 later")), host(nil)}, "tlsa match of day 1, ok of day 1, keys [aa], tls 1, valid 1"},
		{"too many connections is no putting off", []*report.Report{host(nil), host(putOff("reply", "421 busy"))}, "tlsa match of day 0, ok of day 0, keys [aa], tls 0, valid 0"},
	} {
		p := remembered(c.reports...)
		h := p.Host("mx")
		if h == nil {
			t.Errorf("%s: forgotten", c.why)
			continue
		}
		day := func(at time.Time) int { return int(at.Sub(start).Hours() / 24) }
		got := "tlsa " + string(h.TLSA)
		if !h.MatchedAt.IsZero() {
			got += fmt.Sprintf(" of day %d", day(h.MatchedAt))
		}
		if a := h.Address("192.0.2.1"); a != nil {
			got += fmt.Sprintf(", %s of day %d, keys %v", a.STARTTLS, day(a.SeenAt), a.Keys)
			if !a.TLSAt.IsZero() {
				got += fmt.Sprintf(", tls %d, valid %d", day(a.TLSAt), day(a.ValidAt))
			}
			if !a.PutOffSince.IsZero() {
				got += fmt.Sprintf(", put off since %d", day(a.PutOffSince))
			}
		}
		if got != c.want {
			t.Errorf("%s:\n%s, want\n%s", c.why, got, c.want)
		}
	}
	if report.Remember(nil) != nil {
		t.Error("a memory of nothing")
	}
}

// What is remembered stays small however long it goes on.
func TestMemoryIsBounded(t *testing.T) {
	var reports []*report.Report
	for i := range 60 {
		r := host(nil)
		r.Hosts[0].Name = fmt.Sprintf("mx%d", i)
		reports = append(reports, r)
	}
	p := remembered(reports...)
	body, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Hosts) > 20 || len(body) > 10<<10 || p.Host("mx59") == nil {
		t.Errorf("%d hosts in %d octets", len(p.Hosts), len(body))
	}
}

func TestBare(t *testing.T) {
	r := &report.Report{Meta: report.Meta{Domain: "example.org"}, Conclusions: report.Conclusions{Grade: &report.Grade{Letter: "D", Why: "why"}, Forecast: []report.Due{{Text: "soon"}}, Findings: []report.Finding{{Rule: "SMT-12", Params: map[string]string{"a": "b"}, Detail: []string{"evidence"}, Title: "T", Text: "X", FixText: "R", Reference: "RFC", Steps: []report.Step{{}}}}}}
	body, err := json.Marshal(r.Bare())
	if err != nil {
		t.Fatal(err)
	}
	for _, sentence := range []string{"title", "text", "remedy", "reference", "steps", "why", "forecast"} {
		if strings.Contains(string(body), `"`+sentence+`"`) {
			t.Errorf("the bare report holds a %s: %s", sentence, body)
		}
	}
	for _, kept := range []string{"SMT-12", "evidence", `"a":"b"`, `"letter":"D"`} {
		if !strings.Contains(string(body), kept) {
			t.Errorf("the bare report lacks %s", kept)
		}
	}
	if r.Findings[0].Title == "" || r.Grade.Why == "" || r.Forecast == nil {
		t.Error("the report itself has changed")
	}
}
