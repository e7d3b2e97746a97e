package certificates

import (
	"crypto/tls"
	"fmt"
	"slices"
	"sync"
	"time"
)

// FromFiles are certificates that the operator gets and renews, in PEM: each file has a key and a chain.
type FromFiles struct {
	zone  string
	files []string

	mu   sync.Mutex
	read time.Time
	all  []*tls.Certificate
	mail succession
}

const reread = time.Hour // after which a renewed file is in use

// ReadFiles reads them. The error says which of them cannot be used, or that none is for *.zone.
func ReadFiles(zone string, files []string) (*FromFiles, error) {
	f := &FromFiles{zone: zone, files: files}
	if err := f.load(); err != nil {
		return nil, err
	}
	c := f.Mail()
	switch {
	case c == nil:
		return nil, fmt.Errorf("no certificate for *.%s that is valid now", zone)
	case len(c.Leaf.DNSNames) > 1: // Postfix takes a name below a policy's domain for a fit
		return nil, fmt.Errorf("the certificate for *.%s has further names; those of policy hosts have to be in one of their own", zone)
	}
	return f, nil
}

func (f *FromFiles) load() error {
	var all []*tls.Certificate
	for _, file := range f.files {
		c, err := tls.LoadX509KeyPair(file, file)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		all = append(all, &c)
	}
	f.all, f.read = all, time.Now()
	return nil
}

// pick is the first certificate for a name that is valid now, or is over.
func (f *FromFiles) pick(name string, over bool) *tls.Certificate {
	f.mu.Lock()
	defer f.mu.Unlock()
	if time.Since(f.read) > reread {
		f.read = time.Now()
		_ = f.load() // what was read before stays in use
	}
	i := slices.IndexFunc(f.all, func(c *tls.Certificate) bool {
		return c.Leaf.VerifyHostname(name) == nil && time.Now().After(c.Leaf.NotAfter) == over
	})
	if i < 0 {
		return nil
	}
	return f.all[i]
}

// Mail implements senders.Certificates.
func (f *FromFiles) Mail() *tls.Certificate {
	latest := f.pick("any."+f.zone, false)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.mail.put(latest, time.Now())
	return f.mail.shown(time.Now())
}

// Named implements senders.Certificates.
func (f *FromFiles) Named() []*tls.Certificate {
	f.Mail() // which may be new
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.mail.named(time.Now())
}

// Expired implements senders.Certificates.
func (f *FromFiles) Expired() *tls.Certificate { return f.pick("any."+f.zone, true) }

// Policy implements senders.Certificates.
func (f *FromFiles) Policy(host string) *tls.Certificate { return f.pick(host, false) }

// Challenge implements senders.Certificates: who keeps files gets them elsewhere.
func (f *FromFiles) Challenge(string) []string { return nil }
