package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"mxseal/checks"
	"mxseal/checks/report"
	"mxseal/checks/terminal"
)

// writer puts reports out in one format. What was left unchecked is told on standard error
// too; end gets it for formats that are read without.
type writer interface {
	write(*report.Report) error
	end(left []error) error
}

type textWriter struct {
	w     io.Writer
	wish  terminal.Wish
	begun bool
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
	return terminal.Text(t.w, checks.View(r), t.wish)
}

func (t *textWriter) end([]error) error { return nil }

// jsonWriter writes an object where one domain was asked for and an array where several were,
// however many reports there are in the end.
type jsonWriter struct {
	w     io.Writer
	array bool
	list  []*report.Report
}

func (j *jsonWriter) write(r *report.Report) error {
	j.list = append(j.list, r)
	return nil
}

func (j *jsonWriter) end([]error) error {
	switch {
	case j.array:
		return writeJSON(j.w, j.list)
	case len(j.list) == 0: // interrupted
		return nil
	}
	return writeJSON(j.w, j.list[0])
}

type ndjsonWriter struct{ *json.Encoder }

func (n ndjsonWriter) write(r *report.Report) error { return n.Encode(r) }

func (n ndjsonWriter) end([]error) error { return nil }

var csvHead = []string{"domain", "letter", "provisional", "broken", "because", "badges", "fail", "warn", "untested", "checked_at", "reason"}

type csvWriter struct {
	w     *csv.Writer
	begun bool
}

func (c *csvWriter) write(r *report.Report) error {
	if !c.begun {
		c.begun = true
		c.w.Write(csvHead)
	}
	n, g := verdicts(r), gradeOf(r)
	c.w.Write([]string{r.Domain, string(g.Letter), strconv.FormatBool(g.Provisional), joined(g.Broken, " "),
		strings.Join(g.Because, " "), joined(r.Badges, " · "), strconv.Itoa(n[report.Fail]), strconv.Itoa(n[report.Warn]),
		strconv.Itoa(n[report.Untested]), r.CheckedAt.Format("2006-01-02T15:04:05Z"), string(g.Reason)})
	c.w.Flush()
	return c.w.Error()
}

func (c *csvWriter) end([]error) error { return nil }

// joined are words of a vocabulary with something between.
func joined[W ~string](words []W, between string) string {
	list := make([]string, len(words))
	for i, w := range words {
		list[i] = string(w)
	}
	return strings.Join(list, between)
}

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

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
