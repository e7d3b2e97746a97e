// Package pkix reads certificates and says how far a chain and a name can be trusted
// (RFC 5280, RFC 9525).
//
// It gives evidence and no verdict: each certificate is described as it was sent, with
// what a sender that trusts a given set of roots would make of it at a given time. What
// cannot be parsed is kept as it came. Missing certificates are never fetched.
package pkix

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// Store is a set of roots and the name it is shown by.
type Store struct {
	Roots *x509.CertPool
	Name  string
}

// BuiltIn returns Mozilla's roots as embedded in the program. They are the store's alone:
// the roots of the process stay those of the system.
func BuiltIn() Store { return builtIn() }

var builtIn = sync.OnceValue(func() Store {
	pool := x509.NewCertPool()
	for root := range bundle.Roots() {
		cert, err := x509.ParseCertificate(root.Certificate)
		switch {
		case err != nil: // one that this Go no longer reads is a root less
		case root.Constraint != nil:
			pool.AddCertWithConstraint(cert, root.Constraint)
		default:
			pool.AddCert(cert)
		}
	}
	name := "Mozilla's roots"
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, module := range info.Deps {
			if date, ok := versionDate(module.Version); ok && module.Path == "golang.org/x/crypto/x509roots/fallback" {
				name += " of " + date
			}
		}
	}
	return Store{Roots: pool, Name: name}
})

// versionDate is the day of a pseudo-version such as v0.0.0-20261030153154-30a33513ff6d.
func versionDate(version string) (day string, ok bool) {
	_, stamp, _ := strings.Cut(version, "-")
	stamp, _, _ = strings.Cut(stamp, "-")
	t, err := time.Parse("20060102150405", stamp)
	return t.Format(time.DateOnly), err == nil
}

// FromPEM returns the certificates of a PEM file as roots. The error says that there are
// none, or which one cannot be read.
func FromPEM(data []byte) (Store, error) {
	pool := x509.NewCertPool()
	n := 0
	for {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		n++
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return Store{}, fmt.Errorf("roots: certificate %d of the file cannot be read, remove or replace it: %w", n, err)
		}
		pool.AddCert(cert)
	}
	if n == 0 {
		return Store{}, errors.New("roots: the file holds no PEM block of type CERTIFICATE")
	}
	return Store{Roots: pool, Name: fmt.Sprintf("given roots (%d)", n)}, nil
}
