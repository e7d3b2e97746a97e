package web

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"mxseal/checks"
	"mxseal/checks/input"
	"mxseal/checks/lab"
	"mxseal/checks/report"
	"mxseal/web/metrics"
	"mxseal/web/scans"
	"mxseal/web/store/sqlite"
)

// observed opens a site that answers for the whole lab, in memory.
func observed(t *testing.T) (*Site, *lab.Lab) {
	t.Helper()
	world, err := lab.New(lab.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { world.Close() })
	engine, err := checks.New(checks.Config{Resolvers: []netip.AddrPort{world.Resolver()}, Anchors: world.Anchors(), Roots: world.CA(),
		SMTPPort: world.SMTPPort(), STSPort: world.STSPort(), Allow: world.Networks(), HELO: "mxseal.example", Depth: report.Quick, Dial: world.Dial})
	if err != nil {
		t.Fatal(err)
	}
	kept, err := sqlite.Open(filepath.Join(t.TempDir(), "mxseal.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { kept.Close() })
	site, err := New(Config{Engine: engine, Store: kept, Version: "1.2.3"})
	if err != nil {
		t.Fatal(err)
	}
	return site, world
}

// scraped is one line of what Prometheus reads.
type scraped struct {
	name   string
	labels map[string]string
	value  string
}

// scrape reads /metrics as Prometheus does.
func scrape(t *testing.T, s *Site) (list []scraped, text string) {
	t.Helper()
	rec := httptest.NewRecorder()
	s.Metrics().ServeHTTP(rec, httptest.NewRequest("GET", "/metrics", nil))
	if rec.Code != 200 {
		t.Fatalf("%d: %s", rec.Code, rec.Body)
	}
	text = rec.Body.String()
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		series, value, _ := strings.Cut(strings.TrimSpace(line), "} ")
		name, labels, labelled := strings.Cut(series, "{")
		if !labelled {
			name, value, _ = strings.Cut(series, " ")
		}
		m := scraped{name, map[string]string{}, value}
		for labels != "" {
			key, rest, _ := strings.Cut(labels, `="`)
			content, after, closed := strings.Cut(rest, `"`)
			if !closed {
				t.Fatalf("cannot read %q", line)
			}
			m.labels[key] = content
			labels = strings.TrimPrefix(after, ",")
		}
		list = append(list, m)
	}
	return list, text
}

// value is that of one time series; "missing" where there is none.
func value(list []scraped, name string, labels ...string) string {
	for _, m := range list {
		if m.name != name || len(m.labels) != len(labels)/2 {
			continue
		}
		same := true
		for i := 0; i+1 < len(labels); i += 2 {
			same = same && m.labels[labels[i]] == labels[i+1]
		}
		if same {
			return m.value
		}
	}
	return "missing"
}

// Whatever was checked and whatever was asked for, the labels are words of the program.
func TestMetricsSayNothingOfDomains(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		site, world := observed(t)
		var names []string
		letters := map[string]bool{}
		for _, d := range world.Domains() {
			names = append(names, d.Name)
			parsed, err := site.cfg.Engine.ParseDomain(d.Name)
			if err != nil {
				t.Fatal(err)
			}
			r := site.metrics.Counting(site.cfg.Engine.Run)(t.Context(), parsed, "id-of-a-report", nil)
			letters[string(r.Grade.Letter)] = true
			for _, h := range r.Hosts {
				names = append(names, h.Name)
				for _, a := range h.Addresses {
					names = append(names, a.IP)
				}
			}
		}
		site.cfg.Engine.SelfTest(t.Context(), []string{"mx.stripped.test"})
		for _, ask := range []struct{ method, path string }{
			{"GET", "/"}, {"HEAD", "/"}, {"GET", "/check/perfect.test"}, {"GET", "/check/somebody@perfect.test"}, {"GET", "/report/secret-id"},
			{"GET", "/badge/perfect.test.svg"}, {"GET", "/nothing/here/perfect.test"}, {"PROPFIND", "/"}, {"POST", "/grades"}, {"GET", "/check/%2e%2e%2fperfect.test"},
		} {
			r := httptest.NewRequest(ask.method, ask.path, nil)
			r.RemoteAddr = "203.0.113.77:4711"
			site.ServeHTTP(httptest.NewRecorder(), r)
		}
		site.metrics.Refused(scans.Busy)

		routes := []string{"none"}
		if err := chi.Walk(site.router.(chi.Routes), func(_, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
			routes = append(routes, route)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		vocabulary := metrics.Words()
		vocabulary["cache"], vocabulary["route"] = slices.Collect(maps.Keys(site.caches())), routes
		list, text := scrape(t, site)
		for _, m := range list {
			for label, content := range m.labels {
				ours := strings.HasPrefix(m.name, "mxseal_") && m.name != "mxseal_build_info" && label != "le"
				if ours && !slices.Contains(vocabulary[label], content) {
					t.Errorf("%s has the label %s=%q, which is no word of the program", m.name, label, content)
				}
				if content == "other" && label != "method" {
					t.Errorf("%s%v: a word that the lab brings forth is missing in the vocabulary", m.name, m.labels)
				}
			}
		}
		for _, secret := range append(names, "somebody", "secret-id", "id-of-a-report", "203.0.113.77", ".test") {
			if strings.Contains(text, secret) {
				t.Errorf("the metrics tell of %q", secret)
			}
		}
		for letter := range letters {
			if n := value(list, "mxseal_checks_total", "letter", letter); n == "0" || n == "missing" {
				t.Errorf("checks with the letter %s: %s", letter, n)
			}
		}
		for _, c := range []struct{ want, name, labels string }{
			{"1", "mxseal_http_requests_total", "route=/badge/{name} method=GET status=2xx"},
			{"2", "mxseal_http_requests_total", "route=/check/{domain} method=GET status=4xx"},
			{"1", "mxseal_http_requests_total", "route=/check/{domain} method=GET status=3xx"}, // to the address without the local part
			{"1", "mxseal_http_requests_total", "route=/ method=HEAD status=2xx"},
			{"1", "mxseal_http_requests_total", "route=none method=GET status=4xx"},
			{"1", "mxseal_checks_refused_total", "reason=busy"},
			{"1", "mxseal_self_test", "condition=starttls-path state=failed"},
			{"0", "mxseal_self_test", "condition=starttls-path state=ok"},
			{"1", "mxseal_self_test", "condition=resolver-dnssec state=ok"},
			{"0", "mxseal_reports_lost_total", ""},
			{"0", "mxseal_second_opinion_disagreements_total", ""},
		} {
			var labels []string
			for pair := range strings.FieldsSeq(c.labels) {
				key, content, _ := strings.Cut(pair, "=")
				labels = append(labels, key, content)
			}
			if got := value(list, c.name, labels...); got != c.want {
				t.Errorf("%s{%s} is %s, want %s", c.name, c.labels, got, c.want)
			}
		}
	})
}

func TestMetricsAreWellNamed(t *testing.T) {
	site, _ := observed(t)
	site.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	site.metrics.Counting(func(context.Context, input.Domain, string, func(report.Event)) *report.Report {
		return &report.Report{Meta: report.Meta{ElapsedMS: 2500, Connections: 7, Interrupted: "The time ran out", Faults: []string{"tls"}},
			Evidence:    report.Evidence{MX: &report.MX{Failure: &report.Failure{Phase: "mx", Kind: "servfail"}}, DNSSEC: &report.DNSSEC{Authorities: []report.Authority{{Questions: 5}}}},
			Conclusions: report.Conclusions{Grade: &report.Grade{Letter: "D", Provisional: true}, Findings: []report.Finding{{Rule: "SMT-15", Verdict: report.Pass}}}}
	})(t.Context(), input.Domain{}, "", nil)
	_, text := scrape(t, site)
	problems, err := promlint.New(strings.NewReader(text)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	if n := strings.Count(text, "# TYPE "); n < 20 {
		t.Errorf("only %d families are gathered", n)
	}
}

// A check that panics is a fault of ours, and counted.
func TestAPanicIsCounted(t *testing.T) {
	w := newWorld(t)
	w.as = func(context.Context, input.Domain, string, func(report.Event)) *report.Report { panic("a mistake") }
	w.post("example.org")
	w.settle()
	list, _ := scrape(t, w.Site)
	if n := value(list, "mxseal_check_faults_total"); n != "1" {
		t.Errorf("%s faults", n)
	}
	if n := value(list, "mxseal_checks_total", "letter", "none"); n != "1" {
		t.Errorf("%s checks without a letter", n)
	}
}

// What runs, waits and is kept in memory can be seen at every moment.
func TestGaugesFollow(t *testing.T) {
	w := newWorld(t)
	w.gate = make(chan struct{})
	for i := range 64 + 3 {
		if _, _, err := w.scans.Start(t.Context(), scans.Client{}, domain(i)); err != nil {
			t.Fatal(err)
		}
	}
	for w.runs.Load() < 64 { // until all places are taken
		time.Sleep(time.Millisecond)
	}
	list, _ := scrape(t, w.Site)
	if running, waiting := value(list, "mxseal_checks_running"), value(list, "mxseal_checks_waiting"); running != "64" || waiting != "3" {
		t.Errorf("%s run and %s wait, want 64 and 3", running, waiting)
	}
	close(w.gate)
	w.settle()
	w.ask("GET", "/check/d1.example", "")
	w.cfg.Store.Close()
	if err := w.cfg.Store.Save(t.Context(), sample(domain(1), "late")); err == nil {
		t.Error("a closed store took a report")
	}
	list, _ = scrape(t, w.Site)
	for _, c := range []struct{ want, name, label string }{
		{"0", "mxseal_checks_running", ""}, {"0", "mxseal_checks_waiting", ""},
		{"67", "mxseal_cache_items", "reports"}, {"1", "mxseal_cache_items", "pages"}, {"0", "mxseal_cache_items", "pictures"},
		{"0", "mxseal_cache_bytes", "pictures"}, {fmt.Sprint(float64(w.renderer.Pages.Held().Most)), "mxseal_cache_max_bytes", "pages"}, {"0", "mxseal_cache_evicted_total", "pages"},
		{"0", "mxseal_renderings", ""}, {"0", "mxseal_renderings_refused_total", ""}, {"0", "mxseal_sending_bytes", ""},
		{"1", "mxseal_reports_lost_total", ""},
		{"NaN", "mxseal_store_reports", ""}, // a store that does not answer is no empty one
	} {
		var labels []string
		if c.label != "" {
			labels = []string{"cache", c.label}
		}
		if got := value(list, c.name, labels...); got != c.want {
			t.Errorf("%s %s is %s, want %s", c.name, c.label, got, c.want)
		}
	}
}

func TestBeforeTheFirstSelfTestNothingIsSaidOfIt(t *testing.T) {
	var conditions []report.Condition
	w := open(t, filepath.Join(t.TempDir(), "mxseal.db"), func(c *Config) { c.Conditions = func() []report.Condition { return conditions } })
	if _, text := scrape(t, w.Site); strings.Contains(text, "mxseal_self_test") {
		t.Error("a self-test is told of that did not take place")
	}
	conditions = []report.Condition{{Name: report.PortCondition, State: "untested"}, {Name: "mx.example.org", State: "failed"}}
	list, text := scrape(t, w.Site)
	if value(list, "mxseal_self_test", "condition", "port-25", "state", "untested") != "1" || strings.Contains(text, "mx.example.org") {
		t.Errorf("after it: %s", text)
	}
}

// What all caches may take together is what the threat model says; none is without a bound, or
// missing there.
func TestMemoryOfTheThreatModel(t *testing.T) {
	sum := 1 << 20 // of the audit log
	for name, h := range inTheLab(t).caches() {
		if h.Most < 1<<20 || h.Octets > h.Most {
			t.Errorf("%s: %+v", name, h)
		}
		sum += h.Most
	}
	text, err := os.ReadFile("../.github/SECURITY.md")
	if err != nil {
		t.Fatal(err)
	}
	said := regexp.MustCompile(`That is (\d+) MiB when`).FindSubmatch(text)
	if said == nil || string(said[1]) != fmt.Sprint(sum>>20) {
		t.Errorf("it says %s, they sum up to %d MiB", said, sum>>20)
	}
}
