package resolve

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"mxseal/checks/internal/egress"
	"mxseal/checks/report"
)

// A resolver that is away, or fails, for some seconds is asked until it answers, and one that
// fails for good so many times and no more.
func TestRoundsOfTries(t *testing.T) {
	fails := func(rcode int, ede ...uint16) func(*dns.Msg) *dns.Msg {
		return func(m *dns.Msg) *dns.Msg {
			m.Rcode, m.Answer, m.Ns = rcode, nil, nil
			for _, code := range ede {
				m.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_EDE{InfoCode: code}}
			}
			return m
		}
	}
	silence := func(*dns.Msg) *dns.Msg { return nil }
	const forever = time.Hour
	for _, c := range []struct {
		why    string
		fault  error // of connecting
		change func(*dns.Msg) *dns.Msg
		lasts  time.Duration
		kind   report.Kind // of the failure; empty where the answer comes
		most   int         // tries
	}{
		{"closed for a second", syscall.ECONNREFUSED, nil, time.Second, "", 4},
		{"closed for four seconds", syscall.ECONNREFUSED, nil, 4 * time.Second, "", 5},
		{"no way there for four seconds", syscall.EHOSTUNREACH, nil, 4 * time.Second, "", 5},
		{"no file for four seconds", syscall.EMFILE, nil, 4 * time.Second, "", 5},
		{"reset for four seconds", syscall.ECONNRESET, nil, 4 * time.Second, "", 5},
		{"SERVFAIL for four seconds", nil, fails(dns.RcodeServerFailure), 4 * time.Second, "", 9},
		{"REFUSED for four seconds", nil, fails(dns.RcodeRefused), 4 * time.Second, "", 5},
		{"not ready for four seconds", nil, fails(dns.RcodeServerFailure, dns.ExtendedErrorCodeNotReady), 4 * time.Second, "", 9},
		{"silent for ten seconds", nil, silence, 10 * time.Second, "", 6},
		{"closed for good", syscall.ECONNREFUSED, nil, forever, "refused", maxRounds},
		{"SERVFAIL for good", nil, fails(dns.RcodeServerFailure), forever, "servfail", 2 * servfailed},
		{"SERVFAIL with its reason", nil, fails(dns.RcodeServerFailure, dns.ExtendedErrorCodeNoReachableAuthority), forever, "servfail", 2},
		{"REFUSED for good", nil, fails(dns.RcodeRefused), forever, "refused", maxRounds},
		{"silent for good", nil, silence, forever, "timeout", maxRounds},
		{"not implemented", nil, fails(dns.RcodeNotImplemented), forever, "notimp", 1},
		{"an rcode of updates", nil, fails(dns.RcodeYXDomain), forever, "yxdomain", 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := secureWorld(t)
			cfg := w.config()
			start := time.Now()
			tries := 0
			cfg.Dialer = egress.New(egress.Config{Upstreams: cfg.Upstreams, Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
				tries++
				if c.fault != nil && time.Since(start) < c.lasts {
					return nil, &net.OpError{Op: "dial", Net: network, Err: c.fault}
				}
				return w.dial(ctx, network, address)
			}})
			w.mangle = func(_ dns.Question, m *dns.Msg) *dns.Msg {
				if c.change != nil && time.Since(start) < c.lasts {
					return c.change(m)
				}
				return m
			}
			rep := New(cfg).ask(t.Context(), question{"mx.secure.test.", dns.TypeA})
			kind := report.Kind("")
			if rep.failure != nil {
				kind = rep.failure.Kind
			}
			if took := time.Since(start); kind != c.kind || tries > c.most || tries < c.most-1 || took > questionTime {
				t.Errorf("%s: %q after %d tries in %v, want %q after at most %d", c.why, kind, tries, took, c.kind, c.most)
			}
		})
	}
}

// However many resolvers are silent, each is asked.
func TestEveryResolverIsAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := secureWorld(t)
		cfg := w.config()
		cfg.Upstreams = nil
		for i := range 5 {
			cfg.Upstreams = append(cfg.Upstreams, netip.MustParseAddrPort(fmt.Sprintf("192.0.2.%d:53", 90+i)))
		}
		cfg.Upstreams = append(cfg.Upstreams, resolverAddr)
		cfg.Dialer = egress.New(egress.Config{Upstreams: cfg.Upstreams, Dial: w.dial})
		if rep := New(cfg).ask(t.Context(), question{"mx.secure.test.", dns.TypeA}); rep.failure != nil {
			t.Errorf("%+v", rep.failure)
		}
	})
}

// flooded is a datagram socket on which something always waits: read gives what is next, nil
// for nothing any more.
type flooded struct {
	net.Conn
	read  func(n int) []byte
	reads int
	ended atomic.Bool
	end   chan struct{}
}

func (f *flooded) Write(b []byte) (int, error) { return len(b), nil }
func (f *flooded) Close() error                { return nil }
func (f *flooded) SetDeadline(time.Time) error {
	if !f.ended.Swap(true) {
		close(f.end)
	}
	return nil
}

func (f *flooded) Read(b []byte) (int, error) {
	if f.ended.Load() {
		return 0, os.ErrDeadlineExceeded
	}
	f.reads++
	if next := f.read(f.reads); next != nil {
		return copy(b, next), nil
	}
	<-f.end
	return 0, os.ErrDeadlineExceeded
}

func TestFloods(t *testing.T) {
	m := question{"mx.secure.test.", dns.TypeA}.message(true)
	wire := func(change func(*dns.Msg)) []byte {
		r := new(dns.Msg).SetReply(m)
		change(r)
		out, err := r.Pack()
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	answer := wire(func(r *dns.Msg) {})
	long := wire(func(r *dns.Msg) {
		for i := range 3000 {
			r.Answer = append(r.Answer, &dns.A{Hdr: dns.RR_Header{Name: m.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET}, A: net.IPv4(192, 0, 2, byte(i))})
		}
	})
	broken := append(wire(func(r *dns.Msg) { r.Answer = []dns.RR{&dns.NULL{Hdr: dns.RR_Header{Name: ".", Rrtype: dns.TypeNULL}}} })[:len(answer)], 0xc0)
	broken[7] = 1
	foreign := map[string][]byte{
		"garbage":          []byte(strings.Repeat("x", 512)),
		"nothing":          {},
		"another id":       wire(func(r *dns.Msg) { r.Id++ }),
		"another question": wire(func(r *dns.Msg) { r.Question[0].Name = "mx.other.test." }),
		"no reply":         wire(func(r *dns.Msg) { r.Response = false }),
		"cut short":        answer[:len(answer)-3],
		"broken":           broken,
	}
	for why, foreign := range foreign {
		for _, c := range []struct {
			before int // foreign datagrams before the answer
			most   int // reads
			ok     bool
		}{
			{0, 1, true}, {10, 11, true}, {255, 256, true}, {1_000, 1_001, true}, {100_000, 4_000, false},
		} {
			synctest.Test(t, func(t *testing.T) {
				f := &flooded{end: make(chan struct{}), read: func(n int) []byte {
					if n > c.before {
						return answer
					}
					return foreign
				}}
				start := time.Now()
				got, _, err := exchangeWithin(t.Context(), f, m)
				weighs := why == "broken" // it is unpacked each time, so fewer are read
				if (err == nil) != c.ok && !(weighs && c.before > mostForeign/foreignBurst) || err == nil && got.Id != m.Id || f.reads > c.most {
					t.Errorf("%d times %s: %v after %d reads, %v", c.before, why, err, f.reads, time.Since(start))
				}
				if took := time.Since(start); took > datagramTime || err != nil && took != datagramTime {
					t.Errorf("%d times %s: it took %v", c.before, why, took)
				}
				if err != nil && egress.Kind(err) != "timeout" {
					t.Errorf("%d times %s: %v", c.before, why, err)
				}
			})
		}
	}
	f := &flooded{end: make(chan struct{}), read: func(int) []byte { return long }}
	if got, _, err := exchangeWithin(t.Context(), f, m); err != nil || !got.Truncated {
		t.Errorf("a datagram of %d octets: %v, want the question put again by TCP", len(long), err)
	}
}

// What is too long for us to read by UDP comes by TCP.
func TestLongDatagramsComeByTCP(t *testing.T) {
	w := secureWorld(t)
	w.zones["secure.test."].put("big TXT " + strings.Repeat(`"`+strings.Repeat("x", 200)+`" `, 40))
	w.mangle = func(_ dns.Question, m *dns.Msg) *dns.Msg { return m } // it is not cut
	a := w.lookup("big.secure.test", "TXT")
	if a.want(t, report.Secure, ""); a.Size < 8000 {
		t.Errorf("%d octets", a.Size)
	}
}

// A name server that is restarted for two seconds is not to blame for what it does meanwhile.
func TestNameServersMayRestart(t *testing.T) {
	for why, away := range map[string]func(a *authority, failing bool){
		"closed": func(a *authority, failing bool) { a.closed = failing },
		"SERVFAIL": func(a *authority, failing bool) {
			if a.change = nil; failing {
				a.change = onType(dns.TypeMX, rcode(dns.RcodeServerFailure))
			}
		},
		"REFUSED": func(a *authority, failing bool) {
			if a.change = nil; failing {
				a.change = onType(dns.TypeMX, rcode(dns.RcodeRefused))
			}
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			second := &authority{name: "ns2.secure.test.", addr: "192.0.2.12"}
			w := servedWorld(t, second)
			away(second, true)
			time.AfterFunc(2*time.Second, func() {
				w.mu.Lock()
				defer w.mu.Unlock()
				away(second, false)
			})
			a := New(w.config()).Authority(t.Context(), "secure.test", dns.TypeMX)
			if a == nil || a.Failure != nil || faults(a) != "good good" {
				t.Errorf("%s: %+v", why, a)
			}
		})
	}
}

func exchangeWithin(ctx context.Context, conn net.Conn, m *dns.Msg) (*dns.Msg, int, error) {
	ctx, cancel := context.WithTimeout(ctx, datagramTime)
	defer cancel()
	defer interrupt(ctx, conn)()
	return exchange(ctx, "udp", conn, m)
}
