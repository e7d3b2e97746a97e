package starttls

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"mxseal/checks/report"
	"mxseal/checks/view"
)

// The table that anybody may correct is whole and dated, and says where each row comes from.
func TestTheTableOfWebProxies(t *testing.T) {
	d := json.NewDecoder(bytes.NewReader(proxiesJSON))
	d.DisallowUnknownFields()
	var all []proxies
	if err := d.Decode(&all); err != nil || d.More() {
		t.Fatal(err)
	}
	for _, p := range all {
		if _, err := time.Parse(time.DateOnly, p.AsOf); err != nil || p.Operator == "" || !strings.HasPrefix(p.Source, "https://") || len(p.Ranges) == 0 {
			t.Errorf("%s lacks a name, a date, a source or ranges", p.Operator)
		}
		for i, r := range p.Ranges {
			if r != r.Masked() {
				t.Errorf("%s: %s has bits behind its length", p.Operator, r)
			}
			for _, other := range p.Ranges[:i] {
				if r.Overlaps(other) {
					t.Errorf("%s: %s and %s overlap", p.Operator, r, other)
				}
			}
		}
	}
}

func TestBehindWebProxies(t *testing.T) {
	for _, c := range []struct{ why, host, ip, want string }{
		{"a proxied name", "mail.example.org", "104.21.3.4", "Cloudflare"},
		{"over IPv6", "mail.example.org", "2606:4700:3033::1", "Cloudflare"},
		{"the first of a range", "mail.example.org", "104.16.0.0", "Cloudflare"},
		{"the last of a range", "mail.example.org", "104.27.255.255", "Cloudflare"},
		{"one behind it", "mail.example.org", "104.28.0.0", ""},
		{"another operator", "mail.example.org", "151.101.1.6", "Fastly"},
		{"a distribution", "mail.example.org", "13.32.1.1", "Amazon CloudFront"},
		{"a virtual machine of the same company", "mail.example.org", "3.8.0.1", ""},
		{"the operator's own mail servers", "route1.mx.cloudflare.net", "162.159.205.11", ""},
		{"a name that only ends alike", "notmx.cloudflare.net.example.org", "162.159.205.11", "Cloudflare"},
		{"no proxy", "mail.example.org", "192.0.2.1", ""},
		{"no address", "mail.example.org", "", ""},
	} {
		got := ""
		if p := behind(c.host, c.ip); p != nil {
			got = p.Operator
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.why, got, c.want)
		}
	}
}

// The hint is for an address that takes no connection, and for no other.
func TestTheHintOfWebProxies(t *testing.T) {
	for _, c := range []struct {
		why  string
		r    *report.Report
		hint bool
	}{
		{"a proxy that takes no mail", one(dead("104.21.3.4", "timeout")), true},
		{"a proxy that takes mail", one(&report.Address{IP: "104.21.3.4", Reachable: true, SMTP: &report.SMTP{STARTTLS: "ok", Banner: "mx", Transcript: []report.Line{{}}}}), false},
		{"a machine that is switched off", one(dead("192.0.2.1", "timeout")), false},
	} {
		hint := false
		for _, f := range Judge(c.r.Observed()) {
			f.Explain(Rules.Find(f.Rule), "example.org", view.Say)
			hint = hint || strings.Contains(f.Text, "Cloudflare publishes for its web proxies")
			if strings.Contains(f.Text, "{") {
				t.Errorf("%s: %s", c.why, f.Text)
			}
		}
		if hint != c.hint {
			t.Errorf("%s: hint %v", c.why, hint)
		}
	}
}
