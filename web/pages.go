package web

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"time"

	"mxseal/checks"
	"mxseal/checks/report"
	"mxseal/static"
	"mxseal/templates"
	"mxseal/web/store"
)

const refresh = 2 // seconds until the page of a running check loads itself again

// frame is the frame of a page.
func (s *Site) frame(title string) templates.Frame {
	return templates.Frame{Title: title + " · mxseal", Style: static.Style, Icon: static.Icon, Script: static.Script, Version: s.cfg.Version, Topics: topics(), Banner: s.banner()}
}

func (s *Site) home(w http.ResponseWriter, r *http.Request) error {
	return s.form(w, r, http.StatusOK, "", "")
}

// form shows the front page, with what was typed and what is wrong with it.
func (s *Site) form(w http.ResponseWriter, r *http.Request, status int, typed, wrong string) error {
	h := templates.Home{Typed: typed, Problem: wrong, Host: templates.Operator{Name: s.cfg.Operator, Contact: s.cfg.Contact, OptOut: s.cfg.OptOut}}
	for _, e := range s.cfg.Examples {
		h.Examples = append(h.Examples, templates.Example(e))
	}
	f := s.frame("Who can read the mail that is sent to you?")
	f.Private = status != http.StatusOK
	if s.cfg.BaseURL != "" && !f.Private {
		f.Canonical = s.cfg.BaseURL + "/"
	}
	return render(w, r, status, templates.HomePage(f, h))
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
		return s.form(w, r, http.StatusUnprocessableEntity, typed, why)
	}
	_, _, err = s.desk.start(r.Context(), d)
	var p *problem
	if errors.As(err, &p) && p.refusal == refusedDomain && !wantsJSON(r) {
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
	var input *checks.InputError
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
	if c := s.desk.peek(d.ASCII); c != nil {
		return s.showRunning(w, r, c)
	}
	if s.keptPage(w, r, d.ASCII) {
		return nil
	}
	latest, err := s.desk.latest(r.Context(), d.ASCII)
	if errors.Is(err, store.ErrNotFound) {
		if wantsJSON(r) {
			return notChecked
		}
		f := s.frame(d.Unicode)
		f.Private = true
		return render(w, r, http.StatusNotFound, templates.UnknownPage(f, d.ASCII, d.Unicode))
	}
	if err != nil {
		return err
	}
	return s.writeReport(w, r, latest, true)
}

// keptPage sends the page of the latest report of a domain, if it was made a short while
// ago from the report that is still the latest.
func (s *Site) keptPage(w http.ResponseWriter, r *http.Request, domain string) bool {
	p, ok := s.pages.get(pageKey("/check/"+domain, s.banner()))
	if !ok || wantsData(r) {
		return false
	}
	if fresh, ok := s.desk.hot.get(domain); ok && fresh.ID != p.id {
		return false
	}
	if _, ok := s.desk.spoilt.get(domain); ok { // which the page may not know of
		return false
	}
	p.send(w, r)
	return true
}

// showRunning shows how far a check is.
func (s *Site) showRunning(w http.ResponseWriter, r *http.Request, c *running) error {
	page := c.view()
	if wantsJSON(r) {
		w.Header().Set("Retry-After", fmt.Sprint(refresh))
		return writeJSON(w, http.StatusAccepted, "application/json", underWay(c, page))
	}
	f := s.frame("Checking " + c.domain.Unicode)
	f.Private, f.Refresh = true, refresh
	return render(w, r, http.StatusOK, templates.RunningPage(f, page))
}

// state is a running check for programs.
type state struct {
	State  string    `json:"state" enum:"waiting,running" doc:"Whether the check has begun or waits for a place."`
	ID     string    `json:"id" doc:"Id of the report to be."`
	Domain string    `json:"domain" doc:"The domain in its A-label form."`
	Since  time.Time `json:"since" doc:"When the check was asked for."`
	Before *int      `json:"before,omitempty" doc:"How many checks begin before this one; only while it waits."`
	Stages []stage   `json:"stages" nullable:"false" doc:"How far each part of the check is, in reading order."`
	Links  links     `json:"links" doc:"Addresses on this site."`
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

func underWay(c *running, page templates.Running) state {
	st := state{State: "running", ID: c.id, Domain: c.domain.ASCII, Since: c.since.Truncate(time.Second), Stages: []stage{},
		Links: links{Report: apiReport(c.id), Events: apiReport(c.id) + "/events", Page: "/check/" + c.domain.ASCII}}
	if page.Waiting {
		st.State, st.Before = "waiting", &page.Before
	}
	for _, p := range page.Stages {
		st.Stages = append(st.Stages, stage{p.ID, p.State()})
	}
	return st
}

// showReport shows one report, for ever.
func (s *Site) showReport(w http.ResponseWriter, r *http.Request) error {
	id := pathValue(r, "id")
	if p, ok := s.pages.get(pageKey("/report/"+id, s.banner())); ok && !wantsData(r) {
		p.send(w, r)
		return nil
	}
	kept, err := s.cfg.Store.Get(r.Context(), id)
	if errors.Is(err, store.ErrNotFound) {
		return s.missing(id)
	}
	if err != nil {
		return err
	}
	return s.writeReport(w, r, kept, false)
}

// wantsData reports whether a report is asked for as JSON.
func wantsData(r *http.Request) bool {
	return r.URL.RawQuery != "" && r.URL.Query().Get("format") == "json" || wantsJSON(r)
}

// writeReport sends a report, as the latest of its domain or under its permanent address,
// and keeps the page for the next who asks.
func (s *Site) writeReport(w http.ResponseWriter, r *http.Request, kept *report.Report, latest bool) error {
	if wantsData(r) {
		return writeJSON(w, http.StatusOK, "application/json", kept)
	}
	address := "/report/" + kept.ID
	page := templates.Report{Report: kept, Topics: topics(), Senders: senders(), Attackers: attackers(), Latest: latest, Link: s.cfg.BaseURL + address, RulesNow: report.RulesSet}
	page.Today = judgedToday(kept)
	history, err := s.cfg.Store.Until(r.Context(), kept.Domain, kept.CheckedAt, maxHistory)
	if err != nil {
		return err
	}
	for _, e := range history {
		page.History = append(page.History, templates.Moment{ID: e.ID, At: e.CheckedAt, Letter: e.Letter, Provisional: e.Provisional})
	}
	if latest {
		if page.Newer, err = s.newer(r.Context(), kept); err != nil {
			return err
		}
	}
	_, lost := s.desk.lost.get(kept.ID)
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
	var b bytes.Buffer
	if err := templates.ReportPage(f, page).Render(r.Context(), &b); err != nil {
		return err
	}
	p := newPrinted(kept.ID, "text/html; charset=utf-8", "no-cache", b.Bytes())
	p.vary = "Accept, Accept-Encoding"
	if latest {
		address = "/check/" + kept.Domain
	}
	if b.Len() <= maxPrinted && !lost {
		s.pages.put(pageKey(address, f.Banner), p)
	}
	p.send(w, r)
	return nil
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
	checks.Judge(&again)
	if kept.Grade == nil || again.Grade == nil || again.Grade.Letter == kept.Grade.Letter {
		return ""
	}
	return again.Grade.Letter
}

// checkPage documents one check from its own data.
func (s *Site) checkPage(w http.ResponseWriter, r *http.Request) error {
	c, ok := checks.Find(pathValue(r, "id"))
	if !ok {
		return noSuchCheck
	}
	page := templates.Check{Topic: templates.Topic{ID: c.ID, Title: c.Title}, Doc: templates.Blocks(c.Doc), Rules: rulesOf(c)}
	return render(w, r, http.StatusOK, templates.CheckPage(s.frame(c.Title), page))
}

func (s *Site) gradesPage(w http.ResponseWriter, r *http.Request) error {
	return render(w, r, http.StatusOK, templates.GradesPage(s.frame("How the grade comes about"), method()))
}

// healthz says whether reports can be read: the site is of no use without them.
func (s *Site) healthz(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	if err := s.cfg.Store.Ping(ctx); err != nil {
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
	if err := s.cfg.Store.Ping(ctx); err != nil {
		conditions = append(conditions, report.Condition{Name: "store", State: "failed", Text: "The store does not answer."})
	} else if err := s.cfg.Store.Writable(ctx); err != nil {
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
