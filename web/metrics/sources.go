package metrics

import (
	"context"
	"math"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"mxseal/checks/cache"
	"mxseal/checks/report"
	"mxseal/web/rendering"
	"mxseal/web/scans"
	"mxseal/web/store"
)

// Sources are what is looked at whenever somebody asks for the counters.
type Sources struct {
	Scans         func() scans.Stats
	Caches        func() map[string]cache.Held // all that grows by what strangers send, by name
	Renderer      *rendering.Renderer
	Store         *store.Store
	Disagreements func() int // of two resolvers; nil where there is one
}

// Watch registers the sources. It is called once.
func (m *Metrics) Watch(s Sources) {
	gauge := func(name, help string, labels prometheus.Labels, value func() float64) {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "mxseal", Name: name, Help: help, ConstLabels: labels}, value))
	}
	count := func(name, help string, value func() int) {
		m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Namespace: "mxseal", Name: name, Help: help}, func() float64 { return float64(value()) }))
	}
	gauge("checks_running", "Checks under way.", nil, func() float64 { return float64(s.Scans().Running) })
	gauge("checks_waiting", "Checks that wait for a place.", nil, func() float64 { return float64(s.Scans().Waiting) })
	gauge("event_listeners", "Event streams that are open.", nil, func() float64 { return float64(s.Scans().Streams) })
	m.registry.MustRegister(&memory{s.Caches})
	gauge("renderings", "Pages, pictures and JSON that are being made, or wait for it.", nil, func() float64 { waiting, _ := s.Renderer.Load(); return float64(waiting) })
	count("renderings_refused_total", "Pages, pictures and JSON that were not made in time.", func() int { _, refused := s.Renderer.Load(); return refused })
	gauge("sending_bytes", "What readers are being sent, each page once.", nil, func() float64 { return float64(s.Renderer.Sending()) })
	gauge("store_size_bytes", "Size of the file of reports, with its log.", nil, func() float64 {
		return orNaN(s.Store.Size(context.Background()))
	})
	gauge("store_reports", "Reports that are kept.", nil, func() float64 {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		return orNaN(s.Store.Reports(ctx))
	})
	count("reports_lost_total", "Reports that could not be kept.", s.Store.Lost)
	if s.Disagreements != nil {
		count("second_opinion_disagreements_total", "Answers of the DNS that the resolver judges otherwise than we do.", s.Disagreements)
	}
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

// selfTest tells what the last self-test found, a time series for each state of each
// condition: 1 for the state it is in.
type selfTest struct{ conditions func() []report.Condition }

var (
	conditionNames  = []report.ConditionName{report.AnswerCondition, report.ResourcesCondition, report.ResolverCondition, report.ClockCondition, report.HELOCondition, report.PortCondition, report.STARTTLSCondition, report.LargeCondition}
	conditionStates = []report.ConditionState{report.ConditionOK, report.ConditionFailed, report.ConditionUntested}

	selfTestDesc = prometheus.NewDesc("mxseal_self_test", "What the last self-test found, 1 for the state of each condition.", []string{"condition", "state"}, nil)
)

func (*selfTest) Describe(list chan<- *prometheus.Desc) { list <- selfTestDesc }

func (t *selfTest) Collect(list chan<- prometheus.Metric) {
	if t.conditions == nil {
		return
	}
	found := make(map[report.ConditionName]report.ConditionState)
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
			list <- prometheus.MustNewConstMetric(selfTestDesc, prometheus.GaugeValue, value, string(name), string(state))
		}
	}
}
