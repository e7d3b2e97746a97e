package checks_test

import (
	"context"
	"hash/fnv"
	"net"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/miekg/dns"

	"mxseal/checks"
	"mxseal/checks/lab"
	"mxseal/checks/report"
)

// lacking makes some connections fail as on a machine that has run out of something.
func lacking(what syscall.Errno, hit func(network, address string) bool) func(*checks.Config) {
	return func(c *checks.Config) {
		dial := c.Dial
		c.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			if hit(network, address) {
				at, _ := net.ResolveTCPAddr("tcp", address)
				return nil, &net.OpError{Op: "dial", Net: network, Addr: at, Err: os.NewSyscallError("socket", what)}
			}
			return dial(ctx, network, address)
		}
	}
}

// To run out of something is our own trouble: it is said, the letter is provisional, nothing is
// held against the domain that is not its own, and nobody is called closed or unreachable.
func TestWeRunOutOfSomething(t *testing.T) {
	mail := func(_, address string) bool { return strings.HasSuffix(address, ":25") }
	for _, c := range []struct {
		why    string
		domain string
		what   syscall.Errno
		hit    func(network, address string) bool
	}{
		{"no file for a connection to any mail server", "perfect.test", syscall.EMFILE, mail},
		{"no file in the whole system", "dane.test", syscall.ENFILE, mail},
		{"no port", "sts.test", syscall.EADDRNOTAVAIL, mail},
		{"no buffer", "certificate.test", syscall.ENOBUFS, mail},
		{"no memory", "dane.test", syscall.ENOMEM, mail},
		{"one mail server of two", "perfect.test", syscall.EMFILE, func(n, a string) bool { return mail(n, a) && pick(a, 2) }},
		{"the policy host only", "sts.test", syscall.EMFILE, func(_, a string) bool { return strings.HasSuffix(a, ":443") }},
		{"no question reaches the resolver", "dane.test", syscall.EMFILE, func(_, a string) bool { return strings.HasSuffix(a, ":53") }},
		{"nothing at all", "perfect.test", syscall.EMFILE, func(string, string) bool { return true }},
	} {
		t.Run(c.why, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l, whole := world(t, lab.Options{}, nil)
				clean := scan(t, whole, c.domain)
				l.Close()
				_, e := world(t, lab.Options{}, lacking(c.what, c.hit))
				r := scan(t, e, c.domain)
				if !fired(r, "OPS-12") || !r.Grade.Provisional || !r.Spoilt() || r.Grade.Firm() {
					t.Errorf("grade %+v, conditions %+v\n%s", r.Grade, r.Conditions, outline(r))
				}
				for _, f := range r.Findings {
					if f.Verdict == report.Fail && !fired(clean, f.Rule) || f.Rule == "NET-01" {
						t.Errorf("held against the domain: %s %s %s", f.Rule, f.Title, f.Text)
					}
					for _, text := range append(slices.Clone(f.Detail), f.Title, f.Text) {
						if strings.Contains(text, "port 53 seems") || strings.Contains(text, "connect: failed") {
							t.Errorf("%s says %q", f.Rule, text)
						}
					}
				}
				if s := condition(e.Conditions(), report.ResourcesCondition); s != "failed" {
					t.Errorf("the condition is %s", s)
				}
			})
		})
	}
}

func pick(address string, n uint32) bool {
	h := fnv.New32()
	h.Write([]byte(address))
	return h.Sum32()%n == 0
}

// The condition ends with the next self-test that gets what it needs, and the next check is a
// whole one even without.
func TestRunningOutOfSomethingPasses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var short atomic.Bool
		_, e := world(t, lab.Options{}, lacking(syscall.EMFILE, func(_, a string) bool { return short.Load() && strings.HasSuffix(a, ":25") }))
		e.SelfTest(t.Context(), []string{"mx.certificate.test"})
		if s := condition(e.Conditions(), report.ResourcesCondition); s != "ok" {
			t.Errorf("at first the condition is %s", s)
		}
		short.Store(true)
		if r := scan(t, e, "dane.test"); !r.Spoilt() || condition(e.Conditions(), report.ResourcesCondition) != "failed" {
			t.Errorf("%+v, %+v", r.Conditions, e.Conditions())
		}
		short.Store(false)
		if r := scan(t, e, "certificate.test"); r.Spoilt() || r.Grade.Letter != "C" {
			t.Errorf("the trouble has passed, and %s has %+v", r.Grade.Stated(), r.Conditions)
		}
		e.SelfTest(t.Context(), []string{"mx.certificate.test"})
		if s := condition(e.Conditions(), report.ResourcesCondition); s != "ok" {
			t.Errorf("in the end the condition is %s", s)
		}
		short.Store(true)
		list := e.SelfTest(t.Context(), []string{"mx.certificate.test"})
		if s, port := condition(list, report.ResourcesCondition), condition(list, report.PortCondition); s != "failed" || port != "untested" {
			t.Errorf("what the self-test itself lacks is %s, and port 25 is %s", s, port)
		}
	})
}

// A check that used up its own share of places has a provisional letter. Nobody else has: the
// records of a stranger's domain bring that about.
func TestAShareThatIsUsedUpIsNobodyElsesTrouble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, e := world(t, lab.Options{}, nil)
		failure := &report.Failure{Phase: "mx", Kind: "exhausted", Text: "Too many questions are under way here."}
		r := &report.Report{Meta: report.Meta{Domain: "greedy.test"}, Evidence: report.Evidence{MX: &report.MX{State: "error", Failure: failure}}}
		r.Conditions = checks.Troubles(t.Context(), e, r)
		checks.Conclude(r)
		if !fired(r, "OPS-12") || r.Grade.Letter != "T" || !r.Grade.Provisional || !r.Spoilt() {
			t.Errorf("%s, %+v", r.Grade.Stated(), r.Conditions)
		}
		if s := condition(e.Conditions(), report.ResourcesCondition); s == "failed" {
			t.Errorf("%+v", e.Conditions())
		}
	})
}

// No answer about the mail servers, and nobody but our resolver to say so: no letter, and not
// for sure.
func TestNoLetterOnTheWordOfOurResolver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []struct {
			why       string
			witnesses []report.Witness
			firm      bool
		}{
			{"our resolver alone", []report.Witness{{Resolver: true, Name: "a", Kind: "servfail", Tries: 1}}, false},
			{"silence of ours", []report.Witness{{Resolver: true, Name: "a", Kind: "timeout", Tries: 1}}, false},
			{"a second one fails too", []report.Witness{{Resolver: true, Name: "a", Kind: "servfail", Tries: 1}, {Resolver: true, Name: "b", Kind: "servfail", Tries: 1}}, true},
			{"a name server fails", []report.Witness{{Resolver: true, Name: "a", Kind: "servfail", Tries: 1}, {Name: "ns", IP: "192.0.2.1", Kind: "servfail", Tries: 2}}, true},
		} {
			r := &report.Report{Meta: report.Meta{Domain: "dark.test"}, Evidence: report.Evidence{MX: &report.MX{State: "error", Failure: &report.Failure{Phase: "mx", Kind: "servfail", Text: "SERVFAIL."}}}}
			r.MX.DNSSEC = report.Trust{State: report.Indeterminate, Reason: "lookup-failed", Witnesses: c.witnesses}
			checks.Conclude(r)
			at := slices.IndexFunc(r.Findings, func(f report.Finding) bool { return f.Rule == "MX-02" })
			if at < 0 || r.Grade.Letter != "T" || slices.Contains(r.Findings[at].Effects, report.Provisional) == c.firm {
				t.Errorf("%s: %s, MX-02 at %d", c.why, r.Grade.Stated(), at)
			}
		}
	})
}

// No answer about the address of the only mail server, and nobody but our resolver to say so.
func TestNoAddressOnTheWordOfOurResolver(t *testing.T) {
	for why, rcode := range map[string]int{"SERVFAIL": dns.RcodeServerFailure, "REFUSED": dns.RcodeRefused} {
		synctest.Test(t, func(t *testing.T) {
			_, e := world(t, lab.Options{}, func(cfg *checks.Config) {
				resolverSays(func(name string, qtype uint16) int {
					if dns.IsSubDomain("mx.certificate.test.", dns.CanonicalName(name)) {
						return rcode
					}
					return dns.RcodeSuccess
				})(cfg)
				dial := cfg.Dial
				cfg.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
					if strings.HasSuffix(address, ":53") && address != cfg.Resolvers[0].String() {
						return nil, syscall.EHOSTUNREACH // no name server is reached from here
					}
					return dial(ctx, network, address)
				}
			})
			r := scan(t, e, "certificate.test")
			if r.Grade.Letter != "T" || !r.Grade.Provisional {
				t.Errorf("%s: %s\n%s", why, r.Grade.Stated(), outline(r))
			}
		})
	}
}

// resolverSays makes our resolver answer questions with an error.
func resolverSays(rcode func(name string, qtype uint16) int) func(*checks.Config) {
	return func(cfg *checks.Config) {
		dial := cfg.Dial
		cfg.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			ours := address == cfg.Resolvers[0].String()
			if ours && network == "tcp" {
				return nil, syscall.ECONNREFUSED
			}
			conn, err := dial(ctx, network, address)
			if err == nil && ours {
				conn = answering{conn, rcode}
			}
			return conn, err
		}
	}
}

// answering is a connection to a resolver that answers some questions with an error.
type answering struct {
	net.Conn
	rcode func(name string, qtype uint16) int
}

func (c answering) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	var m dns.Msg
	if err != nil || m.Unpack(b[:n]) != nil || len(m.Question) != 1 {
		return n, err
	}
	rcode := c.rcode(m.Question[0].Name, m.Question[0].Qtype)
	if rcode == dns.RcodeSuccess {
		return n, nil
	}
	m.Rcode, m.Truncated, m.Answer, m.Ns = rcode, false, nil, nil
	out, err := m.Pack()
	if err != nil {
		return 0, err
	}
	return copy(b, out), nil
}

// A resolver that knows not even the root is our own trouble; one that fails for the domain
// alone is not.
func TestOurResolverRefuses(t *testing.T) {
	for _, c := range []struct {
		why   string
		rcode func(name string, qtype uint16) int
		ours  bool
	}{
		{"it refuses everything", func(string, uint16) int { return dns.RcodeRefused }, true},
		{"it fails at everything", func(string, uint16) int { return dns.RcodeServerFailure }, true},
		{"it fails for the domain alone", func(name string, _ uint16) int {
			if dns.IsSubDomain("dane.test.", name) {
				return dns.RcodeServerFailure
			}
			return dns.RcodeSuccess
		}, false},
		{"it refuses TLSA", func(_ string, qtype uint16) int {
			if qtype == dns.TypeTLSA {
				return dns.RcodeRefused
			}
			return dns.RcodeSuccess
		}, false},
	} {
		t.Run(c.why, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, e := world(t, lab.Options{}, resolverSays(c.rcode))
				r := scan(t, e, "dane.test")
				if fired(r, "OPS-13") != c.ours || r.Spoilt() != c.ours || (condition(e.Conditions(), report.AnswerCondition) == "failed") != c.ours {
					t.Errorf("%s, conditions %+v, %+v\n%s", r.Grade.Stated(), r.Conditions, e.Conditions(), outline(r))
				}
				if c.ours && (r.Grade.Letter != "T" || !r.Grade.Provisional) {
					t.Errorf("%s", r.Grade.Stated())
				}
				for _, f := range r.Findings {
					if c.ours && f.Verdict == report.Fail {
						t.Errorf("held against the domain: %s %s", f.Rule, f.Title)
					}
				}
			})
		})
	}
}
