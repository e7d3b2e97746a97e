package pages

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"mxseal/checks"
	"mxseal/checks/report"
	"mxseal/templates"
	"mxseal/web/problem"
	"mxseal/web/scans"
	"mxseal/web/store"
)

// Compare shows what differs between two reports of one domain, whichever is named first.
func (p *Pages) Compare(w http.ResponseWriter, r *http.Request, who scans.Client) error {
	one, other := pathValue(r, "one"), pathValue(r, "other")
	made, err := p.Renderer.Get(r.Context(), who, p.Renderer.Pages, p.pageKey("/compare/"+one+"/"+other, p.banner()), pageHead, func(ctx context.Context, w io.Writer) error {
		before, err := p.kept(ctx, one)
		if err != nil {
			return err
		}
		after, err := p.kept(ctx, other)
		if err != nil {
			return err
		}
		if before.Domain != after.Domain {
			return problem.TwoDomains
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

// kept is the report of an id.
func (p *Pages) kept(ctx context.Context, id string) (*report.Report, error) {
	r, err := p.Scans.Report(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, problem.Missing(id, p.Scans.Lost(id), p.Keep)
	}
	return r, err
}
