// Package hello speaks the first flight of TLS at the wire: it builds any ClientHello and
// reads what the server answers in the clear.
//
// Up to TLS 1.2 that is everything from ServerHello to ServerHelloDone: version, suite,
// certificates, the parameters of the key exchange and its signature, the stapled OCSP
// response. In TLS 1.3 it is version, suite and group. No key is ever derived and no
// handshake completed, so that suites nobody should implement any more can be asked for.
// What the server sends is bounded and never trusted to be well-formed.
package hello

import (
	"crypto/ecdh"
	"crypto/rand"
	"fmt"
	"io"

	"golang.org/x/crypto/cryptobyte"
)

// Extension types (IANA "TLS ExtensionType Values").
const (
	ExtServerName           uint16 = 0
	ExtStatusRequest        uint16 = 5
	ExtSupportedGroups      uint16 = 10
	ExtPointFormats         uint16 = 11
	ExtSignatureAlgorithms  uint16 = 13
	ExtTruncatedHMAC        uint16 = 4
	ExtHeartbeat            uint16 = 15
	ExtPadding              uint16 = 21
	ExtExtendedMasterSecret uint16 = 23
	ExtSessionTicket        uint16 = 35
	ExtSupportedVersions    uint16 = 43
	ExtKeyShare             uint16 = 51
	ExtRenegotiationInfo    uint16 = 0xFF01
)

// Signalling cipher suite value that stands for an empty renegotiation_info (RFC 5746 §3.3).
const renegotiationSCSV uint16 = 0x00FF

// X25519 is the group that Hello can send a share of.
const X25519 uint16 = 29

// Hello is a ClientHello. The zero value of a field leaves its extension out.
type Hello struct {
	Version     uint16   // client_version; 1.2 for a TLS 1.3 hello, SSL2 for the hello of SSL 2.0
	Versions    []uint16 // supported_versions; TLS 1.3 among them asks for a key share too
	Suites      []uint16 // in our order
	ServerName  string   // A-label without trailing dot, never an address literal (RFC 6066 §3)
	Groups      []uint16
	Share       bool // send an X25519 key share; without, a TLS 1.3 server has to name its group
	Schemes     []uint16
	Compression bool     // offer DEFLATE beside no compression; not in TLS 1.3
	Ask         []uint16 // extensions that a client offers by a fixed body
	Other       []uint16 // extensions nobody knows, with an empty body (GREASE, RFC 8701)
}

// Exchange sends the hello and reads the server's first flight. The caller sets the
// deadline of rw and closes it. What was read before an error is in the Flight, which is
// never nil. The error is an *Alert when the server refused by one, a *FormatError when it
// did not speak TLS, otherwise that of rw.
func (h *Hello) Exchange(rw io.ReadWriter) (*Flight, error) {
	b, err := h.Marshal()
	if err != nil {
		return &Flight{}, err
	}
	if _, err := rw.Write(b); err != nil {
		return &Flight{}, fmt.Errorf("hello: sending the ClientHello: %w", err)
	}
	if h.Version == SSL2 {
		return ReadSSL2(rw)
	}
	return ReadFlight(rw)
}

// Marshal returns the record that carries the hello. It fails when a list is too long for
// its field.
func (h *Hello) Marshal() ([]byte, error) {
	if h.Version == SSL2 {
		return marshalSSL2()
	}
	msg, err := h.message(0)
	if err == nil {
		if pad := padding(len(msg)); pad > 0 && h.Version > SSL3 {
			msg, err = h.message(pad)
		}
	}
	if err != nil {
		return nil, err
	}
	var b cryptobyte.Builder
	b.AddUint8(recordHandshake)
	// The record says 1.0 whatever the hello says (RFC 5246 appendix E.1), so that a
	// server that only compares numbers does not stop here.
	b.AddUint16(min(h.Version, TLS10))
	b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(msg) })
	return b.Bytes()
}

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

// message builds the handshake message; pad is the whole size of a padding extension.
func (h *Hello) message(pad int) ([]byte, error) {
	random := make([]byte, 64) // 32 for the hello, 32 for a session id
	rand.Read(random)
	var share []byte
	if h.Share {
		key, err := ecdh.X25519().GenerateKey(rand.Reader)
		if err != nil {
			return nil, err
		}
		share = key.PublicKey().Bytes()
	}
	is13 := false
	for _, v := range h.Versions {
		is13 = is13 || v == TLS13
	}

	var b cryptobyte.Builder
	b.AddUint8(msgClientHello)
	b.AddUint24LengthPrefixed(func(b *cryptobyte.Builder) {
		b.AddUint16(h.Version)
		b.AddBytes(random[:32])
		b.AddUint8LengthPrefixed(func(b *cryptobyte.Builder) {
			if is13 { // middlebox compatibility (RFC 8446 appendix D.4)
				b.AddBytes(random[32:])
			}
		})
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
		b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { h.extensions(b, is13, share, pad) })
	})
	return b.Bytes()
}

func (h *Hello) extensions(b *cryptobyte.Builder, is13 bool, share []byte, pad int) {
	if h.ServerName != "" {
		extension(b, ExtServerName, func(b *cryptobyte.Builder) {
			b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
				b.AddUint8(0) // host_name
				b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes([]byte(h.ServerName)) })
			})
		})
	}
	for _, t := range h.Ask {
		extension(b, t, func(b *cryptobyte.Builder) { b.AddBytes(fixedBody[t]) })
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
	if is13 {
		extension(b, ExtKeyShare, func(b *cryptobyte.Builder) {
			b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
				if share != nil {
					b.AddUint16(X25519)
					b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(share) })
				}
			})
		})
	}
	for _, t := range h.Other {
		extension(b, t, func(*cryptobyte.Builder) {})
	}
	if pad > 0 {
		extension(b, ExtPadding, func(b *cryptobyte.Builder) { b.AddBytes(make([]byte, pad-4)) })
	}
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
