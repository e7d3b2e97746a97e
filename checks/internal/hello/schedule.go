package hello

import (
	"crypto"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/subtle"
	"hash"

	"golang.org/x/crypto/cryptobyte"
)

// hash is that of the key schedule: what the suite names, SHA-256 otherwise (RFC 5246 §5).
func (s Suite) hash() crypto.Hash {
	if s.Hash == "SHA384" {
		return crypto.SHA384
	}
	return crypto.SHA256
}

// prf is the pseudorandom function up to TLS 1.2 (RFC 5246 §5; RFC 2246 §5 before).
func prf(version uint16, s Suite, secret []byte, label string, seed []byte, n int) []byte {
	seed = append([]byte(label), seed...)
	if version >= TLS12 {
		return expand(s.hash().New, secret, seed, n)
	}
	half := (len(secret) + 1) / 2
	out := expand(md5.New, secret[:half], seed, n)
	subtle.XORBytes(out, out, expand(sha1.New, secret[len(secret)-half:], seed, n))
	return out
}

// expand is P_hash of RFC 5246 §5.
func expand(hash func() hash.Hash, secret, seed []byte, n int) []byte {
	mac := hmac.New(hash, secret)
	sum := func(parts ...[]byte) []byte {
		mac.Reset()
		for _, p := range parts {
			mac.Write(p)
		}
		return mac.Sum(nil)
	}
	var out []byte
	for a := sum(seed); len(out) < n; a = sum(a) {
		out = append(out, sum(a, seed)...)
	}
	return out[:n]
}

// digest is the hash over a transcript that Finished messages and the extended master
// secret are made of; before TLS 1.2 it is MD5 and SHA-1 side by side.
func digest(version uint16, s Suite, transcript []byte) []byte {
	if version >= TLS12 {
		h := s.hash().New()
		h.Write(transcript)
		return h.Sum(nil)
	}
	m, h := md5.Sum(transcript), sha1.Sum(transcript)
	return append(m[:], h[:]...)
}

// schedule13 is the key schedule of TLS 1.3 at one of its stages (RFC 9846 §7.1).
type schedule13 struct {
	suite  Suite
	secret []byte // early, handshake or master secret
}

// start takes the pre-shared key, nil for none.
func start(s Suite, psk []byte) *schedule13 {
	k := &schedule13{suite: s}
	if psk == nil {
		psk = make([]byte, s.hash().Size())
	}
	k.secret = extract(s, psk, nil)
	return k
}

// advance goes on to the next stage; input is the secret that the shares have in common,
// nil for the last stage.
func (k *schedule13) advance(input []byte) {
	if input == nil {
		input = make([]byte, k.suite.hash().Size())
	}
	k.secret = extract(k.suite, input, k.derive("derived", nil))
}

// derive is Derive-Secret.
func (k *schedule13) derive(label string, transcript []byte) []byte {
	return expandLabel(k.suite, k.secret, label, digest(TLS13, k.suite, transcript), k.suite.hash().Size())
}

func extract(s Suite, secret, salt []byte) []byte {
	out, err := hkdf.Extract(s.hash().New, secret, salt)
	if err != nil { // only a hash that FIPS mode forbids
		return make([]byte, s.hash().Size())
	}
	return out
}

// expandLabel is HKDF-Expand-Label.
func expandLabel(s Suite, secret []byte, label string, context []byte, n int) []byte {
	var b cryptobyte.Builder
	b.AddUint16(uint16(n))
	b.AddUint8LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes([]byte("tls13 " + label)) })
	b.AddUint8LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(context) })
	out, err := hkdf.Expand(s.hash().New, secret, string(b.BytesOrPanic()), n)
	if err != nil {
		return make([]byte, n)
	}
	return out
}

// finished is the verify_data of a Finished message, or a PSK binder, under a traffic secret.
func finished(s Suite, secret, transcript []byte) []byte {
	mac := hmac.New(s.hash().New, expandLabel(s, secret, "finished", nil, s.hash().Size()))
	mac.Write(digest(TLS13, s, transcript))
	return mac.Sum(nil)
}

// keys13 makes the protection of one direction from its traffic secret (RFC 9846 §7.3).
func keys13(s Suite, secret []byte) (*protection, error) {
	_, key, iv := s.sizes()
	return newProtection(TLS13, s, nil, expandLabel(s, secret, "key", nil, key), expandLabel(s, secret, "iv", nil, iv))
}
