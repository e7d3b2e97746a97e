package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"mxseal/checks/report"
)

// unjudged is a report of which nothing but the domain is known: judging it failed.
func unjudged() *report.Report {
	return &report.Report{Meta: report.Meta{Domain: "odd.test", Faults: []string{"grade"}}}
}

// strange is a report whose strings try to be more than strings, and a server that showed
// two certificates with keys of the same kind.
func strange() *report.Report {
	first := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	return &report.Report{
		Meta: report.Meta{
			Domain:    "strange.test",
			CheckedAt: first,
		},
		Evidence: report.Evidence{Hosts: []*report.Host{{Name: `mx"},evil{x="\` + "\n" + `.test`, Addresses: []*report.Address{{IP: "192.0.2.1",
			Certificates: []*report.Certificate{{Key: "RSA 2048", NotAfter: first.AddDate(0, 1, 0)}, {Key: "RSA 2048", NotAfter: first}}}}}}},
		Conclusions: report.Conclusions{
			Grade:    &report.Grade{Letter: "D", Sentence: "one | two\nthree", Because: []string{"CRT-14"}},
			Findings: []report.Finding{{Rule: "CRT-14", Check: "certificate", Verdict: report.Fail, Title: "<b>]]>\x00\x1b", Text: "a & b"}},
		},
	}
}

func written(t *testing.T, format string, o wish, reports ...*report.Report) string {
	t.Helper()
	var b bytes.Buffer
	w := formats[format].to(&b, o)
	for _, r := range reports {
		if err := w.write(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.end(nil); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// One report that could not be judged does not take the others along.
func TestAReportThatCouldNotBeJudged(t *testing.T) {
	for format := range formats {
		out := written(t, format, wish{least: "B", list: true}, unjudged(), strange())
		if !strings.Contains(out, "odd.test") || !strings.Contains(out, "strange.test") {
			t.Errorf("%s: a report is missing\n%s", format, out)
		}
	}
	if code := exitCode(unjudged(), ""); code != exitFault {
		t.Errorf("exit %d, want %d", code, exitFault)
	}
	if code := nagiosCode(unjudged(), ""); code != nagiosUnknown {
		t.Errorf("nagios: exit %d, want %d", code, nagiosUnknown)
	}
	if out := written(t, "junit", wish{}, unjudged()); !strings.Contains(out, `errors="1"`) || !strings.Contains(out, `<error type="fault"`) {
		t.Errorf("junit: no error\n%s", out)
	}
	if out := written(t, "prometheus", wish{}, unjudged()); strings.Contains(out, "mxseal_grade") {
		t.Errorf("prometheus: a letter out of nothing\n%s", out)
	}
}

// What we write is the text format as Prometheus itself reads it, and as it likes it.
func TestPrometheusLint(t *testing.T) {
	out := written(t, "prometheus", wish{}, strange(), unjudged())
	problems, err := promlint.New(strings.NewReader(out)).Lint()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	if n := strings.Count(out, certificateEnds+"{"); n != 1 {
		t.Errorf("%d series of one name, want 1: a second one spoils the whole file", n)
	}
	if want := " " + strconv.FormatInt(strange().CheckedAt.Unix(), 10) + "\n"; !strings.HasSuffix(out, want) {
		t.Errorf("of two certificates the end of the first counts, %s\n%s", want, out)
	}
}

// junitForm is what the JUnit schema of Jenkins (junit-10.xsd) allows: for each element its
// attributes, those that must be there marked with !, and the elements inside.
var junitForm = map[string]struct{ attributes, inside []string }{
	"testsuites": {[]string{"name", "time", "tests", "failures", "disabled", "errors"}, []string{"testsuite"}},
	"testsuite": {[]string{"name!", "tests!", "failures", "errors", "time", "disabled", "skipped", "timestamp", "hostname", "id", "package"},
		[]string{"properties", "testcase", "system-out", "system-err"}},
	"testcase":   {[]string{"name!", "assertions", "time", "classname", "status"}, []string{"skipped", "error", "failure", "system-out", "system-err"}},
	"properties": {nil, []string{"property"}},
	"property":   {[]string{"name!", "value!"}, nil},
	"system-out": {nil, nil},
	"failure":    {[]string{"type", "message"}, nil},
	"error":      {[]string{"type", "message"}, nil},
	"skipped":    {[]string{"type", "message"}, nil},
}

func TestJUnitForm(t *testing.T) {
	twice := strange()
	twice.Findings = append(twice.Findings, twice.Findings...)
	out := written(t, "junit", wish{least: "B"}, twice, unjudged())
	var above []string
	tests, names := 0, make(map[string]bool)
	for d := xml.NewDecoder(strings.NewReader(out)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		switch e := token.(type) {
		case xml.StartElement:
			form, known := junitForm[e.Name.Local]
			if !known || len(above) > 0 && !slices.Contains(junitForm[above[len(above)-1]].inside, e.Name.Local) {
				t.Errorf("%s stands in %v", e.Name.Local, above)
			}
			for _, a := range e.Attr {
				if !slices.Contains(form.attributes, a.Name.Local) && !slices.Contains(form.attributes, a.Name.Local+"!") {
					t.Errorf("%s has an attribute %s", e.Name.Local, a.Name.Local)
				}
			}
			for _, name := range form.attributes {
				must, required := strings.CutSuffix(name, "!")
				if required && !slices.ContainsFunc(e.Attr, func(a xml.Attr) bool { return a.Name.Local == must && a.Value != "" }) {
					t.Errorf("%s lacks %s", e.Name.Local, must)
				}
			}
			if e.Name.Local == "testcase" {
				tests++
			}
			if e.Name.Local == "property" {
				if name := e.Attr[0].Value; names[name] {
					t.Errorf("two properties are called %s", name)
				} else {
					names[name] = true
				}
			}
			above = append(above, e.Name.Local)
		case xml.EndElement:
			above = above[:len(above)-1]
		}
	}
	if want := `<testsuites tests="` + strconv.Itoa(tests) + `" failures="1" errors="1">`; !strings.Contains(out, want) {
		t.Errorf("the sums are wrong, want %s\n%s", want, out)
	}
}

// What was finished until an interruption is in every format, which keeps its form; and a
// monitoring server gets the line first that explains the state.
func TestWhatWasFinishedIsShown(t *testing.T) {
	left := []error{errors.New("line 2: a..b: Two dots"), errors.New("interrupted")}
	well := &report.Report{Meta: report.Meta{Domain: "well.test"}, Conclusions: report.Conclusions{Grade: &report.Grade{Letter: "A", Sentence: "Good."}}}
	for name, format := range formats {
		var b bytes.Buffer
		w := format.to(&b, wish{list: true})
		if err := errors.Join(w.write(well), w.end(left)); err != nil {
			t.Fatal(err)
		}
		out := b.String()
		if !strings.Contains(out, "well.test") {
			t.Errorf("%s: a report is missing\n%s", name, out)
		}
		switch name {
		case "json":
			if !strings.HasPrefix(out, "[\n") || !strings.HasSuffix(out, "\n]\n") {
				t.Errorf("json: no array\n%s", out)
			}
		case "nagios":
			if lines := strings.Split(out, "\n"); !strings.HasPrefix(lines[0], "MXSEAL UNKNOWN: line 2: a..b") || !strings.HasPrefix(lines[1], "MXSEAL UNKNOWN: interrupted") || !strings.HasPrefix(lines[2], "MXSEAL OK: well.test A: ") {
				t.Errorf("nagios:\n%s", out)
			}
		case "junit":
			if !strings.Contains(out, `<testsuites tests="3" failures="0" errors="2">`) {
				t.Errorf("junit:\n%s", out)
			}
		}
	}
}

// A bar, a line end or a quote of somebody else's must not become numbers.
func TestNagiosBar(t *testing.T) {
	out := written(t, "nagios", wish{}, strange(), unjudged())
	if strings.Count(out, "|") != 1 || strings.Count(out, "\n") != 2 {
		t.Errorf("want one bar and two lines: %q", out)
	}
}
