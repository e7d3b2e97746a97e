package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"mxseal/checks"
	"mxseal/checks/grade"
	"mxseal/checks/report"
	"mxseal/checks/view"
	"mxseal/web/api"
)

// What who writes to each domain of the lab is told, from everywhere: one sentence that the table of
// senders bears out, in the third person.
func TestWhatReadersAreTold(t *testing.T) {
	var told strings.Builder
	for _, r := range labReports(t) {
		v := checks.View(r)
		fmt.Fprintf(&told, "%s %s\n", r.Domain, v.Letter())
		for _, from := range view.Origins {
			a := v.To(from)
			fmt.Fprintf(&told, "  %s: %s. %s\n", from.ID, a.Outcome, a.Sentence)
			if words := len(strings.Fields(a.Sentence)); words > 45 || strings.Count(a.Sentence, ". ") > 0 || !strings.HasSuffix(a.Sentence, ".") {
				t.Errorf("%s from %s is not one sentence of reasonable length: %s", r.Domain, from.ID, a.Sentence)
			}
			if (a.Row == nil) != (len(r.Matrix) == 0) {
				t.Errorf("%s from %s: a row of %d", r.Domain, from.ID, len(a.Row))
			}
			bearsOut(t, r, a)
			if told, err := json.Marshal(api.AdviceOf(r, from)); err != nil || len(told)+40-min(len(r.Domain), 40) >= 400 {
				t.Errorf("%s from %s: mail clients are told %d octets (%v)", r.Domain, from.ID, len(told), err)
			}
		}
	}
	golden(t, "reader.txt", told.String())
}

// bearsOut holds an answer against the row that it was made of.
func bearsOut(t *testing.T, r *report.Report, a view.Answer) {
	t.Helper()
	if a.Row == nil {
		return
	}
	o := make([]report.Outcome, len(a.Row))
	for i := range a.Row {
		o[i] = a.Row[i].Outcome
	}
	ok := true
	switch a.Outcome {
	case "protected":
		ok = o[0] == report.Auth && o[2] == report.Defer && o[3] == report.Defer
	case "encrypted":
		ok = (o[0] == report.Enc || o[0] == report.Auth) && o[1] != report.Clear
	case "unencrypted":
		ok = o[1] == report.Clear
	case "diverted":
		ok = r.Grade.Letter == "F"
	case "not-delivered":
		ok = o[0] == report.Defer
	default:
		ok = false
	}
	if !ok {
		t.Errorf("%s from %s: %s, and the row is %v", r.Domain, a.From.ID, a.Outcome, o)
	}
	if r.Grade.Letter == "A" && a.From.ID == "exim" && a.Outcome != "protected" && len(r.Grade.Broken) == 0 {
		t.Errorf("%s has an A, and one who checks DANE is told: %s", r.Domain, a.Sentence)
	}
	if _, known := r.Matrix[grade.S1]; !known {
		t.Errorf("%s has a letter and no table", r.Domain)
	}
}
