package hello

import (
	"fmt"
	"io"
	"slices"
)

// Exchange sends the hello and reads the server's first flight. The caller sets the
// deadline of rw and closes it. What was read before an error is in the Flight, which is
// never nil. The error is an *Alert when the server refused by one, a *FormatError when it
// did not speak TLS, otherwise that of rw.
func (h *Hello) Exchange(rw io.ReadWriter) (*Flight, error) {
	if h.Version == SSL2 {
		b, err := marshalSSL2()
		if err == nil {
			_, err = rw.Write(b)
		}
		if err != nil {
			return &Flight{}, fmt.Errorf("hello: sending the CLIENT-HELLO: %w", err)
		}
		return ReadSSL2(rw)
	}
	f := &Flight{in: &messages{r: rw}}
	var err error
	if f.sent, err = h.build(nil, nil); err != nil {
		return f, err
	}
	if _, err := rw.Write(f.sent.record()); err != nil {
		return f, fmt.Errorf("hello: sending the ClientHello: %w", err)
	}
	f.transcript = slices.Clone(f.sent.message)
	return f, f.readAll()
}

// Marshal returns the record that carries the hello. It fails when a list is too long for
// its field.
func (h *Hello) Marshal() ([]byte, error) {
	if h.Version == SSL2 {
		return marshalSSL2()
	}
	s, err := h.build(nil, nil)
	if err != nil {
		return nil, err
	}
	return s.record(), nil
}
