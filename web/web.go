// Package web is the public face: the site that people and programs ask.
//
// It starts checks only when it is asked to by POST, shows running ones to whoever comes,
// and keeps every report under an address that never changes. What a visitor types is
// understood once, by the engine's parser; the text itself is neither stored nor logged.
package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"mxseal/checks"
	"mxseal/checks/cache"
	"mxseal/checks/input"
	"mxseal/checks/report"
	"mxseal/static"
	"mxseal/templates"
	"mxseal/web/api"
	"mxseal/web/badge"
	"mxseal/web/inbox"
	"mxseal/web/limit"
	"mxseal/web/metrics"
	"mxseal/web/pages"
	"mxseal/web/problem"
	"mxseal/web/rendering"
	"mxseal/web/scans"
	"mxseal/web/senders"
	"mxseal/web/store"
	"mxseal/web/surveys"
	"mxseal/web/watch"
)

// Config says what the site answers from.
type Config struct {
	Engine         *checks.Engine
	Lab            *checks.Engine // answers for names under .test; nil without the lab
	Examples       []Example      // domains of the lab, for the front page
	Store          *store.Store
	Watches        *watch.Watches // who is told of changes; nil for nobody
	ReportDomain   string         // of mail addresses for TLS reports (A-label); empty where none come by mail
	BaseURL        string         // scheme and host under which the site is reached; empty if unknown
	Version        string         // of the program
	Log            *slog.Logger
	TrustedProxies []netip.Prefix // whose X-Forwarded-For is believed
	Limits         Limits         // on checks
	OptOuts        *scans.OptOuts // who is left alone; nil for nobody
	Audit          *scans.Audit   // has a line for every check that is asked for; may be nil
	// Delay says how long what is ready to compute waits for a processor (scans.Delay); nil for
	// checks that begin at once, whatever readers wait.
	Delay func() time.Duration

	// Senders is the receiving side of the test of senders; nil where they are not tested.
	Senders *senders.Senders
	// Simulated are the senders of the lab that a visitor can let loose; none outside the lab.
	Simulated Simulated

	Keep time.Duration // how long reports are kept; for ever if zero

	// Conditions are what the last self-test found; those of Engine if nil.
	Conditions func() []report.Condition

	Operator string // who runs this instance, for the front page; may be empty
	Contact  string // mail address or web page of the operator, for questions and complaints
	OptOut   string // what the owner of a domain does not to be checked from here, in a sentence or two
	Imprint  string // address of a page, or its text; may be empty, as the next two
	Privacy  string // the same
	Logo     string // what is written at the top of every page, in place of mxseal

	texts func(ctx context.Context, name string) (texts []string, known bool) // Engine's
}

// Simulated are senders of the lab, and the way to let one of them loose.
type Simulated = pages.Simulated

// SimulatedKind is one kind of them.
type SimulatedKind = templates.SimulatedKind

// Example is a domain of the lab and what it shows.
type Example = templates.Example

const reportsLimit = 4 << 20 // octets of the TLS reports that somebody drops

// bounded bounds what a request may bring.
func bounded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		most := int64(api.BodyLimit)
		switch {
		case r.Method != http.MethodPost:
		case r.URL.Path == "/tlsrpt":
			most = reportsLimit
		case strings.HasPrefix(r.URL.Path, "/tlsrpt/"):
			most = inbox.Octets
		}
		r.Body = http.MaxBytesReader(w, r.Body, most)
		next.ServeHTTP(w, r)
	})
}

// Limits bound what strangers can make this instance do. Reading is not limited by number:
// nothing leaves the house for it, and few answers are made at a time (web/rendering).
type Limits struct {
	scans.Limits
	ClientMinute int // checks that one client may ask for within a minute, joined and fresh ones too; 30 if zero, no bound if negative
}

// Site is the website. Close it when the listener is closed.
type Site struct {
	cfg     Config
	clients *limit.Clients
	posts   *limit.Posts // of who asks for checks

	scans    *scans.Scanner
	renderer *rendering.Renderer
	badges   *badge.Badges
	pages    *pages.Pages
	api      *api.API
	metrics  *metrics.Metrics
	router   http.Handler
}

// New returns the site. The error says which part of the configuration cannot be used.
func New(cfg Config) (*Site, error) {
	if cfg.Engine == nil || cfg.Store == nil {
		return nil, errors.New("web: an engine and a store are needed")
	}
	if cfg.Conditions == nil {
		cfg.Conditions = cfg.Engine.Conditions
	}
	cfg.texts = cfg.Engine.Texts
	parse, run := cfg.Engine.ParseDomain, cfg.Engine.Run
	if cfg.Lab != nil {
		parse = ParserWith(cfg.Lab, cfg.Engine.ParseDomain)
		run = func(ctx context.Context, d input.Domain, id string, emit func(report.Event)) *report.Report {
			if OfLab(d.ASCII) {
				return cfg.Lab.Run(ctx, d, id, emit)
			}
			return cfg.Engine.Run(ctx, d, id, emit)
		}
	}
	return build(cfg, parse, run)
}

// OfLab reports whether the lab answers for a domain (A-label), where there is one.
func OfLab(domain string) bool { return strings.HasSuffix(domain, ".test") }

// ParserWith understands the names of the lab by its own engine, and all others as before.
func ParserWith(lab *checks.Engine, parse func(string) (input.Domain, error)) func(string) (input.Domain, error) {
	return func(typed string) (input.Domain, error) {
		if d, err := lab.ParseDomain(typed); err == nil && OfLab(d.ASCII) {
			return d, nil
		}
		return parse(typed)
	}
}

// build puts the site together around a parser and an engine's Run.
func build(cfg Config, parse func(string) (input.Domain, error), run scans.Run) (*Site, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.BaseURL != "" {
		var err error
		if cfg.BaseURL, err = originOf(cfg.BaseURL); err != nil {
			return nil, fmt.Errorf("--base-url: %w", err)
		}
	}
	s := &Site{cfg: cfg, clients: limit.NewClients(cfg.TrustedProxies, cfg.Log), renderer: rendering.New(), metrics: metrics.New(cfg.Version, cfg.Conditions)}
	s.posts = limit.NewPosts(cfg.Limits.ClientMinute, s.who, s.overLimit)
	s.scans = scans.New(scans.Config{Run: s.metrics.Counting(run), Store: cfg.Store, Log: cfg.Log, Limits: cfg.Limits.Limits,
		OptOuts: cfg.OptOuts, Audit: cfg.Audit, Refused: s.metrics.Refused, Delay: cfg.Delay})
	s.badges = badge.New(badge.Config{Parse: parse, Scans: s.scans, Store: cfg.Store, Renderer: s.renderer, Keep: cfg.Keep})
	var boxes *inbox.Inboxes
	if (strings.HasPrefix(cfg.BaseURL, "https:") || cfg.ReportDomain != "") && cfg.texts != nil { // senders deliver by nothing else (RFC 8460 §3)
		boxes = inbox.New(inbox.Config{Store: cfg.Store, Texts: cfg.texts, BaseURL: cfg.BaseURL, Domain: cfg.ReportDomain, Log: cfg.Log})
		if cfg.Senders != nil {
			boxes.Test = cfg.Senders.Deliver
		}
	}
	kept, _ := surveys.New(surveys.Config{Store: cfg.Store, OptedOut: cfg.OptOuts.Domain}) // to be read; runs are made elsewhere
	s.pages = pages.New(pages.Config{Surveys: kept, Inboxes: boxes, Watches: cfg.Watches, Senders: cfg.Senders, Simulated: cfg.Simulated, Parse: parse, Scans: s.scans, Store: cfg.Store, Renderer: s.renderer, Badges: s.badges, OptOuts: cfg.OptOuts, Log: cfg.Log,
		BaseURL: cfg.BaseURL, Reached: s.reached, Version: cfg.Version, Operator: templates.Operator{Name: cfg.Operator, Contact: cfg.Contact, OptOut: cfg.OptOut, Imprint: cfg.Imprint, Privacy: cfg.Privacy, Logo: cfg.Logo},
		Examples: cfg.Examples, Lab: cfg.Lab != nil, Keep: cfg.Keep, Conditions: cfg.Conditions})
	s.router = s.routes(parse)
	s.metrics.Watch(s.sources())
	return s, nil
}

// sources are what the metrics look at.
func (s *Site) sources() metrics.Sources {
	from := metrics.Sources{Scans: s.scans.Stats, Caches: s.caches, Renderer: s.renderer, Store: s.cfg.Store}
	if s.cfg.Engine != nil {
		from.Disagreements = s.cfg.Engine.Disagreements
	}
	return from
}

// caches are all that grows by what strangers send, by name.
func (s *Site) caches() map[string]cache.Held {
	m := s.scans.Caches()
	maps.Copy(m, s.renderer.Caches())
	maps.Copy(m, map[string]cache.Held{"standings": s.badges.Held(), "posts": s.posts.Held(), "moments": s.pages.Held()})
	if s.pages.Inboxes != nil {
		m["inboxes"] = s.pages.Inboxes.Held()
	}
	if s.cfg.Engine != nil {
		maps.Copy(m, s.cfg.Engine.Caches())
	}
	return m
}

// Inboxes are those for TLS reports; nil where nobody could deliver any.
func (s *Site) Inboxes() *inbox.Inboxes { return s.pages.Inboxes }

// Look looks at a domain (A-label) for the program itself, or hands out a report that is fresh.
func (s *Site) Look(ctx context.Context, domain string) (*report.Report, error) {
	d, err := s.pages.Parse(domain)
	if err != nil {
		return nil, &scans.Refusal{Reason: scans.OptedOut} // by the rules of today it is no mail domain
	}
	return s.scans.Look(ctx, scans.Client{}, d)
}

// Metrics answers with the counters of the site, for the operator: they belong on a listener of their
// own, not among the site's pages.
func (s *Site) Metrics() http.Handler { return s.metrics.Handler() }

func (s *Site) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.router.ServeHTTP(w, r) }

// Close takes no more checks, lets the running ones finish until ctx ends, then stops
// them: their reports are kept as far as they came, marked as interrupted.
func (s *Site) Close(ctx context.Context) error { return s.scans.Close(ctx) }

// who is who asks, and by which door.
func (s *Site) who(r *http.Request) scans.Client {
	who := scans.Client{By: "form", Addr: s.clients.Of(r)}
	if api.Owns(r.URL.Path) {
		who.By = "api"
	}
	return who
}

// routes are all addresses of the site.
func (s *Site) routes(parse func(string) (input.Domain, error)) http.Handler {
	r, p := chi.NewRouter(), s.pages
	r.Use(s.record, s.secure, s.rescue, s.openToPages, middleware.GetHead, s.sameOrigin, bounded)
	r.NotFound(s.failing(problem.NoSuchAddress))
	r.MethodNotAllowed(s.methodNotAllowed)

	r.Get("/", s.page(p.Home))
	r.With(s.posts.Bound).Post("/check", s.page(p.StartCheck))
	r.Get("/check", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/", http.StatusSeeOther) })
	r.Get("/check/{domain}", s.page(p.Check))
	r.Get("/check/{domain}/events", s.page(p.Events))
	r.Get("/to/{domain}", s.page(p.To))
	r.Get("/report/sample", s.page(p.Sample))
	r.Get("/report/{id}", s.page(p.Report))
	r.Get("/report/{id}/card.png", s.page(p.Card))
	r.Get("/compare/{one}/{other}", s.page(p.Compare))
	r.Get("/badge/{name}", s.page(p.Badge))
	r.Get("/domain/{domain}/calendar.ics", s.page(p.Calendar))
	r.Get("/domain/{domain}/changes.atom", s.page(p.Changes))
	r.Get("/surveys", s.page(p.SurveyList))
	r.Get("/surveys.atom", s.page(p.SurveysFeed))
	r.Get("/survey/{name}", s.page(p.Survey))
	r.Get("/survey/{name}/{date}", s.page(p.Survey))
	r.Get("/tlsrpt", s.page(p.TLSReports))
	r.With(s.posts.Bound).Post("/tlsrpt", s.page(p.ReadTLSReports))
	if p.Inboxes != nil {
		r.With(s.posts.Bound).Post("/tlsrpt/inbox", s.page(p.OpenInbox))
		r.Get("/tlsrpt/{key}", s.page(p.Inbox))
		r.Post("/tlsrpt/{token}", s.page(p.Deliver)) // who delivers comes for many: the inbox has bounds of its own
		r.With(s.posts.Bound).Post("/tlsrpt/{key}/remove", s.page(p.RemoveInbox))
	}
	if p.Senders != nil {
		r.Get("/sender", s.page(p.Sender))
		r.With(s.posts.Bound).Post("/sender", s.page(p.StartSender))
		r.Get("/sender/{id}", s.page(p.SenderTest))
		r.Get("/sender/{id}/events", s.page(p.SenderEvents))
		for _, form := range []string{".svg", ".png", "@2x.png"} {
			r.Get("/sender/{id}/{name:badge"+form+"}", s.page(p.SenderBadge))
		}
		r.With(s.posts.Bound).Post("/sender/{id}/simulate", s.page(p.SimulateSender))
		r.With(s.posts.Bound).Post("/sender/{id}/end", s.page(p.EndSender))
	}
	if p.Watches != nil {
		r.Get("/watch", s.page(p.WatchForm))
		r.With(s.posts.Bound).Post("/watch", s.page(p.AskWatch))
		r.Get("/watch/confirm/{token}", s.page(p.ConfirmWatch))
		r.Post("/watch/confirm/{token}", s.page(p.WatchConfirmed))
		r.Get("/watch/{key}", s.page(p.Watch))
		r.Get("/watch/{key}/end", s.page(p.ToEndWatch))
		r.Post("/watch/{key}/end", s.page(p.EndWatch))
	}
	r.Get("/checks/{id}", s.page(p.Method))
	r.Get("/grades", s.page(p.Grades))
	r.Get("/static/*", func(w http.ResponseWriter, r *http.Request) {
		if !static.Serve(w, r, rendering.Takes(r, "gzip")) {
			s.fail(w, r, problem.NoSuchAddress)
		}
	})
	r.Get("/imprint", s.page(p.Imprint))
	r.Get("/privacy", s.page(p.Privacy))
	r.Get("/robots.txt", s.page(p.Robots))
	r.Get("/.well-known/security.txt", s.page(p.Security))
	r.Get("/favicon.ico", static.Favicon)
	r.Get("/healthz", s.healthz)
	r.Get("/readyz", s.readyz)
	s.api = api.New(api.Config{Parse: parse, Scans: s.scans, Store: s.cfg.Store, Senders: s.cfg.Senders, Renderer: s.renderer, Log: s.cfg.Log, Who: s.who, Bound: s.posts.Bound,
		BaseURL: s.cfg.BaseURL, Version: s.cfg.Version, Operator: s.cfg.Operator, Contact: s.cfg.Contact, Keep: s.cfg.Keep}, r)
	r.Get("/api", s.page(func(w http.ResponseWriter, r *http.Request, who scans.Client) error {
		return p.API(w, r, who, s.api.Page())
	}))
	return r
}

// page makes a handler of a page, which is told who asks and may fail.
func (s *Site) page(f func(http.ResponseWriter, *http.Request, scans.Client) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := f(w, r, s.who(r)); err != nil {
			s.pages.Fail(w, r, err)
		}
	}
}

// fail answers with what went wrong, as the address would have answered.
func (s *Site) fail(w http.ResponseWriter, r *http.Request, err error) {
	if api.Owns(r.URL.Path) {
		s.api.Fail(w, r, err)
		return
	}
	s.pages.Fail(w, r, err)
}

// failing makes a handler of a problem.
func (s *Site) failing(p *problem.Problem) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { s.fail(w, r, p) }
}

// overLimit answers a client that has asked for too much within a minute.
func (s *Site) overLimit(w http.ResponseWriter, r *http.Request) {
	s.scans.RefusedUnread(s.who(r))
	s.fail(w, r, problem.TooMany)
}
