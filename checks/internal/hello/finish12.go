package hello

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"io"
	"math/big"
	"time"

	"golang.org/x/crypto/cryptobyte"
)

// finish12 completes a handshake of TLS 1.0 to 1.2 (RFC 5246 §7.3).
func (f *Flight) finish12(rw io.ReadWriter) (*Session, error) {
	s := SuiteOf(f.Suite)
	session := &Session{flight: f, rw: rw}
	if f.Resumed {
		session.master = f.sent.hello.Resume.secret
		in, out, err := f.keys12(session.master)
		if err != nil {
			return nil, err
		}
		if err := session.theirs(in); err != nil {
			return nil, err
		}
		return session, session.ours(out)
	}

	var flight []byte
	say := func(kind uint8, body []byte) {
		msg := wrap(kind, body)
		f.transcript = append(f.transcript, msg...)
		flight = append(flight, recordHandshake, byte(f.Version>>8), byte(f.Version), byte(len(msg)>>8), byte(len(msg)))
		flight = append(flight, msg...)
	}
	if f.asked {
		say(msgCertificate, []byte{0, 0, 0}) // none
	}
	premaster, exchange, err := f.exchangeKeys(s)
	if err != nil {
		return nil, err
	}
	say(msgClientKeyExchange, exchange)
	label, seed := "master secret", append(bytes.Clone(f.sent.random), f.random...)
	if f.Has(ExtExtendedMasterSecret) { // RFC 7627 §4
		label, seed = "extended master secret", digest(f.Version, s, f.transcript)
	}
	session.master = prf(f.Version, s, premaster, label, seed, 48)
	in, out, err := f.keys12(session.master)
	if err != nil {
		return nil, err
	}
	if _, err := rw.Write(flight); err != nil {
		return nil, err
	}
	if err := session.ours(out); err != nil {
		return nil, err
	}
	if err := session.theirs(in); err != nil {
		return nil, err
	}
	session.remember()
	return session, nil
}

// exchangeKeys makes the secret of the key exchange and the body of ClientKeyExchange.
func (f *Flight) exchangeKeys(s Suite) (premaster, body []byte, err error) {
	var b cryptobyte.Builder
	switch k := f.KeyExchange; s.KeyExchange {
	case "RSA": // RFC 5246 §7.4.7.1
		key := keyOfRSA(f.Certificates[0])
		if key == nil {
			return nil, nil, &FormatError{What: "a certificate that does not fit the suite"}
		}
		premaster = make([]byte, 48)
		rand.Read(premaster)
		premaster[0], premaster[1] = byte(f.sent.hello.Version>>8), byte(f.sent.hello.Version)
		sealed := sealPKCS1(key, premaster)
		if sealed == nil {
			return nil, nil, &FormatError{What: fmt.Sprintf("a key of %d bits, too short for the key exchange", key.N.BitLen())}
		}
		b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(sealed) })
	case "ECDHE", "ECDH": // RFC 8422 §5.7
		ours, err := shareOf(f.Group)
		if err == nil {
			premaster, err = ours.secret(k.public)
		}
		if err != nil {
			return nil, nil, &FormatError{What: "a key share that is no point of its group"}
		}
		b.AddUint8LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(ours.public) })
	default: // Diffie-Hellman, RFC 5246 §8.1.2
		p, g, theirs := integer(k.P), integer(k.g), integer(k.public)
		if p.Bit(0) == 0 || theirs.Cmp(big.NewInt(1)) <= 0 || theirs.Cmp(new(big.Int).Sub(p, big.NewInt(1))) >= 0 {
			return nil, nil, &FormatError{What: "parameters of Diffie-Hellman that give no secret"}
		}
		exponent := make([]byte, 32)
		rand.Read(exponent)
		x := integer(exponent)
		premaster = new(big.Int).Exp(theirs, x, p).Bytes()
		public := new(big.Int).Exp(g, x, p).Bytes()
		b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(public) })
	}
	body, err = b.Bytes()
	return premaster, body, err
}

// sealPKCS1 encrypts by RSAES-PKCS1-v1_5 (RFC 8017 §7.2.1), nil if the key is too short. It
// is our own because crypto/rsa refuses keys below 1024 bits, which a checker has to meet;
// what it seals is no secret of anybody's.
func sealPKCS1(key *rsa.PublicKey, message []byte) []byte {
	size := key.Size()
	pad := size - 3 - len(message)
	if pad < 8 {
		return nil
	}
	block := make([]byte, size)
	block[1] = 2
	for i := range pad {
		for block[2+i] == 0 {
			rand.Read(block[2+i : 3+i])
		}
	}
	copy(block[size-len(message):], message)
	return new(big.Int).Exp(integer(block), big.NewInt(int64(key.E)), key.N).FillBytes(make([]byte, size))
}

func integer(b []byte) *big.Int { return new(big.Int).SetBytes(b) }

// keys12 makes the protection of both directions (RFC 5246 §6.3).
func (f *Flight) keys12(master []byte) (in, out *protection, err error) {
	s := SuiteOf(f.Suite)
	mac, key, iv := s.sizes()
	block := prf(f.Version, s, master, "key expansion", append(bytes.Clone(f.random), f.sent.random...), 2*(mac+key+iv))
	take := func(n int) []byte {
		out := block[:n:n]
		block = block[n:]
		return out
	}
	ourMAC, theirMAC := take(mac), take(mac)
	ourKey, theirKey := take(key), take(key)
	ourIV, theirIV := take(iv), take(iv)
	if out, err = newProtection(f.Version, s, ourMAC, ourKey, ourIV); err != nil {
		return nil, nil, err
	}
	if in, err = newProtection(f.Version, s, theirMAC, theirKey, theirIV); err != nil {
		return nil, nil, err
	}
	after := f.Has(ExtEncryptThenMAC)
	in.macAfter, out.macAfter = after, after
	return in, out, nil
}

func (s *Session) verify(label string) []byte {
	f := s.flight
	suite := SuiteOf(f.Suite)
	return prf(f.Version, suite, s.master, label, digest(f.Version, suite, f.transcript), 12)
}

// ours sends ChangeCipherSpec and Finished.
func (s *Session) ours(out *protection) error {
	f := s.flight
	s.out = out
	s.clientVerify = s.verify("client finished")
	msg := wrap(msgFinished, s.clientVerify)
	f.transcript = append(f.transcript, msg...)
	_, err := s.rw.Write(append(changeCipherSpec(f.Version), out.seal(recordHandshake, msg)...))
	return err
}

// theirs reads the server's ChangeCipherSpec and Finished, and the ticket that may come before.
func (s *Session) theirs(in *protection) error {
	f := s.flight
	for changed := false; !changed; {
		kind, body, err := f.in.content()
		switch {
		case err != nil:
			return err
		case kind == recordHandshake:
			f.in.buf = append(f.in.buf, body...)
		case kind == recordChangeCipherSpec && len(f.in.buf) == 0:
			changed = true
			continue
		default:
			return &FormatError{What: fmt.Sprintf("a record of content type %d before the Finished", kind)}
		}
		for f.in.whole() {
			kind, body, err := f.next()
			if err != nil {
				return err
			}
			if kind != msgNewSessionTicket || !s.newTicket(body) {
				return malformed("an unexpected handshake message", kind, body)
			}
		}
	}
	f.in.keys = in
	want := s.verify("server finished")
	kind, body, err := f.next()
	if err != nil {
		return err
	}
	if kind != msgFinished || !hmac.Equal(body, want) {
		return errFinished
	}
	return nil
}

// newTicket reads a NewSessionTicket up to TLS 1.2 (RFC 5077 §3.3).
func (s *Session) newTicket(body cryptobyte.String) bool {
	var hint uint32
	var ticket cryptobyte.String
	if !body.ReadUint32(&hint) || !body.ReadUint16LengthPrefixed(&ticket) || !body.Empty() {
		return false
	}
	if !ticket.Empty() { // an empty one withdraws the promise
		s.Tickets = append(s.Tickets, &Ticket{Lifetime: hint, ticket: bytes.Clone(ticket)})
	}
	return true
}

// remember makes a Ticket of the session: by the ticket that came, else by its id.
func (s *Session) remember() {
	f := s.flight
	if len(s.Tickets) == 0 && len(f.session) > 0 {
		s.Tickets = []*Ticket{{session: f.session}}
	}
	for _, t := range s.Tickets {
		t.Version, t.Suite, t.Group, t.secret, t.received = f.Version, f.Suite, f.Group, s.master, time.Now()
		if t.session == nil { // by its echo the server shows that it took the ticket (RFC 5077 §3.4)
			t.session = make([]byte, 32)
			rand.Read(t.session)
		}
	}
}
