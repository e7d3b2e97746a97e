package checks_test

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"mxseal/checks"
	"mxseal/checks/report"
)

// Reports that earlier versions stored open: they are judged to the letter that they had, their findings
// have sentences again, and those of the evidence stay. Each file of testdata/stored holds
// reports of the lab, one a line, as a version stored them: before-derive wrote what follows beside what was
// seen, before-codes had sentences and no codes in its evidence, before-says had words among the parameters
// of its findings.
func TestReportsOfEarlierVersionsOpen(t *testing.T) {
	files, _ := filepath.Glob("testdata/stored/*.jsonl.gz")
	if len(files) < 3 {
		t.Fatalf("only %v", files)
	}
	for _, file := range files {
		for line := range linesOf(t, file) {
			var r report.Report
			if err := json.Unmarshal([]byte(line), &r); err != nil {
				t.Errorf("%s: %v", file, err)
				continue
			}
			why := filepath.Base(file) + ": " + r.Domain
			coded := filepath.Base(file) == "before-says.jsonl.gz"
			if r.Coded != coded || slices.ContainsFunc(r.Findings, func(f report.Finding) bool { return f.Says != nil }) {
				t.Errorf("%s has codes: it is not of an earlier version", why)
			}
			before := *r.Grade
			sentences := sentencesOf(&r)
			checks.Explain(&r) // as it is shown
			for _, f := range r.Findings {
				if f.Title == "" {
					t.Errorf("%s: %s has no sentence", why, f.Rule)
				}
			}
			shown := findingsOf(&r)
			r.Conclusions = checks.Judge(r.Meta, r.Evidence)
			checks.Explain(&r)
			if now := findingsOf(&r); coded && now != shown {
				t.Errorf("%s: its findings say something else: %s", why, difference(shown, now))
			}
			if now := r.Grade.Letter; now != before.Letter {
				t.Errorf("%s: %s when it was stored, %s today", why, before.Letter, now)
			}
			if now := sentencesOf(&r); now != sentences {
				t.Errorf("%s: other sentences in its evidence: %s", why, difference(sentences, now))
			}
		}
	}
}

// findingsOf are the sentences of the findings.
func findingsOf(r *report.Report) string {
	var b strings.Builder
	for _, f := range r.Findings {
		b.WriteString(f.Rule + " " + f.Title + " " + f.Text + " " + f.FixText + "\n")
	}
	return b.String()
}

// sentencesOf are the sentences of what kept a check from something.
func sentencesOf(r *report.Report) string {
	var b strings.Builder
	for f := range r.Failures {
		b.WriteString(f.Text + "\n")
	}
	return b.String()
}

func linesOf(t *testing.T, file string) func(func(string) bool) {
	return func(yield func(string) bool) {
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		z, err := gzip.NewReader(f)
		if err != nil {
			t.Fatal(err)
		}
		s := bufio.NewScanner(z)
		s.Buffer(nil, 4<<20)
		for s.Scan() && yield(s.Text()) {
		}
		if s.Err() != nil {
			t.Fatal(s.Err())
		}
	}
}
