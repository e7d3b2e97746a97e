package senders

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"mxseal/checks/lab/serve"
	"mxseal/checks/report"
	"mxseal/checks/sender"
)

const (
	textOctets  = 10 << 20 // of one message; more is refused
	commands    = 1000     // of one conversation
	recipients  = 100      // of one message
	messagesMax = 100      // that are written down of one conversation

	// After a message. OpenSMTPD keeps a conversation for ten seconds in case there is another one, and leaves the
	// address alone for three after its end; one that ends within two seconds does not keep the next from beginning after five.
	lingers = 300 * time.Millisecond
)

var keywords = []string{"PIPELINING", "SIZE 10485760", "8BITMIME", "ENHANCEDSTATUSCODES", "DSN", "CHUNKING", "SMTPUTF8"}

// talk is one conversation with a sender, in the manner of the server.
type talk struct {
	*serve.Talk
	*Senders
	manner sender.Manner
	config *tls.Config
	seen   sender.Session
	house  place // whose own address was connected to; zero where the address is shared
	mail   bool  // MAIL was accepted
	from   string
	rcpts  []place
	of     []string // tests that had a message
	chunks int      // octets of BDAT so far
}

var errBroken = errors.New("the handshake breaks here")

// converse serves a connection until its end, and writes down what was seen of it.
func (s *Senders) converse(c net.Conn, manner sender.Manner, house place) {
	defer c.Close()
	c.SetDeadline(time.Now().Add(conversationMax))
	t := &talk{Talk: serve.NewTalk(serve.Until(c, time.Now().Add(conversationMax))), Senders: s, manner: manner, house: house,
		seen: sender.Session{At: s.moment(), From: addrOf(c.RemoteAddr()), To: manner, Named: house.trap}}
	if at, err := netip.ParseAddrPort(c.RemoteAddr().String()); err == nil {
		t.seen.Port = at.Port()
	}
	s.mu.Lock()
	s.live[t] = sender.Session{At: t.seen.At, From: t.seen.From, To: manner, Port: t.seen.Port}
	s.mu.Unlock()
	t.config = s.configOf(manner)
	t.config.GetConfigForClient = t.hello
	defer t.note()
	defer func() { t.Conn.Close() }()
	if t.Reply("220 mail."+s.Zone+" ESMTP") != nil {
		return
	}
	for range commands {
		if len(t.of) > 0 && t.silent(lingers) {
			t.habit(sender.Stays)
			t.Reply("421 4.4.2 You were silent")
			return
		}
		verb, line, err := t.Command()
		if err != nil || t.obey(verb, line) != nil || verb == "QUIT" {
			return
		}
	}
	t.Reply("421 4.7.0 Too many commands")
}

// silent reports whether the sender says nothing for a while.
func (t *talk) silent(most time.Duration) bool {
	t.Conn.SetReadDeadline(time.Now().Add(most))
	_, err := t.In.Peek(1)
	return errors.Is(err, os.ErrDeadlineExceeded)
}

func (t *talk) obey(verb, line string) error {
	switch verb {
	case "EHLO", "HELO":
		_, name, _ := strings.Cut(line, " ")
		t.seen.EHLO = report.Clean(strings.TrimSpace(name), 255)
		t.reset()
		if verb == "HELO" {
			return t.Reply("250 mail." + t.Zone)
		}
		return t.Reply(serve.Multiline("250", append([]string{"mail." + t.Zone}, t.keywords()...))...)
	case "STARTTLS":
		return t.startTLS()
	case "MAIL":
		return t.mailFrom(line)
	case "RCPT":
		return t.rcptTo(line)
	case "DATA":
		return t.data()
	case "BDAT":
		return t.bdat(line)
	case "RSET":
		t.reset()
		return t.Reply("250 2.0.0 Ok")
	case "NOOP":
		return t.Reply("250 2.0.0 Ok")
	case "QUIT":
		return t.Reply("221 2.0.0 Bye")
	}
	return t.Reply("502 5.5.1 Not here")
}

func (t *talk) keywords() []string {
	if t.Secure || t.manner == sender.NoStartTLS {
		return keywords
	}
	return append(slices.Clone(keywords), "STARTTLS")
}

func (t *talk) reset() { t.mail, t.from, t.rcpts, t.chunks = false, "", nil, 0 }

func (t *talk) startTLS() error {
	switch {
	case t.Secure, t.manner == sender.NoStartTLS:
		return t.Reply("503 5.5.1 Not now")
	case t.manner == sender.Says454:
		t.seen.STARTTLS = true
		return t.Reply("454 4.7.0 TLS not available due to local problem")
	}
	t.seen.STARTTLS = true
	t.reset() // what came in clear is forgotten (RFC 3207 §4.2)
	if err := t.Reply("220 2.0.0 Ready to start TLS"); err != nil {
		return err
	}
	if err := t.Encrypt(t.config, serve.Ordinary); err != nil {
		return err
	}
	state := t.Conn.(*tls.Conn).ConnectionState()
	t.seen.Version, t.seen.Certified = state.Version, len(state.PeerCertificates) > 0
	return nil
}

// hello writes down what a TLS hello offers.
func (t *talk) hello(h *tls.ClientHelloInfo) (*tls.Config, error) {
	t.seen.Hello = &sender.Hello{Versions: first(h.SupportedVersions, 20), Suites: first(h.CipherSuites, 200), SNI: h.ServerName != ""}
	for _, g := range first(h.SupportedCurves, 60) {
		t.seen.Hello.Groups = append(t.seen.Hello.Groups, uint16(g))
	}
	if t.house.trap == "" && h.ServerName != "" {
		t.mu.Lock()
		p, ok := t.find(strings.ToLower(strings.TrimSuffix(h.ServerName, ".")))
		if ok && p.host {
			t.house, t.seen.Named = p, p.trap
		}
		t.mu.Unlock()
	}
	if t.manner == sender.Breaks {
		return nil, errBroken
	}
	return nil, nil
}

func first[T any](list []T, n int) []T { return slices.Clone(list[:min(n, len(list))]) }

func (t *talk) mailFrom(line string) error {
	address, options, ok := path(line, "FROM:")
	if !ok {
		return t.Reply("501 5.5.4 MAIL FROM:<address> is what I understand")
	}
	for option, habit := range map[string]sender.Habit{"SIZE=": sender.SaysSIZE, "BODY=": sender.SaysBODY, "AUTH=": sender.SaysAUTH} {
		if strings.Contains(options, option) {
			t.habit(habit)
		}
	}
	t.reset()
	t.mail = true
	_, t.from, _ = strings.Cut(address, "@")
	return t.Reply("250 2.1.0 Ok")
}

func (t *talk) habit(h sender.Habit) {
	if !slices.Contains(t.seen.Habits, h) {
		t.seen.Habits = append(t.seen.Habits, h)
	}
}

// rcptTo accepts the address of an open trap that leads to this server, and nothing else.
func (t *talk) rcptTo(line string) error {
	address, options, ok := path(line, "TO:")
	switch {
	case !ok:
		return t.Reply("501 5.5.4 RCPT TO:<address> is what I understand")
	case !t.mail:
		return t.Reply("503 5.5.1 MAIL first")
	case len(t.rcpts) >= recipients:
		return t.Reply("452 4.5.3 Too many recipients")
	}
	local, domain, _ := strings.Cut(strings.ToLower(address), "@")
	t.mu.Lock()
	p, known := t.find(strings.TrimSuffix(domain, "."))
	known = known && !p.host && p.prefix == "" && isID(local)
	if known && p.test != local { // the domain may have been lent to another test since
		p.test = local
		known = t.is(p) && t.tests[local].evidence.Domains[p.trap] == strings.TrimSuffix(domain, ".")
	}
	open := known && t.running(p.test) != nil
	t.mu.Unlock()
	switch {
	case !known:
		return t.Reply("550 5.1.1 No such address")
	case !open:
		return t.Reply("550 5.1.1 This test has ended")
	case sender.DesignOf(p.trap).Manner != t.manner:
		return t.Reply("550 5.7.1 This domain has another mail server")
	}
	if strings.Contains(options, "ORCPT=") {
		t.habit(sender.SaysORCPT)
	}
	t.rcpts = append(t.rcpts, p)
	return t.Reply("250 2.1.5 Ok")
}

// path takes MAIL and RCPT apart (RFC 5321 §4.1.1): the address, and the options in capitals.
func path(line, word string) (address, options string, ok bool) {
	_, rest, _ := strings.Cut(line, " ")
	rest = strings.TrimSpace(rest)
	if len(rest) < len(word) || !strings.EqualFold(rest[:len(word)], word) {
		return "", "", false
	}
	rest = strings.TrimSpace(rest[len(word):])
	if !strings.HasPrefix(rest, "<") {
		return "", "", false
	}
	address, options, ok = strings.Cut(rest[1:], ">")
	return address, strings.ToUpper(options), ok && len(address) <= 320
}

// data takes the text of a message and throws it away.
func (t *talk) data() error {
	if len(t.rcpts) == 0 {
		return t.Reply("503 5.5.1 No valid recipients")
	}
	if err := t.Reply("354 End data with <CR><LF>.<CR><LF>"); err != nil {
		return err
	}
	t.Conn.SetReadDeadline(time.Now().Add(serve.Idle))
	size, begins := 0, true
	for {
		part, err := t.In.ReadSlice('\n')
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
		if begins && (bytes.Equal(part, []byte(".\r\n")) || bytes.Equal(part, []byte(".\n"))) {
			break
		}
		begins = err == nil
		if size += len(part); size > textOctets {
			t.Reply("552 5.3.4 Message too big")
			return errTooBig
		}
	}
	return t.taken()
}

var errTooBig = errors.New("too much")

// bdat takes one piece of a message (CHUNKING).
func (t *talk) bdat(line string) error {
	fields := strings.Fields(line)
	n, err := strconv.Atoi(append(fields, "", "")[1])
	if err != nil || n < 0 {
		t.Reply("501 5.5.4 BDAT size [LAST]")
		return errTooBig // what follows cannot be told from commands
	}
	if t.chunks += n; t.chunks > textOctets || n > textOctets {
		t.Reply("552 5.3.4 Message too big")
		return errTooBig
	}
	t.Conn.SetReadDeadline(time.Now().Add(serve.Idle))
	if _, err := io.CopyN(io.Discard, t.In, int64(n)); err != nil {
		return err
	}
	t.habit(sender.SaysBDAT)
	switch {
	case len(t.rcpts) == 0:
		return t.Reply("503 5.5.1 No valid recipients")
	case len(fields) < 3 || !strings.EqualFold(fields[2], "LAST"):
		return t.Reply("250 2.0.0 Ok")
	}
	return t.taken()
}

// taken writes a message down, once for each recipient.
func (t *talk) taken() error {
	for _, p := range t.rcpts {
		t.sent(p)
	}
	t.reset()
	return t.Reply("250 2.0.0 Ok: noted and thrown away")
}

// sent adds a message to what is known of its test at once, so that the page shows it while the
// conversation goes on.
func (t *talk) sent(p place) {
	t.mu.Lock()
	defer t.mu.Unlock()
	one := t.running(p.test)
	if one == nil {
		return
	}
	m := sender.Message{At: t.moment(), Trap: p.trap, Secure: t.Secure, Sent: true, From: report.Clean(t.from, 255)}
	i := slices.IndexFunc(one.evidence.Sessions, t.same)
	if i < 0 {
		if len(one.evidence.Sessions) >= sessions {
			one.evidence.Cut = true
			return
		}
		one.evidence.Sessions = append(one.evidence.Sessions, sender.Session{})
		i = len(one.evidence.Sessions) - 1
	}
	kept := one.evidence.Sessions[i].Messages
	if len(kept) < messagesMax {
		kept = append(kept, m)
	} else {
		one.evidence.Cut = true
	}
	one.evidence.Sessions[i] = t.seen
	one.evidence.Sessions[i].Messages = kept
	if one.evidence.Sessions[i].Named != p.trap {
		one.evidence.Sessions[i].Named = "" // it is named by its recipients
	}
	one.change()
	if !slices.Contains(t.of, p.test) {
		t.of = append(t.of, p.test)
	}
}

// same reports whether that is this conversation, as it is kept while it goes on.
func (t *talk) same(s sender.Session) bool {
	return s.Over.IsZero() && s.At.Equal(t.seen.At) && s.From == t.seen.From && s.To == t.manner && s.Port == t.seen.Port
}

// note ends a conversation: with each test that had a message, else with the test of the name in its
// hello, else as one that may belong to any.
func (t *talk) note() {
	t.mu.Lock()
	defer t.mu.Unlock()
	over, found := t.moment(), false
	delete(t.live, t)
	for _, id := range t.of {
		one := t.tests[id]
		for i := range one.evidence.Sessions {
			if s := &one.evidence.Sessions[i]; t.same(*s) {
				s.Over, s.Habits, found = over, t.seen.Habits, true
				one.change()
			}
		}
	}
	if found {
		return
	}
	t.seen.Over = over
	if one := t.running(t.house.test); one != nil {
		if len(one.evidence.Sessions) < sessions {
			one.evidence.Sessions = append(one.evidence.Sessions, t.seen)
		} else {
			one.evidence.Cut = true
		}
		one.change()
		return
	}
	t.loose = append(t.loose, t.seen)
	if len(t.loose) > looseKept {
		t.loose = slices.Delete(t.loose, 0, len(t.loose)-looseKept)
	}
}

// addrOf is the address of a peer.
func addrOf(a net.Addr) netip.Addr {
	at, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return netip.Addr{}
	}
	return at.Addr().Unmap().WithZone("")
}
