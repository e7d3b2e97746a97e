package lab

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"

	"mxseal/checks/lab/serve"
)

var errScripted = errors.New("lab: the handshake fails by design")

// alert returns a handshake that reads the client's hello and answers with a fatal alert.
func alert(description byte) serve.Handshake {
	return func(c net.Conn, _ *tls.Config) (net.Conn, error) {
		if _, _, err := readHello(c); err != nil {
			return nil, err
		}
		c.Write([]byte{recordAlert, 3, 3, 0, 2, 2, description})
		return nil, errScripted
	}
}

// half hangs up in the middle of the server's first flight.
func half(c net.Conn, config *tls.Config) (net.Conn, error) {
	t := tls.Server(&short{Conn: c, left: 60}, config)
	return t, t.Handshake()
}

// short closes a connection after so many octets were written.
type short struct {
	net.Conn
	left int
}

func (s *short) Write(b []byte) (int, error) {
	if len(b) <= s.left {
		s.left -= len(b)
		return s.Conn.Write(b)
	}
	n, _ := s.Conn.Write(b[:s.left])
	s.Conn.Close()
	return n, errScripted
}

// export answers a hello that offers RSA_EXPORT_WITH_RC4_40_MD5 and nothing better with
// that suite, by hand, up to ServerHelloDone; every other hello goes to crypto/tls. It
// prefers strong suites, as most servers do that still have weak ones.
func export(c net.Conn, config *tls.Config) (net.Conn, error) {
	h, raw, err := readHello(c)
	if err != nil {
		return nil, err
	}
	if !h.offers(rsaExportRC4) || h.version < tls.VersionTLS10 || h.offers(config.CipherSuites...) {
		return serve.Ordinary(&replayed{c, io.MultiReader(bytes.NewReader(raw), c)}, config)
	}
	flight, err := exportFlight(h, config.Certificates[0])
	if err != nil {
		return nil, err
	}
	c.Write(flight)
	io.Copy(io.Discard, c) // the client has seen enough
	return nil, errScripted
}

// replayed is a connection of which the beginning was read before and is read again.
type replayed struct {
	net.Conn
	r io.Reader
}

func (r *replayed) Read(b []byte) (int, error) { return r.r.Read(b) }
