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
	"net/http"
	"net/netip"
	"runtime/debug"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"mxseal/checks"
	"mxseal/checks/cache"
	"mxseal/checks/input"
	"mxseal/checks/report"
	"mxseal/static"
	"mxseal/web/scans"
	"mxseal/web/store/sqlite"
)

// Config says what the site answers from.
type Config struct {
	Engine         *checks.Engine
	Lab            *checks.Engine // answers for names under .test; nil without the lab
	Examples       []Example      // domains of the lab, for the front page
	Store          *sqlite.Store
	BaseURL        string // scheme and host under which the site is reached; empty if unknown
	Version        string // of the program
	Log            *slog.Logger
	TrustedProxies []netip.Prefix // whose X-Forwarded-For is believed
	Limits         Limits         // on checks
	OptOuts        *scans.OptOuts // who is left alone; nil for nobody
	Audit          *scans.Audit   // told of every check that is asked for; may be nil
	// Delay says how long what is ready to compute waits for a processor (scans.Delay); nil for
	// checks that begin at once, whatever readers wait.
	Delay func() time.Duration

	Keep time.Duration // how long reports are kept; for ever if zero

	// Conditions are what the last self-test found; those of Engine if nil.
	Conditions func() []report.Condition

	Operator string // who runs this instance, for the front page; may be empty
	Contact  string // mail address or web page of the operator, for questions and complaints
	OptOut   string // what the owner of a domain does not to be checked from here, in a sentence or two
}

// Example is a domain of the lab and what it shows.
type Example struct {
	Domain, Shows string
	Letter        report.Letter
}

const bodyLimit = 4 << 10 // octets of a request

// Site is the website. Close it when the listener is closed.
type Site struct {
	cfg    Config
	parse  func(typed string) (input.Domain, error)
	scans  *scans.Scanner
	router http.Handler

	renderer  *renderer
	sending   sending
	posts     posts                  // of who asks for checks
	standings *cache.Cache[standing] // what badges say, by domain (A-label) and the last report of it
	looking   cache.Flight[lookedUp] // for a standing
	metrics   *metrics
}

// New returns the site. The error says which part of the configuration cannot be used.
func New(cfg Config) (*Site, error) {
	if cfg.Engine == nil || cfg.Store == nil {
		return nil, errors.New("web: an engine and a store are needed")
	}
	if cfg.Conditions == nil {
		cfg.Conditions = cfg.Engine.Conditions
	}
	parse, run := cfg.Engine.ParseDomain, cfg.Engine.Run
	if cfg.Lab != nil {
		parse = func(typed string) (input.Domain, error) {
			if d, err := cfg.Lab.ParseDomain(typed); err == nil && ofLab(d) {
				return d, nil
			}
			return cfg.Engine.ParseDomain(typed)
		}
		run = func(ctx context.Context, d input.Domain, id string, emit func(report.Event)) *report.Report {
			if ofLab(d) {
				return cfg.Lab.Run(ctx, d, id, emit)
			}
			return cfg.Engine.Run(ctx, d, id, emit)
		}
	}
	return build(cfg, parse, run)
}

func ofLab(d input.Domain) bool { return strings.HasSuffix(d.ASCII, ".test") }

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
	s := &Site{cfg: cfg, parse: parse,
		renderer: newRenderer(), posts: newPosts(), standings: cache.New[standing](standingOctets, pageKept, nil)}
	s.metrics = newMetrics(s)
	s.scans = scans.New(scans.Config{Run: s.metrics.counting(run), Store: cfg.Store, Log: cfg.Log, Limits: cfg.Limits.Limits,
		OptOuts: cfg.OptOuts, Audit: cfg.Audit, Refused: s.metrics.refused, Delay: cfg.Delay})
	s.router = s.routes()
	return s, nil
}

func (s *Site) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.router.ServeHTTP(w, r) }

// Close takes no more checks, lets the running ones finish until ctx ends, then stops
// them: their reports are kept as far as they came, marked as interrupted.
func (s *Site) Close(ctx context.Context) error { return s.scans.Close(ctx) }

// routes are all addresses of the site.
func (s *Site) routes() http.Handler {
	r, limit := chi.NewRouter(), s.limit()
	r.Use(s.record, s.secure, s.rescue, s.openToPages, middleware.GetHead, s.sameOrigin, s.clientIP(), middleware.RequestSize(bodyLimit))
	r.NotFound(s.answer(notFound))
	r.MethodNotAllowed(s.answer(methodNotAllowed))

	r.Get("/", s.answer(s.home))
	r.With(limit).Post("/check", s.answer(s.startCheck))
	r.Get("/check", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/", http.StatusSeeOther) })
	r.Get("/check/{domain}", s.answer(s.showCheck))
	r.Get("/check/{domain}/events", s.answer(s.events))
	r.Get("/report/{id}", s.answer(s.showReport))
	r.Get("/report/{id}/card.png", s.answer(s.card))
	r.Get("/badge/{name}", s.answer(s.badge))
	r.Get("/checks/{id}", s.answer(s.checkPage))
	r.Get("/grades", s.answer(s.gradesPage))
	r.Get("/static/*", s.answer(func(w http.ResponseWriter, r *http.Request) error {
		if !static.Serve(w, r, takesGzip(r)) {
			return notFound(w, r)
		}
		return nil
	}))
	r.Get("/healthz", s.healthz)
	r.Get("/readyz", s.readyz)
	s.api(r, limit)
	return r
}

// record notes every request by the route it took: neither what was asked for nor by whom.
// Who looks at a badge is counted and not noted at all: its reader did not choose to come here.
func (s *Site) record(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ww := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
		start := time.Now()
		next.ServeHTTP(ww, r)
		route, took := chi.RouteContext(r.Context()).RoutePattern(), time.Since(start)
		s.metrics.request(route, r.Method, ww.Status(), took)
		if strings.HasPrefix(r.URL.Path, "/badge/") {
			return
		}
		s.cfg.Log.Debug("request", "method", r.Method, "route", route, "status", ww.Status(), "took", took)
	})
}

// secure sets what a browser may do with our pages: show them, and send their forms to us.
func (s *Site) secure(next http.Handler) http.Handler {
	https := strings.HasPrefix(s.cfg.BaseURL, "https:")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY") // for browsers that do not know frame-ancestors
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Permissions-Policy", "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), payment=(), usb=()")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cache-Control", "no-cache")
		if https {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		next.ServeHTTP(w, r)
	})
}

// rescue turns a panic into an error page and a line in the log.
func (s *Site) rescue(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			switch v := recover(); v {
			case nil:
			case http.ErrAbortHandler:
				panic(v)
			default:
				s.cfg.Log.Error("a page panicked", "panic", v, "stack", string(debug.Stack()))
				s.fail(w, r, ourFault)
			}
		}()
		next.ServeHTTP(w, r)
	})
}

// sameOrigin refuses forms that other sites send in a visitor's name.
func (s *Site) sameOrigin(next http.Handler) http.Handler {
	guard := http.NewCrossOriginProtection()
	if s.cfg.BaseURL != "" {
		if err := guard.AddTrustedOrigin(s.cfg.BaseURL); err != nil {
			panic(err) // originOf has made it
		}
	}
	guard.SetDenyHandler(s.answer(func(http.ResponseWriter, *http.Request) error { return foreignForm }))
	return guard.Handler(next)
}

// openToPages lets the pages of other sites read what the API says, without a visitor's
// credentials. It lets them start nothing.
func (s *Site) openToPages(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		method := r.Method
		if method == http.MethodOptions {
			method = r.Header.Get("Access-Control-Request-Method")
		}
		if !ofAPI(r) || method != http.MethodGet && method != http.MethodHead {
			next.ServeHTTP(w, r)
			return
		}
		h := w.Header()
		h.Set("Access-Control-Allow-Origin", "*")
		h.Set("Cross-Origin-Resource-Policy", "cross-origin")
		if r.Method == http.MethodOptions {
			h.Set("Access-Control-Allow-Methods", "GET, HEAD")
			h.Set("Access-Control-Allow-Headers", "Accept, If-None-Match, Last-Event-ID")
			h.Set("Access-Control-Max-Age", "86400")
			w.WriteHeader(http.StatusNoContent)
			return
		}
		h.Set("Access-Control-Expose-Headers", strings.Join(exposed, ", "))
		next.ServeHTTP(w, r)
	})
}

// methodNotAllowed names the methods that would be allowed (RFC 9110 §15.5.6).
func methodNotAllowed(w http.ResponseWriter, r *http.Request) error {
	routes := chi.RouteContext(r.Context()).Routes
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost} {
		probe := method
		if probe == http.MethodHead {
			probe = http.MethodGet
		}
		if routes.Match(chi.NewRouteContext(), probe, r.URL.Path) {
			w.Header().Add("Allow", method)
		}
	}
	return wrongMethod
}
