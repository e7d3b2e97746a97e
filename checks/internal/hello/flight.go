package hello

import (
	"bytes"
	"fmt"
	"io"
	"math/big"
	"slices"

	"golang.org/x/crypto/cryptobyte"
)

// Flight is what a server answered to a ClientHello.
type Flight struct {
	Version      uint16
	Suite        uint16 // 0 until a ServerHello was read
	Compression  uint8
	Extensions   []uint16 // answered in the clear
	Retry        bool     // a HelloRetryRequest: suite and group are chosen all the same
	Group        uint16   // of the key share or the ServerKeyExchange; 0 where there is none
	Certificates [][]byte // DER, leaf first, parts of one message; in TLS 1.3 only once finished
	Staple       []byte   // stapled OCSP response, DER; likewise
	KeyExchange  *KeyExchange
	Complete     bool     // read to ServerHelloDone; in TLS 1.3 and when resumed to the ServerHello
	Resumed      bool     // the session that was offered is taken up again
	Kinds        []uint32 // cipher kinds of an SSL 2.0 SERVER-HELLO

	// Only TLS 1.3, once finished.
	Scheme    uint16   // of the CertificateVerify
	Groups    []uint16 // all that the server has, best first, where it says so (RFC 9846 §4.3.7)
	Encrypted []uint16 // extensions answered in EncryptedExtensions

	sent       *sent
	in         *messages
	random     []byte
	session    []byte
	share      []byte // the server's half of the key exchange
	cookie     []byte
	transcript []byte // all handshake messages so far
	asked      bool   // for a client certificate
}

// KeyExchange is a ServerKeyExchange message.
type KeyExchange struct {
	P      []byte // prime of a Diffie-Hellman exchange, big-endian
	Bits   int    // of P, or of the temporary key of RSA_EXPORT; 0 for a curve
	Scheme uint16 // of the signature; only TLS 1.2 names it

	g, public []byte // generator, and the server's half
}

// Has reports whether the server answered an extension.
func (f *Flight) Has(extension uint16) bool { return slices.Contains(f.Extensions, extension) }

// ReadFlight reads a server's first flight: to ServerHelloDone up to TLS 1.2, to the
// ServerHello or HelloRetryRequest in TLS 1.3. The flight is never nil; after an error it
// holds what came before.
func ReadFlight(r io.Reader) (*Flight, error) {
	f := &Flight{in: &messages{r: r}}
	return f, f.readAll()
}

func (f *Flight) readAll() error {
	for !f.Complete {
		kind, body, err := f.next()
		if err != nil {
			return err
		}
		if err := f.read(kind, cryptobyte.String(body)); err != nil {
			return err
		}
	}
	return nil
}

// next reads a message and keeps it for the transcript.
func (f *Flight) next() (kind uint8, body []byte, err error) {
	kind, body, err = f.in.next()
	if err == nil && kind != msgHelloRequest { // which is no part of a handshake (RFC 5246 §7.4.1.1)
		body = f.note(kind, body)
	}
	return kind, body, err
}

// note adds a message to the transcript and returns its body in there, so that of a long list of
// certificates there is one copy. What follows it in a flight finds room behind it.
func (f *Flight) note(kind uint8, body []byte) []byte {
	const following = 2 << 10
	n := len(body)
	f.transcript = append(slices.Grow(f.transcript, 4+n+following), kind, byte(n>>16), byte(n>>8), byte(n))
	f.transcript = append(f.transcript, body...)
	return slices.Clip(f.transcript[len(f.transcript)-n:])
}

func (f *Flight) read(kind uint8, body cryptobyte.String) error {
	if started := f.Suite != 0 || f.Version != 0; started == (kind == msgServerHello) && kind != msgHelloRequest {
		return malformed("handshake messages out of order", kind, body)
	}
	ok := true
	switch kind {
	case msgServerHello:
		ok = f.serverHello(body)
		f.Complete = ok && (f.Version >= TLS13 || f.Resumed)
	case msgCertificate:
		ok = f.certificate(body)
	case msgCertificateStatus:
		ok = f.certificateStatus(body)
	case msgServerKeyExchange:
		ok = f.keyExchange(body)
	case msgServerHelloDone:
		ok = body.Empty()
		f.Complete = ok
	case msgCertificateRequest:
		f.asked = true
	case msgHelloRequest: // of no interest here
	default:
		return malformed("an unexpected handshake message", kind, body)
	}
	if !ok {
		return malformed("a malformed handshake message", kind, body)
	}
	return nil
}

// malformed keeps the beginning of the message that was the trouble.
func malformed(what string, kind uint8, body []byte) error {
	return &FormatError{What: fmt.Sprintf("%s of type %d", what, kind), Head: bytes.Clone(body[:min(len(body), 64)])}
}

// retryRandom is the Random that makes a ServerHello a HelloRetryRequest (RFC 9846 §4.2.3).
var retryRandom = []byte{
	0xCF, 0x21, 0xAD, 0x74, 0xE5, 0x9A, 0x61, 0x11, 0xBE, 0x1D, 0x8C, 0x02, 0x1E, 0x65, 0xB8, 0x91,
	0xC2, 0xA2, 0x11, 0x16, 0x7A, 0xBB, 0x8C, 0x5E, 0x07, 0x9E, 0x09, 0xE2, 0xC8, 0xA8, 0x33, 0x9C,
}

func (f *Flight) serverHello(s cryptobyte.String) bool {
	var random []byte
	var session, extensions cryptobyte.String
	var version, suite uint16
	var compression uint8
	if !s.ReadUint16(&version) || !s.ReadBytes(&random, 32) || !s.ReadUint8LengthPrefixed(&session) ||
		len(session) > 32 || !s.ReadUint16(&suite) || !s.ReadUint8(&compression) || version>>8 != 3 {
		return false
	}
	if !s.Empty() && (!s.ReadUint16LengthPrefixed(&extensions) || !s.Empty()) {
		return false
	}
	retry := bytes.Equal(random, retryRandom)
	for !extensions.Empty() {
		var t uint16
		var data cryptobyte.String
		if !extensions.ReadUint16(&t) || !extensions.ReadUint16LengthPrefixed(&data) || len(f.Extensions) >= 64 {
			return false
		}
		f.Extensions = append(f.Extensions, t)
		switch t {
		case ExtSupportedVersions:
			if !data.ReadUint16(&version) || !data.Empty() {
				return false
			}
		case ExtKeyShare:
			if !data.ReadUint16(&f.Group) || retry != data.Empty() {
				return false
			}
			var share cryptobyte.String
			if !retry && (!data.ReadUint16LengthPrefixed(&share) || !data.Empty()) {
				return false
			}
			f.share = bytes.Clone(share)
		case ExtCookie:
			var cookie cryptobyte.String
			if !data.ReadUint16LengthPrefixed(&cookie) || !data.Empty() {
				return false
			}
			f.cookie = bytes.Clone(cookie)
		case ExtPreSharedKey:
			f.Resumed = f.sent != nil && f.sent.hello.Resume != nil
		}
	}
	f.Version, f.Suite, f.Compression, f.Retry = version, suite, compression, retry
	f.random, f.session = random, bytes.Clone(session)
	if version < TLS13 {
		f.Resumed = f.sent != nil && f.sent.hello.Resume != nil && len(session) > 0 && bytes.Equal(session, f.sent.session)
	}
	return true
}

func (f *Flight) certificate(s cryptobyte.String) bool {
	var list cryptobyte.String
	if f.Certificates != nil || !s.ReadUint24LengthPrefixed(&list) || !s.Empty() {
		return false
	}
	for !list.Empty() {
		var der cryptobyte.String
		if !list.ReadUint24LengthPrefixed(&der) || der.Empty() {
			return false
		}
		f.Certificates = append(f.Certificates, slices.Clip([]byte(der)))
	}
	return true
}

// certificateStatus reads a stapled OCSP response (RFC 6066 §8); other kinds are ignored.
func (f *Flight) certificateStatus(s cryptobyte.String) bool {
	var kind uint8
	var response cryptobyte.String
	if !s.ReadUint8(&kind) {
		return false
	}
	if kind != 1 {
		return true
	}
	if !s.ReadUint24LengthPrefixed(&response) || !s.Empty() {
		return false
	}
	f.Staple = bytes.Clone(response)
	return true
}

// keyExchange reads the parameters and the scheme of their signature: named curves (RFC
// 8422 §5.4), Diffie-Hellman (RFC 5246 §7.4.3) and the temporary RSA key of export suites
// (RFC 2246 §7.4.3). What the suite does not explain is passed over.
func (f *Flight) keyExchange(s cryptobyte.String) bool {
	suite := SuiteOf(f.Suite)
	k := &KeyExchange{}
	if f.KeyExchange != nil {
		return false
	}
	f.KeyExchange = k
	var number, skipped cryptobyte.String
	switch suite.KeyExchange {
	case "ECDHE", "ECDH":
		var curveType uint8
		if !s.ReadUint8(&curveType) {
			return false
		}
		const named = 3
		if curveType != named { // explicit curves: nobody does, nothing to compare them with
			return true
		}
		if !s.ReadUint16(&f.Group) || !s.ReadUint8LengthPrefixed(&skipped) {
			return false
		}
		k.public = bytes.Clone(skipped)
	case "DHE", "DH":
		var g cryptobyte.String
		if !s.ReadUint16LengthPrefixed(&number) || !s.ReadUint16LengthPrefixed(&g) || !s.ReadUint16LengthPrefixed(&skipped) {
			return false
		}
		k.P, k.g, k.public = bytes.Clone(number), bytes.Clone(g), bytes.Clone(skipped)
	case "RSA":
		if !s.ReadUint16LengthPrefixed(&number) || !s.ReadUint16LengthPrefixed(&skipped) {
			return false
		}
	default:
		return true
	}
	k.Bits = new(big.Int).SetBytes(number).BitLen()
	if suite.Auth == "anon" || f.Version < TLS12 {
		return true
	}
	return s.ReadUint16(&k.Scheme) && s.ReadUint16LengthPrefixed(&skipped) && s.Empty()
}
