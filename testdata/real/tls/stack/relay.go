package stack

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"time"
)

// relay makes a mail server of a TLS server: it speaks SMTP up to STARTTLS and hands the
// rest of the connection to the backend. It counts its connections.
type relay struct {
	listener net.Listener
	backend  string // host:port
	visits   atomic.Int64
}

// newRelay listens at address until the listener is closed.
func newRelay(address, backend string) (*relay, error) {
	l, err := net.Listen("tcp4", address)
	if err != nil {
		return nil, err
	}
	r := &relay{listener: l, backend: backend}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			r.visits.Add(1)
			go r.serve(c)
		}
	}()
	return r, nil
}

// serve leads one conversation. What was sent behind STARTTLS in the same segment stays in
// the reader and is lost, as it should be (CVE-2011-0411).
func (r *relay) serve(c net.Conn) {
	defer c.Close()
	c.SetDeadline(time.Now().Add(time.Minute)) // no test leaves a connection for longer
	fmt.Fprint(c, "220 mx.tls.test ESMTP relay\r\n")
	for in := bufio.NewReaderSize(c, 1024); ; {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return
		}
		verb, _, _ := strings.Cut(strings.TrimSpace(string(line)), " ")
		switch strings.ToUpper(verb) {
		case "EHLO":
			fmt.Fprint(c, "250-mx.tls.test\r\n250 STARTTLS\r\n")
		case "STARTTLS":
			fmt.Fprint(c, "220 2.0.0 Ready to start TLS\r\n")
			r.pipe(c)
			return
		case "QUIT":
			fmt.Fprint(c, "221 2.0.0 Bye\r\n")
			return
		default:
			fmt.Fprint(c, "250 2.0.0 Ok\r\n")
		}
	}
}

func (r *relay) pipe(c net.Conn) {
	b, err := net.Dial("tcp4", r.backend)
	if err != nil {
		return
	}
	// Behind the relay is no mail server, and one that serves one client at a time: nobody waits
	// there for an answer that never comes.
	c.SetDeadline(time.Now().Add(4 * time.Second))
	go func() {
		io.Copy(b, c)
		b.Close()
	}()
	io.Copy(c, b)
}
