package checks_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"mxseal/checks"
	"mxseal/checks/lab"
	"mxseal/checks/report"
)

// A host is looked at so many times an hour, whoever asks; beyond it the last look serves,
// with its time, and never a verdict that nobody saw.
func TestAHostIsLookedAtSoOften(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, e := world(t, lab.Options{}, func(c *checks.Config) { c.HostLooks = 3; c.Depth = report.Quick })
		var ip string
		looks, dialled := 0, 0
		for i := range 12 { // each asks again after two minutes: without a bound every check is a look
			r := scan(t, e, []string{"certificate.test", "signed-domain.test"}[i/2%2])
			a := r.Hosts[0].Addresses[0]
			if ip = a.IP; l.Dialled(ip) > dialled {
				looks++
			} else if a.SeenAt == nil {
				t.Errorf("check %d rests on an earlier look and does not say so", i)
			}
			dialled = l.Dialled(ip)
			if r.Grade.Letter != "C" {
				t.Errorf("check %d: %s", i, r.Grade.Letter)
			}
			time.Sleep(2 * time.Minute)
		}
		if looks != 3 {
			t.Errorf("%d looks within the hour, want 3", looks)
		}
		time.Sleep(time.Hour)
		if r := scan(t, e, "certificate.test"); l.Dialled(ip) == dialled || r.Hosts[0].Addresses[0].SeenAt != nil {
			t.Error("the next hour has no look")
		}
	})
}

// What fails is not remembered. Once it was tried often enough it is untested, by our doing.
func TestAHostThatFailsIsTriedSoOften(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, e := world(t, lab.Options{}, func(c *checks.Config) { c.HostLooks = 2; c.Depth = report.Quick })
		first := scan(t, e, "unreachable.test")
		scan(t, e, "unreachable.test")
		dialled := l.Dialled(first.Hosts[0].Addresses[0].IP)
		r := scan(t, e, "unreachable.test")
		a := r.Hosts[0].Addresses[0]
		if l.Dialled(a.IP) != dialled {
			t.Error("it was tried a third time")
		}
		if !fired(r, "NET-08") || fired(r, "NET-01") || r.Grade.Letter != "T" || !strings.Contains(a.Failure.Text, "2 times from here within an hour") {
			t.Errorf("%s, %+v\n%s", r.Grade.Letter, a.Failure, outline(r))
		}
	})
}

// Who asks to be left alone is, under whatever name he is found, and nobody's letter is the
// worse for it.
func TestWhoHasOptedOutIsNotContacted(t *testing.T) {
	address := func(t *testing.T, e *checks.Engine, domain string, host int) string {
		return scan(t, e, domain).Hosts[host].Addresses[0].IP
	}
	for _, c := range []struct {
		why, domain string
		optedOut    func(host, ip string) func(string, netip.Addr) bool
		letter      report.Letter
		provisional bool
		rules       string
	}{
		{"the only host, by its name", "certificate.test", byName, "T", false, "NET-08 NET-02"},
		{"the only host, by its address", "certificate.test", byAddress, "T", false, "NET-08 NET-02"},
		{"a backup without TLS: the letter is that of what was seen", "backup-cleartext.test", byName, "C", true, "NET-08"},
		{"the policy host", "sts.test", func(string, string) func(string, netip.Addr) bool {
			return func(host string, _ netip.Addr) bool { return host == "mta-sts.sts.test" }
		}, "C", true, "STS-42"},
		{"the policy host of a domain with DANE", "perfect.test", func(string, string) func(string, netip.Addr) bool {
			return func(host string, _ netip.Addr) bool { return host == "mta-sts.perfect.test" }
		}, "A", true, "STS-42"},
	} {
		synctest.Test(t, func(t *testing.T) {
			_, e := world(t, lab.Options{}, func(c *checks.Config) { c.Depth = report.Quick })
			before := scan(t, e, c.domain)
			h := before.Hosts[len(before.Hosts)-1]
			ip := address(t, e, c.domain, len(before.Hosts)-1)
			l, e := world(t, lab.Options{}, func(cfg *checks.Config) { cfg.OptedOut, cfg.Depth = c.optedOut(h.Name, ip), report.Quick })
			r := scan(t, e, c.domain)
			for rule := range strings.FieldsSeq(c.rules) {
				if !fired(r, rule) {
					t.Errorf("%s: %s does not fire\n%s", c.why, rule, outline(r))
				}
			}
			if r.Grade.Letter != c.letter || r.Grade.Provisional != c.provisional {
				t.Errorf("%s: %s, provisional %v\n%s", c.why, r.Grade.Letter, r.Grade.Provisional, outline(r))
			}
			for _, f := range r.Findings {
				if f.Verdict == report.Fail && !slices.ContainsFunc(before.Findings, func(o report.Finding) bool { return o.Rule == f.Rule }) {
					t.Errorf("%s: %s is held against the domain", c.why, f.Rule)
				}
			}
			if strings.Contains(c.rules, "NET-08") && l.Dialled(ip) > 0 {
				t.Errorf("%s: %s was contacted", c.why, ip)
			}
			if strings.Contains(c.rules, "STS-42") && (r.MTASTS.State != "absent" || r.MTASTS.Raw != "") {
				t.Errorf("%s: the policy is %s", c.why, r.MTASTS.State)
			}
		})
	}
}

func byName(name, _ string) func(string, netip.Addr) bool {
	return func(host string, _ netip.Addr) bool { return host == name }
}

func byAddress(_, ip string) func(string, netip.Addr) bool {
	return func(_ string, a netip.Addr) bool { return a.String() == ip }
}
