package web

import (
	"path/filepath"
	"testing"

	"mxseal/checks/report"
)

func TestReadiness(t *testing.T) {
	var conditions []report.Condition
	w := open(t, filepath.Join(t.TempDir(), "mxseal.db"), func(c *Config) { c.Conditions = func() []report.Condition { return conditions } })
	want(t, w.ask("GET", "/readyz", ""), 200, "ok")
	for _, c := range []struct {
		why   string
		state string
		code  int
	}{
		{"a self-test that found nothing wrong", "ok", 200},
		{"what could not be tested is no failure", "untested", 200},
		{"trouble of our own", "failed", 503},
	} {
		conditions = []report.Condition{{Name: report.PortCondition, State: report.ConditionState(c.state), Text: "A sentence."}}
		if rec := w.ask("GET", "/readyz", ""); rec.Code != c.code {
			t.Errorf("%s: %d, want %d", c.why, rec.Code, c.code)
		} else {
			want(t, rec, c.code, c.state+" port-25: A sentence.")
		}
	}
	conditions = []report.Condition{{Name: report.HELOCondition, State: "failed", Text: "A name."}, {Name: report.ClockCondition, State: "ok", Text: "A sentence."}}
	want(t, w.ask("GET", "/readyz", ""), 200, "failed ehlo-name: A name.", "ok clock: A sentence.") // it spoils no verdict
	for _, name := range []report.ConditionName{report.ResolverCondition, report.ClockCondition, report.PortCondition, report.STARTTLSCondition} {
		conditions = []report.Condition{{Name: report.HELOCondition, State: "failed", Text: "A name."}, {Name: name, State: "failed", Text: "A sentence."}}
		want(t, w.ask("GET", "/readyz", ""), 503, "failed ehlo-name: A name.", "failed "+string(name)+": A sentence.")
	}
	w.cfg.Store.Close()
	want(t, w.ask("GET", "/readyz", ""), 503, "failed store")
}
