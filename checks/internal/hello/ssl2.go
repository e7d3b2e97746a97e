package hello

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"io"

	"golang.org/x/crypto/cryptobyte"
)

// Cipher kinds of SSL 2.0, in the registry of its draft of 1995.
var kinds = map[uint32]string{
	0x010080: "SSL_CK_RC4_128_WITH_MD5",
	0x020080: "SSL_CK_RC4_128_EXPORT40_WITH_MD5",
	0x030080: "SSL_CK_RC2_128_CBC_WITH_MD5",
	0x040080: "SSL_CK_RC2_128_CBC_EXPORT40_WITH_MD5",
	0x050080: "SSL_CK_IDEA_128_CBC_WITH_MD5",
	0x060040: "SSL_CK_DES_64_CBC_WITH_MD5",
	0x060140: "SSL_CK_DES_64_CBC_WITH_SHA",
	0x0700C0: "SSL_CK_DES_192_EDE3_CBC_WITH_MD5",
	0x0701C0: "SSL_CK_DES_192_EDE3_CBC_WITH_SHA",
	0x080080: "SSL_CK_RC4_64_WITH_MD5",
}

// KindName returns the name of an SSL 2.0 cipher kind, or its number.
func KindName(kind uint32) string {
	if n, ok := kinds[kind]; ok {
		return n
	}
	return fmt.Sprintf("0x%06x", kind&0xFFFFFF)
}

// marshalSSL2 builds a CLIENT-HELLO of SSL 2.0 with every cipher kind: the answer lists all
// that the server has, so one connection tells everything.
func marshalSSL2() ([]byte, error) {
	offer := []uint32{0x010080, 0x020080, 0x030080, 0x040080, 0x050080, 0x060040, 0x060140, 0x0700C0, 0x0701C0, 0x080080}
	challenge := make([]byte, 16)
	rand.Read(challenge)
	var b cryptobyte.Builder
	b.AddUint8(1) // CLIENT-HELLO
	b.AddUint16(SSL2)
	b.AddUint16(uint16(3 * len(offer)))
	b.AddUint16(0) // no session
	b.AddUint16(uint16(len(challenge)))
	for _, k := range offer {
		b.AddUint24(k)
	}
	b.AddBytes(challenge)
	msg, err := b.Bytes()
	if err != nil {
		return nil, err
	}
	return append([]byte{0x80 | byte(len(msg)>>8), byte(len(msg))}, msg...), nil
}

// ReadSSL2 reads a SERVER-HELLO of SSL 2.0. A TLS alert in its place is an *Alert. A server
// that shares no cipher kind gives a flight without Kinds.
func ReadSSL2(r io.Reader) (*Flight, error) {
	f := &Flight{}
	var head [3]byte
	if _, err := io.ReadFull(r, head[:2]); err != nil {
		return f, err
	}
	if head[0] == recordAlert && head[1] == 3 {
		_, _, err := (&messages{r: io.MultiReader(bytes.NewReader(head[:2]), r)}).next()
		if err == nil {
			err = &FormatError{What: "a TLS message in answer to SSL 2.0"}
		}
		return f, err
	}
	n := int(binary.BigEndian.Uint16(head[:2]))
	if head[0]&0x80 != 0 {
		n &= 0x7FFF
	} else { // a header of three bytes, the third counts the padding
		n &= 0x3FFF
		if _, err := io.ReadFull(r, head[2:]); err != nil {
			return f, err
		}
	}
	if n > maxRecord {
		return f, &FormatError{What: fmt.Sprintf("an SSL 2.0 record of %d bytes", n)}
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(r, body); err != nil {
		return f, err
	}
	const serverHello = 4
	s := cryptobyte.String(body)
	var kind, hit, certType uint8
	var version, certLen, specLen, idLen uint16
	var cert, specs []byte
	if !s.ReadUint8(&kind) || kind != serverHello || !s.ReadUint8(&hit) || !s.ReadUint8(&certType) ||
		!s.ReadUint16(&version) || version != SSL2 || !s.ReadUint16(&certLen) || !s.ReadUint16(&specLen) ||
		!s.ReadUint16(&idLen) || !s.ReadBytes(&cert, int(certLen)) || !s.ReadBytes(&specs, int(specLen)) || specLen%3 != 0 {
		return f, &FormatError{What: "no SERVER-HELLO of SSL 2.0"}
	}
	f.Version, f.Complete = SSL2, true
	if certLen > 0 {
		f.Certificates = [][]byte{cert}
	}
	for i := 0; i+3 <= len(specs) && len(f.Kinds) < 32; i += 3 {
		f.Kinds = append(f.Kinds, uint32(specs[i])<<16|uint32(specs[i+1])<<8|uint32(specs[i+2]))
	}
	return f, nil
}
