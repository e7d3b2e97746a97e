package main

import (
	"encoding/csv"
	"encoding/xml"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestDomainsFromStandardInput(t *testing.T) {
	flags := sockets(t)
	code, out, errs := mxseal("# ours\ndane.test\n\n  postmaster@sts.test  \n", append([]string{"check", "-", "--ordered", "--format", "csv"}, flags...)...)
	rows, err := csv.NewReader(strings.NewReader(out)).ReadAll()
	if code != exitOK || err != nil || len(rows) != 3 {
		t.Fatalf("exit %d, %v\n%s%s", code, err, out, errs)
	}
	if rows[0][0] != "domain" || rows[1][0] != "dane.test" || rows[1][1] != "A" || rows[2][0] != "sts.test" || rows[2][1] != "B" {
		t.Errorf("%q", rows)
	}
	if code, _, errs := mxseal("dane.test\na..b\n", append([]string{"check", "-"}, flags...)...); code != exitUsage || !strings.Contains(errs, "a..b") {
		t.Errorf("a bad line: exit %d, %s", code, errs)
	}
	if code, _, errs := mxseal("# nothing\n", append([]string{"check", "-"}, flags...)...); code != exitUsage || !strings.Contains(errs, "no domain") {
		t.Errorf("no line: exit %d, %s", code, errs)
	}
}

func TestJUnit(t *testing.T) {
	flags := sockets(t)
	code, out, _ := mxseal("", append([]string{"check", "--format", "junit", "tlsa-mismatch.test", "hostile-text.test"}, flags...)...)
	var suites struct {
		Suites []junitSuite `xml:"testsuite"`
	}
	if err := xml.Unmarshal([]byte(out), &suites); err != nil || code != exitOK || len(suites.Suites) != 2 {
		t.Fatalf("exit %d, %v\n%s", code, err, out)
	}
	s := suites.Suites[0]
	if s.Name != "tlsa-mismatch.test D" || s.Failures != 0 || s.Tests != 1 || len(s.Cases) != 1 {
		t.Errorf("%s: %d tests, %d failures", s.Name, s.Tests, s.Failures)
	}
	if !slices.ContainsFunc(s.Properties, func(p junitProperty) bool {
		return strings.HasPrefix(p.Name, "DAN-10 mx1.tlsa-mismatch.test ") && strings.HasPrefix(p.Value, "fail: ")
	}) {
		t.Errorf("no property for DAN-10\n%s", out)
	}
}

func TestNagios(t *testing.T) {
	flags := sockets(t)
	for _, c := range []struct {
		domain, grade string
		code          int
		out           string
	}{
		{"dane.test", "B", nagiosOK, "MXSEAL OK: dane.test A: "},
		{"tlsa-mismatch.test", "", nagiosWarning, "MXSEAL WARNING: tlsa-mismatch.test D: DANE is broken"}, // honest mail is stopped
		{"certificate.test", "B", nagiosCritical, "MXSEAL CRITICAL: certificate.test C: "},
		{"private-mx.test", "", nagiosUnknown, "MXSEAL UNKNOWN: private-mx.test T: "},
	} {
		args := append([]string{"check", "--format", "nagios", c.domain}, flags...)
		if c.grade != "" {
			args = append(args, "--min-grade", c.grade)
		}
		code, out, errs := mxseal("", args...)
		if code != c.code || !strings.HasPrefix(out, c.out) || strings.Count(out, "\n") != 1 || strings.Count(out, "|") != 1 {
			t.Errorf("%s: exit %d, want %d\n%s%s", c.domain, code, c.code, out, errs)
		}
	}
}

func TestPrometheus(t *testing.T) {
	flags := sockets(t)
	code, out, _ := mxseal("", append([]string{"check", "--format", "prometheus", "dane.test", "no-starttls.test"}, flags...)...)
	if code != exitOK {
		t.Fatalf("exit %d", code)
	}
	line := regexp.MustCompile(`^(# (HELP|TYPE) mxseal_\w+ .+|mxseal_\w+\{(\w+="[^"]*",?)+\} -?\d+)$`)
	for l := range strings.Lines(out) {
		if !line.MatchString(strings.TrimSuffix(l, "\n")) {
			t.Errorf("no line of the text format: %s", l)
		}
	}
	for _, want := range []string{
		`mxseal_grade{domain="dane.test"} 6`,
		`mxseal_grade{domain="no-starttls.test"} 1`,
		`mxseal_certificate_not_after_timestamp_seconds{domain="dane.test",host="mx.dane.test"`,
	} {
		if !strings.Contains(out, want) {
			t.Errorf("%s is missing\n%s", want, out)
		}
	}
	if strings.Count(out, "# TYPE mxseal_grade gauge") != 1 {
		t.Error("the lines of one metric do not stand together")
	}
}

// A reader that goes away ends the command with our own code, not with a crash.
func TestAWriterThatFails(t *testing.T) {
	flags := sockets(t)
	for format := range formats {
		args := append([]string{"check", "--format", format, "dane.test"}, flags...)
		if code := run(t.Context(), args, strings.NewReader(""), broken{}, io.Discard); code != exitFault {
			t.Errorf("%s: exit %d, want %d", format, code, exitFault)
		}
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestManualPages(t *testing.T) {
	dir := t.TempDir()
	if code, _, errs := mxseal("", "man", dir); code != exitOK {
		t.Fatalf("exit %d, %s", code, errs)
	}
	page, err := os.ReadFile(filepath.Join(dir, "mxseal-check.1"))
	if err != nil || !strings.Contains(string(page), "--min-grade") && !strings.Contains(string(page), `\-\-min-grade`) {
		t.Errorf("the page of check: %v\n%.200s", err, page)
	}
	pages, err := filepath.Glob(filepath.Join(dir, "*.1"))
	if err != nil || len(pages) < 9 {
		t.Errorf("%d pages, %v", len(pages), err)
	}
	for _, file := range pages {
		page, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(page)) { // text that is longer is bad style, says mandoc
			if len(line) > 81 && !strings.HasPrefix(line, `\fB`) {
				t.Errorf("%s: %s", filepath.Base(file), line)
			}
		}
	}
}

// The shells ask the program itself what may come next.
func TestCompletion(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish"} {
		if code, out, _ := mxseal("", "completion", shell); code != exitOK || !strings.Contains(out, "mxseal") {
			t.Errorf("%s: exit %d", shell, code)
		}
	}
	_, out, _ := mxseal("", "__complete", "check", "--format", "")
	if !strings.Contains(out, "junit") || !strings.Contains(out, "nagios") {
		t.Errorf("formats offered: %q", out)
	}
}
