package resolve

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"mxseal/checks/report"
)

const (
	maxTexts      = 20      // TXT records kept of one answer
	maxText       = 2 << 10 // octets kept of one
	maxTextOctets = 4 << 10 // of all, as JSON
)

// Texts returns the TXT records of the answer, the strings of each joined without a space
// between them (RFC 8461 §3.1, RFC 7208 §3.3), cleaned, in a steady order. Where there are more
// than are kept, those that say what they are for, by a v= near their beginning, go first.
func (a *Answer) Texts() []string {
	var all, texts []string
	for _, rr := range a.Records {
		if txt, ok := rr.(*dns.TXT); ok {
			all = append(all, report.Clean(unescape(strings.Join(txt.Txt, "")), maxText))
		}
	}
	slices.Sort(all)
	room := maxTextOctets
	for _, versioned := range []bool{true, false} {
		for _, s := range all {
			if tag := strings.ToLower(s[:min(len(s), 16)]); strings.Contains(tag, "v=") == versioned && report.Octets(s) <= room && len(texts) < maxTexts {
				room -= report.Octets(s)
				texts = append(texts, s)
			}
		}
	}
	slices.Sort(texts)
	return texts
}

// Addresses returns the addresses of the answer in a steady order, each once. An IPv4-mapped
// one in an AAAA record stays as it is: that is a finding.
func (a *Answer) Addresses() []netip.Addr { return addressesOf(a.Records) }

func addressesOf(rrs []dns.RR) []netip.Addr {
	var all []netip.Addr
	for _, rr := range rrs {
		switch rr := rr.(type) {
		case *dns.A:
			if a, ok := netip.AddrFromSlice(rr.A); ok {
				all = append(all, a.Unmap())
			}
		case *dns.AAAA:
			if a, ok := netip.AddrFromSlice(rr.AAAA); ok {
				all = append(all, a)
			}
		}
	}
	slices.SortFunc(all, netip.Addr.Compare)
	return slices.Compact(all)
}

// unescape takes back the escapes that the DNS library writes: \" and \\, and \DDD for an
// octet that is not printable ASCII.
func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] != '\\' || i+1 == len(s):
			b.WriteByte(s[i])
		case i+3 < len(s) && isDigit(s[i+1]) && isDigit(s[i+2]) && isDigit(s[i+3]):
			b.WriteByte((s[i+1]-'0')*100 + (s[i+2]-'0')*10 + s[i+3] - '0')
			i += 3
		default:
			i++
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
