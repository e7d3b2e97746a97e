package tls

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"mxseal/checks/internal/egress"
	"mxseal/checks/internal/hello"
	"mxseal/checks/internal/smtp"
	"mxseal/checks/internal/smtp/smtptest"
	"mxseal/checks/report"
	"mxseal/checks/tls/ask"
	"mxseal/checks/tls/probe"
)

// after looks at a server whose ordinary handshake has worked, so that the stages go side by
// side.
func after(t *testing.T, s *smtptest.Server, depth report.Depth) (got *report.TLS, seen []Seen) {
	t.Helper()
	peer, config := s.Peer(), smtp.Config{HELO: "probe.example.test"}
	session, err := smtp.UpToTLS(t.Context(), peer, config)
	if err != nil {
		t.Fatal(err)
	}
	state, err := session.StartTLS(t.Context(), &tls.Config{InsecureSkipVerify: true, ServerName: "mx.example.test"})
	if err != nil {
		t.Fatal(err)
	}
	session.Quit()
	got, seen = gather(t.Context(), Target{Peer: peer, Host: "mx.example.test", Config: config, Depth: depth, First: &state, Rung: "modern"})
	s.Wait()
	return got, seen
}

// mannered serves Go's TLS behind an ordinary greeting.
func mannered(cfg *tls.Config) func(int, *smtptest.Talk) {
	return func(_ int, c *smtptest.Talk) { smtptest.Manners{TLS: cfg}.Serve(c) }
}

func everythingOfGo(certs ...tls.Certificate) *tls.Config {
	cfg := &tls.Config{Certificates: certs, MinVersion: tls.VersionTLS10}
	for _, s := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		cfg.CipherSuites = append(cfg.CipherSuites, s.ID)
	}
	return cfg
}

// Whatever answer comes first, a look at the same server reads the same.
func TestSideBySideIsTheSameEveryTime(t *testing.T) {
	lenient := &script{versions: tls10to12, groups: p256, schemes: byHash, certs: rsaOnly, prime: prime(2048),
		suites: []string{rsaRC4, rsaCBC, dheCBC, ecdhe3DES, ecdheCBC, ecdheGCM}}
	for _, test := range []struct {
		why    string
		cfg    *tls.Config
		depth  report.Depth
		script *script // instead of cfg
	}{
		{"a modern server", &tls.Config{Certificates: []tls.Certificate{rsaCert(t), ecdsaCert(t)}}, report.Standard, nil},
		{"one with all that Go has", everythingOfGo(rsaCert(t)), report.Standard, nil},
		{"the same, looked at in full", everythingOfGo(rsaCert(t), ecdsaCert(t)), report.Full, nil},
		{"TLS 1.2 alone", &tls.Config{Certificates: []tls.Certificate{ecdsaCert(t)}, MaxVersion: tls.VersionTLS12}, report.Standard, nil},
		{"TLS 1.3 alone", &tls.Config{Certificates: []tls.Certificate{ecdsaCert(t)}, MinVersion: tls.VersionTLS13}, report.Standard, nil},
		{"one that goes by our order and has many suites", nil, report.Standard, lenient},
		{"the same, looked at in full", nil, report.Full, lenient},
	} {
		var want string
		for seed := range uint64(8) {
			synctest.Test(t, func(t *testing.T) {
				var mu sync.Mutex
				dice := rand.New(rand.NewPCG(seed, 0))
				s := &smtptest.Server{Serve: func(n int, c *smtptest.Talk) {
					mu.Lock()
					late := time.Duration(dice.Int64N(int64(2 * time.Second)))
					mu.Unlock()
					time.Sleep(late)
					if test.script != nil {
						over(test.script.serve).Serve(n, c)
						return
					}
					mannered(test.cfg)(n, c)
				}}
				var seen *report.TLS
				if test.script == nil {
					seen, _ = after(t, s, test.depth)
				} else {
					first := &tls.ConnectionState{Version: tls.VersionTLS12, CipherSuite: tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, CurveID: tls.CurveP256}
					seen, _ = gather(t.Context(), Target{Peer: s.Peer(), Host: "mx.example.test", Config: smtp.Config{HELO: "probe.example.test"}, Depth: test.depth, First: first, Rung: "modern"})
					s.Wait()
					for _, name := range test.script.suites {
						if !strings.Contains(list(seen), " "+name) {
							t.Errorf("%s: %s is missing\n%s", test.why, name, trace(seen))
						}
					}
				}
				b, err := json.MarshalIndent(seen, "", " ")
				if err != nil {
					t.Fatal(err)
				}
				if got := string(b); want == "" {
					want = got
				} else if got != want {
					a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
					i := 0
					for i < min(len(a), len(b)) && a[i] == b[i] {
						i++
					}
					t.Errorf("%s: with seed %d line %d is %q, was %q", test.why, seed, i+1, b[i], a[i])
				}
			})
		}
	}
}

// Two at a time take little more than half the time of one after the other. The clock is the
// test's own, so the round trips are counted, not measured.
func TestRoundTripsSideBySide(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const roundTrip = 100 * time.Millisecond
		s := &smtptest.Server{Delay: roundTrip / 2, Serve: mannered(&tls.Config{Certificates: []tls.Certificate{rsaCert(t), ecdsaCert(t)}})}
		start := time.Now()
		got, _ := after(t, s, report.Standard)
		// The ordinary handshake takes 7; a refused hello 5 and an accepted one 6.
		if n := int(time.Since(start) / roundTrip); n > 7+6*got.Connections*6/10 {
			t.Errorf("%d round trips for %d connections\n%s", n, got.Connections, trace(got))
		}
	})
}

// A server that puts us off while two are with it is left in peace by both, and from then on
// sees one at a time.
func TestPutOffWhileTwoAreUnderWay(t *testing.T) {
	for _, test := range []struct {
		why    string
		refuse time.Duration // how long, from the fifth connection on
		visits int           // 0: as many as it takes
		words  string
	}{
		{"421 from the fifth connection on: each of two tries again, or sees that the other has in vain", time.Hour, 8, "421"},
		{"421 to whoever comes within a second", time.Second, 0, "at a second try"},
	} {
		synctest.Test(t, func(t *testing.T) {
			var mu sync.Mutex
			var putOff time.Time
			var begins []time.Time
			cfg := &tls.Config{Certificates: []tls.Certificate{ecdsaCert(t)}}
			s := &smtptest.Server{Delay: 20 * time.Millisecond}
			s.Serve = func(n int, c *smtptest.Talk) {
				m := smtptest.Manners{TLS: cfg}
				mu.Lock()
				begins = append(begins, time.Now())
				if n == 5 {
					putOff = time.Now()
				}
				if n >= 5 && time.Since(putOff) < test.refuse {
					m.Greeting = "421 4.7.0 too many connections"
				}
				mu.Unlock()
				m.Serve(c)
			}
			got, _ := after(t, s, report.Standard)
			if test.visits > 0 && s.Visits() > test.visits {
				t.Errorf("%s: %d connections, want at most %d\n%s", test.why, s.Visits(), test.visits, trace(got))
			}
			if !strings.Contains(trace(got), test.words) || test.visits > 0 != (len(untested(got)) > 0) {
				t.Errorf("%s: untested %v\n%s", test.why, untested(got), trace(got))
			}
			if test.visits > 0 {
				return
			}
			later := slices.IndexFunc(begins, func(b time.Time) bool { return b.After(putOff.Add(test.refuse)) })
			if later < 0 || begins[later].Sub(putOff) < 5*time.Second {
				t.Fatalf("%s: nobody paused\n%s", test.why, trace(got))
			}
			for i := later + 1; i < len(begins); i++ {
				if apart := begins[i].Sub(begins[i-1]); apart < time.Second {
					t.Errorf("%s: connection %d comes %v after the one before", test.why, i+1, apart)
				}
			}
		})
	}
}

// Connections to a server that is slow to greet wait side by side, two of them at most say
// something, and those that were opened ahead in vain are counted and left with QUIT.
func TestSlowGreeting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const greeting = 10 * time.Second
		var mu sync.Mutex
		open, talking, mostOpen, mostTalking, quits := 0, 0, 0, 0, 0
		add := func(n, most *int, d int) {
			mu.Lock()
			defer mu.Unlock()
			*n += d
			*most = max(*most, *n)
		}
		s := &smtptest.Server{Delay: 10 * time.Millisecond}
		s.Serve = func(n int, c *smtptest.Talk) {
			add(&open, &mostOpen, 1)
			defer add(&open, &mostOpen, -1)
			time.Sleep(greeting)
			c.Say("220 mx.example")
			line, ok := c.Hear()
			if !ok {
				return
			}
			add(&talking, &mostTalking, 1)
			defer add(&talking, &mostTalking, -1)
			if line == "QUIT" {
				add(&quits, new(int), 1)
				c.Say("221 bye")
				return
			}
			c.Say("250-mx.example", "250 STARTTLS")
			c.Hear()
			c.Say("220 go ahead")
			c.Conn().Read(make([]byte, 8192))
			c.Raw("\x15\x03\x03\x00\x02\x02\x28") // handshake_failure to whatever it is
		}
		peer, config := s.Peer(), smtp.Config{HELO: "probe.example.test"}
		state := &tls.ConnectionState{Version: tls.VersionTLS13, CipherSuite: tls.TLS_AES_128_GCM_SHA256, CurveID: tls.X25519}
		start := time.Now()
		got, _ := gather(t.Context(), Target{Peer: peer, Host: "mx.example.test", Config: config, Depth: report.Standard, First: state, Rung: "modern", Greeting: greeting})
		took := time.Since(start)
		s.Wait()
		asked := 0
		for _, p := range got.Probes {
			if p.Offered != "" {
				asked++
			}
		}
		if greetings := int(took / greeting); asked < 8 || greetings >= asked/2 {
			t.Errorf("%d probes took the time of %d greetings\n%s", asked, greetings, trace(got))
		}
		if mostOpen > egress.Backlog+2 || mostTalking > 2 {
			t.Errorf("%d were open and %d talked at a time, want at most %d and 2", mostOpen, mostTalking, egress.Backlog+2)
		}
		if got.Connections != s.Visits() || got.Connections < asked || got.Connections > asked+3 || quits > got.Connections-asked || s.Open() != 0 {
			t.Errorf("%d probes, %d connections, %d seen, %d left by QUIT, %d open", asked, got.Connections, s.Visits(), quits, s.Open())
		}
	})
}

// A fault of our own in one of the stages reaches whoever asked, not the runtime.
func TestPanicsReachTheCaller(t *testing.T) {
	line := probe.New(t.Context(), budgetStandard, func(context.Context, int) (net.Conn, error) { panic("a fault of our own") })
	line.Permissive = new(hello.Hello)
	defer func() {
		if v, _ := recover().(string); !strings.Contains(v, "a fault of our own") || !strings.Contains(v, "goroutine") {
			t.Errorf("recovered %q, want the fault with its stack", v)
		}
	}()
	ask.Ask(line, ask.Server{Depth: report.Standard})
	t.Error("the fault is lost")
}
