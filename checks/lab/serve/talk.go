package serve

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"strings"
	"time"
)

const (
	Idle    = 5 * time.Minute // how long a client may be silent (RFC 5321 §4.5.3.2.7)
	maxLine = 4096            // octets of a command
)

// Usual are the keywords that a mail server offers beside STARTTLS.
var Usual = []string{"PIPELINING", "SIZE 10240000", "8BITMIME", "ENHANCEDSTATUSCODES"}

// Talk is one conversation of a mail server with its client.
type Talk struct {
	Conn   net.Conn // the one inside TLS, once that was agreed
	In     *bufio.Reader
	Secure bool
}

// NewTalk returns the conversation over a connection that has just been made.
func NewTalk(c net.Conn) *Talk {
	return &Talk{Conn: c, In: bufio.NewReaderSize(c, maxLine)}
}

// Command reads the next one: its verb in capitals, and the whole line. A line that is too long ends
// the conversation.
func (t *Talk) Command() (verb, line string, err error) {
	t.Conn.SetReadDeadline(time.Now().Add(Idle))
	raw, err := t.In.ReadSlice('\n')
	if err != nil {
		return "", "", err
	}
	line = strings.TrimSpace(string(raw))
	verb, _, _ = strings.Cut(strings.ToUpper(line), " ")
	return verb, line, nil
}

// Reply sends lines, each with its code.
func (t *Talk) Reply(lines ...string) error {
	t.Conn.SetWriteDeadline(time.Now().Add(Idle))
	_, err := io.WriteString(t.Conn, strings.Join(lines, "\r\n")+"\r\n")
	return err
}

// Encrypt does the handshake. What the client has sent in clear behind STARTTLS is forgotten (RFC 3207
// §4.2).
func (t *Talk) Encrypt(config *tls.Config, shake Handshake) error {
	t.Conn.SetDeadline(time.Now().Add(Idle))
	inside, err := shake(t.Conn, config)
	if err != nil {
		return err
	}
	inside.SetDeadline(time.Time{})
	t.Conn, t.Secure, t.In = inside, true, bufio.NewReaderSize(inside, maxLine)
	return nil
}

// Handshake turns a connection over which TLS was agreed into one that speaks it.
type Handshake func(net.Conn, *tls.Config) (net.Conn, error)

// Ordinary is the handshake of crypto/tls.
func Ordinary(c net.Conn, config *tls.Config) (net.Conn, error) {
	t := tls.Server(c, config)
	return t, t.Handshake()
}

// Multiline gives the lines of one reply their code (RFC 5321 §4.2.1).
func Multiline(code string, lines []string) []string {
	out := make([]string, len(lines))
	for i, line := range lines {
		out[i] = code + "-" + line
	}
	out[len(out)-1] = code + " " + lines[len(lines)-1]
	return out
}

// Until is a connection that ends at a moment, whatever deadlines are set.
func Until(c net.Conn, end time.Time) net.Conn { return bounded{c, end} }

// bounded is a connection whose deadlines end with it.
type bounded struct {
	net.Conn
	end time.Time
}

func (b bounded) SetDeadline(t time.Time) error      { return b.Conn.SetDeadline(b.within(t)) }
func (b bounded) SetReadDeadline(t time.Time) error  { return b.Conn.SetReadDeadline(b.within(t)) }
func (b bounded) SetWriteDeadline(t time.Time) error { return b.Conn.SetWriteDeadline(b.within(t)) }

func (b bounded) within(t time.Time) time.Time {
	if t.IsZero() || t.After(b.end) {
		return b.end
	}
	return t
}
