package resolve

import (
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

func TestCAAOf(t *testing.T) {
	var caa []dns.RR
	for _, line := range []string{`d. CAA 0 ISSUE "letsencrypt.org; accounturi=https://a/1"`, `d. CAA 0 iodef "mailto:a@example.org"`} {
		rr, err := dns.NewRR(line)
		if err != nil {
			t.Fatal(err)
		}
		caa = append(caa, rr)
	}
	if got, whole := caaOf(caa); !whole || !slices.Equal(got, []string{"iodef mailto:a@example.org", "issue letsencrypt.org; accounturi=https://a/1"}) {
		t.Errorf("%q", got)
	}
	for range 30 { // a part of them would forbid what the others allow
		caa = append(caa, &dns.CAA{Tag: "issue", Value: strings.Repeat("x", 80)})
	}
	if got, whole := caaOf(caa); whole || got != nil {
		t.Errorf("%d of them are taken for all", len(got))
	}
}
