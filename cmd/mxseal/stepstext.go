package main

import (
	"fmt"
	"strings"

	"mxseal/checks/report"
)

// actors are those who have to do something.
var actors = map[string]string{"owner": "domain owner", "server": "mail server", "provider": "provider", "registrar": "registrar"}

// first prints why the letter is no better and what to do first.
func (p *printer) first(r *report.Report) {
	if r.Grade.Why != "" {
		p.wrapped("  ", r.Grade.Why)
	}
	if len(r.Grade.First) == 0 {
		return
	}
	p.heading("Fix these first")
	for i, f := range r.Grade.First {
		p.wrapped("  ", fmt.Sprintf("%d. %s → %s (%s)", i+1, f.Title, f.Letter, strings.Join(f.Rules, ", ")))
	}
}

// how prints the steps of what to do first.
func (p *printer) how(r *report.Report) {
	if r.Grade == nil {
		return
	}
	for i, f := range r.Grade.First {
		p.heading(fmt.Sprintf("How to do it: %d. %s", i+1, f.Title))
		for _, s := range r.StepsOf(f) {
			p.step("  ", s)
		}
	}
}

// steps prints of a finding's steps what only this domain's report can know: its records
// and files. Settings, commands and letters stand at the end, in the JSON and on the page.
func (p *printer) steps(list []report.Step) {
	for _, s := range list {
		if s.Kind == "dns" || s.Kind == "file" {
			p.code("      ", s)
		}
	}
}

func (p *printer) step(margin string, s report.Step) {
	p.wrapped(margin, "· "+actors[s.Who]+": "+s.Text)
	p.code(margin+"  ", s)
	if s.Wait != "" {
		p.wrapped(margin+"  ", "then wait "+s.Wait)
	}
	if s.Risk != "" {
		p.wrapped(margin+"  ", "what may go wrong: "+s.Risk)
	}
}

// code prints what is to be copied, unwrapped.
func (p *printer) code(margin string, s report.Step) {
	if s.Code == "" {
		return
	}
	if head := strings.Trim(s.Do+", "+s.Where, ", "); head != "" {
		p.line("%s[%s]", margin, head)
	}
	for line := range strings.SplitSeq(s.Code, "\n") {
		p.line("%s", fmt.Sprint(margin, "| ", strings.ReplaceAll(line, "\t", "    ")))
	}
}
