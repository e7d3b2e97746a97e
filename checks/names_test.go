package checks_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"mxseal/checks"
	"mxseal/checks/lab"
	"mxseal/checks/report"
)

// Behind a signed alias DANE is judged at the alias, and a forged address is held back by a
// key there and by nothing else.
func TestASignedAliasOfAnUnsignedHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, e := world(t, lab.Options{}, func(c *checks.Config) { c.Depth = report.Quick })
		for _, c := range []struct {
			domain, tlsa string
			letter       report.Letter
			broken       bool
			forged       report.Outcome // DNS forged, of a sender that checks DANE
		}{
			{"alias-key.test", "match", "A", false, report.Defer},
			{"alias-stale-key.test", "mismatch", "D", true, report.Defer},
			{"alias-keyless.test", "none", "C", false, report.Stolen},
			{"tlsa-nowhere.test", "none", "C", false, report.Defer},
			{"tlsa-nothing.test", "none", "C", false, report.Defer},
			{"tlsa-dead.test", "lookupfail", "D", true, report.Defer},
		} {
			r := scan(t, e, c.domain)
			if h := r.Hosts[0]; string(h.TLSA.State) != c.tlsa || r.Grade.Letter != c.letter || slices.Contains(r.Grade.Broken, "dane") != c.broken {
				t.Errorf("%s: TLSA %s, letter %s, broken %v", c.domain, h.TLSA.State, r.Grade.Letter, r.Grade.Broken)
			}
			if got := r.Matrix["S2"]["A4"]; got != c.forged {
				t.Errorf("%s: with forged DNS %s, want %s", c.domain, got, c.forged)
			}
			if fired(r, "SEC-07") || fired(r, "DAN-02") {
				t.Errorf("%s: it is said that DANE does not apply\n%s", c.domain, outline(r))
			}
			if strings.HasPrefix(c.domain, "tlsa-n") && fired(r, "DAN-03") {
				t.Errorf("%s: a record is asked for beside an alias", c.domain)
			}
		}
	})
}

// A family that fails beside one that holds is a warning; both trusts are in the report.
func TestOneFamilyIsEnoughForDANE(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, e := world(t, lab.Options{}, func(c *checks.Config) { c.Depth = report.Quick })
		for domain, six := range map[string]report.State{"half-servfail.test": report.Indeterminate, "half-denied.test": report.Bogus} {
			r := scan(t, e, domain)
			h := r.Hosts[0]
			if h.DNSSEC.State != report.Secure || len(h.Families) != 2 || h.Families[0].DNSSEC.State != report.Secure || h.Families[1].DNSSEC.State != six {
				t.Errorf("%s: %s, families %+v", domain, h.DNSSEC.State, h.Families)
			}
			if r.Grade.Letter != "A" || h.TLSA.State != "match" || !fired(r, "MX-28") || fired(r, "MX-25") || fired(r, "SEC-03") {
				t.Errorf("%s: %s, TLSA %s\n%s", domain, r.Grade.Letter, h.TLSA.State, outline(r))
			}
		}
	})
}

// What was not seen stands beside the letter. A dead address of a host that answered costs
// the A+ and makes nothing provisional.
func TestADeadAddressCostsTheBestLetterOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, e := world(t, lab.Options{}, func(c *checks.Config) { c.Depth = report.Quick })
		r := scan(t, e, "one-dead.test")
		if g := r.Grade; g.Letter != "A" || g.Provisional || !slices.Equal(g.Because, []string{"NET-09"}) || !slices.Equal(g.NotSeen, []string{"127.77.148.99 of mx.one-dead.test"}) {
			t.Errorf("%s, provisional %v, because %v: %s", g.Letter, g.Provisional, g.Because, g.Sentence)
		}
		r.Hosts[0].Addresses = slices.DeleteFunc(r.Hosts[0].Addresses, func(a *report.Address) bool { return !a.Reachable })
		if checks.Conclude(r); r.Grade.Letter != "A+" {
			t.Errorf("without it: %s", r.Grade.Letter)
		}
	})
}
