package pages

import (
	"context"
	_ "embed"
	"encoding/json"
	"io"
	"net/http"
	"sync"

	"mxseal/checks"
	"mxseal/checks/report"
	"mxseal/checks/view"
	"mxseal/templates"
	"mxseal/web/api"
	"mxseal/web/scans"
)

// evidence is what was seen of a domain that is made up.
//
//go:embed sample.json
var evidence []byte

// sample is the report that shows what a report looks like, judged as any other.
var sample = sync.OnceValue(func() *report.Report {
	var r report.Report
	if err := json.Unmarshal(evidence, &r); err != nil {
		panic(err)
	}
	r.Conclusions = checks.Judge(r.Meta, r.Evidence)
	checks.Explain(&r)
	return &r
})

// sampleView is how it is shown, made once: the home page has a glimpse of it.
var sampleView = sync.OnceValue(func() view.Report { return checks.View(sample()) })

// Sample shows the sample report.
func (p *Pages) Sample(w http.ResponseWriter, r *http.Request, who scans.Client) error {
	const address = "/report/sample"
	if wantsData(r) {
		return api.SendReport(p.Renderer, w, r, who, "no-cache", address, func(context.Context) (*report.Report, error) { return sample(), nil })
	}
	b := p.banner()
	made, err := p.Renderer.Get(r.Context(), who, p.Renderer.Pages, p.pageKey(address, b), pageHead, func(ctx context.Context, w io.Writer) error {
		page := templates.Report{Report: sampleView(), Sample: true, Link: p.BaseURL + address, RulesNow: report.RulesSet,
			Notice: "This is a sample. The domain is made up, and so is what was seen of it; everything else is as in any report."}
		f := p.frame("A sample report")
		f.Private = true
		return templates.ReportPage(f, page).Render(ctx, w)
	})
	if err != nil {
		return err
	}
	return p.Renderer.Send(w, r, http.StatusOK, made)
}
