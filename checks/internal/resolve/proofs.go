package resolve

import (
	"crypto/sha256"
	"io"
	"time"

	"github.com/miekg/dns"

	"mxseal/checks/cache"
)

// proofs remembers signatures that were verified. The same SOA comes with every denial of a
// zone, and the same keys with every domain of a DNS host: without it most of the time that
// a check computes would go into proving them again. Whether a signature is valid now is not
// remembered, only that it was made by the key; nor are those that fail, as anyone can make
// those without end.
type proofs struct {
	known *cache.Cache[struct{}] // by digest
}

const (
	proofOctets = 8 << 20 // of memory
	proofsKept  = time.Hour
)

func newProofs() *proofs {
	return &proofs{cache.New[struct{}](proofOctets, proofsKept, nil)}
}

// verifies reports whether a signature over data was made by the key. data holds all of the
// RRSIG but the signature, so that key, signature and data are all that matters.
func (p *proofs) verifies(key *dns.DNSKEY, sig *dns.RRSIG, data []byte) bool {
	if p == nil {
		return verifies(key, sig, data)
	}
	h := sha256.New()
	// Base64 has no zero octet, so no two of these run into each other.
	h.Write([]byte{key.Algorithm})
	io.WriteString(h, key.PublicKey+"\x00"+sig.Signature+"\x00")
	h.Write(data)
	id := string(h.Sum(nil))
	if _, ok := p.known.Get(id); ok {
		return true
	}
	if !verifies(key, sig, data) {
		return false
	}
	p.known.Put(id, struct{}{})
	return true
}
