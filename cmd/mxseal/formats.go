package main

import (
	"encoding/csv"
	"encoding/json"
	"io"

	"mxseal/checks/report"
	"mxseal/checks/terminal"
)

// wish is what the flags and arguments of check ask of the output beside its format.
type wish struct {
	text  terminal.Wish
	least report.Letter // empty: none is too bad
	list  bool          // several domains were asked for, or a list
	goOn  bool          // behind what an earlier run wrote
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
	"csv":        {to: func(w io.Writer, o wish) writer { return &csvWriter{w: csv.NewWriter(w), begun: o.goOn} }},
	"junit":      {to: func(w io.Writer, o wish) writer { return &junitWriter{w: w, least: o.least} }, whole: true},
	"nagios":     {to: func(w io.Writer, o wish) writer { return &nagiosWriter{w: w, least: o.least} }, whole: true, told: true, codes: nagiosCodes},
	"prometheus": {to: func(w io.Writer, _ wish) writer { return &prometheusWriter{w: w, ends: make(map[string]int64)} }, whole: true},
}

const formatNames = "text, json, ndjson, csv, junit, nagios or prometheus"
