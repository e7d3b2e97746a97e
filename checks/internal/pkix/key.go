package pkix

import (
	"crypto"
	"crypto/dsa" //lint:ignore SA1019 certificates with such keys are read, never made
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"fmt"
	"math/big"

	"github.com/cloudflare/circl/sign/ed448"

	"mxseal/checks/report"
)

// Key is a public key: its kind and size, and the key itself where we can compute with it.
type Key struct {
	Kind string         // RSA, RSA-PSS, ECDSA, Ed25519, Ed448, DSA; empty where it cannot be read
	Bits int            // of the modulus, or of the order of the curve
	Weak report.WeakKey // why anyone may come to know the private key

	curve    string // its name; of ECDSA only
	explicit bool   // the curve is written out instead of named
	id       string // of the algorithm
	public   crypto.PublicKey
}

// String names a key as people do: RSA 2048, ECDSA P-256, Ed25519.
func (k *Key) String() string {
	switch {
	case k.Kind == "ECDSA":
		return "ECDSA " + k.curve
	case k.Kind == "Ed25519" || k.Kind == "Ed448":
		return k.Kind
	case k.Kind == "" && k.id != "":
		return "unknown (" + k.id + ")"
	case k.Kind == "":
		return "unknown"
	}
	return fmt.Sprintf("%s %d", k.Kind, k.Bits)
}

// Strength is how many bits of security the size of a key stands for (NIST SP 800-57 part 1).
func (k *Key) Strength() int {
	if k.Kind == "ECDSA" || k.Kind == "Ed25519" || k.Kind == "Ed448" {
		return k.Bits / 2
	}
	for _, step := range []struct{ bits, strength int }{{15360, 256}, {7680, 192}, {3072, 128}, {2048, 112}, {1024, 80}} {
		if k.Bits >= step.bits {
			return step.strength
		}
	}
	return 0
}

// maxModulus bounds the RSA keys that are computed with, as OpenSSL does.
const maxModulus = 16384

// ReadKey reads a SubjectPublicKeyInfo. Its kind is empty for what cannot be read.
func ReadKey(spki []byte) *Key {
	k := &Key{}
	r, ok := parse(spki, tagSequence)
	if !ok {
		return k
	}
	algorithm, bits := inside(r.take(tagSequence)), r.take(tagBits)
	if r.bad {
		return k
	}
	k.id = oid(algorithm.any())
	switch k.id {
	case "1.2.840.113549.1.1.1":
		k.readRSA("RSA", bits.bits())
	case "1.2.840.113549.1.1.10":
		k.readRSA("RSA-PSS", bits.bits())
	case "1.2.840.10045.2.1":
		k.readCurve(algorithm.any(), bits.bits())
	case "1.2.840.10040.4.1":
		k.readDSA(algorithm.any(), bits.bits())
	case "1.3.101.112":
		if len(bits.bits()) == ed25519.PublicKeySize {
			k.Kind, k.Bits, k.public = "Ed25519", 253, ed25519.PublicKey(bits.bits())
		}
	case "1.3.101.113":
		if len(bits.bits()) == ed448.PublicKeySize {
			k.Kind, k.Bits, k.public = "Ed448", 446, ed448.PublicKey(bits.bits())
		}
	}
	return k
}

func (k *Key) readRSA(kind string, der []byte) {
	r, ok := parse(der, tagSequence)
	if !ok {
		return
	}
	n, e := r.take(tagInteger), r.take(tagInteger)
	exponent, fits := e.small()
	if r.bad {
		return
	}
	modulus := new(big.Int).SetBytes(n.body)
	k.Kind, k.Bits = kind, modulus.BitLen()
	if fits && k.Bits <= maxModulus {
		k.public = &rsa.PublicKey{N: modulus, E: exponent}
	}
	switch {
	case k.Bits < 1024:
		k.Weak = report.WeakKeyShort
	case roca(modulus):
		k.Weak = report.WeakKeyROCA
	}
}

func (k *Key) readCurve(parameters element, point []byte) {
	if parameters.tag != tagOID {
		k.Kind, k.curve, k.explicit = "ECDSA", "of a curve of its own", true
		k.Bits = explicitBits(parameters)
		return
	}
	id := oid(parameters)
	k.Kind, k.curve = "ECDSA", id
	c, known := curves[id]
	if !known {
		return
	}
	k.curve, k.Bits = c.name, c.bits
	if k.Bits < 160 {
		k.Weak = report.WeakKeyShort
	}
	switch {
	case c.named != nil:
		if key, err := ecdsa.ParseUncompressedPublicKey(c.named, uncompressed(c.named, point)); err == nil {
			k.public = key
		}
	case c.own != nil:
		if x, y, ok := c.own.point(point); ok {
			k.public = &ownKey{c.own, x, y}
		}
	}
}

// uncompressed writes a point out in full.
func uncompressed(curve elliptic.Curve, point []byte) []byte {
	if len(point) > 0 && (point[0] == 2 || point[0] == 3) {
		if x, y := elliptic.UnmarshalCompressed(curve, point); x != nil {
			size := (curve.Params().BitSize + 7) / 8
			full := make([]byte, 1+2*size)
			full[0] = 4
			x.FillBytes(full[1 : 1+size])
			y.FillBytes(full[1+size:])
			return full
		}
	}
	return point
}

// explicitBits is the size of the order in parameters that are written out (RFC 3279 §2.3.5).
func explicitBits(parameters element) int {
	r := inside(parameters)
	r.take(tagInteger)
	r.take(tagSequence)
	r.take(tagSequence)
	r.take(tagOctets)
	order := r.take(tagInteger)
	if r.bad {
		return 0
	}
	return new(big.Int).SetBytes(order.body).BitLen()
}

func (k *Key) readDSA(parameters element, der []byte) {
	y, rest, ok := next(der)
	if !ok || y.tag != tagInteger || len(rest) > 0 {
		return
	}
	r := inside(parameters)
	p, q, g := r.take(tagInteger), r.take(tagInteger), r.take(tagInteger)
	if r.bad || len(p.body) > 513 || len(q.body) > 65 {
		return
	}
	number := func(e element) *big.Int { return new(big.Int).SetBytes(e.body) }
	key := &dsa.PublicKey{Parameters: dsa.Parameters{P: number(p), Q: number(q), G: number(g)}, Y: number(y)}
	k.Kind, k.Bits, k.public = "DSA", key.P.BitLen(), key
	if k.Bits < 1024 {
		k.Weak = report.WeakKeyShort
	}
}

// rocaPrimes are the small primes of the ROCA fingerprint (Nemec et al., CCS 2017).
var rocaPrimes = []int64{
	11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157,
}

// roca reports whether n is, modulo each of the primes, a power of 65537. An ordinary
// modulus is so with a chance of about one in 2^28.
func roca(n *big.Int) bool {
	for _, p := range rocaPrimes {
		rest := new(big.Int).Mod(n, big.NewInt(p)).Int64()
		power, found := int64(1), false
		for range p {
			if found = found || power == rest; found {
				break
			}
			power = power * 65537 % p
		}
		if !found {
			return false
		}
	}
	return true
}
