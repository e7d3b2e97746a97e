package web

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"mxseal/checks/input"
	"mxseal/checks/report"
	"mxseal/static"
	"mxseal/web/api"
	"mxseal/web/scans"
	"mxseal/web/store/sqlite"
)

// world is a site whose checks are scripted: each run counts, and waits at the gate while
// there is one.
type world struct {
	*Site
	runs atomic.Int64
	gate chan struct{} // nil, or closed, lets checks end
	as   scans.Run     // runs in place of the script
	say  []report.Event
	log  *bytes.Buffer
	path string // of the reports
}

const hostile = `<script>alert(1)</script>`

func (w *world) run(ctx context.Context, d input.Domain, id string, emit func(report.Event)) *report.Report {
	w.runs.Add(1)
	if w.as != nil {
		return w.as(ctx, d, id, emit)
	}
	return w.scripted(ctx, d, id, emit)
}

func (w *world) scripted(ctx context.Context, d input.Domain, id string, emit func(report.Event)) *report.Report {
	for _, e := range w.say {
		emit(e)
	}
	r := sample(d, id)
	if w.gate != nil {
		select {
		case <-w.gate:
		case <-ctx.Done():
			r.Interrupted = "the check was stopped before its end"
		}
	}
	return r
}

func sample(d input.Domain, id string) *report.Report {
	return &report.Report{
		Meta: report.Meta{
			Schema:        report.Schema,
			ID:            id,
			Domain:        d.ASCII,
			UnicodeDomain: d.Unicode,
			CheckedAt:     time.Now().UTC().Truncate(time.Second),
			Depth:         report.Standard,
		},
		Evidence: report.Evidence{Hosts: []*report.Host{{Name: "mx." + d.ASCII, Addresses: []*report.Address{{IP: "192.0.2.1", Reachable: true,
			SMTP: &report.SMTP{Banner: "220 " + hostile, EHLO: []string{hostile}, EHLOTLS: []string{}, STARTTLS: "ok"}}}}}},
		Conclusions: report.Conclusions{
			Rules:    report.RulesSet,
			Grade:    &report.Grade{Letter: "C", Because: []string{"DAN-01"}, Broken: []report.Promise{}, Sentence: "Listeners get nothing.", Next: []report.Next{}},
			Findings: []report.Finding{{Rule: "DAN-01", Check: "dane", Verdict: report.Info, Title: "No TLSA " + hostile}},
		},
	}
}

func open(t *testing.T, path string, change func(*Config)) *world {
	t.Helper()
	s, err := sqlite.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{log: new(bytes.Buffer), path: path}
	cfg := Config{Store: s, Version: "test", BaseURL: "https://mxseal.example", Log: slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Examples: []Example{{Domain: "perfect.test", Shows: "everything", Letter: "A+"}}, Limits: Limits{Limits: scans.Limits{PerMinute: -1}}} // tests begin more at once than an instance does
	if change != nil {
		change(&cfg)
	}
	parse := func(typed string) (input.Domain, error) { return input.Parse(typed, true) }
	if w.Site, err = build(cfg, parse, w.run); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // also ends checks that wait at a gate
		over, cancel := context.WithCancel(context.Background())
		cancel()
		if err := w.Close(over); err != nil {
			t.Error(err)
		}
		s.Close()
	})
	return w
}

func domain(i int) input.Domain {
	name := fmt.Sprintf("d%d.example", i)
	return input.Domain{ASCII: name, Unicode: name}
}

func newWorld(t *testing.T) *world {
	return open(t, filepath.Join(t.TempDir(), "mxseal.db"), nil)
}

// ask sends a request; header is a list of names and values.
func (w *world) ask(method, path, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if method == "POST" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	rec := httptest.NewRecorder()
	w.ServeHTTP(rec, r)
	return rec
}

func (w *world) post(domain string, header ...string) *httptest.ResponseRecorder {
	return w.ask("POST", "/check", url.Values{"domain": {domain}}.Encode(), header...)
}

// settle waits until no check is open.
func (s *Site) settle() {
	for is := s.scans.Stats(); is.Running+is.Waiting > 0; is = s.scans.Stats() {
		time.Sleep(time.Millisecond)
	}
}

// fill starts checks of the domains from 0 on until no more are taken, and returns their number.
func (w *world) fill() (n int) {
	for {
		if _, _, err := w.scans.Start(context.Background(), scans.Client{}, domain(n)); err != nil {
			return n
		}
		n++
	}
}

// begun waits until a check runs.
func (w *world) begun() {
	for w.runs.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
}

const (
	json_     = "application/json"
	perMinute = 30 // what one client may ask for
)

func want(t *testing.T, rec *httptest.ResponseRecorder, status int, parts ...string) {
	t.Helper()
	if rec.Code != status {
		t.Errorf("status %d, want %d", rec.Code, status)
	}
	for _, p := range parts {
		if !strings.Contains(rec.Body.String(), p) {
			t.Errorf("the answer does not say %q:\n%.2000s", p, rec.Body)
		}
	}
}

func TestACheckFromTheFormToItsReport(t *testing.T) {
	w := newWorld(t)
	w.gate = make(chan struct{})
	w.say = []report.Event{{Progress: &report.Progress{Stage: "mx"}}, {Progress: &report.Progress{Stage: "mx", Ended: true}}, {Progress: &report.Progress{Stage: "dane", Host: "mx.example.org"}}}

	rec := w.post("Somebody@Bücher.Example")
	want(t, rec, http.StatusSeeOther)
	to := rec.Header().Get("Location")
	if to != "/check/xn--bcher-kva.example" {
		t.Fatalf("the form leads to %q", to)
	}
	for c := w.scans.Running("xn--bcher-kva.example"); len(c.View().Stages) < 2; {
		time.Sleep(time.Millisecond)
	}
	want(t, w.ask("GET", to, ""), 200, `http-equiv="refresh" content="2"`, "bücher.example", "stage-done", "stage-running", `aria-live="polite"`)

	rec = w.ask("GET", to, "", "Accept", json_)
	want(t, rec, http.StatusAccepted)
	var s api.Pending
	if err := json.Unmarshal(rec.Body.Bytes(), &s); err != nil || s.State != "running" || s.Domain != "xn--bcher-kva.example" || s.Stages[0] != (api.Stage{Check: "mx", State: "done"}) {
		t.Errorf("the state of a running check is %+v, %v", s, err)
	}

	close(w.gate)
	w.settle()
	want(t, w.ask("GET", to, ""), 200, `aria-label="Grade C"`, "/report/"+s.ID, "https://mxseal.example/report/"+s.ID, "Check again")
	want(t, w.ask("GET", "/report/"+s.ID, ""), 200, `aria-label="Grade C"`)
	for _, rec := range []*httptest.ResponseRecorder{
		w.ask("GET", "/report/"+s.ID+"?format=json", ""), w.ask("GET", "/report/"+s.ID, "", "Accept", json_), w.ask("GET", to, "", "Accept", json_),
	} {
		var r report.Report
		if err := json.Unmarshal(rec.Body.Bytes(), &r); rec.Code != 200 || err != nil || r.ID != s.ID || rec.Header().Get("Content-Type") != json_ {
			t.Errorf("the report as JSON: %d, %v, %s", rec.Code, err, rec.Header().Get("Content-Type"))
		}
	}
}

func TestWhatIsNoMailDomainIsRefusedAndForgotten(t *testing.T) {
	for typed, why := range map[string]string{
		"":                                     "empty",
		"secretlocalpart@localhost":            "one label",
		"secretlocalpart@[192.0.2.1]":          "an address literal",
		"secretlocalpart" + hostile:            "markup",
		"https://example.org:8443/":            "another port",
		strings.Repeat("secretlocalpart", 100): "too long",
	} {
		t.Run(why, func(t *testing.T) {
			w := newWorld(t)
			rec := w.post(typed)
			want(t, rec, http.StatusUnprocessableEntity, `role="alert"`, `aria-invalid="true"`, `action="/check"`)
			if strings.Contains(rec.Body.String(), hostile) {
				t.Error("what was typed came back as markup")
			}
			rec = w.post(typed, "Accept", json_)
			want(t, rec, http.StatusUnprocessableEntity, `"status":422`)
			if kind := rec.Header().Get("Content-Type"); kind != "application/problem+json" {
				t.Errorf("a program is answered in %s", kind)
			}
			w.ask("GET", "/check/"+url.PathEscape(typed), "")
			w.settle()
			if w.runs.Load() != 0 {
				t.Error("a check was run")
			}
			if strings.Contains(w.log.String(), "secretlocalpart") {
				t.Errorf("what was typed is in the log:\n%s", w.log)
			}
		})
	}
}

func TestGetNeverStartsACheck(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{"/", "/check", "/check?domain=example.org", "/check/example.org", "/check/example.org?domain=example.org", "/check/example.org/events", "/report/example.org", "/report/example.org/card.png",
		"/badge/example.org", "/badge/example.org.svg", "/badge/example.org.png", "/badge/example.org@2x.png", "/badge/example.org.json", "/grades", "/checks/dane", "/healthz"} {
		w.ask("GET", path, "")
		w.ask("HEAD", path, "")
		w.ask("GET", path, "", "Accept", json_)
	}
	w.settle()
	if n := w.runs.Load(); n != 0 {
		t.Errorf("%d checks were run", n)
	}
	want(t, w.ask("GET", "/check/example.org", ""), 404, "Looking at this page starts nothing", `name="domain" value="example.org"`)
	rec := w.ask("GET", "/check/example.org", "", "Accept", json_)
	want(t, rec, 404, `"title":"Not checked yet"`)
	if kind := rec.Header().Get("Content-Type"); kind != "application/problem+json" {
		t.Errorf("a program is answered in %s", kind)
	}
}

func TestEveryDomainHasOneAddress(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{"/check/Example.ORG", "/check/example.org.", "/check/someone@example.org", "/check/someone%40example.org"} {
		rec := w.ask("GET", path, "")
		if rec.Code != http.StatusMovedPermanently || rec.Header().Get("Location") != "/check/example.org" {
			t.Errorf("%s: %d to %q", path, rec.Code, rec.Header().Get("Location"))
		}
	}
	want(t, w.ask("GET", "/check/b%C3%BCcher.example", ""), http.StatusMovedPermanently)
	want(t, w.ask("GET", "/check/localhost", ""), 404, "Not a mail domain")
}

func TestFiftyVisitorsOneCheck(t *testing.T) {
	w := newWorld(t)
	w.gate = make(chan struct{})
	var visitors sync.WaitGroup
	for i := range 50 {
		visitors.Go(func() {
			r := httptest.NewRequest("POST", "/check", strings.NewReader("domain=example.org"))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.RemoteAddr = fmt.Sprintf("192.0.2.%d:1234", i)
			ctx, leave := context.WithCancel(r.Context())
			rec := httptest.NewRecorder()
			w.ServeHTTP(rec, r.WithContext(ctx))
			leave() // the check does not mind
			if rec.Code != http.StatusSeeOther {
				t.Errorf("visitor %d: %d", i, rec.Code)
			}
		})
	}
	visitors.Wait()
	close(w.gate)
	w.settle()
	if n := w.runs.Load(); n != 1 {
		t.Errorf("%d checks were run", n)
	}
	want(t, w.post("example.org"), http.StatusSeeOther) // the report is fresh
	w.settle()
	if n := w.runs.Load(); n != 1 {
		t.Errorf("a fresh report was not shown: %d checks", n)
	}
	want(t, w.ask("GET", "/check/example.org", ""), 200, `aria-label="Grade C"`)
}

func TestReportSurvivesARestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mxseal.db")
	first := open(t, path, nil)
	first.post("example.org")
	first.settle()
	second := open(t, path, nil)
	want(t, second.ask("GET", "/check/example.org", ""), 200, `aria-label="Grade C"`)
	want(t, second.post("example.org"), http.StatusSeeOther)
	second.settle()
	if n := second.runs.Load(); n != 0 {
		t.Errorf("the report of before the restart is fresh, yet %d checks were run", n)
	}
}

func TestAStrangersTextIsEscaped(t *testing.T) {
	w := newWorld(t)
	w.post("example.org")
	w.settle()
	body := w.ask("GET", "/check/example.org", "").Body.String()
	body = strings.Replace(body, `<script src="`+static.Script+`" defer></script>`, "", 1) // the only one
	if strings.Contains(body, "<script") || !strings.Contains(body, "&lt;script&gt;") {
		t.Error("the banner's markup is not shown as text")
	}
}
