package hello

import (
	"bytes"
	"io"
	"slices"
	"testing"

	"golang.org/x/crypto/cryptobyte"
)

// spread writes a message over several records.
func spread(m []byte) (b []byte) {
	for part := range slices.Chunk(m, 1<<14) {
		b = append(b, record(22, part)...)
	}
	return b
}

// record wraps handshake bytes or an alert.
func record(kind uint8, body []byte) []byte {
	return append([]byte{kind, 3, 3, byte(len(body) >> 8), byte(len(body))}, body...)
}

func message(kind uint8, body []byte) []byte {
	return append([]byte{kind, byte(len(body) >> 16), byte(len(body) >> 8), byte(len(body))}, body...)
}

func alert(level, code uint8) []byte { return record(recordAlert, []byte{level, code}) }

// serverHello builds one; extensions are pairs of a type and a body.
func serverHello(version, suite uint16, compression uint8, random []byte, extensions ...any) []byte {
	var b cryptobyte.Builder
	b.AddUint16(version)
	if random == nil {
		random = make([]byte, 32)
	}
	b.AddBytes(random)
	b.AddUint8(0)
	b.AddUint16(suite)
	b.AddUint8(compression)
	if len(extensions) > 0 {
		b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
			for i := 0; i < len(extensions); i += 2 {
				extension(b, extensions[i].(uint16), func(b *cryptobyte.Builder) { b.AddBytes(extensions[i+1].([]byte)) })
			}
		})
	}
	return message(msgServerHello, b.BytesOrPanic())
}

func certificates(list ...[]byte) []byte {
	var b cryptobyte.Builder
	b.AddUint24LengthPrefixed(func(b *cryptobyte.Builder) {
		for _, c := range list {
			b.AddUint24LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(c) })
		}
	})
	return message(msgCertificate, b.BytesOrPanic())
}

// vectors concatenates two-byte length-prefixed numbers.
func vectors(list ...[]byte) []byte {
	var b cryptobyte.Builder
	for _, v := range list {
		b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(v) })
	}
	return b.BytesOrPanic()
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func number(bits int) []byte {
	n := make([]byte, (bits+7)/8)
	n[0] = 1 << ((bits - 1) % 8)
	return n
}

var done = message(msgServerHelloDone, nil)

// ecdhe is a ServerKeyExchange over a named curve, signed by a scheme.
func ecdhe(curve, scheme uint16) []byte {
	return message(msgServerKeyExchange, join([]byte{3, byte(curve >> 8), byte(curve), 4, 1, 2, 3, 4},
		[]byte{byte(scheme >> 8), byte(scheme)}, vectors([]byte("signature"))))
}

// dribble gives one byte at a time.
type dribble struct{ r io.Reader }

func (d dribble) Read(p []byte) (int, error) { return d.r.Read(p[:min(1, len(p))]) }

func suiteID(t *testing.T, name string) uint16 {
	t.Helper()
	s, ok := SuiteNamed(name)
	if !ok {
		t.Fatalf("no suite %s", name)
	}
	return s.ID
}
