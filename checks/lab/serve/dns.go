package serve

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strings"

	"github.com/miekg/dns"
)

// Payload is how many octets of an answer by UDP pass every path in one piece.
const Payload = 1232

// Answerer turns a question as it came by the wire into its answer, nil where the octets are
// no question at all.
type Answerer func(packet []byte, udp bool) []byte

// Respond answers a question: fill completes the reply to one that makes sense, with proofs
// and signatures where do is set. Only a recursive server says that it is one. By UDP at most
// Payload octets go out, less where the question allows for less.
func Respond(packet []byte, udp, recursive bool, fill func(m *dns.Msg, do bool)) []byte {
	q := new(dns.Msg)
	if q.Unpack(packet) != nil || q.Response {
		return nil
	}
	m := reply(q, fill)
	m.RecursionAvailable = recursive
	size := dns.MaxMsgSize
	if udp {
		size = dns.MinMsgSize
		if opt := q.IsEdns0(); opt != nil {
			size = min(Payload, max(size, int(opt.UDPSize())))
		}
	}
	m.Compress = true
	out, err := m.Pack()
	if err == nil && len(out) > size {
		m.Answer, m.Ns, m.Truncated = nil, nil, true
		out, err = m.Pack()
	}
	if err != nil {
		return nil
	}
	return out
}

func reply(q *dns.Msg, fill func(m *dns.Msg, do bool)) *dns.Msg {
	m := new(dns.Msg)
	m.SetReply(q)
	m.CheckingDisabled = q.CheckingDisabled
	opt := q.IsEdns0()
	if opt != nil {
		m.SetEdns0(Payload, opt.Do())
	}
	switch {
	case q.Opcode != dns.OpcodeQuery:
		m.Rcode = dns.RcodeNotImplemented
	case len(q.Question) != 1:
		m.Rcode = dns.RcodeFormatError
	case opt != nil && opt.Version() != 0:
		m.Rcode = dns.RcodeBadVers
	case q.Question[0].Qclass != dns.ClassINET:
		m.Rcode = dns.RcodeRefused
	default:
		fill(m, opt != nil && opt.Do())
	}
	return m
}

// Packets answers the questions that come to a socket, until it is closed.
func Packets(s net.PacketConn, answer func(packet []byte, from net.Addr) []byte) {
	buf := make([]byte, dns.MaxMsgSize)
	for {
		n, from, err := s.ReadFrom(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue // an earlier answer has not arrived
		}
		if out := answer(buf[:n], from); out != nil {
			s.WriteTo(out, from)
		}
	}
}

// Serve answers the questions of one connection until its client hangs up. By UDP every
// question is one packet; by TCP its length goes before it (RFC 1035 §4.2.2).
func (answer Answerer) Serve(c net.Conn) {
	udp := strings.HasPrefix(c.LocalAddr().Network(), "udp")
	buf := make([]byte, dns.MaxMsgSize)
	for {
		n, err := next(c, buf, udp)
		if err != nil {
			return
		}
		out := answer(buf[:n], udp)
		if out == nil {
			continue
		}
		if !udp {
			out = append(binary.BigEndian.AppendUint16(nil, uint16(len(out))), out...)
		}
		if _, err := c.Write(out); err != nil {
			return
		}
	}
}

func next(c net.Conn, buf []byte, udp bool) (int, error) {
	if udp {
		return c.Read(buf)
	}
	if _, err := io.ReadFull(c, buf[:2]); err != nil {
		return 0, err
	}
	return io.ReadFull(c, buf[:binary.BigEndian.Uint16(buf)])
}
