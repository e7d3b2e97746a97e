package resolve

import (
	"slices"
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
}
