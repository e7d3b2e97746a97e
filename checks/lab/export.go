package lab

import (
	"bytes"
	"crypto"
	"crypto/md5"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
)

// Numbers of RFC 5246 and of its ancestors.
const (
	recordAlert     = 21
	recordHandshake = 22

	typeClientHello       = 1
	typeServerHello       = 2
	typeCertificate       = 11
	typeServerKeyExchange = 12
	typeServerHelloDone   = 14

	extendedMasterSecret = 0x0017
	renegotiationInfo    = 0xff01

	rsaExportRC4  = 0x0003 // TLS_RSA_EXPORT_WITH_RC4_40_MD5
	renegotiation = 0x00ff // TLS_EMPTY_RENEGOTIATION_INFO_SCSV

	maxHello = 1 << 16
)

// clientHello is what a choice of suite needs of a ClientHello.
type clientHello struct {
	version    uint16 // legacy_version
	random     []byte
	suites     []uint16
	extensions []uint16
}

// offers reports whether the hello has one of the suites.
func (h *clientHello) offers(suites ...uint16) bool {
	return slices.ContainsFunc(suites, func(s uint16) bool { return slices.Contains(h.suites, s) })
}

// readHello reads records up to the end of the ClientHello and returns it with the octets
// as they came.
func readHello(r io.Reader) (*clientHello, []byte, error) {
	var raw, message []byte
	for len(message) < 4 || len(message) < 4+int(binary.BigEndian.Uint32(message)&0xffffff) {
		head := make([]byte, 5)
		if _, err := io.ReadFull(r, head); err != nil {
			return nil, nil, fmt.Errorf("lab: reading the client's hello: %w", err)
		}
		n := int(binary.BigEndian.Uint16(head[3:]))
		if head[0] != recordHandshake || n == 0 || len(message)+n > maxHello {
			return nil, nil, errors.New("lab: the client does not begin with a TLS handshake record")
		}
		body := make([]byte, n)
		if _, err := io.ReadFull(r, body); err != nil {
			return nil, nil, fmt.Errorf("lab: reading the client's hello: %w", err)
		}
		raw = append(append(raw, head...), body...)
		message = append(message, body...)
	}
	h, ok := parseHello(message)
	if !ok {
		return nil, nil, errors.New("lab: the client's hello cannot be read")
	}
	return h, raw, nil
}

// parseHello reads a ClientHello message with its handshake header (RFC 5246 §7.4.1.2).
func parseHello(message []byte) (*clientHello, bool) {
	b := octets{message, true}
	if kind := b.number(1); kind != typeClientHello {
		return nil, false
	}
	b = octets{b.vector(3), b.ok}
	h := &clientHello{version: uint16(b.number(2)), random: b.take(32)}
	b.vector(1) // session id
	suites := octets{b.vector(2), b.ok}
	for len(suites.rest) > 0 && suites.ok {
		h.suites = append(h.suites, uint16(suites.number(2)))
	}
	b.vector(1) // compression methods
	if !b.ok || !suites.ok {
		return nil, false
	}
	if len(b.rest) == 0 {
		return h, true
	}
	list := octets{b.vector(2), b.ok}
	for len(list.rest) > 0 && list.ok {
		h.extensions = append(h.extensions, uint16(list.number(2)))
		list.vector(2)
	}
	return h, list.ok
}

// octets is read from the front; ok turns false for good once there was too little.
type octets struct {
	rest []byte
	ok   bool
}

func (o *octets) take(n int) []byte {
	if !o.ok || n > len(o.rest) {
		o.ok = false
		return nil
	}
	out := o.rest[:n]
	o.rest = o.rest[n:]
	return out
}

func (o *octets) number(n int) (v int) {
	for _, b := range o.take(n) {
		v = v<<8 | int(b)
	}
	return v
}

// vector reads a length of n octets and then as many.
func (o *octets) vector(n int) []byte { return o.take(o.number(n)) }

// exportModulus is that of an RSA key of 512 bits, the longest that the suites for export
// allow; long ago factored by whoever wanted to.
var exportModulus, _ = hex.DecodeString("9722fbbb7c4dc6234495b344797f8f1f23f1e0da208c4081f830362949f57847" +
	"bb173f3d151100abadb965aef0d547f8cf5d615b771a7bad237d5bb71f9b69a3")

// exportFlight is ServerHello, Certificate, ServerKeyExchange and ServerHelloDone.
func exportFlight(h *clientHello, cert tls.Certificate) ([]byte, error) {
	version := min(h.version, tls.VersionTLS12)
	random := make([]byte, 32)
	rand.Read(random)

	hello := binary.BigEndian.AppendUint16(nil, version)
	hello = append(hello, random...)
	hello = append(hello, 0)                                              // no session id
	hello = append(binary.BigEndian.AppendUint16(hello, rsaExportRC4), 0) // no compression
	var extensions []byte
	if slices.Contains(h.extensions, renegotiationInfo) || h.offers(renegotiation) {
		extensions = append(extensions, renegotiationInfo>>8, renegotiationInfo&0xff, 0, 1, 0)
	}
	if slices.Contains(h.extensions, extendedMasterSecret) {
		extensions = append(extensions, 0, extendedMasterSecret, 0, 0)
	}
	if extensions != nil {
		hello = append(hello, vector(2, extensions)...)
	}

	var chain []byte
	for _, der := range cert.Certificate {
		chain = append(chain, vector(3, der)...)
	}

	params := append(vector(2, exportModulus), vector(2, []byte{1, 0, 1})...)
	signature, err := signExport(cert.PrivateKey, version, slices.Concat(h.random, random, params))
	if err != nil {
		return nil, fmt.Errorf("lab: signing the key for export: %w", err)
	}

	flight := slices.Concat(
		message(typeServerHello, hello),
		message(typeCertificate, vector(3, chain)),
		message(typeServerKeyExchange, append(params, signature...)),
		message(typeServerHelloDone, nil))
	return records(version, flight), nil
}

// signExport signs as the version demands: MD5 and SHA-1 side by side before TLS 1.2
// (RFC 4346 §7.4.3), a named algorithm from then on (RFC 5246 §7.4.3).
func signExport(key crypto.PrivateKey, version uint16, signed []byte) ([]byte, error) {
	k, ok := key.(*rsa.PrivateKey)
	if !ok {
		return nil, errors.New("the server's key is not RSA")
	}
	if version >= tls.VersionTLS12 {
		digest := sha256.Sum256(signed)
		signature, err := rsa.SignPKCS1v15(nil, k, crypto.SHA256, digest[:])
		return append([]byte{4, 1}, vector(2, signature)...), err // sha256, rsa
	}
	md, sha := md5.Sum(signed), sha1.Sum(signed)
	signature, err := rsa.SignPKCS1v15(nil, k, crypto.MD5SHA1, append(md[:], sha[:]...))
	return vector(2, signature), err
}

func message(kind byte, body []byte) []byte { return append([]byte{kind}, vector(3, body)...) }

// vector puts the length of b, in n octets, before it.
func vector(n int, b []byte) []byte {
	length := binary.BigEndian.AppendUint32(nil, uint32(len(b)))
	return append(length[4-n:], b...)
}

// records cuts a flight into records of at most 2^14 octets.
func records(version uint16, flight []byte) []byte {
	var out bytes.Buffer
	for part := range slices.Chunk(flight, 1<<14) {
		out.WriteByte(recordHandshake)
		out.Write(binary.BigEndian.AppendUint16(nil, version))
		out.Write(vector(2, part))
	}
	return out.Bytes()
}
