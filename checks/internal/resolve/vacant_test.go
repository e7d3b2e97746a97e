package resolve

import (
	"slices"
	"testing"
	"testing/synctest"

	"github.com/miekg/dns"

	"mxseal/checks/report"
)

func TestRegistrable(t *testing.T) {
	for host, want := range map[string]string{
		"mx.example.org":             "example.org",
		"a.b.example.co.uk":          "example.co.uk",
		"example.org":                "example.org",
		"co.uk":                      "",
		"org":                        "",
		"mx.someone.github.io":       "github.io",     // GitHub's customers are not in a registry
		"a.s3.amazonaws.com":         "amazonaws.com", // nor Amazon's
		"mx.gone.test":               "gone.test",
		"inbound.eu.mail.example.de": "example.de",
	} {
		if got := Registrable(host); got != want {
			t.Errorf("%s: %q, want %q", host, got, want)
		}
	}
}

func TestDeniedNeedsAnAnswerToBelieve(t *testing.T) {
	for _, c := range []struct {
		why    string
		answer Answer
		want   bool
	}{
		{"securely denied", Answer{Rcode: dns.RcodeNameError, Trust: report.Trust{State: report.Secure}}, true},
		{"denied by an unsigned zone", Answer{Rcode: dns.RcodeNameError, Trust: report.Trust{State: report.Insecure}}, true},
		{"denied, but the proof fails", Answer{Rcode: dns.RcodeNameError, Trust: report.Trust{State: report.Bogus}}, false},
		{"no answer", Answer{Rcode: dns.RcodeNameError, Failure: &report.Failure{Kind: "timeout"}}, false},
		{"it exists", Answer{}, false},
	} {
		if got := denied(&c.answer); got != c.want {
			t.Errorf("%s: %v", c.why, got)
		}
	}
}

// A name is vacant where its registrable domain is denied by an answer to be believed, and
// nowhere else.
func TestVacant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []struct {
			why, name string
			lost      string // a question that comes to SERVFAIL
			want      []report.Vacant
		}{
			{"a domain that does not exist", "ns.gone.test", "", []report.Vacant{{Name: "ns.gone.test", Domain: "gone.test"}}},
			{"a domain that exists", "ns.secure.test", "", nil},
			{"a name that does not exist in a domain that does", "nothing.secure.test", "", nil},
			{"the domain itself and what lies in it", "ns.home.test", "", nil},
			{"a top-level domain", "test", "", nil},
			{"no answer", "ns.gone.test", "gone.test.", nil},
			{"no answer about the registry", "ns.gone.test", "test.", nil},
		} {
			w := secureWorld(t)
			if c.lost != "" {
				w.tamper(c.lost, "NS", func(m *dns.Msg) { m.Rcode, m.Answer, m.Ns = dns.RcodeServerFailure, nil, nil })
			}
			if got := New(w.config()).Vacant(t.Context(), "home.test", c.name); !slices.Equal(got, c.want) {
				t.Errorf("%s: %v, want %v", c.why, got, c.want)
			}
		}
	})
}
