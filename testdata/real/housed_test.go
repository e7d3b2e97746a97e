package real

import (
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"mxseal/checks/sender"
	receiver "mxseal/web/senders"
)

// TestHousedTraps has an IPv6 network in which every trap of every test has its own address, beside
// addresses of IPv4. Postfix comes by one, by the other and by whichever it likes, OpenSMTPD by IPv6.
func TestHousedTraps(t *testing.T) {
	const network, from = "2001:db8:1:2::/64", "2001:db8:9::1"
	p := newPost(t, "housed", trapAddresses())
	p.IP["opensmtpd-verify"] = from
	for _, args := range [][]string{{"-6", "route", "add", "local", network, "dev", "lo"}, {"-6", "addr", "add", from + "/128", "dev", "lo", "nodad"},
		{"-6", "addr", "add", "2001:db8:3::1/128", "dev", "lo", "nodad"}} {
		p.must(p.space.IP(args...))
	}
	side := p.openTraps(4, network+"=all", "2001:db8:3::1=honest", "2001:db8:3::1=policy")
	p.Levels = map[string][]string{}
	for _, level := range []string{"none", "encrypt", "dane-only", "verify", "secure"} {
		p.Levels[level] = []string{"smtp_tls_security_level=" + level}
	}
	p.Levels["dane"] = []string{"smtp_tls_security_level=dane", "smtp_dns_support_level=dnssec", "inet_protocols=ipv6", "inet_interfaces=all", "smtp_bind_address=", "smtp_bind_address6=" + from}
	p.Levels["may"] = []string{"smtp_tls_security_level=may", "inet_protocols=all", "smtp_bind_address6=" + from}
	p.Levels["mta-sts"] = []string{"smtp_tls_security_level=may", "smtp_tls_policy_maps=socketmap:inet:" + p.IP["policies"] + ":8461:postfix"}
	p.must(p.space.Bind(filepath.Join(p.Dir, "ca.pem"), "/etc/ssl/certs/ca-certificates.crt"))
	p.startSenders("traps")
	p.startPolicies()

	list := []struct {
		realSender
		six, four bool // by which of them it comes
	}{
		{realSender{name: "postfix-dane", row: sender.RowLenient, letter: "A", runs: sender.Postfix}, true, false},
		{realSender{name: "postfix-may", row: sender.RowOrdinary, letter: "C", runs: sender.Postfix}, true, true},
		{realSender{name: "postfix-mta-sts", row: sender.RowMTASTS, letter: "B", runs: sender.Postfix}, false, true},
		// At an address that has failed it does not try again for a while: where all traps share one, that takes minutes.
		{realSender{name: "opensmtpd-verify", row: sender.RowPKIX, letter: "C", runs: sender.OpenSMTPD}, true, false},
	}
	ids, began := make([]string, len(list)), time.Now()
	for i, s := range list {
		id, err := side.Start(t.Context(), netip.AddrFrom4([4]byte{192, 0, byte(i), 1}))
		p.must(err)
		e, err := side.Evidence(t.Context(), id)
		p.must(err)
		if len(e.Missing) > 0 {
			t.Fatalf("not offered: %v", e.Missing)
		}
		ids[i] = id
		daemon, _, _ := strings.Cut(s.name, "-")
		p.must(p.submit(p.IP[daemon], s.name, receiver.Addresses(e)...))
	}
	verdicts := p.awaitVerdicts(side, ids, began, 110*time.Second)
	for i, s := range list {
		t.Run(s.name, func(t *testing.T) {
			s.compare(t, verdicts[i])
			six := func(one sender.Session) bool { return one.From.Is6() }
			four := func(one sender.Session) bool { return one.From.Is4() }
			if sessions := verdicts[i].evidence.Sessions; slices.ContainsFunc(sessions, six) != s.six || slices.ContainsFunc(sessions, four) != s.four {
				t.Errorf("it came by IPv6 %v and by IPv4 %v", slices.ContainsFunc(sessions, six), slices.ContainsFunc(sessions, four))
			}
			for _, one := range verdicts[i].evidence.Sessions {
				if one.From.Is6() && one.Named == "" && len(one.Messages) == 0 {
					t.Errorf("of a conversation with an address of its own nobody knows the trap: %+v", one)
				}
			}
			if t.Failed() {
				t.Logf("%s\nPostfix: %.4000s", trapTable([]realSender{s.realSender}, verdicts[i:i+1]), linesWith(p.Read("postfix.log"), s.name+"/")+linesWith(p.Read("postfix.log"), "fatal"))
			}
		})
	}
}
