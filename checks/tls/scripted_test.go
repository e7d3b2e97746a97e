package tls

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/cryptobyte"

	"mxseal/checks/internal/egress"
	"mxseal/checks/internal/hello"
	"mxseal/checks/internal/smtp"
)

// script is a TLS server that has no TLS: it reads a ClientHello and writes what a server
// with these properties would answer first.
type script struct {
	versions    []uint16
	suites      []string // up to TLS 1.2; in its own order where serverOrder is set
	suites13    []string
	groups      []uint16 // curves and groups
	schemes     []uint16 // signature schemes it signs with, its favourite first
	certs       map[string][]byte
	prime       []byte // of its Diffie-Hellman group
	serverOrder bool
	compress    bool
	bare        bool // answers no extension
	limit       int  // suites it reads; 0 for all
	fragment    int  // size of its records; 0 for one
	warns       bool // sends unrecognized_name first
	eof         bool // closes instead of an alert
	needsSNI    bool
	noGREASE    bool // fails on versions it does not know
	noSNI       []byte
	ssl2        []uint32
	heartbeat   bool // answers the extension
	scsv        bool // notices a needless step down
	longest     int  // bytes of a hello; it hangs on more. 0 for any
	noUnknown   bool // fails on a name it does not know
}

func (s *script) serve(c net.Conn, _ int) {
	head := make([]byte, 5)
	if _, err := io.ReadFull(c, head); err != nil {
		return
	}
	refuse := func(code byte) {
		if !s.eof {
			c.Write([]byte{21, 3, 1, 0, 2, 2, code})
		}
	}
	if head[0]&0x80 != 0 {
		body := make([]byte, int(binary.BigEndian.Uint16(head)&0x7FFF)-3)
		io.ReadFull(c, body)
		if s.ssl2 == nil {
			refuse(70)
			return
		}
		var b cryptobyte.Builder
		b.AddBytes([]byte{4, 0, 1, 0, 2, 0, 0})
		b.AddUint16(uint16(3 * len(s.ssl2)))
		b.AddUint16(0)
		for _, k := range s.ssl2 {
			b.AddUint24(k)
		}
		msg := b.BytesOrPanic()
		c.Write(append([]byte{0x80, byte(len(msg))}, msg...))
		return
	}
	body := make([]byte, binary.BigEndian.Uint16(head[3:]))
	if _, err := io.ReadFull(c, body); err != nil {
		return
	}
	if s.longest > 0 && len(body) > s.longest {
		io.Copy(io.Discard, c)
		return
	}
	h := parseHello(body)
	flight, code := s.answer(h)
	if flight == nil {
		refuse(code)
		return
	}
	if s.warns {
		c.Write([]byte{21, 3, 3, 0, 2, 1, 112})
	}
	size := len(flight)
	if s.fragment > 0 {
		size = s.fragment
	}
	for part := range slices.Chunk(flight, size) {
		c.Write(append([]byte{22, 3, 3, byte(len(part) >> 8), byte(len(part))}, part...))
	}
}

type clientHello struct {
	version                           uint16
	suites, groups, schemes, versions []uint16
	compression                       []byte
	sni                               bool
	name                              string
	asked                             []uint16 // types of all extensions
}

func parseHello(msg []byte) clientHello {
	var h clientHello
	s := cryptobyte.String(msg)
	var session, list, compression, extensions cryptobyte.String
	s.Skip(4)
	s.ReadUint16(&h.version)
	s.Skip(32)
	s.ReadUint8LengthPrefixed(&session)
	s.ReadUint16LengthPrefixed(&list)
	h.suites = words(list)
	s.ReadUint8LengthPrefixed(&compression)
	h.compression = compression
	s.ReadUint16LengthPrefixed(&extensions)
	for !extensions.Empty() {
		var t uint16
		var data cryptobyte.String
		if !extensions.ReadUint16(&t) || !extensions.ReadUint16LengthPrefixed(&data) {
			break
		}
		h.asked = append(h.asked, t)
		switch t {
		case hello.ExtServerName:
			h.sni, h.name = true, string(data[5:])
		case hello.ExtSupportedGroups:
			h.groups = words(data[2:])
		case hello.ExtSignatureAlgorithms:
			h.schemes = words(data[2:])
		case hello.ExtSupportedVersions:
			h.versions = words(data[1:])
		}
	}
	return h
}

func words(s cryptobyte.String) (out []uint16) {
	for len(s) >= 2 {
		var w uint16
		s.ReadUint16(&w)
		out = append(out, w)
	}
	return out
}

const (
	handshakeFailure = 40
	protocolVersion  = 70
)

func (s *script) answer(h clientHello) (flight []byte, alert byte) {
	if s.needsSNI && !h.sni || s.noUnknown && h.sni && h.name != "mx.example.test" {
		return nil, 112
	}
	offered := h.versions
	if offered == nil {
		for v := h.version; v >= hello.SSL3; v-- {
			offered = append(offered, v)
		}
	}
	var version uint16
	for _, v := range offered {
		if s.noGREASE && v&0x0F0F == 0x0A0A {
			return nil, 47
		}
		if slices.Contains(s.versions, v) {
			version = max(version, v)
		}
	}
	if version == 0 {
		return nil, protocolVersion
	}
	group := uint16(0)
	for _, g := range h.groups {
		if group == 0 && slices.Contains(s.groups, g) {
			group = g
		}
	}
	scheme := uint16(0)
	for _, k := range s.schemes {
		if scheme == 0 && slices.Contains(h.schemes, k) {
			scheme = k
		}
	}
	if s.scsv && slices.Contains(h.suites, hello.FallbackSCSV) && version < slices.Max(s.versions) {
		return nil, 86
	}
	suite, ok := s.choose(h, version, group)
	if !ok {
		return nil, handshakeFailure
	}
	if version >= hello.TLS13 {
		if group == 0 {
			return nil, handshakeFailure
		}
		return serverHello(hello.TLS12, suite.ID, 0, retryRandom, hello.ExtSupportedVersions, []byte{3, 4}, hello.ExtKeyShare, []byte{byte(group >> 8), byte(group)}), 0
	}
	compression := byte(0)
	if s.compress && slices.Contains(h.compression, 1) {
		compression = 1
	}
	var extensions []any
	if !s.bare && version > hello.SSL3 {
		extensions = []any{hello.ExtRenegotiationInfo, []byte{0}, hello.ExtExtendedMasterSecret, []byte{}}
	}
	if s.heartbeat && slices.Contains(h.asked, hello.ExtHeartbeat) {
		extensions = append(extensions, hello.ExtHeartbeat, []byte{1})
	}
	flight = serverHello(version, suite.ID, compression, make([]byte, 32), extensions...)
	if cert := s.certs[suite.Auth]; cert != nil {
		if s.noSNI != nil && !h.sni {
			cert = s.noSNI
		}
		var b cryptobyte.Builder
		b.AddUint24LengthPrefixed(func(b *cryptobyte.Builder) {
			b.AddUint24LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(cert) })
		})
		flight = append(flight, message(11, b.BytesOrPanic())...)
	}
	var params []byte
	switch {
	case suite.KeyExchange == "ECDHE", suite.KeyExchange == "ECDH" && suite.Auth == "anon":
		params = []byte{3, byte(group >> 8), byte(group), 1, 9}
	case suite.KeyExchange == "DHE", suite.KeyExchange == "DH" && suite.Auth == "anon":
		params = vectors(s.prime, []byte{2}, s.prime)
	case suite.Export && suite.KeyExchange == "RSA":
		params = vectors(make([]byte, 64), []byte{3})
	}
	if params != nil {
		if suite.Auth != "anon" {
			if version == hello.TLS12 {
				if scheme == 0 { // as Go does: the hello is out before it finds that it cannot sign
					return flight, 0
				}
				params = append(params, byte(scheme>>8), byte(scheme))
			}
			params = append(params, vectors([]byte("signature"))...)
		}
		flight = append(flight, message(12, params)...)
	}
	return append(flight, message(14, nil)...), 0
}

func (s *script) choose(h clientHello, version, group uint16) (hello.Suite, bool) {
	mine := s.suites
	if version >= hello.TLS13 {
		mine = s.suites13
	}
	theirs := h.suites
	if s.limit > 0 && len(theirs) > s.limit {
		theirs = theirs[:s.limit]
	}
	usable := func(id uint16) bool {
		is := hello.SuiteOf(id)
		switch {
		case !slices.Contains(mine, is.Name), version < hello.TLS12 && is.FromTLS12():
			return false
		case strings.HasPrefix(is.KeyExchange, "ECDH") && group == 0:
			return false
		}
		return is.TLS13 || is.Auth == "anon" || s.certs[is.Auth] != nil
	}
	if s.serverOrder {
		for _, name := range mine {
			if is, _ := hello.SuiteNamed(name); slices.Contains(theirs, is.ID) && usable(is.ID) {
				return is, true
			}
		}
		return hello.Suite{}, false
	}
	for _, id := range theirs {
		if usable(id) {
			return hello.SuiteOf(id), true
		}
	}
	return hello.Suite{}, false
}

var retryRandom = []byte("\xCF\x21\xAD\x74\xE5\x9A\x61\x11\xBE\x1D\x8C\x02\x1E\x65\xB8\x91\xC2\xA2\x11\x16\x7A\xBB\x8C\x5E\x07\x9E\x09\xE2\xC8\xA8\x33\x9C")

func serverHello(version, suite uint16, compression byte, random []byte, extensions ...any) []byte {
	var b cryptobyte.Builder
	b.AddUint16(version)
	b.AddBytes(random)
	b.AddUint8(0)
	b.AddUint16(suite)
	b.AddUint8(compression)
	if len(extensions) > 0 {
		b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
			for i := 0; i < len(extensions); i += 2 {
				b.AddUint16(extensions[i].(uint16))
				b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(extensions[i+1].([]byte)) })
			}
		})
	}
	return message(2, b.BytesOrPanic())
}

func message(kind byte, body []byte) []byte {
	return append([]byte{kind, byte(len(body) >> 16), byte(len(body) >> 8), byte(len(body))}, body...)
}

func vectors(list ...[]byte) []byte {
	var b cryptobyte.Builder
	for _, v := range list {
		b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(v) })
	}
	return b.BytesOrPanic()
}

// front is a mail server that says as much as leads to a ClientHello. It hands each
// connection, numbered from 1, to serve.
type front struct {
	addr  netip.AddrPort
	mu    sync.Mutex
	count int
	limit int // connections before it answers 421; 0 for none
}

func (f *front) connections() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.count
}

func newFront(t *testing.T, limit int, serve func(net.Conn, int)) *front {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &front{addr: netip.MustParseAddrPort(l.Addr().String()), limit: limit}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			f.mu.Lock()
			f.count++
			n := f.count
			f.mu.Unlock()
			running.Go(func() {
				defer c.Close()
				c.SetDeadline(time.Now().Add(20 * time.Second))
				f.speak(c, n, serve)
			})
		}
	})
	t.Cleanup(func() { l.Close(); running.Wait() })
	return f
}

func (f *front) speak(c net.Conn, n int, serve func(net.Conn, int)) {
	if f.limit > 0 && n > f.limit {
		io.WriteString(c, "421 4.7.0 too many connections\r\n")
		return
	}
	in := bufio.NewReader(c)
	io.WriteString(c, "220 mx.example.test ESMTP\r\n")
	for {
		line, err := in.ReadString('\n')
		switch {
		case err != nil:
			return
		case strings.HasPrefix(line, "EHLO"):
			io.WriteString(c, "250-mx.example.test\r\n250 STARTTLS\r\n")
		case strings.HasPrefix(line, "STARTTLS"):
			io.WriteString(c, "220 go ahead\r\n")
			serve(buffered{c, in}, n)
			return
		default:
			io.WriteString(c, "221 bye\r\n")
			return
		}
	}
}

type buffered struct {
	net.Conn
	in *bufio.Reader
}

func (b buffered) Read(p []byte) (int, error) { return b.in.Read(p) }

// target is the front as Gather wants it.
func (f *front) target() Target {
	d := egress.New(egress.Config{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	return Target{Peer: d.Peer(f.addr), Host: "mx.example.test", Config: smtp.Config{HELO: "probe.example.test"}}
}
