package limit

import (
	"log/slog"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

func TestWhoAsks(t *testing.T) {
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8:ff::/48")}
	for _, c := range []struct {
		peer      string
		forwarded []string
		client    string
		why       string
	}{
		{"192.0.2.1:9", nil, "192.0.2.1", "no proxy"},
		{"[::ffff:192.0.2.1]:9", nil, "192.0.2.1", "an IPv4 client on a socket for both"},
		{"[2001:db8::1]:9", nil, "2001:db8::1", "IPv6"},
		{"192.0.2.1:9", []string{"198.51.100.9"}, "192.0.2.1", "a header nobody vouches for"},
		{"10.1.2.3:9", []string{"198.51.100.9"}, "198.51.100.9", "the proxy that was named"},
		{"[::ffff:10.1.2.3]:9", []string{"198.51.100.9"}, "198.51.100.9", "the same in its IPv6 form"},
		{"[2001:db8:ff::1]:9", []string{"2001:db8:7::1"}, "2001:db8:7::1", "all over IPv6"},
		{"10.1.2.3:9", []string{"203.0.113.5, 198.51.100.9"}, "198.51.100.9", "what the client wrote itself stands to the left"},
		{"10.1.2.3:9", []string{"203.0.113.5, 198.51.100.9, 10.9.9.9, 2001:db8:ff::2"}, "198.51.100.9", "several proxies"},
		{"10.1.2.3:9", []string{"203.0.113.5", "198.51.100.9"}, "198.51.100.9", "two headers are one list"},
		{"10.1.2.3:9", []string{"198.51.100.9", "10.9.9.9"}, "198.51.100.9", "two headers, the second by a proxy"},
		{"10.1.2.3:9", []string{"::ffff:198.51.100.9"}, "198.51.100.9", "an IPv4 address written as IPv6"},
		{"10.1.2.3:9", []string{"198.51.100.9, ::ffff:10.0.0.9"}, "198.51.100.9", "a proxy written so"},
		{"10.1.2.3:9", []string{"2001:db8:7::1%eth0"}, "2001:db8:7::1", "a zone means nothing here"},
		{"10.1.2.3:9", []string{"198.51.100.9, garbage"}, "", "nothing left of garbage is believed"},
		{"10.1.2.3:9", []string{"198.51.100.9:1234"}, "", "a port is garbage"},
		{"10.1.2.3:9", []string{"<script>"}, "", "garbage"},
		{"10.1.2.3:9", []string{strings.Repeat("9", 9000)}, "", "much garbage"},
		{"10.1.2.3:9", []string{""}, "", "the proxy does not say"},
		{"10.1.2.3:9", []string{" , ,198.51.100.9 ,"}, "198.51.100.9", "empty places"},
		{"10.1.2.3:9", []string{"10.4.4.4, 10.5.5.5"}, "", "proxies only"},
		{"@", []string{"198.51.100.9"}, "", "a peer without an address vouches for nothing"},
	} {
		r := httptest.NewRequest("POST", "/check", nil)
		r.RemoteAddr = c.peer
		for _, f := range c.forwarded {
			r.Header.Add("X-Forwarded-For", f)
		}
		for _, never := range []string{"X-Real-IP", "Forwarded", "CF-Connecting-IP", "True-Client-IP", "X-Client-IP"} {
			r.Header.Set(never, "203.0.113.66")
		}
		got := NewClients(proxies, slog.New(slog.DiscardHandler)).Of(r).String()
		if c.client == "" {
			c.client = netip.Addr{}.String()
		}
		if got != c.client {
			t.Errorf("%s %q: %s, want %s: %s", c.peer, c.forwarded, got, c.client, c.why)
		}
	}
}
