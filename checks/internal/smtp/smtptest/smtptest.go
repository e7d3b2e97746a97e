// Package smtptest is a mail server that does what a test tells it, on connections in memory.
package smtptest

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"mxseal/checks/internal/egress"
)

// Server accepts connections and hands each to its script. Where a client has several
// connections under way, which is first is chance: then a script answers by what was said
// (Talk.Said, Talk.Hellos), not by the number of the visit.
type Server struct {
	Delay       time.Duration            // of every packet, one way
	Serve       func(visit int, c *Talk) // the script; visits are counted from 1, as they arrive
	Dial        func(visit int) error    // when set and not nil: why the connection is not made
	work        sync.WaitGroup           // running scripts
	count, open atomic.Int64
	hellos      atomic.Int64
}

// Peer returns the door to the server; at most places connections are open at a time, two
// if that is not said.
func (s *Server) Peer(places ...int) *egress.Peer {
	d := egress.New(egress.Config{
		Allow:    []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")},
		MaxConns: append(places, 2)[0],
		Dial:     s.connect,
	})
	return d.Peer(netip.MustParseAddrPort("192.0.2.1:25"))
}

func (s *Server) connect(ctx context.Context, _, _ string) (net.Conn, error) {
	visit := int(s.count.Add(1))
	select { // SYN and SYN-ACK
	case <-time.After(2 * s.Delay):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if s.Dial != nil {
		if err := s.Dial(visit); err != nil {
			return nil, err
		}
	}
	client, server := Pipe(s.Delay)
	s.open.Add(1)
	s.work.Go(func() {
		defer server.Close()
		time.Sleep(s.Delay) // the ACK that lets the server speak
		s.Serve(visit, &Talk{server: s, conn: server, in: bufio.NewReader(server)})
	})
	return &counted{Conn: client, closed: sync.OnceFunc(func() { s.open.Add(-1) })}, nil
}

// Visits returns how many connections were asked for.
func (s *Server) Visits() int { return int(s.count.Load()) }

// Open returns how many connections the client has not closed.
func (s *Server) Open() int { return int(s.open.Load()) }

// Wait returns when every script has ended.
func (s *Server) Wait() { s.work.Wait() }

type counted struct {
	net.Conn
	closed func()
}

func (c *counted) Close() error {
	c.closed()
	return c.Conn.Close()
}

// Talk is the server's side of a conversation.
type Talk struct {
	server *Server
	conn   net.Conn
	in     *bufio.Reader
	heard  []string
}

// Raw writes text as it stands.
func (t *Talk) Raw(text string) { t.conn.Write([]byte(text)) }

// Say writes lines, each with its line end.
func (t *Talk) Say(lines ...string) { t.Raw(strings.Join(lines, "\r\n") + "\r\n") }

// Hear reads one line without its end; ok is false once the client is gone.
func (t *Talk) Hear() (line string, ok bool) {
	line, err := t.in.ReadString('\n')
	line = strings.TrimRight(line, "\r\n")
	t.heard = append(t.heard, line)
	if line == "STARTTLS" && !t.Said("MAIL") {
		t.server.hellos.Add(1)
	}
	return line, err == nil
}

// Said reports whether the client has given a command in this conversation.
func (t *Talk) Said(verb string) bool {
	return slices.ContainsFunc(t.heard, func(line string) bool {
		said, _, _ := strings.Cut(line, " ")
		return said == verb
	})
}

// Hellos returns how many conversations with the server have come to STARTTLS and were about
// nothing else: one that asks about MAIL in clear runs beside them and does not count.
func (t *Talk) Hellos() int { return int(t.server.hellos.Load()) }

// Waiting returns what has arrived and was not heard yet.
func (t *Talk) Waiting() string {
	b, _ := t.in.Peek(t.in.Buffered())
	return string(b)
}

// Conn is the connection with what was already read of it.
func (t *Talk) Conn() net.Conn { return &rest{t.conn, t.in} }

type rest struct {
	net.Conn
	in *bufio.Reader
}

func (r *rest) Read(p []byte) (int, error) { return r.in.Read(p) }

// Handshake turns the conversation into one over TLS.
func (t *Talk) Handshake(cfg *tls.Config) error {
	secure := tls.Server(t.Conn(), cfg)
	if err := secure.Handshake(); err != nil {
		return err
	}
	t.conn, t.in = secure, bufio.NewReader(secure)
	return nil
}

// Manners is an ordinary mail server with whatever a test wants to be out of the ordinary.
// Replies are whole, with codes; lines of one reply are separated by a newline.
type Manners struct {
	Greeting string // 220 mx.example ESMTP
	EHLO     string // 250 mx.example with PIPELINING and STARTTLS
	EHLOTLS  string // 250 mx.example with PIPELINING
	HELO     string // 250 mx.example
	STARTTLS string // 220 go ahead
	MAIL     string // 250 ok
	TLS      *tls.Config
	Commands *[]string // what was heard, when a test wants to know
}

// Serve plays the server to the end of the connection.
func (m Manners) Serve(t *Talk) {
	def := func(text, ordinary string) string {
		if text == "" {
			text = ordinary
		}
		return strings.ReplaceAll(text, "\n", "\r\n") + "\r\n"
	}
	t.Raw(def(m.Greeting, "220 mx.example ESMTP"))
	secure := false
	for {
		line, ok := t.Hear()
		if !ok {
			return
		}
		if m.Commands != nil {
			*m.Commands = append(*m.Commands, line)
		}
		verb, _, _ := strings.Cut(line, " ")
		switch {
		case verb == "EHLO" && secure:
			t.Raw(def(m.EHLOTLS, "250-mx.example\n250 PIPELINING"))
		case verb == "EHLO":
			t.Raw(def(m.EHLO, "250-mx.example\n250-PIPELINING\n250 STARTTLS"))
		case verb == "HELO":
			t.Raw(def(m.HELO, "250 mx.example"))
		case verb == "STARTTLS":
			reply := def(m.STARTTLS, "220 go ahead")
			t.Raw(reply)
			if strings.HasPrefix(reply, "220") {
				t.in.Discard(t.in.Buffered()) // RFC 3207 §4.2
				if m.TLS == nil || t.Handshake(m.TLS) != nil {
					return
				}
				secure = true
			}
		case verb == "MAIL":
			t.Raw(def(m.MAIL, "250 ok"))
		case verb == "QUIT":
			t.Say("221 bye")
			return
		default:
			t.Say("250 ok")
		}
	}
}

// Certificate mints a self-signed ECDSA certificate for names, valid at the time now.
func Certificate(names ...string) tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: fmt.Sprint(names)},
		DNSNames:     names,
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		panic(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}
