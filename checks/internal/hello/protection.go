package hello

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/binary"
	"hash"

	"golang.org/x/crypto/chacha20poly1305"
)

// protection seals or opens the records of one direction.
type protection struct {
	version uint16
	suite   Suite
	seq     uint64

	aead cipher.AEAD // nil for CBC
	iv   []byte      // of the AEAD: 12 bytes, of GCM up to TLS 1.2 the first 4

	block    cipher.Block
	mac      hash.Hash
	chain    []byte // last block of the record before, which TLS 1.0 uses as IV
	macAfter bool   // encrypt-then-MAC (RFC 7366)
}

// sizes are those of the keys of a suite, in bytes: of the MAC, the cipher and the IV.
func (s Suite) sizes() (mac, key, iv int) {
	key = s.Bits / 8
	switch {
	case s.Cipher == "CHACHA20", s.TLS13:
		return 0, key, 12
	case s.AEAD:
		return 0, key, 4
	}
	return s.hmac()().Size(), key, aes.BlockSize
}

// hmac is the hash of a CBC suite's record protection.
func (s Suite) hmac() func() hash.Hash {
	switch s.Hash {
	case "SHA256":
		return sha256.New
	case "SHA384":
		return sha512.New384
	}
	return sha1.New
}

// usable reports whether sessions may be protected by the suite: AES in GCM, CCM or CBC, or
// ChaCha20-Poly1305 as standardized (RFC 7905). All others are only ever asked for.
func (s Suite) usable() bool {
	if s.Cipher == "CHACHA20" {
		return s.TLS13 || s.ID >= 0xCCA8
	}
	return s.Cipher == "AES" && (s.Mode == "GCM" || s.Mode == "CCM" || s.Mode == "CCM_8" || s.Mode == "CBC")
}

func newProtection(version uint16, s Suite, mac, key, iv []byte) (*protection, error) {
	p := &protection{version: version, suite: s, iv: iv}
	var err error
	if s.Cipher == "CHACHA20" {
		p.aead, err = chacha20poly1305.New(key)
		return p, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	switch s.Mode {
	case "GCM":
		p.aead, err = cipher.NewGCM(block)
		return p, err
	case "CCM":
		p.aead = ccm{block, 16}
		return p, nil
	case "CCM_8":
		p.aead = ccm{block, 8}
		return p, nil
	}
	p.block, p.mac, p.chain = block, hmac.New(s.hmac(), mac), iv
	return p, nil
}

// explicit reports whether each record carries a part of its nonce (RFC 5288 §3).
func (p *protection) explicit() bool { return len(p.iv) == 4 }

// nonce is the nonce of the present record (RFC 9846 §5.3, RFC 7905 §2, RFC 5288 §3).
func (p *protection) nonce() []byte {
	seq := binary.BigEndian.AppendUint64(nil, p.seq)
	if p.explicit() {
		return append(append([]byte{}, p.iv...), seq...)
	}
	n := append([]byte{}, p.iv...)
	subtle.XORBytes(n[4:], n[4:], seq)
	return n
}

// additional is what the MAC covers beside the content (RFC 5246 §6.2.3.3).
func (p *protection) additional(kind uint8, n int) []byte {
	b := binary.BigEndian.AppendUint64(nil, p.seq)
	return append(b, kind, byte(p.version>>8), byte(p.version), byte(n>>8), byte(n))
}

func (p *protection) sum(kind uint8, content []byte) []byte {
	p.mac.Reset()
	p.mac.Write(p.additional(kind, len(content)))
	p.mac.Write(content)
	return p.mac.Sum(nil)
}

// seal returns content, at most 16 KiB, as a whole record.
func (p *protection) seal(kind uint8, content []byte) []byte {
	defer func() { p.seq++ }()
	outer, version := kind, p.version
	var body []byte
	switch {
	case p.version >= TLS13:
		outer, version = recordData, TLS12
		n := len(content) + 1 + p.aead.Overhead()
		inner := append(append([]byte{}, content...), kind)
		body = p.aead.Seal(nil, p.nonce(), inner, []byte{outer, 3, 3, byte(n >> 8), byte(n)})
	case p.aead != nil:
		nonce := p.nonce()
		if p.explicit() {
			body = nonce[4:]
		}
		body = p.aead.Seal(body, nonce, content, p.additional(kind, len(content)))
	default:
		body = p.sealCBC(kind, content)
	}
	return append([]byte{outer, byte(version >> 8), byte(version), byte(len(body) >> 8), byte(len(body))}, body...)
}

func (p *protection) sealCBC(kind uint8, content []byte) []byte {
	size := p.block.BlockSize()
	plain := append([]byte{}, content...)
	if !p.macAfter {
		plain = append(plain, p.sum(kind, content)...)
	}
	pad := size - len(plain)%size
	for range pad {
		plain = append(plain, byte(pad-1))
	}
	iv, body := p.chain, []byte(nil)
	if p.version > TLS10 {
		iv = make([]byte, size)
		rand.Read(iv)
		body = append(body, iv...)
	}
	cipher.NewCBCEncrypter(p.block, iv).CryptBlocks(plain, plain)
	p.chain = plain[len(plain)-size:]
	body = append(body, plain...)
	if p.macAfter {
		body = append(body, p.sum(kind, body)...)
	}
	return body
}

// open returns the content of a record's body and its type; ok is false when it does not
// open under these keys.
func (p *protection) open(outer uint8, body []byte) (kind uint8, content []byte, ok bool) {
	defer func() { p.seq++ }()
	if p.version >= TLS13 {
		return p.open13(outer, body)
	}
	if p.aead == nil {
		content, ok = p.openCBC(outer, body)
		return outer, content, ok
	}
	nonce := p.nonce()
	if p.explicit() {
		if len(body) < 8 {
			return 0, nil, false
		}
		nonce = append(nonce[:4:4], body[:8]...)
		body = body[8:]
	}
	n := len(body) - p.aead.Overhead()
	if n < 0 {
		return 0, nil, false
	}
	content, err := p.aead.Open(nil, nonce, body, p.additional(outer, n))
	return outer, content, err == nil
}

func (p *protection) open13(outer uint8, body []byte) (kind uint8, content []byte, ok bool) {
	if outer != recordData { // a ChangeCipherSpec, or an alert of a server that could not follow
		p.seq-- // the caller counts it
		return outer, body, outer == recordChangeCipherSpec || outer == recordAlert
	}
	content, err := p.aead.Open(nil, p.nonce(), body, []byte{outer, 3, 3, byte(len(body) >> 8), byte(len(body))})
	if err != nil {
		return 0, nil, false
	}
	for len(content) > 0 && content[len(content)-1] == 0 { // padding (RFC 9846 §5.4)
		content = content[:len(content)-1]
	}
	if len(content) == 0 {
		return 0, nil, false
	}
	return content[len(content)-1], content[:len(content)-1], true
}

func (p *protection) openCBC(kind uint8, body []byte) ([]byte, bool) {
	size, sum := p.block.BlockSize(), p.mac.Size()
	if p.macAfter {
		if len(body) < sum || !hmac.Equal(body[len(body)-sum:], p.sum(kind, body[:len(body)-sum])) {
			return nil, false
		}
		body = body[:len(body)-sum]
	}
	iv := p.chain
	if p.version > TLS10 {
		if len(body) < size {
			return nil, false
		}
		iv, body = body[:size], body[size:]
	}
	if len(body) == 0 || len(body)%size != 0 {
		return nil, false
	}
	p.chain = append([]byte{}, body[len(body)-size:]...)
	plain := make([]byte, len(body))
	cipher.NewCBCDecrypter(p.block, iv).CryptBlocks(plain, body)
	// That this takes a time of its own tells nobody anything: the session holds no secret.
	n := len(plain) - 1 - int(plain[len(plain)-1])
	if p.macAfter {
		return plain[:max(n, 0)], n >= 0
	}
	if n -= sum; n < 0 {
		return nil, false
	}
	return plain[:n], hmac.Equal(plain[n:n+sum], p.sum(kind, plain[:n]))
}
