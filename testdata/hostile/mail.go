package hostile

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"strings"
)

// Mail holds a conversation in which every reply is as long as replies may be, and new. text
// makes so many octets of what it says.
func Mail(c net.Conn, config *tls.Config, text func(int) string) {
	in, secure := bufio.NewReader(c), false
	io.WriteString(c, long("220", 4, text))
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		reply := long("250", 4, text)
		switch verb, _, _ := strings.Cut(strings.ToUpper(strings.TrimSpace(line)), " "); {
		case verb == "EHLO":
			keywords := []string{"STARTTLS", "PIPELINING", "REQUIRETLS", "AUTH PLAIN LOGIN"}
			if secure {
				keywords = keywords[1:]
			}
			reply = "250-" + text(400) + "\r\n"
			for _, k := range keywords {
				reply += "250-" + k + "\r\n"
			}
			reply += long("250", 24, text)
		case verb == "STARTTLS" && !secure:
			io.WriteString(c, long("220", 2, text))
			t := tls.Server(c, config)
			if t.Handshake() != nil {
				return
			}
			c, in, secure = t, bufio.NewReader(t), true
			continue
		case verb == "MAIL":
			reply = long("550", 4, text)
		case verb == "QUIT":
			io.WriteString(c, long("221", 2, text))
			c.Close()
			return
		}
		if _, err := io.WriteString(c, reply); err != nil {
			return
		}
	}
}

// long is a reply of n lines.
func long(code string, n int, text func(int) string) string {
	var b strings.Builder
	for i := range n {
		sep := "-"
		if i == n-1 {
			sep = " "
		}
		fmt.Fprintf(&b, "%s%s%s\r\n", code, sep, text(480))
	}
	return b.String()
}
