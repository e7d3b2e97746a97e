package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"mxseal/checks"
	"mxseal/checks/input"
	"mxseal/checks/report"
	"mxseal/static"
	"mxseal/templates"
	"mxseal/web/scans"
	"mxseal/web/store"
)

const refresh = 2 // seconds until the page of a running check loads itself again

// frame is the frame of a page.
func (s *Site) frame(title string) templates.Frame {
	return templates.Frame{Title: title + " · mxseal", Style: static.Style, Icon: static.Icon, Script: static.Script, Version: s.cfg.Version, Topics: checks.Topics(), Banner: s.banner()}
}

func (s *Site) home(w http.ResponseWriter, r *http.Request) error {
	return s.form(w, r, "/", "", "")
}

// form shows the front page, with what was typed and what is wrong with it. Only the page of
// nobody has a name.
func (s *Site) form(w http.ResponseWriter, r *http.Request, name, typed, wrong string) error {
	status := http.StatusOK
	if wrong != "" {
		status = http.StatusUnprocessableEntity
	}
	h := templates.Home{Typed: typed, Problem: wrong, Host: templates.Operator{Name: s.cfg.Operator, Contact: s.cfg.Contact, OptOut: s.cfg.OptOut}}
	for _, e := range s.cfg.Examples {
		h.Examples = append(h.Examples, templates.Example(e))
	}
	f := s.frame("Who can read the mail that is sent to you?")
	f.Private = status != http.StatusOK
	if s.cfg.BaseURL != "" && !f.Private {
		f.Canonical = s.cfg.BaseURL + "/"
	}
	return s.render(w, r, status, name, f, templates.HomePage(f, h))
}

// startCheck is the only way to start a check on these pages.
func (s *Site) startCheck(w http.ResponseWriter, r *http.Request) error {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/x-www-form-urlencoded" {
		return unreadable
	}
	if err := r.ParseForm(); err != nil {
		var long *http.MaxBytesError
		if errors.As(err, &long) {
			return err
		}
		return unreadable
	}
	typed := r.PostForm.Get("domain")
	d, err := s.parse(typed)
	if err != nil {
		why, err := reason(err)
		if err != nil {
			return err
		}
		if wantsJSON(r) {
			return &problem{status: http.StatusUnprocessableEntity, title: "Not a mail domain", reason: "not-a-mail-domain", text: why}
		}
		return s.form(w, r, "", typed, why)
	}
	_, _, err = s.scans.Start(r.Context(), client(r), d)
	var no *scans.Refusal
	if errors.As(err, &no) && no.Reason == scans.DomainRests && !wantsJSON(r) {
		err = nil // the latest report stands there, and says until when
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, "/check/"+d.ASCII, http.StatusSeeOther)
	return nil
}

// reason is why something is no mail domain; any other error comes back as it is.
func reason(err error) (string, error) {
	var input *input.Error
	if errors.As(err, &input) {
		return input.Sentence, nil
	}
	return "", err
}

// showCheck shows the running check of a domain or its latest report. It starts nothing.
func (s *Site) showCheck(w http.ResponseWriter, r *http.Request) error {
	asked := pathValue(r, "domain")
	d, err := s.parse(asked)
	if err != nil {
		why, err := reason(err)
		if err != nil {
			return err
		}
		return &problem{status: http.StatusNotFound, title: "Not a mail domain", reason: "not-a-mail-domain", text: why}
	}
	if d.ASCII != asked { // one address a domain; and a local part leaves the address bar
		http.Redirect(w, r, "/check/"+d.ASCII, http.StatusMovedPermanently)
		return nil
	}
	if c := s.scans.Running(d.ASCII); c != nil {
		return s.showRunning(w, r, c)
	}
	err = s.sendReport(w, r, "/check/"+d.ASCII, s.scans.LastOf(d.ASCII), func(ctx context.Context) (*report.Report, error) { return s.scans.Latest(ctx, d.ASCII) })
	if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if wantsJSON(r) {
		return notChecked
	}
	f := s.frame(d.Unicode)
	f.Private = true
	return s.render(w, r, http.StatusNotFound, "", f, templates.UnknownPage(f, d.ASCII, d.Unicode))
}

// showRunning shows how far a check is.
func (s *Site) showRunning(w http.ResponseWriter, r *http.Request, c *scans.Scan) error {
	if wantsJSON(r) {
		return writeState(w, c)
	}
	f := s.frame("Checking " + c.Domain.Unicode)
	f.Private, f.Refresh = true, refresh
	page := runningPage(c, c.View())
	name := fmt.Sprint(c.ID, " ", page.Waiting, " ", page.Before, " ", page.Waits, " ", page.Heard, " ", f.Banner.Troubles)
	p, err := s.renderer.get(r, s.renderer.brief, name, pageHead, templates.RunningPage(f, page).Render)
	if err != nil {
		return err
	}
	return s.send(w, r, http.StatusOK, p)
}

// runningPage is what the page of a check shows that has come so far.
func runningPage(c *scans.Scan, v scans.View) templates.Running {
	page := templates.Running{Domain: c.Domain.ASCII, Unicode: c.Domain.Unicode, Waiting: v.Waiting, Before: v.Queue.Before, Waits: string(v.Queue.For), Stages: stages(v), Heard: v.Heard}
	for _, f := range v.Findings {
		page.Arrivals = append(page.Arrivals, templates.NewArrival(f))
	}
	return page
}

func stages(v scans.View) (list []templates.Stage) {
	for _, t := range checks.Topics() {
		p := v.Stages[t.ID]
		list = append(list, templates.Stage{Topic: t, Begun: p.Begun, Ended: p.Ended})
	}
	return list
}

// state is a running check for programs.
type state struct {
	State    string      `json:"state" enum:"waiting,running" doc:"Whether the check has begun or waits for a place."`
	ID       string      `json:"id" doc:"Id of the report to be."`
	Domain   string      `json:"domain" doc:"The domain in its A-label form."`
	Since    time.Time   `json:"since" doc:"When the check was asked for."`
	Before   *int        `json:"before,omitempty" doc:"How many checks begin before this one, as in Queue; only while it waits."`
	WaitsFor scans.Waits `json:"waits_for,omitempty" enum:"place,minute,share" doc:"What it waits for, as in Queue; only while it waits."`
	Stages   []stage     `json:"stages" nullable:"false" doc:"How far each part of the check is, in reading order."`
	Links    links       `json:"links" doc:"Addresses on this site."`
}

type stage struct {
	Check string `json:"check" enum:"mx,starttls,certificate,tls,dnssec,dane,mta-sts,tls-rpt" doc:"Id of the check, as in the page /checks/{id}."`
	State string `json:"state" enum:"waiting,running,done" doc:"How far it is."`
}

// links lead from a running check to what will come of it.
type links struct {
	Report string `json:"report" doc:"The report, once there is one; until then the state."`
	Events string `json:"events" doc:"What happens meanwhile, as server-sent events."`
	Page   string `json:"page" doc:"The same for people."`
}

func underWay(c *scans.Scan) state {
	v := c.View()
	st := state{State: "running", ID: c.ID, Domain: c.Domain.ASCII, Since: c.Since.Truncate(time.Second), Stages: []stage{},
		Links: links{Report: apiReport(c.ID), Events: apiReport(c.ID) + "/events", Page: "/check/" + c.Domain.ASCII}}
	if v.Waiting {
		st.State, st.Before, st.WaitsFor = "waiting", &v.Queue.Before, v.Queue.For
	}
	for _, p := range stages(v) {
		st.Stages = append(st.Stages, stage{string(p.ID), p.State()})
	}
	return st
}

// showReport shows one report, for ever.
func (s *Site) showReport(w http.ResponseWriter, r *http.Request) error {
	id := pathValue(r, "id")
	err := s.sendReport(w, r, "/report/"+id, "", func(ctx context.Context) (*report.Report, error) { return s.scans.Report(ctx, id) })
	if errors.Is(err, store.ErrNotFound) {
		return s.missing(id)
	}
	return err
}

// wantsData reports whether a report is asked for as JSON.
func wantsData(r *http.Request) bool {
	return r.URL.RawQuery != "" && r.URL.Query().Get("format") == "json" || wantsJSON(r)
}

// sendReport sends the report of an address of pages, in the form that is asked for. last is
// the last report of the domain that was made here, where the address shows the latest: what
// was kept before that one is not shown behind it.
func (s *Site) sendReport(w http.ResponseWriter, r *http.Request, address, last string, load func(context.Context) (*report.Report, error)) error {
	if wantsData(r) {
		return s.sendJSON(w, r, head{kind: "application/json", keep: "no-cache", vary: "Accept, Accept-Encoding"}, s.nameOf(address, last), func(ctx context.Context) (any, error) { return load(ctx) })
	}
	b := s.banner()
	p, err := s.renderer.get(r, s.renderer.pages, pageKey(s.nameOf(address, last), b), pageHead, func(ctx context.Context, w io.Writer) error {
		kept, err := load(ctx)
		if err != nil {
			return err
		}
		return s.writeReport(ctx, w, kept, strings.HasPrefix(address, "/check/"))
	})
	if err != nil {
		return err
	}
	return s.send(w, r, http.StatusOK, p)
}

// nameOf is under which what an address shows is kept. That of a report that could not be
// kept has none.
func (s *Site) nameOf(address, last string) string {
	if s.scans.Lost(last) {
		return ""
	}
	return address + " " + last
}

// writeReport writes the page of a report, as the latest of its domain or under its permanent address.
func (s *Site) writeReport(ctx context.Context, w io.Writer, kept *report.Report, latest bool) error {
	page := templates.Report{Report: checks.View(kept), Latest: latest, Link: s.cfg.BaseURL + "/report/" + kept.ID, RulesNow: report.RulesSet}
	page.Today = judgedToday(kept)
	history, err := s.cfg.Store.Until(ctx, kept.Domain, kept.CheckedAt, maxHistory)
	if err != nil {
		return err
	}
	for _, e := range history {
		page.History = append(page.History, templates.Moment{ID: e.ID, At: e.CheckedAt, Letter: e.Letter, Provisional: e.Provisional})
	}
	if latest {
		if page.Newer, err = s.newer(ctx, kept); err != nil {
			return err
		}
	}
	lost := s.scans.Lost(kept.ID)
	switch {
	case lost:
		page.Notice = "This report could not be kept: our disk did not take it. It stands here for a minute, and its permanent link will lead nowhere. Save the page if you need it, or check again later."
	case latest:
		page.Notice = s.notice(kept.Domain, history)
	}
	f := s.frame(fmt.Sprintf("%s: %s", page.Name(), kept.Grade.Stated()))
	f.Private = true
	if kept.Grade != nil {
		f.Summary = kept.Grade.Sentence
	}
	if s.cfg.BaseURL != "" {
		f.Canonical, f.Card = page.Link, page.Link+"/card.png"
	}
	return templates.ReportPage(f, page).Render(ctx, w)
}

// newer is the youngest report of a domain where it stands behind this one, since trouble of
// our own has spoilt it.
func (s *Site) newer(ctx context.Context, shown *report.Report) (*templates.Moment, error) {
	list, err := s.cfg.Store.History(ctx, shown.Domain, 1)
	if err != nil || len(list) == 0 || list[0].ID == shown.ID || !list[0].CheckedAt.After(shown.CheckedAt) {
		return nil, err
	}
	return &templates.Moment{ID: list[0].ID, At: list[0].CheckedAt, Letter: list[0].Letter, Provisional: list[0].Provisional}, nil
}

const maxHistory = 100 // reports on the chart of a page

// judgedToday is the letter that the present rules give for the evidence of a report, or
// empty where it is the one that the report has.
func judgedToday(kept *report.Report) report.Letter {
	again := *kept // judging puts new findings and a new grade in the place of the old ones
	again.Conclusions = checks.Judge(again.Meta, again.Evidence)
	if kept.Grade == nil || again.Grade == nil || again.Grade.Letter == kept.Grade.Letter {
		return ""
	}
	return again.Grade.Letter
}

// checkPage documents one check from its own data.
func (s *Site) checkPage(w http.ResponseWriter, r *http.Request) error {
	c, ok := checks.Find(report.CheckID(pathValue(r, "id")))
	if !ok {
		return noSuchCheck
	}
	page := templates.Check{Topic: templates.Topic{ID: c.ID, Title: c.Title}, Doc: templates.Blocks(c.Doc), Rules: checks.ShownWith(c.ID)}
	f := s.frame(c.Title)
	return s.render(w, r, http.StatusOK, "/checks/"+string(c.ID), f, templates.CheckPage(f, page))
}

func (s *Site) gradesPage(w http.ResponseWriter, r *http.Request) error {
	f := s.frame("How the grade comes about")
	return s.render(w, r, http.StatusOK, "/grades", f, templates.GradesPage(f, method()))
}

// healthz says whether reports can be read: the site is of no use without them.
func (s *Site) healthz(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	if err := s.cfg.Store.Health(ctx).Read; err != nil {
		s.cfg.Log.Error("the store does not answer", "error", err)
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprintln(w, "the store does not answer")
		return
	}
	fmt.Fprintln(w, "ok")
}

// pathValue is a part of the address, unescaped: the router matches the escaped form where
// the two differ.
func pathValue(r *http.Request, name string) string {
	v := r.PathValue(name)
	if r.URL.RawPath == "" {
		return v
	}
	plain, err := url.PathUnescape(v)
	if err != nil {
		return v
	}
	return plain
}

// readyz says whether verdicts can be relied on: the store answers, and the last self-test
// found no trouble of our own. Every condition is listed with what to do about it.
func (s *Site) readyz(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	var conditions []report.Condition
	if s.cfg.Conditions != nil {
		conditions = s.cfg.Conditions()
	}
	switch h := s.cfg.Store.Health(ctx); {
	case h.Read != nil:
		conditions = append(conditions, report.Condition{Name: "store", State: "failed", Text: "The store does not answer."})
	case h.Write != nil:
		conditions = append(conditions, report.Condition{Name: "store", State: "failed", Text: "The last report could not be kept, and the disk still takes nothing: see whether it is full or read-only."})
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	// An EHLO name that does not resolve back costs us answers, and spoils none: no reason to be
	// taken out of a pool.
	if slices.ContainsFunc(conditions, func(c report.Condition) bool { return c.State == "failed" && c.Name != report.HELOCondition }) {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	for _, c := range conditions {
		fmt.Fprintf(w, "%s %s: %s\n", c.State, c.Name, c.Text)
	}
	if len(conditions) == 0 {
		fmt.Fprintln(w, "ok")
	}
}
