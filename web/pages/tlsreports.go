package pages

import (
	"bytes"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"time"

	"mxseal/checks/report"
	"mxseal/checks/tlsreport"
	"mxseal/templates"
	"mxseal/web/problem"
	"mxseal/web/rendering"
	"mxseal/web/scans"
)

const (
	unpackedOctets = 128 << 20        // of the reports that one visitor drops
	uploadTime     = 30 * time.Second // in which they have to arrive
	mostUnread     = 20               // that are named
)

// TLSReports shows the page on which TLS reports are dropped.
func (p *Pages) TLSReports(w http.ResponseWriter, r *http.Request, who scans.Client) error {
	return p.render(w, r, who, http.StatusOK, "/tlsrpt", p.tlsReportsFrame(), templates.TLSReportsPage(p.tlsReportsFrame(), templates.TLSReports{Inboxes: p.Inboxes != nil}))
}

func (p *Pages) tlsReportsFrame() templates.Frame {
	f := p.frame("TLS reports")
	f.Here = "/tlsrpt"
	return f
}

// ReadTLSReports reads the reports that somebody dropped. Nothing of them is kept.
func (p *Pages) ReadTLSReports(w http.ResponseWriter, r *http.Request, who scans.Client) error {
	leave, err := p.upload(w)
	if err != nil {
		return err
	}
	defer leave()
	form, err := r.MultipartReader()
	if err != nil {
		return problem.NoReports
	}
	t, err := p.readTLSReports(form)
	if err != nil {
		return err
	}
	status := http.StatusOK
	if t.Reports == 0 {
		status = http.StatusUnprocessableEntity
	}
	w.Header().Set("Cache-Control", "no-store")
	if rendering.WantsJSON(r) {
		return rendering.WriteJSON(w, status, "application/json", t.Whole())
	}
	f := p.tlsReportsFrame()
	f.Private = true
	if t.Reports == 0 {
		t.Summary = nil
	}
	return p.renderOnce(w, r, who, status, templates.TLSReportsPage(f, t))
}

// upload lets in who brings reports, which have to arrive in time, until leave is called.
func (p *Pages) upload(w http.ResponseWriter) (leave func(), err error) {
	select {
	case p.uploads <- struct{}{}:
	default:
		return nil, problem.Overloaded
	}
	http.NewResponseController(w).SetReadDeadline(time.Now().Add(uploadTime)) // not every writer can
	return func() { <-p.uploads }, nil
}

// readTLSReports reads all files of a form: each in whole before any is unpacked, so that who is
// slow holds nobody up.
func (p *Pages) readTLSReports(form *multipart.Reader) (templates.TLSReports, error) {
	t := templates.TLSReports{Summary: tlsreport.NewSummary(), Inboxes: p.Inboxes != nil}
	left := int64(unpackedOctets)
	for {
		part, err := form.NextPart()
		switch {
		case err == io.EOF:
			if t.Reports == 0 && len(t.Unread) == 0 {
				return t, problem.NoReports
			}
			return t, nil
		case err != nil:
			return t, uploadFault(err)
		case part.FileName() == "":
			continue
		}
		body, err := io.ReadAll(part)
		if err != nil {
			return t, uploadFault(err)
		}
		p.unpack.Lock()
		err = tlsreport.Read(part.FileName(), bytes.NewReader(body), left, func(f tlsreport.Found) {
			switch {
			case f.Err == nil:
				t.Add(f.Report)
			case len(t.Unread) < mostUnread:
				t.Unread = append(t.Unread, report.Clean(f.Where+": "+f.Err.Error(), 500))
			}
		})
		p.unpack.Unlock()
		if err != nil {
			return t, err
		}
	}
}

// uploadFault tells what is too much from what is no form.
func uploadFault(err error) error {
	var long *http.MaxBytesError
	if errors.As(err, &long) {
		return problem.ReportsTooLarge
	}
	return problem.NoReports
}
