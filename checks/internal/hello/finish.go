package hello

import (
	"crypto/hmac"
	"io"
	"slices"

	"golang.org/x/crypto/cryptobyte"
)

// Finishable reports whether Finish can complete the handshake. Weak suites, SSL 3.0,
// compression and Diffie-Hellman primes below 1024 bits never are.
func (f *Flight) Finishable() bool {
	s := SuiteOf(f.Suite)
	if !f.Complete || f.sent == nil || !s.usable() {
		return false
	}
	if f.Version == TLS13 {
		return shared(f.Group) && (f.Retry || f.sent.share != nil && f.sent.share.group == f.Group)
	}
	if f.Version < TLS10 || f.Version > TLS12 || f.Compression != 0 {
		return false
	}
	if f.Resumed {
		return true
	}
	switch k := f.KeyExchange; s.KeyExchange {
	case "RSA":
		return k == nil && len(f.Certificates) > 0
	case "ECDHE", "ECDH":
		return k != nil && k.public != nil && shared(f.Group) && f.Group < 0x100
	case "DHE", "DH":
		return k != nil && k.public != nil && k.Bits >= 1024 && k.Bits <= 8192
	}
	return false
}

// Finish completes the handshake and returns the session inside. In TLS 1.3 that is when
// the server's certificate, its signature scheme and its groups come to light; they are put
// into the Flight also when an error follows. The error is ErrNotUsed when Finishable says
// no, an *Alert, a *FormatError, or that of rw.
func (f *Flight) Finish(rw io.ReadWriter) (*Session, error) {
	defer func() { f.transcript = nil }() // of no more use; it holds the certificates
	switch {
	case !f.Finishable():
		return nil, ErrNotUsed
	case f.Version == TLS13:
		return f.finish13(rw)
	}
	return f.finish12(rw)
}

// retry answers a HelloRetryRequest by a second hello with the share that was asked for.
func (f *Flight) retry(rw io.ReadWriter) error {
	h := *f.sent.hello
	h.Share, h.Resume = f.Group, nil
	again, err := h.build(f.sent, f.cookie)
	if err != nil {
		return err
	}
	// The first hello stands in the transcript by its hash alone (RFC 9846 §4.1).
	const messageHash = 254
	s := SuiteOf(f.Suite)
	first, rest := f.sent.message, f.transcript[len(f.sent.message):]
	sum := digest(TLS13, s, first)
	f.transcript = append(append([]byte{messageHash, 0, 0, byte(len(sum))}, sum...), rest...)
	f.transcript = append(f.transcript, again.message...)
	group, suite := f.Group, f.Suite
	f.sent, f.Version, f.Suite, f.Complete, f.Extensions = again, 0, 0, false, nil
	if _, err := rw.Write(append(changeCipherSpec(TLS12), again.record()...)); err != nil {
		return err
	}
	if err := f.readAll(); err != nil {
		f.Version, f.Suite = TLS13, suite
		return err
	}
	if f.Version != TLS13 || f.Retry || f.Group != group || f.Suite != suite {
		return &FormatError{What: "a ServerHello that does not keep to the HelloRetryRequest before"}
	}
	return nil
}

func (f *Flight) finish13(rw io.ReadWriter) (*Session, error) {
	retried := f.Retry
	f.in.is13 = true
	if retried {
		if err := f.retry(rw); err != nil {
			return nil, err
		}
	}
	s := SuiteOf(f.Suite)
	secret, err := f.sent.share.secret(f.share)
	if err != nil {
		return nil, &FormatError{What: "a key share that is no point of its group"}
	}
	var psk []byte
	if f.Resumed {
		psk = f.sent.hello.Resume.secret
		if SuiteOf(f.sent.hello.Resume.Suite).hash() != s.hash() {
			return nil, &FormatError{What: "a session taken up with another hash"}
		}
	}
	schedule := start(s, psk)
	schedule.advance(secret)
	ours, theirs := schedule.derive("c hs traffic", f.transcript), schedule.derive("s hs traffic", f.transcript)
	out, err := keys13(s, ours)
	if err != nil {
		return nil, err
	}
	if f.in.keys, err = keys13(s, theirs); err != nil {
		return nil, err
	}
	before, last, err := f.encrypted()
	if err != nil {
		return nil, err
	}
	if !hmac.Equal(last, finished(s, theirs, before)) {
		return nil, errFinished
	}
	schedule.advance(nil)
	oursNow, theirsNow := schedule.derive("c ap traffic", f.transcript), schedule.derive("s ap traffic", f.transcript)

	if _, err := rw.Write(f.answer13(s, ours, out, retried)); err != nil {
		return nil, err
	}
	session := &Session{flight: f, rw: rw, resumption: schedule.derive("res master", f.transcript)}
	if session.out, err = keys13(s, oursNow); err != nil {
		return nil, err
	}
	f.in.keys, err = keys13(s, theirsNow)
	return session, err
}

// answer13 makes our last flight in TLS 1.3: no certificate, where one was asked for, and Finished.
func (f *Flight) answer13(s Suite, ours []byte, out *protection, retried bool) []byte {
	var flight []byte
	if !retried {
		flight = changeCipherSpec(TLS12)
	}
	if f.asked {
		none := []byte{msgCertificate, 0, 0, 4, 0, 0, 0, 0}
		f.transcript = append(f.transcript, none...)
		flight = append(flight, out.seal(recordHandshake, none)...)
	}
	done := wrap(msgFinished, finished(s, ours, f.transcript))
	f.transcript = append(f.transcript, done...)
	return append(flight, out.seal(recordHandshake, done)...)
}

// encrypted reads the server's messages from EncryptedExtensions to Finished. It returns the
// transcript before the last one, and the verify_data in it.
func (f *Flight) encrypted() (before, verify []byte, err error) {
	expected := uint8(msgEncryptedExtensions)
	for {
		before = f.transcript
		kind, body, err := f.in.next()
		if err != nil {
			return nil, nil, err
		}
		body = f.note(kind, body)
		s := cryptobyte.String(body)
		ok := true
		switch {
		case kind == msgEncryptedExtensions && expected == kind:
			ok = f.encryptedExtensions(s)
			if expected = msgCertificate; f.Resumed {
				expected = msgFinished
			}
		case kind == msgCertificateRequest && expected == msgCertificate && !f.asked:
			f.asked = true
		case kind == msgCertificate && expected == kind:
			ok = f.certificate13(s)
			expected = msgCertificateVerify
		case kind == msgCertificateVerify && expected == kind:
			ok = s.ReadUint16(&f.Scheme)
			expected = msgFinished
		case kind == msgFinished && expected == kind:
			if len(f.in.buf) > 0 {
				return nil, nil, malformed("a message after the Finished", kind, body)
			}
			return before, body, nil
		default:
			return nil, nil, malformed("handshake messages out of order", kind, body)
		}
		if !ok {
			return nil, nil, malformed("a malformed handshake message", kind, body)
		}
	}
}

func (f *Flight) encryptedExtensions(s cryptobyte.String) bool {
	var list cryptobyte.String
	if !s.ReadUint16LengthPrefixed(&list) || !s.Empty() {
		return false
	}
	for !list.Empty() {
		var t uint16
		var data, groups cryptobyte.String
		if !list.ReadUint16(&t) || !list.ReadUint16LengthPrefixed(&data) || len(f.Encrypted) >= 64 {
			return false
		}
		f.Encrypted = append(f.Encrypted, t)
		if t != ExtSupportedGroups {
			continue
		}
		if !data.ReadUint16LengthPrefixed(&groups) || !data.Empty() || len(f.Groups) > 0 {
			return false
		}
		for !groups.Empty() && len(f.Groups) < 64 {
			var g uint16
			if !groups.ReadUint16(&g) {
				return false
			}
			f.Groups = append(f.Groups, g)
		}
	}
	return true
}

// certificate13 reads a chain with the staple that may come with its leaf (RFC 9846 §4.5.1).
func (f *Flight) certificate13(s cryptobyte.String) bool {
	var context, list cryptobyte.String
	if !s.ReadUint8LengthPrefixed(&context) || !context.Empty() || !s.ReadUint24LengthPrefixed(&list) || !s.Empty() || list.Empty() {
		return false
	}
	for !list.Empty() {
		var der, extensions cryptobyte.String
		if !list.ReadUint24LengthPrefixed(&der) || der.Empty() || !list.ReadUint16LengthPrefixed(&extensions) {
			return false
		}
		f.Certificates = append(f.Certificates, slices.Clip([]byte(der)))
		for !extensions.Empty() {
			var t uint16
			var data cryptobyte.String
			if !extensions.ReadUint16(&t) || !extensions.ReadUint16LengthPrefixed(&data) {
				return false
			}
			if t == ExtStatusRequest && len(f.Certificates) == 1 && !f.certificateStatus(data) {
				return false
			}
		}
	}
	return true
}
