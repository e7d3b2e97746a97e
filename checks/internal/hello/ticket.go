package hello

import (
	"time"

	"golang.org/x/crypto/cryptobyte"
)

// Ticket is a session that a server may take up again: a ticket, or up to TLS 1.2 also a
// session id alone.
type Ticket struct {
	Version   uint16
	Suite     uint16
	Group     uint16 // of its key exchange
	Lifetime  uint32 // as the server states it, in seconds; 0 up to TLS 1.2 where it says nothing
	EarlyData uint32 // bytes that the server takes as 0-RTT; 0 for none (RFC 9846 §4.7.1)

	secret   []byte // master secret; in TLS 1.3 the pre-shared key
	ticket   []byte
	session  []byte
	ageAdd   uint32
	received time.Time
}

// newTicket13 reads a NewSessionTicket of TLS 1.3 (RFC 9846 §4.7.1). resumption is the
// resumption_master_secret.
func newTicket13(s Suite, resumption []byte, body cryptobyte.String) (*Ticket, bool) {
	t := &Ticket{Version: TLS13, Suite: s.ID, received: time.Now()}
	var nonce, ticket, extensions cryptobyte.String
	if !body.ReadUint32(&t.Lifetime) || !body.ReadUint32(&t.ageAdd) || !body.ReadUint8LengthPrefixed(&nonce) ||
		!body.ReadUint16LengthPrefixed(&ticket) || ticket.Empty() || !body.ReadUint16LengthPrefixed(&extensions) || !body.Empty() {
		return nil, false
	}
	for !extensions.Empty() {
		var kind uint16
		var data cryptobyte.String
		if !extensions.ReadUint16(&kind) || !extensions.ReadUint16LengthPrefixed(&data) ||
			kind == ExtEarlyData && (!data.ReadUint32(&t.EarlyData) || !data.Empty()) {
			return nil, false
		}
	}
	t.ticket = append([]byte(nil), ticket...)
	t.secret = expandLabel(s, resumption, "resumption", nonce, s.hash().Size())
	return t, true
}

// offer writes the pre_shared_key extension with an empty binder (RFC 9846 §4.3.11).
func (t *Ticket) offer(b *cryptobyte.Builder) {
	b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
		b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(t.ticket) })
		b.AddUint32(uint32(time.Since(t.received).Milliseconds()) + t.ageAdd)
	})
	b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
		b.AddUint8LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(make([]byte, SuiteOf(t.Suite).hash().Size())) })
	})
}

// bind fills the binder at the end of a ClientHello: it proves that we know the key, over
// all that stands before (RFC 9846 §4.3.11.2).
func (t *Ticket) bind(msg []byte) {
	s := SuiteOf(t.Suite)
	n := s.hash().Size()
	truncated := msg[:len(msg)-n-3]
	copy(msg[len(msg)-n:], finished(s, start(s, t.secret).derive("res binder", nil), truncated))
}
