// Package metrics counts what the site does, for its operator. No label says anything of a domain, a
// server or a visitor: their values are words of the program (Words), so that their number is bounded
// too.
package metrics

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"mxseal/checks/input"
	"mxseal/checks/report"
	"mxseal/web/scans"
)

// Metrics are the counters of a site. They are safe for concurrent use.
type Metrics struct {
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

// New returns Metrics of a program of that version. conditions are what its last self-test found; nil
// without one.
func New(version string, conditions func() []report.Condition) *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry(),
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
		m.refusals, m.requests, m.answers, buildInfo(version), &selfTest{conditions: conditions},
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Handler answers with the counters in Prometheus' text form. They are for the operator: they belong
// on a listener of their own, not among the site's pages.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
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

// Counting counts every check that run makes, also one that panics.
func (m *Metrics) Counting(run scans.Run) scans.Run {
	return func(ctx context.Context, d input.Domain, id string, emit func(report.Event)) (r *report.Report) {
		defer func() { m.add(resultOf(r)) }()
		return run(ctx, d, id, emit)
	}
}

func (m *Metrics) add(t result) {
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

// Refused counts a check that was not begun.
func (m *Metrics) Refused(why scans.Reason) { m.refusals.WithLabelValues(string(why)).Inc() }

// Request counts an answer. route is the pattern that it matched, never the address itself.
func (m *Metrics) Request(route, method string, status int, took time.Duration) {
	if route == "" || status == http.StatusNotFound && route == "/*" {
		route = "none"
	}
	method = word(methodWords, method)
	if status == 0 { // nothing was written: the server says 200
		status = http.StatusOK
	}
	m.requests.WithLabelValues(route, method, fmt.Sprintf("%dxx", status/100)).Inc()
	m.answers.WithLabelValues(route).Observe(took.Seconds())
}
