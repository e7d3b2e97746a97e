package lab

import (
	"crypto/tls"
	"fmt"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// Fix is what the owner of a domain changes in it. The lab with the change shows what
// becomes of the letter. Records are in zone-file form, mail servers go by their full names.
type Fix struct {
	Add      string   // records
	Replace  string   // records that take the place of all of their name and type, or of an alias there
	Delete   string   // records, exactly as they are
	Policy   []string // lines of the policy file, at a host that serves it as it should
	Sign     bool     // the zone is signed without fault, and its parent vouches for it
	Answer   bool     // its name servers answer for every name
	Speak    []string // mail servers that speak SMTP and TLS as they should
	Certify  []string // mail servers with a certificate without fault
	SelfMade []string // mail servers with a certificate of their own making
	// Serve are certificates made elsewhere, by mail server.
	Serve map[string]tls.Certificate
}

// fixed returns w with the changes made that are not records.
func (w world) fixed(list []Fix) *world {
	w.hosts = slices.Clone(w.hosts)
	for _, m := range list {
		if m.Sign {
			w.zone = signing{}
		}
		if m.Answer {
			w.broken, w.servers = "", nil
		}
		if m.Policy != nil {
			host := "mta-sts"
			if w.policy == nil {
				w.records += host + " A {" + host + "}\n"
			} else if w.policy.host != "" {
				host = w.policy.host
			}
			w.policy = &policy{host: host, lines: m.Policy}
		}
		for i := range w.hosts {
			h := &w.hosts[i]
			name := w.full(h.name)
			if slices.Contains(m.Speak, name) {
				h.mail = mail{inTLS: h.inTLS}
			}
			if slices.Contains(m.Certify, name) {
				h.serves = nil
			}
			if slices.Contains(m.SelfMade, name) {
				h.serves = selfMade
			}
			if c, ok := m.Serve[name]; ok {
				h.serves = []identity{{made: &c}}
			}
		}
	}
	return &w
}

// edit makes the changes of the records. What is added twice is there once.
func (z *zone) edit(m Fix) error {
	for _, step := range []struct {
		text string
		do   func(dns.RR)
	}{
		{m.Delete, z.remove},
		{m.Replace, func(rr dns.RR) { // all go before the first of the new ones comes
			z.clear(rr.Header().Name, rr.Header().Rrtype)
			z.clear(rr.Header().Name, dns.TypeCNAME)
		}},
		{m.Replace, z.add},
		{m.Add, func(rr dns.RR) { z.remove(rr); z.add(rr) }},
	} {
		p := dns.NewZoneParser(strings.NewReader(step.text), z.origin, z.origin)
		p.SetDefaultTTL(300)
		for rr, ok := p.Next(); ok; rr, ok = p.Next() {
			if !dns.IsSubDomain(z.origin, rr.Header().Name) {
				return fmt.Errorf("lab: %s does not stand in %s", rr.Header().Name, z.origin)
			}
			step.do(rr)
		}
		if err := p.Err(); err != nil {
			return fmt.Errorf("lab: fixing %s: %w", z.origin, err)
		}
	}
	return nil
}

// remove takes a record out, whatever its TTL.
func (z *zone) remove(rr dns.RR) {
	name, rtype := dns.CanonicalName(rr.Header().Name), rr.Header().Rrtype
	set := z.owners[name][rtype]
	if set == nil {
		return
	}
	set.rrs = slices.DeleteFunc(set.rrs, func(other dns.RR) bool { return dns.IsDuplicate(rr, other) })
	if len(set.rrs) == 0 {
		z.clear(name, rtype)
	}
}

// clear takes out all records of a name and type.
func (z *zone) clear(name string, rtype uint16) {
	name = dns.CanonicalName(name)
	delete(z.owners[name], rtype)
	if len(z.owners[name]) == 0 {
		delete(z.owners, name)
	}
}
