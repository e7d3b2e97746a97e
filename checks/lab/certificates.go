package lab

import (
	"crypto/tls"
	"strings"
)

// Certificates are those that the lab's public authority gives to a zone below test. which is served
// elsewhere: the one of the test of senders. They are safe for concurrent use.
type Certificates struct {
	mint          *mint
	zone          string
	mail, expired *tls.Certificate
}

// Certificates makes those of a zone (A-label, without a final dot).
func (l *Lab) Certificates(zone string) (*Certificates, error) {
	c := &Certificates{mint: l.mint, zone: zone}
	for _, one := range []struct {
		to **tls.Certificate
		identity
	}{{&c.mail, identity{}}, {&c.expired, identity{ends: -day}}} {
		made, err := l.mint.issue("*."+zone, one.identity)
		if err != nil {
			return nil, err
		}
		*one.to = &made
	}
	return c, nil
}

// Mail is that of mail servers one label below the zone, with its chain.
func (c *Certificates) Mail() *tls.Certificate { return c.mail }

// Named are those that the zone names in TLSA records.
func (c *Certificates) Named() []*tls.Certificate { return []*tls.Certificate{c.mail} }

// Expired is one for the same names whose time is over.
func (c *Certificates) Expired() *tls.Certificate { return c.expired }

// Policy is that of a policy host below the zone; nil for any other name.
func (c *Certificates) Policy(host string) *tls.Certificate {
	if !strings.HasSuffix(host, "."+c.zone) {
		return nil
	}
	made, err := c.mint.issue(host, identity{})
	if err != nil {
		return nil
	}
	return &made
}

// Challenge is nothing: the authority of the lab asks nobody for a proof.
func (c *Certificates) Challenge(string) []string { return nil }
