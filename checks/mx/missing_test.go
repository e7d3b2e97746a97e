package mx

import (
	"net/netip"
	"testing"

	"mxseal/checks/report"
)

// Why a host has no address is found out where it can be: a final dot that is missing, a
// wildcard that a record at or below the name has ended.
func TestMissing(t *testing.T) {
	res := upstream(t,
		"mail.example.org. A 198.41.0.4", "mx.provider.net. AAAA 2001:503::1", "provider.net. A 198.41.0.4",
		"*.w.example.org. A 198.41.0.4", "_25._tcp.mail.w.example.org. TLSA 3 1 1 00",
		"_submission._tcp.other.w.example.org. SRV 0 0 587 mail.example.org.", `text.w.example.org. TXT "x"`, "_odd.dark.w.example.org. HINFO a b",
		"*.c.example.org. CNAME mail.example.org.", "*.c.example.org. A 198.41.0.4", "_25._tcp.mail.c.example.org. TLSA 3 1 1 00",
		"_25._tcp.a.b.deep.w.example.org. TLSA 3 1 1 00",
		"_25._tcp.mail.plain.example.org. TLSA 3 1 1 00",
		"has.w.example.org. AAAA 2001:503::1")
	for _, c := range []struct {
		host, undotted, wildcard, by string
	}{
		{"mail.example.org.example.org", "mail.example.org", "", ""},
		{"new.example.org.example.org", "", "", ""},
		{"mx.provider.net.example.org", "mx.provider.net", "", ""},
		{"provider.net.example.org", "provider.net", "", ""},
		{"mx.provider.net.sub.example.org", "mx.provider.net", "", ""},
		{"gone.example.org", "", "", ""},
		{"mail.w.example.org", "", "*.w.example.org", "_25._tcp.mail.w.example.org TLSA"},
		{"other.w.example.org", "", "*.w.example.org", "_submission._tcp.other.w.example.org SRV"},
		{"text.w.example.org", "", "*.w.example.org", "text.w.example.org TXT"},
		{"dark.w.example.org", "", "*.w.example.org", " "},
		{"mail.c.example.org", "", "*.c.example.org", "_25._tcp.mail.c.example.org TLSA"},
		{"a.b.deep.w.example.org", "", "*.w.example.org", "_25._tcp.a.b.deep.w.example.org TLSA"},
		{"mail.plain.example.org", "", "", ""},
		{"has.w.example.org", "", "", ""},
	} {
		h := &report.Host{Name: c.host}
		Addresses(t.Context(), res, func(netip.Addr) error { return nil }, h)
		wildcard, by := "", ""
		if h.Shadow != nil {
			wildcard, by = h.Shadow.Wildcard, h.Shadow.By+" "+h.Shadow.Type
		}
		if h.Undotted != c.undotted || wildcard != c.wildcard || by != c.by {
			t.Errorf("%s: %q, %q, %q; want %q, %q, %q", c.host, h.Undotted, wildcard, by, c.undotted, c.wildcard, c.by)
		}
	}
}
