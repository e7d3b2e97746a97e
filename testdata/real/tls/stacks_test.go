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
	versions, suites, groups, shares, schemes []uint16
	named                                     bool
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
		case 51:
			data.ReadUint16LengthPrefixed(&list)
			for group := uint16(0); list.ReadUint16(&group) && list.ReadUint16LengthPrefixed(&skipped); {
				h.shares = append(h.shares, group)
			}
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

// installed are the programs whose hellos the table of senders of today is held to.
var installed = []struct {
	name, row string
	open      func(t *testing.T, port int, heard chan said)
	differs   map[string]string // from its row → why
}{
	{name: "Postfix", row: "postfix", open: func(t *testing.T, port int, _ chan said) { byPostfix(t, port) }},
	{name: "Exim", row: "exim", open: func(t *testing.T, port int, _ chan said) { byExim(t, port) }},
	{name: "gnutls-cli", row: "exim", open: func(t *testing.T, port int, _ chan said) { byGnuTLS(t, "localhost", port) },
		differs: map[string]string{"name": "gnutls-cli names the host that it is told to open; Exim names one only where tls_sni is set"}},
	{name: "OpenSMTPD", row: "opensmtpd", open: func(t *testing.T, port int, heard chan said) {
		byOpenSMTPD(t, port, func() bool { return len(heard) > 0 })
	}},
	{name: "the program", row: "go", open: func(t *testing.T, port int, _ chan said) { probeAt(t, port) },
		differs: map[string]string{"name": "it is asked for an address here"}},
}

// The table of senders of today is what the installed ones say.
func TestSendersOfToday(t *testing.T) {
	held := make(map[string]bool)
	for _, p := range installed {
		held[p.row] = true
		t.Run(p.name, func(t *testing.T) {
			i := 0
			for talk.Senders[i].ID != p.row {
				i++
			}
			s := talk.Senders[i]
			heard := make(chan said, 10)
			p.open(t, front(t, func(_ net.Conn, in *bufio.Reader) {
				if h, ok := readHello(in); ok {
					heard <- h
				}
			}), heard)
			if len(heard) == 0 {
				t.Fatal("no hello was heard")
			}
			h := <-heard
			for _, c := range []struct {
				what      string
				same      bool
				got, want any
			}{
				{"versions", slices.Equal(h.versions, s.Versions), h.versions, s.Versions},
				{"suites", slices.Equal(h.suites, s.Suites), h.suites, s.Suites},
				{"groups", slices.Equal(h.groups, s.Groups), h.groups, s.Groups},
				{"shares", slices.Equal(h.shares, s.Shares), h.shares, s.Shares},
				{"signature schemes", slices.Equal(h.schemes, s.Schemes), h.schemes, s.Schemes},
				{"name", h.named == s.Names, h.named, s.Names},
			} {
				switch why := p.differs[c.what]; {
				case !c.same && why == "":
					t.Errorf("%s: %#04x, in the table\n%#04x", c.what, c.got, c.want)
				case !c.same:
					t.Logf("%s: %v, in the row of %s %v: %s", c.what, c.got, s.Name, c.want, why)
				case why != "":
					t.Errorf("%s is as in the table; nothing needs this reason: %s", c.what, why)
				}
			}
		})
	}
	for _, s := range talk.Senders {
		if !held[s.ID] {
			t.Errorf("nothing here holds the row %q", s.ID)
		}
	}
}
