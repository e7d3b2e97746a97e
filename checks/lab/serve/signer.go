package serve

import (
	"crypto"
	"crypto/ecdsa"
	"encoding/base64"
	"fmt"
	"io"
	"time"

	"github.com/miekg/dns"
)

// Signer signs the records of a zone with one key for everything, ECDSA P-256 (RFC 6605). The same
// records at the same time get the same signature.
type Signer struct {
	Origin string // canonical
	DNSKEY *dns.DNSKEY
	key    *ecdsa.PrivateKey
}

// NewSigner returns the signer of a zone. The key is on P-256.
func NewSigner(origin string, ttl uint32, key *ecdsa.PrivateKey) *Signer {
	point, _ := key.PublicKey.Bytes() // cannot fail: the key is on P-256
	return &Signer{Origin: origin, key: key, DNSKEY: &dns.DNSKEY{
		Hdr:   dns.RR_Header{Name: origin, Rrtype: dns.TypeDNSKEY, Class: dns.ClassINET, Ttl: ttl},
		Flags: dns.ZONE | dns.SEP, Protocol: 3, Algorithm: dns.ECDSAP256SHA256,
		PublicKey: base64.StdEncoding.EncodeToString(point[1:])}}
}

// Sign returns the signature of a set of records (RFC 4034 §3), good between two moments.
func (s *Signer) Sign(set []dns.RR, from, until time.Time) (*dns.RRSIG, error) {
	sig := &dns.RRSIG{Inception: uint32(from.Unix()), Expiration: uint32(until.Unix()),
		KeyTag: s.DNSKEY.KeyTag(), SignerName: s.Origin, Algorithm: s.DNSKEY.Algorithm}
	if err := sig.Sign(repeatable{s.key}, set); err != nil {
		return nil, fmt.Errorf("sign %v: %w", set, err)
	}
	return sig, nil
}

// repeatable signs by RFC 6979, whatever source of random octets it is given.
type repeatable struct{ *ecdsa.PrivateKey }

func (r repeatable) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return r.PrivateKey.Sign(nil, digest, opts)
}
