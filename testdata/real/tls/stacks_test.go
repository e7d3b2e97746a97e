package tls

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/cryptobyte"

	talk "mxseal/checks/starttls"
)

// said is what a ClientHello holds.
type said struct {
	versions, suites, groups, schemes []uint16
	named                             bool
}

func words(s cryptobyte.String) (out []uint16) {
	for v := uint16(0); s.ReadUint16(&v); {
		out = append(out, v)
	}
	return out
}

// readHello reads a ClientHello from its record (RFC 9846 §4.2.2).
func readHello(r io.Reader) (h said, ok bool) {
	head := make([]byte, 5)
	if _, err := io.ReadFull(r, head); err != nil {
		return h, false
	}
	body := make([]byte, int(head[3])<<8|int(head[4]))
	if _, err := io.ReadFull(r, body); err != nil {
		return h, false
	}
	s := cryptobyte.String(body)
	var skipped, suites, extensions cryptobyte.String
	if !s.Skip(4+2+32) || !s.ReadUint8LengthPrefixed(&skipped) || !s.ReadUint16LengthPrefixed(&suites) ||
		!s.ReadUint8LengthPrefixed(&skipped) || !s.ReadUint16LengthPrefixed(&extensions) {
		return h, false
	}
	h.suites = words(suites)
	for !extensions.Empty() {
		var id uint16
		var data, list cryptobyte.String
		if !extensions.ReadUint16(&id) || !extensions.ReadUint16LengthPrefixed(&data) {
			return h, false
		}
		switch id {
		case 0:
			h.named = true
		case 10:
			ok = data.ReadUint16LengthPrefixed(&list)
			h.groups = words(list)
		case 13:
			data.ReadUint16LengthPrefixed(&list)
			h.schemes = words(list)
		case 43:
			data.ReadUint8LengthPrefixed(&list)
			h.versions = words(list)
		}
	}
	return h, ok
}

// front is a mail server up to STARTTLS; behind it stands whatever is given the connection.
func front(t *testing.T, secured func(c net.Conn, in *bufio.Reader)) (port int) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				c.SetDeadline(time.Now().Add(30 * time.Second))
				fmt.Fprint(c, "220 mx.tls.test ESMTP\r\n")
				for in := bufio.NewReader(c); ; {
					line, err := in.ReadString('\n')
					if err != nil {
						return
					}
					switch verb, _, _ := strings.Cut(strings.ToUpper(strings.TrimSpace(line)), " "); verb {
					case "EHLO":
						fmt.Fprint(c, "250-mx.tls.test\r\n250 STARTTLS\r\n")
					case "STARTTLS":
						fmt.Fprint(c, "220 go\r\n")
						secured(c, in)
						return
					case "QUIT":
						fmt.Fprint(c, "221 bye\r\n")
						return
					default:
						fmt.Fprint(c, "451 not today\r\n")
					}
				}
			}()
		}
	}()
	return l.Addr().(*net.TCPAddr).Port
}

// The table of senders of today is what the installed ones say.
func TestSendersOfToday(t *testing.T) {
	for _, s := range talk.Senders {
		t.Run(s.ID, func(t *testing.T) {
			heard := make(chan said, 10)
			port := front(t, func(_ net.Conn, in *bufio.Reader) {
				if h, ok := readHello(in); ok {
					heard <- h
				}
			})
			switch s.ID {
			case "postfix":
				byPostfix(t, port)
			case "exim":
				byExim(t, port)
			case "opensmtpd":
				byOpenSMTPD(t, port, func() bool { return len(heard) > 0 })
			case "go": // the program's own library
				probeAt(t, port)
			}
			if len(heard) == 0 {
				t.Fatal("no hello was heard")
			}
			h := <-heard
			for _, c := range []struct {
				what      string
				got, want []uint16
			}{{"versions", h.versions, s.Versions}, {"suites", h.suites, s.Suites}, {"groups", h.groups, s.Groups}, {"signature schemes", h.schemes, s.Schemes}} {
				if !slices.Equal(c.got, c.want) {
					t.Errorf("%s are\n%#04x, in the table\n%#04x", c.what, c.got, c.want)
				}
			}
			if named := h.named; s.ID != "go" && named != s.Names { // the program is asked for an address here
				t.Errorf("names the host: %v", named)
			}
		})
	}
}
