package store

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mxseal/checks/report"
)

// With Explain a report is kept without sentences and read with them.
func TestReportsAreKeptWithoutSentences(t *testing.T) {
	s, err := Open(filepath.Join(t.TempDir(), "reports.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	s.Explain = func(r *report.Report) { r.Findings[0].Title = "today's title" }
	r := &report.Report{Meta: report.Meta{ID: NewID(), Domain: "example.org", CheckedAt: time.Now()}, Conclusions: report.Conclusions{Grade: &report.Grade{Letter: "D", Why: "yesterday's reason"}, Findings: []report.Finding{{Rule: "SMT-12", Params: map[string]string{"k": "v"}, Title: "yesterday's title", Text: "yesterday's text", FixText: "yesterday's remedy"}}}}
	if err := s.Save(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if r.Findings[0].Title != "yesterday's title" || r.Grade.Why == "" {
		t.Error("saving a report changed it")
	}
	var body []byte
	if err := s.read.QueryRow("SELECT body FROM reports").Scan(&body); err != nil {
		t.Fatal(err)
	}
	kept, err := unpack(body)
	if err != nil {
		t.Fatal(err)
	}
	if f := kept.Findings[0]; f.Title+f.Text+f.FixText+kept.Grade.Why != "" || f.Rule != "SMT-12" || f.Params["k"] != "v" || kept.Grade.Letter != "D" {
		t.Errorf("kept: %+v %+v", f, kept.Grade)
	}
	for name, get := range map[string]func() (*report.Report, error){
		"by id":  func() (*report.Report, error) { return s.Get(t.Context(), r.ID) },
		"latest": func() (*report.Report, error) { return s.Latest(t.Context(), r.Domain) },
	} {
		read, err := get()
		if err != nil {
			t.Fatal(err)
		}
		if title := read.Findings[0].Title; title != "today's title" || strings.Contains(read.Findings[0].Text, "yesterday") {
			t.Errorf("%s: read with the title %q", name, title)
		}
	}
}
