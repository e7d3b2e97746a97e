// Package hello speaks TLS at the wire: it builds any ClientHello, reads what the server
// answers in the clear and, where the suite is fit to be used, goes on to the end of the
// handshake with keys of its own.
//
// Up to TLS 1.2 the answer in the clear is everything from ServerHello to ServerHelloDone:
// version, suite, certificates, the parameters of the key exchange and its signature, the
// stapled OCSP response. In TLS 1.3 it is version, suite and group; the rest is encrypted and
// read by Flight.Finish. Suites nobody should use any more can be asked for and are never
// completed. What the server sends is bounded and never trusted to be well-formed; neither
// certificates nor signatures are verified here.
package hello

import (
	"crypto/rand"
	"fmt"
	"slices"

	"golang.org/x/crypto/cryptobyte"
)

// Hello is a ClientHello. The zero value of a field leaves its extension out.
type Hello struct {
	Version     uint16   // client_version; 1.2 for a TLS 1.3 hello, SSL2 for the hello of SSL 2.0
	Versions    []uint16 // supported_versions; TLS 1.3 among them asks for a key share too
	Suites      []uint16 // in our order
	ServerName  string   // A-label without trailing dot, never an address literal (RFC 6066 §3)
	Groups      []uint16
	Share       uint16 // group to send a key share of; with 0 a TLS 1.3 server has to name its group
	Schemes     []uint16
	Compression bool     // offer DEFLATE beside no compression; not in TLS 1.3
	Ask         []uint16 // extensions that a client offers by a fixed body
	Other       []uint16 // extensions nobody knows, with an empty body (GREASE, RFC 8701)
	Resume      *Ticket  // session to take up again

	renegotiation []byte // verify_data of the session around, in a renegotiation
}

// sent is a ClientHello as it goes out, with the secrets behind it.
type sent struct {
	hello   *Hello
	message []byte // the handshake message
	again   bool   // after a HelloRetryRequest
	random  []byte
	session []byte
	share   *share // nil for none
}

// record returns the message in its record. The first one says 1.0 whatever the hello says
// (RFC 5246 appendix E.1), so that a server that only compares numbers does not stop here.
func (s *sent) record() []byte {
	n := len(s.message)
	v := min(s.hello.Version, TLS10)
	if s.again {
		v = TLS12
	}
	return append([]byte{recordHandshake, byte(v >> 8), byte(v), byte(n >> 8), byte(n)}, s.message...)
}

// build makes the hello. After a HelloRetryRequest, first is what was sent before and cookie
// what the server wants to hear again (RFC 9846 §4.2.2).
func (h *Hello) build(first *sent, cookie []byte) (*sent, error) {
	s := &sent{hello: h, random: make([]byte, 32)}
	rand.Read(s.random)
	switch {
	case first != nil:
		s.again, s.random, s.session = true, first.random, first.session
	case h.Resume != nil && h.Resume.Version < TLS13:
		s.session = h.Resume.session
	case h.is13(): // middlebox compatibility (RFC 9846 appendix E.4)
		s.session = make([]byte, 32)
		rand.Read(s.session)
	}
	if h.Share != 0 {
		var err error
		if s.share, err = shareOf(h.Share); err != nil {
			return nil, err
		}
	}
	msg, err := s.marshal(cookie, 0)
	if err == nil {
		if pad := padding(len(msg)); pad > 0 && h.Version > SSL3 {
			msg, err = s.marshal(cookie, pad)
		}
	}
	if err != nil {
		return nil, err
	}
	if len(msg) > maxRecord {
		return nil, fmt.Errorf("hello: a ClientHello of %d bytes", len(msg))
	}
	s.message = msg
	return s, nil
}

func (h *Hello) is13() bool { return slices.Contains(h.Versions, TLS13) }

// padding returns by how many bytes a message of n bytes must grow, 0 for none. Lengths of
// 256 to 511 hang old F5 devices (RFC 7685 §1); lengths of 10 or 14 modulo 256 hang others.
func padding(n int) int {
	bad := func(n int) bool { return n >= 256 && n < 512 || n%256 == 10 || n%256 == 14 }
	if !bad(n) {
		return 0
	}
	to := n + 4 // the extension's own header
	if n >= 256 && n < 512 {
		to = max(to, 512)
	}
	for bad(to) {
		to++
	}
	return to - n
}

// marshal writes the handshake message; pad is the whole size of a padding extension.
func (s *sent) marshal(cookie []byte, pad int) ([]byte, error) {
	h := s.hello
	var b cryptobyte.Builder
	b.AddUint8(msgClientHello)
	b.AddUint24LengthPrefixed(func(b *cryptobyte.Builder) {
		b.AddUint16(h.Version)
		b.AddBytes(s.random)
		b.AddUint8LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(s.session) })
		b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
			addAll(b, h.Suites)
			if h.Version == SSL3 {
				b.AddUint16(renegotiationSCSV)
			}
		})
		b.AddUint8LengthPrefixed(func(b *cryptobyte.Builder) {
			if h.Compression {
				b.AddUint8(1)
			}
			b.AddUint8(0)
		})
		if h.Version == SSL3 { // has no extensions
			return
		}
		b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { s.extensions(b, cookie, pad) })
	})
	msg, err := b.Bytes()
	if err != nil {
		return nil, err
	}
	if t := h.Resume; t != nil && t.Version == TLS13 {
		t.bind(msg)
	}
	return msg, nil
}

func (s *sent) extensions(b *cryptobyte.Builder, cookie []byte, pad int) {
	h := s.hello
	if h.ServerName != "" {
		extension(b, ExtServerName, func(b *cryptobyte.Builder) {
			b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
				b.AddUint8(0) // host_name
				b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes([]byte(h.ServerName)) })
			})
		})
	}
	for _, t := range h.Ask {
		extension(b, t, func(b *cryptobyte.Builder) { b.AddBytes(h.body(t)) })
	}
	if len(h.Groups) > 0 { // an empty list is an error to some servers
		extension(b, ExtSupportedGroups, func(b *cryptobyte.Builder) { b.AddUint16LengthPrefixed(listOf(h.Groups)) })
		extension(b, ExtPointFormats, func(b *cryptobyte.Builder) { b.AddBytes([]byte{1, 0}) })
	}
	if len(h.Schemes) > 0 {
		extension(b, ExtSignatureAlgorithms, func(b *cryptobyte.Builder) { b.AddUint16LengthPrefixed(listOf(h.Schemes)) })
	}
	if len(h.Versions) > 0 {
		extension(b, ExtSupportedVersions, func(b *cryptobyte.Builder) { b.AddUint8LengthPrefixed(listOf(h.Versions)) })
	}
	if h.is13() {
		extension(b, ExtKeyShare, func(b *cryptobyte.Builder) {
			b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
				if s.share != nil {
					b.AddUint16(s.share.group)
					b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(s.share.public) })
				}
			})
		})
		// Without it a server need not send a ticket (RFC 9846 §4.3.9).
		extension(b, ExtPSKModes, func(b *cryptobyte.Builder) { b.AddBytes([]byte{1, 1}) })
		if len(cookie) > 0 {
			extension(b, ExtCookie, func(b *cryptobyte.Builder) {
				b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(cookie) })
			})
		}
	}
	for _, t := range h.Other {
		extension(b, t, func(*cryptobyte.Builder) {})
	}
	if pad > 0 {
		extension(b, ExtPadding, func(b *cryptobyte.Builder) { b.AddBytes(make([]byte, pad-4)) })
	}
	if t := h.Resume; t != nil && t.Version == TLS13 { // has to be the last one (RFC 9846 §4.3.11)
		extension(b, ExtPreSharedKey, t.offer)
	}
}

// body is what the client says in an extension of Ask.
func (h *Hello) body(t uint16) []byte {
	if r := h.Resume; t == ExtSessionTicket && r != nil && r.Version < TLS13 {
		return r.ticket
	}
	if t == ExtRenegotiationInfo && h.renegotiation != nil {
		return append([]byte{byte(len(h.renegotiation))}, h.renegotiation...)
	}
	return fixedBody[t]
}

// fixedBody holds what a client sends in the extensions of Hello.Ask; others are empty.
var fixedBody = map[uint16][]byte{
	ExtStatusRequest:     {1, 0, 0, 0, 0}, // OCSP, any responder (RFC 6066 §8)
	ExtHeartbeat:         {2},             // the peer may not send any (RFC 6520 §2)
	ExtRenegotiationInfo: {0},
}

func extension(b *cryptobyte.Builder, t uint16, body cryptobyte.BuilderContinuation) {
	b.AddUint16(t)
	b.AddUint16LengthPrefixed(body)
}

func listOf(list []uint16) cryptobyte.BuilderContinuation {
	return func(b *cryptobyte.Builder) { addAll(b, list) }
}

func addAll(b *cryptobyte.Builder, list []uint16) {
	for _, v := range list {
		b.AddUint16(v)
	}
}
