package resolve

import (
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"mxseal/checks/report"
)

func TestTexts(t *testing.T) {
	a := &Answer{Records: []dns.RR{
		&dns.TXT{Txt: []string{"v=STSv1; ", "id=1"}},            // the strings of a record are joined as they are
		&dns.TXT{Txt: []string{`\"quoted\" \\ \228\009`}},       // escapes of the library are taken back; what is no UTF-8 is replaced
		&dns.TXT{Txt: []string{`v=TLSRPTv1; `, `rua=\"x\"\a\`}}, // a lone backslash stays
		&dns.A{}, // another type is not read
	}}
	want := []string{"\"quoted\" \\ \ufffd ", "v=STSv1; id=1", `v=TLSRPTv1; rua="x"a\`}
	if got := a.Texts(); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	for range 30 {
		a.Records = append(a.Records, &dns.TXT{Txt: []string{"one more"}})
	}
	if n := len(a.Texts()); n != maxTexts {
		t.Errorf("%d texts are kept, want %d", n, maxTexts)
	}
}

// Of more than is kept, those that say what they are for are kept.
func TestTextsWithinOctets(t *testing.T) {
	a := &Answer{Records: []dns.RR{&dns.TXT{Txt: []string{"zone check"}}, &dns.TXT{Txt: []string{"v=STSv1; id=1"}}, &dns.TXT{Txt: []string{"  V=spf1 -all"}}}}
	for i := range 40 {
		a.Records = append(a.Records, &dns.TXT{Txt: []string{string(rune('a' + i%26)), strings.Repeat("<", 190)}})
	}
	octets := 0
	texts := a.Texts()
	for _, s := range texts {
		octets += report.Octets(s)
	}
	if octets > maxTextOctets || len(texts) < 4 || !slices.IsSorted(texts) {
		t.Errorf("%d texts of %d octets as JSON", len(texts), octets)
	}
	for _, wanted := range []string{"v=STSv1; id=1", "  V=spf1 -all"} {
		if !slices.Contains(texts, wanted) {
			t.Errorf("%q is not kept", wanted)
		}
	}
}

func TestAddresses(t *testing.T) {
	a := &Answer{Records: []dns.RR{
		&dns.AAAA{AAAA: net.ParseIP("2001:db8::1")},
		&dns.A{A: net.IPv4(192, 0, 2, 2)},
		&dns.A{A: net.IPv4(192, 0, 2, 1)},
		&dns.A{A: net.IPv4(192, 0, 2, 1)},                   // twice
		&dns.AAAA{AAAA: net.ParseIP("::ffff:192.0.2.3")},    // mapped: stays so, for it is a finding
		&dns.MX{Mx: "mx.example."}, &dns.A{A: net.IP{1, 2}}, // no addresses
	}}
	var got []string
	for _, addr := range a.Addresses() {
		got = append(got, addr.String())
	}
	if want := []string{"192.0.2.1", "192.0.2.2", "2001:db8::1", "::ffff:192.0.2.3"}; len(got) != len(want) || !slices.Equal(slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))) {
		t.Errorf("%q, want %q", got, want)
	}
}
