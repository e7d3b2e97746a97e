package hello

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
)

// Limits of what a server may send before it has said what we came for. An honest first
// flight is a few kilobytes; the largest part is the chain of certificates, for which every
// sender has a bound of its own (see Stacks) well below ours. What goes beyond ours is a
// *LimitError and no fault of the server's.
const (
	maxRecord   = 1<<14 + 2048 // RFC 5246 §6.2.3
	maxMessage  = 512 << 10
	maxFlight   = 1 << 20
	maxInside   = 128 << 10 // of a message once the handshake is over
	maxMessages = 32
	maxEmpty    = 16 // records that bring nothing forward: empty ones and warning alerts
)

// FormatError says what about the server's bytes is not TLS.
type FormatError struct {
	What     string
	Head     []byte // the first bytes of what was the trouble; at most 64
	NoRecord bool   // it is not even a record: clear text, or another protocol
}

func (e *FormatError) Error() string {
	if len(e.Head) > 0 {
		return fmt.Sprintf("hello: the server's answer is not TLS: %s: %q", e.What, e.Head)
	}
	return "hello: the server's answer is not TLS: " + e.What
}

// LimitError says that the server sent more than we read.
type LimitError struct {
	What string
}

func (e *LimitError) Error() string { return "hello: more than this program reads: " + e.What }

// Alert is an alert that ended the handshake (RFC 9846 §6).
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
	keys  *protection // opens the records; nil in the clear
	is13  bool        // a ChangeCipherSpec may come at any time and means nothing (RFC 9846 §5)
	buf   []byte      // handshake bytes not yet returned
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
				return 0, nil, &LimitError{What: fmt.Sprintf("a handshake message of %d bytes", n)}
			}
			if len(m.buf) >= 4+n {
				kind, body = m.buf[0], m.buf[4:4+n:4+n]
				m.buf = bytes.Clone(m.buf[4+n:]) // what is behind a long message does not hold it
				return kind, body, nil
			}
			m.buf = slices.Grow(m.buf, min(4+n-len(m.buf), maxRecord)) // as it comes, not as it is announced
		}
		if err := m.record(); err != nil {
			if err == io.EOF && len(m.buf) > 0 {
				err = io.ErrUnexpectedEOF
			}
			return 0, nil, err
		}
	}
}

// whole reports whether a whole message has been read already.
func (m *messages) whole() bool {
	return len(m.buf) >= 4 && len(m.buf) >= 4+(int(m.buf[1])<<16|int(m.buf[2])<<8|int(m.buf[3]))
}

// record reads one record and keeps its handshake bytes.
func (m *messages) record() error {
	kind, body, err := m.content()
	if err == nil && kind == recordHandshake {
		m.buf = append(m.buf, body...)
	} else if err == nil {
		err = &FormatError{What: fmt.Sprintf("a record of content type %d in the first flight", kind)}
	}
	return err
}

// content returns the next record that brings something forward: warning alerts and empty
// handshake records are passed over, as is the ChangeCipherSpec that TLS 1.3 sends for the
// sake of middleboxes. A fatal alert is an *Alert.
func (m *messages) content() (kind uint8, body []byte, err error) {
	for ; m.empty <= maxEmpty; m.empty++ {
		kind, body, err = m.read()
		switch {
		case err != nil:
			return 0, nil, err
		case kind == recordAlert && len(body) >= 2:
			const warning, closeNotify = 1, 0
			if body[0] != warning || body[1] == closeNotify {
				return 0, nil, &Alert{Code: body[1]}
			}
		case kind == recordHandshake && len(body) == 0, kind == recordAlert:
		case kind == recordChangeCipherSpec && m.is13:
		default:
			return kind, body, nil
		}
	}
	return 0, nil, &FormatError{What: "record after record without a message"}
}

// read reads one record and opens it.
func (m *messages) read() (kind uint8, body []byte, err error) {
	var head [5]byte
	if n, err := io.ReadFull(m.r, head[:]); err != nil {
		if n > 0 && (head[0] < 20 || head[0] > 24) {
			return 0, nil, &FormatError{What: "no record", NoRecord: true, Head: head[:n]}
		}
		return 0, nil, err
	}
	n := int(binary.BigEndian.Uint16(head[3:]))
	if head[0] < 20 || head[0] > 24 || head[1] != 3 {
		return 0, nil, &FormatError{What: "no record", NoRecord: true, Head: m.peek(head[:])}
	}
	if n > maxRecord {
		return 0, nil, &FormatError{What: fmt.Sprintf("a record of %d bytes", n)}
	}
	if m.total += n; m.total > maxFlight {
		return 0, nil, &LimitError{What: fmt.Sprintf("a first flight of more than %d bytes", maxFlight)}
	}
	body = make([]byte, n)
	if _, err := io.ReadFull(m.r, body); err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return 0, nil, err
	}
	if m.keys == nil {
		return head[0], body, nil
	}
	kind, body, ok := m.keys.open(head[0], body)
	if !ok {
		return 0, nil, &FormatError{What: "a record that does not open under the agreed keys"}
	}
	return kind, body, nil
}

// peek returns head with what one more read brings: a server that answers in clear text
// usually does so in one piece.
func (m *messages) peek(head []byte) []byte {
	more := make([]byte, 64-len(head))
	n, _ := m.r.Read(more)
	return append(append([]byte{}, head...), more[:n]...)
}
