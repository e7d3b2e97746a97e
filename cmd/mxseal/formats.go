package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"mxseal/checks/report"
)

// writer puts reports out in one format, in the order of the domains.
type writer interface {
	write(*report.Report) error
	end() error
}

// wish is what the flags of check ask of the output beside its format.
type wish struct {
	verbose bool
	least   report.Letter // empty: none is too bad
}

// formats are what check --format knows.
var formats = map[string]func(io.Writer, wish) writer{
	"text":       func(w io.Writer, o wish) writer { return &textWriter{w: w, verbose: o.verbose} },
	"json":       func(w io.Writer, _ wish) writer { return &jsonWriter{w: w, list: []*report.Report{}} },
	"ndjson":     func(w io.Writer, _ wish) writer { return ndjsonWriter{json.NewEncoder(w)} },
	"csv":        func(w io.Writer, _ wish) writer { return &csvWriter{w: csv.NewWriter(w)} },
	"junit":      func(w io.Writer, o wish) writer { return &junitWriter{w: w, least: o.least} },
	"nagios":     func(w io.Writer, o wish) writer { return &nagiosWriter{w: w, least: o.least} },
	"prometheus": func(w io.Writer, _ wish) writer { return &prometheusWriter{w: w, ends: make(map[string]int64)} },
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
	if r.Grade == nil { // without one it would be taken for a probe
		g, named := gradeOf(r), *r
		named.Grade = &g
		r = &named
	}
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
	n, g := verdicts(r), gradeOf(r)
	c.w.Write([]string{r.Domain, string(g.Letter), strconv.FormatBool(g.Provisional), strings.Join(g.Broken, " "),
		strings.Join(g.Because, " "), strings.Join(r.Badges, " · "), strconv.Itoa(n[report.Fail]), strconv.Itoa(n[report.Warn]),
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

// gradeOf returns the grade of a report; one without a letter where judging failed, which
// is a fault of our own and must not take the other domains along.
func gradeOf(r *report.Report) report.Grade {
	if r.Grade == nil {
		return report.Grade{Sentence: "This could not be judged, which is a fault of mxseal"}
	}
	return *r.Grade
}
