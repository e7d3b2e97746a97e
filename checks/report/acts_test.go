package report

import (
	"strings"
	"testing"
)

func TestWhoActs(t *testing.T) {
	secure := func(zone string) Link { return Link{Zone: zone, State: Secure, DS: []DS{{Tag: 1}}} }
	ends := func(zone string, s State, ds ...DS) Link { return Link{Zone: zone, State: s, DS: ds} }
	for _, c := range []struct {
		why, reason string
		chain       []Link
		state       State
		want        string
	}{
		{"secure: nobody", "", []Link{secure("."), secure("org")}, Secure, ""},
		{"not signed: the owner", "no-ds", []Link{secure("."), secure("org"), ends("example.org", Insecure)}, Insecure, "The owner of example.org:"},
		{"a wrong DS: the owner at the registrar", "ds-mismatch", []Link{secure("."), secure("org"), ends("example.org", Bogus, DS{})}, Bogus, "The owner of example.org, at the registrar"},
		{"keys not signed: the DNS host", "rrsig-missing", []Link{secure("."), secure("org"), ends("example.org", Bogus, DS{})}, Bogus, "The DNS host of example.org"},
		{"the answer not signed: the DNS host", "rrsig-missing", []Link{secure("."), secure("org"), secure("example.org")}, Bogus, "The DNS host of example.org"},
		{"the DS not signed, not even denied: the zone above", "nsec-missing", []Link{secure("."), secure("org"), ends("example.org", Bogus)}, Bogus, "The operator of the top-level domain org"},
		{"the same under a DNS host", "nsec-missing", []Link{secure("."), secure("org"), secure("example.org"), ends("a.example.org", Bogus)}, Bogus, "The DNS host of example.org"},
		{"a top-level domain broken", "signature-expired", []Link{secure("."), ends("org", Bogus, DS{})}, Bogus, "The operator of the top-level domain org"},
		{"a top-level domain denied wrongly", "nsec-missing", []Link{secure("."), ends("org", Bogus)}, Bogus, "The operators of the root zone"},
		{"an opt-out span: whoever owns the name", "opt-out", []Link{secure("."), secure("org")}, Insecure, "The owner of the domain:"},
		{"our own resolver", "upstream-not-dnssec-capable", []Link{ends(".", Indeterminate)}, Indeterminate, "Nobody at the domain."},
		{"our own clock", "own-clock-wrong", []Link{ends(".", Indeterminate)}, Indeterminate, "Nobody at the domain."},
		{"no answer and no chain", "lookup-failed", nil, Indeterminate, "The DNS host of the domain"},
		{"with trailing dots", "no-ds", []Link{secure("."), secure("org."), ends("example.org.", Insecure)}, Insecure, "The owner of example.org:"},
	} {
		got := Trust{State: c.state, Reason: c.reason, Chain: c.chain}.WhoActs()
		if c.want == "" && got != "" || !strings.HasPrefix(got, c.want) || got != "" && !strings.HasSuffix(got, ".") {
			t.Errorf("%s: %q, want %q", c.why, got, c.want)
		}
	}
}
