package provider

import (
	"bytes"
	"encoding/json"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// stale is how long a row may go without being looked at.
const stale = 18 * 31 * 24 * time.Hour

// looked holds a row to its date.
func looked(t *testing.T, row, asOf string) {
	t.Helper()
	day, err := time.Parse(time.DateOnly, asOf)
	switch {
	case err != nil:
		t.Errorf("%s has no date", row)
	case time.Since(day) > stale:
		t.Errorf("nobody has looked at %s since %s: read its source again and set as_of", row, asOf)
	case time.Until(day) > 48*time.Hour:
		t.Errorf("%s was looked at on %s, which is yet to come", row, asOf)
	}
}

// rows reads a table strictly: each row on a line of its own.
func rows(t *testing.T, text []byte, list any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(list); err != nil || d.More() {
		t.Fatal(err)
	}
	if lines, rows := bytes.Count(text, []byte("\n")), reflect.ValueOf(list).Elem().Len(); lines != rows+2 {
		t.Errorf("%d rows on %d lines", rows, lines-2)
	}
}

// The table that anybody may correct is whole and dated, and says where each row comes from.
func TestTheTableOfProviders(t *testing.T) {
	var list []Provider
	rows(t, text, &list)
	seen := make(map[string]bool)
	domain := func(names ...string) {
		for _, name := range names {
			if name != strings.ToLower(name) || !strings.Contains(name, ".") || seen[name] {
				t.Errorf("%q is no domain in small letters, or stands there twice", name)
			}
			seen[name] = true
		}
	}
	for _, p := range list {
		looked(t, p.Name+" ("+p.Domain+")", p.AsOf)
		if p.Name == "" || p.Panel == "" || p.Source == "" {
			t.Errorf("%s lacks a name, a panel or a source", p.Domain)
		}
		if p.Domain != "" {
			domain(p.Domain)
		} else if len(p.NS) == 0 {
			t.Errorf("%s serves neither mail nor DNS", p.Name)
		}
		for _, says := range []string{p.DANE, p.MTASTS} {
			if says != "" && says != "yes" && says != "no" || says != "" && p.Protection == "" {
				t.Errorf("%s: %q is neither yes nor no, or has no source", p.Name, says)
			}
		}
	}
	clear(seen)
	for _, p := range list {
		domain(p.NS...)
	}
	clear(seen)
	for _, p := range list {
		domain(p.SPF...)
	}
}

func TestTheTableOfSenders(t *testing.T) {
	var list []Sender
	rows(t, sendersText, &list)
	id, seen := regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`), map[string]bool{Unknown.ID: true}
	for _, s := range list {
		looked(t, s.Name, s.AsOf)
		if !id.MatchString(s.ID) || s.Name == "" || seen[s.ID] {
			t.Errorf("%q is no id in small letters, has no name, or stands there twice", s.ID)
		}
		seen[s.ID] = true
		if !slices.Contains([]Checks{Nothing, DANE, DANELenient, MTASTS, Both, Enforced}, s.Checks) {
			t.Errorf("%s checks %q, which nobody knows", s.ID, s.Checks)
		}
		sender, measured := strings.CutPrefix(s.Source, "measured: testdata/real, sender ")
		if !measured && !strings.HasPrefix(s.Source, "https://") {
			t.Errorf("%s has no source", s.ID)
		}
		if sender, _, _ = strings.Cut(sender, " "); measured && !measuredBySuite(t, sender) {
			t.Errorf("%s: testdata/real has no sender %s", s.ID, sender)
		}
	}
	if got, ok := SenderOf("gmail"); !ok || got.Checks != MTASTS {
		t.Errorf("Gmail is not known: %v", got)
	}
	if got, ok := SenderOf("unknown"); !ok || got.Checks != Nothing {
		t.Errorf("who does not know is not known: %v", got)
	}
	if _, ok := SenderOf("nobody"); ok {
		t.Error("anybody is known")
	}
}

// measuredBySuite reports whether the suite of real daemons lets this one send.
func measuredBySuite(t *testing.T, sender string) bool {
	t.Helper()
	text, err := os.ReadFile("../../../testdata/real/senders_test.go")
	if err != nil {
		t.Fatal(err)
	}
	list, _, _ := strings.Cut(string(text[bytes.Index(text, []byte("var senders = ")):]), "\n")
	return strings.Contains(list, `"`+sender+`"`)
}

func TestHints(t *testing.T) {
	name := func(p *Provider) string {
		if p == nil {
			return ""
		}
		return p.Name
	}
	for why, c := range map[string]struct{ got, want string }{
		"a customer's name, Google's address":  {name(Behind([]string{"mx.example.net.", "aspmx.l.google.com."})), "Google"},
		"nobody's address":                     {name(Behind([]string{"mx.example.net"})), ""},
		"one include":                          {name(Included("v=spf1 include:_spf.google.com ~all")), "Google"},
		"one that is known beside another":     {name(Included("v=spf1 include:other.test ?include:spf.protection.outlook.com -all")), "Microsoft 365"},
		"two that are known":                   {name(Included("v=spf1 include:_spf.google.com include:spf.protection.outlook.com -all")), ""},
		"a name that only ends so":             {name(Included("v=spf1 include:x_spf.google.com -all")), ""},
		"a name server":                        {name(Serving("lola.ns.cloudflare.com.")), "Cloudflare"},
		"nobody's name server":                 {name(Serving("ns.example.net")), ""},
		"the best where there is everything":   {Of("mail.protonmail.ch").Best(), "A+"},
		"the best where there is no DANE":      {Of("aspmx.l.google.com").Best(), "B"},
		"the best where nobody knows of DANE":  {Of("route1.mx.cloudflare.net").Best(), ""},
		"mail servers are not below a DNS row": {name(Of("lola.ns.cloudflare.com")), ""},
	} {
		if c.got != c.want {
			t.Errorf("%s: %q, want %q", why, c.got, c.want)
		}
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
