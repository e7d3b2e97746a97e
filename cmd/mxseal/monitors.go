package main

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"mxseal/checks/report"
)

// junitWriter writes a test suite a domain, as continuous integration servers read them: a
// test case for the letter, then one a finding.
type junitWriter struct {
	w     io.Writer
	least report.Letter
	total junitSuites
}

type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Errors   int          `xml:"errors,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Errors   int         `xml:"errors,attr"`
	Skipped  int         `xml:"skipped,attr"`
	Time     string      `xml:"time,attr"`      // seconds
	Stamp    string      `xml:"timestamp,attr"` // UTC, which the format has no room to say
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string     `xml:"classname,attr"`
	Name    string     `xml:"name,attr"`
	Failure *junitText `xml:"failure"`
	Error   *junitText `xml:"error"`
	Skipped *junitText `xml:"skipped"`
}

type junitText struct {
	Type    string `xml:"type,attr,omitempty"`
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

func (j *junitWriter) write(r *report.Report) error {
	g := gradeOf(r)
	s := junitSuite{Name: strings.TrimSpace(r.Domain + " " + stated(r)), Time: fmt.Sprintf("%.3f", float64(r.ElapsedMS)/1000),
		Stamp: r.CheckedAt.Format("2006-01-02T15:04:05")}
	s.add(j.letter(r, g))
	for _, f := range r.Findings {
		c := junitCase{Class: r.Domain + "." + f.Check, Name: strings.Join(strings.Fields(f.Rule+" "+f.Host+" "+f.Address), " ")}
		switch f.Verdict {
		case report.Fail:
			c.Failure = &junitText{f.Rule, f.Title, strings.Join(slices.Concat([]string{f.Text}, f.Detail, []string{f.Remedy, f.Reference}), "\n")}
		case report.Untested:
			c.Skipped = &junitText{Message: f.Title}
		}
		s.add(c)
	}
	j.total.Tests += s.Tests
	j.total.Failures += s.Failures
	j.total.Errors += s.Errors
	j.total.Suites = append(j.total.Suites, s)
	return nil
}

// stated is the letter of a report, empty where it could not be judged.
func stated(r *report.Report) string {
	if r.Grade == nil {
		return ""
	}
	return r.Grade.Stated()
}

// sure is what a letter says, and what is missing of a provisional one.
func sure(g report.Grade) string {
	if !g.Provisional {
		return g.Sentence
	}
	return strings.TrimSpace(fmt.Sprintf("%s: %s %s", g.Stated(), g.Sentence, g.Doubt()))
}

// letter is the case that fails where the exit code says so: a server may read only this.
func (j *junitWriter) letter(r *report.Report, g report.Grade) junitCase {
	c := junitCase{Class: r.Domain + ".grade", Name: "letter"}
	switch exitCode(r, j.least) {
	case exitBelow:
		c.Failure = &junitText{"grade", fmt.Sprintf("%s is below %s", g.Stated(), j.least), strings.TrimSpace(g.Sentence + "\n" + g.Why)}
	case exitUntested:
		c.Skipped = &junitText{Message: sure(g)}
	case exitOK:
		if g.Provisional && j.least == "" { // neither passed nor failed
			c.Skipped = &junitText{Message: sure(g)}
		}
	case exitFault:
		c.Error = &junitText{Type: "fault", Message: g.Sentence, Text: strings.Join(r.Faults, "\n")}
	}
	return c
}

func (s *junitSuite) add(c junitCase) {
	s.Tests++
	switch {
	case c.Failure != nil:
		s.Failures++
	case c.Error != nil:
		s.Errors++
	case c.Skipped != nil:
		s.Skipped++
	}
	s.Cases = append(s.Cases, c)
}

func (j *junitWriter) end() error {
	if _, err := io.WriteString(j.w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(j.w)
	e.Indent("", "  ")
	if err := e.Encode(j.total); err != nil {
		return err
	}
	_, err := fmt.Fprintln(j.w)
	return err
}

// nagiosWriter writes a line a domain as monitoring plugins do, the worst first: it is the
// one that alerts quote. What can be drawn stands behind the only bar, since whatever
// follows the first one is numbers. The exit code follows their convention too, see nagiosCode.
type nagiosWriter struct {
	w     io.Writer
	least report.Letter
	seen  []nagiosLine
}

type nagiosLine struct {
	domain, text string
	code         int
	fail, warn   int
	untested     int
	seconds      float64
}

func (n *nagiosWriter) write(r *report.Report) error {
	g, count, because := gradeOf(r), verdicts(r), ""
	if len(g.Because) > 0 {
		because = " (" + strings.Join(g.Because, ", ") + ")"
	}
	text := fmt.Sprintf("MXSEAL %s %s: %s%s", r.Domain, g.Stated(), g.Sentence, because)
	if g.Provisional {
		text += " " + g.Doubt()
	}
	n.seen = append(n.seen, nagiosLine{r.Domain, plain(text), nagiosCode(r, n.least),
		count[report.Fail], count[report.Warn], count[report.Untested], float64(r.ElapsedMS) / 1000})
	return nil
}

func (n *nagiosWriter) end() error {
	slices.SortStableFunc(n.seen, func(a, b nagiosLine) int { return nagiosRank[b.code] - nagiosRank[a.code] })
	var lines, numbers []string
	for _, s := range n.seen {
		lines = append(lines, s.text)
		label := func(name string) string {
			if len(n.seen) > 1 {
				return "'" + s.domain + " " + name + "'"
			}
			return name
		}
		numbers = append(numbers, fmt.Sprintf("%s=%d %s=%d %s=%d %s=%.3fs", label("fail"), s.fail, label("warn"), s.warn,
			label("untested"), s.untested, label("time"), s.seconds))
	}
	_, err := fmt.Fprintf(n.w, "%s | %s\n", strings.Join(lines, "\n"), strings.Join(numbers, " "))
	return err
}

// plain is a text on one line, without the bar that has a meaning for monitoring servers.
func plain(text string) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(text), " "), "|", "/")
}

// nagiosError says on standard output, which is all that a monitoring server reads, why
// nothing was tested.
func nagiosError(w io.Writer, err error) error {
	var coded *exit
	if err == nil || errors.As(err, &coded) && (coded.err == nil || coded.code == exitFault) {
		return err
	}
	if _, failed := fmt.Fprintf(w, "MXSEAL UNKNOWN: %s\n", plain(err.Error())); failed != nil {
		return fault(failed)
	}
	return &exit{code: nagiosUnknown}
}

// Exit codes of monitoring plugins.
const (
	nagiosOK       = 0
	nagiosWarning  = 1 // a promise is broken
	nagiosCritical = 2 // below --min-grade
	nagiosUnknown  = 3 // not testable, provisional, wrong usage, or our own fault
)

// nagiosRank orders the codes: what is known to be bad outranks what is not known.
var nagiosRank = map[int]int{nagiosOK: 0, nagiosWarning: 1, nagiosUnknown: 2, nagiosCritical: 3}

func nagiosWorse(a, b int) int {
	if nagiosRank[b] > nagiosRank[a] {
		return b
	}
	return a
}

// nagiosCode says what a report means to a monitoring server.
func nagiosCode(r *report.Report, least report.Letter) int {
	switch exitCode(r, least) {
	case exitBelow:
		return nagiosCritical
	case exitOK:
		switch {
		case r.Grade.Provisional:
			return nagiosUnknown
		case len(r.Grade.Broken) > 0:
			return nagiosWarning
		}
		return nagiosOK
	}
	return nagiosUnknown
}

// prometheusWriter writes metrics in the text format, for a node exporter's textfile
// collector. A metric's lines have to stand together, so nothing is written before the end.
type prometheusWriter struct {
	w                                     io.Writer
	grade, provisional, checked, findings []string
	ends                                  map[string]int64 // by series: two of the same name would spoil the whole file
}

// letterNumber puts letters on a scale that alerts can compare: 7 for A+ down to 1 for F, 0 for T, -1 for N.
var letterNumber = map[report.Letter]int{"A+": 7, "A": 6, "B": 5, "C": 4, "D": 3, "E": 2, "F": 1, "T": 0, "N": -1}

// labelled writes the value of a label, whose three escapes are not those of Go.
var labelled = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

// series names a series: a metric and its labels, given as pairs.
func series(metric string, labels ...string) string {
	var pairs []string
	for i := 0; i < len(labels); i += 2 {
		pairs = append(pairs, labels[i]+`="`+labelled.Replace(labels[i+1])+`"`)
	}
	return metric + "{" + strings.Join(pairs, ",") + "}"
}

const certificateEnds = "mxseal_certificate_not_after_timestamp_seconds"

func (p *prometheusWriter) write(r *report.Report) error {
	if g := gradeOf(r); g.Letter != "" {
		p.grade = append(p.grade, fmt.Sprintf("%s %d", series("mxseal_grade", "domain", r.Domain, "letter", string(g.Letter)), letterNumber[g.Letter]))
		missing := 0
		if g.Provisional {
			missing = 1
		}
		p.provisional = append(p.provisional, fmt.Sprintf("%s %d", series("mxseal_grade_provisional", "domain", r.Domain), missing))
	}
	p.checked = append(p.checked, fmt.Sprintf("%s %d", series("mxseal_checked_timestamp_seconds", "domain", r.Domain), r.CheckedAt.Unix()))
	n := verdicts(r)
	for _, v := range severity {
		p.findings = append(p.findings, fmt.Sprintf("%s %d", series("mxseal_findings", "domain", r.Domain, "verdict", string(v)), n[v]))
	}
	for _, h := range r.Hosts {
		for _, a := range h.Addresses {
			for _, c := range a.Certificates {
				if c.NotAfter.IsZero() {
					continue
				}
				name := series(certificateEnds, "domain", r.Domain, "host", h.Name, "address", a.IP, "key", c.Key)
				if soonest, known := p.ends[name]; !known || c.NotAfter.Unix() < soonest {
					p.ends[name] = c.NotAfter.Unix()
				}
			}
		}
	}
	return nil
}

func (p *prometheusWriter) end() error {
	var ends []string
	for _, name := range slices.Sorted(maps.Keys(p.ends)) {
		ends = append(ends, fmt.Sprintf("%s %d", name, p.ends[name]))
	}
	for _, m := range []struct {
		name, help string
		lines      []string
	}{
		{"mxseal_grade", "Letter of the domain: 7 A+, 6 A, 5 B, 4 C, 3 D, 2 E, 1 F, 0 not testable, -1 takes no mail.", p.grade},
		{"mxseal_grade_provisional", "Whether something that could move the letter was not found out.", p.provisional},
		{"mxseal_checked_timestamp_seconds", "When the domain was checked.", p.checked},
		{"mxseal_findings", "Findings by verdict.", p.findings},
		{certificateEnds, "When a mail server's certificate ends.", ends},
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
