package main

import (
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mxseal/checks"
	"mxseal/web"
	"mxseal/web/scans"
)

func TestBoundsOfServe(t *testing.T) {
	dir := t.TempDir()
	list, log := filepath.Join(dir, "optout"), filepath.Join(dir, "audit.log")
	if err := os.WriteFile(list, []byte("example.org\n192.0.2.0/24\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b := bounds{perMinute: 5, clientDay: 7, clientStreams: 9, proxies: []string{"127.0.0.1", "10.1.2.3/8", "::1"}, optOutFile: list, auditLog: log}
	var site web.Config
	var engine checks.Config
	if err := b.apply(&site, &engine, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	defer site.Audit.Close()
	if site.Limits != (web.Limits{Limits: scans.Limits{PerMinute: 5, ClientDay: 7, ClientRunning: -1, ClientStreams: 9}, ClientMinute: -1}) {
		t.Errorf("limits %+v: 0 is no bound", site.Limits)
	}
	var proxies []string
	for _, p := range site.TrustedProxies {
		proxies = append(proxies, p.String())
	}
	if got := strings.Join(proxies, " "); got != "127.0.0.1/32 10.0.0.0/8 ::1/128" {
		t.Errorf("proxies %s", got)
	}
	if !site.OptOuts.Domain("mail.example.org") || !engine.OptedOut("", netip.MustParseAddr("192.0.2.7")) || !engine.OptedOut("mx.example.org", netip.Addr{}) || engine.OptedOut("mx.example.net", netip.MustParseAddr("192.0.3.7")) {
		t.Error("the opt-out file does not reach site and engine")
	}
	if _, err := os.Stat(log); err != nil {
		t.Error(err)
	}
}

func TestBoundsThatMakeNoSense(t *testing.T) {
	broken := filepath.Join(t.TempDir(), "optout")
	if err := os.WriteFile(broken, []byte("example.org\n\na..b\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		flag, value, says string
		code              int
	}{
		{"--trusted-proxy", "nginx.example", "an address such as", exitUsage},
		{"--trusted-proxy", "10.0.0.0/40", "an address such as", exitUsage},
		{"--trusted-proxy", "::ffff:10.0.0.0/104", "an address such as", exitUsage}, // never matches: addresses are compared as IPv4
		{"--trusted-proxy", "fe80::1%eth0", "an address such as", exitUsage},
		{"--trusted-proxy", "0.0.0.0/0", "anybody", exitUsage},
		{"--trusted-proxy", "::/0", "anybody", exitUsage},
		{"--max-checks-per-minute", "-1", "negative", exitUsage},
		{"--client-checks-per-minute", "-1", "negative", exitUsage},
		{"--client-checks-at-once", "-1", "negative", exitUsage},
		{"--client-streams", "-1", "negative", exitUsage},
		{"--client-checks-per-day", "-1", "negative", exitUsage},
		{"--opt-out-file", filepath.Join(t.TempDir(), "nowhere"), "no such file", exitFault},
		{"--opt-out-file", broken, "line 3", exitUsage},
		{"--audit-log", filepath.Join(broken, "below"), "--audit-log", exitFault}, // another time it may be there
	} {
		code, _, errs := mxseal("", "serve", "--data", t.TempDir(), "--listen", "127.0.0.1:0", "--admin-listen", "", "--resolver", "127.0.0.1:9", c.flag, c.value)
		if code != c.code || !strings.Contains(errs, c.says) || !strings.Contains(errs, c.flag) {
			t.Errorf("%s %s: exit %d\n%s", c.flag, c.value, code, errs)
		}
	}
}
