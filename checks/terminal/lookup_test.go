package terminal

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"mxseal/checks/report"
)

var (
	since = time.Date(2026, 8, 1, 0, 0, 0, 0, time.UTC)
	sig   = &report.Signature{Tag: 7, Algorithm: 13, Inception: since, Expires: since.AddDate(0, 0, 14), TTL: 300}
)

// rung is a zone of a chain; a reason ends the chain there.
func rung(zone string, state report.State, reason report.Cause, ede int) report.Link {
	l := report.Link{Zone: zone, State: state, Reason: reason, EDE: ede}
	if state != report.Insecure && reason != report.CauseNSECMissing {
		l.DS, l.DSWindow = []report.DS{{Tag: 7, Algorithm: 13, Digest: 2}}, sig
		l.Keys, l.Window = []report.Key{{Tag: 7, Algorithm: 13, Bits: 256, SEP: true}, {Tag: 8, Algorithm: 13, Bits: 256}}, sig
	}
	if reason != "" {
		l.Detail = "Why " + zone + " is so."
	}
	return l
}

func looked(rcode string, records int, t report.Trust) *report.Lookup {
	l := &report.Lookup{Name: "example.org.", Type: "MX", Rcode: rcode, TTL: 300, DNSSEC: t}
	for range records {
		l.Records = append(l.Records, "example.org.\t300\tIN\tMX\t10 mx.example.org.")
	}
	return l
}

// ending is a chain that ends at example.org.
func ending(state report.State, reason report.Cause, ede int) report.Trust {
	return report.Trust{State: state, Reason: reason, EDE: ede, Detail: "Why example.org is so.", Chain: []report.Link{
		rung(".", report.Secure, "", 0), rung("org", report.Secure, "", 0), rung("example.org", state, reason, ede)}}
}

// answering is a whole chain with something amiss in the answer itself.
func answering(state report.State, reason report.Cause, ede int, notes ...report.Note) report.Trust {
	t := ending(report.Secure, "", 0)
	t.Chain[2].Detail = ""
	t.State, t.Reason, t.EDE, t.Signature, t.Notes = state, reason, ede, sig, notes
	if reason == "" {
		t.Detail = ""
	}
	return t
}

// Every outcome of a look-up is told on one screen: what came, how far it is signed, which
// link breaks, and who can fix it.
func TestDNSExplainsEveryOutcome(t *testing.T) {
	alias := answering(report.Insecure, "no-ds", 0)
	alias.Signature = nil
	alias.Steps = []report.Alias{{Name: "example.org", Target: "plain.net", State: report.Secure}}
	alias.Chain = append(alias.Chain, rung("net", report.Secure, "", 0), rung("plain.net", report.Insecure, "no-ds", 0))
	loop := answering(report.Indeterminate, "alias-fault", 0)
	silent := looked("NOERROR", 0, ending(report.Indeterminate, "dnskey-lookup-failed", 23))
	silent.Failure = &report.Failure{Kind: "timeout", Text: "The resolver gave no answer."}
	silent.Authority = &report.Authority{Zone: "example.org", Servers: []report.NameServer{
		{Name: "ns1.example.org", IP: "192.0.2.1", TCP: "ok", Text: "ns1.example.org (192.0.2.1) answers for example.org, serial 1."},
		{Name: "ns2.example.org", IP: "192.0.2.2", Fault: "timeout", Text: "ns2.example.org (192.0.2.2) does not answer."},
		{Name: "ns3.example.org", IP: "2001:db8::3", Fault: "unreachable", Text: "ns3.example.org (2001:db8::3) cannot be reached from here."}}}
	blocked := looked("SERVFAIL", 0, answering(report.Indeterminate, "lookup-failed", 22))
	blocked.Failure = &report.Failure{Kind: "servfail", Text: "The resolver answered SERVFAIL."}
	blocked.Authority = &report.Authority{Failure: &report.Failure{Kind: "blocked", Text: "Port 53 seems to be closed to the outside."}}
	many := looked("NOERROR", 40, answering(report.Secure, "", 0))

	for _, c := range []struct {
		why    string
		lookup *report.Lookup
		broken string   // the rung that is marked; empty where none is
		says   []string // among other things
	}{
		{"secure", looked("NOERROR", 1, answering(report.Secure, "", 0)), "", []string{"1 record, TTL 300 s", "every link", "✓ the root  signed and valid", "✓ example.org", "DS 7, ECDSAP256, SHA-256 · signed 1 Aug 2026 to 15 Aug 2026", "KSK 7, ECDSAP256, 256 bit · ZSK 8", "✓ the answer", "by key 7, ECDSAP256"}},
		{"secure, with notes", looked("NOERROR", 1, answering(report.Secure, "", 0, "expires-soon")), "", []string{"Noted: the signature ends within three days"}},
		{"many records", many, "", []string{"… and 31 more records"}},
		{"no such name", looked("NXDOMAIN", 0, answering(report.Secure, "", 0)), "", []string{"NXDOMAIN: there is no such name, which is proved"}},
		{"no such record", looked("NOERROR", 0, answering(report.Secure, "", 0)), "", []string{"no data: the name has no such record, which is proved"}},
		{"no such name, not signed", looked("NXDOMAIN", 0, ending(report.Insecure, "no-ds", 0)), "! example.org", []string{"there is no such name)"}},
		{"not signed", looked("NOERROR", 1, ending(report.Insecure, "no-ds", 0)), "! example.org", []string{"anyone who can forge", "→ The owner of example.org: have it signed"}},
		{"opt-out", looked("NXDOMAIN", 0, answering(report.Insecure, "opt-out", 0, "nsec3-opt-out")), "! the answer", []string{"opt-out", "→ The owner of the domain"}},
		{"unsupported algorithm", looked("NOERROR", 1, ending(report.Insecure, "unsupported-algorithm", 1)), "! example.org", []string{"extended DNS error 1", "→ The DNS host of example.org: sign with algorithm 13."}},
		{"unsupported digest", looked("NOERROR", 1, ending(report.Insecure, "unsupported-ds-digest", 2)), "! example.org", []string{"at the registrar"}},
		{"hashed too often", looked("NOERROR", 0, answering(report.Insecure, "nsec3-iterations", 27)), "! the answer", []string{"correct the denials"}},
		{"no DS fits", looked("NOERROR", 1, ending(report.Bogus, "ds-mismatch", 9)), "✗ example.org", []string{"resolvers that validate give no answer", "at the registrar: replace the DS record"}},
		{"no keys", looked("NOERROR", 1, ending(report.Bogus, "dnskey-missing", 9)), "✗ example.org", []string{"publish the key"}},
		{"keys not signed", looked("NOERROR", 1, ending(report.Bogus, "rrsig-missing", 10)), "✗ example.org", []string{"DNS host of example.org: sign the zone again"}},
		{"the parent cannot deny a DS", looked("NOERROR", 1, ending(report.Bogus, "nsec-missing", 12)), "✗ example.org", []string{"→ The operator of the top-level domain org"}},
		{"expired", looked("NOERROR", 1, answering(report.Bogus, "signature-expired", 7)), "✗ the answer", []string{"extended DNS error 7", "sign the zone again"}},
		{"not yet valid", looked("NOERROR", 1, answering(report.Bogus, "signature-not-yet-valid", 8)), "✗ the answer", []string{"sign the zone again"}},
		{"changed on the way", looked("NOERROR", 1, answering(report.Bogus, "signature-invalid", 6)), "✗ the answer", nil},
		{"absence not proved", looked("NXDOMAIN", 0, answering(report.Bogus, "nsec-missing", 12)), "✗ the answer", []string{"correct the denials"}},
		{"an alias into a zone that is not signed", looked("NOERROR", 1, alias), "! plain.net", []string{"example.org is an alias of plain.net", "· the alias leads on to", "The owner of plain.net"}},
		{"aliases in a circle", looked("NOERROR", 0, loop), "? the answer", []string{"owners of the aliases"}},
		{"no answer, and who is to blame", silent, "? example.org", []string{"got no answer (timeout)", "✓ ns1.example.org", "✗ ns2.example.org (192.0.2.2) does not answer.", "? ns3.example.org"}},
		{"no answer, and who is to blame cannot be found out", blocked, "? the answer", []string{"got no answer (servfail)", "Port 53 seems to be closed"}},
		{"a resolver that strips", looked("NOERROR", 1, report.Trust{State: report.Indeterminate, Reason: "upstream-not-dnssec-capable", EDE: 5, Detail: "The resolver takes it out.",
			Chain: []report.Link{{Zone: ".", State: report.Indeterminate, Reason: "upstream-not-dnssec-capable", Detail: "The resolver takes it out.", EDE: 5}}}), "? the root", []string{"Nobody at the domain"}},
	} {
		var b bytes.Buffer
		if err := Lookup(&b, c.lookup, false); err != nil {
			t.Fatal(err)
		}
		text := b.String()
		lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
		if len(lines) > 28 {
			t.Errorf("%s: %d lines are more than a screen\n%s", c.why, len(lines), text)
		}
		marked := 0
		for i, line := range lines {
			if utf8.RuneCountInString(line) > usual || strings.HasSuffix(line, " ") {
				t.Errorf("%s: line %d is too long or ends in a space: %q", c.why, i+1, line)
			}
			if strings.Contains(line, "→") {
				marked++
			}
		}
		if (marked == 1) != (c.broken != "") {
			t.Errorf("%s: it is said %d times who must act\n%s", c.why, marked, text)
		}
		first := slices.IndexFunc(lines, func(l string) bool {
			l = strings.TrimSpace(l)
			return strings.HasPrefix(l, "!") || strings.HasPrefix(l, "✗") || strings.HasPrefix(l, "?")
		})
		if c.broken == "" != (first < 0) || first >= 0 && !strings.HasPrefix(strings.TrimSpace(lines[first]), c.broken) {
			t.Errorf("%s: the first link marked is not %q\n%s", c.why, c.broken, text)
		}
		for _, s := range c.says {
			if !strings.Contains(text, s) {
				t.Errorf("%s: %q is not said\n%s", c.why, s, text)
			}
		}
	}
}
