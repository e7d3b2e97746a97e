package fix

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"mxseal/checks/report"
)

// zoneOf is a report whose domain is a zone with these keys, secure unless said otherwise.
func zoneOf(state report.State, ds []report.DS, keys ...report.Key) *report.Report {
	r := domain("mx.example.net", "Postfix", "")
	r.MX.DNSSEC = report.Trust{State: state, Chain: []report.Link{{Zone: "net.", State: report.Secure}, {Zone: "example.net.", State: state, DS: ds, Keys: keys}}}
	r.Hosts[0].DNSSEC = r.MX.DNSSEC
	return r
}

func about(rule string) report.Finding {
	f := found(rule, "")
	f.Params = map[string]string{"zone": "example.net"}
	return f
}

// What an answer over the network says of keys is never what a DS record is made from.
func TestADSRecordComesFromTheKeysThemselves(t *testing.T) {
	for _, rule := range []string{"SEC-02", "SEC-03", "SEC-16", "SEC-17", "SEC-18"} {
		asked := false
		for _, s := range Steps(zoneOf(report.Insecure, nil), rules, about(rule)) {
			for line := range strings.Lines(s.Code) {
				if strings.Contains(line, "dsfromkey") && strings.Contains(line, "dig") || strings.Contains(line, "dig") && strings.Contains(line, "CDS") && !strings.Contains(line, "@127.0.0.1") {
					t.Errorf("%s: %s", rule, line)
				}
			}
			asked = asked || s.Who == "registrar" && strings.Contains(s.Text, "Do not take it from an answer over the network")
		}
		if !asked {
			t.Errorf("%s: nothing is said of where the DS record comes from", rule)
		}
	}
}

// A new algorithm comes in this order: the present keys under the signer's care, the new
// signatures, the new key, the DS record, and only then the old key goes.
func TestANewAlgorithmBreaksNothing(t *testing.T) {
	rsa := func(tag uint16, bits int) report.Key { return report.Key{Tag: tag, Algorithm: 8, Bits: bits} }
	for _, c := range []struct {
		why    string
		keys   []report.Key
		policy []string
	}{
		{"a key for the keys and one for the zone", []report.Key{rsa(2, 1024), rsa(1, 2048)}, []string{"\t\tzsk lifetime unlimited algorithm rsasha256 1024;", "\t\tksk lifetime unlimited algorithm rsasha256 2048;"}},
		{"one key for all", []report.Key{rsa(1, 1024)}, []string{"\t\tcsk lifetime unlimited algorithm rsasha256 1024;"}},
		{"in the midst of a change: not ours to guess", []report.Key{rsa(1, 2048), rsa(2, 1024), rsa(3, 1024)}, []string{"algorithm <as now> <bits>"}},
		{"two algorithms", []report.Key{rsa(1, 1024), {Tag: 2, Algorithm: 13, Bits: 256}}, []string{"algorithm <as now> <bits>"}},
		{"not seen", nil, []string{"algorithm <as now> <bits>"}},
	} {
		steps := Steps(zoneOf(report.Secure, []report.DS{{Tag: 1, Algorithm: 8, Digest: 2}}, c.keys...), rules, about("SEC-18"))
		order := append(slices.Clone(c.policy), "algorithm ecdsap256sha256", "publish-zone-key", "example.net CDS", "mxseal dns", "-key <old> withdrawn", "remove-zone-key")
		if len(c.policy) == 2 { // in the order of the keys
			order = order[1:]
		}
		text, from := code(steps), 0
		for _, want := range order {
			at := strings.Index(text[from:], want)
			if at < 0 {
				t.Errorf("%s: %q is missing, or too early, in\n%s", c.why, want, text)
				break
			}
			from += at
		}
		if !strings.Contains(text, c.policy[0]) {
			t.Errorf("%s: %q is missing in\n%s", c.why, c.policy[0], text)
		}
		for i, s := range steps[:len(steps)-2] {
			if s.Wait == "" {
				t.Errorf("%s: no pause after step %d, %q", c.why, i+1, s.Text)
			}
		}
	}
}

// A zone whose key anybody may have is as good as unsigned: the DS record goes before the key.
func TestAWorthlessKeyGoesByWayOfUnsigned(t *testing.T) {
	steps := Steps(zoneOf(report.Secure, nil, report.Key{Tag: 1, Algorithm: 8, Bits: 512}), rules, about("SEC-17"))
	if len(steps) < 3 || steps[0].Who != "registrar" || steps[0].Wait == "" || !strings.Contains(steps[0].Text, "removed") || steps[1].Wait == "" || steps[2].Who != "registrar" {
		t.Errorf("%+v", steps)
	}
}

// Lines of configurations and commands that were tried and do harm, or nothing.
func TestNoSignerIsGivenWhatHarmsIt(t *testing.T) {
	for _, c := range []struct {
		rule        string
		want, never string
	}{
		{"SEC-19", `dnssec-policy once \{ nsec3param`, `dnssec-policy "?default"? \{`},
		{"SEC-20", `pdnsutil set-nsec3 example.net '1 0 0 -' && pdnsutil rectify-zone`, `dnssec-policy "?default"? \{`},
		{"SEC-22", `pdnsutil increase-serial example.net`, `rectify-zone`},
		{"SEC-02", `(?s)/var/lib/bind.*gsqlite3-dnssec=yes.*secure-zone`, `enable-dnssec`},
		{"SEC-18", `add-zone-key example.net ksk active unpublished ecdsa256`, `secure-zone`},
	} {
		text := code(Steps(zoneOf(report.Insecure, nil), rules, about(c.rule)))
		if !regexp.MustCompile(c.want).MatchString(text) || regexp.MustCompile(c.never).MatchString(text) {
			t.Errorf("%s: want %q and not %q in\n%s", c.rule, c.want, c.never, text)
		}
	}
}

// A bad name server is found by asking each one, with the zone's name and not the host's.
func TestEachNameServerIsAsked(t *testing.T) {
	text := code(Steps(zoneOf(report.Secure, nil), rules, found("DAN-05", "mx.example.net")))
	if !strings.Contains(text, "dig +short example.net NS | while read -r server") || !strings.Contains(text, `@"$server" _25._tcp.mx.example.net TLSA`) {
		t.Error(text)
	}
}
