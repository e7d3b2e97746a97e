package real

import (
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// result is the part of a report, by the names of its published form, that these tests read.
type result struct {
	Grade struct {
		Letter string
		Broken []string
	}
	Hosts []struct {
		Name      string
		TLSA      struct{ State string }
		Addresses []struct {
			IP          string
			Connections int
			SMTP        struct {
				Banner     string
				STARTTLS   string
				Enforced   *bool
				GreetingMS int `json:"greeting_ms"`
				Ladder     []struct{ Alert int }
			}
			TLS struct{ Version string }
		}
	}
	Findings []struct{ Rule, Host, Verdict string }
}

// connections counts what the reports of this run own up to, by address.
var connections = make(map[string]int)

// most is how many connections a whole check may cost one address: what the class mode of
// the probe plan takes against Postfix's default, and a few for the retry ladder.
const most = 40

func (r result) count(t *testing.T) {
	t.Helper()
	for _, h := range r.Hosts {
		for _, a := range h.Addresses {
			connections[a.IP] += a.Connections
			if a.Connections > most {
				t.Errorf("%d connections to %s (%s), want at most %d", a.Connections, h.Name, a.IP, most)
			}
		}
	}
}

func (r result) has(rule string) bool {
	for _, f := range r.Findings {
		if f.Rule == rule {
			return true
		}
	}
	return false
}

func check(t *testing.T, name string) (r result, code int) {
	t.Helper()
	out, code := mxseal(t, "check", name, "--format", "json")
	decode(t, out, &r)
	r.count(t)
	return r, code
}

// One after the other: a host of two domains is not to be asked twice at the same time.
func TestCheck(t *testing.T) {
	for _, d := range domains {
		t.Run(d.name, func(t *testing.T) {
			r, code := check(t, d.name)
			if r.Grade.Letter != d.letter || code != d.exit {
				t.Errorf("grade %s and exit code %d, want %s and %d", r.Grade.Letter, code, d.letter, d.exit)
			}
			if !slices.Equal(r.Grade.Broken, d.broken) {
				t.Errorf("broken %q, want %q", r.Grade.Broken, d.broken)
			}
			for _, rule := range d.rules {
				if !r.has(rule) {
					t.Errorf("%s does not apply and should", rule)
				}
			}
			for _, rule := range d.absent {
				if r.has(rule) {
					t.Errorf("%s applies and should not", rule)
				}
			}
			if len(r.Hosts) != len(d.mx) || len(r.Hosts[0].Addresses) != 1 {
				t.Fatalf("hosts %+v, want %d with an address each", r.Hosts, len(d.mx))
			}
			if a := r.Hosts[0].Addresses[0]; d.starttls != "" {
				enforced := "null"
				if a.SMTP.Enforced != nil {
					enforced = strconv.FormatBool(*a.SMTP.Enforced)
				}
				if a.SMTP.STARTTLS != d.starttls || a.TLS.Version != d.version || enforced != d.enforced {
					t.Errorf("starttls %q, version %q, enforced %s; want %q, %q, %s", a.SMTP.STARTTLS, a.TLS.Version, enforced, d.starttls, d.version, d.enforced)
				}
				if a.SMTP.GreetingMS < d.greeting {
					t.Errorf("the greeting came after %d ms, want at least %d", a.SMTP.GreetingMS, d.greeting)
				}
				if n := len(a.SMTP.Ladder); d.alert != 0 && (n == 0 || a.SMTP.Ladder[n-1].Alert != d.alert) {
					t.Errorf("handshakes tried %+v, want alert %d at last", a.SMTP.Ladder, d.alert)
				}
			}
			if t.Failed() {
				t.Logf("findings: %+v", r.Findings)
			}
		})
	}
}

func TestMinimumGrade(t *testing.T) {
	if _, code := mxseal(t, "check", "opensmtpd.test", "--min-grade", "D"); code != 1 {
		t.Errorf("exit code %d for an F with --min-grade D, want 1", code)
	}
}

func TestText(t *testing.T) {
	out, code := mxseal(t, "check", "exim.test")
	if code != 0 || !regexp.MustCompile(`\nexim\.test  A  [^\n]+(\n  [^\n]+)*\n$`).Match(out) {
		t.Errorf("exit code %d, want 0 and the domain with its letter at the end of\n%s", code, out)
	}
}

func TestProbe(t *testing.T) {
	for _, c := range []struct{ server, tlsa string }{
		{net.JoinHostPort(the.IP["exim"], strconv.Itoa(smtpPort)), ""}, // an address has no TLSA
		{"mx.exim.test", "match"},
	} {
		var r result
		out, code := mxseal(t, "probe", c.server, "--format", "json")
		decode(t, out, &r)
		if code != 0 || len(r.Hosts) != 1 || len(r.Hosts[0].Addresses) != 1 || len(r.Findings) == 0 {
			t.Errorf("probe %s: exit code %d, hosts %+v, %d findings", c.server, code, r.Hosts, len(r.Findings))
			continue
		}
		a := r.Hosts[0].Addresses[0]
		if !strings.Contains(a.SMTP.Banner, "Exim") || a.SMTP.STARTTLS != "ok" || a.TLS.Version != "TLS1.3" {
			t.Errorf("probe %s: %+v, want Exim over TLS 1.3", c.server, a)
		}
		if got := r.Hosts[0].TLSA.State; c.tlsa != "" && got != c.tlsa {
			t.Errorf("probe %s: TLSA %s, want %s", c.server, got, c.tlsa)
		}
	}
}

// Unbound validates the same names under the same anchor and must come to the same state.
func TestDNS(t *testing.T) {
	for _, c := range []struct{ name, kind, rcode, state, why string }{
		{".", "SOA", "NOERROR", "secure", "the anchor itself"},
		{"test", "DNSKEY", "NOERROR", "secure", "one delegation, RSA to ECDSA"},
		{"perfect.test", "MX", "NOERROR", "secure", "two delegations, ECDSA P-256"},
		{"signed.test", "MX", "NOERROR", "secure", "ECDSA P-384"},
		{"exim.test", "MX", "NOERROR", "secure", "Ed25519"},
		{"anchor.test", "MX", "NOERROR", "secure", "RSA"},
		{"_25._tcp.mx.exim.test", "TLSA", "NOERROR", "secure", "a record below an empty non-terminal"},
		{"_tcp.mx.exim.test", "TLSA", "NOERROR", "secure", "the empty non-terminal, proved by NSEC"},
		{"_25._tcp.mx.signed.test", "TLSA", "NXDOMAIN", "secure", "no such name, proved by NSEC"},
		{"mx.exim.test", "AAAA", "NOERROR", "secure", "no such type, proved by NSEC"},
		{"nobody.test", "MX", "NXDOMAIN", "secure", "no such name, proved by NSEC3"},
		{"default.test", "DS", "NOERROR", "secure", "no DS, proved by NSEC3"},
		{"default.test", "MX", "NOERROR", "insecure", "below an unsigned delegation"},
		{"nobody.default.test", "A", "NXDOMAIN", "insecure", "an unsigned denial"},
		{"bogus.test", "DS", "NOERROR", "secure", "the DS is right, what it points to is not"},
		{"bogus.test", "MX", "SERVFAIL", "bogus", "a DS of a key that is not there"},
		{"mx.bogus.test", "A", "SERVFAIL", "bogus", "everything below it"},
	} {
		t.Run(c.name+" "+c.kind, func(t *testing.T) {
			rcode, state := unbound(t, c.name, c.kind)
			if rcode != c.rcode || state != c.state {
				t.Errorf("Unbound says %s %s, want %s %s: %s", rcode, state, c.rcode, c.state, c.why)
			}
			var l struct {
				Rcode  string
				DNSSEC struct{ State string }
			}
			out, _ := mxseal(t, "dns", c.name, c.kind, "--format", "json")
			decode(t, out, &l)
			if l.DNSSEC.State != c.state || c.state != "bogus" && l.Rcode != c.rcode {
				t.Errorf("mxseal says %s %s, want %s %s: %s", l.Rcode, l.DNSSEC.State, c.rcode, c.state, c.why)
			}
		})
	}
}

// unbound asks the resolver without CD and reads the state off its answer.
func unbound(t *testing.T, name, kind string) (rcode, state string) {
	t.Helper()
	q := new(dns.Msg).SetQuestion(dns.Fqdn(name), dns.StringToType[kind])
	q.SetEdns0(1232, true)
	a, err := dns.Exchange(q, net.JoinHostPort(the.IP["unbound"], strconv.Itoa(dnsPort)))
	if err != nil {
		t.Fatal(err)
	}
	rcode = dns.RcodeToString[a.Rcode]
	switch {
	case a.Rcode == dns.RcodeServerFailure:
		return rcode, "bogus"
	case a.AuthenticatedData:
		return rcode, "secure"
	}
	return rcode, "insecure"
}

// What Postfix logs of a client that breaks the protocol or leaves without a word. Leaving
// in the middle of a handshake is part of the probes; everything else ends with QUIT.
var offences = regexp.MustCompile(`improper command pipelining|non-SMTP command|too many|` +
	`lost connection after (CONNECT|EHLO|HELO|MAIL|RSET|NOOP|QUIT|UNKNOWN|RCPT|DATA|AUTH)|timeout after|` +
	`PREGREET|HANGUP|BARE NEWLINE|COMMAND |reject: |` +
	`(fatal|panic|error): |warning: `)

// expected is what of that the handshakes of the probes cause.
var expected = regexp.MustCompile(`warning: TLS library problem: `)

// TestPostfixLog comes last: it holds the reports of this run against the server's own log.
func TestPostfixLog(t *testing.T) {
	visit := regexp.MustCompile(`\b(\w+)/(?:smtpd|postscreen)\[\d+\]: (?:connect|CONNECT) from`)
	visits := make(map[string]int)
	for line := range strings.Lines(the.log()) {
		if m := visit.FindStringSubmatch(line); m != nil {
			visits[m[1]]++
		}
		if offences.MatchString(line) && !expected.MatchString(line) {
			t.Errorf("Postfix logged %s", line)
		}
	}
	for _, server := range postfix {
		if got := connections[the.IP[server]]; got != visits[server] {
			t.Errorf("%s: %d connections reported, %d in the log", server, got, visits[server])
		}
	}
}
