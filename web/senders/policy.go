package senders

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"strings"

	"mxseal/checks/lab/serve"
	"mxseal/checks/sender"
)

// servePolicy answers one request at the policy host.
func (s *Senders) servePolicy(c net.Conn) {
	from := addrOf(c.RemoteAddr())
	config := &tls.Config{MinVersion: tls.VersionTLS12, SessionTicketsDisabled: true, GetCertificate: func(h *tls.ClientHelloInfo) (*tls.Certificate, error) {
		if one := s.Certificates.Policy(strings.ToLower(h.ServerName)); one != nil {
			return one, nil
		}
		return nil, fmt.Errorf("no certificate for %q", h.ServerName)
	}}
	serve.HTTPS(c, config, func(t *tls.Conn, r *http.Request) {
		page := s.page(t.ConnectionState().ServerName, r, func(p place) { s.fetched(p, from) })
		page.WriteTo(t)
	})
}

// page is what the policy host of a name answers.
func (s *Senders) page(name string, r *http.Request, note func(place)) serve.Page {
	s.mu.Lock()
	p, ok := s.find(strings.ToLower(name))
	open := ok && !p.host && p.prefix == "mta-sts" && s.running(p.test) != nil && sender.DesignOf(p.trap).Promise&sender.ByPolicy != 0
	text := ""
	if open {
		text = s.policy(p)
	}
	s.mu.Unlock()
	if !open || r.URL.Path != serve.PolicyPath || r.Method != http.MethodGet {
		return serve.Page{Status: http.StatusNotFound, Body: "Nothing here\r\n"}
	}
	note(p)
	return serve.Page{Body: text}
}

// policy is the file of a trap (RFC 8461 §3.2). Those that are kept name all mail servers one label
// below the zone; the others name servers that the MX record does not.
func (s *Senders) policy(p place) string {
	mx := "*." + s.Zone
	switch p.trap {
	case sender.STSCert:
		mx = "*." + leased(p.trap, s.tests[p.test].slot) + "." + s.Zone
	case sender.STSOutside, sender.STSBadDANE:
		mx = "*.elsewhere." + s.Zone
	}
	return fmt.Sprintf("version: STSv1\r\nmode: enforce\r\nmx: %s\r\nmax_age: %d\r\n", mx, int(policyAge.Seconds()))
}
