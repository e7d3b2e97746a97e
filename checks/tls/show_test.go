package tls

import (
	"fmt"
	"strings"
	"testing"

	"mxseal/checks/report"
	"mxseal/checks/view"
)

// What was seen of TLS is shown with its class and how others see it; what was not looked at is
// not there.
func TestShow(t *testing.T) {
	yes, no := true, false
	full := &report.TLS{
		Protocols: []report.Protocol{
			{Version: "TLS1.3", Accepted: true, Class: "good", Recommended: report.Recommended{IETF: "SHOULD", NCSC: "good", BSI: "recommended"}},
			{Version: "SSL3", Class: "bad", Recommended: report.Recommended{IETF: "MUST NOT", NCSC: "insufficient", BSI: "no"}},
		},
		Ciphers: []report.Suite{
			{Version: "TLS1.3", Name: "TLS_AES_256_GCM_SHA384", Class: "good", Chosen: true, Recommended: report.Recommended{IETF: "SHOULD", NCSC: "good"}},
		},
		KeyExchange: []report.Exchange{{Name: "own-1024", Kind: "finite-field", Bits: 1024, Versions: []report.Version{"TLS1.2"}, Class: "phase-out", Recommended: report.Recommended{IETF: "MUST NOT"}}},
		Features:    &report.Features{NeedsSNI: &no, EarlyData: &yes, CertificateVerify: "ed25519", KeyExchangeHash: "SHA-1"},
		Preference:  "server", TicketLifetime: 604800, Connections: 2, Completed: 1,
		Probes: []report.Probe{
			{Name: "TLS1.2", Result: "refused", Text: "alert 70 (protocol_version)", Offered: "TLS1.2; 188 suites; name mx.example.test"},
			{Name: "ssl2", Result: "untested", Text: "421 too many"},
		},
	}
	for _, c := range []struct {
		why    string
		tls    *report.TLS
		says   []string
		absent string
	}{
		{"nothing is known", nil, nil, "Version"},
		{"quick: no tables", &report.TLS{Version: "TLS1.3"}, []string{"First handshake: TLS 1.3"}, "Suite"},
		{"everything", full, []string{
			"Version|Answer|Class|IETF|NCSC-NL|BSI",
			"TLS 1.3|accepted|good|SHOULD|good|recommended",
			"SSL 3|refused|bad|MUST NOT|insufficient|no",
			"TLS 1.3|TLS_AES_256_GCM_SHA384|good chosen|SHOULD|good|–",
			"own-1024|1024|TLS 1.2|phase-out|MUST NOT|–|–",
			"Needs a server name (SNI): no",
			"0-RTT: yes",
			"Signature in TLS 1.3: ed25519",
			"Signature in TLS 1.2: SHA-1",
			"Tickets are valid for: 7 days",
			"Cipher chosen by: server",
			"Connections for TLS: 2 1 brought to the end of the handshake and closed with QUIT",
			"TLS1.2|refused|alert 70 (protocol_version) TLS1.2; 188 suites; name mx.example.test",
			"ssl2|untested|421 too many",
		}, "Heartbeat"},
	} {
		o := report.Observed{Evidence: report.Evidence{Hosts: []*report.Host{{Name: "mx.example.org", Addresses: []*report.Address{{IP: "192.0.2.1", TLS: c.tls}}}}}}
		var b strings.Builder
		for _, s := range Show(o) {
			written(&b, s.Blocks)
		}
		for _, want := range c.says {
			if !strings.Contains(b.String(), want+"\n") {
				t.Errorf("%s: %q is not among\n%s", c.why, want, b.String())
			}
		}
		if strings.Contains(b.String(), c.absent) {
			t.Errorf("%s: %q is among\n%s", c.why, c.absent, b.String())
		}
	}
}

// written puts blocks into lines.
func written(b *strings.Builder, blocks []view.Block) {
	for _, block := range blocks {
		switch x := block.(type) {
		case view.Facts:
			for _, f := range x {
				fmt.Fprintln(b, strings.TrimSpace(f.Label+": "+f.Text+" "+f.More))
			}
		case view.Table:
			var heads []string
			for _, h := range x.Heads {
				heads = append(heads, h.Name)
			}
			fmt.Fprintln(b, strings.Join(heads, "|"))
			for _, row := range x.Rows {
				var cells []string
				for _, c := range row {
					cells = append(cells, strings.TrimSpace(c.Text+" "+c.More))
				}
				fmt.Fprintln(b, strings.Join(cells, "|"))
			}
		case view.Fold:
			written(b, x.Blocks)
		}
	}
}
