// Package smtp holds a polite conversation with a mail server (RFC 5321, RFC 3207).
//
// It greets, says EHLO, asks for STARTTLS and always ends with QUIT where it can. It never
// names a recipient and never sends a message. Lines, replies, bytes and time are bounded,
// what the server says is cleaned, and every line is kept in a transcript.
package smtp

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"time"

	"mxseal/checks/internal/egress"
	"mxseal/checks/report"
)

// Config says how to introduce ourselves and how long to wait.
type Config struct {
	HELO    string        // name given in EHLO; localhost if empty
	Banner  time.Duration // for the whole greeting; 60 s if zero
	Command time.Duration // for one reply or one TLS handshake; 30 s if zero
	Session time.Duration // for everything once connected; 180 s if zero
	Tries   int           // of UpToTLS and DialCalmly after the first, where the server turns us away
}

const (
	patience      = 10 * time.Second // for a greeting behind what is none
	farewell      = 2 * time.Second  // longest wait for the answer to QUIT
	maxText       = 512              // octets kept of a line
	maxTranscript = 200              // lines kept of a session
	maxSaid       = 8 << 10          // octets of those
	maxKeywords   = 2 << 10          // octets kept of the keywords of one EHLO
)

// Session is one connection. It is not safe for concurrent use.
type Session struct {
	Greeting     Reply
	GreetingTime time.Duration // from the connection to the end of the greeting
	Keywords     []string      // of the latest EHLO, with their parameters
	Offer        *report.Offer // of the latest EHLO
	Stray        string        // what came between the 220 to STARTTLS and our hello (RFC 3207 §4.2); discarded
	InStep       bool          // QUIT was answered as QUIT is: no reply came unasked before
	Transcript   []report.Line
	Oddities     []report.Oddity

	ctx      context.Context // of Dial; its end closes the connection
	release  func() bool     // stops watching ctx
	names    []string        // of Keywords, as Postfix reads them
	refusal  Reply           // of EHLO, where HELO came after it
	cfg      Config
	peer     string
	asked    time.Time    // when the connection was asked for
	deadline time.Time    // of the session
	conn     net.Conn     // the TCP connection
	out      io.Writer    // where we speak: conn, or TLS over it
	replies  replies      // where we listen
	phase    report.Phase // what we are waiting for
	broken   bool         // nothing more can be said
	said     int          // octets of the transcript
	full     bool         // nothing more is noted
}

// Dial connects and reads the greeting to its last line. A greeting other than 2xx is an
// *Error of kind reply. With an error the session is closed, or nil when no connection was
// made; it still holds the transcript.
func Dial(ctx context.Context, peer *egress.Peer, cfg Config) (*Session, error) {
	return greeted(ctx, peer, cfg, peer.Dial)
}

// DialCalmly is Dial, and tries again after a pause where the server has no place for us.
func DialCalmly(ctx context.Context, peer *egress.Peer, cfg Config) (s *Session, err error) {
	err = calmly(ctx, cfg, func() error {
		s, err = Dial(ctx, peer, cfg)
		return err
	})
	return s, err
}

// calmly tries until a server does not turn us away, as often as the configuration says.
func calmly(ctx context.Context, cfg Config, try func() error) error {
	err := try()
	for _, pause := range Pauses[:min(cfg.Tries, len(Pauses))] {
		if !TurnedAway(err) || egress.Pause(ctx, pause) != nil {
			break
		}
		err = try()
	}
	return err
}

func greeted(ctx context.Context, peer *egress.Peer, cfg Config, dial func(context.Context) (net.Conn, error)) (*Session, error) {
	cfg.HELO = cmp.Or(cfg.HELO, "localhost")
	cfg.Banner = cmp.Or(cfg.Banner, 60*time.Second)
	cfg.Command = cmp.Or(cfg.Command, 30*time.Second)
	cfg.Session = cmp.Or(cfg.Session, 180*time.Second)

	s := &Session{ctx: ctx, cfg: cfg, peer: peer.Addr.String(), asked: time.Now(), phase: report.PhaseConnect}
	conn, err := dial(ctx)
	if err != nil {
		return nil, s.fail(err)
	}
	s.conn, s.out = conn, conn
	s.replies = replies{in: bufio.NewReaderSize(conn, maxLine), heard: s.heard, garbled: s.garbled}
	s.release = context.AfterFunc(ctx, func() { conn.Close() })
	connected := time.Now()
	s.deadline = connected.Add(cfg.Session)

	s.phase = report.PhaseGreeting
	s.Greeting, err = s.reply(cfg.Banner)
	s.GreetingTime = time.Since(connected)
	if err == nil && s.Greeting.Code/100 != 2 {
		err = s.refused(s.Greeting)
		s.Quit()
	}
	if err != nil {
		s.Close()
		return s, err
	}
	return s, nil
}

// Hello says EHLO, or HELO where EHLO is refused, and returns the keywords with their
// parameters. In clear it goes on as Postfix does: HELO comes after any refusal but 421, and at
// once where a firewall has masked the greeting. A refusal of both is an *Error of kind reply.
func (s *Session) Hello() (keywords []string, helo bool, err error) {
	inside := s.out != io.Writer(s.conn)
	s.Keywords, s.names, s.Offer = nil, nil, nil
	var r Reply
	if helo = !inside && masked(s.Greeting.raw); !helo {
		r, err = s.Command("EHLO " + s.cfg.HELO)
	}
	if err == nil && !helo && r.Code/100 != 2 && r.Code != 421 && !inside {
		helo, s.refusal = true, r
	}
	if inside && err == nil && r.Code == 220 && len(r.Lines) == 1 && s.more() {
		r, err = s.Reply() // the other was a greeting, which has no place there
	}
	if !inside {
		s.Offer = offer(s.Greeting.raw, r.raw, s.replies.waiting())
	}
	if err == nil && helo {
		r, err = s.sayHELO()
	}
	if err != nil {
		return nil, helo, err
	}
	if r.Code/100 != 2 {
		return nil, helo, s.refused(r)
	}
	if !helo {
		s.Keywords, s.names = keywordsOf(r.raw), postfixNames(r.raw)
	}
	return s.Keywords, helo, nil
}

// sayHELO greets by the old word. Where that is of no use after EHLO was refused, the refusal has
// said all there is to say.
func (s *Session) sayHELO() (Reply, error) {
	r, err := s.Command("HELO " + s.cfg.HELO)
	var e *Error
	if s.refusal.Code != 0 && (err == nil && r.Code/100 != 2 || errors.As(err, &e) && (e.Kind == report.KindClosed || e.Kind == report.KindReset)) {
		return s.refusal, nil
	}
	return r, err
}

// more waits a moment for another reply that may come.
func (s *Session) more() bool {
	if s.within(farewell) != nil {
		return false
	}
	_, err := s.replies.in.Peek(1)
	return err == nil
}

// Refusal is the answer to EHLO where HELO had to be said; empty when there was none.
func (s *Session) Refusal() string {
	if s.refusal.Code == 0 {
		return ""
	}
	return s.refusal.String()
}

// keywordsOf are the lines of an answer to EHLO below that of the host's name, as they are
// shown. Where they are more than are kept, those that may be judged go first.
func keywordsOf(raw []string) []string {
	all := linesOf(raw)
	kept := make([]bool, len(all))
	room := maxKeywords
	for _, first := range []bool{true, false} {
		for i, k := range all {
			if judged(k) == first && len(k) <= room {
				kept[i] = true
				room -= len(k)
			}
		}
	}
	list := []string{}
	for i, k := range all {
		if kept[i] {
			list = append(list, k)
		}
	}
	return list
}

// judged reports whether a keyword says something of TLS, or of what goes without it.
func judged(keyword string) bool {
	word := strings.ToUpper(keyword[:min(len(keyword), 16)])
	return strings.Contains(word, "TLS") || strings.Contains(word, "AUTH") || strings.HasPrefix(word, "XXXX") || strings.HasPrefix(word, "PIPELINING")
}

func linesOf(raw []string) []string {
	var list []string
	first := true
	for _, line := range raw {
		_, keyword := postfixWords(line)
		_, text, _, ok := parseLine(line)
		switch {
		case keyword == "" || !ok:
		case first:
			first = false
		default:
			// A tab is not the blank that ends a keyword.
			list = append(list, report.Clean(strings.ReplaceAll(text, "\t", "\ufffd"), maxText))
		}
	}
	return list
}

// Offers reports whether the latest EHLO listed a keyword, in any case (RFC 5321 §2.4), where
// Postfix finds it.
func (s *Session) Offers(keyword string) bool { return lists(s.names, keyword) }

// Lists reports whether a keyword, with or without parameters, is among those of an EHLO.
func Lists(keywords []string, keyword string) bool {
	for _, k := range keywords {
		name, _, _ := strings.Cut(strings.TrimLeft(k, " "), " ")
		name, _, _ = strings.Cut(name, "=")
		if strings.EqualFold(name, keyword) {
			return true
		}
	}
	return false
}

// Command sends one line and reads the reply; every reply with a code is no error.
func (s *Session) Command(line string) (Reply, error) {
	if err := s.Send(line); err != nil {
		return Reply{}, err
	}
	return s.Reply()
}

// Send sends lines in one go, for Reply to read the answers one by one. More than one is
// for servers that offer PIPELINING (RFC 2920).
func (s *Session) Send(lines ...string) error {
	verb, _, _ := strings.Cut(lines[0], " ")
	s.phase = report.Phase(strings.ToLower(verb))
	if s.phase == "helo" {
		s.phase = report.PhaseEHLO
	}
	for _, line := range lines {
		if strings.ContainsAny(line, "\r\n") {
			return s.fail(errors.New("a command is one line"))
		}
		s.note(report.Client, line)
	}
	if err := s.within(s.cfg.Command); err != nil {
		return err
	}
	if _, err := s.out.Write([]byte(strings.Join(lines, "\r\n") + "\r\n")); err != nil {
		// The other side has left; its last word, a 421 or an alert, may still be there.
		if _, err := s.replies.in.Peek(1); err != nil {
			return s.fail(err)
		}
	}
	return nil
}

// Reply reads the next reply.
func (s *Session) Reply() (Reply, error) { return s.reply(s.cfg.Command) }

func (s *Session) reply(limit time.Duration) (Reply, error) {
	if err := s.within(limit); err != nil {
		return Reply{}, err
	}
	r, err := s.replies.next()
	s.Oddities = s.replies.oddities
	if err != nil {
		return r, s.fail(err)
	}
	return r, nil
}

// Patience is how long a handshake may take.
func (s *Session) Patience() time.Duration { return s.cfg.Command }

// Quit says QUIT, waits briefly for the answer and closes.
func (s *Session) Quit() {
	defer s.Close()
	if s.broken || s.Send("QUIT") != nil {
		return
	}
	r, err := s.reply(farewell)
	s.InStep = err != nil || r.Code == 221 || r.Code == 421
}

// Close ends the connection without a word. TLS is not told, since a peer that does not
// read could hold us up.
func (s *Session) Close() error {
	s.broken = true
	s.release()
	s.out, s.replies.in = s.conn, bufio.NewReaderSize(s.conn, 0) // what spoke TLS holds the certificates
	return s.conn.Close()
}

// within gives the next step its time, never more than is left of the session.
func (s *Session) within(limit time.Duration) error {
	deadline := time.Now().Add(limit)
	if deadline.After(s.deadline) {
		deadline = s.deadline
	}
	if err := s.conn.SetDeadline(deadline); err != nil {
		return s.fail(err)
	}
	return nil
}

// garbled cuts the wait for a reply short: what has begun otherwise may well be something else.
func (s *Session) garbled() {
	if s.phase == report.PhaseGreeting {
		s.within(patience)
	}
}

func (s *Session) heard(text string) { s.note(report.Server, text) }

func (s *Session) note(from report.Speaker, text string) { s.keep(report.Line{From: from, Text: text}) }

// remark adds a remark of our own.
func (s *Session) remark(what report.Statement) {
	s.keep(report.Line{From: report.Remark, Statement: what})
}

func (s *Session) keep(l report.Line) {
	if s.full {
		return
	}
	if s.said += len(l.Text); len(s.Transcript) == maxTranscript || s.said > maxSaid {
		s.full, l = true, report.Line{From: report.Remark, Statement: report.Say(report.SaysLinesLeftOut)}
	}
	l.MS = time.Since(s.asked).Milliseconds()
	s.Transcript = append(s.Transcript, l)
}
