package tls

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"golang.org/x/crypto/cryptobyte"
)

// This file is an oracle: it asks a server for one suite a connection, which nobody can get
// wrong, and shares no code with the program under test.

// starttls connects and goes as far as a ClientHello is due. A server that says “later” is
// asked again.
func starttls(address string) (net.Conn, *bufio.Reader, error) {
	var err error
	for try := range 5 {
		time.Sleep(time.Duration(try) * 200 * time.Millisecond)
		var c net.Conn
		if c, err = net.DialTimeout("tcp4", address, 10*time.Second); err != nil {
			continue
		}
		c.SetDeadline(time.Now().Add(20 * time.Second))
		in := bufio.NewReader(c)
		if err = reply(in, "220"); err == nil {
			fmt.Fprint(c, "EHLO oracle.test\r\n")
			if err = reply(in, "250"); err == nil {
				fmt.Fprint(c, "STARTTLS\r\n")
				if err = reply(in, "220"); err == nil {
					return c, in, nil
				}
			}
		}
		c.Close()
	}
	return nil, nil, err
}

func reply(in *bufio.Reader, code string) error {
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return err
		}
		if !strings.HasPrefix(line, code) {
			return fmt.Errorf("%q instead of %s", line, code)
		}
		if line[len(code)] == ' ' {
			return nil
		}
	}
}

// versions by the names of the report.
var versions = map[string]uint16{"TLS1.3": 0x0304, "TLS1.2": 0x0303, "TLS1.1": 0x0302, "TLS1.0": 0x0301, "SSL3": 0x0300}

// everyGroup has what was ever deployed up to TLS 1.2; without finite-field groups, so that
// a server uses its own prime.
var everyGroup = []uint16{29, 23, 24, 25, 30, 9, 10, 11, 12, 13, 14, 22, 26, 27, 28, 19, 21, 1, 3, 6, 7, 8}

// everyScheme begins with what a key of 512 bits can sign.
var everyScheme = []uint16{0x0401, 0x0403, 0x0804, 0x0805, 0x0806, 0x0807, 0x0503, 0x0603, 0x0501, 0x0601, 0x0301, 0x0201, 0x0203, 0x0402, 0x0202, 0x0101}

// offer writes a ClientHello for one version (RFC 9846 §4.2.2, RFC 5246 §7.4.1.2) and the
// record around it. SSL 3.0 goes without extensions.
func offer(version uint16, suites ...uint16) []byte {
	list := func(b *cryptobyte.Builder, values []uint16) {
		b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
			for _, v := range values {
				b.AddUint16(v)
			}
		})
	}
	extension := func(b *cryptobyte.Builder, id uint16, body func(*cryptobyte.Builder)) {
		b.AddUint16(id)
		b.AddUint16LengthPrefixed(body)
	}
	var b cryptobyte.Builder
	b.AddUint8(22)
	b.AddUint16(min(version, 0x0301))
	b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
		b.AddUint8(1)
		b.AddUint24LengthPrefixed(func(b *cryptobyte.Builder) {
			b.AddUint16(min(version, 0x0303))
			b.AddBytes([]byte("thirty-two bytes are random here"))
			b.AddUint8LengthPrefixed(func(*cryptobyte.Builder) {}) // no session
			list(b, suites)
			b.AddUint8LengthPrefixed(func(b *cryptobyte.Builder) { b.AddUint8(0) }) // no compression
			if version == 0x0300 {
				return
			}
			b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
				extension(b, 10, func(b *cryptobyte.Builder) { list(b, everyGroup) })
				extension(b, 11, func(b *cryptobyte.Builder) { b.AddBytes([]byte{1, 0}) })
				extension(b, 0xff01, func(b *cryptobyte.Builder) { b.AddUint8(0) })
				if version >= 0x0303 {
					extension(b, 13, func(b *cryptobyte.Builder) { list(b, everyScheme) })
				}
				if version >= 0x0304 { // an empty key share asks for a HelloRetryRequest
					extension(b, 43, func(b *cryptobyte.Builder) { b.AddBytes([]byte{2, 3, 4}) })
					extension(b, 51, func(b *cryptobyte.Builder) { b.AddUint16(0) })
				}
			})
		})
	})
	return b.BytesOrPanic()
}

// errRefused says that a server does not want the hello.
var errRefused = errors.New("refused")

// accepts asks a server for one suite. Up to TLS 1.2 only a whole flight up to
// ServerHelloDone is a yes: some servers choose first and fail then.
func accepts(address string, version, suite uint16) (bool, error) {
	c, in, err := starttls(address)
	if err != nil {
		return false, err
	}
	defer c.Close()
	if _, err := c.Write(offer(version, suite)); err != nil {
		return false, err
	}
	err = flight(in, version, suite)
	if errors.Is(err, errRefused) {
		return false, nil
	}
	return err == nil, err
}

// flight reads the server's answer.
func flight(in *bufio.Reader, version, suite uint16) error {
	var messages []byte
	for {
		var head [5]byte
		if _, err := io.ReadFull(in, head[:]); err != nil {
			return refusal(err)
		}
		body := make([]byte, binary.BigEndian.Uint16(head[3:]))
		if _, err := io.ReadFull(in, body); err != nil {
			return refusal(err)
		}
		switch head[0] {
		case 22:
		case 21:
			if body[0] == 1 { // a warning
				continue
			}
			return errRefused
		default: // Exim answers a failed handshake in clear text
			return errRefused
		}
		for messages = append(messages, body...); len(messages) >= 4; {
			n := 4 + int(messages[1])<<16 + int(messages[2])<<8 + int(messages[3])
			if len(messages) < n {
				break
			}
			switch messages[0] {
			case 2:
				chosen := messages[4+34:]
				chosen = chosen[1+chosen[0]:]
				if got := binary.BigEndian.Uint16(chosen); got != suite {
					return fmt.Errorf("chose %#04x, offered %#04x", got, suite)
				}
				if got := binary.BigEndian.Uint16(messages[4:]); got != min(version, 0x0303) {
					return errRefused // an older version
				}
				if version >= 0x0304 {
					return nil
				}
			case 14:
				return nil
			}
			messages = messages[n:]
		}
	}
}

// refusal reads the end of a connection as one; a timeout is none.
func refusal(err error) error {
	if e, ok := errors.AsType[net.Error](err); ok && e.Timeout() {
		return err
	}
	return errRefused
}

// ssl2 returns the cipher kinds of SSL 2.0, which a server names all at once.
func ssl2(address string, kinds []uint32) ([]uint32, error) {
	c, in, err := starttls(address)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	hello := []byte{1, 0, 2, 0, byte(3 * len(kinds)), 0, 0, 0, 16}
	for _, k := range kinds {
		hello = append(hello, byte(k>>16), byte(k>>8), byte(k))
	}
	hello = append(hello, "sixteen, random."...)
	if _, err := c.Write(append([]byte{0x80, byte(len(hello))}, hello...)); err != nil {
		return nil, err
	}
	var head [2 + 11]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		if err = refusal(err); errors.Is(err, errRefused) {
			return nil, nil
		}
		return nil, err
	}
	if head[0]&0x80 == 0 || head[2] != 4 {
		return nil, nil
	}
	certificate, specs := binary.BigEndian.Uint16(head[7:]), binary.BigEndian.Uint16(head[9:])
	body := make([]byte, int(certificate)+int(specs))
	if _, err := io.ReadFull(in, body); err != nil {
		return nil, err
	}
	var out []uint32
	for s := body[certificate:]; len(s) >= 3; s = s[3:] {
		out = append(out, uint32(s[0])<<16|uint32(s[1])<<8|uint32(s[2]))
	}
	return out, nil
}
