package senders

import (
	"log/slog"
	"net"
	"net/netip"
	"path/filepath"
	"testing"

	"mxseal/checks/sender"
	"mxseal/web/store/sqlite"
)

func TestParseRole(t *testing.T) {
	for text, at := range map[string]string{
		"192.0.2.1=honest":                        "192.0.2.1:25",
		"192.0.2.1:2525=honest":                   "192.0.2.1:2525",
		"2001:db8::1=tls1.0":                      "[2001:db8::1]:25",
		"192.0.2.80=policy@127.0.0.1:8443":        "127.0.0.1:8443",
		"192.0.2.1=no-starttls@[2001:db8::1]:587": "[2001:db8::1]:587",
	} {
		if r, err := ParseRole(text); err != nil || r.at(mailPort).String() != at {
			t.Errorf("%s listens at %v, %v", text, r.at(mailPort), err)
		}
	}
	if r, err := ParseRole("2001:db8:1:2::9/64=all"); err != nil || r.Net.String() != "2001:db8:1:2::/64" {
		t.Errorf("%+v, %v", r, err)
	}
	for _, text := range []string{"", "192.0.2.1", "192.0.2.1=honesty", "nobody=honest", "192.0.2.0/24=all", "2001:db8::/80=all", "2001:db8::/64=all@[::1]:25", "192.0.2.1=honest@127.0.0.1", "192.0.2.1=honest@"} {
		if r, err := ParseRole(text); err == nil {
			t.Errorf("%q is %+v", text, r)
		}
	}
}

// Sockets that somebody has opened are used; one that no role asks for is an error.
func TestSocketsThatAreGiven(t *testing.T) {
	reports, err := sqlite.Open(filepath.Join(t.TempDir(), "mxseal.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer reports.Close()
	cfg := Config{Zone: zoneName, Store: reports, Certificates: makeCertificates(t), Log: slog.New(slog.DiscardHandler), Roles: roles(t)}
	for _, r := range cfg.Roles {
		at := netip.AddrPortFrom(r.Addr, r.Port).String()
		if r.As == dnsRole {
			p, err := net.ListenPacket("udp4", at)
			if err != nil {
				t.Fatal(err)
			}
			cfg.Sockets.Packets = append(cfg.Sockets.Packets, p)
		}
		l, err := net.Listen("tcp4", at)
		if err != nil {
			t.Fatal(err)
		}
		cfg.Sockets.Streams = append(cfg.Sockets.Streams, l)
	}
	for n, fits := range []bool{true, false} {
		if !fits { // all are closed by now
			cfg.Roles = cfg.Roles[:1]
			cfg.Sockets = Sockets{}
			l, err := net.Listen("tcp4", "127.44.7.7:0")
			if err != nil {
				t.Fatal(err)
			}
			cfg.Sockets.Streams = []net.Listener{l}
		}
		side, err := New(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		l, err := side.Listen()
		if (err == nil) != fits {
			t.Errorf("case %d: %v", n, err)
		}
		if l == nil {
			continue
		}
		i := &instance{side, t, cfg.Roles[0].Port}
		if c := i.testQuestion(t.Context(), cfg.Roles[0]); c.State != "ok" {
			t.Errorf("it does not answer: %+v", c)
		}
		l.close()
	}
}

// Beside an IPv6 network the addresses of roles in IPv6 have no sockets of their own.
func TestRolesBesideANetwork(t *testing.T) {
	side := &Senders{Config: Config{Roles: []Role{{Net: netip.MustParsePrefix("2001:db8:1:2::/64"), As: allRole}, {Addr: netip.MustParseAddr("2001:db8::1"), As: sender.Honest}}}}
	l := &Listening{Senders: side}
	if err := l.role(side.Roles[1]); err != nil || len(l.sockets) != 0 {
		t.Errorf("%d sockets, %v", len(l.sockets), err)
	}
}
