package main

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"mxseal/checks/report"
	"mxseal/checks/view"
)

// junitWriter writes a test suite a domain, as continuous integration servers read them. Its
// one test case is the letter, and it alone fails; what was found stands beside it.
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
	Name       string          `xml:"name,attr"`
	Tests      int             `xml:"tests,attr"`
	Failures   int             `xml:"failures,attr"`
	Errors     int             `xml:"errors,attr"`
	Skipped    int             `xml:"skipped,attr"`
	Time       string          `xml:"time,attr,omitempty"`      // seconds
	Stamp      string          `xml:"timestamp,attr,omitempty"` // UTC, which the format has no room to say
	Properties []junitProperty `xml:"properties>property,omitempty"`
	Cases      []junitCase     `xml:"testcase"`
}

// junitProperty is a finding: the rule with the place that it is about, and what was found.
type junitProperty struct {
	Name  string `xml:"name,attr"`
	Value string `xml:"value,attr"`
}

type junitCase struct {
	Class   string     `xml:"classname,attr"`
	Name    string     `xml:"name,attr"`
	Time    string     `xml:"time,attr,omitempty"`
	Failure *junitText `xml:"failure"`
	Error   *junitText `xml:"error"`
	Skipped *junitText `xml:"skipped"`
	Out     string     `xml:"system-out,omitempty"`
}

type junitText struct {
	Type    string `xml:"type,attr,omitempty"`
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

func (j *junitWriter) write(r *report.Report) error {
	seconds := fmt.Sprintf("%.3f", float64(r.ElapsedMS)/1000)
	s := junitSuite{Name: strings.TrimSpace(r.Domain + " " + stated(r)), Time: seconds, Stamp: r.CheckedAt.Format("2006-01-02T15:04:05")}
	c := j.letter(r, gradeOf(r))
	c.Time = seconds
	times := make(map[string]int)
	for _, v := range view.Verdicts {
		for _, f := range r.Findings {
			if f.Verdict != v {
				continue
			}
			name := strings.Join(strings.Fields(f.Rule+" "+f.Host+" "+f.Address), " ")
			if times[name]++; times[name] > 1 {
				name += fmt.Sprintf(" (%d)", times[name])
			}
			s.Properties = append(s.Properties, junitProperty{name, string(v) + ": " + f.Title})
			if v != report.Pass && v != report.Info {
				c.Out += strings.Join([]string{string(v) + ": " + name + ": " + f.Title, f.Text, f.FixText, f.Reference, "\n"}, "\n")
			}
		}
	}
	c.Out = strings.TrimSpace(c.Out)
	j.add(s, c)
	return nil
}

// add adds a suite of one case.
func (j *junitWriter) add(s junitSuite, c junitCase) {
	s.Tests, s.Cases = 1, []junitCase{c}
	switch {
	case c.Failure != nil:
		s.Failures = 1
	case c.Error != nil:
		s.Errors = 1
	case c.Skipped != nil:
		s.Skipped = 1
	}
	j.total.Tests++
	j.total.Failures += s.Failures
	j.total.Errors += s.Errors
	j.total.Suites = append(j.total.Suites, s)
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
	code := exitCode(r, j.least)
	switch {
	case code == exitFault:
		c.Error = &junitText{Type: "fault", Message: g.Sentence, Text: strings.Join(r.Faults, "\n")}
	case r.Grade.Lost(): // whatever letter was asked for
		c.Failure = &junitText{"grade", g.Sentence, g.Why}
	case code == exitBelow:
		c.Failure = &junitText{"grade", fmt.Sprintf("%s is below %s", g.Stated(), j.least), strings.TrimSpace(g.Sentence + "\n" + g.Why)}
	case code == exitUntested, g.Provisional && j.least == "": // neither passed nor failed
		c.Skipped = &junitText{Message: sure(g)}
	}
	return c
}

// end writes the whole. What was not checked is an error each, for a server that reads only this.
func (j *junitWriter) end(left []error) error {
	for i, err := range left {
		name := fmt.Sprintf("not checked %d", i+1)
		j.add(junitSuite{Name: name}, junitCase{Class: "mxseal", Name: name, Error: &junitText{Type: "usage", Message: err.Error()}})
	}
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
