package resolve

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	_ "crypto/sha1" // the hash functions that the table names
	_ "crypto/sha256"
	_ "crypto/sha512"
	"encoding/asn1"
	"encoding/base64"
	"math/big"
	"slices"

	"github.com/cloudflare/circl/sign/ed448"
	"github.com/miekg/dns"
)

// algorithm is a row of the registry of DNSSEC algorithm numbers (RFC 9904).
type algorithm struct {
	name   string
	hash   crypto.Hash // zero where the algorithm hashes by itself
	sha1   bool        // must still be understood and must be treated as unsupported (RFC 9905 §2)
	verify func(hash crypto.Hash, key, message, signature []byte) bool
}

// algorithms are those that can be verified here. 1, 3, 6 and 12 must not be used by
// anyone, 17 and 23 are known to few: zones signed by these alone are insecure.
var algorithms = map[uint8]algorithm{
	dns.RSASHA1:          {"RSASHA1", crypto.SHA1, true, verifyRSA},
	dns.RSASHA1NSEC3SHA1: {"RSASHA1-NSEC3-SHA1", crypto.SHA1, true, verifyRSA},
	dns.RSASHA256:        {"RSASHA256", crypto.SHA256, false, verifyRSA},
	dns.RSASHA512:        {"RSASHA512", crypto.SHA512, false, verifyRSA},
	dns.ECDSAP256SHA256:  {"ECDSAP256SHA256", crypto.SHA256, false, verifyECDSA(elliptic.P256())},
	dns.ECDSAP384SHA384:  {"ECDSAP384SHA384", crypto.SHA384, false, verifyECDSA(elliptic.P384())},
	dns.ED25519: {"ED25519", 0, false, func(_ crypto.Hash, key, message, signature []byte) bool {
		return len(key) == ed25519.PublicKeySize && ed25519.Verify(key, message, signature)
	}},
	dns.ED448: {"ED448", 0, false, func(_ crypto.Hash, key, message, signature []byte) bool {
		return len(key) == ed448.PublicKeySize && ed448.Verify(key, message, signature, "")
	}},
}

// digestSizes are the DS digest types in use, with their lengths in octets. SHA-1 counts
// only where no better one is there (RFC 4509 §3); GOST (3) is no longer validated.
var digestSizes = map[uint8]int{dns.SHA1: 20, dns.SHA256: 32, dns.SHA384: 48}

// verifies reports whether a signature over data was made by the key.
func verifies(key *dns.DNSKEY, sig *dns.RRSIG, data []byte) bool {
	a, ok := algorithms[key.Algorithm]
	if !ok {
		return false
	}
	public, err1 := base64.StdEncoding.DecodeString(key.PublicKey)
	signature, err2 := base64.StdEncoding.DecodeString(sig.Signature)
	return err1 == nil && err2 == nil && a.verify(a.hash, public, data, signature)
}

// parseRSA reads a public key (RFC 3110 §2). Keys of no use come back nil: an exponent of
// one or an even one, exponents beyond 64 bits, which serve only to cost time, an even
// modulus, and moduli beyond 4096 bits, the format's limit.
func parseRSA(key []byte) (n, e *big.Int) {
	if len(key) < 3 {
		return nil, nil
	}
	size, rest := int(key[0]), key[1:]
	if size == 0 {
		size, rest = int(key[1])<<8|int(key[2]), key[3:]
	}
	if size == 0 || size > 8 || len(rest) <= size || len(rest)-size > 512 {
		return nil, nil
	}
	e, n = new(big.Int).SetBytes(rest[:size]), new(big.Int).SetBytes(rest[size:])
	if e.Bit(0) == 0 || e.IsUint64() && e.Uint64() == 1 || n.Bit(0) == 0 || n.BitLen() < 256 {
		return nil, nil
	}
	return n, e
}

// verifyRSA checks a PKCS #1 v1.5 signature (RFC 8017 §8.2.2). crypto/rsa refuses moduli
// below 1024 bits, which resolvers in use accept: to call such a zone bogus would hide what
// is wrong with it, namely that its key can be factored. All values are public.
func verifyRSA(hash crypto.Hash, key, message, signature []byte) bool {
	n, e := parseRSA(key)
	if n == nil {
		return false
	}
	size := (n.BitLen() + 7) / 8
	s := new(big.Int).SetBytes(signature)
	if len(signature) != size || s.Cmp(n) >= 0 {
		return false
	}
	h := hash.New()
	h.Write(message)
	info := slices.Concat(digestInfo[hash], h.Sum(nil))
	pad := size - 3 - len(info)
	if pad < 8 {
		return false
	}
	want := slices.Concat([]byte{0, 1}, bytes.Repeat([]byte{0xff}, pad), []byte{0}, info)
	return bytes.Equal(want, new(big.Int).Exp(s, e, n).FillBytes(make([]byte, size)))
}

// digestInfo is the DER that precedes the digest in an RSA signature (RFC 8017 §9.2 note 1).
var digestInfo = map[crypto.Hash][]byte{
	crypto.SHA1:   {0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a, 0x05, 0x00, 0x04, 0x14},
	crypto.SHA256: {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20},
	crypto.SHA512: {0x30, 0x51, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03, 0x05, 0x00, 0x04, 0x40},
}

// verifyECDSA checks a signature of two integers of fixed length (RFC 6605 §4).
func verifyECDSA(curve elliptic.Curve) func(crypto.Hash, []byte, []byte, []byte) bool {
	size := curve.Params().BitSize / 8
	return func(hash crypto.Hash, key, message, signature []byte) bool {
		if len(key) != 2*size || len(signature) != 2*size {
			return false
		}
		public, err := ecdsa.ParseUncompressedPublicKey(curve, append([]byte{4}, key...))
		if err != nil {
			return false
		}
		der, err := asn1.Marshal(struct{ R, S *big.Int }{
			new(big.Int).SetBytes(signature[:size]), new(big.Int).SetBytes(signature[size:])})
		if err != nil {
			return false
		}
		h := hash.New()
		h.Write(message)
		return ecdsa.VerifyASN1(public, h.Sum(nil), der)
	}
}

// bits returns the size of a key: of its modulus for RSA, of its field otherwise, 0 when it
// cannot be read.
func bits(key *dns.DNSKEY) int {
	public, err := base64.StdEncoding.DecodeString(key.PublicKey)
	if err != nil {
		return 0
	}
	if isRSA(key.Algorithm) {
		if n, _ := parseRSA(public); n != nil {
			return n.BitLen()
		}
		return 0
	}
	switch key.Algorithm {
	case dns.ECDSAP256SHA256, dns.ECDSAP384SHA384:
		return len(public) * 4 // two coordinates
	case dns.ED25519:
		return 256
	case dns.ED448:
		return 456
	}
	return len(public) * 8
}

func isRSA(number uint8) bool {
	switch number {
	case dns.RSAMD5, dns.RSASHA1, dns.RSASHA1NSEC3SHA1, dns.RSASHA256, dns.RSASHA512:
		return true
	}
	return false
}
