package real

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"
)

// manner is how a mail server that follows a script behaves. The zero value is a good one.
// Replies are sent as they are written here, with their ends of lines.
type manner struct {
	wait     time.Duration // before the greeting
	atOnce   int           // connections of one client; further ones get 421
	total    int           // connections of one client in all
	greeting string
	ehlo     string // reply to EHLO in clear
	helo     string // reply to HELO
	starttls string // reply to STARTTLS
	mail     string // reply to MAIL in clear
	inside   string // sent unasked as soon as TLS stands
	inEHLO   string // reply to EHLO inside TLS

	tls       func(*tls.Config)
	handshake func(net.Conn, *tls.Config) (net.Conn, error) // crypto/tls's if nil
}

// script is a server with a manner at an address, and what it saw.
type script struct {
	manner
	name    string
	address string
	config  *tls.Config // nil: no TLS

	mu     sync.Mutex
	open   map[string]int
	visits map[string]int
	seen   map[string][]visit // by the name given in EHLO, up to the first dot
}

// visit is what one connection came to.
type visit struct {
	offered   bool // STARTTLS was asked for
	sni       string
	version   uint16
	failed    string // the handshake
	delivered string // "tls", "clear" or nothing
}

func (v visit) String() string {
	switch {
	case v.failed != "":
		return "handshake: " + v.failed
	case v.version != 0:
		return fmt.Sprintf("%s sni=%q %s", tls.VersionName(v.version), v.sni, v.delivered)
	}
	return "clear " + v.delivered
}

func (s *script) serve(l net.Listener) {
	for {
		c, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err == nil {
			go s.meet(c)
		}
	}
}

func (s *script) meet(c net.Conn) {
	defer c.Close()
	client, _, _ := net.SplitHostPort(c.RemoteAddr().String())
	s.mu.Lock()
	s.open[client]++
	s.visits[client]++
	refused := s.atOnce > 0 && s.open[client] > s.atOnce || s.total > 0 && s.visits[client] > s.total
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.open[client]--
		s.mu.Unlock()
	}()
	if refused {
		io.WriteString(c, "421 4.7.0 Too many connections from you\r\n")
		return
	}
	time.Sleep(s.wait)
	var v visit
	who := s.talk(c, &v)
	if who == "" {
		return
	}
	s.mu.Lock()
	s.seen[who] = append(s.seen[who], v)
	s.mu.Unlock()
}

// talk holds a conversation and returns the name that the client gave.
func (s *script) talk(c net.Conn, v *visit) (who string) {
	in, secure := bufio.NewReader(c), false
	say := func(own, ordinary string) bool {
		if own != "" {
			ordinary = own
		}
		ordinary = strings.ReplaceAll(ordinary, "{host}", s.name)
		_, err := io.WriteString(c, ordinary)
		return err == nil
	}
	offer := "250-{host}\r\n250-SIZE 10240000\r\n"
	last := "250 8BITMIME\r\n"
	if s.config != nil {
		last = "250-8BITMIME\r\n250 STARTTLS\r\n"
	}
	if !say(s.greeting, "220 {host} ESMTP\r\n") {
		return
	}
	for {
		c.SetDeadline(time.Now().Add(time.Minute))
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		verb, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		ok := true
		switch strings.ToUpper(verb) {
		case "EHLO", "HELO":
			who, _, _ = strings.Cut(rest, ".")
			switch {
			case strings.EqualFold(verb, "HELO"):
				ok = say(s.helo, "250 {host}\r\n")
			case secure:
				ok = say(s.inEHLO, offer+"250 8BITMIME\r\n")
			default:
				ok = say(s.ehlo, offer+last)
			}
		case "STARTTLS":
			v.offered = true
			if s.config == nil || secure {
				ok = say("", "502 5.5.1 Not implemented\r\n")
				break
			}
			if !say(s.starttls, "220 2.0.0 Ready\r\n") {
				return
			}
			if s.starttls != "" && !strings.HasPrefix(strings.TrimSpace(s.starttls), "220") {
				break
			}
			inside, err := s.shake(c, v)
			if err != nil {
				v.failed = err.Error()
				return
			}
			defer inside.Close()
			c, in, secure = inside, bufio.NewReader(inside), true
			if s.inside != "" {
				ok = say(s.inside, "")
			}
		case "MAIL":
			if secure || s.mail == "" {
				ok = say("", "250 2.1.0 Ok\r\n")
			} else {
				ok = say(s.mail, "")
			}
		case "DATA":
			say("", "354 Go on\r\n")
			for err == nil && line != ".\r\n" {
				line, err = in.ReadString('\n')
			}
			if err != nil {
				return
			}
			v.delivered = "clear"
			if secure {
				v.delivered = "tls"
			}
			ok = say("", "250 2.0.0 Taken\r\n")
		case "QUIT":
			say("", "221 2.0.0 Bye\r\n")
			return
		case "RCPT", "RSET", "NOOP":
			ok = say("", "250 2.0.0 Ok\r\n")
		default:
			ok = say("", "500 5.5.2 What?\r\n")
		}
		if !ok {
			return
		}
	}
}

// shake turns the connection into one that speaks TLS and notes what the client wanted.
func (s *script) shake(c net.Conn, v *visit) (net.Conn, error) {
	config := s.config.Clone()
	own := config.GetConfigForClient
	config.GetConfigForClient = func(h *tls.ClientHelloInfo) (*tls.Config, error) {
		v.sni = h.ServerName
		if own != nil {
			return own(h)
		}
		return nil, nil
	}
	if s.handshake != nil {
		inside, err := s.handshake(c, config)
		if err == nil {
			v.version = tls.VersionTLS12
		}
		return inside, err
	}
	t := tls.Server(c, config)
	if err := t.Handshake(); err != nil {
		return nil, err
	}
	v.version = t.ConnectionState().Version
	return t, nil
}

// fateOf is what the visits of a client came to: the best delivery of all.
func (s *script) fateOf(who string) (delivered string, visits []visit) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, v := range s.seen[who] {
		if delivered == "" {
			delivered = v.delivered
		}
	}
	return delivered, append([]visit(nil), s.seen[who]...)
}
