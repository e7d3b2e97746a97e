package api

import (
	"context"
	"io"
	"net/http"

	"mxseal/checks"
	"mxseal/checks/report"
	"mxseal/checks/terminal"
	"mxseal/web/rendering"
	"mxseal/web/scans"
)

// SendReport sends a report to a program: as JSON, or as the text of the terminal to one that prefers
// that. It is kept under a name; one without is made for this client alone.
func SendReport(m *rendering.Renderer, w http.ResponseWriter, r *http.Request, who scans.Client, keep, name string, load func(context.Context) (*report.Report, error)) error {
	h := rendering.Head{Keep: keep, Vary: "Accept, Accept-Encoding"}
	if !rendering.WantsText(r) {
		return m.SendJSON(w, r, who, h, name, func(ctx context.Context) (any, error) { return load(ctx) })
	}
	h.Kind = rendering.PlainText
	if name != "" {
		name = "text " + name
	}
	p, err := m.Get(r.Context(), who, m.Pages, name, h, func(ctx context.Context, w io.Writer) error {
		kept, err := load(ctx)
		if err != nil {
			return err
		}
		return terminal.Text(w, checks.View(kept), terminal.Wish{})
	})
	if err != nil {
		return err
	}
	return m.Send(w, r, http.StatusOK, p)
}
