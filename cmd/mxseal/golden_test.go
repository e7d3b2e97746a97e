package main

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode"

	"mxseal/checks"
	"mxseal/checks/lab"
	"mxseal/checks/report"
	"mxseal/checks/terminal"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// digest stands for what differs from run to run: keys and certificates are made afresh.
var digest = regexp.MustCompile(`[0-9a-f]{40,}`)

// moment is when a line of a transcript came, which depends on what else was asked at the time.
var moment = regexp.MustCompile(`(?m)^ +[0-9]+ ms `)

// labReports are the reports of all domains of the lab, made once. The clock of the bubble begins at
// 2000-01-01, so dates are exact.
func labReports(t *testing.T) []*report.Report {
	t.Helper()
	if len(ofTheLab) > 0 {
		return ofTheLab
	}
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		world, err := lab.New(lab.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer world.Close()
		engine, err := labEngine(world, 0, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range world.Domains() {
			domain, err := engine.ParseDomain(d.Name)
			if err != nil {
				t.Fatal(err)
			}
			r := engine.Run(t.Context(), domain, "", nil)
			r.ElapsedMS, r.CheckedAt = 0, began // some checks before wait for a random while
			checks.Explain(r)                   // the steps name the time
			ofTheLab = append(ofTheLab, r)
		}
	})
	return ofTheLab
}

var ofTheLab []*report.Report

// What a person reads about each domain of the lab, word for word: at first, and with the steps.
// Of some everything is held that there is to read.
func TestReportsAsText(t *testing.T) {
	for _, r := range labReports(t) {
		golden(t, r.Domain+".txt", printed(t, r, terminal.Wish{Steps: true}))
		switch r.Domain {
		case "perfect.test", "backup-cleartext.test", "tlsa-mismatch.test", "hostile-text.test", "bogus.test", "rate-limited.test", "obsolete-tls.test", "sts-expired.test":
			golden(t, r.Domain+".verbose.txt", printed(t, r, terminal.Wish{All: true}))
		}
	}
}

// printed is a report as text, of which nothing differs from run to run.
func printed(t *testing.T, r *report.Report, wish terminal.Wish) string {
	t.Helper()
	var b bytes.Buffer
	if err := terminal.Text(&b, checks.View(r), asked(wish, &b)); err != nil {
		t.Fatal(err)
	}
	text := moment.ReplaceAllString(digest.ReplaceAllString(b.String(), "<digest>"), " … ms ")
	for _, c := range text {
		if unicode.IsControl(c) && c != '\n' || unicode.Is(unicode.Bidi_Control, c) {
			t.Errorf("%s: the text holds %U", r.Domain, c)
		}
	}
	for i, line := range strings.Split(text, "\n") {
		if strings.HasSuffix(line, " ") {
			t.Errorf("%s: line %d ends in a space", r.Domain, i+1)
		}
	}
	return text
}

// A report fits on a screen, and what stays on it is the verdict.
func TestReportsAreShort(t *testing.T) {
	longest := 0
	for _, r := range labReports(t) {
		lines := strings.Split(strings.TrimSuffix(printed(t, r, terminal.Wish{}), "\n"), "\n")
		if len(r.Hosts) <= 3 {
			longest = max(longest, len(lines))
			if len(lines) > 25 {
				t.Errorf("%s: %d lines", r.Domain, len(lines))
			}
		}
		end := slices.IndexFunc(lines, func(l string) bool {
			v := checks.View(r)
			return strings.HasPrefix(l, v.Name()) && strings.Contains(l, "  "+v.Stated()+"  ")
		})
		if end < len(lines)-4 {
			t.Errorf("%s: the verdict is on line %d of %d", r.Domain, end+1, len(lines))
		}
		for i, l := range lines {
			if code := regexp.MustCompile(`\bA[0-5]\b|CLEAR|STOLEN`).FindString(l); code != "" {
				t.Errorf("%s: line %d says %s", r.Domain, i+1, code)
			}
		}
	}
	t.Logf("at most %d lines", longest)
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", "golden", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs (make golden rewrites it):\n%s", name, firstDifference(string(want), got))
	}
}

func firstDifference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range max(len(w), len(g)) {
		a, b := "(end)", "(end)"
		if i < len(w) {
			a = w[i]
		}
		if i < len(g) {
			b = g[i]
		}
		if a != b {
			return "- " + a + "\n+ " + b
		}
	}
	return ""
}
