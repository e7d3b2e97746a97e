package resolve

import (
	"slices"
	"testing"

	"github.com/miekg/dns"
)

func TestNamesOfAnAddress(t *testing.T) {
	rr, err := dns.NewRR("4.0.41.198.in-addr.arpa. PTR MX.example.org.")
	if err != nil {
		t.Fatal(err)
	}
	if got := namesOf([]dns.RR{rr}); !slices.Equal(got, []string{"mx.example.org"}) {
		t.Errorf("PTR %q", got)
	}
}
