package pages

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"

	"mxseal/checks/adoption"
	"mxseal/checks/follow"
	"mxseal/checks/view"
	"mxseal/templates"
	"mxseal/web/problem"
	"mxseal/web/scans"
	"mxseal/web/store"
	"mxseal/web/surveys"
)

const exportTime = 10 * time.Minute // of one run that is handed out

// SurveyList shows all surveys.
func (p *Pages) SurveyList(w http.ResponseWriter, r *http.Request, who scans.Client) error {
	list, err := p.Surveys.All(r.Context())
	if err != nil {
		return err
	}
	var lines []templates.SurveyLine
	for _, s := range list {
		line := templates.SurveyLine{Name: s.Name, Title: s.Title, Domains: s.Domains, UnderWay: progress(s)}
		if run, err := s.Of(""); err == nil {
			line.Began, line.Letters = run.Began, surveys.BriefOf(run).Letters
		}
		lines = append(lines, line)
	}
	f := p.frame("Surveys")
	f.Here = "/surveys"
	return p.render(w, r, who, http.StatusOK, "", f, templates.SurveysPage(f, lines, costs()))
}

// costs are those of a million domains.
func costs() (list []templates.SurveyCost) {
	for _, c := range surveys.Measured {
		list = append(list, templates.SurveyCost{Depth: string(c.Depth), Rate: c.Rate, Time: c.Time(1e6), Questions: c.Questions, Connections: c.Connections, Gigabytes: c.Octets / 1e3, Memory: c.Memory})
	}
	return list
}

// Survey shows a run of a survey, or hands it out as a file.
func (p *Pages) Survey(w http.ResponseWriter, r *http.Request, who scans.Client) error {
	p = p.at(r)
	name, date := pathValue(r, "name"), pathValue(r, "date")
	last := &name
	if date != "" {
		last = &date
	}
	ending := path.Ext(*last)
	*last = strings.TrimSuffix(*last, ending)
	format := strings.TrimPrefix(ending, ".")
	s, err := p.Surveys.Find(r.Context(), name)
	if errors.Is(err, store.ErrNotFound) {
		return problem.NoSuchSurvey
	}
	if err != nil {
		return err
	}
	if format == "atom" && date == "" {
		return p.surveyFeed(w, r, s.Name, s.Survey.Title, []surveys.Shown{s})
	}
	run, err := s.Of(date)
	switch {
	case format != "":
		if err != nil {
			return problem.NoSuchSurvey
		}
		return p.exportRun(w, r, s, run, surveys.Format(format))
	case err != nil && (date != "" || s.UnderWay == nil && len(s.Runs) > 0):
		return problem.NoSuchSurvey
	}
	return p.showRun(w, r, who, s, run)
}

// showRun shows a run; the zero one is of a survey of which none has ended.
func (p *Pages) showRun(w http.ResponseWriter, r *http.Request, who scans.Client, s surveys.Shown, run store.Run) error {
	page := templates.Survey{Name: s.Name, Title: s.Title, Named: s.Named, Every: templates.Often(s.Every), UnderWay: progress(s), OptOut: p.Operator.OptOut}
	f := p.frame(page.Name)
	if s.Title != "" {
		f = p.frame(s.Title)
	}
	f.Here, f.Private = "/surveys", r.URL.RawQuery != ""
	if run.ID != 0 {
		t, err := p.Surveys.Totals(r.Context(), run)
		if err != nil {
			return err
		}
		page.Totals, page.Began, page.Ended, page.Date, page.Looks = t, run.Began, run.Ended, run.Date, run.Looks
		page.Latest = run.ID == s.Runs[0].ID
		for _, one := range s.Runs {
			page.Runs = append(page.Runs, templates.SurveyRun{Date: one.Date, Brief: surveys.BriefOf(one)})
		}
		if p.BaseURL != "" {
			page.Link = p.BaseURL + "/survey/" + s.Name + "/" + page.Date
		}
		if page.Behind, err = p.behind(r, s, run, t); err != nil {
			return err
		}
	}
	return p.render(w, r, who, http.StatusOK, "", f, templates.SurveyPage(f, page))
}

// behind are the domains behind the number that a reader has asked for; nil for none.
func (p *Pages) behind(r *http.Request, s surveys.Shown, run store.Run, t *adoption.Totals) (*templates.Behind, error) {
	show := r.URL.Query().Get("show")
	what, answer, found := strings.Cut(show, ":")
	if show == "" {
		return nil, nil
	}
	n := adoption.Number{What: what, Answer: answer}
	from, err := strconv.Atoi(r.URL.Query().Get("from"))
	if err != nil || from < 0 {
		from = 0
	}
	if !found || !s.Named || t.Of(n) == 0 {
		return nil, problem.NoSuchSurvey
	}
	list, next, err := p.Surveys.Behind(r.Context(), run, n, from)
	if errors.Is(err, store.ErrNotFound) {
		return nil, problem.NoSuchSurvey
	}
	if err != nil {
		return nil, err
	}
	b := &templates.Behind{Number: n, Domains: t.Of(n), Next: next}
	for _, row := range list {
		if p.Surveys.Left(row.Domain) {
			b.LeftOut++
			continue
		}
		b.List = append(b.List, templates.BehindRow{Domain: row.Domain, Letter: row.Letter, Provisional: row.Provisional})
	}
	return b, nil
}

// found is what published surveys know of a domain.
func (p *Pages) found(ctx context.Context, domain string) (list []templates.Surveyed, err error) {
	all, err := p.Surveys.PublishedOf(ctx, domain)
	for _, one := range all {
		list = append(list, templates.Surveyed{Name: one.Survey, Title: cmp.Or(one.Title, one.Survey), Date: one.Date, Began: one.Began, Letter: one.Letter, Provisional: one.Provisional})
	}
	return list, err
}

// exportRun hands a run out as a file; it never changes.
func (p *Pages) exportRun(w http.ResponseWriter, r *http.Request, s surveys.Shown, run store.Run, format surveys.Format) error {
	kind := map[surveys.Format]string{surveys.CSV: "text/csv; charset=utf-8", surveys.JSON: "application/json", surveys.Parquet: "application/vnd.apache.parquet"}[format]
	if kind == "" {
		return problem.NoSuchSurvey
	}
	etag := fmt.Sprintf(`"run-%d-%t"`, run.ID, s.Named)
	w.Header().Set("ETag", etag)
	w.Header().Set("Cache-Control", "public, max-age=3600")
	if r.Header.Get("If-None-Match") == etag {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	select {
	case p.exports <- struct{}{}:
		defer func() { <-p.exports }()
	default:
		w.Header().Del("ETag")
		return problem.Overloaded
	}
	http.NewResponseController(w).SetWriteDeadline(time.Now().Add(exportTime)) // not every writer can
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", s.Name+"-"+run.Date+"."+string(format)))
	if r.Method == http.MethodHead {
		return nil
	}
	if err := p.Surveys.Export(r.Context(), w, run, format, s.Named); err != nil && r.Context().Err() == nil {
		p.Log.Warn("a run could not be handed out", "survey", s.Name, "error", err)
		panic(http.ErrAbortHandler) // it has begun: who reads it has to see that it is not whole
	}
	return nil
}

// SurveysFeed is the feed of all runs.
func (p *Pages) SurveysFeed(w http.ResponseWriter, r *http.Request, _ scans.Client) error {
	list, err := p.Surveys.All(r.Context())
	if err != nil {
		return err
	}
	return p.at(r).surveyFeed(w, r, "", "Surveys", list)
}

// surveyFeed is the feed of the runs of some surveys.
func (p *Pages) surveyFeed(w http.ResponseWriter, r *http.Request, name, title string, list []surveys.Shown) error {
	self, page := p.BaseURL+"/surveys.atom", p.BaseURL+"/surveys"
	if name != "" {
		self, page = p.BaseURL+"/survey/"+name+".atom", p.BaseURL+"/survey/"+name
	}
	var moments []follow.Moment
	for _, s := range list {
		for _, run := range s.Runs {
			b := surveys.BriefOf(run)
			moments = append(moments, follow.Moment{ID: follow.ID("survey."+s.Name, run.Began), Domain: s.Name, At: run.Began, State: templates.LettersLine(b.Letters),
				Changes: []string{fmt.Sprintf("%d domains", b.Domains)}, Link: p.BaseURL + "/survey/" + s.Name + "/" + run.Date})
		}
	}
	if title == "" {
		title = name
	}
	w.Header().Set("Content-Type", "application/atom+xml; charset=utf-8")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(follow.Feed(title, self, page, moments)))
	return nil
}

// progress is how far the run of a survey is that goes on; nil for none.
func progress(s surveys.Shown) *templates.Progress {
	run := s.UnderWay
	if run == nil {
		return nil
	}
	return &templates.Progress{Done: run.Done, InFlight: run.Fed - run.Done, Domains: run.Domains,
		Pace: view.PaceOf(int64(s.Work.Domains), int64(run.Domains-run.Done), time.Since(s.Work.Since))}
}
