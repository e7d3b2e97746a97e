package resolve

import (
	"testing"

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
