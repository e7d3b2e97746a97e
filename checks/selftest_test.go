package checks_test

import (
	"context"
	"net"
	"strings"
	"testing"
	"testing/synctest"

	"mxseal/checks"
	"mxseal/checks/lab"
	"mxseal/checks/report"
)

func condition(list []report.Condition, name report.ConditionName) string {
	for _, c := range list {
		if c.Name == name {
			return string(c.State)
		}
	}
	return "missing"
}

func TestSelfTest(t *testing.T) {
	for _, c := range []struct {
		why      string
		change   func(*checks.Config)
		controls []string
		want     string // resolver clock ehlo port starttls large
		letter   report.Letter
		rule     string
	}{
		{"all is well", func(c *checks.Config) { c.HELO = "mx.dane.test" }, []string{"mx.certificate.test"}, "ok ok ok ok ok ok", "A", ""},
		{"an EHLO name that leads nowhere is the operator's affair", nil, []string{"mx.certificate.test"}, "ok ok failed ok ok ok", "A", ""},
		{"no control host, no word about port 25", nil, nil, "ok ok failed untested untested untested", "A", ""},
		{"STARTTLS is taken away on our side: no verdict on anybody", nil, []string{"mx.stripped.test"}, "ok ok failed ok failed untested", "T", "OPS-06"},
		{"port 25 is closed", nil, []string{"refusing.unreachable.test"}, "ok ok failed failed untested untested", "A", "OPS-01"},
		{"the second control host answers", nil, []string{"refusing.unreachable.test", "mx.certificate.test"}, "ok ok failed ok ok ok", "A", ""},
		{"the resolver strips DNSSEC", func(c *checks.Config) {
			dial := c.Dial
			c.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
				conn, err := dial(ctx, network, address)
				if err == nil && strings.HasPrefix(network, "udp") {
					conn = withoutDO{conn}
				}
				return conn, err
			}
		}, nil, "failed untested failed untested untested untested", "D", "OPS-01"},
	} {
		t.Run(c.why, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, e := world(t, lab.Options{}, c.change)
				if e.Conditions() != nil {
					t.Error("conditions before the first self-test")
				}
				list := e.SelfTest(t.Context(), c.controls)
				var got []string
				for _, name := range []report.ConditionName{report.ResolverCondition, report.ClockCondition, report.HELOCondition, report.PortCondition, report.STARTTLSCondition, report.LargeCondition} {
					got = append(got, condition(list, name))
				}
				if s := strings.Join(got, " "); s != c.want {
					t.Errorf("%s, want %s\n%+v", s, c.want, list)
				}
				r := scan(t, e, "dane.test")
				if r.Grade.Letter != c.letter {
					t.Errorf("dane.test gets %s, want %s", r.Grade.Letter, c.letter)
				}
				if c.rule != "" && !fired(r, c.rule) || c.rule == "" && len(r.Conditions) > 0 {
					t.Errorf("conditions in the report: %+v", r.Conditions)
				}
			})
		})
	}
}

// Evidence that was gathered in a network in trouble serves nobody afterwards; nor does what
// was seen shortly before the trouble was noticed.
func TestEvidenceDoesNotOutliveTrouble(t *testing.T) {
	bad, good := []string{"mx.stripped.test"}, []string{"mx.certificate.test"}
	for _, c := range []struct {
		why    string
		before []string // control hosts of the self-test before the first check
		after  []string // and of the one behind it
		reused bool
	}{
		{"no trouble: one look serves both", good, good, true},
		{"the trouble was there and is over", bad, good, false},
		{"the trouble is noticed behind the first check", good, bad, false},
		{"the trouble goes on", bad, bad, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			_, e := world(t, lab.Options{}, nil)
			e.SelfTest(t.Context(), c.before)
			scan(t, e, "certificate.test")
			e.SelfTest(t.Context(), c.after)
			r := scan(t, e, "signed-domain.test") // its MX is that of certificate.test
			if got := r.Hosts[0].Addresses[0].SeenAt != nil; got != c.reused {
				t.Errorf("%s: the earlier look serves: %v", c.why, got)
			}
		})
	}
}

// Trouble that is discovered while a check runs is noted in its report.
func TestTroubleDiscoveredMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var e *checks.Engine
		_, e = world(t, lab.Options{}, func(c *checks.Config) {
			c.Previous = func(ctx context.Context, _ string) *report.Report { // asked for once the check has begun
				e.SelfTest(ctx, []string{"mx.stripped.test"})
				return nil
			}
		})
		r := scan(t, e, "dane.test")
		if len(r.Conditions) != 1 || r.Grade.Letter != "T" || !fired(r, "OPS-06") {
			t.Errorf("letter %s, conditions %+v", r.Grade.Letter, r.Conditions)
		}
		e.SelfTest(t.Context(), []string{"mx.stripped.test"})
		if r := scan(t, e, "dane.test"); len(r.Conditions) != 1 { // known before and behind: noted once
			t.Errorf("conditions %+v", r.Conditions)
		}
	})
}

// A self-test that was cut short because the program ends has found out nothing.
func TestASelfTestThatIsStoppedSaysNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, e := world(t, lab.Options{}, nil)
		e.SelfTest(t.Context(), []string{"mx.certificate.test"})
		over, stop := context.WithCancel(t.Context())
		stop()
		e.SelfTest(over, []string{"mx.certificate.test"})
		if s := condition(e.Conditions(), report.PortCondition); s != "ok" {
			t.Errorf("port 25 is %s after a self-test that was stopped", s)
		}
	})
}
