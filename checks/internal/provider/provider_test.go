package provider

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// The table that anybody may correct is whole and dated, and says where each row comes from.
func TestTheTableOfProviders(t *testing.T) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	var list []Provider
	if err := d.Decode(&list); err != nil || d.More() {
		t.Fatal(err)
	}
	seen := make(map[string]bool)
	for _, p := range list {
		if _, err := time.Parse(time.DateOnly, p.AsOf); err != nil || p.Name == "" || p.Panel == "" || p.Source == "" {
			t.Errorf("%s lacks a name, a panel, a date or a source", p.Domain)
		}
		if p.Domain != strings.ToLower(p.Domain) || !strings.Contains(p.Domain, ".") || seen[p.Domain] {
			t.Errorf("%q is no domain in small letters, or stands there twice", p.Domain)
		}
		seen[p.Domain] = true
	}
}

func TestOf(t *testing.T) {
	for _, c := range []struct{ why, host, want string }{
		{"one of Google's", "aspmx.l.google.com", "Google"},
		{"a name of a customer's at Microsoft", "example-net.mail.protection.outlook.com", "Microsoft 365"},
		{"the signed name of the same", "example-net.o-v1.mx.microsoft", "Microsoft 365"},
		{"SES", "inbound-smtp.eu-west-1.amazonaws.com", "Amazon SES"},
		{"a customer's machine at Amazon", "ec2-192-0-2-1.compute-1.amazonaws.com", ""},
		{"a customer's name in front of it", "evil.inbound-smtp.eu-west-1.amazonaws.com", ""},
		{"a rented machine", "vps-1.vps.ovh.net", ""},
		{"a name that only ends alike", "mx.notgoogle.com", ""},
		{"the provider's domain in another's", "google.com.example.org", ""},
		{"nothing", "", ""},
	} {
		got := ""
		if p := Of(c.host); p != nil {
			got = p.Name
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.why, got, c.want)
		}
	}
}
