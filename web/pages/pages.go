// Package pages is the site for people: what stands on which page, of the words and pictures that
// package templates puts into markup.
//
// Whoever prefers JSON gets it at the same addresses: reports, how far a check is, and problems.
package pages

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/a-h/templ"

	"mxseal/checks"
	"mxseal/checks/cache"
	"mxseal/checks/follow"
	"mxseal/checks/input"
	"mxseal/checks/report"
	"mxseal/static"
	"mxseal/templates"
	"mxseal/web/badge"
	"mxseal/web/inbox"
	"mxseal/web/problem"
	"mxseal/web/rendering"
	"mxseal/web/scans"
	"mxseal/web/senders"
	"mxseal/web/store"
	"mxseal/web/surveys"
	"mxseal/web/watch"
)

// Config is what the pages are made of.
type Config struct {
	Parse     func(typed string) (input.Domain, error)
	Scans     *scans.Scanner
	Store     *store.Store
	Renderer  *rendering.Renderer
	Badges    *badge.Badges
	OptOuts   *scans.OptOuts // nil for nobody
	Surveys   *surveys.Surveys
	Inboxes   *inbox.Inboxes   // nil where nobody could deliver: no address of the site is known
	Senders   *senders.Senders // nil where senders are not tested
	Simulated Simulated        // senders; none outside the lab
	Watches   *watch.Watches   // nil where nobody can be told
	Log       *slog.Logger

	BaseURL  string                     // where the site is reached; empty if unknown
	Reached  func(*http.Request) string // where a request has reached it, if something vouches for that; else empty
	Version  string                     // of the program
	Operator templates.Operator
	Examples []templates.Example // domains of the lab, for the front page
	Lab      bool                // there is a lab
	Keep     time.Duration       // how long reports are kept; for ever if zero

	Conditions func() []report.Condition // what the last self-test found; nil without one
}

// Pages answers people. It is safe for concurrent use.
type Pages struct {
	Config
	moments *cache.Cache[follow.Moment] // of feeds, by the id of the report: it never changes

	uploads chan struct{} // has room for those who drop reports
	unpack  *sync.Mutex   // held while what was dropped is read
	exports chan struct{} // has room for runs of surveys that are handed out

	surveyed *atomic.Pointer[surveyed]
}

const (
	momentOctets = 2 << 20          // of what feeds say of reports
	surveysSeen  = 10 * time.Second // how long it is believed whether there are surveys
	uploads      = 4                // of TLS reports, at a time; they are read one after the other
	exports      = 2                // runs of surveys that are handed out at a time
)

// New returns Pages.
func New(cfg Config) *Pages {
	return &Pages{Config: cfg, moments: cache.New[follow.Moment](momentOctets, 24*time.Hour, nil), uploads: make(chan struct{}, uploads), unpack: new(sync.Mutex),
		exports: make(chan struct{}, exports), surveyed: new(atomic.Pointer[surveyed])}
}

// frame is the frame of a page.
func (p *Pages) frame(title string) templates.Frame {
	return templates.Frame{Title: title + " · mxseal", Style: static.Style, Icon: static.Icon, Script: static.Script, Version: p.Version, Topics: checks.Topics(), Banner: p.banner(), Host: p.Operator, Surveys: p.anySurveys(), Senders: p.Senders != nil, Watches: p.Watches != nil}
}

// anySurveys reports whether there is something to lead to.
func (p *Pages) anySurveys() bool {
	now := time.Now()
	if known := p.surveyed.Load(); known != nil && now.Sub(known.at).Abs() < surveysSeen {
		return known.any
	}
	list, err := p.Store.Surveys(context.Background())
	p.surveyed.Store(&surveyed{now, err == nil && len(list) > 0})
	return err == nil && len(list) > 0
}

type surveyed struct {
	at  time.Time
	any bool
}

// pageHead is that of pages for people.
var pageHead = rendering.Head{Kind: "text/html; charset=utf-8", Keep: "no-cache", Vary: "Accept, Accept-Encoding"}

// render sends a page. All who ask for one of the same name at the same time, under the same
// banner, share it; a page without a name is for one visitor alone.
func (p *Pages) render(w http.ResponseWriter, r *http.Request, who scans.Client, status int, name string, f templates.Frame, page templ.Component) error {
	made, err := p.Renderer.Get(r.Context(), who, p.Renderer.Pages, p.pageKey(name, f.Banner), pageHead, page.Render)
	if err != nil {
		return err
	}
	return p.Renderer.Send(w, r, status, made)
}

// renderOnce sends a page of one visitor that nobody keeps.
func (p *Pages) renderOnce(w http.ResponseWriter, r *http.Request, who scans.Client, status int, page templ.Component) error {
	head := pageHead
	head.Keep = "no-store"
	made, err := p.Renderer.Get(r.Context(), who, p.Renderer.Pages, "", head, page.Render)
	if err != nil {
		return err
	}
	return p.Renderer.Send(w, r, status, made)
}

func (p *Pages) Home(w http.ResponseWriter, r *http.Request, who scans.Client) error {
	return p.at(r).form(w, r, who, "/", "", "")
}

// form shows the front page, with what was typed and what is wrong with it. Only the page of
// nobody has a name.
func (p *Pages) form(w http.ResponseWriter, r *http.Request, who scans.Client, name, typed, wrong string) error {
	status := http.StatusOK
	if wrong != "" {
		status = http.StatusUnprocessableEntity
	}
	h := templates.Home{Typed: typed, Problem: wrong, Host: p.Operator, Examples: p.Examples, Sample: sampleView()}
	f := p.frame("Who can read the mail that is sent to you?")
	f.Private, f.Here = status != http.StatusOK, "/"
	if p.BaseURL != "" && !f.Private {
		f.Canonical = p.BaseURL + "/"
	}
	return p.render(w, r, who, status, name, f, templates.HomePage(f, h))
}

// Method documents one check from its own data.
func (p *Pages) Method(w http.ResponseWriter, r *http.Request, who scans.Client) error {
	c, ok := checks.Find(report.CheckID(pathValue(r, "id")))
	if !ok {
		return problem.NoSuchCheck
	}
	page := templates.Check{Topic: templates.Topic{ID: c.ID, Title: c.Title}, Doc: templates.Blocks(c.Doc), Rules: checks.ShownWith(c.ID)}
	f := p.frame(c.Title)
	return p.render(w, r, who, http.StatusOK, "/checks/"+string(c.ID), f, templates.CheckPage(f, page))
}

func (p *Pages) Grades(w http.ResponseWriter, r *http.Request, who scans.Client) error {
	f := p.frame("How grading works")
	f.Here = "/grades"
	return p.render(w, r, who, http.StatusOK, "/grades", f, templates.GradesPage(f, method()))
}

// API is the document of the API for people.
func (p *Pages) API(w http.ResponseWriter, r *http.Request, who scans.Client, doc templates.API) error {
	f := p.frame("JSON API")
	f.Here = "/api"
	f.Summary = doc.Text
	if p.BaseURL != "" {
		f.Canonical = p.BaseURL + "/api"
	}
	return p.render(w, r, who, http.StatusOK, "/api", f, templates.APIPage(f, doc))
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

// banner is what the last self-test found wrong with this instance. The EHLO name is not
// among it: a server that minds the name says so itself.
func (p *Pages) banner() templates.Banner {
	b := templates.Banner{Examples: p.Lab}
	if p.Conditions == nil {
		return b
	}
	for _, c := range p.Conditions() {
		if c.State == report.ConditionFailed && c.Name != report.HELOCondition {
			b.Troubles = append(b.Troubles, c.Name)
		}
	}
	return b
}

// pageKey is under which the page of an address is kept in memory. With another banner it is
// another page: none shows trouble that has passed, and none is silent about what has begun. So it is
// where the site is reached in another way.
func (p *Pages) pageKey(address string, b templates.Banner) string {
	if address == "" {
		return ""
	}
	for _, name := range b.Troubles {
		address += " " + string(name)
	}
	return address + " " + p.BaseURL
}

// at is the site as the request reaches it: of an address that the operator has not named the request
// knows, where something vouches for it.
func (p *Pages) at(r *http.Request) *Pages {
	if p.BaseURL != "" || p.Reached == nil {
		return p
	}
	here := *p
	here.BaseURL = p.Reached(r)
	return &here
}
