package hello

import (
	"crypto/cipher"
	"crypto/subtle"
	"encoding/binary"
	"errors"
)

// ccm is AES in CCM mode with nonces of 12 octets (RFC 3610, RFC 6655), which the standard
// library does not have. It opens sessions that hold no secret, so it takes no care of time.
type ccm struct {
	block cipher.Block
	tag   int // 16 octets, or 8
}

const ccmNonce = 12

var errCCM = errors.New("hello: a record does not open")

func (c ccm) NonceSize() int { return ccmNonce }
func (c ccm) Overhead() int  { return c.tag }

// counter is a block that begins with flags and the nonce, and ends with a number of 3 octets.
func counter(flags byte, nonce []byte, n int) (b [16]byte) {
	b[0] = flags
	copy(b[1:], nonce)
	b[13], b[14], b[15] = byte(n>>16), byte(n>>8), byte(n)
	return b
}

const lengthOctets = 3 - 1 // L' of RFC 3610 §2.2

// authenticate is the CBC-MAC over the nonce, the lengths, the additional data and the plain text.
func (c ccm) authenticate(nonce, plain, additional []byte) []byte {
	flags := byte(lengthOctets | (c.tag-2)/2<<3)
	if len(additional) > 0 {
		flags |= 1 << 6
	}
	x := counter(flags, nonce, len(plain))
	c.block.Encrypt(x[:], x[:])
	absorb := func(data []byte) {
		for len(data) > 0 {
			n := subtle.XORBytes(x[:], x[:], data)
			c.block.Encrypt(x[:], x[:])
			data = data[n:]
		}
	}
	if len(additional) > 0 {
		absorb(append(binary.BigEndian.AppendUint16(nil, uint16(len(additional))), additional...))
	}
	absorb(plain)
	s := counter(lengthOctets, nonce, 0)
	c.block.Encrypt(s[:], s[:])
	subtle.XORBytes(x[:], x[:], s[:])
	return x[:c.tag]
}

// crypt encrypts or decrypts.
func (c ccm) crypt(nonce, text []byte) []byte {
	iv := counter(lengthOctets, nonce, 1)
	out := make([]byte, len(text))
	cipher.NewCTR(c.block, iv[:]).XORKeyStream(out, text)
	return out
}

func (c ccm) Seal(dst, nonce, plain, additional []byte) []byte {
	return append(append(dst, c.crypt(nonce, plain)...), c.authenticate(nonce, plain, additional)...)
}

func (c ccm) Open(dst, nonce, text, additional []byte) ([]byte, error) {
	if len(text) < c.tag {
		return nil, errCCM
	}
	end := len(text) - c.tag
	plain := c.crypt(nonce, text[:end])
	if subtle.ConstantTimeCompare(text[end:], c.authenticate(nonce, plain, additional)) == 0 {
		return nil, errCCM
	}
	return append(dst, plain...), nil
}
