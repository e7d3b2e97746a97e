package outgoing

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// resolver asks the name server of the zone, and validates what it says from the zone's DS record on.
type resolver struct {
	World
	validates bool
	key       *dns.DNSKEY // of the zone, once it is known
}

// answer is a set of records of one type, of which there may be none.
type answer struct {
	records []dns.RR
	secure  bool
}

// lookup asks a question. An answer that does not validate is an error, as for those who ask a resolver
// that validates.
func (r *resolver) lookup(ctx context.Context, name string, rtype uint16) (answer, error) {
	m, err := r.ask(ctx, name, rtype)
	if err != nil {
		return answer{}, err
	}
	a := answer{records: slices.DeleteFunc(slices.Clone(m.Answer), func(rr dns.RR) bool { return rr.Header().Rrtype != rtype })}
	if !r.validates {
		return a, nil
	}
	section := m.Answer
	if len(a.records) == 0 {
		section = m.Ns
	}
	a.secure, err = r.validate(ctx, name, section)
	return a, err
}

// ask asks by UDP, and by TCP where the answer is cut.
func (r *resolver) ask(ctx context.Context, name string, rtype uint16) (*dns.Msg, error) {
	q := new(dns.Msg).SetQuestion(dns.Fqdn(name), rtype)
	q.SetEdns0(dns.DefaultMsgSize, true)
	var m *dns.Msg
	for _, network := range []string{"udp", "tcp"} {
		d := &net.Dialer{LocalAddr: &net.UDPAddr{IP: r.From.AsSlice()}}
		if network == "tcp" {
			d.LocalAddr = &net.TCPAddr{IP: r.From.AsSlice()}
		}
		c := &dns.Client{Net: network, Dialer: d, Timeout: 5 * time.Second}
		var err error
		if m, _, err = c.ExchangeContext(ctx, q, r.NameServer.String()); err != nil {
			return nil, fmt.Errorf("ask %v for %s of %s: %w", r.NameServer, dns.Type(rtype), name, err)
		}
		if !m.Truncated {
			break
		}
	}
	if m.Rcode != dns.RcodeSuccess && m.Rcode != dns.RcodeNameError {
		return nil, fmt.Errorf("%s of %s: %s", dns.Type(rtype), name, dns.RcodeToString[m.Rcode])
	}
	return m, nil
}

// validate verifies the sets of a section. Those without signatures have to be below a cut at which the
// zone denies that there is a DS record (RFC 4035 §5.2).
func (r *resolver) validate(ctx context.Context, name string, section []dns.RR) (secure bool, err error) {
	key, err := r.zoneKey(ctx)
	if err != nil {
		return false, err
	}
	signed, err := verified(key, section)
	if err != nil {
		return false, fmt.Errorf("%s: %w", name, err)
	}
	if signed {
		return true, nil
	}
	labels := dns.SplitDomainName(name)
	for i := len(labels) - dns.CountLabel(r.Zone) - 1; i >= 0; i-- {
		cut := dns.Fqdn(strings.Join(labels[i:], "."))
		m, err := r.ask(ctx, cut, dns.TypeDS)
		if err != nil {
			return false, err
		}
		if ok, err := verified(key, m.Ns); ok && err == nil && slices.ContainsFunc(m.Ns, func(rr dns.RR) bool { return deniesDS(rr, cut) }) {
			return false, nil
		}
	}
	return false, fmt.Errorf("%s: a signature is missing", name)
}

// deniesDS reports whether a record says that a name is a cut without a DS record.
func deniesDS(rr dns.RR, cut string) bool {
	n, ok := rr.(*dns.NSEC)
	return ok && dns.CanonicalName(n.Hdr.Name) == dns.CanonicalName(cut) && slices.Contains(n.TypeBitMap, dns.TypeNS) &&
		!slices.Contains(n.TypeBitMap, dns.TypeDS) && !slices.Contains(n.TypeBitMap, dns.TypeSOA)
}

// verified reports whether every set of a section is signed; the error says which signature is wrong.
func verified(key *dns.DNSKEY, section []dns.RR) (signed bool, err error) {
	sets := make(map[string][]dns.RR)
	for _, rr := range section {
		if rr.Header().Rrtype != dns.TypeRRSIG {
			at := fmt.Sprint(rr.Header().Name, rr.Header().Rrtype)
			sets[at] = append(sets[at], rr)
		}
	}
	proved := 0
	for _, rr := range section {
		sig, ok := rr.(*dns.RRSIG)
		if !ok {
			continue
		}
		set := sets[fmt.Sprint(sig.Hdr.Name, sig.TypeCovered)]
		if err := sig.Verify(key, set); err != nil || !sig.ValidityPeriod(time.Now()) {
			return false, fmt.Errorf("the signature of %s does not verify: %w", dns.Type(sig.TypeCovered), err)
		}
		proved++
	}
	return proved > 0 && proved == len(sets), nil
}

// zoneKey is the key that the DS record of the zone names.
func (r *resolver) zoneKey(ctx context.Context) (*dns.DNSKEY, error) {
	if r.key != nil {
		return r.key, nil
	}
	m, err := r.ask(ctx, r.Zone, dns.TypeDNSKEY)
	if err != nil {
		return nil, err
	}
	for _, rr := range m.Answer {
		key, ok := rr.(*dns.DNSKEY)
		if !ok || !strings.EqualFold(key.ToDS(r.Anchor.DigestType).Digest, r.Anchor.Digest) {
			continue
		}
		if signed, err := verified(key, m.Answer); signed && err == nil {
			r.key = key
			return key, nil
		}
	}
	return nil, fmt.Errorf("%s: no key fits the DS record", r.Zone)
}
