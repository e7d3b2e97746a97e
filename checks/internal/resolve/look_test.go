package resolve

import (
	"context"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"mxseal/checks/internal/egress"
	"mxseal/checks/internal/share"
	"mxseal/checks/report"
	"mxseal/checks/view"
)

type change = func(network string, q dns.Question, m *dns.Msg) *dns.Msg

// onType does something to the answers for one type only.
func onType(qtype uint16, do change) change {
	return func(network string, q dns.Question, m *dns.Msg) *dns.Msg {
		if q.Qtype == qtype {
			return do(network, q, m)
		}
		return m
	}
}

// garbled breaks every signature.
func garbled(_ string, _ dns.Question, m *dns.Msg) *dns.Msg {
	m = m.Copy()
	for _, rr := range slices.Concat(m.Answer, m.Ns) {
		if sig, ok := rr.(*dns.RRSIG); ok {
			sig.Signature = "AAAA" + sig.Signature[4:]
		}
	}
	return m
}

// stripped takes every signature away.
func stripped(_ string, _ dns.Question, m *dns.Msg) *dns.Msg {
	m = m.Copy()
	m.Answer, m.Ns = slices.DeleteFunc(m.Answer, isRRSIG), slices.DeleteFunc(m.Ns, isRRSIG)
	return m
}

// lookWorld has a zone with two servers; ours is what the resolver does to its answers, first
// and second what the servers do.
func lookWorld(t testing.TB, ours, top, first, second change) *world {
	w := servedWorld(t, &authority{name: "ns2.secure.test.", addr: "192.0.2.12", change: second})
	w.authorities["192.0.2.11:53"].change = first
	w.authorities["192.0.2.10:53"].change = top
	if ours != nil {
		w.mangle = func(q dns.Question, m *dns.Msg) *dns.Msg { return ours("", q, m) }
	}
	return w
}

func kinds(t report.Trust) string {
	var out []string
	for _, w := range t.Witnesses {
		who := w.Name
		if w.Resolver {
			who = "resolver"
		}
		out = append(out, strings.TrimSuffix(who, ".secure.test")+":"+string(w.Kind))
	}
	return strings.Join(out, " ")
}

// Who fails how about one type, what comes of it, and whether it stands.
func TestWhoWitnessesAFailure(t *testing.T) {
	const tlsa = dns.TypeTLSA
	servfail, refused := rcode(dns.RcodeServerFailure), rcode(dns.RcodeRefused)
	on := func(c change) change { return onType(tlsa, c) }
	blocked := change(silent)
	for _, c := range []struct {
		why                      string
		ours, top, first, second change
		state                    string
		witnessed                bool
	}{
		{"all well", nil, nil, nil, nil, "secure", false},
		{"our resolver is silent, the servers answer", on(silent), nil, nil, nil, "secure", false},
		{"our resolver fails, the servers answer", on(servfail), nil, nil, nil, "secure", false},
		{"our resolver refuses, the servers answer", on(refused), nil, nil, nil, "secure", false},
		{"our resolver is silent, one server too", on(silent), nil, on(silent), nil, "secure", false},
		{"our resolver is silent, one server fails", on(silent), nil, on(servfail), nil, "secure", false},
		{"our resolver fails, and so does one server", on(servfail), nil, on(servfail), nil, "secure", true},
		{"our resolver fails, both servers fail", on(servfail), nil, on(servfail), on(servfail), "indeterminate", true},
		{"our resolver is silent, both servers fail", on(silent), nil, on(servfail), on(servfail), "indeterminate", true},
		{"our resolver is silent, one server fails, one is silent", on(silent), nil, on(servfail), on(silent), "indeterminate", true},
		{"both servers say that they do not know the type", on(silent), nil, on(rcode(dns.RcodeNotImplemented)), on(rcode(dns.RcodeNotImplemented)), "indeterminate", true},
		{"everybody is silent about the type", on(silent), nil, on(silent), on(silent), "indeterminate", true},
		{"everybody is silent about the type, those above too: our own path", on(silent), on(silent), on(silent), on(silent), "indeterminate", false},
		{"everybody is silent about the type, one server about everything", on(silent), nil, on(silent), silent, "indeterminate", false},
		{"both servers are silent about everything", on(silent), nil, silent, silent, "indeterminate", false},
		{"our resolver fails, both servers are silent about everything", on(servfail), nil, silent, silent, "indeterminate", false},
		{"our resolver fails, and port 53 is closed", on(servfail), blocked, blocked, blocked, "indeterminate", false},
		{"our resolver is silent, and port 53 is closed", on(silent), blocked, blocked, blocked, "indeterminate", false},
		{"one server has bad signatures, and our resolver met it", on(garbled), nil, garbled, nil, "secure", false},
		{"the same, unsigned", on(stripped), nil, stripped, nil, "secure", false},
		{"our resolver alone has bad signatures", on(garbled), nil, nil, nil, "secure", false},
		{"both servers have bad signatures", on(garbled), nil, garbled, garbled, "bogus", true},
		{"bad signatures, and port 53 is closed", on(garbled), blocked, blocked, blocked, "bogus", true},
		{"our resolver is silent, one server has bad signatures", on(silent), nil, on(garbled), nil, "secure", false},
		{"our resolver is silent, both servers have bad signatures", on(silent), nil, on(garbled), on(garbled), "indeterminate", true},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := lookWorld(t, c.ours, c.top, c.first, c.second)
			start := time.Now()
			a := New(w.config()).Fresh(new(share.Scan)).Lookup(t.Context(), "_25._tcp.mx.secure.test", tlsa)
			if string(a.Trust.State) != c.state || a.Trust.Witnessed() != c.witnessed || c.state == "secure" && !a.Exists() {
				t.Errorf("%s: %s, witnessed %v; want %s, %v (%s, %s)", c.why, a.Trust.State, a.Trust.Witnessed(), c.state, c.witnessed, a.Trust.Code, kinds(a.Trust))
			}
			if took := time.Since(start); took > time.Minute {
				t.Errorf("%s: %v", c.why, took)
			}
			if w.mangle == nil && len(a.Trust.Witnesses) > 0 {
				t.Errorf("%s: others were asked: %s", c.why, kinds(a.Trust))
			}
		})
	}
}

// The same holds for every question on whose answer a letter rests, and for every record on
// the way: the keys, the DS, the denials.
func TestABadServerBesideAGoodOne(t *testing.T) {
	for _, c := range []struct {
		name  string
		qtype uint16
		bad   uint16 // whose answers are bad
		host  string // of the bad server
	}{
		{"secure.test", dns.TypeMX, dns.TypeMX, "ns1.secure.test"},
		{"mx.secure.test", dns.TypeA, dns.TypeA, "ns1.secure.test"},
		{"mx.secure.test", dns.TypeAAAA, dns.TypeAAAA, "ns1.secure.test"},
		{"_25._tcp.mx.secure.test", dns.TypeTLSA, dns.TypeTLSA, "ns1.secure.test"},
		{"_25._tcp.no.secure.test", dns.TypeTLSA, dns.TypeTLSA, "ns1.secure.test"},
		{"_mta-sts.secure.test", dns.TypeTXT, dns.TypeTXT, "ns1.secure.test"},
		{"alias.secure.test", dns.TypeA, dns.TypeA, "ns1.secure.test"},
		{"secure.test", dns.TypeMX, dns.TypeDNSKEY, "ns1.secure.test"},
		{"secure.test", dns.TypeSOA, dns.TypeSOA, "ns1.secure.test"},
		{"mx.low.secure.test", dns.TypeA, dns.TypeDS, "ns1.secure.test"},
		{"mx.plain.secure.test", dns.TypeA, dns.TypeDS, "ns1.secure.test"},
	} {
		for how, harm := range map[string]change{"garbled": garbled, "stripped": stripped, "servfail": rcode(dns.RcodeServerFailure), "silent": silent} {
			if how != "garbled" && how != "stripped" && c.qtype == dns.TypeSOA {
				continue // no letter rests on it
			}
			synctest.Test(t, func(t *testing.T) {
				below := func(q dns.Question) bool { return dns.IsSubDomain("secure.test.", strings.ToLower(q.Name)) }
				here := onType(c.bad, func(n string, q dns.Question, m *dns.Msg) *dns.Msg {
					if below(q) && !(q.Qtype == dns.TypeDS && strings.EqualFold(q.Name, "secure.test.")) {
						return harm(n, q, m)
					}
					return m
				})
				ours := here
				if how == "servfail" { // ours says nothing; what it has from a server that fails is another table
					ours = onType(c.bad, func(n string, q dns.Question, m *dns.Msg) *dns.Msg {
						if below(q) && !(q.Qtype == dns.TypeDS && strings.EqualFold(q.Name, "secure.test.")) {
							return nil
						}
						return m
					})
				}
				w := lookWorld(t, ours, nil, here, nil)
				w.zones["secure.test."].put("alias CNAME mx")
				w.add(&signedZone{name: "low.secure.test."}, "mx A 192.0.2.1")
				w.add(&signedZone{name: "plain.secure.test.", unsigned: true}, "mx A 192.0.2.1")
				a := New(w.config()).Fresh(new(share.Scan)).Lookup(t.Context(), c.name, c.qtype)
				want := report.Secure
				if strings.Contains(c.name, "plain") {
					want = report.Insecure
				}
				if a.Trust.State != want || a.Failure != nil || a.Trust.Witnessed() {
					t.Errorf("%s %s, %s %s: %s (%s, %s)", dns.TypeToString[c.qtype], c.name, dns.TypeToString[c.bad], how, a.Trust.State, a.Trust.Code, kinds(a.Trust))
				}
				named := slices.ContainsFunc(a.Trust.Witnesses, func(w report.Witness) bool { return w.Name == c.host && w.Faulty() })
				if !named && how != "silent" {
					t.Errorf("%s %s, %s %s: the bad server is not named: %s", dns.TypeToString[c.qtype], c.name, dns.TypeToString[c.bad], how, kinds(a.Trust))
				}
			})
		}
	}
}

// A resolver that validates asks the next server by itself: where no server may be asked from
// here, its answer without CD is what proves.
func TestTheResolverGetsThrough(t *testing.T) {
	w := secureWorld(t)
	w.mangle = func(q dns.Question, m *dns.Msg) *dns.Msg {
		if q.Qtype == dns.TypeMX && q.Name != "." && m.CheckingDisabled {
			return garbled("", q, m)
		}
		return m
	}
	a := New(w.config()).Fresh(new(share.Scan)).Lookup(t.Context(), "secure.test", dns.TypeMX)
	a.want(t, "secure", "")
	if !a.Exists() {
		t.Error("no records")
	}
}

// A second resolver that fails too is a witness; one that is silent is none.
func TestTheSecondResolverIsAWitness(t *testing.T) {
	other := netip.MustParseAddrPort("192.0.2.54:53")
	for _, c := range []struct {
		why           string
		first, second change
		state         string
		witnessed     bool
	}{
		{"both fail", rcode(dns.RcodeServerFailure), rcode(dns.RcodeServerFailure), "indeterminate", true},
		{"the first is silent, the second fails", silent, rcode(dns.RcodeServerFailure), "indeterminate", true},
		{"the first fails, the second is silent", rcode(dns.RcodeServerFailure), silent, "indeterminate", false},
		{"both are silent", silent, silent, "indeterminate", false},
		{"the second refuses", silent, rcode(dns.RcodeRefused), "indeterminate", false},
		{"the first fails, the second answers", rcode(dns.RcodeServerFailure), nil, "secure", false},
		{"the first has bad signatures, the second good ones", garbled, nil, "secure", false},
	} {
		synctest.Test(t, func(t *testing.T) {
			one := secureWorld(t)
			two := &world{t: t, now: one.now, zones: one.zones}
			set := func(w *world, c change) {
				w.mangle = func(q dns.Question, m *dns.Msg) *dns.Msg {
					if c != nil && q.Qtype == dns.TypeMX && q.Name != "." {
						return c("", q, m)
					}
					return m
				}
			}
			set(one, c.first)
			set(two, c.second)
			cfg := one.config()
			cfg.Upstreams = append(cfg.Upstreams, other)
			cfg.Dialer = egress.New(egress.Config{Upstreams: cfg.Upstreams, Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
				if address == other.String() {
					return two.dial(ctx, network, resolverAddr.String())
				}
				return one.dial(ctx, network, address)
			}})
			a := New(cfg).Fresh(new(share.Scan)).Lookup(t.Context(), "secure.test", dns.TypeMX)
			if string(a.Trust.State) != c.state || a.Trust.Witnessed() != c.witnessed {
				t.Errorf("%s: %s, witnessed %v: %s", c.why, a.Trust.State, a.Trust.Witnessed(), kinds(a.Trust))
			}
		})
	}
}

// Whatever our own path loses, at random or long packets or one type, a sound zone is never
// called broken, and mostly its answer is had all the same.
func TestOurOwnLossesProveNothing(t *testing.T) {
	had, asked := 0, 0
	for _, p := range []float64{0.1, 0.3, 0.5, 0.8} {
		for seed := range uint64(25) {
			synctest.Test(t, func(t *testing.T) {
				dice := rand.New(rand.NewPCG(seed, uint64(p*100)))
				var mu sync.Mutex
				lossy := func(string, dns.Question, *dns.Msg) bool {
					mu.Lock()
					defer mu.Unlock()
					return dice.Float64() < 1-(1-p)*(1-p) // there and back
				}
				lose := func(n string, q dns.Question, m *dns.Msg) *dns.Msg {
					if lossy(n, q, m) {
						return nil
					}
					return m
				}
				w := lookWorld(t, lose, lose, lose, lose)
				r := New(w.config()).Fresh(new(share.Scan))
				for _, q := range []question{{"secure.test", dns.TypeMX}, {"mx.secure.test", dns.TypeA}, {"_25._tcp.mx.secure.test", dns.TypeTLSA}, {"_25._tcp.no.secure.test", dns.TypeTLSA}} {
					name, qtype := q.name, q.qtype
					a := r.Lookup(t.Context(), name, qtype)
					if a.Trust.Witnessed() || a.Trust.State == report.Bogus || a.Trust.State == report.Insecure {
						t.Errorf("loss %v, seed %d: %s of %s is %s, witnessed %v: %s; %s", p, seed, dns.TypeToString[qtype], name, a.Trust.State, a.Trust.Witnessed(), a.Trust.Code, kinds(a.Trust))
					}
					if p < 0.4 {
						if asked++; a.Trust.State == report.Secure {
							had++
						}
					}
				}
			})
		}
	}
	if had*100 < asked*90 { // what is left hangs on the root's keys, for which nobody else is asked
		t.Errorf("up to 30 %% of loss %d of %d answers were had", had, asked)
	}
}

// A resolver that is away for a second, or refuses at once because it has too much to do, has
// said nothing.
func TestAResolverThatComesBack(t *testing.T) {
	for why, c := range map[string]struct {
		away time.Duration
		how  func(q dns.Question, m *dns.Msg) *dns.Msg
	}{
		"gone for a second":      {time.Second, nil},
		"SERVFAIL under load":    {700 * time.Millisecond, func(_ dns.Question, m *dns.Msg) *dns.Msg { return rcode(dns.RcodeServerFailure)("", dns.Question{}, m) }},
		"REFUSED under load":     {time.Second, func(_ dns.Question, m *dns.Msg) *dns.Msg { return rcode(dns.RcodeRefused)("", dns.Question{}, m) }},
		"silent for six seconds": {6 * time.Second, func(dns.Question, *dns.Msg) *dns.Msg { return nil }},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := secureWorld(t)
			back := time.Now().Add(c.away)
			away := func() bool { return time.Now().Before(back) }
			cfg := w.config()
			if c.how != nil {
				w.mangle = func(q dns.Question, m *dns.Msg) *dns.Msg {
					if away() {
						return c.how(q, m)
					}
					return m
				}
			}
			cfg.Dialer = egress.New(egress.Config{Upstreams: cfg.Upstreams, Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
				if c.how == nil && away() {
					return nil, &net.OpError{Op: "dial", Net: network, Err: syscall.ECONNREFUSED}
				}
				return w.dial(ctx, network, address)
			}})
			a := New(cfg).Fresh(new(share.Scan)).Lookup(t.Context(), "secure.test", dns.TypeMX)
			if a.Trust.State != report.Secure {
				t.Errorf("%s: %s %s", why, a.Trust.State, a.Trust.Code)
			}
		})
	}
}

// What we lack ourselves is said, and is neither silence nor a closed port.
func TestWhatWeLackIsOurs(t *testing.T) {
	for _, errno := range []syscall.Errno{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM} {
		synctest.Test(t, func(t *testing.T) {
			w := servedWorld(t, &authority{name: "ns2.secure.test.", addr: "192.0.2.12"})
			cfg := w.config()
			lacking := func(string) bool { return true }
			cfg.Dialer = egress.New(egress.Config{Upstreams: cfg.Upstreams, Allow: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")},
				Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
					if lacking(address) {
						return nil, &net.OpError{Op: "dial", Net: network, Err: errno}
					}
					return w.dial(ctx, network, address)
				}})
			r := New(cfg)
			a := r.Fresh(new(share.Scan)).Lookup(t.Context(), "secure.test", dns.TypeMX)
			if a.Failure == nil || a.Failure.Kind != "exhausted" || a.Trust.Witnessed() || !strings.Contains(view.Say(a.Failure.Statement), "says nothing about the domain") {
				t.Errorf("%v: %+v", errno, a.Failure)
			}
			time.Sleep(time.Minute)
			lacking = func(address string) bool { return address != resolverAddr.String() }
			b := r.Fresh(new(share.Scan)).Authority(t.Context(), "secure.test", dns.TypeMX)
			if b == nil || b.Failure == nil || b.Failure.Kind != "exhausted" || strings.Contains(view.Say(b.Failure.Statement), "port 53") {
				t.Errorf("%v: %+v", errno, b)
			}
			lacking = func(address string) bool { return address == "192.0.2.12:53" }
			b = r.Fresh(new(share.Scan)).Authority(t.Context(), "secure.test", dns.TypeMX)
			if b == nil || faults(b) != "good exhausted" || !b.Servers[1].Blameless() {
				t.Errorf("%v: %+v", errno, b)
			}
		})
	}
}

// Servers that have a zone and the one above it answer for the lower at once: that is the one
// that is asked and named.
func TestServersOfParentAndChild(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := servedWorld(t, &authority{name: "ns2.secure.test.", addr: "192.0.2.12", change: onType(dns.TypeTLSA, rcode(dns.RcodeServerFailure))})
		up := w.authorities["192.0.2.10:53"]
		up.zone, up.also = "test.", "secure.test."
		a := New(w.config()).Authority(t.Context(), "_25._tcp.mx.secure.test", dns.TypeTLSA)
		if a == nil || a.Failure != nil || a.Zone != "secure.test" || faults(a) != "good servfail" {
			t.Errorf("%+v", a)
		}
		d := New(w.config()).Authority(t.Context(), "secure.test", dns.TypeDS)
		if d == nil || d.Zone != "test" {
			t.Errorf("DS is asked of the zone above: %+v", d)
		}
	})
}
