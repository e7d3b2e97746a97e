package world

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"
)

// Mailer is a mail server of a stranger.
type Mailer struct {
	Name, Does string
	number     byte
	serve      func(net.Conn)
}

// Domain is the mail domain whose only server it is.
func (m Mailer) Domain() string { return m.Name + ".mail.certificate.test" }

func (m Mailer) addr() netip.Addr { return netip.AddrFrom4([4]byte{127, 78, 1, m.number}) }

// Mailers are all of them.
var Mailers = []Mailer{
	{"banner", "a greeting without end", 1, func(c net.Conn) { endless(c, []byte("220-welcome to a greeting without end\r\n")) }},
	{"line", "one line of gigabytes", 2, func(c net.Conn) { io.WriteString(c, "220 "); endless(c, bytes.Repeat([]byte("A"), 4096)) }},
	{"drip", "an octet a second", 3, tarpit},
	{"keywords", "an EHLO reply without end", 4, func(c net.Conn) {
		io.WriteString(c, "220 x ESMTP\r\n")
		hear(c)
		endless(c, []byte("250-XKEYWORD of some length that says nothing\r\n"))
	}},
	{"noise", "random octets in place of TLS", 5, func(c net.Conn) { noise := make([]byte, 4096); rand.Read(noise); upToTLS(c); endless(c, noise) }},
	{"requests", "a storm of requests to negotiate again", 6, func(c net.Conn) { upToTLS(c); endless(c, record(22, 0, 0, 0, 0)) }},
	{"specs", "a storm of ChangeCipherSpec", 7, func(c net.Conn) { upToTLS(c); endless(c, record(20, 1)) }},
	{"warnings", "a storm of TLS warnings", 8, func(c net.Conn) { upToTLS(c); endless(c, record(21, 1, 90)) }},
	{"hello", "a ServerHello of 16 MB", 9, func(c net.Conn) {
		upToTLS(c)
		c.Write(record(22, 2, 0xff, 0xff, 0xff))
		endless(c, record(22, bytes.Repeat([]byte{3}, 16000)...))
	}},
	{"mute", "takes the ClientHello and says nothing", 10, func(c net.Conn) { upToTLS(c); io.Copy(io.Discard, c) }},
	{"slam", "hangs up on everybody", 11, func(c net.Conn) { c.(*net.TCPConn).SetLinger(0); c.Close() }},
	{"fickle", "a 4xx to every STARTTLS", 12, func(c net.Conn) {
		io.WriteString(c, "220 x ESMTP\r\n")
		for in := bufio.NewReader(c); ; {
			line, err := in.ReadString('\n')
			if err != nil {
				return
			}
			reply := "250-x\r\n250 STARTTLS\r\n"
			if strings.HasPrefix(line, "STARTTLS") {
				reply = "454 4.7.0 Not now\r\n"
			}
			io.WriteString(c, reply)
		}
	}},
}

// Tarpits is a domain with ten hosts of two addresses each, all of which say an octet a second.
const Tarpits = "tarpits.mail.certificate.test"

func tarpitAddr(host, second int) netip.Addr {
	return netip.AddrFrom4([4]byte{127, 78, 3, byte(2*host + second)})
}

// Tarpits opens the servers of the domain Tarpits.
func (w *World) Tarpits() error {
	for i := range 20 {
		if err := w.listen(tarpitAddr(0, i), w.options.SMTPPort, tarpit); err != nil {
			return err
		}
	}
	return nil
}

// mailNames gives the records of X.mail and mx.X.mail.
func mailNames(labels []string, qtype uint16, give func(...string)) {
	name := labels[max(0, len(labels)-2)]
	if name == "tarpits" {
		switch {
		case qtype == dns.TypeMX && len(labels) == 2:
			var lines []string
			for i := range 10 {
				lines = append(lines, fmt.Sprintf("MX 10 t%d.%s.", i, Tarpits))
			}
			give(lines...)
		case qtype == dns.TypeA && len(labels) == 3 && labels[0][0] == 't':
			n, _ := strconv.Atoi(labels[0][1:])
			give("A "+tarpitAddr(n, 0).String(), "A "+tarpitAddr(n, 1).String())
		}
		return
	}
	for _, m := range Mailers {
		switch {
		case m.Name != name:
		case qtype == dns.TypeMX && len(labels) == 2:
			give("MX 10 mx." + m.Domain() + ".")
		case qtype == dns.TypeA && len(labels) == 3 && labels[0] == "mx":
			give("A " + m.addr().String())
		}
	}
}

// endless says the same for as long as anybody takes it.
func endless(c net.Conn, part []byte) {
	part = bytes.Repeat(part, 1+16384/len(part))
	for {
		if _, err := c.Write(part); err != nil {
			return
		}
	}
}

func tarpit(c net.Conn) {
	for i := 0; ; i++ {
		if _, err := c.Write([]byte{"220-tarpit\r\n"[i%12]}); err != nil {
			return
		}
		time.Sleep(time.Second)
	}
}

func hear(c net.Conn) { c.Read(make([]byte, 4096)) }

func upToTLS(c net.Conn) {
	io.WriteString(c, "220 x ESMTP\r\n")
	hear(c)
	io.WriteString(c, "250-x\r\n250 STARTTLS\r\n")
	hear(c)
	io.WriteString(c, "220 2.0.0 go\r\n")
	hear(c)
}

// record is a TLS 1.2 record.
func record(kind byte, body ...byte) []byte {
	return append(binary.BigEndian.AppendUint16([]byte{kind, 3, 3}, uint16(len(body))), body...)
}

// crowd is the digest of the key that all mail servers of Crowd have.
var crowd atomic.Pointer[string]

// Crowd opens n mail servers, for the domains 0 to n-1 below Crowd.
func (w *World) Crowd(n int) error {
	certificate, err := w.ca.issue("*."+Crowd, "*.mx."+Crowd)
	if err != nil {
		return err
	}
	leaf, err := x509.ParseCertificate(certificate.Certificate[0])
	if err != nil {
		return err
	}
	digest := sha256.Sum256(leaf.RawSubjectPublicKeyInfo)
	text := hex.EncodeToString(digest[:])
	crowd.Store(&text)
	config := &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	for i := range n {
		if err := w.listen(crowdAddr(i), w.options.SMTPPort, func(c net.Conn) { polite(c, config) }); err != nil {
			return err
		}
	}
	return nil
}

// crowdAddr puts neighbours into different networks, as strangers are.
func crowdAddr(i int) netip.Addr {
	return netip.AddrFrom4([4]byte{127, 79, byte(i), byte(i >> 8)})
}

// crowdRecords are the records of N.crowd, N.mx.crowd and _25._tcp.N.mx.crowd.
func crowdRecords(name string, qtype uint16) []dns.RR {
	below, _ := strings.CutSuffix(name, "."+Crowd+".")
	labels := strings.Split(below, ".")
	host, isHost := strings.CutSuffix(below, ".mx")
	n, err := strconv.Atoi(strings.TrimPrefix(host, "_25._tcp."))
	switch {
	case err != nil || crowd.Load() == nil:
	case len(labels) == 1 && qtype == dns.TypeMX:
		return records(name, fmt.Sprintf("MX 10 %d.mx.%s.", n, Crowd))
	case isHost && len(labels) == 2 && qtype == dns.TypeA:
		return records(name, "A "+crowdAddr(n).String())
	case isHost && len(labels) == 4 && qtype == dns.TypeTLSA:
		return records(name, "TLSA 3 1 1 "+*crowd.Load())
	}
	return nil
}

// crowdTypes are the types that a name below crowd has.
func crowdTypes(name string) (types []uint16) {
	for _, t := range []uint16{dns.TypeA, dns.TypeMX, dns.TypeTLSA} { // ascending: a bitmap is
		if crowdRecords(name, t) != nil {
			types = append(types, t)
		}
	}
	return types
}

// polite is an ordinary mail server.
func polite(c net.Conn, config *tls.Config) {
	in, secure := bufio.NewReader(c), false
	io.WriteString(c, "220 mx ESMTP\r\n")
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		reply := "250 2.0.0 Ok\r\n"
		switch verb := strings.ToUpper(strings.TrimSpace(line)); {
		case strings.HasPrefix(verb, "EHLO") && secure:
			reply = "250-mx\r\n250-PIPELINING\r\n250 8BITMIME\r\n"
		case strings.HasPrefix(verb, "EHLO"):
			reply = "250-mx\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 STARTTLS\r\n"
		case verb == "STARTTLS" && !secure:
			io.WriteString(c, "220 2.0.0 Go ahead\r\n")
			t := tls.Server(c, config)
			if t.Handshake() != nil {
				return
			}
			c, in, secure, reply = t, bufio.NewReader(t), true, ""
		case verb == "QUIT":
			io.WriteString(c, "221 2.0.0 Bye\r\n")
			c.Close()
			return
		}
		if _, err := io.WriteString(c, reply); err != nil {
			return
		}
	}
}
