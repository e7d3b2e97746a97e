package mx

import (
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"mxseal/checks/internal/resolve"
	"mxseal/checks/report"
)

func rrs(t *testing.T, lines ...string) []dns.RR {
	t.Helper()
	var all []dns.RR
	for _, line := range lines {
		rr, err := dns.NewRR(line)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, rr)
	}
	return all
}

func TestStateOf(t *testing.T) {
	mx := rrs(t, "example.org. MX 10 mx.example.org.")
	for _, c := range []struct {
		why    string
		answer resolve.Answer
		state  string
	}{
		{"records", resolve.Answer{Records: mx}, "ok"},
		{"bogus records are used all the same", resolve.Answer{Records: mx, Trust: report.Trust{State: report.Bogus}}, "ok"},
		{"no such name", resolve.Answer{Rcode: dns.RcodeNameError}, "nxdomain"},
		{"no such record", resolve.Answer{}, "none"},
		{"no answer", resolve.Answer{Failure: &report.Failure{Kind: "servfail"}}, "error"},
	} {
		state, failure := stateOf(&c.answer)
		if string(state) != c.state {
			t.Errorf("%s: %q, want %q", c.why, state, c.state)
		}
		if (failure != nil) != (state == "error") {
			t.Errorf("%s: failure %v", c.why, failure)
		}
	}
}

func TestHostsAreInSendingOrder(t *testing.T) {
	records := recordsOf(rrs(t,
		"example.org. MX 20 b.example.org.",
		"example.org. MX 10 C.Example.ORG.",
		"example.org. MX 20 a.example.org.",
		"example.org. MX 30 c.example.org.", // listed twice: the best preference counts
		"example.org. MX 5 192.0.2.1.",      // an address
		"example.org. MX 6 2001:db8::1.",
		"example.org. MX 0 .", // a null MX among others
	))
	var lines []string
	hosts := hostsOf(records)
	for _, r := range records {
		lines = append(lines, strings.TrimSpace(fmt.Sprint(r.Preference, " ", r.Host, " ", r.Skipped)))
	}
	want := []string{"0 . null", "5 192.0.2.1 literal", "6 2001:db8::1 literal", "10 c.example.org", "20 a.example.org", "20 b.example.org", "30 c.example.org"}
	if !reflect.DeepEqual(lines, want) {
		t.Errorf("records\n%q, want\n%q", lines, want)
	}
	var names []string
	for _, h := range hosts {
		names = append(names, fmt.Sprint(h.Name, " ", h.Preference))
	}
	if want := []string{"c.example.org 10", "a.example.org 20", "b.example.org 20"}; !reflect.DeepEqual(names, want) {
		t.Errorf("hosts %q, want %q", names, want)
	}
}

func TestTenHostsAreTested(t *testing.T) {
	var lines []string
	for i := range 150 {
		lines = append(lines, fmt.Sprintf("example.org. MX %d mx%d.example.org.", i, i))
	}
	records := recordsOf(rrs(t, lines...))
	if len(records) != maxRecords {
		t.Errorf("%d records kept, want %d", len(records), maxRecords)
	}
	hosts := hostsOf(records)
	for i, h := range hosts {
		if tested := h.NotTested == ""; tested != (i < 10) {
			t.Errorf("host %d: %q", i, h.NotTested)
		}
		if (records[i].Skipped == "limit") != (i >= 10) {
			t.Errorf("record %d: %q", i, records[i].Skipped)
		}
	}
}

func TestNullMX(t *testing.T) {
	for _, c := range []struct {
		records []dns.RR
		null    bool
	}{
		{rrs(t, "example.org. MX 0 ."), true},
		{rrs(t, "example.org. MX 10 ."), true},
		{rrs(t, "example.org. MX 0 .", "example.org. MX 10 mx.example.org."), false},
		{rrs(t, "example.org. MX 10 mx.example.org."), false},
	} {
		if got := isNull(recordsOf(c.records)); got != c.null {
			t.Errorf("%v: null %v", c.records, got)
		}
	}
}

// wall forbids the documentation prefix 192.0.2.0/24.
func wall(a netip.Addr) error {
	if netip.MustParsePrefix("192.0.2.0/24").Contains(a) {
		return errors.New(a.String() + " is not contacted")
	}
	return nil
}

func TestFill(t *testing.T) {
	secure, insecure, bogus := report.Trust{State: report.Secure}, report.Trust{State: report.Insecure}, report.Trust{State: report.Bogus}
	for _, c := range []struct {
		why       string
		a, aaaa   resolve.Answer
		state     report.State
		notTested string
		failure   string
		addresses string
	}{
		{"both families", resolve.Answer{Trust: secure, Records: rrs(t, "m. A 198.41.0.4")},
			resolve.Answer{Trust: secure, Records: rrs(t, "m. AAAA 2001:503::1")},
			report.Secure, "", "", "198.41.0.4 2001:503::1"},
		{"a family without addresses does not count", resolve.Answer{Trust: secure, Records: rrs(t, "m. A 198.41.0.4")},
			resolve.Answer{Trust: insecure}, report.Secure, "", "", "198.41.0.4"},
		{"of two families with addresses the worse counts", resolve.Answer{Trust: secure, Records: rrs(t, "m. A 198.41.0.4")},
			resolve.Answer{Trust: insecure, Records: rrs(t, "m. AAAA 2001:503::1")}, report.Insecure, "", "", "198.41.0.4 2001:503::1"},
		{"a denial that does not validate, beside addresses that do", resolve.Answer{Trust: secure, Records: rrs(t, "m. A 198.41.0.4")},
			resolve.Answer{Trust: bogus}, report.Secure, "", "", "198.41.0.4"},
		{"addresses that do not validate, beside such as do", resolve.Answer{Trust: bogus, Records: rrs(t, "m. A 198.41.0.4")},
			resolve.Answer{Trust: secure, Records: rrs(t, "m. AAAA 2001:503::1")}, report.Secure, "", "", "198.41.0.4 2001:503::1"},
		{"none that can be used: the worse state counts", resolve.Answer{Trust: bogus, Records: rrs(t, "m. A 198.41.0.4")},
			resolve.Answer{Trust: secure}, report.Bogus, "", "", "198.41.0.4"},
		{"three addresses", resolve.Answer{Records: rrs(t, "m. A 198.41.0.6", "m. A 198.41.0.4", "m. A 198.41.0.5", "m. A 198.41.0.4")},
			resolve.Answer{}, "", "", "", "198.41.0.4 198.41.0.5 198.41.0.6(limit)"},
		{"a forbidden one does not use up a place", resolve.Answer{Records: rrs(t, "m. A 192.0.2.1", "m. A 198.41.0.5", "m. A 198.41.0.6")},
			resolve.Answer{}, "", "", "", "192.0.2.1(forbidden) 198.41.0.5 198.41.0.6"},
		{"all forbidden", resolve.Answer{Records: rrs(t, "m. A 192.0.2.1")},
			resolve.Answer{Records: []dns.RR{&dns.AAAA{AAAA: netip.MustParseAddr("::ffff:198.41.0.4").AsSlice()}}},
			"", "forbidden", "", "192.0.2.1(forbidden) ::ffff:198.41.0.4(mapped)"},
		{"no such name", resolve.Answer{Rcode: dns.RcodeNameError}, resolve.Answer{Rcode: dns.RcodeNameError}, "", "no-address", "nxdomain", ""},
		{"no data", resolve.Answer{}, resolve.Answer{}, "", "no-address", "no-data", ""},
		{"one question without an answer", resolve.Answer{Records: rrs(t, "m. A 198.41.0.4")},
			resolve.Answer{Failure: &report.Failure{Kind: "servfail"}}, "", "", "servfail", "198.41.0.4"},
	} {
		h := &report.Host{Name: "m"}
		fill(h, wall, &c.a, &c.aaaa)
		var got []string
		for _, a := range h.Addresses {
			s := a.IP
			if a.NotTested != "" {
				s += "(" + string(a.NotTested) + ")"
			}
			got = append(got, s)
		}
		kind := report.Kind("")
		if h.Failure != nil {
			kind = h.Failure.Kind
		}
		if h.DNSSEC.State != c.state || string(h.NotTested) != c.notTested || string(kind) != c.failure || strings.Join(got, " ") != c.addresses {
			t.Errorf("%s: state %q, not tested %q, failure %q, addresses %q", c.why, h.DNSSEC.State, h.NotTested, kind, got)
		}
	}
}

func TestFillFollowsTheAlias(t *testing.T) {
	h := &report.Host{Name: "mx.example.org"}
	steps := []report.Alias{{Name: "mx.example.org.", Target: "real.example.net."}}
	a := &resolve.Answer{Type: dns.TypeA, Name: "mx.example.org.", Canonical: "real.example.net.", Records: rrs(t, "real.example.net. A 198.41.0.4"), Trust: report.Trust{State: report.Secure, Steps: steps}}
	fill(h, wall, a, &resolve.Answer{Name: "mx.example.org.", Canonical: "real.example.net.", Trust: report.Trust{State: report.Secure, Steps: steps}})
	if len(h.Families) != 2 || h.Families[0].Type != "A" || h.Families[0].Addresses != 1 || h.Families[1].Addresses != 0 {
		t.Errorf("families %+v", h.Families)
	}
	if h.Canonical != "real.example.net" || len(h.DNSSEC.Steps) != 1 {
		t.Errorf("canonical %q, steps %v", h.Canonical, h.DNSSEC.Steps)
	}
}

func TestFillBoundsTheAddresses(t *testing.T) {
	var a, aaaa resolve.Answer
	for i := range 200 {
		a.Records = append(a.Records, rrs(t, fmt.Sprintf("m. A 198.41.1.%d", i))...)
		aaaa.Records = append(aaaa.Records, rrs(t, fmt.Sprintf("m. AAAA 2001:503::%x", i))...)
	}
	h := &report.Host{Name: "m"}
	fill(h, wall, &a, &aaaa)
	tested := 0
	for _, a := range h.Addresses {
		if a.NotTested == "" {
			tested++
		}
	}
	if len(h.Addresses) != 2*maxAddresses || tested != 2*maxTested {
		t.Errorf("%d addresses, %d of them tested", len(h.Addresses), tested)
	}
}

func TestNeighbourRecords(t *testing.T) {
	txt := (&resolve.Answer{Records: rrs(t, `d. TXT "some-verification=1"`, `d. TXT "v=spf1 include:a " "-all"`, `d. TXT "V=DMARC1; p=none"`)}).Texts()
	if got := tagged(txt, "v=spf1"); got != "v=spf1 include:a -all" {
		t.Errorf("SPF %q", got)
	}
	if got := tagged(txt, "v=DMARC1"); got != "V=DMARC1; p=none" {
		t.Errorf("DMARC %q", got)
	}
	if got := tagged(txt, "v=other"); got != "" {
		t.Errorf("other %q", got)
	}
}
