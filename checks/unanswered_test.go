package checks_test

import (
	"context"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/miekg/dns"

	"mxseal/checks"
	"mxseal/checks/lab"
	"mxseal/checks/report"
)

// unspoken are the kinds of questions on whose answer nothing rests that a report says, each with
// the reason.
var unspoken = map[string]string{
	"PTR": "names of addresses are shown, and no rule looks at them",
}

// restless are the rules that speak of questions without an answer (report.Judgement.Unanswered), and of what
// that does to the letter. Where no rule that could move it rests on one they leave it firm;
// TestUnansweredMovesWhatItMust holds that.
var restless = func() (list []string) {
	for _, c := range checks.All {
		for _, rule := range c.Rules {
			if strings.Contains(rule.Text, "{letter}") {
				list = append(list, rule.ID)
			}
		}
	}
	return list
}()

// muted is a network on which a question gets no answer, from our resolver or from anybody.
type muted struct {
	mu    sync.Mutex
	lost  string          // name and type, or a name with its dot; empty: none
	asked map[string]bool // what went out
}

func (m *muted) dial(next func(context.Context, string, string) (net.Conn, error)) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := next(ctx, network, address)
		if err != nil {
			return conn, err
		}
		return &muffled{Conn: conn, muted: m}, nil
	}
}

// lose has a question get no answer from now on, and no other.
func (m *muted) lose(question string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lost = question
}

// seen returns the names that were asked for, and the questions.
func (m *muted) seen() (names, questions []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	questions = slices.Sorted(maps.Keys(m.asked))
	for _, q := range questions {
		names = append(names, strings.Fields(q)[0])
	}
	return slices.Compact(names), questions
}

type muffled struct {
	net.Conn
	*muted
}

func (c *muffled) Write(b []byte) (int, error) {
	packet, m := b, new(dns.Msg)
	if strings.HasPrefix(c.RemoteAddr().Network(), "tcp") && len(b) > 2 {
		packet = b[2:]
	}
	if m.Unpack(packet) != nil || len(m.Question) != 1 || m.Response {
		return c.Conn.Write(b)
	}
	question := m.Question[0].Name + " " + dns.TypeToString[m.Question[0].Qtype]
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked[question] = true
	if question == c.lost || m.Question[0].Name == c.lost {
		return len(b), nil
	}
	return c.Conn.Write(b)
}

// Whatever question of a check is lost, the report says so: by a finding that names it, or by one
// of the rules that speak of such a question themselves. And a letter that is another than in
// truth is not firm.
func TestEveryLostQuestionIsTold(t *testing.T) {
	lost := 0
	for _, domain := range []string{"perfect.test", "hosted.test", "sts.test", "takeover.test", "lost-server.test", "lost-policy.test", "no-mail.test", "wildcard.test"} {
		synctest.Test(t, func(t *testing.T) {
			m := &muted{asked: make(map[string]bool)}
			_, e := world(t, lab.Options{}, func(c *checks.Config) {
				c.Depth = report.Quick
				c.Dial = m.dial(c.Dial)
			})
			truth := scan(t, e, domain)
			names, questions := m.seen()
			for _, name := range names {
				if name == "." || name == "test." || strings.HasSuffix(name, "arpa.") {
					continue
				}
				m.lose(name)
				r := scan(t, e, domain)
				if r.Grade.Letter != truth.Grade.Letter && !r.Grade.Provisional && r.Grade.Letter != "T" && !broken(r) {
					t.Errorf("%s: nothing about %s: %s and firm, in truth %s\n%s", domain, name, r.Grade.Letter, truth.Grade.Letter, outline(r))
				}
			}
			for _, question := range questions {
				name, kind, _ := strings.Cut(question, ". ")
				if kind == "DS" || strings.HasPrefix(question, ". ") || name == "test" || unspoken[kind] != "" {
					continue // how the way to a name is proved; the root and its like, which are known from before
				}
				lost++
				m.lose(question)
				r, why := scan(t, e, domain), question+" without an answer"
				if r.Grade.Letter != truth.Grade.Letter && !r.Grade.Provisional && r.Grade.Letter != "T" && !broken(r) {
					t.Errorf("%s: %s: %s and firm, in truth %s\n%s", domain, why, r.Grade.Letter, truth.Grade.Letter, outline(r))
				}
				idle := r.Grade.Letter == "N" && (strings.Contains(name, "mta-sts.") || strings.Contains(name, "_tls.") || strings.Contains(name, "_smtp-tlsrpt.")) // nobody needs those without mail
				if left := leftOpen(r, name, kind); left && !idle && !told(r, name, kind) {
					t.Errorf("%s: %s, and nothing tells of it: %v\n%s", domain, why, r.Unanswered, outline(r))
				}
			}
		})
	}
	if lost < 200 {
		t.Errorf("%d questions were lost; does the test still look at the right place?", lost)
	}
	t.Logf("%d questions lost, one at a time", lost)
}

// broken reports whether the loss is one that every sender meets: nobody answers for the name,
// again and again, while all else is answered.
func broken(r *report.Report) bool {
	return slices.ContainsFunc([]string{"MX-02", "MX-25", "MX-28", "DAN-05", "SEC-03", "SEC-24", "SEC-26"}, func(rule string) bool { return fired(r, rule) })
}

// leftOpen reports whether a question of a check stayed without an answer: another may have told.
func leftOpen(r *report.Report, name, kind string) bool {
	return slices.ContainsFunc(r.Unanswered, func(q report.Question) bool { return q.Name == name && q.Type == kind })
}

// told reports whether a finding speaks of a question that got no answer.
func told(r *report.Report, name, kind string) bool {
	return slices.ContainsFunc(r.Findings, func(f report.Finding) bool {
		if slices.Contains(restless, f.Rule) {
			return slices.ContainsFunc(f.Detail, func(line string) bool { return strings.HasPrefix(line, kind+" of "+name+":") })
		}
		return slices.Contains(speak(r.Domain, name, kind), f.Rule) && (f.Host == "" || strings.Contains(name, f.Host) || f.Rule == "DAN-42")
	})
}

// speak are the rules that say themselves that a question got no answer.
func speak(domain, name, kind string) []string {
	_, below, _ := strings.Cut(name, "mta-sts.")
	switch {
	case kind == "MX" && name == domain:
		return []string{"MX-02"}
	case kind == "TLSA":
		return []string{"DAN-42", "DAN-05", "SEC-26"}
	case kind == "TXT" && name == "_mta-sts."+domain:
		return []string{"STS-09"}
	case kind == "TXT" && name == "_smtp._tls."+domain:
		return []string{"RPT-01"}
	case below != "" && (kind == "A" || kind == "AAAA"):
		return []string{"STS-45"}
	case kind == "A" || kind == "AAAA" || kind == "MX":
		return []string{"MX-02", "MX-25", "MX-28", "MX-29", "RPT-16"}
	case kind == "DNSKEY": // how the way to the names is proved
		return []string{"SEC-04", "SEC-06"}
	}
	return nil
}

// What is said of a question without an answer makes the letter provisional exactly where one of
// the rules that rest on it could move the letter, in whatever check that rule is.
func TestUnansweredMovesWhatItMust(t *testing.T) {
	limiting := func(id string) bool {
		return slices.ContainsFunc(allRules().Find(id).Effects, func(e report.Effect) bool {
			_, capped := e.Cap()
			return capped || e == report.NoAPlus
		})
	}
	r := &report.Report{Meta: report.Meta{Domain: "a.example.org"}, Evidence: report.Evidence{MX: &report.MX{State: "ok"}, Hosts: []*report.Host{{Name: "mx.example.org"}}, MTASTS: &report.MTASTS{State: "absent"}, TLSRPT: &report.TLSRPT{State: "absent"}, DNSSEC: &report.DNSSEC{}}}
	found := make(map[string]bool)
	for _, c := range checks.All {
		for _, kind := range []string{"NS", "SOA", "DNSKEY", "NSEC3PARAM", "CDS", "TXT", "CAA", "MX", "A", "AAAA", "TLSA", "SRV", "PTR"} {
			for _, name := range []string{"a.example.org", "example.org", "*.a.example.org", "_dmarc.a.example.org", "_mta-sts.example.org", "_smtp._tls.x.test", "mta-sts.a.example.org", "_25._tcp.a.example.org", "gone.net"} {
				r.Unanswered = []report.Question{{Check: c.ID, Name: name, Type: kind, Kind: "timeout"}}
				for _, f := range c.Judge(r.Observed()) {
					if !slices.Contains(restless, f.Rule) {
						continue
					}
					found[f.Rule] = true
					if moves := slices.ContainsFunc(strings.Fields(f.Params["rules"]), limiting); moves != slices.Contains(f.Effects, report.Provisional) {
						t.Errorf("%s: %s of %s: %s rest on it, and the effects are %v", c.ID, kind, name, f.Params["rules"], f.Effects)
					}
				}
			}
		}
	}
	for _, id := range restless {
		if !found[id] {
			t.Errorf("%s is never said; does the test still ask for the right things?", id)
		}
	}
}
