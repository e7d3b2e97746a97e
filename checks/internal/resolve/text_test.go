package resolve

import (
	"slices"
	"testing"

	"github.com/miekg/dns"
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
