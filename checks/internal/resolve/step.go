package resolve

import (
	"github.com/miekg/dns"

	"mxseal/checks/cache"
	"mxseal/checks/report"
)

// step is what one owner name came to: records, an alias or neither.
type step struct {
	reply   *reply
	zone    *zone
	set     *rrset     // the records asked for, or those of the alias
	target  string     // of the alias; empty where there is none
	derived *dns.CNAME // the alias itself, where that was asked for and a DNAME makes it
	sig     *dns.RRSIG // over set, or of the denial the one that ends first
	rcode   int        // the reply's, unless its proof says better
	notes   []report.Note
	fault   *fault
}

// octets is what a step takes in memory. Its zone counts where zones are kept.
func (s *step) octets() int {
	own := *s
	own.zone = nil
	return cache.Octets(&own)
}

// apex names the zone that a step was answered from, as far as the message tells.
func (s *step) apex(name string) string {
	apex := ""
	switch {
	case s.sig != nil:
		apex = s.sig.SignerName
	case s.set == nil:
		apex = s.reply.soa()
	case s.set.typ == dns.TypeSOA || s.set.typ == dns.TypeDNSKEY:
		apex = s.set.name
	}
	if apex == "" || !dns.IsSubDomain(apex, name) {
		return ""
	}
	return apex
}

func (s *step) chain() []report.Link {
	if s.zone == nil {
		return nil
	}
	return s.zone.chain
}
