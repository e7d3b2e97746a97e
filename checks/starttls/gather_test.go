package starttls

import (
	"context"
	"crypto/tls"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"mxseal/checks/internal/smtp/smtptest"
	"mxseal/checks/report"
)

var identity = sync.OnceValue(func() tls.Certificate { return smtptest.Certificate("mx.example") })

// secured is a TLS configuration with a certificate.
func secured(change func(*tls.Config)) *tls.Config {
	c := &tls.Config{Certificates: []tls.Certificate{identity()}}
	if change != nil {
		change(c)
	}
	return c
}

func polite(m smtptest.Manners) func(int, *smtptest.Talk) {
	return func(_ int, c *smtptest.Talk) { m.Serve(c) }
}

// visits gathers from a server in a bubble and hands the outcome to check.
func visits(t *testing.T, depth report.Depth, server *smtptest.Server, check func(*report.SMTP, *tls.ConnectionState, *report.Failure, time.Duration)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		s, state, failure := Gather(t.Context(), Target{Peer: server.Peer(), Host: "mx.example", Depth: depth})
		took := time.Since(start)
		server.Wait()
		if server.Open() != 0 {
			t.Errorf("%d connections are still open", server.Open())
		}
		check(s, state, failure, took)
	})
}

func TestGoodServer(t *testing.T) {
	for _, test := range []struct {
		depth     report.Depth
		ehlo      string
		trips     int // round trips in all
		injection report.Injection
	}{
		{report.Quick, "250-mx.example\n250-PIPELINING\n250 STARTTLS", 8, ""},
		{report.Quick, "250-mx.example\n250 STARTTLS", 9, ""},
		{report.Standard, "250-mx.example\n250-PIPELINING\n250 STARTTLS", 10, "discarded"},
	} {
		server := &smtptest.Server{
			Delay: 25 * time.Millisecond,
			Serve: polite(smtptest.Manners{Greeting: "220 mx.example ESMTP Postfix", EHLO: test.ehlo, TLS: secured(nil)}),
		}
		visits(t, test.depth, server, func(s *report.SMTP, state *tls.ConnectionState, failure *report.Failure, took time.Duration) {
			if failure != nil || state == nil || state.Version != tls.VersionTLS13 || len(state.PeerCertificates) != 1 {
				t.Fatalf("state %v, failure %v", state, failure)
			}
			if state.CurveID != tls.X25519MLKEM768 {
				t.Errorf("group %v", state.CurveID)
			}
			if s.STARTTLS != "ok" || s.Banner != "mx.example ESMTP Postfix" || s.GreetingMS != 50 {
				t.Errorf("%+v", s)
			}
			if !slices.Contains(s.EHLO, "STARTTLS") || !slices.Equal(s.EHLOTLS, []string{"PIPELINING"}) {
				t.Errorf("keywords %q, inside TLS %q", s.EHLO, s.EHLOTLS)
			}
			if s.Enforced == nil || *s.Enforced || s.MailReply != "250 ok" || s.Changed || s.ClientCert != "" {
				t.Errorf("enforced %v, mail %q", s.Enforced, s.MailReply)
			}
			if len(s.Ladder) != 1 || !reflect.DeepEqual(s.Ladder[0], report.Rung{Hello: "modern", OK: true}) {
				t.Errorf("ladder %v", s.Ladder)
			}
			if s.Injection != test.injection {
				t.Errorf("injection %q", s.Injection)
			}
			if server.Visits() != 2 {
				t.Errorf("%d connections", server.Visits())
			}
			if trips := int(took / (50 * time.Millisecond)); trips != test.trips {
				t.Errorf("%s took %d round trips, want %d", test.depth, trips, test.trips)
			}
		})
	}
}

func TestWhatIsSaid(t *testing.T) {
	var mu sync.Mutex
	heard := map[int][]string{}
	server := &smtptest.Server{Serve: func(visit int, c *smtptest.Talk) {
		var lines []string
		smtptest.Manners{TLS: secured(nil), Commands: &lines}.Serve(c)
		mu.Lock()
		heard[visit] = lines
		mu.Unlock()
	}}
	visits(t, report.Quick, server, func(*report.SMTP, *tls.ConnectionState, *report.Failure, time.Duration) {
		want := [][]string{
			{"EHLO localhost", "STARTTLS", "EHLO localhost", "QUIT"},
			{"EHLO localhost", "MAIL FROM:<>", "RSET", "QUIT"},
		}
		for i, lines := range want {
			if !slices.Equal(heard[i+1], lines) {
				t.Errorf("visit %d: %q", i+1, heard[i+1])
			}
		}
	})
}

func TestNoConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &smtptest.Server{Dial: func(int) error { return syscall.ECONNREFUSED }}
		s, state, failure := Gather(t.Context(), Target{Peer: server.Peer(), Host: "mx.example"})
		if s == nil || s.STARTTLS != "untested" || state != nil || failure == nil || failure.Phase != "connect" || failure.Kind != "refused" {
			t.Errorf("%v, %v, %v", s, state, failure)
		}
		if server.Visits() != 1 {
			t.Errorf("%d connections", server.Visits())
		}
	})
}

func TestTheCallersTimeEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		server := &smtptest.Server{Serve: polite(smtptest.Manners{STARTTLS: "454 later"})}
		start := time.Now()
		s, _, failure := Gather(ctx, Target{Peer: server.Peer(), Host: "mx.example"})
		if took := time.Since(start); took != 3*time.Second {
			t.Errorf("took %v", took)
		}
		if s.STARTTLS != "untested" || s.Tries != 2 || failure == nil {
			t.Errorf("%+v, %v", s, failure)
		}
		server.Wait()
		if server.Open() != 0 {
			t.Error("connections are still open")
		}
	})
}

// Where only one connection is allowed at a time, nothing waits for itself.
func TestOnePlaceAtTheGate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &smtptest.Server{Serve: polite(smtptest.Manners{TLS: secured(func(c *tls.Config) {
			c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS10
		})})}
		start := time.Now()
		s, state, failure := Gather(t.Context(), Target{Peer: server.Peer(1), Host: "mx.example", Depth: report.Quick})
		server.Wait()
		if s.STARTTLS != "ok" || state != nil || s.Ladder[len(s.Ladder)-1].Version != "TLS1.0" || failure != nil || s.Enforced == nil {
			t.Errorf("%+v, %v", s, failure)
		}
		if time.Since(start) != 0 {
			t.Errorf("waited %v", time.Since(start))
		}
	})
}

func TestSoftware(t *testing.T) {
	for banner, want := range map[string]string{
		"mx.example ESMTP Postfix (Debian/GNU)":                        "Postfix",
		"mx.example ESMTP Exim 4.98 Sat, 1 Jan 2000":                   "Exim",
		"mx.google.com ESMTP 38308e7fff4ca-30b0 - gsmtp":               "Google",
		"x.prod.outlook.com Microsoft ESMTP MAIL Service ready at Sat": "Microsoft Exchange",
		"mx.example ESMTP OpenSMTPD":                                   "OpenSMTPD",
		"postfix.example ESMTP":                                        "", // a name is no program
		"mx.example ESMTP Eximious":                                    "", // part of a word
		"":                                                             "",
	} {
		if got := software(banner); got != want {
			t.Errorf("%q: %q", banner, got)
		}
	}
}

// Outside a bubble, where a goroutine left behind would not be noticed otherwise.
func TestNothingIsLeftBehind(t *testing.T) {
	before := runtime.NumGoroutine()
	server := &smtptest.Server{Serve: polite(smtptest.Manners{TLS: secured(nil)})}
	for range 10 {
		if s, _, _ := Gather(t.Context(), Target{Peer: server.Peer(), Host: "mx.example", Depth: report.Standard}); s.STARTTLS != "ok" {
			t.Fatalf("%+v", s)
		}
	}
	server.Wait()
	for end := time.Now().Add(30 * time.Second); runtime.NumGoroutine() > before && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond)
	}
	if n := runtime.NumGoroutine(); n > before || server.Open() != 0 {
		t.Errorf("%d goroutines more, %d connections open", n-before, server.Open())
	}
}

// obedient is a server that answers, inside TLS, what came behind STARTTLS in clear; with
// no answer it hangs up on it.
func obedient(answer string) func(int, *smtptest.Talk) {
	return func(_ int, c *smtptest.Talk) {
		c.Say("220 mx.example")
		for {
			switch line, ok := c.Hear(); {
			case !ok:
				return
			case strings.HasPrefix(line, "EHLO"):
				c.Say("250-mx.example", "250-PIPELINING", "250 STARTTLS")
			case line == "QUIT":
				c.Say("221 bye")
				return
			case line == "STARTTLS":
				behind := c.Waiting()
				if behind != "" && answer == "" {
					return
				}
				c.Say("220 go")
				for range strings.Count(behind, "\n") {
					c.Hear()
				}
				if c.Handshake(secured(nil)) != nil {
					return
				}
				if behind != "" {
					c.Say(answer)
				}
			default:
				c.Say("250 ok")
			}
		}
	}
}
