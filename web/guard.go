package web

import (
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"mxseal/web/api"
	"mxseal/web/problem"
)

// What stands before every route.

// record notes every request by the route it took: neither what was asked for nor by whom.
// Who looks at a badge is counted and not noted at all: its reader did not choose to come here.
func (s *Site) record(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ww := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
		start := time.Now()
		next.ServeHTTP(ww, r)
		route, took := chi.RouteContext(r.Context()).RoutePattern(), time.Since(start)
		s.metrics.Request(route, r.Method, ww.Status(), took)
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
				s.fail(w, r, problem.Fault)
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
	guard.SetDenyHandler(s.failing(problem.ForeignOrigin))
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
		if !api.Owns(r.URL.Path) || method != http.MethodGet && method != http.MethodHead {
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
		h.Set("Access-Control-Expose-Headers", strings.Join(api.Exposed, ", "))
		next.ServeHTTP(w, r)
	})
}

// methodNotAllowed names the methods that would be allowed (RFC 9110 §15.5.6).
func (s *Site) methodNotAllowed(w http.ResponseWriter, r *http.Request) {
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
	s.fail(w, r, problem.WrongMethod)
}
