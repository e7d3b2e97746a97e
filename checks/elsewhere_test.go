package checks_test

import (
	"bytes"
	"context"
	"net"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"mxseal/checks"
	"mxseal/checks/lab"
	"mxseal/checks/report"
)

// stripped is a way on which somebody takes STARTTLS out of what mail servers say.
type stripped struct{ net.Conn }

func (s stripped) Read(b []byte) (int, error) {
	n, err := s.Conn.Read(b)
	copy(b, bytes.ReplaceAll(b[:n], []byte("STARTTLS"), []byte("XXXXXXXA")))
	return n, err
}

type dialling = func(ctx context.Context, network, address string) (net.Conn, error)

// Where something looks bad from here, it is looked at once more from elsewhere: the same confirms it, something
// else makes the letter provisional, and so does no answer. In parts it is as in one piece.
func TestElsewhere(t *testing.T) {
	clear := func(to dialling) dialling {
		return func(ctx context.Context, network, address string) (net.Conn, error) {
			c, err := to(ctx, network, address)
			if network == "tcp" && err == nil {
				c = stripped{c}
			}
			return c, err
		}
	}
	for _, c := range []struct {
		what, domain string
		here, there  func(dialling) dialling
		mute         bool // no answer comes from elsewhere
		rule, letter string
		provisional  bool
		asked        bool
	}{
		{what: "all is well", domain: "dane.test", letter: "A"},
		{what: "bad everywhere", domain: "no-starttls.test", asked: true, rule: "VAN-02", letter: "F"},
		{what: "broken everywhere", domain: "broken-handshake.test", asked: true, rule: "VAN-02", letter: "F"},
		{what: "stripped on our way", domain: "no-report.test", here: clear, asked: true, rule: "VAN-01", letter: "F", provisional: true},
		{what: "stripped everywhere", domain: "no-report.test", here: clear, there: clear, asked: true, rule: "VAN-02", letter: "F"},
		{what: "no answer", domain: "no-starttls.test", mute: true, asked: true, rule: "VAN-03", letter: "F", provisional: true},
		{what: "unreachable everywhere", domain: "unreachable.test", asked: true, rule: "VAN-02", letter: "T"},
		{what: "a broken promise", domain: "sts-expired.test", asked: true, rule: "VAN-02"},
	} {
		t.Run(c.what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var asked atomic.Int64
				_, e := world(t, lab.Options{}, func(cfg *checks.Config) {
					other := *cfg
					other.Vantage = "oslo"
					if c.there != nil {
						other.Dial = c.there(other.Dial)
					}
					there, err := checks.New(other)
					if err != nil {
						t.Fatal(err)
					}
					if c.here != nil {
						cfg.Dial = c.here(cfg.Dial)
					}
					cfg.Elsewhere = func(ctx context.Context, call checks.Call, domain string) []report.Elsewhere {
						asked.Add(1)
						if c.mute {
							return []report.Elsewhere{{Vantage: "oslo", STARTTLS: report.NotTried}}
						}
						return []report.Elsewhere{there.FromHere(ctx, call, domain)}
					}
				})
				d, err := e.ParseDomain(c.domain)
				if err != nil {
					t.Fatal(err)
				}
				reports := []*report.Report{e.Run(t.Context(), d, "id", nil)}
				if c.letter != "" { // a promise is judged when all the parts are there
					reports = append(reports, inParts(t, e, c.domain))
				}
				for i, r := range reports {
					var rules []string
					for _, f := range r.Findings {
						if slices.Contains([]string{"VAN-01", "VAN-02", "VAN-03"}, f.Rule) && !slices.Contains(rules, f.Rule) {
							rules = append(rules, f.Rule)
							t.Logf("%s\n%s", f.Title, f.Text)
						}
					}
					if c.rule == "" && len(rules) > 0 || c.rule != "" && !slices.Equal(rules, []string{c.rule}) || (asked.Load() > 0) != c.asked {
						t.Errorf("report %d: found %v, asked %d times", i, rules, asked.Load())
					}
					if c.letter != "" && (r.Grade.Letter != report.Letter(c.letter) || r.Grade.Provisional != c.provisional) {
						t.Errorf("report %d: %s, provisional: %v (from %s to %s)", i, r.Grade.Letter, r.Grade.Provisional, r.Grade.Worst, r.Grade.Best)
					}
				}
			})
		})
	}
}
