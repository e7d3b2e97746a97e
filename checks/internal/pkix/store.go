// Package pkix reads certificates and says how far a chain and a name can be trusted
// (RFC 5280, RFC 9525).
//
// It reads them by itself, since the libraries of senders accept what that of Go does not, and
// builds paths by itself, so that it can say why one does not hold. It gives evidence and no
// verdict: each certificate is described as it was sent, with what a sender that trusts a given
// set of roots would make of it at a given time. What cannot be read is kept as it came. Missing
// certificates are never fetched.
package pkix

import (
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
	Name  string
	roots []Anchor
}

// NewStore returns a store of these roots. The error is that of a certificate that cannot be read.
func NewStore(name string, roots ...[]byte) (Store, error) {
	s := Store{Name: name}
	for i, der := range roots {
		c, err := Read(der)
		if err != nil {
			return Store{}, fmt.Errorf("roots: certificate %d cannot be read, remove or replace it: %w", i+1, err)
		}
		s.roots = append(s.roots, Anchor{Certificate: c})
	}
	return s, nil
}

// BuiltIn returns Mozilla's roots as embedded in the program. They are the store's alone:
// the roots of the process stay those of the system.
func BuiltIn() Store { return builtIn() }

var builtIn = sync.OnceValue(func() Store {
	var roots []Anchor
	for root := range bundle.Roots() {
		if c, err := Read(root.Certificate); err == nil {
			roots = append(roots, Anchor{Certificate: c, constraint: root.Constraint})
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
	return Store{name, roots}
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
	var roots [][]byte
	for {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			break
		}
		if block.Type == "CERTIFICATE" {
			roots = append(roots, block.Bytes)
		}
	}
	if len(roots) == 0 {
		return Store{}, errors.New("roots: the file holds no PEM block of type CERTIFICATE")
	}
	return NewStore(fmt.Sprintf("given roots (%d)", len(roots)), roots...)
}
