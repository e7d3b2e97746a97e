package web

import (
	"context"
	"fmt"
	"maps"
	"math"
	"net/http"
	"runtime"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"mxseal/checks/cache"
	"mxseal/checks/input"
	"mxseal/checks/report"
	"mxseal/web/scans"
)

// Metrics answers with the counters of the site in Prometheus' text form. They are for the
// operator: they belong on a listener of their own, not among the site's pages.
func (s *Site) Metrics() http.Handler {
	return promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{})
}

// metrics counts what the site does. No label says anything of a domain, a server or a
// visitor: their values are words of the program, so that their number is bounded too.
type metrics struct {
	registry *prometheus.Registry

	checks      *prometheus.CounterVec
	durations   prometheus.Histogram
	connections prometheus.Histogram
	questions   prometheus.Counter
	provisional prometheus.Counter
	interrupted prometheus.Counter
	faults      prometheus.Counter
	findings    *prometheus.CounterVec
	untested    *prometheus.CounterVec
	refusals    *prometheus.CounterVec

	requests *prometheus.CounterVec
	answers  *prometheus.HistogramVec
}

func newMetrics(s *Site) *metrics {
	m := &metrics{registry: prometheus.NewRegistry(),
		checks:      counters("checks_total", "Checks that ended, by letter.", "letter"),
		durations:   histogram("check_duration_seconds", "How long checks took.", []float64{.25, .5, 1, 2, 4, 8, 15, 30, 60, 90, 120}),
		connections: histogram("check_connections", "TCP connections to mail and policy servers in a check.", []float64{0, 1, 2, 5, 10, 20, 40, 80, 160, 320}),
		questions:   counter("authority_questions_total", "Questions that checks put to name servers directly."),
		provisional: counter("checks_provisional_total", "Checks whose letter is provisional: something that could move it was not found out."),
		interrupted: counter("checks_interrupted_total", "Checks that ended before their time: it ran out, or the program was stopped."),
		faults:      counter("check_faults_total", "Parts of checks that ended by a fault of the program."),
		findings:    counters("findings_total", "Findings of checks, by rule and verdict.", "rule", "verdict"),
		untested:    counters("untested_total", "What checks could not find out, by phase and reason.", "phase", "reason"),
		refusals:    counters("checks_refused_total", "Checks that were asked for and not begun, by reason.", "reason"),
		requests:    counters("http_requests_total", "HTTP requests, by route, method and class of status.", "route", "method", "status"),
		answers: prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: "mxseal", Name: "http_request_duration_seconds",
			Help: "How long HTTP requests took, by route; event streams last as long as their check.", Buckets: []float64{.001, .005, .01, .025, .05, .1, .25, 1, 5, 30}}, []string{"route"}),
	}
	for _, letter := range letterWords { // so that a first one is seen as a change
		m.checks.WithLabelValues(letter)
	}
	for _, why := range scans.Reasons {
		m.refusals.WithLabelValues(string(why))
	}
	m.registry.MustRegister(m.checks, m.durations, m.connections, m.questions, m.provisional, m.interrupted, m.faults, m.findings, m.untested,
		m.refusals, m.requests, m.answers, buildInfo(s.cfg.Version), &selfTest{conditions: s.cfg.Conditions},
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.look(s)
	return m
}

func counter(name, help string) prometheus.Counter {
	return prometheus.NewCounter(prometheus.CounterOpts{Namespace: "mxseal", Name: name, Help: help})
}

func counters(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "mxseal", Name: name, Help: help}, labels)
}

func histogram(name, help string, buckets []float64) prometheus.Histogram {
	return prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: "mxseal", Name: name, Help: help, Buckets: buckets})
}

func buildInfo(version string) prometheus.Collector {
	g := prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "mxseal", Name: "build_info", Help: "The program, as labels; always 1.",
		ConstLabels: prometheus.Labels{"version": version, "goversion": runtime.Version(), "rules": strconv.Itoa(report.RulesSet)}})
	g.Set(1)
	return g
}

// look registers what is looked up at the moment of being asked.
func (m *metrics) look(s *Site) {
	gauge := func(name, help string, labels prometheus.Labels, value func() float64) {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "mxseal", Name: name, Help: help, ConstLabels: labels}, value))
	}
	count := func(name, help string, value func() int) {
		m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Namespace: "mxseal", Name: name, Help: help}, func() float64 { return float64(value()) }))
	}
	gauge("checks_running", "Checks under way.", nil, func() float64 { return float64(s.scans.Stats().Running) })
	gauge("checks_waiting", "Checks that wait for a place.", nil, func() float64 { return float64(s.scans.Stats().Waiting) })
	gauge("event_listeners", "Event streams that are open.", nil, func() float64 { return float64(s.scans.Stats().Streams) })
	m.registry.MustRegister(&memory{s.caches})
	gauge("renderings", "Pages, pictures and JSON that are being made, or wait for it.", nil, func() float64 { waiting, _ := s.renderer.load(); return float64(waiting) })
	count("renderings_refused_total", "Pages, pictures and JSON that were not made in time.", func() int { _, refused := s.renderer.load(); return refused })
	gauge("sending_bytes", "What readers are being sent, each page once.", nil, func() float64 { return float64(s.sending.held()) })
	gauge("store_size_bytes", "Size of the file of reports, with its log.", nil, func() float64 {
		return orNaN(s.cfg.Store.Size())
	})
	gauge("store_reports", "Reports that are kept.", nil, func() float64 {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		return orNaN(s.cfg.Store.Reports(ctx))
	})
	count("reports_lost_total", "Reports that could not be kept.", s.cfg.Store.Lost)
	if s.cfg.Engine != nil {
		count("second_opinion_disagreements_total", "Answers of the DNS that the resolver judges otherwise than we do.", s.cfg.Engine.Disagreements)
	}
}

// caches are all that grows by what strangers send, by name.
func (s *Site) caches() map[string]cache.Held {
	m := s.scans.Caches()
	maps.Copy(m, map[string]cache.Held{
		"pages": s.renderer.pages.Held(), "brief": s.renderer.brief.Held(), "pictures": s.renderer.pictures.Held(), "standings": s.standings.Held(), "posts": s.posts.Held(),
	})
	if s.cfg.Engine != nil {
		maps.Copy(m, s.cfg.Engine.Caches())
	}
	return m
}

// memory tells what caches hold.
type memory struct{ caches func() map[string]cache.Held }

var (
	cacheItems  = prometheus.NewDesc("mxseal_cache_items", "What is kept in memory, by kind.", []string{"cache"}, nil)
	cacheBytes  = prometheus.NewDesc("mxseal_cache_bytes", "How much memory it takes.", []string{"cache"}, nil)
	cacheMost   = prometheus.NewDesc("mxseal_cache_max_bytes", "How much it may take.", []string{"cache"}, nil)
	cachePushed = prometheus.NewDesc("mxseal_cache_evicted_total", "What made room for other things before its time.", []string{"cache"}, nil)
)

func (*memory) Describe(list chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{cacheItems, cacheBytes, cacheMost, cachePushed} {
		list <- d
	}
}

func (m *memory) Collect(list chan<- prometheus.Metric) {
	for name, h := range m.caches() {
		list <- prometheus.MustNewConstMetric(cacheItems, prometheus.GaugeValue, float64(h.Items), name)
		list <- prometheus.MustNewConstMetric(cacheBytes, prometheus.GaugeValue, float64(h.Octets), name)
		list <- prometheus.MustNewConstMetric(cacheMost, prometheus.GaugeValue, float64(h.Most), name)
		list <- prometheus.MustNewConstMetric(cachePushed, prometheus.CounterValue, float64(h.Pushed), name)
	}
}

// orNaN is a number, or none where it could not be had.
func orNaN(n int64, err error) float64 {
	if err != nil {
		return math.NaN()
	}
	return float64(n)
}

// counting counts every check that run makes, also one that panics.
func (m *metrics) counting(run scans.Run) scans.Run {
	return func(ctx context.Context, d input.Domain, id string, emit func(report.Event)) (r *report.Report) {
		defer func() { m.add(tallyOf(r)) }()
		return run(ctx, d, id, emit)
	}
}

func (m *metrics) add(t tally) {
	m.checks.WithLabelValues(t.letter).Inc()
	m.faults.Add(float64(t.faults))
	if t.letter != noLetter {
		m.durations.Observe(t.seconds)
		m.connections.Observe(float64(t.connections))
	}
	m.questions.Add(float64(t.questions))
	if t.provisional {
		m.provisional.Inc()
	}
	if t.interrupted {
		m.interrupted.Inc()
	}
	for f, n := range t.findings {
		m.findings.WithLabelValues(f.rule, f.verdict).Add(float64(n))
	}
	for k, n := range t.untested {
		m.untested.WithLabelValues(k.phase, k.reason).Add(float64(n))
	}
}

// refused counts a check that was not begun.
func (m *metrics) refused(why scans.Reason) { m.refusals.WithLabelValues(string(why)).Inc() }

// request counts an answer. route is the pattern that it matched, never the address itself.
func (m *metrics) request(route, method string, status int, took time.Duration) {
	if route == "" || status == http.StatusNotFound && route == "/*" {
		route = "none"
	}
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodOptions:
	default:
		method = other
	}
	if status == 0 { // nothing was written: the server says 200
		status = http.StatusOK
	}
	m.requests.WithLabelValues(route, method, fmt.Sprintf("%dxx", status/100)).Inc()
	m.answers.WithLabelValues(route).Observe(took.Seconds())
}

// selfTest tells what the last self-test found, a time series for each state of each
// condition: 1 for the state it is in.
type selfTest struct{ conditions func() []report.Condition }

var (
	conditionNames  = []string{report.AnswerCondition, report.ResourcesCondition, report.ResolverCondition, report.ClockCondition, report.HELOCondition, report.PortCondition, report.STARTTLSCondition, report.LargeCondition}
	conditionStates = []string{"ok", "failed", "untested"}

	selfTestDesc = prometheus.NewDesc("mxseal_self_test", "What the last self-test found, 1 for the state of each condition.", []string{"condition", "state"}, nil)
)

func (*selfTest) Describe(list chan<- *prometheus.Desc) { list <- selfTestDesc }

func (t *selfTest) Collect(list chan<- prometheus.Metric) {
	if t.conditions == nil {
		return
	}
	found := make(map[string]string)
	for _, c := range t.conditions() {
		found[c.Name] = c.State
	}
	for _, name := range conditionNames {
		if found[name] == "" {
			continue // before the first self-test
		}
		for _, state := range conditionStates {
			value := 0.0
			if found[name] == state {
				value = 1
			}
			list <- prometheus.MustNewConstMetric(selfTestDesc, prometheus.GaugeValue, value, name, state)
		}
	}
}
