package tls

import (
	"crypto/tls"
	"net"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"mxseal/checks/internal/smtp"
	"mxseal/checks/internal/smtp/smtptest"
	"mxseal/checks/report"
)

// visited lets a test look at a server in memory, on a clock that costs nothing.
func visited(t *testing.T, s *smtptest.Server) (*report.TLS, []Seen) {
	t.Helper()
	got, seen := gather(t.Context(), Target{Peer: s.Peer(), Host: "mx.example.test", Depth: report.Standard,
		Config: smtp.Config{HELO: "probe.example.test"}})
	s.Wait()
	return got, seen
}

func untested(r *report.TLS) (names []string) {
	for _, p := range r.Probes {
		if p.Result == "untested" {
			names = append(names, p.Name)
		}
	}
	return names
}

// What stops a server from answering leaves what is known and is said of the rest. A server
// that puts us off is left in peace for a while and asked once more.
func TestServersThatWantNoMore(t *testing.T) {
	for _, test := range []struct {
		why    string
		server func(cfg *tls.Config) *smtptest.Server
		visits int // 0: as many as it takes
		kept   int // suites known all the same
		open   bool
		words  string
	}{
		{"nothing is in the way", func(cfg *tls.Config) *smtptest.Server {
			return &smtptest.Server{Serve: func(_ int, c *smtptest.Talk) { smtptest.Manners{TLS: cfg}.Serve(c) }}
		}, 0, 3, false, ""},
		{"421 from the fifth connection on", func(cfg *tls.Config) *smtptest.Server {
			return &smtptest.Server{Serve: func(n int, c *smtptest.Talk) {
				m := smtptest.Manners{TLS: cfg}
				if n > 4 {
					m.Greeting = "421 4.7.0 too many connections"
				}
				m.Serve(c)
			}}
		}, 6, 3, true, "421"},
		{"421 once", func(cfg *tls.Config) *smtptest.Server {
			return &smtptest.Server{Serve: func(n int, c *smtptest.Talk) {
				m := smtptest.Manners{TLS: cfg}
				if n == 4 {
					m.Greeting = "421 4.7.0 too many connections"
				}
				m.Serve(c)
			}}
		}, 0, 3, false, "at a second try"},
		{"454 to STARTTLS from the third on", func(cfg *tls.Config) *smtptest.Server {
			return &smtptest.Server{Serve: func(n int, c *smtptest.Talk) {
				m := smtptest.Manners{TLS: cfg}
				if n > 2 {
					m.STARTTLS = "454 4.7.0 too many new TLS sessions"
				}
				m.Serve(c)
			}}
		}, 4, 1, true, "454"},
		{"closed before the greeting, once", func(cfg *tls.Config) *smtptest.Server {
			return &smtptest.Server{Serve: func(n int, c *smtptest.Talk) {
				if n != 3 {
					smtptest.Manners{TLS: cfg}.Serve(c)
				}
			}}
		}, 0, 3, false, "at a second try"},
		{"every connection is refused from the fourth on", func(cfg *tls.Config) *smtptest.Server {
			return &smtptest.Server{Serve: func(_ int, c *smtptest.Talk) { smtptest.Manners{TLS: cfg}.Serve(c) },
				Dial: func(n int) error {
					if n > 3 {
						return &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
					}
					return nil
				}}
		}, 4, 2, true, "refused the connection"},
		{"from the fifth on it closes after the hello, which is no refusal", func(cfg *tls.Config) *smtptest.Server {
			return &smtptest.Server{Serve: func(n int, c *smtptest.Talk) {
				if n <= 4 {
					smtptest.Manners{TLS: cfg}.Serve(c)
					return
				}
				for _, line := range []string{"220 mx.example", "250 STARTTLS", "220 go ahead"} {
					c.Say(line)
					c.Hear()
				}
			}}
		}, 6, 3, true, "begun to close"},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := test.server(&tls.Config{Certificates: []tls.Certificate{ecdsaCert(t)}})
			got, _ := visited(t, s)
			if test.visits > 0 && s.Visits() != test.visits {
				t.Errorf("%s: %d connections, want %d\n%s", test.why, s.Visits(), test.visits, trace(got))
			}
			left := untested(got)
			if len(left) > 0 != test.open || len(got.Ciphers) < test.kept || !strings.Contains(trace(got), test.words) {
				t.Errorf("%s: untested %v, suites known:\n%s\n%s", test.why, left, list(got), trace(got))
			}
			if test.open && len(got.Refused) > 0 && got.Refused[0] == "TLS1.3" {
				t.Errorf("%s: what was not answered is held against the server: %v refused", test.why, got.Refused)
			}
			if got.Connections != s.Visits() || s.Open() != 0 {
				t.Errorf("%s: %d connections counted of %d, %d left open", test.why, got.Connections, s.Visits(), s.Open())
			}
		})
	}
}

// Whoever put us off once is asked more slowly from then on.
func TestSlowerAfterBeingPutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var visits []time.Time
		cfg := &tls.Config{Certificates: []tls.Certificate{ecdsaCert(t)}}
		s := &smtptest.Server{Serve: func(n int, c *smtptest.Talk) {
			visits = append(visits, time.Now())
			m := smtptest.Manners{TLS: cfg}
			if n == 2 {
				m.Greeting = "421 4.3.2 try again later"
			}
			m.Serve(c)
		}}
		visited(t, s)
		for i := range visits {
			apart := time.Duration(0)
			if i > 0 {
				apart = visits[i].Sub(visits[i-1])
			}
			want := [...]time.Duration{0, 0, 5 * time.Second, time.Second}[min(i, 3)]
			if apart < want {
				t.Errorf("connection %d comes %v after the one before, want %v", i+1, apart, want)
			}
		}
	})
}

// A handshake that the server accepted is brought to its end, and QUIT is said inside.
func TestTakesLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		said := make([][]string, budgetStandard+1) // by connection
		cfg := &tls.Config{Certificates: []tls.Certificate{ecdsaCert(t), rsaCert(t)}}
		s := &smtptest.Server{Serve: func(n int, c *smtptest.Talk) { smtptest.Manners{TLS: cfg, Commands: &said[n]}.Serve(c) }}
		got, _ := visited(t, s)
		accepted, quits := 0, 0
		for _, p := range got.Probes {
			if p.Result == "accepted" {
				accepted++
			}
		}
		for _, line := range slices.Concat(said...) {
			if line == "QUIT" {
				quits++
			}
		}
		// All but the one in which renegotiation was asked for: Go's server breaks off there.
		if got.Completed != accepted-1 || quits != got.Completed {
			t.Errorf("%d accepted, %d completed, QUIT said %d times\n%s", accepted, got.Completed, quits, trace(got))
		}
	})
}

// The ordinary conversation has had its share of what one address may cost.
func TestBudgetIsOfTheAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := &tls.Config{Certificates: []tls.Certificate{ecdsaCert(t)}}
		s := &smtptest.Server{Serve: func(_ int, c *smtptest.Talk) { smtptest.Manners{TLS: cfg}.Serve(c) }}
		peer := s.Peer()
		config := smtp.Config{HELO: "probe.example.test"}
		for range budgetStandard - 3 {
			if c, err := smtp.UpToTLS(t.Context(), peer, config); err == nil {
				c.Close()
			}
		}
		got, _ := gather(t.Context(), Target{Peer: peer, Host: "mx.example.test", Depth: report.Standard, Config: config})
		s.Wait()
		if s.Visits() != budgetStandard || got.Connections != 3 || !strings.Contains(trace(got), "spent") {
			t.Errorf("%d connections, %d of them ours\n%s", s.Visits(), got.Connections, trace(got))
		}
	})
}
