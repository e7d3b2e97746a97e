package senders

import (
	"context"
	"net"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"mxseal/checks/report"
)

// answers is a DNS with some records, by name and type.
type answers map[string][]string

func (a answers) lookup(_ context.Context, name string, qtype uint16) *report.Lookup {
	l := &report.Lookup{Name: name, Type: dns.TypeToString[qtype], Rcode: "NXDOMAIN", Records: a[name+" "+dns.TypeToString[qtype]]}
	if len(l.Records) > 0 {
		l.Rcode, l.DNSSEC.State = "NOERROR", report.Secure
	}
	return l
}

// world is that in which nothing is missing for an instance.
func (i *instance) world() answers {
	all := answers{"ns." + i.origin() + " A": {"ns." + i.origin() + " 30 IN A " + i.addresses(dnsRole)[0].String()}, i.origin() + " DS": {i.DS()}}
	for _, r := range i.Roles {
		reverse, err := dns.ReverseAddr(r.Addr.String())
		if err != nil {
			i.t.Fatal(err)
		}
		all[reverse+" PTR"] = []string{reverse + " 30 IN PTR mail." + i.origin()}
	}
	return all
}

// failures are the conditions that are not met, as “need of”.
func failures(list []Condition) (all []string) {
	for _, c := range list {
		if c.State == report.ConditionFailed {
			all = append(all, string(c.Need)+" "+c.Of)
		}
	}
	return all
}

func TestSelfTest(t *testing.T) {
	i := start(t, filepath.Join(t.TempDir(), "mxseal.db"))
	if i.Tested() != nil {
		t.Error("a self-test has ended that nobody has begun")
	}
	list := i.SelfTest(t.Context(), i.world().lookup)
	if bad := failures(list); len(bad) > 0 {
		t.Errorf("not met: %q", bad)
	}
	if i.Tested() == nil || len(i.Tested().Conditions) != len(list) {
		t.Error("nobody remembers the self-test")
	}
	ports := 0
	for _, c := range list {
		if c.Need == NeedPort {
			ports++
		}
	}
	if ports != len(i.Roles)+1 {
		t.Errorf("%d ports are tried", ports)
	}
}

// Whatever is missing is found, with the record or command that mends it.
func TestSelfTestFindsWhatIsMissing(t *testing.T) {
	i := start(t, filepath.Join(t.TempDir(), "mxseal.db"))
	other, err := net.Listen("tcp4", "127.44.9.9:0") // somebody else's server
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	go func() {
		for c, err := other.Accept(); err == nil; c, err = other.Accept() {
			c.Write([]byte("220 mail.elsewhere.example ESMTP\r\n"))
			c.Close()
		}
	}()
	at := netip.MustParseAddrPort(other.Addr().String())
	reverse, err := dns.ReverseAddr(i.Roles[2].Addr.String())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		spoil func(*Config, answers)
		want  string // need and of
		mend  string
	}{
		{"no delegation", func(_ *Config, a answers) { delete(a, "ns."+i.origin()+" A") }, "delegation " + zoneName, "ns." + zoneName + ". A 127.44.0.1"},
		{"no DS record", func(_ *Config, a answers) { delete(a, i.origin()+" DS") }, "ds " + zoneName, strings.Join(strings.Fields(i.DS()), " ")},
		{"the DS record of another key", func(_ *Config, a answers) { a[i.origin()+" DS"] = []string{i.origin() + " 30 IN DS 1 13 2 00"} }, "ds " + zoneName, strings.Join(strings.Fields(i.DS()), " ")},
		{"no PTR record", func(_ *Config, a answers) { delete(a, reverse+" PTR") }, "ptr " + i.Roles[2].Addr.String(), reverse + " PTR NAME"},
		{"another server", func(c *Config, a answers) { c.Roles[2].Addr, c.Roles[2].Port = at.Addr(), at.Port() }, "port " + at.String() + " by TCP (honest)", ""},
		{"an IPv6 network that does not lead here", func(c *Config, a answers) {
			c.Roles = append(c.Roles, Role{Net: netip.MustParsePrefix("2001:db8:1:2::/64"), As: allRole})
		}, "port [2001:db8:1:2:", "ip -6 route add local 2001:db8:1:2::/64 dev lo"},
		{"no IPv4", func(c *Config, a answers) { c.Roles = c.Roles[:3] }, "ipv4 tls1.0", "--sender-listen ADDRESS=tls1.0"},
		{"no certificate", func(c *Config, a answers) { c.Certificates = made{} }, "certificate *." + zoneName, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg, world := i.Config, i.world()
			cfg.Roles = append([]Role{}, cfg.Roles...)
			c.spoil(&cfg, world)
			side, err := New(t.Context(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			found := false
			for _, one := range side.SelfTest(t.Context(), world.lookup) {
				if one.State != report.ConditionFailed || !strings.HasPrefix(string(one.Need)+" "+one.Of, c.want) {
					continue
				}
				found = true
				if !strings.Contains(strings.Join(one.Wants, "\n"), c.mend) {
					t.Errorf("it is mended by %q", one.Wants)
				}
			}
			if !found {
				t.Errorf("not found; failed are %q", failures(side.Tested().Conditions))
			}
		})
	}
}
