package starttls

import (
	"crypto/tls"
	"net"
	"slices"

	"mxseal/checks/internal/hello"
	"mxseal/checks/report"
)

// rung is one kind of ClientHello that the library makes. Certificates are not verified here:
// what was sent is evidence, judged elsewhere.
type rung struct {
	name report.Hello
	set  func(*tls.Config)
}

// modern is what a modern sender says. It takes two packets.
var modern = rung{report.HelloModern, func(c *tls.Config) { c.MinVersion = tls.VersionTLS12 }}

// causes are tried in this order once the modern hello has failed. Each differs in one thing,
// the first and the last from the modern hello and the second from the first, so that the one
// that works names the cause.
var causes = []rung{
	{report.HelloNoHybrid, func(c *tls.Config) { c.MinVersion, c.CurvePreferences = tls.VersionTLS12, smallGroups }},
	{report.HelloSmallTLS12, func(c *tls.Config) {
		c.MinVersion, c.MaxVersion, c.CurvePreferences = tls.VersionTLS12, tls.VersionTLS12, smallGroups
	}},
	{report.HelloNoSNI, func(c *tls.Config) { c.MinVersion, c.ServerName = tls.VersionTLS12, "" }},
}

// smallGroups are all of the library's groups whose shares fit into a packet.
var smallGroups = []tls.CurveID{tls.X25519, tls.CurveP256, tls.CurveP384, tls.CurveP521}

// everySuite offers what the library has and does not offer by itself: no sender of today
// does, but some of yesterday.
var everySuite = rung{report.HelloEverySuite, func(c *tls.Config) {
	c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS12
	for _, s := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		c.CipherSuites = append(c.CipherSuites, s.ID)
	}
}}

// config is the rung's hello to a host. When the server asks for a client certificate
// none is sent, and asked is set.
func (r rung) config(host string, asked *bool) *tls.Config {
	c := &tls.Config{
		ServerName:         host,
		InsecureSkipVerify: true,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			*asked = true
			return new(tls.Certificate), nil
		},
	}
	r.set(c)
	return c
}

// anyHello offers TLS 1.3 to 1.0 with every suite that encrypts by 112 bits or more, sound
// ones first, and every group and signature scheme there is.
func anyHello(host string) *hello.Hello {
	h := &hello.Hello{
		Version: hello.TLS12, Versions: []uint16{hello.TLS13, hello.TLS12, hello.TLS11, hello.TLS10},
		Groups: []uint16{hello.X25519, hello.P256, hello.P384, 25, 30, 256, 257, 258, 259, 260}, Share: hello.X25519,
		Ask: []uint16{hello.ExtExtendedMasterSecret, hello.ExtRenegotiationInfo},
	}
	for _, g := range hello.Groups {
		if g.Bits >= 224 && !g.MLKEM && !slices.Contains(h.Groups, g.ID) {
			h.Groups = append(h.Groups, g.ID)
		}
	}
	if net.ParseIP(host) == nil {
		h.ServerName = host
	}
	for _, s := range hello.Schemes {
		h.Schemes = append(h.Schemes, s.ID)
	}
	offer := func(version uint16, wanted func(hello.Suite) bool) {
		for _, s := range hello.Offers(version) {
			if s.Bits >= 112 && !s.Export && s.Cipher != "RC2" && wanted(s) && !slices.Contains(h.Suites, s.ID) {
				h.Suites = append(h.Suites, s.ID)
			}
		}
	}
	sound := func(s hello.Suite) bool { return s.Cipher == "AES" || s.Cipher == "CHACHA20" }
	named := func(s hello.Suite) bool { return s.Auth != "anon" }
	offer(hello.TLS13, sound)
	offer(hello.TLS12, func(s hello.Suite) bool { return sound(s) && named(s) })
	offer(hello.TLS12, named)
	offer(hello.TLS12, func(hello.Suite) bool { return true })
	return h
}
