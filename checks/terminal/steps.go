package terminal

import (
	"fmt"

	"mxseal/checks/report"
	"mxseal/checks/view"
)

// how prints the steps of what to do first.
func (p *printer) how(r view.Report) {
	if r.Grade == nil {
		return
	}
	for i, f := range r.Grade.First {
		p.heading(fmt.Sprintf("Step by step: %d. %s", i+1, f.Title))
		for _, s := range r.StepsOf(f) {
			p.step("  ", s)
		}
	}
}

func (p *printer) step(margin string, s report.Step) {
	inside := margin + indent
	p.hanging(margin+"· ", inside, view.Who(s.Who)+" "+s.Text)
	p.copied(inside, s)
	if s.Wait != "" {
		p.wrapped(inside, "Then wait "+s.Wait+".")
	}
	if s.Risk != "" {
		p.wrapped(inside, view.RiskWord+" "+s.Risk)
	}
}

// records print of a finding's steps what only this domain's report can know: its records
// and files. Settings, commands and letters stand at the end, in the JSON and on the page.
func (p *printer) records(margin string, list []report.Step) {
	for _, s := range list {
		if s.Kind == report.StepDNS || s.Kind == report.StepFile {
			p.copied(margin, s)
		}
	}
}

// copied prints what is to be copied, unwrapped.
func (p *printer) copied(margin string, s report.Step) {
	if s.Code == "" {
		return
	}
	if head := view.Where(s); head != "" {
		p.line("%s[%s]", margin, head)
	}
	p.literal(margin+"| ", view.ToCopy(s, p.syntax))
}
