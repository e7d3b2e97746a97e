package pkix

import (
	"bytes"
	"crypto"
	"crypto/dsa" //lint:ignore SA1019 certificates with such keys are read, never made
	"crypto/ecdsa"
	"crypto/ed25519"
	_ "crypto/md5"
	"crypto/rsa"
	_ "crypto/sha1"
	_ "crypto/sha256"
	_ "crypto/sha512"
	"math/big"

	"github.com/cloudflare/circl/sign/ed448"
)

// Signature is how a certificate is signed.
type Signature struct {
	Name  string      // SHA256-RSA, ECDSA-SHA256 …, or an object identifier
	kind  string      // of key that it takes; empty for an algorithm we do not know
	hash  crypto.Hash // 0 for those without
	salt  int         // octets, of RSA-PSS
	mixed bool        // RSA-PSS with two different hashes
	value []byte
}

// algorithm is a signature algorithm with the name that Go gives it.
type algorithm struct {
	name, kind string
	hash       crypto.Hash
}

var algorithms = map[string]algorithm{
	"1.2.840.113549.1.1.2":   {"MD2-RSA", "RSA", 0},
	"1.2.840.113549.1.1.4":   {"MD5-RSA", "RSA", crypto.MD5},
	"1.2.840.113549.1.1.5":   {"SHA1-RSA", "RSA", crypto.SHA1},
	"1.3.14.3.2.29":          {"SHA1-RSA", "RSA", crypto.SHA1},
	"1.2.840.113549.1.1.14":  {"SHA224-RSA", "RSA", crypto.SHA224},
	"1.2.840.113549.1.1.11":  {"SHA256-RSA", "RSA", crypto.SHA256},
	"1.2.840.113549.1.1.12":  {"SHA384-RSA", "RSA", crypto.SHA384},
	"1.2.840.113549.1.1.13":  {"SHA512-RSA", "RSA", crypto.SHA512},
	"1.2.840.10040.4.3":      {"DSA-SHA1", "DSA", crypto.SHA1},
	"2.16.840.1.101.3.4.3.1": {"DSA-SHA224", "DSA", crypto.SHA224},
	"2.16.840.1.101.3.4.3.2": {"DSA-SHA256", "DSA", crypto.SHA256},
	"1.2.840.10045.4.1":      {"ECDSA-SHA1", "ECDSA", crypto.SHA1},
	"1.2.840.10045.4.3.1":    {"ECDSA-SHA224", "ECDSA", crypto.SHA224},
	"1.2.840.10045.4.3.2":    {"ECDSA-SHA256", "ECDSA", crypto.SHA256},
	"1.2.840.10045.4.3.3":    {"ECDSA-SHA384", "ECDSA", crypto.SHA384},
	"1.2.840.10045.4.3.4":    {"ECDSA-SHA512", "ECDSA", crypto.SHA512},
	"1.3.101.112":            {"Ed25519", "Ed25519", 0},
	"1.3.101.113":            {"Ed448", "Ed448", 0},
}

// hashes are those that RSA-PSS names in its parameters.
var hashes = map[string]struct {
	name string
	hash crypto.Hash
}{
	"1.3.14.3.2.26":          {"SHA1", crypto.SHA1},
	"2.16.840.1.101.3.4.2.4": {"SHA224", crypto.SHA224},
	"2.16.840.1.101.3.4.2.1": {"SHA256", crypto.SHA256},
	"2.16.840.1.101.3.4.2.2": {"SHA384", crypto.SHA384},
	"2.16.840.1.101.3.4.2.3": {"SHA512", crypto.SHA512},
}

const rsaPSS = "1.2.840.113549.1.1.10"

func readSignature(e element, value []byte) Signature {
	r := inside(e)
	id := oid(r.any())
	if id == rsaPSS {
		return readPSS(r, value)
	}
	a, known := algorithms[id]
	switch {
	case id == "":
		a.name = "unknown"
	case !known:
		a.name = id
	}
	return Signature{Name: a.name, kind: a.kind, hash: a.hash, value: value}
}

// readPSS reads the parameters of RSA-PSS, which stand for SHA-1 where they are left out (RFC 4055 §3.1).
func readPSS(r *reader, value []byte) Signature {
	s := Signature{Name: "SHA1-RSAPSS", kind: "RSA-PSS", hash: crypto.SHA1, salt: 20, value: value}
	mask := crypto.SHA1
	if parameters, ok := r.maybe(tagSequence); ok {
		for p := inside(parameters); p.more(); {
			switch e := p.any(); e.tag {
			case tagContext | tagConstructed:
				h := hashes[oid(inside(inside(e).any()).any())]
				s.Name, s.hash = h.name+"-RSAPSS", h.hash
			case tagContext | tagConstructed | 1:
				generator := inside(inside(e).any())
				generator.any()
				mask = hashes[oid(inside(generator.any()).any())].hash
			case tagContext | tagConstructed | 2:
				s.salt, _ = inside(e).any().small()
			}
		}
	}
	if s.hash == 0 {
		s.Name, s.kind = rsaPSS, ""
	}
	s.mixed = mask != s.hash
	return s
}

// Strength is how many bits of security OpenSSL 3.0 gives the hash of a signature; -1 for an
// algorithm without one that is known.
func (s Signature) Strength() int {
	switch {
	case s.kind == "Ed25519":
		return 128
	case s.kind == "Ed448":
		return 224
	case s.Name == "MD2-RSA", s.hash == crypto.MD5:
		return 39
	case s.hash == crypto.SHA1:
		return 63
	case s.hash == 0:
		return -1
	}
	return s.hash.Size() * 4
}

// weak reports whether the hash no longer holds (RFC 9155): below the 80 bits that OpenSSL
// asks for at security level 1.
func (s Signature) weak() bool { n := s.Strength(); return n >= 0 && n < 80 }

// matches checks a signature over a digest, or over the whole where there is none.
func (s Signature) matches(key *Key, signed []byte) bool {
	switch public := key.public.(type) {
	case *rsa.PublicKey:
		if s.kind == "RSA-PSS" {
			return matchesPSS(public, s, signed)
		}
		return matchesRSA(public, s, signed)
	case *ecdsa.PublicKey:
		return ecdsa.VerifyASN1(public, signed, s.value)
	case *ownKey:
		r, t, ok := pair(s.value)
		return ok && public.verify(signed, r, t)
	case *dsa.PublicKey:
		r, t, ok := pair(s.value)
		size := min(len(signed), (public.Q.BitLen()+7)/8)
		return ok && public.Q.Sign() > 0 && public.P.Sign() > 0 && dsa.Verify(public, signed[:size], r, t)
	case ed25519.PublicKey:
		return ed25519.Verify(public, signed, s.value)
	case ed448.PublicKey:
		return ed448.Verify(public, signed, s.value, "")
	}
	return false
}

// pair reads the two numbers of a DSA or ECDSA signature.
func pair(der []byte) (r, s *big.Int, ok bool) {
	list, ok := parse(der, tagSequence)
	if !ok {
		return nil, nil, false
	}
	a, b := list.take(tagInteger), list.take(tagInteger)
	return new(big.Int).SetBytes(a.body), new(big.Int).SetBytes(b.body), !list.bad
}

// prefixes stand before a digest in PKCS #1 v1.5 (RFC 8017 §9.2).
var prefixes = map[crypto.Hash][]byte{
	crypto.MD5:    {0x30, 0x20, 0x30, 0x0c, 0x06, 0x08, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x05, 0x05, 0x00, 0x04, 0x10},
	crypto.SHA1:   {0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a, 0x05, 0x00, 0x04, 0x14},
	crypto.SHA224: {0x30, 0x2d, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x04, 0x05, 0x00, 0x04, 0x1c},
	crypto.SHA256: {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20},
	crypto.SHA384: {0x30, 0x41, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02, 0x05, 0x00, 0x04, 0x30},
	crypto.SHA512: {0x30, 0x51, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03, 0x05, 0x00, 0x04, 0x40},
}

// matchesRSA checks PKCS #1 v1.5 by hand: Go's library refuses keys below 1024 bits, whose
// signatures hold all the same.
func matchesRSA(key *rsa.PublicKey, s Signature, digest []byte) bool {
	size := (key.N.BitLen() + 7) / 8
	prefix := prefixes[s.hash]
	value := new(big.Int).SetBytes(s.value)
	padding := size - 3 - len(prefix) - len(digest)
	if prefix == nil || padding < 8 || key.E < 3 || key.N.Sign() == 0 || value.Cmp(key.N) >= 0 {
		return false
	}
	opened := value.Exp(value, big.NewInt(int64(key.E)), key.N).FillBytes(make([]byte, size))
	want := append([]byte{0, 1}, bytes.Repeat([]byte{0xff}, padding)...)
	want = append(append(append(want, 0), prefix...), digest...)
	return bytes.Equal(opened, want)
}

func matchesPSS(key *rsa.PublicKey, s Signature, digest []byte) bool {
	return rsa.VerifyPSS(key, s.hash, digest, s.value, &rsa.PSSOptions{SaltLength: s.salt, Hash: s.hash}) == nil
}
