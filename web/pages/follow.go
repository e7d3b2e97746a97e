package pages

import (
	"context"
	"errors"
	"io"
	"net/http"

	"mxseal/checks"
	"mxseal/checks/cache"
	"mxseal/checks/follow"
	"mxseal/checks/report"
	"mxseal/checks/view"
	"mxseal/web/problem"
	"mxseal/web/rendering"
	"mxseal/web/scans"
	"mxseal/web/store"
)

const maxFeed = 30 // reports that one feed is made of

// moment is what a feed says of a report, which is read once for all feeds to come.
func (p *Pages) moment(ctx context.Context, id string) (follow.Moment, error) {
	if m, ok := p.moments.Get(id); ok {
		return m, nil
	}
	kept, err := p.Store.Get(ctx, id)
	if err != nil {
		return follow.Moment{}, err
	}
	m := follow.At(view.Report{Report: kept, Topics: checks.Topics()}, p.BaseURL+"/report/"+id)
	p.moments.Put(id, m)
	return m, nil
}

// Held is what is held for feeds.
func (p *Pages) Held() cache.Held { return p.moments.Held() }

// Calendar answers with what of a domain ends when, as its latest report has it. It starts no check.
func (p *Pages) Calendar(w http.ResponseWriter, r *http.Request, who scans.Client) error {
	return p.follow(w, r, who, "calendar.ics", "text/calendar; charset=utf-8", func(ctx context.Context, domain string) ([]byte, error) {
		kept, err := p.Store.Latest(ctx, domain)
		if err != nil {
			return nil, err
		}
		checks.Explain(kept) // the sentences of what ends are not stored
		return follow.Calendar([]*report.Report{kept}, p.linked()), nil
	})
}

// Changes answers with what is new in the reports of a domain, as a feed. It starts no check.
func (p *Pages) Changes(w http.ResponseWriter, r *http.Request, who scans.Client) error {
	return p.follow(w, r, who, "changes.atom", "application/atom+xml; charset=utf-8", func(ctx context.Context, domain string) ([]byte, error) {
		list, err := p.Store.History(ctx, domain, maxFeed)
		switch {
		case err != nil:
			return nil, err
		case len(list) == 0:
			return nil, store.ErrNotFound
		}
		var moments []follow.Moment
		for _, e := range list {
			m, err := p.moment(ctx, e.ID)
			switch {
			case errors.Is(err, store.ErrUnreadable), errors.Is(err, store.ErrNotFound): // damaged, or gone meanwhile
			case err != nil:
				return nil, err
			default:
				moments = append(moments, m)
			}
		}
		return follow.Feed("Mail to "+domain, "tag:"+domain+",2026:mxseal/changes", p.BaseURL+"/check/"+domain, moments), nil
	})
}

// linked returns the address of a report; nil where nobody knows that of the site.
func (p *Pages) linked() func(*report.Report) string {
	if p.BaseURL == "" {
		return nil
	}
	return func(r *report.Report) string { return p.BaseURL + "/report/" + r.ID }
}

// follow sends a file by which a domain is followed. It is made once for every new report.
func (p *Pages) follow(w http.ResponseWriter, r *http.Request, who scans.Client, file, kind string, write func(ctx context.Context, domain string) ([]byte, error)) error {
	asked := pathValue(r, "domain")
	d, err := p.Parse(asked)
	if err != nil {
		return problem.NotMailDomain(err, http.StatusNotFound, "")
	}
	address := "/domain/" + d.ASCII + "/" + file
	if d.ASCII != asked {
		http.Redirect(w, r, address, http.StatusMovedPermanently)
		return nil
	}
	last := p.Scans.LastOf(d.ASCII)
	made, err := p.Renderer.Get(r.Context(), who, p.Renderer.Pages, rendering.Name(address, last, p.Scans.Lost(last)), rendering.Head{Kind: kind, Keep: "no-cache", Vary: "Accept-Encoding", Open: true},
		func(ctx context.Context, w io.Writer) error {
			text, err := write(ctx, d.ASCII)
			if err != nil {
				return err
			}
			_, err = w.Write(text)
			return err
		})
	if errors.Is(err, store.ErrNotFound) {
		return problem.NotChecked
	}
	if err != nil {
		return err
	}
	return p.Renderer.Send(w, r, http.StatusOK, made)
}
