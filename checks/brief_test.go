package checks

import (
	"net/netip"
	"testing"

	"mxseal/checks/report"
)

// A look at everything under a name serves those who want its certificates alone; what was
// seen of the certificates does not serve those who want everything.
func TestAWholeLookServesABriefOne(t *testing.T) {
	c := newHostCache(-1)
	at := netip.MustParseAddrPort("127.0.0.1:25")
	made := 0
	look := func(name string, brief bool, domain string) bool {
		_, reused, _ := c.look(t.Context(), wish{hostKey: hostKey{name: name, at: at, brief: brief}, domain: domain,
			may: func(bool) error { return nil },
			scan: func(bool) report.Address {
				made++
				return report.Address{Reachable: true, SMTP: &report.SMTP{STARTTLS: "not-offered"}}
			}})
		return reused != nil
	}
	for i, step := range []struct {
		name   string
		brief  bool
		domain string
		reused bool
	}{
		{"real.test", true, "a.test", false},
		{"real.test", true, "b.test", true},
		{"real.test", false, "c.test", false},
		{"real.test", true, "d.test", true},
		{"other.test", true, "d.test", false},
	} {
		if reused := look(step.name, step.brief, step.domain); reused != step.reused {
			t.Errorf("step %d: reused %v, want %v", i, reused, step.reused)
		}
	}
	if made != 3 {
		t.Errorf("%d looks, want 3", made)
	}
}
