package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"mxseal/checks"
	"mxseal/checks/records"
	"mxseal/checks/report"
	"mxseal/checks/terminal"
)

// writer puts reports out in one format. What was left unchecked is told on standard error
// too; end gets it for formats that are read without.
type writer interface {
	write(*report.Report) error
	end(left []error) error
}

// wish is what the flags and arguments of check ask of the output beside its format.
type wish struct {
	text  terminal.Wish
	least report.Letter // empty: none is too bad
	list  bool          // several domains were asked for, or a list
}

// format is one that check --format knows.
type format struct {
	to    func(io.Writer, wish) writer
	whole bool // nothing is written before the end
	told  bool // end tells what was left unchecked, and nobody reads standard error
	codes      // where they are not those of shells
}

var formats = map[string]format{
	"text":       {to: func(w io.Writer, o wish) writer { return &textWriter{w: w, wish: o.text} }},
	"json":       {to: func(w io.Writer, o wish) writer { return &jsonWriter{w: w, array: o.list, list: []*report.Report{}} }, whole: true},
	"ndjson":     {to: func(w io.Writer, _ wish) writer { return ndjsonWriter{json.NewEncoder(w)} }},
	"csv":        {to: func(w io.Writer, _ wish) writer { return &csvWriter{w: csv.NewWriter(w)} }},
	"junit":      {to: func(w io.Writer, o wish) writer { return &junitWriter{w: w, least: o.least} }, whole: true},
	"nagios":     {to: func(w io.Writer, o wish) writer { return &nagiosWriter{w: w, least: o.least} }, whole: true, told: true, codes: nagiosCodes},
	"prometheus": {to: func(w io.Writer, _ wish) writer { return &prometheusWriter{w: w, ends: make(map[string]int64)} }, whole: true},
}

const formatNames = "text, json, ndjson, csv, junit, nagios or prometheus"

// amount adds the flags that say how much of a report is read as text.
func amount(c *cobra.Command, text *terminal.Wish) {
	c.Flags().BoolVar(&text.Steps, "steps", false, "show how to fix it too, step by step")
	c.Flags().Var(recordsIn{&text.Syntax}, "records", "`SYNTAX` of the records in the steps: "+strings.Join(syntaxNames(), ", "))
	complete(c, "records", syntaxNames()...)
	c.Flags().BoolVar(&text.All, "verbose", false, "show everything: the steps, what passed, the evidence and the transcripts")
}

// recordsIn is the flag for the syntax of records.
type recordsIn struct{ *records.Syntax }

func (r recordsIn) String() string {
	if r.Syntax == nil || *r.Syntax == "" {
		return string(records.Zone)
	}
	return string(*r.Syntax)
}

func (r recordsIn) Type() string { return "string" }

func (r recordsIn) Set(name string) error {
	*r.Syntax = records.Syntax(name)
	if !slices.Contains(syntaxNames(), name) {
		return fmt.Errorf("it is %s", strings.Join(syntaxNames(), ", "))
	}
	return nil
}

// asked is what the flags say, with what depends on where it goes.
func asked(text terminal.Wish, to io.Writer) terminal.Wish {
	text.Colour = terminal.Coloured(to)
	text.More = "--steps shows how to fix it, --verbose everything that was seen."
	if text.Steps {
		text.More = "--verbose shows everything that was seen."
	}
	return text
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
func (n ndjsonWriter) end([]error) error            { return nil }

type csvWriter struct {
	w     *csv.Writer
	begun bool
}

func (c *csvWriter) write(r *report.Report) error {
	if !c.begun {
		c.begun = true
		c.w.Write([]string{"domain", "letter", "provisional", "broken", "because", "badges", "fail", "warn", "untested", "checked_at", "reason"})
	}
	n, g := verdicts(r), gradeOf(r)
	c.w.Write([]string{r.Domain, string(g.Letter), strconv.FormatBool(g.Provisional), strings.Join(g.Broken, " "),
		strings.Join(g.Because, " "), strings.Join(r.Badges, " · "), strconv.Itoa(n[report.Fail]), strconv.Itoa(n[report.Warn]),
		strconv.Itoa(n[report.Untested]), r.CheckedAt.Format("2006-01-02T15:04:05Z"), string(g.Reason)})
	c.w.Flush()
	return c.w.Error()
}

func (c *csvWriter) end([]error) error { return nil }

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
