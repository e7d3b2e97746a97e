package main

import (
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"mxseal/checks/report"
)

// writer puts reports out in one format, in the order of the domains.
type writer interface {
	write(*report.Report) error
	end() error
}

// formats are what check --format knows.
var formats = map[string]func(w io.Writer, verbose bool) writer{
	"text":       func(w io.Writer, verbose bool) writer { return &textWriter{w: w, verbose: verbose} },
	"json":       func(w io.Writer, _ bool) writer { return &jsonWriter{w: w} },
	"ndjson":     func(w io.Writer, _ bool) writer { return ndjsonWriter{json.NewEncoder(w)} },
	"csv":        func(w io.Writer, _ bool) writer { return &csvWriter{w: csv.NewWriter(w)} },
	"junit":      func(w io.Writer, _ bool) writer { return &junitWriter{w: w} },
	"nagios":     func(w io.Writer, _ bool) writer { return nagiosWriter{w} },
	"prometheus": func(w io.Writer, _ bool) writer { return &prometheusWriter{w: w} },
}

const formatNames = "text, json, ndjson, csv, junit, nagios or prometheus"

type textWriter struct {
	w       io.Writer
	verbose bool
	begun   bool
}

func (t *textWriter) write(r *report.Report) error {
	if t.begun {
		fmt.Fprintln(t.w)
	}
	t.begun = true
	return writeText(t.w, r, t.verbose, coloured(t.w))
}

func (t *textWriter) end() error { return nil }

// jsonWriter writes one report as an object and several as an array.
type jsonWriter struct {
	w    io.Writer
	list []*report.Report
}

func (j *jsonWriter) write(r *report.Report) error {
	j.list = append(j.list, r)
	return nil
}

func (j *jsonWriter) end() error {
	if len(j.list) == 1 {
		return writeJSON(j.w, j.list[0])
	}
	return writeJSON(j.w, j.list)
}

type ndjsonWriter struct{ *json.Encoder }

func (n ndjsonWriter) write(r *report.Report) error { return n.Encode(r) }
func (n ndjsonWriter) end() error                   { return nil }

type csvWriter struct {
	w     *csv.Writer
	begun bool
}

func (c *csvWriter) write(r *report.Report) error {
	if !c.begun {
		c.begun = true
		c.w.Write([]string{"domain", "letter", "provisional", "broken", "because", "badges", "fail", "warn", "untested", "checked_at"})
	}
	n := verdicts(r)
	c.w.Write([]string{r.Domain, string(r.Grade.Letter), strconv.FormatBool(r.Grade.Provisional), strings.Join(r.Grade.Broken, " "),
		strings.Join(r.Grade.Because, " "), strings.Join(r.Badges, " · "), strconv.Itoa(n[report.Fail]), strconv.Itoa(n[report.Warn]),
		strconv.Itoa(n[report.Untested]), r.CheckedAt.Format("2006-01-02T15:04:05Z")})
	c.w.Flush()
	return c.w.Error()
}

func (c *csvWriter) end() error { return nil }

func verdicts(r *report.Report) map[report.Verdict]int {
	n := make(map[report.Verdict]int)
	for _, f := range r.Findings {
		n[f.Verdict]++
	}
	return n
}

// junitWriter writes a test suite a domain and a test case a finding, as continuous
// integration servers read them.
type junitWriter struct {
	w      io.Writer
	suites []junitSuite
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Skipped  int         `xml:"skipped,attr"`
	Time     string      `xml:"time,attr"`
	Stamp    string      `xml:"timestamp,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string     `xml:"classname,attr"`
	Name    string     `xml:"name,attr"`
	Failure *junitText `xml:"failure"`
	Skipped *junitText `xml:"skipped"`
}

type junitText struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

func (j *junitWriter) write(r *report.Report) error {
	s := junitSuite{Name: r.Domain + " " + string(r.Grade.Letter), Time: fmt.Sprintf("%.3f", float64(r.ElapsedMS)/1000),
		Stamp: r.CheckedAt.Format("2006-01-02T15:04:05")}
	for _, f := range r.Findings {
		c := junitCase{Class: r.Domain + "." + f.Check, Name: strings.Join(strings.Fields(f.Rule+" "+f.Host+" "+f.Address), " ")}
		switch f.Verdict {
		case report.Fail:
			c.Failure = &junitText{f.Title, strings.Join(slices.Concat([]string{f.Text}, f.Detail, []string{f.Remedy, f.Reference}), "\n")}
			s.Failures++
		case report.Untested:
			c.Skipped = &junitText{Message: f.Title}
			s.Skipped++
		}
		s.Cases = append(s.Cases, c)
	}
	s.Tests = len(s.Cases)
	j.suites = append(j.suites, s)
	return nil
}

func (j *junitWriter) end() error {
	if _, err := io.WriteString(j.w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(j.w)
	e.Indent("", "  ")
	if err := e.Encode(struct {
		XMLName xml.Name     `xml:"testsuites"`
		Suites  []junitSuite `xml:"testsuite"`
	}{Suites: j.suites}); err != nil {
		return err
	}
	_, err := fmt.Fprintln(j.w)
	return err
}

// nagiosWriter writes a line a domain as monitoring plugins do; the exit code follows
// their convention too, see nagiosCode.
type nagiosWriter struct{ w io.Writer }

func (n nagiosWriter) write(r *report.Report) error {
	count := verdicts(r)
	because := ""
	if len(r.Grade.Because) > 0 {
		because = " (" + strings.Join(r.Grade.Because, ", ") + ")"
	}
	_, err := fmt.Fprintf(n.w, "MXSEAL %s %s: %s%s | fail=%d warn=%d untested=%d time=%.3fs\n",
		r.Domain, r.Grade.Letter, strings.ReplaceAll(r.Grade.Sentence, "|", "/"), because,
		count[report.Fail], count[report.Warn], count[report.Untested], float64(r.ElapsedMS)/1000)
	return err
}

func (n nagiosWriter) end() error { return nil }

// Exit codes of monitoring plugins.
const (
	nagiosOK       = 0
	nagiosWarning  = 1 // a promise is broken, or the letter is provisional
	nagiosCritical = 2 // below --min-grade
	nagiosUnknown  = 3 // not testable, wrong usage, or our own fault
)

// nagiosCode says what a report means to a monitoring server.
func nagiosCode(r *report.Report, least report.Letter) int {
	switch exitCode(r, least) {
	case exitBelow:
		return nagiosCritical
	case exitOK:
		if len(r.Grade.Broken) > 0 || r.Grade.Provisional {
			return nagiosWarning
		}
		return nagiosOK
	}
	return nagiosUnknown
}

// prometheusWriter writes metrics in the text format, for a node exporter's textfile
// collector. A metric's lines have to stand together, so nothing is written before the end.
type prometheusWriter struct {
	w                              io.Writer
	grade, checked, findings, ends []string
}

// letterNumber puts letters on a scale that alerts can compare: 7 for A+ down to 1 for F, 0 for T, -1 for N.
var letterNumber = map[report.Letter]int{"A+": 7, "A": 6, "B": 5, "C": 4, "D": 3, "E": 2, "F": 1, "T": 0, "N": -1}

func (p *prometheusWriter) write(r *report.Report) error {
	p.grade = append(p.grade, fmt.Sprintf("mxseal_grade{domain=%q,letter=%q} %d", r.Domain, r.Grade.Letter, letterNumber[r.Grade.Letter]))
	p.checked = append(p.checked, fmt.Sprintf("mxseal_checked_timestamp_seconds{domain=%q} %d", r.Domain, r.CheckedAt.Unix()))
	n := verdicts(r)
	for _, v := range severity {
		p.findings = append(p.findings, fmt.Sprintf("mxseal_findings{domain=%q,verdict=%q} %d", r.Domain, v, n[v]))
	}
	for _, h := range r.Hosts {
		for _, a := range h.Addresses {
			for _, c := range a.Certificates {
				if c.NotAfter.IsZero() {
					continue
				}
				line := fmt.Sprintf("mxseal_certificate_not_after_timestamp_seconds{domain=%q,host=%q,address=%q,key=%q} %d",
					r.Domain, h.Name, a.IP, c.Key, c.NotAfter.Unix())
				if !slices.Contains(p.ends, line) {
					p.ends = append(p.ends, line)
				}
			}
		}
	}
	return nil
}

func (p *prometheusWriter) end() error {
	for _, m := range []struct {
		name, help string
		lines      []string
	}{
		{"mxseal_grade", "Letter of the domain: 7 A+, 6 A, 5 B, 4 C, 3 D, 2 E, 1 F, 0 not testable, -1 takes no mail.", p.grade},
		{"mxseal_checked_timestamp_seconds", "When the domain was checked.", p.checked},
		{"mxseal_findings", "Findings by verdict.", p.findings},
		{"mxseal_certificate_not_after_timestamp_seconds", "When a mail server's certificate ends.", p.ends},
	} {
		if len(m.lines) == 0 {
			continue
		}
		if _, err := fmt.Fprintf(p.w, "# HELP %s %s\n# TYPE %s gauge\n%s\n", m.name, m.help, m.name, strings.Join(m.lines, "\n")); err != nil {
			return err
		}
	}
	return nil
}
