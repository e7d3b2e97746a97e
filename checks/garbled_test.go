package checks_test

import (
	"context"
	"net"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/miekg/dns"

	"mxseal/checks"
	"mxseal/checks/lab"
)

// garbled is a connection to the resolver on which the signatures of one answer are spoilt, as
// by a resolver that has it from the one bad name server among good ones.
type garbled struct {
	net.Conn
	question string // name and type
}

func (c *garbled) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	m := new(dns.Msg)
	if err != nil || m.Unpack(b[:n]) != nil || len(m.Question) != 1 || m.Question[0].Name+" "+dns.TypeToString[m.Question[0].Qtype] != c.question {
		return n, err
	}
	for _, rr := range append(m.Answer, m.Ns...) {
		if sig, ok := rr.(*dns.RRSIG); ok {
			sig.Signature = strings.Map(func(r rune) rune {
				switch r {
				case 'A':
					return 'B'
				case 'a':
					return 'b'
				}
				return r
			}, sig.Signature)
		}
	}
	packed, err := m.Pack()
	if err != nil {
		return 0, err
	}
	return copy(b, packed), nil
}

// An answer whose signatures do not hold is looked at once more, at the zone's own servers,
// before anybody is accused: where theirs hold, the letter stands.
func TestABadAnswerBesideGoodOnesMovesNoLetter(t *testing.T) {
	for _, c := range []struct{ domain, question string }{
		{"dane.test", "dane.test. MX"}, {"dane.test", "mx.dane.test. A"}, {"dane.test", "_25._tcp.mx.dane.test. TLSA"}, {"dane.test", "dane.test. DNSKEY"},
		{"dane.test", "dane.test. DS"}, {"perfect.test", "_mta-sts.perfect.test. TXT"}, {"perfect.test", "_25._tcp.mx1.perfect.test. TLSA"},
	} {
		synctest.Test(t, func(t *testing.T) {
			_, e := world(t, lab.Options{}, nil)
			want := scan(t, e, c.domain).Grade.Letter
			_, e = world(t, lab.Options{}, func(cfg *checks.Config) {
				dial := cfg.Dial
				cfg.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
					conn, err := dial(ctx, network, address)
					if err != nil || address != cfg.Resolvers[0].String() || !strings.HasPrefix(network, "udp") {
						return conn, err
					}
					return &garbled{conn, c.question}, nil
				}
			})
			r := scan(t, e, c.domain)
			if r.Grade.Letter != want || r.Grade.Provisional {
				t.Errorf("%s spoilt: %s, provisional %v; want %s\n%s", c.question, r.Grade.Letter, r.Grade.Provisional, want, outline(r))
			}
			if fired(r, "SEC-03") || fired(r, "DAN-05") {
				t.Errorf("%s spoilt: the zone is accused\n%s", c.question, outline(r))
			}
		})
	}
}
