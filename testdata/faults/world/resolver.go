package world

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"

	"mxseal/checks/lab"
)

// Resolver is the recursive resolver of a world: the lab's, under a root of its own, except
// for the names of strangers.
type Resolver struct {
	Asked atomic.Int64 // questions
	Trip  atomic.Int64 // time.Duration that an answer takes
	Mood  atomic.Int32 // the rcode that it gives to every question; 0 for what is right, Silent for none

	lab     *lab.Lab
	address string
	root    *zone
	zones   map[string]*zone // of strangers, below signed.test
	told    sync.Map         // what the lab answers, by question
	closing chan struct{}

	mu      sync.Mutex
	packets net.PacketConn
	streams net.Listener
	work    sync.WaitGroup
}

func newResolver() *Resolver {
	r := &Resolver{root: newZone("."), zones: make(map[string]*zone), closing: make(chan struct{})}
	for _, name := range []string{"trap", "swarm", "hashes", "crowd", "list"} {
		origin := name + ".signed.test."
		r.zones[origin] = newZone(origin)
	}
	return r
}

// Silent is the mood in which nothing is answered.
const Silent = -1

// delegations are the records that the zone signed.test needs for the strangers' zones.
func (r *Resolver) delegations() string {
	var b strings.Builder
	for origin, z := range r.zones {
		b.WriteString(origin + " 300 IN NS ns.test.\n" + z.ds())
	}
	return b.String()
}

func (r *Resolver) begin(w *World, address string, l *lab.Lab) error {
	r.address, r.lab = address, l
	return r.Back()
}

// Back opens the sockets.
func (r *Resolver) Back() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var err error
	if r.packets, err = net.ListenPacket("udp", r.address); err != nil {
		return err
	}
	if r.streams, err = net.Listen("tcp", r.address); err != nil {
		r.packets.Close()
		return err
	}
	packets, streams := r.packets, r.streams
	r.work.Go(func() { r.overPackets(packets) })
	r.work.Go(func() { r.overStreams(streams) })
	return nil
}

// Away closes the sockets: whoever asks now is refused.
func (r *Resolver) Away() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.packets.Close()
	r.streams.Close()
}

// Close ends the resolver for good.
func (r *Resolver) Close() error {
	r.Away()
	close(r.closing)
	r.work.Wait()
	return nil
}

// Displace makes the root sign as if the clock of whoever looks at it were off.
func (r *Resolver) Displace(by time.Duration) { r.root.displace(by) }

func (r *Resolver) overPackets(s net.PacketConn) {
	buf := make([]byte, 1<<16)
	for {
		n, client, err := s.ReadFrom(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue
		}
		q := new(dns.Msg)
		if q.Unpack(buf[:n]) != nil {
			continue
		}
		r.work.Go(func() {
			for _, out := range r.answer(q, "udp") {
				s.WriteTo(out, client)
			}
		})
	}
}

func (r *Resolver) overStreams(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		r.work.Go(func() {
			defer c.Close()
			c.SetDeadline(time.Now().Add(10 * time.Second))
			for {
				var length [2]byte
				if _, err := io.ReadFull(c, length[:]); err != nil {
					return
				}
				wire := make([]byte, binary.BigEndian.Uint16(length[:]))
				if _, err := io.ReadFull(c, wire); err != nil {
					return
				}
				q := new(dns.Msg)
				if q.Unpack(wire) != nil {
					return
				}
				for _, out := range r.answer(q, "tcp") {
					if _, err := c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(out))), out...)); err != nil {
						return
					}
				}
			}
		})
	}
}

// answer returns the messages that a question is answered with, none for silence.
func (r *Resolver) answer(q *dns.Msg, network string) [][]byte {
	r.Asked.Add(1)
	time.Sleep(time.Duration(r.Trip.Load()))
	if len(q.Question) != 1 {
		return nil
	}
	switch mood := int(r.Mood.Load()); mood {
	case dns.RcodeSuccess:
	case Silent:
		return nil
	default:
		return [][]byte{pack(new(dns.Msg).SetRcode(q, mood), q, network)}
	}
	name, qtype := dns.CanonicalName(q.Question[0].Name), q.Question[0].Qtype
	if m, raw, strange := r.stranger(q, name, qtype, network); strange {
		if m != nil {
			raw = [][]byte{pack(m, q, network)}
		}
		return raw
	}
	m, err := r.forward(q)
	if err != nil {
		m = new(dns.Msg).SetRcode(q, dns.RcodeServerFailure)
	}
	r.crown(m)
	return [][]byte{pack(m, q, network)}
}

// pack fits a message to its way.
func pack(m, q *dns.Msg, network string) []byte {
	m.Compress = true
	out, err := m.Pack()
	if err != nil {
		out, _ = new(dns.Msg).SetRcode(q, dns.RcodeServerFailure).Pack()
	}
	if network == "udp" && len(out) > 1232 {
		m.Answer, m.Ns, m.Truncated = nil, nil, true
		out, _ = m.Pack()
	}
	return out
}

// forward asks the lab, which never changes, once.
func (r *Resolver) forward(q *dns.Msg) (*dns.Msg, error) {
	question := q.Question[0]
	question.Name = dns.CanonicalName(question.Name)
	if kept, ok := r.told.Load(question); ok && q.CheckingDisabled {
		m := kept.(*dns.Msg).Copy()
		m.Id, m.Question = q.Id, q.Question
		return m, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	c, err := r.lab.Dial(ctx, "tcp", r.lab.Resolver().String())
	if err != nil {
		return nil, err
	}
	defer c.Close()
	through := &dns.Conn{Conn: c}
	if err := through.WriteMsg(q); err != nil {
		return nil, err
	}
	m, err := through.ReadMsg()
	if err == nil && q.CheckingDisabled {
		r.told.Store(question, m.Copy())
	}
	return m, err
}

// crown puts the root of this world in the place of the lab's: its key, and its signatures
// over what the lab's root had signed.
func (r *Resolver) crown(m *dns.Msg) {
	for _, section := range []*[]dns.RR{&m.Answer, &m.Ns} {
		var out, set []dns.RR
		for _, rr := range *section {
			if sig, ok := rr.(*dns.RRSIG); ok {
				if sig.SignerName == "." {
					set = r.root.sign(set...)
				} else {
					set = append(set, rr)
				}
				out, set = append(out, set...), nil
				continue
			}
			if h := rr.Header(); len(set) > 0 && (set[0].Header().Rrtype != h.Rrtype || set[0].Header().Name != h.Name) {
				out, set = append(out, set...), nil
			}
			if rr.Header().Rrtype == dns.TypeDNSKEY && rr.Header().Name == "." {
				rr = dns.Copy(r.root.key)
			}
			set = append(set, rr)
		}
		*section = append(out, set...)
	}
}
