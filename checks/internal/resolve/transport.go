package resolve

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"

	"mxseal/checks/internal/egress"
	"mxseal/checks/report"
)

const (
	queueTime    = 10 * time.Second       // for a place among the questions under way
	questionTime = 15 * time.Second       // for one question, over all upstreams and tries
	datagramTime = 2 * time.Second        // for one try by UDP
	streamTime   = 3 * time.Second        // for one try by TCP
	leastRound   = 500 * time.Millisecond // from the first round of tries to the second; twice that to the next
	servfailed   = 300 * time.Millisecond // the same, where all that a resolver says is SERVFAIL
	maxRounds    = 4
	payloadSize  = 1232 // octets, EDNS: fits every path unfragmented
	parallel     = 32   // questions at a time
)

// upstream is the recursive resolvers that do our legwork. Nothing they say is believed.
type upstream struct {
	dialer *egress.Dialer
	peers  []netip.AddrPort
	places chan struct{}
	first  atomic.Int32 // index of the peer that answered last, tried first

	disagreed atomic.Int64 // second opinions that were other than ours
}

func newUpstream(dialer *egress.Dialer, peers []netip.AddrPort) *upstream {
	return &upstream{dialer: dialer, peers: peers, places: make(chan struct{}, parallel)}
}

// enter waits for a place among the questions under way; leave gives it back. The failure
// says that none became free, which is nobody's fault but ours.
func (u *upstream) enter(ctx context.Context, q question) *report.Failure {
	ctx, cancel := context.WithTimeout(ctx, queueTime)
	defer cancel()
	select {
	case u.places <- struct{}{}:
		return nil
	case <-ctx.Done():
		return &report.Failure{Phase: "dns", Kind: "exhausted",
			Text: fmt.Sprintf("Too many questions are under way here, so %v was not asked. This says nothing about the domain.", q)}
	}
}

func (u *upstream) leave() { <-u.places }

// ask puts one question to the upstreams in turn until one knows. A round in which none does
// is followed by another after a pause: packets are lost, resolvers restart, and forwarders
// under load refuse for a moment. What failed to the end is said peer by peer.
func (u *upstream) ask(ctx context.Context, q question) *reply {
	if failure := u.enter(ctx, q); failure != nil {
		return &reply{failure: failure}
	}
	ctx, cancel := context.WithTimeout(ctx, questionTime)
	defer cancel()
	var failed *reply
	for round := range maxRounds {
		began := time.Now()
		rep, again := u.round(ctx, q)
		u.leave()
		if failed != nil && rep.failure != nil && ctx.Err() != nil {
			return failed // the last round was cut short
		}
		if failed = rep; rep.failure == nil || !again {
			return rep
		}
		pause, most := leastRound, maxRounds
		if rep.failure.Kind == "servfail" {
			pause, most = servfailed, maxRounds-1
		}
		if round+1 >= most || egress.Pause(ctx, pause<<round-time.Since(began)) != nil || u.enter(ctx, q) != nil {
			return failed
		}
	}
	return failed
}

// round asks every upstream once. again is whether a further round may bring more.
func (u *upstream) round(ctx context.Context, q question) (failed *reply, again bool) {
	failed = &reply{failure: &report.Failure{Phase: "dns", Kind: "unreachable",
		Text: "No resolver is configured; name one with --resolver."}}
	first := int(u.first.Load())
	var seen []report.Witness
	for i := range u.peers {
		at := (first + i) % len(u.peers)
		rep := u.askPeer(ctx, u.peers[at], q, true)
		if rep.rcode == dns.RcodeServerFailure {
			// Some forwarders know CD only as a reason to fail. Without it the answer, if
			// one comes, is proved here all the same; if none comes, the reason often does.
			if second := u.askPeer(ctx, u.peers[at], q, false); second.failure == nil || second.ede != 0 {
				rep = second
			}
		}
		if rep.failure == nil {
			u.first.Store(int32(at))
			return rep, false
		}
		failed = rep
		again = again || passing(rep)
		seen = append(seen, report.Witness{Resolver: true, Name: u.peers[at].String(), Question: q.String(), Kind: rep.failure.Kind, Tries: 1})
	}
	failed.seen = seen
	return failed, again
}

// passing reports whether a failure may pass within moments. A resolver that gives its reason
// is not under load.
func passing(rep *reply) bool {
	switch rep.failure.Kind {
	case "formerr", "notimp", "badvers", "forbidden":
		return false
	}
	return rep.ede == 0
}

// askPeer puts the question to one resolver: twice by UDP, then by TCP, which also fetches
// what was too long for a datagram. checking sets the CD bit.
func (u *upstream) askPeer(ctx context.Context, peer netip.AddrPort, q question, checking bool) *reply {
	var err error
	for _, network := range []string{"udp", "udp", "tcp"} {
		var msg *dns.Msg
		var size int
		msg, size, err = u.exchange(ctx, network, peer, q, checking)
		if err == nil && network == "udp" && msg.Truncated {
			msg, size, err = u.exchange(ctx, "tcp", peer, q, checking)
			if err != nil {
				break // the rest came by UDP and was too long: UDP will not help
			}
		}
		if err == nil {
			return newReply(msg, size, peer, q)
		}
		if ctx.Err() != nil {
			break
		}
	}
	if egress.Kind(err) == "exhausted" {
		return &reply{failure: &report.Failure{Phase: "dns", Kind: "exhausted",
			Text: report.Clean(fmt.Sprintf("This checker has run out of sockets, descriptors or memory, so %v was not asked (%v). This says nothing about the domain.", q, err), 500)}}
	}
	return &reply{failure: &report.Failure{Phase: "dns", Kind: egress.Kind(err),
		Text: report.Clean(fmt.Sprintf("The resolver %v gave no answer for %v (%v). Check that it is up and reachable.", peer, q, err), 500)}}
}

// exchange sends the question once to a resolver.
func (u *upstream) exchange(ctx context.Context, network string, peer netip.AddrPort, q question, checking bool) (*dns.Msg, int, error) {
	patience := datagramTime
	if network == "tcp" {
		patience = streamTime
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return exchange(ctx, network, patience, q.message(checking), func(ctx context.Context) (net.Conn, error) {
		return u.dialer.Upstream(ctx, network, peer)
	})
}

// exchange sends a query once, from a new socket with a new id, and waits for its reply. On
// a datagram socket whatever does not fit the question is ignored, since anyone may send it.
func exchange(ctx context.Context, network string, patience time.Duration, m *dns.Msg, dial func(context.Context) (net.Conn, error)) (*dns.Msg, int, error) {
	conn, err := dial(ctx)
	if err != nil {
		return nil, 0, fmt.Errorf("%s: %w", network, err)
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	defer context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })()
	wire, err := m.Pack()
	if err != nil {
		return nil, 0, err
	}
	if network == "tcp" {
		return overStream(conn, m, wire)
	}
	return overDatagrams(conn, m, wire)
}

// datagrams are buffers for the longest datagram that anyone may send. A check takes some
// fifty, which would be most of the memory that it uses.
var datagrams = sync.Pool{New: func() any { return new([65535]byte) }}

func overDatagrams(conn net.Conn, m *dns.Msg, wire []byte) (*dns.Msg, int, error) {
	if _, err := conn.Write(wire); err != nil {
		return nil, 0, fmt.Errorf("udp: %w", err)
	}
	room := datagrams.Get().(*[65535]byte) // unpacking copies what it keeps
	defer datagrams.Put(room)
	buf := room[:]
	for {
		n, err := conn.Read(buf)
		if err != nil {
			return nil, 0, fmt.Errorf("udp: %w", err)
		}
		if msg, err := readReply(buf[:n], m); err == nil {
			return msg, n, nil
		}
	}
}

func overStream(conn net.Conn, m *dns.Msg, wire []byte) (*dns.Msg, int, error) {
	framed := append(binary.BigEndian.AppendUint16(nil, uint16(len(wire))), wire...)
	if _, err := conn.Write(framed); err != nil {
		return nil, 0, fmt.Errorf("tcp: %w", err)
	}
	var length [2]byte
	if _, err := io.ReadFull(conn, length[:]); err != nil {
		return nil, 0, fmt.Errorf("tcp: %w", err)
	}
	buf := make([]byte, binary.BigEndian.Uint16(length[:]))
	if _, err := io.ReadFull(conn, buf); err != nil {
		return nil, 0, fmt.Errorf("tcp: %w", err)
	}
	msg, err := readReply(buf, m)
	return msg, len(buf), err
}

// readReply unpacks a message and holds it against the question. A message too broken to
// unpack, but with our id and the TC bit, stands for "ask by TCP".
func readReply(wire []byte, m *dns.Msg) (*dns.Msg, error) {
	msg := new(dns.Msg)
	err := msg.Unpack(wire)
	switch {
	case msg.Id != m.Id || !msg.Response || msg.Opcode != dns.OpcodeQuery:
		return nil, errors.New("not a reply to our question")
	case err != nil && !msg.Truncated:
		return nil, fmt.Errorf("the reply cannot be read: %w", err)
	case len(msg.Question) == 0 && (err != nil || msg.Rcode != dns.RcodeSuccess && msg.Rcode != dns.RcodeNameError):
		return msg, nil // an error reply need not repeat the question
	case len(msg.Question) != 1:
		return nil, errors.New("not a reply to our question")
	}
	got, want := msg.Question[0], m.Question[0]
	if !strings.EqualFold(got.Name, want.Name) || got.Qtype != want.Qtype || got.Qclass != want.Qclass {
		return nil, errors.New("not a reply to our question")
	}
	return msg, nil
}

// message is the question on the wire: RD, DO and CD set, AD clear. CD asks the upstream
// to pass on what it would refuse, so that we can say why.
func (q question) message(checking bool) *dns.Msg {
	m := new(dns.Msg)
	m.SetQuestion(q.name, q.qtype) // random id
	m.CheckingDisabled = checking
	m.SetEdns0(payloadSize, true)
	return m
}

// gaveUp is the reply to a question whose asker could wait no longer.
func gaveUp(q question) *reply {
	return &reply{failure: &report.Failure{Phase: "dns", Kind: "timeout",
		Text: fmt.Sprintf("The time for this check ran out before %v was answered.", q)}}
}

// rcodeFailure turns an rcode that is no answer into evidence.
func rcodeFailure(rcode int, peer netip.AddrPort, q question, ede string) *report.Failure {
	name := rcodeName(rcode)
	text := fmt.Sprintf("The resolver %v answered %s for %v", peer, name, q)
	if ede != "" {
		text += " and says: " + ede
	}
	kind := strings.ToLower(name)
	if rcode == dns.RcodeRefused {
		text += ". It must allow recursive queries from here"
	} else {
		text += ". The name servers of that domain, as seen from there, do not answer usefully"
	}
	return &report.Failure{Phase: "dns", Kind: kind, Text: report.Clean(text+".", 500)}
}
