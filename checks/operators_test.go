package checks

import (
	"slices"
	"testing"

	"mxseal/checks/report"
	"mxseal/checks/view"
)

func TestWhoServesTheDNS(t *testing.T) {
	for _, c := range []struct {
		why     string
		servers []string
		want    []string
	}{
		{"a provider whose name servers are known", []string{"ada.ns.cloudflare.com.", "bob.ns.cloudflare.com."}, []string{"Cloudflare"}},
		{"one that is not known goes by its domain", []string{"ns1.dns.example.net", "ns2.example.net"}, []string{"example.net"}},
		{"the domain's own", []string{"ns1.example.org"}, []string{view.Itself}},
		{"its own and another's", []string{"ns1.example.org", "ada.ns.cloudflare.com"}, []string{view.Itself, "Cloudflare"}},
		{"nobody", nil, nil},
	} {
		r := &report.Report{Meta: report.Meta{Domain: "example.org"}}
		r.DNSSEC = &report.DNSSEC{Zones: []report.Zone{{Name: "example.org", Servers: c.servers}}}
		if got := operators(r).DNS; !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.why, got, c.want)
		}
	}
}
