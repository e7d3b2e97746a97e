package checks_test

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"mxseal/checks"
	"mxseal/checks/lab"
	"mxseal/checks/report"
)

// validating is a connection to a resolver that validates what it is asked without CD: it
// sets AD on every answer, but not on those for one type.
type validating struct {
	net.Conn
	doubts uint16
	asked  *atomic.Int32 // questions without CD
}

func (c validating) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	var m dns.Msg
	if err != nil || m.Unpack(b[:n]) != nil || m.CheckingDisabled {
		return n, err
	}
	c.asked.Add(1)
	m.AuthenticatedData = m.Question[0].Qtype != c.doubts
	m.Compress = true
	out, err := m.Pack()
	return copy(b, out), err
}

// The resolver's own judgement is compared with ours, for the operator. The report is the
// same whatever it says.
func TestASecondOpinionIsForTheOperator(t *testing.T) {
	for _, c := range []struct {
		why     string
		doubts  uint16
		depth   report.Depth
		log     string
		asked   int32
		counted int
	}{
		{"of one mind", dns.TypeNone, report.Standard, "", 8, 0},
		{"not of one mind about the MX", dns.TypeMX, report.Standard, "name=perfect.test. type=MX ours=secure", 8, 1},
		{"not of one mind about TLSA", dns.TypeTLSA, report.Standard, "type=TLSA ours=secure", 8, 2},
		{"not asked for in haste", dns.TypeMX, report.Quick, "", 0, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			var log bytes.Buffer
			var asked atomic.Int32
			_, e := world(t, lab.Options{Delay: 20 * time.Millisecond}, func(cfg *checks.Config) {
				cfg.Depth = c.depth
				cfg.Log = slog.New(slog.NewTextHandler(&log, nil))
				dial := cfg.Dial
				cfg.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
					conn, err := dial(ctx, network, address)
					if err == nil && strings.HasPrefix(network, "udp") {
						conn = validating{conn, c.doubts, &asked}
					}
					return conn, err
				}
			})
			r := scan(t, e, "perfect.test")
			if r.Grade.Letter != "A+" {
				t.Errorf("%s: %s\n%s", c.why, r.Grade.Letter, outline(r))
			}
			if got := log.String(); (c.log == "") != (got == "") || !strings.Contains(got, c.log) {
				t.Errorf("%s: the log says %q, want %q in it", c.why, got, c.log)
			}
			if n := e.Disagreements(); n != c.counted {
				t.Errorf("%s: %d counted, want %d", c.why, n, c.counted)
			}
			if n := asked.Load(); n != c.asked {
				t.Errorf("%s: %d questions, want %d: the root, MX, and three a host", c.why, n, c.asked)
			}
		})
	}
}

// A second check sees what was changed in the meantime, though the first is remembered for
// as long as a TTL.
func TestEveryCheckLooksAfresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mx atomic.Int32
		_, e := world(t, lab.Options{}, func(cfg *checks.Config) {
			cfg.Depth = report.Quick
			dial := cfg.Dial
			cfg.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
				conn, err := dial(ctx, network, address)
				if err == nil && strings.HasPrefix(network, "udp") {
					conn = counting{conn, dns.Question{Name: "dane.test.", Qtype: dns.TypeMX}, &mx}
				}
				return conn, err
			}
		})
		for want := range int32(3) {
			scan(t, e, "dane.test")
			if n := mx.Load(); n != want+1 {
				t.Errorf("after check %d the MX records were asked for %d times", want+1, n)
			}
		}
	})
}

// counting counts one question.
type counting struct {
	net.Conn
	question dns.Question
	n        *atomic.Int32
}

func (c counting) Write(b []byte) (int, error) {
	var m dns.Msg
	if m.Unpack(b) == nil && m.Question[0].Name == c.question.Name && m.Question[0].Qtype == c.question.Qtype {
		c.n.Add(1)
	}
	return c.Conn.Write(b)
}
