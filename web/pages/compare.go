package pages

import (
	"context"
	"fmt"
	"io"
	"net/http"

	"mxseal/checks"
	"mxseal/checks/report"
	"mxseal/templates"
	"mxseal/web/api"
	"mxseal/web/rendering"
	"mxseal/web/scans"
)

// Compare shows what differs between two reports of one domain, whichever is named first.
func (p *Pages) Compare(w http.ResponseWriter, r *http.Request, who scans.Client) error {
	one, other := pathValue(r, "one"), pathValue(r, "other")
	address := "/compare/" + one + "/" + other
	load := func(ctx context.Context) (*report.Report, *report.Report, error) {
		return api.Pair(ctx, p.Scans, p.Keep, one, other)
	}
	if r.URL.Query().Get("format") == "json" || rendering.WantsJSON(r) {
		return api.SendComparison(p.Renderer, w, r, who, address, load)
	}
	made, err := p.Renderer.Get(r.Context(), who, p.Renderer.Pages, p.pageKey(address, p.banner()), pageHead, func(ctx context.Context, w io.Writer) error {
		before, after, err := load(ctx)
		if err != nil {
			return err
		}
		c := checks.Compare(before, after)
		f := p.frame(fmt.Sprintf("%s: %s and %s compared", c.After.Name(), c.Before.Stated(), c.After.Stated()))
		f.Private = true
		return templates.ComparePage(f, c).Render(ctx, w)
	})
	if err != nil {
		return err
	}
	return p.Renderer.Send(w, r, http.StatusOK, made)
}
