package checks_test

import (
	"context"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/miekg/dns"

	"mxseal/checks"
	"mxseal/checks/grade"
	"mxseal/checks/lab"
	"mxseal/checks/report"
)

// firmly are the rules about something that could not be found out which do not make the
// letter provisional by themselves, each with the reason.
var firmly = map[string]string{
	"NET-01": "of an address that was not seen NET-02 and NET-03 say what it does to the letter: no letter, or a provisional one",
	"NET-08": "the finding carries the effect where no other address speaks for the host; where none at all is left, NET-02 gives no letter",
	"SMT-02": "as NET-01: the address was not seen",
	"SMT-03": "as NET-01: the address was not seen",
	"SMT-04": "as NET-01: the address was not seen",
	"SMT-09": "as NET-01: the address was not seen",
	"ENF-03": "whether a server with TLS insists on it moves no letter; TestInsistingMovesNoLetter holds that",
}

// unsure reports whether effects say that the letter is not the last word.
func unsure(effects []report.Effect) bool {
	return slices.Contains(effects, report.Provisional) || slices.Contains(effects, report.NotTestable)
}

// What could not be found out makes the letter provisional wherever it could move it.
func TestUntestedIsProvisional(t *testing.T) {
	for _, rule := range allRules() {
		if rule.Verdict == report.Untested && !unsure(rule.Effects) && firmly[rule.ID] == "" {
			t.Errorf("%s is untested and leaves the letter firm; let it carry Provisional, or give the reason here", rule.ID)
		}
	}
	for id := range firmly {
		switch i := slices.IndexFunc(allRules(), func(r report.Rule) bool { return r.ID == id }); {
		case i < 0:
			t.Errorf("%s is no rule", id)
		case allRules()[i].Verdict != report.Untested:
			t.Errorf("%s is not untested by itself; its exception is not needed", id)
		case unsure(allRules()[i].Effects):
			t.Errorf("%s carries Provisional; its exception is not needed", id)
		}
	}
}

// A finding that becomes untested for once gets the effect in the same breath.
func TestWhatBecomesUntestedIsProvisional(t *testing.T) {
	found := 0
	err := filepath.WalkDir(".", func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return err
		}
		source, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		set := token.NewFileSet()
		parsed, err := parser.ParseFile(set, file, source, 0)
		if err != nil {
			return err
		}
		text := func(n ast.Node) string {
			return string(source[set.Position(n.Pos()).Offset:set.Position(n.End()).Offset])
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			statement, ok := n.(ast.Stmt)
			if _, block := n.(*ast.BlockStmt); !ok || block {
				return true
			}
			switch statement.(type) {
			case *ast.ExprStmt, *ast.AssignStmt, *ast.ReturnStmt:
				if s := text(n); strings.Contains(s, "As(report.Untested)") {
					found++
					if !strings.Contains(s, "Provisional") && !strings.Contains(s, "NotTestable") {
						t.Errorf("%s: %s", set.Position(n.Pos()), s)
					}
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if found == 0 {
		t.Error("no finding becomes untested; does the test still look at the right place?")
	}
}

// A server with TLS that insists on it, and one that does not, get the same letter.
func TestInsistingMovesNoLetter(t *testing.T) {
	for _, sts := range []grade.STS{grade.Absent, grade.Invalid, grade.None, grade.Testing, grade.Enforce} {
		for _, tlsa := range []grade.TLSA{grade.NoTLSA, grade.Match, grade.Mismatch, grade.LookupFail, grade.Unusable} {
			for _, mxdns := range []report.State{report.Secure, report.Insecure, report.Bogus} {
				for bits := range 8 {
					letter := func(forced bool) report.Letter {
						h := grade.HostFacts{Name: "mx.example.org", Addr: report.Secure, TLSA: tlsa, TLS: grade.TLSOK,
							PKIX: bits&1 != 0, STS: bits&2 != 0, RTLS: bits&4 != 0, Reach: true, Forced: forced}
						f := grade.Facts{MXDNS: mxdns, STS: sts, STSLong: true, RPT: true, Hosts: []grade.HostFacts{h}}
						return grade.OfFacts(f).Grade.Letter
					}
					if a, b := letter(false), letter(true); a != b {
						t.Errorf("%s %s %s %d: %s, and %s where it insists", sts, tlsa, mxdns, bits, a, b)
					}
				}
			}
		}
	}
}

// hopeless are the domains of the lab whose letter stands whatever was not found out, with the reason.
var hopeless = map[string]string{
	"broken-handshake.test": "no handshake works at its only server, so whatever suites it would take, mail travels readable",
	"half-tls.test":         "the same",
}

// In no report of the lab a finding is untested and the letter firm, but by an exception.
func TestNoReportOfTheLabIsFirmWithoutKnowing(t *testing.T) {
	for _, d := range everyDomain(t) {
		r := d.report
		for _, f := range r.Findings {
			if f.Verdict == report.Untested && !unsure(f.Effects) && firmly[f.Rule] == "" && !slices.Contains(restless, f.Rule) {
				t.Errorf("%s: %s at %s%s is untested, and the letter is firm", d.Name, f.Rule, f.Host, f.Address)
			}
		}
		prov := slices.ContainsFunc(r.Findings, func(f report.Finding) bool { return slices.Contains(f.Effects, report.Provisional) })
		if settled := hopeless[d.Name] != ""; prov != (r.Grade.Provisional || settled) || settled && r.Grade.Provisional {
			t.Errorf("%s: provisional %v, and the findings say %v", d.Name, r.Grade.Provisional, prov)
		}
	}
}

// deaf is a connection to the resolver that loses one question, or has it answered by SERVFAIL.
type deaf struct {
	net.Conn
	question string // name and type
	silent   bool
	reply    []byte
}

func (c *deaf) Write(b []byte) (int, error) {
	m, packet, stream := new(dns.Msg), b, strings.HasPrefix(c.RemoteAddr().Network(), "tcp")
	if stream && len(b) > 2 {
		packet = b[2:]
	}
	if m.Unpack(packet) != nil || len(m.Question) != 1 || m.Question[0].Name+" "+dns.TypeToString[m.Question[0].Qtype] != c.question {
		return c.Conn.Write(b)
	}
	if !c.silent {
		reply, err := new(dns.Msg).SetRcode(m, dns.RcodeServerFailure).Pack()
		if err != nil {
			return 0, err
		}
		if stream {
			reply = append([]byte{byte(len(reply) >> 8), byte(len(reply))}, reply...)
		}
		c.reply = reply
	}
	return len(b), nil
}

func (c *deaf) Read(b []byte) (int, error) {
	if len(c.reply) == 0 {
		return c.Conn.Read(b)
	}
	n := copy(b, c.reply)
	c.reply = c.reply[n:]
	return n, nil
}

// Our resolver keeps silent about one name, or answers SERVFAIL, or the policy host is silent:
// whatever the domain, no letter is firm and another, and nothing is held against the domain.
func TestWhatOurResolverLosesMakesNoFirmLetter(t *testing.T) {
	domains := []string{"perfect.test", "hosted.test", "dane.test", "alias-key.test", "sts.test", "no-report.test", "sts-testing.test"}
	quick := func(c *checks.Config) { c.Depth = report.Quick }
	truth, has := make(map[string]*report.Report), make(map[string]bool)
	synctest.Test(t, func(t *testing.T) {
		_, e := world(t, lab.Options{}, quick)
		for _, domain := range domains {
			truth[domain] = scan(t, e, domain)
			for _, h := range truth[domain].Hosts {
				has[domain+" "+h.Name] = true
			}
		}
	})
	for _, lost := range []struct{ name, kind string }{
		{"_mta-sts.", "TXT"}, {"mta-sts.", "A"}, {"mta-sts.", "AAAA"}, {"_smtp._tls.", "TXT"}, {"reports.test.", "MX"},
		{"", "MX"}, {"mx.", "A"}, {"mx.", "AAAA"}, {"mx1.", "A"}, {"_25._tcp.mx.", "TLSA"}, {"_25._tcp.mx1.", "TLSA"}, {"_25._tcp.mail.", "TLSA"}, {"_25._tcp.mx.provider.test.", "TLSA"},
	} {
		for _, silent := range []bool{true, false} {
			synctest.Test(t, func(t *testing.T) {
				for _, domain := range domains {
					question := lost.name + domain + ". " + lost.kind
					if strings.HasSuffix(lost.name, "test.") {
						question = lost.name + " " + lost.kind
					}
					if host := hostIn(question); host != "" && !has[domain+" "+host] {
						continue // nobody asks that
					}
					_, e := world(t, lab.Options{}, func(c *checks.Config) {
						quick(c)
						dial := c.Dial
						c.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
							conn, err := dial(ctx, network, address)
							if err != nil || address != c.Resolvers[0].String() {
								return conn, err
							}
							return &deaf{Conn: conn, question: question, silent: silent}, nil
						}
					})
					firm(t, scan(t, e, domain), truth[domain], fmt.Sprintf("%s lost (silent %v)", question, silent))
				}
			})
		}
	}
}

// hostIn is the mail exchanger that a question for its keys or addresses is about; empty for
// any other question.
func hostIn(question string) string {
	name, kind, _ := strings.Cut(question, ". ")
	host, keys := strings.CutPrefix(name, "_25._tcp.")
	if keys || strings.HasPrefix(name, "mx") && kind != "MX" {
		return host
	}
	return ""
}

// firm holds that a report is no firm word against a domain that the other report knows well.
func firm(t *testing.T, r, want *report.Report, why string) {
	t.Helper()
	if r.Grade.Letter != want.Grade.Letter && !r.Grade.Provisional {
		t.Errorf("%s: %s, %s and firm, in truth %s\n%s", r.Domain, why, r.Grade.Letter, want.Grade.Letter, outline(r))
	}
	for _, f := range r.Findings {
		if f.Verdict == report.Fail && !fired(want, f.Rule) {
			t.Errorf("%s: %s, %s is held against the domain", r.Domain, why, f.Rule)
		}
	}
}

// The same for the policy host, at each stage of a fetch: it is the policy host's only where it
// answered.
func TestWhatThePathLosesOfThePolicyMakesNoFirmLetter(t *testing.T) {
	for _, c := range []struct {
		why  string
		dial func(ctx context.Context, conn net.Conn) (net.Conn, error)
		rule string
		firm bool
	}{
		{"silence", func(ctx context.Context, conn net.Conn) (net.Conn, error) {
			conn.Close()
			<-ctx.Done()
			return nil, ctx.Err()
		}, "STS-45", false},
		{"no route", func(_ context.Context, conn net.Conn) (net.Conn, error) {
			conn.Close()
			return nil, syscall.ENETUNREACH
		}, "STS-45", false},
		{"no file descriptor", func(_ context.Context, conn net.Conn) (net.Conn, error) { conn.Close(); return nil, syscall.EMFILE }, "STS-45", false},
		{"silence in the handshake", func(_ context.Context, conn net.Conn) (net.Conn, error) { return mute{conn}, nil }, "STS-45", false},
		{"a refusal", func(_ context.Context, conn net.Conn) (net.Conn, error) {
			conn.Close()
			return nil, syscall.ECONNREFUSED
		}, "STS-12", true},
	} {
		synctest.Test(t, func(t *testing.T) {
			for _, domain := range []string{"perfect.test", "sts.test"} {
				quick := func(cfg *checks.Config) { cfg.Depth = report.Quick }
				l, e := world(t, lab.Options{}, quick)
				want := scan(t, e, domain)
				_, e = world(t, lab.Options{}, func(cfg *checks.Config) {
					quick(cfg)
					dial := cfg.Dial
					cfg.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
						conn, err := dial(ctx, network, address)
						if err != nil || !strings.HasSuffix(address, fmt.Sprintf(":%d", l.STSPort())) {
							return conn, err
						}
						return c.dial(ctx, conn)
					}
				})
				r := scan(t, e, domain)
				if !fired(r, c.rule) || r.Grade.Provisional == c.firm {
					t.Errorf("%s: %s: provisional %v, want %s\n%s", domain, c.why, r.Grade.Provisional, c.rule, outline(r))
				}
				if !c.firm {
					firm(t, r, want, c.why)
				}
			}
		})
	}
}

// mute takes what is written and passes nothing on.
type mute struct{ net.Conn }

func (mute) Write(b []byte) (int, error) { return len(b), nil }
