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

func condition(list []report.Condition, name string) string {
	for _, c := range list {
		if c.Name == name {
			return c.State
		}
	}
	return "missing"
}

func TestSelfTest(t *testing.T) {
	for _, c := range []struct {
		why      string
		change   func(*checks.Config)
		controls []string
		want     string // resolver clock ehlo port starttls
		letter   report.Letter
		rule     string
	}{
		{"all is well", func(c *checks.Config) { c.HELO = "mx.dane.test" }, []string{"mx.certificate.test"}, "ok ok ok ok ok", "A", ""},
		{"an EHLO name that leads nowhere is the operator's affair", nil, []string{"mx.certificate.test"}, "ok ok failed ok ok", "A", ""},
		{"no control host, no word about port 25", nil, nil, "ok ok failed untested untested", "A", ""},
		{"STARTTLS is taken away on our side: no verdict on anybody", nil, []string{"mx.stripped.test"}, "ok ok failed ok failed", "T", "OPS-06"},
		{"port 25 is closed", nil, []string{"refusing.unreachable.test"}, "ok ok failed failed untested", "A", "OPS-01"},
		{"the second control host answers", nil, []string{"refusing.unreachable.test", "mx.certificate.test"}, "ok ok failed ok ok", "A", ""},
		{"the resolver strips DNSSEC", func(c *checks.Config) {
			dial := c.Dial
			c.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
				conn, err := dial(ctx, network, address)
				if err == nil && strings.HasPrefix(network, "udp") {
					conn = withoutDO{conn}
				}
				return conn, err
			}
		}, nil, "failed untested failed untested untested", "D", "OPS-01"},
	} {
		t.Run(c.why, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, e := world(t, lab.Options{}, c.change)
				if e.Conditions() != nil {
					t.Error("conditions before the first self-test")
				}
				list := e.SelfTest(t.Context(), c.controls)
				var got []string
				for _, name := range []string{report.ResolverCondition, report.ClockCondition, report.HELOCondition, report.PortCondition, report.STARTTLSCondition} {
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
