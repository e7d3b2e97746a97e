package lab

import (
	"crypto/tls"
	"errors"
	"slices"
)

// old accepts everything from TLS 1.0 to 1.2, static RSA, 3DES and RC4 after better suites.
func old(c *tls.Config) {
	c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS12
	c.CipherSuites = append(c.CipherSuites,
		tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, tls.TLS_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_RSA_WITH_AES_128_CBC_SHA,
		tls.TLS_RSA_WITH_3DES_EDE_CBC_SHA, tls.TLS_RSA_WITH_RC4_128_SHA)
}

// obsolete knows nothing newer than TLS 1.1.
func obsolete(c *tls.Config) {
	c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
	c.CipherSuites = []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, tls.TLS_RSA_WITH_AES_128_CBC_SHA}
}

// averse breaks off where it is offered TLS 1.3.
func averse(c *tls.Config) {
	c.MaxVersion = tls.VersionTLS12
	c.GetConfigForClient = func(h *tls.ClientHelloInfo) (*tls.Config, error) {
		if slices.Contains(h.SupportedVersions, tls.VersionTLS13) {
			return nil, errors.New("lab: TLS 1.3")
		}
		return nil, nil
	}
}

// unnamedOnly refuses a hello with a server name.
func unnamedOnly(c *tls.Config) {
	c.GetConfigForClient = func(h *tls.ClientHelloInfo) (*tls.Config, error) {
		if h.ServerName != "" {
			return nil, errors.New("lab: a server name")
		}
		return nil, nil
	}
}

// namedOnly refuses a hello without a server name.
func namedOnly(c *tls.Config) {
	c.GetConfigForClient = func(h *tls.ClientHelloInfo) (*tls.Config, error) {
		if h.ServerName == "" {
			return nil, errors.New("lab: no server name")
		}
		return nil, nil
	}
}
