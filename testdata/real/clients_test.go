package real

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"
)

// clients send no mail: they open TLS in the name of the host, with the CA as their store and
// Debian's defaults. What they find is what the report says of the handshake of those who do
// not authenticate and of the certificate by WebPKI, or the case says why.
var clients = []struct {
	name                string
	command             string // CA, host, address
	completes, verifies string
}{
	{"gnutls-cli", `gnutls-cli --starttls-proto=smtp --insecure --x509cafile "$1" --sni-hostname "$2" --verify-hostname "$2" --port 25 "$3"`,
		"- Handshake was completed", "- Status: The certificate is trusted."},
	{"s_client", `openssl s_client -starttls smtp -brief -CAfile "$1" -servername "$2" -verify_hostname "$2" -connect "$3:25"`,
		"CONNECTION ESTABLISHED", "Verification: OK"},
}

// openByClients returns what each client finds at the host of each case of TLS: trusted, tls where
// the certificate does not verify, or fails.
func (p *post) openByClients(cases []*delivery) map[*delivery]map[string]string {
	opened := make(map[*delivery]map[string]string)
	for _, c := range cases {
		if !slices.Contains(handshakes, c) {
			continue
		}
		opened[c] = make(map[string]string)
		for _, client := range clients {
			s := p.scripts[c][0]
			ctx, stop := context.WithTimeout(p.t.Context(), 30*time.Second)
			out, err := p.space.Output(ctx, "sh", "-c", "exec 2>&1 "+client.command, "sh", p.Dir+"/ca.pem", s.name, s.address)
			stop()
			if err != nil {
				p.t.Errorf("%s at %s: %v\n%s", client.name, c.name, err, out)
			}
			switch said := string(out); {
			case !strings.Contains(said, client.completes):
				opened[c][client.name] = "fails"
			case strings.Contains(said, client.verifies):
				opened[c][client.name] = "trusted"
			default:
				opened[c][client.name] = "tls"
			}
		}
	}
	return opened
}

// opens is what the report says a client finds.
func (r *judged) opens() string {
	switch {
	case outcomes[r.Matrix["S1"]["A0"]] != "tls":
		return "fails"
	case r.Hosts[0].Addresses[0].Certificates[0].PKIX == "ok":
		return "trusted"
	}
	return "tls"
}

// besides is the part of the table that shows the clients and what the report says they find.
func (r *judged) besides(opened map[string]string) []string {
	if opened == nil {
		return []string{"-", "-", "-"}
	}
	return []string{opened["gnutls-cli"], opened["s_client"], r.opens()}
}

// compare holds what clients found to the report.
func (c *delivery) compare(t *testing.T, r *judged, opened map[string]string) {
	for client, found := range opened {
		switch why, says := c.why[client], r.opens(); {
		case found != says && why == "":
			t.Errorf("%s: %s; the report says %s, and nothing here says why", client, found, says)
		case found != says:
			t.Logf("%s: %s; the report says %s: %s", client, found, says, why)
		case why != "":
			t.Errorf("%s: %s, as the report says; nothing needs this reason: %s", client, found, why)
		}
	}
}
