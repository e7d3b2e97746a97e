package pkix

import (
	"errors"
	"time"
)

// Tags of ASN.1 as they stand in an octet of DER.
const (
	tagBoolean     = 0x01
	tagInteger     = 0x02
	tagBits        = 0x03
	tagOctets      = 0x04
	tagNull        = 0x05
	tagOID         = 0x06
	tagUTF8        = 0x0c
	tagPrintable   = 0x13
	tagT61         = 0x14
	tagIA5         = 0x16
	tagUTCTime     = 0x17
	tagTime        = 0x18
	tagVisible     = 0x1a
	tagUniversal   = 0x1c
	tagBMP         = 0x1e
	tagSequence    = 0x30
	tagSet         = 0x31
	tagContext     = 0x80 // implicit, primitive
	tagConstructed = 0x20
)

var errDER = errors.New("not the structure of a certificate")

// element is one value: what it is, what it holds, and both as they came.
type element struct {
	tag  byte
	body []byte
	raw  []byte
}

// next takes the first element off. It reads BER where OpenSSL does: lengths written longer
// than need be, and without a length up to an end mark.
func next(in []byte) (e element, rest []byte, ok bool) { return nextBelow(in, 16) }

func nextBelow(in []byte, depth int) (e element, rest []byte, ok bool) {
	if len(in) < 2 || in[0]&0x1f == 0x1f || depth == 0 {
		return element{}, nil, false
	}
	e.tag = in[0]
	length, head := int(in[1]), 2
	switch {
	case in[1] == 0x80:
		return endless(in, depth)
	case in[1] > 0x80:
		n := int(in[1] & 0x7f)
		if n > 8 || len(in) < 2+n {
			return element{}, nil, false
		}
		length, head = 0, 2+n
		for _, b := range in[2:head] {
			if length = length<<8 | int(b); length > len(in) {
				return element{}, nil, false
			}
		}
	}
	if length > len(in)-head {
		return element{}, nil, false
	}
	end := head + length
	e.body, e.raw = in[head:end:end], in[:end:end]
	return e, in[end:], true
}

// endless reads an element without a length: its parts up to two octets of zero.
func endless(in []byte, depth int) (e element, rest []byte, ok bool) {
	if in[0]&tagConstructed == 0 {
		return element{}, nil, false
	}
	for rest = in[2:]; ; {
		if len(rest) >= 2 && rest[0] == 0 && rest[1] == 0 {
			end := len(in) - len(rest)
			return element{tag: in[0], body: in[2:end:end], raw: in[: end+2 : end+2]}, rest[2:], true
		}
		if _, rest, ok = nextBelow(rest, depth-1); !ok {
			return element{}, nil, false
		}
	}
}

// reader takes elements off one after the other and remembers that one was missing.
type reader struct {
	rest []byte
	bad  bool
}

// any takes the next element, whatever it is.
func (r *reader) any() element {
	e, rest, ok := next(r.rest)
	if !ok {
		r.bad = true
		return element{}
	}
	r.rest = rest
	return e
}

// take takes the next element, which has to have that tag.
func (r *reader) take(tag byte) element {
	e := r.any()
	if e.tag != tag {
		r.bad = true
	}
	return e
}

// maybe takes the next element if it has that tag.
func (r *reader) maybe(tag byte) (e element, ok bool) {
	if len(r.rest) == 0 || r.rest[0] != tag {
		return element{}, false
	}
	return r.any(), true
}

// more reports whether something is left to be read.
func (r *reader) more() bool { return !r.bad && len(r.rest) > 0 }

// inside reads what an element holds.
func inside(e element) *reader { return &reader{rest: e.body} }

// parse reads one element of that tag that is all there is.
func parse(der []byte, tag byte) (*reader, bool) {
	e, rest, ok := next(der)
	return inside(e), ok && e.tag == tag && len(rest) == 0
}

// bits returns the octets of a BIT STRING; the unused bits at its end are zero.
func (e element) bits() []byte {
	if len(e.body) == 0 {
		return nil
	}
	return e.body[1:]
}

// small returns an INTEGER that fits; ok is false for one that is negative or large.
func (e element) small() (n int, ok bool) {
	if e.tag&0x1f != tagInteger || len(e.body) == 0 || len(e.body) > 4 || e.body[0]&0x80 != 0 {
		return 0, false
	}
	for _, b := range e.body {
		n = n<<8 | int(b)
	}
	return n, true
}

// moment reads a UTCTime or GeneralizedTime. exact says that it is written as certificates
// have to write it, to the second and in Z; others are read where they can be.
func (e element) moment() (t time.Time, exact, ok bool) {
	text, layouts := string(e.body), []string{"20060102150405Z", "200601021504Z", "20060102150405Z0700", "20060102150405.999999999Z"}
	switch e.tag {
	case tagUTCTime:
		if len(text) < 2 {
			return time.Time{}, false, false
		}
		century := "20"
		if text[:2] >= "50" { // RFC 5280 §4.1.2.5.1
			century = "19"
		}
		text = century + text
	case tagTime:
	default:
		return time.Time{}, false, false
	}
	for i, layout := range layouts {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), i == 0, true
		}
	}
	return time.Time{}, false, false
}
