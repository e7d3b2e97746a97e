package lab

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"mxseal/checks/lab/serve"
)

// mail says how a mail server behaves; the zero value is a good one. Replies are whole,
// with their codes, without line ends.
type mail struct {
	instead   func(*mailServer, net.Conn) // of a conversation
	greeting  []string                    // lines; "220 <name> ESMTP" if nil
	wait      time.Duration               // before the greeting
	quota     int                         // connections a minute, 421 to all further ones; 0 for no limit
	atOnce    int                         // connections at a time, 421 to all further ones; 0 for no limit
	ehlo      []string                    // keywords before TLS; the usual ones with STARTTLS if nil
	ehloLines []string                    // the whole answer to EHLO before TLS, line by line, in stead of ehlo
	inTLS     []string                    // keywords inside TLS that go beyond the usual ones
	noEHLO    bool                        // knows HELO only
	starttls  string                      // reply to STARTTLS; "220 2.0.0 Ready to start TLS" if empty
	stray     string                      // sent in clear behind that reply
	greetsTLS bool                        // greets once more inside TLS
	injection bool                        // commands that came with STARTTLS in clear are obeyed inside TLS
	clear     string                      // reply to MAIL before TLS; "250 2.1.0 Ok" if empty
	handshake serve.Handshake             // of TLS; that of crypto/tls if nil
	tls       func(*tls.Config)           // changes to a configuration that accepts TLS 1.2 and 1.3
}

// mailServer is one mail server at one address.
type mailServer struct {
	mail
	name    string
	config  *tls.Config     // one for all connections, so that sessions can be resumed
	closing <-chan struct{} // closed with the lab

	mu     sync.Mutex
	recent []time.Time // connections of the last minute
	open   int         // connections
}

func (s *mailServer) serve(c net.Conn) {
	defer c.Close()
	defer s.leave()
	switch {
	case s.crowded(), s.exhausted():
		io.WriteString(c, "421 4.7.0 "+s.name+" Too many connections from your address, try again later\r\n")
	case s.instead != nil:
		s.instead(s, c)
	case s.sleep(s.wait):
		t := &talk{mailServer: s, Talk: serve.NewTalk(c)}
		t.converse()
	}
}

// sleep waits and returns true, or false when the lab closes before.
func (s *mailServer) sleep(d time.Duration) bool {
	if d == 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-s.closing:
		return false
	}
}

// exhausted counts a connection and reports whether the quota of the minute is used up.
func (s *mailServer) exhausted() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	s.recent = slices.DeleteFunc(s.recent, func(t time.Time) bool { return now.Sub(t) >= time.Minute })
	if s.quota == 0 || len(s.recent) < s.quota {
		s.recent = append(s.recent, now)
		return false
	}
	return true
}

// crowded counts an open connection and reports whether it is one too many.
func (s *mailServer) crowded() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open++
	return s.atOnce > 0 && s.open > s.atOnce
}

func (s *mailServer) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open--
}

// talk is one conversation.
type talk struct {
	*mailServer
	*serve.Talk
}

func (t *talk) converse() {
	defer func() { t.Conn.Close() }() // says goodbye inside TLS too
	greeting := t.greeting
	if greeting == nil {
		greeting = []string{"220 " + t.name + " ESMTP"}
	}
	if !t.say(greeting...) || strings.HasPrefix(greeting[0], "421") {
		return
	}
	refused := !slices.ContainsFunc(greeting, func(line string) bool { return strings.HasPrefix(line, "220 ") })
	for {
		verb, _, err := t.Command()
		if err != nil {
			return
		}
		switch {
		case verb == "QUIT":
			t.say("221 2.0.0 Bye")
			return
		case refused:
			err = t.Reply("503 5.5.1 Not accepting mail from you")
		case verb == "STARTTLS":
			err = t.startTLS()
		default:
			err = t.Reply(t.obey(verb)...)
		}
		if err != nil {
			return
		}
	}
}

// obey returns the reply to every command but STARTTLS and QUIT.
func (t *talk) obey(verb string) []string {
	switch verb {
	case "EHLO":
		if t.noEHLO {
			return []string{"500 5.5.1 Command unrecognized"}
		}
		if t.ehloLines != nil && !t.Secure {
			return t.ehloLines
		}
		return serve.Multiline("250", append([]string{t.name}, t.keywords()...))
	case "HELO":
		return []string{"250 " + t.name}
	case "MAIL":
		if t.clear != "" && !t.Secure {
			return []string{t.clear}
		}
		return []string{"250 2.1.0 Ok"}
	case "NOOP", "RSET":
		return []string{"250 2.0.0 Ok"}
	case "RCPT":
		return []string{"550 5.7.1 No mail is taken in the lab"}
	case "DATA":
		return []string{"503 5.5.1 No valid recipients"}
	case "VRFY":
		return []string{"252 2.0.0 Send some mail, I will try my best"}
	}
	return []string{"500 5.5.2 Error: command not recognized"}
}

func (t *talk) keywords() []string {
	switch {
	case t.Secure:
		return append(slices.Clone(serve.Usual), t.inTLS...)
	case t.ehlo != nil:
		return t.ehlo
	}
	return append(slices.Clone(serve.Usual), "STARTTLS")
}

func (t *talk) startTLS() error {
	if t.Secure {
		return t.Reply("503 5.5.1 TLS already active")
	}
	answer := t.starttls
	if answer == "" {
		answer = "220 2.0.0 Ready to start TLS"
	}
	if !strings.HasPrefix(answer, "220") {
		return t.Reply(answer)
	}
	// What came together with STARTTLS came in clear: a good server forgets it (RFC 3207 §4.2).
	early, _ := t.In.Peek(t.In.Buffered())
	early = bytes.Clone(early)
	if _, err := io.WriteString(t.Conn, answer+"\r\n"+t.stray); err != nil {
		return err
	}
	shake := t.handshake
	if shake == nil {
		shake = serve.Ordinary
	}
	if err := t.Encrypt(t.config, shake); err != nil {
		return err
	}
	if t.greetsTLS && !t.say("220 "+t.name+" ESMTP") {
		return net.ErrClosed
	}
	if t.injection {
		t.In = bufio.NewReader(io.MultiReader(bytes.NewReader(early), t.Conn))
	}
	return nil
}

func (t *talk) say(lines ...string) bool { return t.Reply(lines...) == nil }

// silent says nothing until the client hangs up.
func silent(s *mailServer, c net.Conn) {
	c.SetReadDeadline(time.Now().Add(serve.Idle))
	io.Copy(io.Discard, c)
}

// endless begins a greeting and never comes to its last line.
func endless(s *mailServer, c net.Conn) {
	for s.sleep(time.Second) {
		c.SetWriteDeadline(time.Now().Add(serve.Idle))
		if _, err := io.WriteString(c, "220-Please wait while we look you up\r\n"); err != nil {
			return
		}
	}
}

// garbage answers as a web server does that got lost.
func garbage(s *mailServer, c net.Conn) {
	io.WriteString(c, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n\x00\x01\x02\xff\r\n")
	silent(s, c)
}
