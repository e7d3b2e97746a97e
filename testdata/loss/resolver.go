package main

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"

	"mxseal/checks/lab"
	"mxseal/testdata/space"
)

// resolver is the lab's recursive resolver with a fault of its own. The name servers of the
// zones are not touched by it.
type resolver struct {
	lab     *lab.Lab
	loss    float64 // share of questions, by UDP or TCP, that are not answered
	silent  uint16  // type of record that is never answered
	failing uint16  // type of record that is answered with SERVFAIL
	below   string  // beginning of the names for which that holds; empty for all

	mu     sync.Mutex
	random *rand.Rand
}

// listen opens the sockets inside a space.
func (r *resolver) listen(s *space.Space, address string) error {
	return s.Do(func() error {
		packets, err := net.ListenPacket("udp", address)
		if err != nil {
			return err
		}
		streams, err := net.Listen("tcp", address)
		if err != nil {
			return err
		}
		go r.overPackets(packets)
		go r.overStreams(streams)
		return nil
	})
}

func (r *resolver) overPackets(s net.PacketConn) {
	buf := make([]byte, 1<<16)
	for {
		n, client, err := s.ReadFrom(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue
		}
		question := append([]byte(nil), buf[:n]...)
		go func() {
			if out := r.answer(question, "udp"); out != nil {
				s.WriteTo(out, client)
			}
		}()
	}
}

func (r *resolver) overStreams(l net.Listener) {
	for {
		c, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			time.Sleep(10 * time.Millisecond)
			continue
		}
		go func() {
			defer c.Close()
			for {
				c.SetDeadline(time.Now().Add(time.Minute))
				question, err := readMessage(c)
				if err != nil {
					return
				}
				if out := r.answer(question, "tcp"); out != nil {
					if writeMessage(c, out) != nil {
						return
					}
				}
			}
		}()
	}
}

// answer returns nil for silence.
func (r *resolver) answer(question []byte, network string) []byte {
	q := new(dns.Msg)
	if q.Unpack(question) != nil || len(q.Question) != 1 {
		return nil
	}
	r.mu.Lock()
	lost := r.random.Float64() < r.loss
	r.mu.Unlock()
	kind, here := q.Question[0].Qtype, strings.HasPrefix(strings.ToLower(q.Question[0].Name), r.below)
	switch {
	case lost, here && r.silent != 0 && kind == r.silent:
		return nil
	case here && r.failing != 0 && kind == r.failing:
		return servfail(q)
	}
	out, err := r.forward(question, network)
	if err != nil {
		return servfail(q)
	}
	return out
}

// forward asks the lab, in memory.
func (r *resolver) forward(question []byte, network string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	c, err := r.lab.Dial(ctx, network, r.lab.Resolver().String())
	if err != nil {
		return nil, err
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(10 * time.Second))
	if network == "tcp" {
		if err := writeMessage(c, question); err != nil {
			return nil, err
		}
		return readMessage(c)
	}
	if _, err := c.Write(question); err != nil {
		return nil, err
	}
	buf := make([]byte, 1<<16)
	n, err := c.Read(buf)
	return buf[:n], err
}

func servfail(q *dns.Msg) []byte {
	m := new(dns.Msg).SetRcode(q, dns.RcodeServerFailure)
	m.RecursionAvailable = true
	if q.IsEdns0() != nil {
		m.SetEdns0(1232, true)
	}
	out, _ := m.Pack()
	return out
}

// Messages over TCP have their length before them (RFC 1035 §4.2.2).
func readMessage(r io.Reader) ([]byte, error) {
	var length [2]byte
	if _, err := io.ReadFull(r, length[:]); err != nil {
		return nil, err
	}
	m := make([]byte, binary.BigEndian.Uint16(length[:]))
	_, err := io.ReadFull(r, m)
	return m, err
}

func writeMessage(w io.Writer, m []byte) error {
	_, err := w.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(m))), m...))
	return err
}
