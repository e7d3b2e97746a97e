package resolve

import (
	"bytes"
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
	"mxseal/checks/internal/share"
	"mxseal/checks/report"
)

const (
	questionTime = 15 * time.Second       // for one question, over all upstreams and tries, once it has its place
	datagramTime = 2 * time.Second        // for one try by UDP
	streamTime   = 3 * time.Second        // for one try by TCP
	leastRound   = 300 * time.Millisecond // from the first round of tries to the second; twice that to the next
	maxRounds    = 6                      // the last begins after 31 times the first pause
	servfailed   = 5                      // rounds, where all that a resolver says is SERVFAIL
	payloadSize  = 1232                   // octets, EDNS: fits every path unfragmented
)

// upstream is the recursive resolvers that do our legwork, as one scan asks them. Nothing they
// say is believed.
type upstream struct {
	*admission
	dialer *egress.Dialer
	peers  []netip.AddrPort
	first  *atomic.Int32 // index of the peer that answered last, tried first
	idle   sockets

	disagreed *atomic.Int64 // second opinions that were other than ours
}

func newUpstream(dialer *egress.Dialer, peers []netip.AddrPort) *upstream {
	return &upstream{admission: newAdmission(), dialer: dialer, peers: peers, first: new(atomic.Int32), idle: newSockets(peers), disagreed: new(atomic.Int64)}
}

// of returns the same resolvers for another scan.
func (u *upstream) of(scan *share.Scan) *upstream {
	other := *u
	other.admission = u.admission.of(scan)
	return &other
}

// ask puts one question to the upstreams until one knows, in rounds that have ever more time
// between them: packets are lost, resolvers restart, and forwarders under load refuse for a
// moment. What failed to the end is said peer by peer. It holds its place all the while.
func (u *upstream) ask(ctx context.Context, q question) *reply {
	if failure := u.enter(ctx, u.questions, q); failure != nil {
		return &reply{failure: failure}
	}
	defer u.leave(u.questions)
	ctx, cancel := context.WithTimeout(ctx, questionTime)
	defer cancel()
	var failed *reply
	for round, pause := 0, leastRound; ; round, pause = round+1, 2*pause {
		began := time.Now()
		rep, again := u.round(ctx, means[round], q)
		if failed != nil && rep.failure != nil && ctx.Err() != nil {
			return failed // the last round was cut short
		}
		if failed = rep; rep.failure == nil || !again {
			return rep
		}
		most := maxRounds
		if rep.failure.Kind == report.KindServerFailure {
			most = servfailed
		}
		if round+1 >= most || egress.Pause(ctx, pause-time.Since(began)) != nil {
			return failed
		}
	}
}

// means are those of the rounds: TCP after two losses, and then whatever may get through.
var means = [maxRounds]string{"udp", "udp", "tcp", "udp", "tcp", "udp"}

// round asks every upstream once. again is whether a further round may bring more.
func (u *upstream) round(ctx context.Context, network string, q question) (last *reply, again bool) {
	last = &reply{failure: failed(report.KindUnreachable, report.SaysNoResolver)}
	first := int(u.first.Load())
	var seen []report.Witness
	for i := range u.peers {
		at := (first + i) % len(u.peers)
		rep := u.askPeer(ctx, network, u.peers[at], q, true)
		if rep.rcode == dns.RcodeServerFailure {
			// Some forwarders know CD only as a reason to fail. Without it the answer, if
			// one comes, is proved here all the same; if none comes, the reason often does.
			if second := u.askPeer(ctx, network, u.peers[at], q, false); second.failure == nil || second.ede != 0 {
				rep = second
			}
		}
		if rep.failure == nil {
			u.first.Store(int32(at))
			return rep, false
		}
		last = rep
		again = again || passing(rep)
		seen = append(seen, report.Witness{Resolver: true, Name: u.peers[at].String(), Question: q.String(), Kind: rep.failure.Kind, Tries: 1})
	}
	last.seen = seen
	return last, again
}

// passing reports whether a failure may pass within moments. A resolver that gives its reason
// is not under load, unless that is that it has only just begun (RFC 8914 §4.15).
func passing(rep *reply) bool {
	if !rep.peer.IsValid() { // nothing came
		return rep.failure.Kind != report.KindForbidden
	}
	return (rep.rcode == dns.RcodeServerFailure || rep.rcode == dns.RcodeRefused) &&
		(rep.ede == 0 || rep.ede == int(dns.ExtendedErrorCodeNotReady))
}

// askPeer puts the question to one resolver, and by TCP once more where the answer is too long
// for a datagram. checking sets the CD bit.
func (u *upstream) askPeer(ctx context.Context, network string, peer netip.AddrPort, q question, checking bool) *reply {
	msg, size, err := u.exchange(ctx, network, peer, q, checking)
	if err == nil && network == "udp" && msg.Truncated {
		msg, size, err = u.exchange(ctx, "tcp", peer, q, checking)
	}
	if err == nil {
		return newReply(msg, size, peer, q)
	}
	if egress.Kind(err) == report.KindExhausted {
		return &reply{failure: report.Failed(report.PhaseDNS, report.KindExhausted, report.Say(report.SaysResolverNotAsked, "question", q).About(egress.Say(err)))}
	}
	return &reply{failure: report.Failed(report.PhaseDNS, egress.Kind(err), report.Say(report.SaysResolverSilent, "resolver", peer, "question", q).About(egress.Say(err)))}
}

// unchecked puts the question to one resolver, to be validated there, until anything comes.
func (u *upstream) unchecked(ctx context.Context, peer netip.AddrPort, q question) (rep *reply) {
	for _, network := range means[:3] {
		if rep = u.askPeer(ctx, network, peer, q, false); rep.peer.IsValid() {
			break
		}
	}
	return rep
}

// exchange sends the question once to a resolver. The time is for connecting, too.
func (u *upstream) exchange(ctx context.Context, network string, peer netip.AddrPort, q question, checking bool) (*dns.Msg, int, error) {
	patience := datagramTime
	if network == "tcp" {
		patience = streamTime
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	conn := u.idle.take(network, peer)
	if conn == nil {
		var err error
		if conn, err = u.dialer.Upstream(ctx, network, peer); err != nil {
			return nil, 0, fmt.Errorf("%s: %w", network, err)
		}
	}
	undisturbed := interrupt(ctx, conn)
	msg, size, err := exchange(ctx, network, conn, q.message(checking))
	if !undisturbed() || err != nil || !u.idle.keep(network, peer, conn) {
		conn.Close()
	}
	return msg, size, err
}

// interrupt ends what goes on at a connection once ctx does, until it is stopped. stop reports
// whether it was in time.
func interrupt(ctx context.Context, conn net.Conn) (stop func() bool) {
	return context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
}

// exchange sends a query with a new id once and waits for its reply, until it is interrupted. On
// a datagram socket whatever does not fit the question is ignored, since anyone may send it.
func exchange(ctx context.Context, network string, conn net.Conn, m *dns.Msg) (*dns.Msg, int, error) {
	wire, err := m.Pack()
	if err != nil {
		return nil, 0, err
	}
	if network == "tcp" {
		return overStream(conn, m, wire)
	}
	return overDatagrams(ctx, conn, m, wire)
}

// A datagram that is no answer to the question may come from anybody, and by the thousand.
// What we ask for fits datagramSize; after so many foreign datagrams reading slows down to a pace at which
// a flood costs next to nothing, while the answer can still come.
const (
	datagramSize = 4 << 10 // octets that are read of one
	mostForeign  = 256     // read as fast as they come
	foreignPause = 10 * time.Millisecond
	foreignBurst = 16 // foreign ones to a pause; one that looks like the answer until it is unpacked counts as many
)

var datagrams = sync.Pool{New: func() any { return new([datagramSize]byte) }}

func overDatagrams(ctx context.Context, conn net.Conn, m *dns.Msg, wire []byte) (*dns.Msg, int, error) {
	if _, err := conn.Write(wire); err != nil {
		return nil, 0, fmt.Errorf("udp: %w", err)
	}
	room := datagrams.Get().(*[datagramSize]byte) // unpacking copies what it keeps
	defer datagrams.Put(room)
	buf := room[:]
	for foreign := 0; ; {
		n, err := conn.Read(buf)
		if err != nil {
			return nil, 0, fmt.Errorf("udp: %w", err)
		}
		before := foreign
		switch {
		case !answers(buf[:n], wire):
			foreign++
		default:
			msg, err := readReply(buf[:n], m)
			if err == nil {
				return msg, n, nil
			}
			if n == len(buf) { // it goes on
				return &dns.Msg{MsgHdr: dns.MsgHdr{Id: m.Id, Response: true, Truncated: true}, Question: m.Question}, n, nil
			}
			foreign += foreignBurst
		}
		if foreign > mostForeign && foreign/foreignBurst > before/foreignBurst && egress.Pause(ctx, foreignPause) != nil {
			return nil, 0, fmt.Errorf("udp: %w", ctx.Err())
		}
	}
}

// answers reports whether a datagram may be the reply to a question, as far as its first octets
// tell: it has the id, it is a reply, and it repeats the question or none.
func answers(reply, query []byte) bool {
	const header, qr = 12, 0x80
	if len(reply) < header || reply[0] != query[0] || reply[1] != query[1] || reply[2]&qr == 0 {
		return false
	}
	switch binary.BigEndian.Uint16(reply[4:]) {
	case 0:
		return true
	case 1:
		end := header
		for query[end] != 0 { // our own, without compression
			end += 1 + int(query[end])
		}
		end += 5 // the root, type and class
		return len(reply) >= end && bytes.EqualFold(reply[header:end], query[header:end])
	}
	return false
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
