package differential

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/miekg/dns"
)

// liar stands between NSD and whoever asks. It damages what it passes on, always in the
// same way for the same question, so that all who ask get the same bytes.
type liar struct {
	address string
	lie     func(dns.Question, *dns.Msg) string // changes the message and says how; empty: not at all
	except  func(*told) bool                    // lies that are not told after all
	mu      sync.Mutex
	told    map[question]*told
}

// told is a lie as it was told.
type told struct {
	question
	what         string
	truth, wrong *dns.Msg
}

func (l *told) String() string {
	return l.question.String() + ": " + l.what
}

// listen starts a liar at an address until the test ends. By UDP it sends what is too long all the
// same: this is loopback.
func (l *liar) listen(t *testing.T) {
	t.Helper()
	l.told = make(map[question]*told)
	conn, err := net.ListenPacket("udp", l.address)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := net.Listen("tcp", l.address)
	if err != nil {
		t.Fatal(err)
	}
	handler := dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		if m := l.reply(q); m != nil {
			w.WriteMsg(m)
		}
	})
	for _, server := range []*dns.Server{{PacketConn: conn, UDPSize: 4096, Handler: handler}, {Listener: stream, Handler: handler}} {
		done := make(chan error, 1)
		go func() { done <- server.ActivateAndServe() }()
		t.Cleanup(func() {
			server.Shutdown()
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	}
}

func (l *liar) reply(q *dns.Msg) *dns.Msg {
	m := truth(q.Question[0].Name, q.Question[0].Qtype)
	if m == nil {
		return nil
	}
	was := m.Copy()
	if what := l.lie(q.Question[0], m); what != "" {
		asked := question{strings.ToLower(q.Question[0].Name), q.Question[0].Qtype}
		lie := &told{asked, what, was, m.Copy()}
		if l.except != nil && l.except(lie) {
			m = was
		} else {
			l.mu.Lock()
			l.told[asked] = lie
			l.mu.Unlock()
		}
	}
	m.Id, m.Question = q.Id, q.Question
	m.RecursionDesired, m.RecursionAvailable, m.CheckingDisabled = q.RecursionDesired, true, q.CheckingDisabled
	m.Compress = true
	return m
}

// lies lists the lies that a verdict rests on.
func (l *liar) lies(p pair) (list []*told) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for asked, lie := range l.told {
		for _, name := range p.ours.path {
			name = strings.ToLower(name)
			chain := dns.IsSubDomain(asked.name, name) && (asked.qtype == dns.TypeDS || asked.qtype == dns.TypeDNSKEY)
			if chain || asked == (question{name, p.qtype}) {
				list = append(list, lie)
				break
			}
		}
	}
	slices.SortFunc(list, func(a, b *told) int { return strings.Compare(a.String(), b.String()) })
	return list
}

// truth is what NSD says, as far as the first alias; nil where it says nothing. Unbound
// would take what follows from the same message, we ask for it: cut off, both get it from
// the same question, with the same lies.
func truth(name string, qtype uint16) *dns.Msg {
	m := authority(name, qtype)
	if m == nil || qtype == dns.TypeCNAME {
		return m
	}
	for _, rr := range m.Answer {
		switch owner := rr.Header().Name; {
		case rr.Header().Rrtype == dns.TypeCNAME && strings.EqualFold(owner, name) && !synthesized(m):
			return authority(name, dns.TypeCNAME)
		case rr.Header().Rrtype == dns.TypeDNAME && !strings.EqualFold(owner, name):
			m.Rcode, m.Ns = dns.RcodeSuccess, nil
			m.Answer = slices.DeleteFunc(m.Answer, func(rr dns.RR) bool {
				return !strings.EqualFold(rr.Header().Name, owner) && (rr.Header().Rrtype != dns.TypeCNAME || !strings.EqualFold(rr.Header().Name, name))
			})
			return m
		}
	}
	return m
}

// synthesized reports whether the alias in an answer was made from a DNAME.
func synthesized(m *dns.Msg) bool {
	return slices.ContainsFunc(m.Answer, func(rr dns.RR) bool {
		return rr.Header().Rrtype == dns.TypeDNAME && !strings.EqualFold(rr.Header().Name, m.Question[0].Name)
	})
}

// authority asks NSD.
func authority(name string, qtype uint16) *dns.Msg {
	m, err := exchange(nsdAt, question{name, qtype}, true)
	if err != nil {
		return nil
	}
	return m
}

// dice are thrown anew for every question, the same for all who ask it.
func dice(seed int, q dns.Question) *rand.Rand {
	h := fnv.New64a()
	fmt.Fprintf(h, "%s %d", strings.ToLower(q.Name), q.Qtype)
	return rand.New(rand.NewPCG(uint64(seed), h.Sum64()))
}
