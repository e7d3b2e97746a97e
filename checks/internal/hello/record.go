package hello

import (
	"encoding/binary"
	"fmt"
	"io"
)

// Content types of records and types of handshake messages (RFC 8446 §5.1, §4).
const (
	recordAlert     = 21
	recordHandshake = 22

	msgHelloRequest       = 0
	msgClientHello        = 1
	msgServerHello        = 2
	msgCertificate        = 11
	msgServerKeyExchange  = 12
	msgCertificateRequest = 13
	msgServerHelloDone    = 14
	msgCertificateStatus  = 22
)

// Limits of what a server may send before it has said what we came for. An honest first
// flight is a few kilobytes; the largest part is the chain of certificates.
const (
	maxRecord   = 1<<14 + 2048 // RFC 5246 §6.2.3
	maxMessage  = 128 << 10
	maxFlight   = 256 << 10
	maxMessages = 32
	maxEmpty    = 16 // records that bring nothing forward: empty ones and warning alerts
)

// FormatError says what about the server's bytes is not TLS.
type FormatError struct {
	What string
	Head []byte // the first bytes of what came instead, where that was the trouble; at most 64
}

func (e *FormatError) Error() string {
	if len(e.Head) > 0 {
		return fmt.Sprintf("hello: the server's answer is not TLS: %s: %q", e.What, e.Head)
	}
	return "hello: the server's answer is not TLS: " + e.What
}

// Alert is an alert that ended the handshake (RFC 8446 §6).
type Alert struct {
	Code uint8
}

func (a *Alert) Error() string {
	return fmt.Sprintf("hello: the server answered with alert %d (%s)", a.Code, AlertName(a.Code))
}

// AlertName returns the name of an alert, empty for an unknown one.
func AlertName(code uint8) string { return alerts[code] }

var alerts = map[uint8]string{
	0: "close_notify", 10: "unexpected_message", 20: "bad_record_mac", 21: "decryption_failed",
	22: "record_overflow", 30: "decompression_failure", 40: "handshake_failure",
	41: "no_certificate", 42: "bad_certificate", 43: "unsupported_certificate",
	44: "certificate_revoked", 45: "certificate_expired", 46: "certificate_unknown",
	47: "illegal_parameter", 48: "unknown_ca", 49: "access_denied", 50: "decode_error",
	51: "decrypt_error", 60: "export_restriction", 70: "protocol_version",
	71: "insufficient_security", 80: "internal_error", 86: "inappropriate_fallback",
	90: "user_canceled", 100: "no_renegotiation", 109: "missing_extension",
	110: "unsupported_extension", 111: "certificate_unobtainable", 112: "unrecognized_name",
	113: "bad_certificate_status_response", 114: "bad_certificate_hash_value",
	115: "unknown_psk_identity", 116: "certificate_required", 120: "no_application_protocol",
}

// messages cuts a stream of records into handshake messages, however they are spread:
// several in a record or one over many. Warning alerts are skipped (a server that does not
// know the name we asked for may send unrecognized_name before it goes on, RFC 6066 §3).
type messages struct {
	r     io.Reader
	buf   []byte // handshake bytes not yet returned
	total int
	empty int
	count int
}

// next returns the type and body of the next message. io.EOF means that the server closed
// between messages, io.ErrUnexpectedEOF within one.
func (m *messages) next() (kind uint8, body []byte, err error) {
	if m.count++; m.count > maxMessages {
		return 0, nil, &FormatError{What: "too many handshake messages"}
	}
	for {
		if len(m.buf) >= 4 {
			n := int(m.buf[1])<<16 | int(m.buf[2])<<8 | int(m.buf[3])
			if n > maxMessage {
				return 0, nil, &FormatError{What: fmt.Sprintf("a handshake message of %d bytes", n)}
			}
			if len(m.buf) >= 4+n {
				kind, body = m.buf[0], m.buf[4:4+n:4+n]
				m.buf = m.buf[4+n:]
				return kind, body, nil
			}
		}
		if err := m.record(); err != nil {
			if err == io.EOF && len(m.buf) > 0 {
				err = io.ErrUnexpectedEOF
			}
			return 0, nil, err
		}
	}
}

// record reads one record and keeps its handshake bytes.
func (m *messages) record() error {
	var head [5]byte
	if n, err := io.ReadFull(m.r, head[:]); err != nil {
		if n > 0 && (head[0] < 20 || head[0] > 24) {
			return &FormatError{What: "no record", Head: head[:n]}
		}
		return err
	}
	n := int(binary.BigEndian.Uint16(head[3:]))
	if head[0] < 20 || head[0] > 24 || head[1] != 3 {
		return &FormatError{What: "no record", Head: m.peek(head[:])}
	}
	if n > maxRecord {
		return &FormatError{What: fmt.Sprintf("a record of %d bytes", n)}
	}
	if m.total += n; m.total > maxFlight {
		return &FormatError{What: fmt.Sprintf("a first flight of more than %d bytes", maxFlight)}
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(m.r, body); err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return err
	}
	switch {
	case head[0] == recordHandshake && n > 0:
		m.buf = append(m.buf, body...)
		return nil
	case head[0] == recordAlert && n >= 2:
		const warning, closeNotify = 1, 0
		if body[0] != warning || body[1] == closeNotify {
			return &Alert{Code: body[1]}
		}
	case head[0] == recordHandshake, head[0] == recordAlert && n == 0:
	default:
		return &FormatError{What: fmt.Sprintf("a record of content type %d in the first flight", head[0])}
	}
	if m.empty++; m.empty > maxEmpty {
		return &FormatError{What: "record after record without a message"}
	}
	return nil
}

// peek returns head with what one more read brings: a server that answers in clear text
// usually does so in one piece.
func (m *messages) peek(head []byte) []byte {
	more := make([]byte, 64-len(head))
	n, _ := m.r.Read(more)
	return append(append([]byte{}, head...), more[:n]...)
}
