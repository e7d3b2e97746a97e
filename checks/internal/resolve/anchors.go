package resolve

import (
	"fmt"
	"io"
	"net/netip"

	"github.com/miekg/dns"
)

// rootKeys are the root's key signing keys as IANA publishes them
// (https://data.iana.org/root-anchors/root-anchors.xml): KSK-2017 and KSK-2024. Either may
// match, so the roll from one to the other needs no change here.
var rootKeys = []dns.DS{
	{KeyTag: 20326, Algorithm: dns.RSASHA256, DigestType: dns.SHA256, Digest: "e06d44b80b8f1d39a95c0b0d7c65d08458e880409bbc683457104237c7f8ec8d"},
	{KeyTag: 38696, Algorithm: dns.RSASHA256, DigestType: dns.SHA256, Digest: "683d2d0acb8c9b712a1948b27f741219298d0a450d612c483af444a4c0fb2b16"},
}

func rootAnchors() []dns.RR {
	var anchors []dns.RR
	for _, ds := range rootKeys {
		ds.Hdr = dns.RR_Header{Name: ".", Rrtype: dns.TypeDS, Class: dns.ClassINET}
		anchors = append(anchors, &ds)
	}
	return anchors
}

// ParseAnchors reads trust anchors: DS or DNSKEY records of the root in zone-file form, one
// or more. Other records and other owners are an error, as is a file without any.
func ParseAnchors(r io.Reader) ([]dns.RR, error) {
	var anchors []dns.RR
	zp := dns.NewZoneParser(io.LimitReader(r, 1<<20), ".", "")
	zp.SetDefaultTTL(0)
	for rr, ok := zp.Next(); ok; rr, ok = zp.Next() {
		switch rr.(type) {
		case *dns.DS, *dns.DNSKEY:
		default:
			return nil, fmt.Errorf("trust anchor: %s record found; give DS or DNSKEY records of the root only", dns.Type(rr.Header().Rrtype))
		}
		if rr.Header().Name != "." {
			return nil, fmt.Errorf("trust anchor: record of %s found; give records of the root (owner name \".\") only", plain(rr.Header().Name))
		}
		anchors = append(anchors, rr)
	}
	if err := zp.Err(); err != nil {
		return nil, fmt.Errorf("trust anchor: %w; give DS or DNSKEY records of the root in zone-file form", err)
	}
	if len(anchors) == 0 {
		return nil, fmt.Errorf("trust anchor: no record found; give DS or DNSKEY records of the root in zone-file form")
	}
	return anchors, nil
}

// digests turns anchors into DS records; a DNSKEY becomes its SHA-256 digest.
func digests(anchors []dns.RR) []*dns.DS {
	var out []*dns.DS
	for _, rr := range anchors {
		switch a := rr.(type) {
		case *dns.DS:
			out = append(out, a)
		case *dns.DNSKEY:
			if ds := a.ToDS(dns.SHA256); ds != nil {
				out = append(out, ds)
			}
		}
	}
	return out
}

// resolvConf is where the system names its resolvers.
const resolvConf = "/etc/resolv.conf"

// SystemUpstreams returns the resolvers that the system uses.
func SystemUpstreams() ([]netip.AddrPort, error) { return upstreamsOf(resolvConf) }

func upstreamsOf(file string) ([]netip.AddrPort, error) {
	conf, err := dns.ClientConfigFromFile(file)
	if err != nil {
		return nil, fmt.Errorf("system resolver: %w; name a resolver with --resolver", err)
	}
	var peers []netip.AddrPort
	for _, s := range conf.Servers {
		if addr, err := netip.ParseAddr(s); err == nil {
			peers = append(peers, netip.AddrPortFrom(addr.Unmap(), 53))
		}
	}
	if len(peers) == 0 {
		return nil, fmt.Errorf("system resolver: %s names none; name one with --resolver", file)
	}
	return peers, nil
}
