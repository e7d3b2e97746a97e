package smtp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"mxseal/checks/internal/smtp/smtptest"
	"mxseal/checks/report"
)

// says is a server that writes text and then listens until the client leaves.
func says(text string) func(int, *smtptest.Talk) {
	return func(_ int, t *smtptest.Talk) {
		t.Raw(text)
		for {
			if _, ok := t.Hear(); !ok {
				return
			}
		}
	}
}

func TestGreeting(t *testing.T) {
	long := "220 " + strings.Repeat("x", 600) + "\r\n"
	for _, test := range []struct {
		why     string
		text    string
		kind    string // of the error; empty for none
		code    int
		banner  string
		oddity  report.Oddity
		takes   time.Duration
		hearing func(int, *smtptest.Talk)
	}{
		{why: "one line", text: "220 mx.example ESMTP\r\n", code: 220, banner: "220 mx.example ESMTP"},
		{why: "several lines are read to the last", text: "220-mx.example\r\n220-no spam\r\n220 ready\r\n", code: 220, banner: "220 mx.example no spam ready"},
		{why: "a code alone is a reply", text: "220\r\n", code: 220, banner: "220"},
		{why: "4xx", text: "421 too busy\r\n", kind: "reply", code: 421, banner: "421 too busy", takes: farewell},
		{why: "5xx", text: "554 go away\r\n", kind: "reply", code: 554, banner: "554 go away", takes: farewell},
		{why: "mixed codes: the last counts", text: "220-hi\r\n554 no\r\n", kind: "reply", code: 554, banner: "554 hi no", oddity: "mixed-codes", takes: farewell},
		{why: "bare line feeds", text: "220-a\n220 b\n", code: 220, banner: "220 a b", oddity: "bare-lf"},
		{why: "longer than 512 octets", text: long, code: 220, oddity: "long-line"},
		{why: "not ASCII", text: "220 caf\xc3\xa9\r\n", code: 220, banner: "220 café", oddity: "non-ascii"},
		{why: "control characters", text: "220 a\x1b[2Jb\r\n", code: 220, banner: "220 a\ufffd[2Jb", oddity: "non-ascii"},
		{why: "a middle line without code", text: "220-a\r\nb\r\n220 c\r\n", code: 220, banner: "220 a b c", oddity: "no-code"},
		{why: "another protocol", text: "SSH-2.0-OpenSSH_9.9\r\n", kind: "protocol", oddity: "no-code", takes: patience},
		{why: "a code that SMTP does not have", text: "600 what\r\n", kind: "reply", code: 600, banner: "600 what", oddity: "odd-code", takes: farewell},
		{why: "another code of the same class", text: "250 hi\r\n", code: 250, banner: "250 hi"},
		{why: "an unusual one of it", text: "299 hi\r\n", code: 299, banner: "299 hi"},
		{why: "an empty line before", text: "\r\n220 a\r\n", code: 220, banner: "220 a", oddity: "empty-line"},
		{why: "an empty line within", text: "220-a\r\n\r\n220 b\r\n", code: 220, banner: "220 a b", oddity: "empty-line"},
		{why: "blanks alone within", text: "220-a\r\n  \r\n220 b\r\n", code: 220, banner: "220 a b", oddity: "empty-line"},
		{why: "words before", text: "welcome\r\n220 a\r\n", code: 220, banner: "220 a", oddity: "no-code"},
		{why: "empty lines alone", text: "\r\n\r\n", kind: "timeout", oddity: "empty-line", takes: time.Minute},
		{why: "a tab for the blank", text: "220\tmx.example\r\n", kind: "protocol", oddity: "no-code", takes: patience},
		{why: "nothing for the blank", text: "220mx.example\r\n", kind: "protocol", oddity: "no-code", takes: patience},
		{why: "a hundred and fifty lines", text: strings.Repeat("220-x\r\n", 150) + "220 a\r\n", code: 220},
		{why: "nothing", text: "", kind: "timeout", takes: time.Minute},
		{why: "half a line", text: "220 mx", kind: "timeout", takes: time.Minute},
		{why: "half a reply", text: "220-mx\r\n", kind: "timeout", code: 220, banner: "220 mx", takes: time.Minute},
		{why: "longer than what is read of it", text: "220 " + strings.Repeat("x", 9000) + "\r\n", code: 220, oddity: "long-line"},
		{why: "a line without end", text: "220 " + strings.Repeat("x", 5000), kind: "timeout", oddity: "long-line", takes: time.Minute},
		{why: "a line without end, and long", text: "220 " + strings.Repeat("x", 70_000), kind: "limit", oddity: "long-line"},
		{why: "a reply without end", text: strings.Repeat("220-x\r\n", 2000), kind: "limit"},
		{why: "too much of it", text: strings.Repeat("220-"+strings.Repeat("x", 4000)+"\r\n", 17), kind: "limit", oddity: "long-line"},
		{why: "closed at once", hearing: func(int, *smtptest.Talk) {}, kind: "closed"},
		{why: "closed in the middle of a line", hearing: func(_ int, t *smtptest.Talk) { t.Raw("220 m") }, kind: "closed"},
		{why: "trickling", kind: "timeout", takes: time.Minute, hearing: func(_ int, t *smtptest.Talk) {
			for range 100 {
				t.Raw("x")
				time.Sleep(time.Second)
			}
		}},
		{why: "in pieces", code: 220, banner: "220 mx go", takes: 2 * time.Second, hearing: func(_ int, t *smtptest.Talk) {
			t.Raw("22")
			time.Sleep(time.Second)
			t.Raw("0-mx\r")
			time.Sleep(time.Second)
			t.Raw("\n220 go\r\n")
			t.Hear()
		}},
		{why: "slow", code: 220, banner: "220 wait here", takes: 6 * time.Second, hearing: func(_ int, t *smtptest.Talk) {
			t.Say("220-wait")
			time.Sleep(6 * time.Second)
			t.Say("220 here")
			t.Hear()
		}},
	} {
		t.Run(test.why, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := &smtptest.Server{Serve: test.hearing}
				if test.hearing == nil {
					server.Serve = says(test.text)
				}
				defer server.Wait()
				start := time.Now()
				s, err := Dial(t.Context(), server.Peer(), Config{})
				if took := time.Since(start); took != test.takes {
					t.Errorf("took %v, want %v", took, test.takes)
				}
				if kind := kindOf(err); kind != test.kind {
					t.Fatalf("error %v, want kind %q", err, test.kind)
				}
				if test.kind == "" {
					defer s.Close()
				} else if server.Open() != 0 {
					t.Error("the connection is still open")
				}
				if test.kind == "" || test.kind == "reply" || test.code != 0 {
					if s.Greeting.Code != test.code {
						t.Errorf("code %d, want %d", s.Greeting.Code, test.code)
					}
				}
				if test.banner != "" && s.Greeting.String() != test.banner {
					t.Errorf("greeting %q, want %q", s.Greeting, test.banner)
				}
				if test.oddity != "" && !slices.Contains(s.Oddities, test.oddity) || test.oddity == "" && s.Oddities != nil {
					t.Errorf("oddities %v, want %q", s.Oddities, test.oddity)
				}
				for _, line := range s.Transcript {
					if len(line.Text) > maxText || strings.ContainsAny(line.Text, "\x1b\r\n") {
						t.Errorf("transcript holds %q", line.Text)
					}
				}
			})
		})
	}
}

func kindOf(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return string(e.Kind)
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

func TestNoConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &smtptest.Server{Dial: func(int) error { return syscall.ECONNREFUSED }}
		s, err := Dial(t.Context(), server.Peer(), Config{})
		var e *Error
		if s != nil || !errors.As(err, &e) || e.Phase != "connect" || e.Kind != "refused" || !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("got %v, %v", s, err)
		}
		black := &smtptest.Server{Delay: time.Hour}
		start := time.Now()
		if _, err := Dial(t.Context(), black.Peer(), Config{}); kindOf(err) != "timeout" || time.Since(start) != 30*time.Second {
			t.Errorf("a black hole: %v after %v", err, time.Since(start))
		}
	})
}

func TestHello(t *testing.T) {
	for _, test := range []struct {
		why      string
		manners  smtptest.Manners
		keywords []string
		helo     bool
		kind     string
	}{
		{"keywords with parameters", smtptest.Manners{EHLO: "250-mx\n250-SIZE 1000\n250 StartTLS"}, []string{"SIZE 1000", "StartTLS"}, false, ""},
		{"no keywords", smtptest.Manners{EHLO: "250 mx"}, []string{}, false, ""},
		{"EHLO unknown", smtptest.Manners{EHLO: "500 what?"}, nil, true, ""},
		{"EHLO not implemented", smtptest.Manners{EHLO: "502 what?"}, nil, true, ""},
		{"EHLO parameter not implemented", smtptest.Manners{EHLO: "504 what?"}, nil, true, ""},
		{"neither", smtptest.Manners{EHLO: "502 no", HELO: "502 no"}, nil, true, "reply"},
		{"put off, and HELO is taken", smtptest.Manners{EHLO: "451 later"}, nil, true, ""},
		{"refused, and HELO is taken", smtptest.Manners{EHLO: "550 not now"}, nil, true, ""},
		{"greylisted", smtptest.Manners{EHLO: "451 later", HELO: "451 later"}, nil, true, "reply"},
		{"policy", smtptest.Manners{EHLO: "550 not you", HELO: "550 not you"}, nil, true, "reply"},
		{"too busy", smtptest.Manners{EHLO: "421 later"}, nil, false, "reply"},
		{"another code of the same class", smtptest.Manners{EHLO: "220-mx\n220 STARTTLS"}, []string{"STARTTLS"}, false, ""},
		{"empty lines", smtptest.Manners{Greeting: "220 mx\n", EHLO: "250-mx\n\n250-SIZE\n\n250 STARTTLS"}, []string{"SIZE", "STARTTLS"}, false, ""},
		{"a greeting masked by a firewall", smtptest.Manners{Greeting: "220 ****2****0**"}, nil, true, ""},
	} {
		t.Run(test.why, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := &smtptest.Server{Serve: func(_ int, c *smtptest.Talk) { test.manners.Serve(c) }}
				defer server.Wait()
				s, err := Dial(t.Context(), server.Peer(), Config{HELO: "probe.example"})
				if err != nil {
					t.Fatal(err)
				}
				defer s.Quit()
				keywords, helo, err := s.Hello()
				if !reflect.DeepEqual(keywords, test.keywords) || helo != test.helo || kindOf(err) != test.kind {
					t.Errorf("got %q, %v, %v", keywords, helo, err)
				}
				if len(test.keywords) > 0 && !s.Offers("STARTTLS") {
					t.Error("STARTTLS not seen")
				}
				if test.kind != "" {
					if e := err.(*Error); e.Phase != "ehlo" || e.Reply.Code == 0 {
						t.Errorf("error %+v", e)
					}
				}
			})
		})
	}
}

func TestCommandsAreOneLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var heard []string
		server := &smtptest.Server{Serve: func(_ int, c *smtptest.Talk) { smtptest.Manners{Commands: &heard}.Serve(c) }}
		s, err := Dial(t.Context(), server.Peer(), Config{HELO: "x\r\nRCPT TO:<a@b>"})
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := s.Hello(); err == nil {
			t.Error("a name with a line end was sent")
		}
		s.Quit()
		server.Wait()
		if len(heard) > 0 {
			t.Errorf("the server heard %q", heard)
		}
	})
}

func TestLimitsOfTime(t *testing.T) {
	silent := func(_ int, c *smtptest.Talk) {
		c.Say("220 mx")
		for {
			if _, ok := c.Hear(); !ok {
				return
			}
		}
	}
	synctest.Test(t, func(t *testing.T) {
		server := &smtptest.Server{Serve: silent}
		defer server.Wait()
		s, _ := Dial(t.Context(), server.Peer(), Config{})
		start := time.Now()
		if _, err := s.Command("NOOP"); kindOf(err) != "timeout" || time.Since(start) != 30*time.Second {
			t.Errorf("a command: %v after %v", err, time.Since(start))
		}
		s.Quit()
	})
	synctest.Test(t, func(t *testing.T) {
		server := &smtptest.Server{Serve: func(_ int, c *smtptest.Talk) {
			c.Say("220 mx")
			for {
				if _, ok := c.Hear(); !ok {
					return
				}
				time.Sleep(20 * time.Second)
				c.Say("250 ok")
			}
		}}
		defer server.Wait()
		s, _ := Dial(t.Context(), server.Peer(), Config{Session: 50 * time.Second})
		start := time.Now()
		for {
			if _, err := s.Command("NOOP"); err != nil {
				break
			}
		}
		if took := time.Since(start); took != 50*time.Second {
			t.Errorf("a session of %v", took)
		}
		s.Quit()
	})
	synctest.Test(t, func(t *testing.T) {
		server := &smtptest.Server{Serve: silent}
		defer server.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		s, _ := Dial(ctx, server.Peer(), Config{})
		start := time.Now()
		if _, err := s.Command("NOOP"); kindOf(err) != "timeout" || time.Since(start) != 5*time.Second {
			t.Errorf("the caller's end: %v after %v", err, time.Since(start))
		}
		s.Quit()
		if server.Open() != 0 {
			t.Error("the connection is still open")
		}
	})
	synctest.Test(t, func(t *testing.T) {
		server := &smtptest.Server{Serve: silent}
		defer server.Wait()
		s, _ := Dial(t.Context(), server.Peer(), Config{})
		start := time.Now()
		s.Quit()
		if took := time.Since(start); took != farewell {
			t.Errorf("waited %v for the answer to QUIT", took)
		}
	})
}

func TestTranscriptIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &smtptest.Server{Serve: func(_ int, c *smtptest.Talk) { smtptest.Manners{}.Serve(c) }}
		defer server.Wait()
		s, _ := Dial(t.Context(), server.Peer(), Config{})
		for range 2 * maxTranscript {
			if _, err := s.Command("NOOP"); err != nil {
				t.Fatal(err)
			}
		}
		s.Quit()
		if n := len(s.Transcript); n != maxTranscript+1 || s.Transcript[n-1].From != "*" {
			t.Errorf("%d lines", n)
		}
	})
}

// Outside a bubble, where a goroutine left behind would not be noticed otherwise.
func TestNothingIsLeftBehind(t *testing.T) {
	before := runtime.NumGoroutine()
	manners := smtptest.Manners{TLS: &tls.Config{Certificates: []tls.Certificate{smtptest.Certificate("mx.example")}}}
	server := &smtptest.Server{Serve: func(_ int, c *smtptest.Talk) { manners.Serve(c) }}
	defer server.Wait()
	for range 20 {
		s, err := UpToTLS(t.Context(), server.Peer(), Config{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.StartTLS(t.Context(), &tls.Config{InsecureSkipVerify: true}); err != nil {
			t.Fatal(err)
		}
		s.Quit()
	}
	server.Wait()
	for range 100 {
		if runtime.NumGoroutine() <= before {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if n := runtime.NumGoroutine(); n > before || server.Open() != 0 {
		t.Errorf("%d goroutines more, %d connections open", n-before, server.Open())
	}
}

// What a server says is kept up to a bound, and of its keywords those that may be judged come first.
func TestWhatIsSaidIsBounded(t *testing.T) {
	raw := []string{"250-mx.example.org"}
	for i := range 400 {
		raw = append(raw, fmt.Sprintf("250-XKEYWORD%d %s", i, strings.Repeat("x", 60)))
	}
	raw = append(raw, "250-REQUIRETLS", "250-XXXXXXXA", "250-auth=login", "250 StartTLS")
	list, octets := keywordsOf(raw), 0
	for _, k := range list {
		octets += len(k)
	}
	if octets > maxKeywords || len(list) < 20 || !slices.Equal(list[len(list)-4:], []string{"REQUIRETLS", "XXXXXXXA", "auth=login", "StartTLS"}) {
		t.Errorf("%d keywords of %d octets, the last %q", len(list), octets, list[max(0, len(list)-4):])
	}
	s := new(Session)
	for range 100 {
		s.heard(strings.Repeat("y", 500))
	}
	said := 0
	for _, l := range s.Transcript {
		said += len(l.Text)
	}
	if last := s.Transcript[len(s.Transcript)-1]; said > maxSaid+100 || said < maxSaid/2 || last.From != "*" {
		t.Errorf("%d octets of a transcript, which ends with %+v", said, last)
	}
}
