package starttls

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"mxseal/checks/internal/smtp"
	"mxseal/checks/internal/smtp/smtptest"
	"mxseal/checks/report"
)

// speaking is a polite server whose TLS a test changes.
func speaking(change func(*tls.Config)) func(int, *smtptest.Talk) {
	return polite(smtptest.Manners{TLS: secured(change)})
}

// refusing is a server whose TLS fails on some hellos.
func refusing(bad func(*tls.ClientHelloInfo) bool) func(int, *smtptest.Talk) {
	return speaking(func(c *tls.Config) {
		c.GetConfigForClient = func(h *tls.ClientHelloInfo) (*tls.Config, error) {
			if bad(h) {
				return nil, errors.New("no")
			}
			return nil, nil
		}
	})
}

// limited is a server that greets nobody any more once so many hellos were sent to it.
func limited(hellos int, serve func(int, *smtptest.Talk)) func(int, *smtptest.Talk) {
	return func(visit int, c *smtptest.Talk) {
		if c.Hellos() >= hellos {
			c.Say("421 too many connections")
			return
		}
		serve(visit, c)
	}
}

// after is a server that reads the ClientHello and then does something else.
func after(then func(*smtptest.Talk)) func(int, *smtptest.Talk) {
	return func(_ int, c *smtptest.Talk) {
		c.Say("220 mx.example")
		for {
			line, ok := c.Hear()
			switch {
			case !ok:
				return
			case strings.HasPrefix(line, "EHLO"):
				c.Say("250-mx.example", "250 STARTTLS")
			case line == "STARTTLS":
				c.Say("220 go")
				c.Conn().Read(make([]byte, 8192))
				then(c)
				return
			default:
				c.Say("250 ok")
			}
		}
	}
}

// inside is a server that completes the handshake and meets what comes first by a reply, or
// by hanging up where that is empty.
func inside(auth tls.ClientAuthType, reply string) func(int, *smtptest.Talk) {
	return func(_ int, c *smtptest.Talk) {
		c.Say("220 mx.example")
		for {
			line, ok := c.Hear()
			switch {
			case !ok:
				return
			case strings.HasPrefix(line, "EHLO"):
				c.Say("250-mx.example", "250 STARTTLS")
			case line == "STARTTLS":
				c.Say("220 go")
				if c.Handshake(secured(func(c *tls.Config) { c.ClientAuth = auth })) == nil {
					c.Hear()
					if reply != "" {
						c.Say(reply)
					}
				}
				return
			default:
				c.Say("250 ok")
			}
		}
	}
}

// atOnce is a server that lets in so many of us at a time.
func atOnce(limit int64, serve func(int, *smtptest.Talk)) func(int, *smtptest.Talk) {
	var inside atomic.Int64
	return func(visit int, c *smtptest.Talk) {
		defer inside.Add(-1)
		if inside.Add(1) > limit {
			c.Say("421 4.7.0 too many connections")
			return
		}
		serve(visit, c)
	}
}

// insideTLS is a server that says something unasked inside TLS, takes its time for every reply
// there, and has its own answer to QUIT. One that obeys also answers what came with STARTTLS.
func insideTLS(obeys bool, wait time.Duration, unasked, quit string) func(int, *smtptest.Talk) {
	return func(_ int, c *smtptest.Talk) {
		c.Say("220 mx.example")
		secure := false
		say := func(lines ...string) {
			if secure {
				time.Sleep(wait)
			}
			c.Say(lines...)
		}
		for {
			switch line, ok := c.Hear(); {
			case !ok:
				return
			case strings.HasPrefix(line, "EHLO") && secure:
				say("250-mx.example", "250 PIPELINING")
			case strings.HasPrefix(line, "EHLO"):
				say("250-mx.example", "250 STARTTLS")
			case line == "QUIT":
				say(quit)
				return
			case line == "STARTTLS":
				early := c.Waiting()
				c.Say("220 go")
				for range strings.Count(early, "\n") {
					c.Hear()
				}
				if c.Handshake(secured(nil)) != nil {
					return
				}
				secure = true
				if unasked != "" {
					say(unasked)
				}
				if early != "" && obeys {
					say("250 ok")
				}
			default:
				say("250 ok")
			}
		}
	}
}

func hang(c *smtptest.Talk) { io.Copy(io.Discard, c.Conn()) }

func TestOutcomes(t *testing.T) {
	mail := func(reply string) func(int, *smtptest.Talk) {
		return polite(smtptest.Manners{TLS: secured(nil), MAIL: reply})
	}
	unlisted := smtptest.Manners{EHLO: "250-mx\n250 SIZE", TLS: secured(nil)}
	for _, test := range []struct {
		why      string
		serve    func(int, *smtptest.Talk)
		depth    report.Depth // standard if empty
		starttls string
		reply    string
		failure  string       // phase and kind
		rung     report.Hello // that worked
		rungs    int          // tried; 0 for whatever
		ours     bool         // only our own hello could
		want     func(*report.SMTP) bool
		takes    time.Duration // 0 for whatever
	}{
		{why: "EHLO without STARTTLS", serve: polite(unlisted), depth: report.Quick, starttls: "not-offered",
			want: func(s *report.SMTP) bool { return !s.Hidden }},
		{why: "not listed and unknown", serve: polite(smtptest.Manners{EHLO: "250-mx\n250 SIZE", STARTTLS: "502 no"}), starttls: "not-offered", reply: "502 no",
			want: func(s *report.SMTP) bool { return !s.Hidden }},
		{why: "not listed, yet it works", serve: polite(unlisted), starttls: "not-offered", reply: "220 go ahead",
			want: func(s *report.SMTP) bool { return s.Hidden }},
		{why: "erased by a firewall", serve: polite(smtptest.Manners{EHLO: "250-mx\n250-XXXXXXXA\n250 SIZE"}), starttls: "not-offered"},
		{why: "HELO only", serve: polite(smtptest.Manners{EHLO: "502 what?"}), starttls: "not-offered", reply: "502 what?",
			want: func(s *report.SMTP) bool { return s.HELO && s.EHLO == nil }},
		{why: "greeting 421", serve: polite(smtptest.Manners{Greeting: "421 busy"}), starttls: "untested", reply: "421 busy", failure: "greeting reply"},
		{why: "greeting 554", serve: polite(smtptest.Manners{Greeting: "554 no"}), starttls: "untested", reply: "554 no", failure: "greeting reply"},
		{why: "EHLO 550", serve: polite(smtptest.Manners{EHLO: "550 no", HELO: "550 no"}), starttls: "untested", reply: "550 no", failure: "ehlo reply"},
		{why: "EHLO 550 and HELO is taken: senders go on in clear", serve: polite(smtptest.Manners{EHLO: "550 no"}), starttls: "not-offered", reply: "550 no",
			want: func(s *report.SMTP) bool { return s.HELO }},
		{why: "no greeting, twice", serve: func(_ int, c *smtptest.Talk) { c.Hear() }, starttls: "untested", failure: "greeting timeout", takes: 80 * time.Second},
		{why: "no greeting, once", serve: func(visit int, c *smtptest.Talk) {
			if visit > 1 {
				smtptest.Manners{TLS: secured(nil)}.Serve(c)
			}
		}, starttls: "ok", rung: "modern"},

		{why: "STARTTLS refused", serve: polite(smtptest.Manners{STARTTLS: "502 no"}), starttls: "refused", reply: "502 no"},
		{why: "STARTTLS put off for good", serve: polite(smtptest.Manners{STARTTLS: "454 later"}), starttls: "untested", reply: "454 later", failure: "starttls reply",
			takes: 7 * time.Second, want: func(s *report.SMTP) bool { return s.Tries == 3 }},
		{why: "STARTTLS put off once", serve: func(visit int, c *smtptest.Talk) {
			m := smtptest.Manners{TLS: secured(nil)}
			if visit == 1 {
				m.STARTTLS = "454 later"
			}
			m.Serve(c)
		}, starttls: "ok", rung: "modern", takes: 2 * time.Second},
		{why: "421 to STARTTLS ends it", serve: polite(smtptest.Manners{STARTTLS: "421 too many"}), starttls: "untested", reply: "421 too many", failure: "starttls reply"},
		{why: "closed in answer to STARTTLS", serve: func(_ int, c *smtptest.Talk) {
			c.Say("220 mx")
			c.Hear()
			c.Say("250-mx", "250 STARTTLS")
			c.Hear()
		}, starttls: "untested", failure: "starttls closed", takes: 7 * time.Second, want: func(s *report.SMTP) bool { return s.Tries == 3 }},

		{why: "closed in answer to every hello", serve: after(func(*smtptest.Talk) {}), starttls: "handshake-failed", rungs: 9},
		{why: "hangs in every handshake", serve: after(hang), starttls: "untested", failure: "handshake timeout", rungs: 3, takes: time.Minute},
		{why: "alert 80 to every hello", serve: after(func(c *smtptest.Talk) { c.Raw("\x15\x03\x03\x00\x02\x02\x50") }), starttls: "handshake-failed", rungs: 9,
			want: func(s *report.SMTP) bool { return s.Ladder[0].Alert == 80 && s.Ladder[8].Alert == 80 }},
		{why: "half a record", serve: after(func(c *smtptest.Talk) { c.Raw("\x16\x03\x03\x01") }), starttls: "handshake-failed", rungs: 9},
		{why: "plain text instead of TLS", serve: after(func(c *smtptest.Talk) { c.Say("454 TLS is broken") }), starttls: "handshake-failed", rungs: 9,
			want: func(s *report.SMTP) bool { return s.Ladder[0].Of.Params["octets"] == "454 T" }},
		{why: "TLS 1.2 at best", serve: speaking(func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 }), starttls: "ok", rung: "modern", rungs: 1},
		{why: "only a suite that is no longer offered by default", serve: speaking(func(c *tls.Config) {
			c.MaxVersion, c.CipherSuites = tls.VersionTLS12, []uint16{tls.TLS_ECDHE_ECDSA_WITH_RC4_128_SHA}
		}), starttls: "ok", rung: "every-suite", rungs: 8},
		{why: "TLS 1.1 only", serve: speaking(func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS11, tls.VersionTLS11 }), starttls: "ok", rung: "postfix", rungs: 7, ours: true, want: speaks("TLS1.1", "postfix exim")},
		{why: "TLS 1.0 only", serve: speaking(func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS10 }), starttls: "ok", rung: "postfix", rungs: 7, ours: true, want: speaks("TLS1.0", "postfix exim")},
		{why: "fails on the server name", serve: refusing(func(h *tls.ClientHelloInfo) bool { return h.ServerName != "" }), starttls: "ok", rung: "no-sni", rungs: 7},
		{why: "fails on the hybrid group", serve: refusing(func(h *tls.ClientHelloInfo) bool { return slices.Contains(h.SupportedCurves, tls.X25519MLKEM768) }),
			starttls: "ok", rung: "no-hybrid", rungs: 6},
		{why: "asks for a client certificate", serve: speaking(func(c *tls.Config) { c.ClientAuth = tls.RequestClientCert }), starttls: "ok", rung: "modern",
			want: func(s *report.SMTP) bool { return s.ClientCert == "asked" }},
		{why: "demands a client certificate in TLS 1.3", serve: speaking(func(c *tls.Config) { c.ClientAuth = tls.RequireAnyClientCert }), starttls: "handshake-failed", rungs: 1,
			want: func(s *report.SMTP) bool { return s.ClientCert == "required" && s.Ladder[0].Alert == 116 }},
		{why: "demands a client certificate in TLS 1.2", serve: speaking(func(c *tls.Config) { c.ClientAuth, c.MaxVersion = tls.RequireAnyClientCert, tls.VersionTLS12 }),
			starttls: "handshake-failed", rungs: 1, want: func(s *report.SMTP) bool { return s.ClientCert == "required" }},
		{why: "demands a client certificate in words, as Postfix does", serve: inside(tls.RequestClientCert, "421 4.7.1 mx Error: No client certificate presented"),
			starttls: "handshake-failed", rungs: 1, want: func(s *report.SMTP) bool {
				return s.ClientCert == "required" && strings.Contains(s.Ladder[0].Params["reply"], "No client certificate presented")
			}},
		{why: "asks for a client certificate and hangs up after the handshake", serve: inside(tls.RequestClientCert, ""),
			starttls: "handshake-failed", rungs: 1, want: func(s *report.SMTP) bool { return s.ClientCert == "required" }},
		{why: "asks for a client certificate and has no time inside TLS", serve: inside(tls.RequestClientCert, "421 4.3.2 too busy"),
			starttls: "ok", rung: "modern", reply: "421 4.3.2 too busy", failure: "ehlo reply", want: func(s *report.SMTP) bool { return s.ClientCert == "asked" }},
		{why: "speaks of certificates and has asked for none", serve: inside(tls.NoClientCert, "554 5.7.1 renewing our certificate"),
			starttls: "ok", rung: "modern", reply: "554 5.7.1 renewing our certificate", failure: "ehlo reply", want: func(s *report.SMTP) bool { return s.ClientCert == "" }},
		{why: "a certificate that Go does not parse and others take", serve: speaking(func(c *tls.Config) {
			c.Certificates = []tls.Certificate{odd(t)}
		}), starttls: "ok", rung: "postfix", rungs: 4, ours: true, want: speaks("TLS1.3", "postfix exim opensmtpd")},
		{why: "the same with TLS 1.2 and the key exchange of RSA", serve: speaking(func(c *tls.Config) {
			c.Certificates, c.MaxVersion, c.CipherSuites = []tls.Certificate{odd(t)}, tls.VersionTLS12, []uint16{tls.TLS_RSA_WITH_AES_128_GCM_SHA256}
		}), starttls: "ok", rung: "postfix", ours: true, want: speaks("TLS1.2", "postfix exim opensmtpd")},
		{why: "a key that is not that of the certificate", serve: speaking(func(c *tls.Config) {
			other := smtptest.Certificate("mx.example")
			other.Leaf, other.PrivateKey = nil, func() crypto.PrivateKey { k, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader); return k }()
			c.Certificates = []tls.Certificate{other}
		}), starttls: "handshake-failed", rungs: 1},
		{why: "needs the key exchange of RSA, which Go no longer offers", serve: speaking(func(c *tls.Config) {
			c.Certificates, c.MaxVersion, c.CipherSuites = []tls.Certificate{withRSA(t, "mx.example")}, tls.VersionTLS12, []uint16{tls.TLS_RSA_WITH_AES_128_GCM_SHA256}
		}), starttls: "ok", rung: "postfix", rungs: 7, ours: true, want: speaks("TLS1.2", "postfix exim opensmtpd")},
		{why: "only P-521", serve: speaking(func(c *tls.Config) { c.CurvePreferences = []tls.CurveID{tls.CurveP521} }),
			starttls: "ok", rung: "modern", rungs: 1, want: speaks("", "postfix exim opensmtpd go")},
		{why: "breaks off on TLS 1.3 in the hello, whatever its size", serve: refusing(func(h *tls.ClientHelloInfo) bool { return slices.Contains(h.SupportedVersions, tls.VersionTLS13) }),
			starttls: "ok", rung: "small-tls12", rungs: 6, want: speaks("", "")},
		{why: "hangs on a hello that does not fit into one packet", serve: longHang, starttls: "ok", rung: "no-hybrid", rungs: 6,
			want: func(s *report.SMTP) bool {
				go_ := fates(&report.Address{SMTP: s})[3]
				return s.Ladder[0].Kind == "timeout" && s.Ladder[1].Kind == "timeout" && !go_.works && !go_.fails
			}},
		{why: "what stands for a certificate is none", serve: speaking(func(c *tls.Config) {
			broken := identity()
			broken.Certificate, broken.Leaf = [][]byte{{0x30, 0x03, 0x02, 0x01, 0x01}}, nil
			c.Certificates = []tls.Certificate{broken}
		}), starttls: "handshake-failed", rungs: 5},
		{why: "a key that Go finds too short, and senders that take any encryption do not mind", serve: speaking(func(c *tls.Config) {
			c.Certificates, c.MaxVersion = []tls.Certificate{short(t)}, tls.VersionTLS12
		}), starttls: "ok", rung: "postfix", rungs: 4, ours: true, want: func(s *report.SMTP) bool { return len(s.EHLOTLS) > 0 }},
		{why: "the same with TLS 1.0 alone", serve: speaking(func(c *tls.Config) {
			c.Certificates, c.MinVersion, c.MaxVersion = []tls.Certificate{short(t)}, tls.VersionTLS10, tls.VersionTLS10
		}), starttls: "ok", rung: "postfix", rungs: 7, ours: true},
		{why: "silent inside TLS", depth: report.Quick, serve: func(_ int, c *smtptest.Talk) {
			c.Say("220 mx")
			c.Hear()
			c.Say("250-mx", "250 STARTTLS")
			if line, _ := c.Hear(); line != "STARTTLS" {
				return
			}
			c.Say("220 go")
			c.Handshake(secured(nil))
			hang(c)
		}, starttls: "ok", rung: "modern", failure: "ehlo timeout", want: func(s *report.SMTP) bool { return s.EHLOTLS == nil }},
		{why: "stray bytes", serve: polite(smtptest.Manners{STARTTLS: "220 go\n250 stray", TLS: secured(nil)}), starttls: "ok", rung: "modern",
			want: func(s *report.SMTP) bool { return s.Stray == "250 stray\ufffd\ufffd" }},
		{why: "rate limit met on the ladder", serve: limited(1, speaking(func(c *tls.Config) { c.MaxVersion = tls.VersionTLS10 })),
			starttls: "untested", failure: "greeting reply", reply: "421 too many connections"},
		{why: "rate limit met on the last rung: nobody knows whether that one would have held",
			serve:    limited(6, after(func(c *smtptest.Talk) { c.Raw("\x15\x03\x03\x00\x02\x02\x28") })),
			starttls: "untested", failure: "greeting reply", reply: "421 too many connections"},

		{why: "enforced", serve: mail("530 5.7.0 Must issue a STARTTLS command first"), starttls: "ok", want: func(s *report.SMTP) bool { return s.Enforced != nil && *s.Enforced }},
		{why: "enforced in other words", serve: mail("550 5.7.1 tls required"), starttls: "ok", want: func(s *report.SMTP) bool { return s.Enforced != nil && *s.Enforced }},
		{why: "refused for another reason", serve: mail("550 5.7.1 not welcome"), starttls: "ok", want: func(s *report.SMTP) bool { return s.Enforced == nil && s.MailReply != "" }},
		{why: "put off, with TLS in the text", serve: mail("451 4.7.1 try TLS later"), starttls: "ok", want: func(s *report.SMTP) bool { return s.Enforced == nil }},
		{why: "never more than one connection", serve: func(visit int, c *smtptest.Talk) {
			if visit > 1 {
				c.Say("421 you have been here")
				return
			}
			smtptest.Manners{TLS: secured(nil)}.Serve(c)
		}, starttls: "ok", want: func(s *report.SMTP) bool {
			return s.Enforced == nil && s.MailFailure != nil && s.MailFailure.Phase == "greeting"
		}},
		{why: "one connection at a time", serve: atOnce(1, polite(smtptest.Manners{TLS: secured(nil)})), starttls: "ok", rung: "modern", want: func(s *report.SMTP) bool {
			return s.Enforced != nil && s.Injection == "discarded"
		}},
		{why: "one connection at a time, on the ladder too", serve: atOnce(1, speaking(func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS10 })),
			starttls: "ok", rung: "postfix", rungs: 7, ours: true, want: func(s *report.SMTP) bool { return s.Enforced != nil }},
		{why: "421 to STARTTLS while another is about", serve: func(visit int, c *smtptest.Talk) {
			m := smtptest.Manners{TLS: secured(nil)}
			if c.Hellos() == 0 {
				m.STARTTLS = "421 too many TLS sessions"
			}
			m.Serve(c)
		}, starttls: "ok", rung: "modern"},
		{why: "STARTTLS not listed on the second visit", serve: func(visit int, c *smtptest.Talk) {
			m := smtptest.Manners{TLS: secured(nil)}
			if visit == 2 {
				m.EHLO = "250 mx"
			}
			m.Serve(c)
		}, starttls: "ok", want: func(s *report.SMTP) bool { return s.Changed }},
		{why: "obeys what came with STARTTLS", serve: obedient("250 ok"), starttls: "ok", want: func(s *report.SMTP) bool { return s.Injection == "answered" }},
		{why: "answers what came with STARTTLS by an error", serve: obedient("500 what?"), starttls: "ok", want: func(s *report.SMTP) bool { return s.Injection == "answered" }},
		{why: "obeys what came with STARTTLS, late", serve: insideTLS(true, 10*time.Second, "", "221 bye"), starttls: "ok", want: func(s *report.SMTP) bool { return s.Injection == "answered" }},
		{why: "greets again inside TLS", serve: insideTLS(false, 0, "220 mx inside", "221 bye"), starttls: "ok", want: func(s *report.SMTP) bool {
			return s.Injection == "discarded" && slices.Equal(s.EHLOTLS, []string{"PIPELINING"})
		}},
		{why: "greets again inside TLS and obeys", serve: insideTLS(true, 0, "220 mx inside", "221 bye"), starttls: "ok", want: func(s *report.SMTP) bool { return s.Injection == "answered" }},
		{why: "greets again inside TLS, by a code that NOOP has too", serve: insideTLS(false, 0, "250 mx inside", "221 bye"), starttls: "ok", want: func(s *report.SMTP) bool { return s.Injection == "" }},
		{why: "answers QUIT by an unusual code", serve: insideTLS(false, 0, "", "250 bye"), starttls: "ok", want: func(s *report.SMTP) bool { return s.Injection == "" }},
		{why: "answers late", serve: insideTLS(false, 10*time.Second, "", "221 bye"), starttls: "ok", want: func(s *report.SMTP) bool { return s.Injection == "discarded" }},
		{why: "answers later than anybody waits", serve: insideTLS(true, time.Minute, "", "221 bye"), depth: report.Standard, starttls: "ok", failure: "ehlo timeout",
			want: func(s *report.SMTP) bool { return s.Injection == "" }},
		{why: "obeys, and knows only old TLS: the probe could not be tried", serve: func(visit int, c *smtptest.Talk) {
			smtptest.Manners{TLS: secured(func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS11, tls.VersionTLS11 })}.Serve(c)
		}, starttls: "ok", rung: "postfix", ours: true, want: func(s *report.SMTP) bool { return s.Injection == "" }},
		{why: "hangs up on what came with STARTTLS", serve: obedient(""), starttls: "ok", want: func(s *report.SMTP) bool { return s.Injection == "closed" }},
	} {
		t.Run(test.why, func(t *testing.T) {
			if test.depth == "" {
				test.depth = report.Standard
			}
			visits(t, test.depth, &smtptest.Server{Serve: test.serve}, func(s *report.SMTP, state *tls.ConnectionState, failure *report.Failure, took time.Duration) {
				if string(s.STARTTLS) != test.starttls || s.Reply != test.reply {
					t.Errorf("starttls %q, reply %q, failure %v", s.STARTTLS, s.Reply, failure)
				}
				got := ""
				if failure != nil {
					got = string(failure.Phase) + " " + string(failure.Kind)
				}
				if got != test.failure {
					t.Errorf("failure %q, want %q", got, test.failure)
				}
				if (state != nil) != (test.starttls == "ok" && !test.ours) {
					t.Errorf("state %v", state)
				}
				if test.rung != "" && Worked(s.Ladder) != test.rung || test.rungs != 0 && len(s.Ladder) != test.rungs {
					t.Errorf("ladder %+v", s.Ladder)
				}
				if test.want != nil && !test.want(s) {
					t.Errorf("%+v", s)
				}
				if test.takes != 0 && took != test.takes {
					t.Errorf("took %v, want %v", took, test.takes)
				}
			})
		})
	}
}

// short is an identity with an RSA key of 512 bits, which crypto/rsa neither makes nor uses.
func short(t *testing.T) tls.Certificate {
	t.Helper()
	p, errP := rand.Prime(rand.Reader, 256)
	q, errQ := rand.Prime(rand.Reader, 256)
	one := big.NewInt(1)
	order := new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
	k := shortKey{public: rsa.PublicKey{N: new(big.Int).Mul(p, q), E: 65537}, d: new(big.Int)}
	if errP != nil || errQ != nil || k.d.ModInverse(big.NewInt(65537), order) == nil {
		t.Fatal("no key could be made")
	}
	issuer, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: one, DNSNames: []string{"mx.example.test"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &k.public, issuer)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: k, SupportedSignatureAlgorithms: []tls.SignatureScheme{tls.PKCS1WithSHA1, tls.PKCS1WithSHA256}}
}

// shortKey signs by PKCS #1 v1.5 (RFC 8017 §8.2.1).
type shortKey struct {
	public rsa.PublicKey
	d      *big.Int
}

func (k shortKey) Public() crypto.PublicKey { return &k.public }

func (k shortKey) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	prefix := map[crypto.Hash]string{
		crypto.SHA256:  "\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20",
		crypto.SHA1:    "\x30\x21\x30\x09\x06\x05\x2b\x0e\x03\x02\x1a\x05\x00\x04\x14",
		crypto.MD5SHA1: "",
	}[opts.HashFunc()]
	info := append([]byte(prefix), digest...)
	size := k.public.Size()
	padded := append([]byte{0, 1}, bytes.Repeat([]byte{0xff}, size-3-len(info))...)
	m := new(big.Int).SetBytes(append(append(padded, 0), info...))
	return m.Exp(m, k.d, k.public.N).FillBytes(make([]byte, size)), nil
}

func TestSmuggled(t *testing.T) {
	for _, test := range []struct {
		heard []int
		ended bool
		want  report.Injection
	}{
		{nil, true, "closed"},
		{nil, false, ""},
		{[]int{221}, true, "discarded"},
		{[]int{421}, true, "closed"},
		{[]int{421}, false, "closed"},
		{[]int{250, 221}, true, "answered"},
		{[]int{500, 221}, true, "answered"},
		{[]int{503, 221}, true, "answered"},
		{[]int{530, 221}, true, "answered"},
		{[]int{250, 250}, true, "answered"}, // and an unusual answer to QUIT
		{[]int{250}, true, ""},              // one reply: to NOOP or to QUIT
		{[]int{250}, false, ""},
		{[]int{220, 221}, true, "discarded"},
		{[]int{220, 220, 221}, true, "discarded"},
		{[]int{220, 250, 221}, true, "answered"},
		{[]int{220}, true, "closed"},
		{[]int{220}, false, ""},
		{[]int{554, 221}, true, ""}, // a greeting that refuses
		{[]int{354, 221}, true, ""},
	} {
		var heard []smtp.Reply
		for _, code := range test.heard {
			heard = append(heard, smtp.Reply{Code: code, Lines: []string{""}})
		}
		if got := smuggled(heard, test.ended); got != test.want {
			t.Errorf("%v, ended %v: %q, want %q", test.heard, test.ended, got, test.want)
		}
	}
}

// speaks is true where exactly these senders complete a handshake, and in that version.
func speaks(version report.Version, senders string) func(*report.SMTP) bool {
	return func(s *report.SMTP) bool {
		var works []string
		for _, f := range fates(&report.Address{SMTP: s}) {
			if f.works {
				works = append(works, f.ID)
			}
		}
		agreed := version == ""
		for _, r := range s.Ladder {
			agreed = agreed || r.OK && r.Version == version
		}
		return agreed && strings.Join(works, " ") == senders
	}
}

// odd is an identity whose certificate has a name that crypto/x509 refuses: a PrintableString
// with an @ (RFC 5280 appendix B). Nothing else about it is out of order.
func odd(t *testing.T) tls.Certificate {
	t.Helper()
	c := withRSA(t, "mx@example")
	if _, err := x509.ParseCertificate(c.Certificate[0]); err == nil {
		t.Fatal("crypto/x509 takes it")
	}
	return c
}

// withRSA is an identity with an RSA key, and with a PrintableString for its subject.
func withRSA(t *testing.T, name string) tls.Certificate {
	t.Helper()
	key := rsaKey()
	subject := append([]byte{0x30, byte(11 + len(name)), 0x31, byte(9 + len(name)), 0x30, byte(7 + len(name)), 6, 3, 0x55, 4, 3, 0x13, byte(len(name))}, name...)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), RawSubject: subject, DNSNames: []string{"mx.example"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	// A leaf that the server's side of the library has no need to parse.
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: &x509.Certificate{PublicKey: key.Public(), PublicKeyAlgorithm: x509.RSA, DNSNames: []string{"mx.example"}}}
}

var rsaKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

// longHang does not answer a hello that does not fit into one packet.
var longHang = speaking(func(c *tls.Config) {
	c.GetConfigForClient = func(h *tls.ClientHelloInfo) (*tls.Config, error) {
		if slices.Contains(h.SupportedCurves, tls.X25519MLKEM768) {
			io.Copy(io.Discard, h.Conn)
			return nil, errors.New("gone")
		}
		return nil, nil
	}
})
