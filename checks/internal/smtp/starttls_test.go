package smtp

import (
	"crypto/tls"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"mxseal/checks/internal/smtp/smtptest"
)

func TestTLS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var heard []string
		manners := smtptest.Manners{TLS: &tls.Config{Certificates: []tls.Certificate{smtptest.Certificate("mx.example")}}, Commands: &heard}
		server := &smtptest.Server{Delay: 25 * time.Millisecond, Serve: func(_ int, c *smtptest.Talk) { manners.Serve(c) }}
		defer server.Wait()
		start := time.Now()
		s, err := UpToTLS(t.Context(), server.Peer(), Config{})
		if err != nil {
			t.Fatal(err)
		}
		state, err := s.StartTLS(t.Context(), &tls.Config{ServerName: "mx.example", InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		keywords, _, err := s.Hello()
		if err != nil || state.Version != tls.VersionTLS13 || !slices.Contains(keywords, "PIPELINING") {
			t.Errorf("inside TLS: %v, %q, %v", state.Version, keywords, err)
		}
		s.Quit()
		if took := time.Since(start); took != 7*50*time.Millisecond {
			t.Errorf("%v at a round trip of 50 ms", took)
		}
		server.Wait()
		if want := []string{"EHLO localhost", "STARTTLS", "EHLO localhost", "QUIT"}; !slices.Equal(heard, want) {
			t.Errorf("the server heard %q", heard)
		}
		if server.Open() != 0 {
			t.Error("the connection is still open")
		}
	})
}

func TestUpToTLSRefused(t *testing.T) {
	for reply, want := range map[string]string{"454 later": "reply", "502 never": "reply", "354 go on": "reply"} {
		synctest.Test(t, func(t *testing.T) {
			var heard []string
			server := &smtptest.Server{Serve: func(_ int, c *smtptest.Talk) {
				smtptest.Manners{STARTTLS: reply, Commands: &heard}.Serve(c)
			}}
			_, err := UpToTLS(t.Context(), server.Peer(), Config{})
			if e := err.(*Error); string(e.Kind) != want || e.Phase != "starttls" || e.Reply.String() != reply {
				t.Errorf("%s: %+v", reply, e)
			}
			server.Wait()
			if heard[len(heard)-1] != "QUIT" || server.Open() != 0 {
				t.Errorf("%s: left with %q", reply, heard)
			}
		})
	}
}

func TestStrayBytesAreDiscarded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		manners := smtptest.Manners{
			STARTTLS: "220 go ahead\n250 injected\x1b",
			TLS:      &tls.Config{Certificates: []tls.Certificate{smtptest.Certificate("mx.example")}},
		}
		server := &smtptest.Server{Serve: func(_ int, c *smtptest.Talk) { manners.Serve(c) }}
		defer server.Wait()
		s, err := UpToTLS(t.Context(), server.Peer(), Config{})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Quit()
		if s.Stray != "250 injected\ufffd\ufffd\ufffd" {
			t.Errorf("stray %q", s.Stray)
		}
		if _, err := s.StartTLS(t.Context(), &tls.Config{InsecureSkipVerify: true}); err != nil {
			t.Error(err)
		}
		if keywords, _, err := s.Hello(); err != nil || len(keywords) != 1 {
			t.Errorf("EHLO inside TLS was answered %q, %v", keywords, err)
		}
	})
}

func TestFailedHandshakes(t *testing.T) {
	for _, test := range []struct {
		why   string
		then  func(c *smtptest.Talk) // after the 220
		kind  string
		alert int
		takes time.Duration
	}{
		{why: "the server has no TLS 1.2 suite of ours", kind: "alert", alert: 40, then: func(c *smtptest.Talk) {
			c.Raw("\x15\x03\x03\x00\x02\x02\x28")
		}},
		{why: "plain text instead of TLS", kind: "protocol", then: func(c *smtptest.Talk) { c.Say("500 5.5.1 what?") }},
		{why: "garbage", kind: "protocol", then: func(c *smtptest.Talk) { c.Raw(strings.Repeat("\x00\xff", 100)) }},
		{why: "closed half-way", kind: "closed", then: func(c *smtptest.Talk) { c.Raw("\x16\x03\x03") }},
		{why: "silence", kind: "timeout", takes: 30 * time.Second, then: func(c *smtptest.Talk) { io.Copy(io.Discard, c.Conn()) }},
	} {
		t.Run(test.why, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := &smtptest.Server{Serve: func(_ int, c *smtptest.Talk) {
					c.Say("220 mx")
					c.Hear()
					c.Say("250 STARTTLS")
					c.Hear()
					c.Say("220 go")
					c.Conn().Read(make([]byte, 4096)) // the hello
					test.then(c)
				}}
				defer server.Wait()
				s, err := UpToTLS(t.Context(), server.Peer(), Config{})
				if err != nil {
					t.Fatal(err)
				}
				start := time.Now()
				_, err = s.StartTLS(t.Context(), &tls.Config{InsecureSkipVerify: true})
				if e := err.(*Error); e.Phase != "handshake" || string(e.Kind) != test.kind || e.Alert != test.alert {
					t.Errorf("got %+v", e)
				}
				if took := time.Since(start); took != test.takes {
					t.Errorf("took %v", took)
				}
				s.Quit() // of a broken session says nothing and does not wait
				if time.Since(start) != test.takes || server.Open() != 0 {
					t.Error("QUIT waited, or the connection is still open")
				}
			})
		})
	}
}
