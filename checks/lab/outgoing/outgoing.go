package outgoing

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// World is where a sender stands, and what it takes for true.
type World struct {
	Zone       string         // that it can send to, without a final dot
	Anchor     *dns.DS        // of that zone
	NameServer netip.AddrPort // of that zone
	MailPort   uint16         // of all mail servers
	PolicyPort uint16         // of all policy hosts
	Roots      *x509.CertPool // of certificates
	From       netip.Addr     // its own address
	Pause      time.Duration  // between two domains
}

// server is one of a kind at its place.
type server struct {
	Kind
	World
	dns *resolver
}

const patience = 20 * time.Second // for one delivery

// Send sends one message to each of the recipients, one after another, and returns what kept it back from
// whom.
func Send(ctx context.Context, k Kind, w World, to []string) map[string]error {
	s := &server{k, w, &resolver{World: w, validates: k.Validates}}
	kept := make(map[string]error)
	for _, one := range to {
		if err := s.deliver(ctx, one); err != nil {
			kept[one] = err
		}
		select {
		case <-time.After(w.Pause):
		case <-ctx.Done():
			return kept
		}
	}
	return kept
}

// deliver takes the message to the first mail server of a recipient's domain. The error says why it stays.
func (s *server) deliver(ctx context.Context, to string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	_, domain, _ := strings.Cut(to, "@")
	mx, err := s.dns.lookup(ctx, domain, dns.TypeMX)
	if err != nil {
		return err
	}
	if len(mx.records) == 0 {
		return fmt.Errorf("%s has no mail server", domain)
	}
	host := strings.TrimSuffix(mx.records[0].(*dns.MX).Mx, ".")
	if host == "" {
		return fmt.Errorf("%s takes no mail (RFC 7505)", domain)
	}
	at, err := s.dns.lookup(ctx, host, dns.TypeA)
	if err != nil {
		return err
	}
	if len(at.records) == 0 {
		return fmt.Errorf("%s has no address", host)
	}
	d, err := s.demands(ctx, domain, host, at.secure && (mx.secure || s.Lenient))
	if err != nil {
		return err
	}
	addr, _ := netip.AddrFromSlice(at.records[0].(*dns.A).A.To4())
	return s.hand(ctx, netip.AddrPortFrom(addr, s.MailPort), d, to)
}

// demand is what a server has to fulfil before it gets the message.
type demand struct {
	tls  bool                            // nothing goes out in clear
	name string                          // of the server, for its hello; empty where nothing is verified
	fits func(tls.ConnectionState) error // nil where nothing is verified
}

// demands are those on a mail server of a domain: by its TLSA records, else by its policy, else by what
// this sender wants of everybody. Where DNSSEC vouches for no server, its TLSA records are not asked for
// (RFC 7672 §2.2.1).
func (s *server) demands(ctx context.Context, domain, host string, secure bool) (demand, error) {
	if s.DANE && secure {
		records, err := s.dns.lookup(ctx, "_25._tcp."+host, dns.TypeTLSA)
		if err != nil {
			return demand{}, err
		}
		if records.secure && len(records.records) > 0 {
			return byDANE(host, records.records), nil
		}
	}
	if s.Alone {
		return demand{}, fmt.Errorf("%s has no TLSA records", host)
	}
	if s.MTASTS {
		p, err := s.policyOf(ctx, domain)
		switch {
		case err != nil || !p.enforced: // as if there were none (RFC 8461 §3.3)
		case !p.lists(host):
			return demand{}, fmt.Errorf("%s is not in the policy of %s", host, domain)
		default:
			return demand{tls: true, name: host, fits: s.trusted(host)}, nil
		}
	}
	switch s.Trusted {
	case OfServer:
		return demand{tls: true, name: host, fits: s.trusted(host)}, nil
	case OfDomain:
		return demand{tls: true, name: host, fits: s.trusted(domain)}, nil
	}
	return demand{tls: s.Always}, nil
}

// trusted wants a certificate of one of the roots, for a name.
func (s *server) trusted(name string) func(tls.ConnectionState) error {
	return func(c tls.ConnectionState) error { return verify(c.PeerCertificates, s.Roots, name) }
}

func verify(chain []*x509.Certificate, roots *x509.CertPool, name string) error {
	middle := x509.NewCertPool()
	for _, c := range chain[1:] {
		middle.AddCert(c)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: middle, DNSName: name})
	return err
}

// byDANE wants a certificate that one of the records fits. Where nobody can use any of them, the server
// has to encrypt, and shows what it likes (RFC 7672 §2.2).
func byDANE(host string, records []dns.RR) demand {
	var usable []*dns.TLSA
	for _, rr := range records {
		if r := rr.(*dns.TLSA); (r.Usage == 2 || r.Usage == 3) && r.Selector <= 1 && r.MatchingType <= 2 {
			usable = append(usable, r)
		}
	}
	d := demand{tls: true, name: host}
	if len(usable) == 0 {
		return d
	}
	d.fits = func(c tls.ConnectionState) error {
		for _, r := range usable {
			if fits(r, c.PeerCertificates, host) {
				return nil
			}
		}
		return errors.New("no TLSA record fits the certificate")
	}
	return d
}

// fits reports whether a record fits a chain: by usage 3 the certificate of the server, whatever else it
// says, by usage 2 an authority that vouches for the name (RFC 7672 §3.1).
func fits(r *dns.TLSA, chain []*x509.Certificate, host string) bool {
	if r.Usage == 3 {
		return r.Verify(chain[0]) == nil
	}
	for _, c := range chain[1:] {
		root := x509.NewCertPool()
		root.AddCert(c)
		if r.Verify(c) == nil && verify(chain, root, host) == nil {
			return true
		}
	}
	return false
}
