package lab

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"strings"

	"mxseal/checks/lab/serve"
)

// policy is an HTTPS server with an MTA-STS policy file (RFC 8461 §3.3).
type policy struct {
	host      string   // its name in the zone; "mta-sts" if empty
	identity  identity // its certificate
	lines     []string // of the file
	status    int      // 200 if zero
	location  string   // of a redirect
	mediaType string   // text/plain if empty
	huge      bool     // a file of a gigabyte, as far as anyone takes it
}

type policyServer struct {
	policy
	config *tls.Config
}

// serve answers one request and closes.
func (p *policyServer) serve(c net.Conn) {
	serve.HTTPS(c, p.config, func(t *tls.Conn, r *http.Request) {
		if p.huge {
			p.pour(t)
			return
		}
		page := serve.Page{Status: p.status, MediaType: p.mediaType, Location: p.location, Body: strings.Join(p.lines, "\r\n") + "\r\n"}
		if r.URL.Path != serve.PolicyPath {
			page.Status = http.StatusNotFound
		}
		if page.Status == http.StatusNotFound {
			page.Body = "Nothing here\r\n"
		}
		page.WriteTo(t)
	})
}

// pour sends a file of a gigabyte.
func (p *policyServer) pour(t *tls.Conn) {
	_, err := fmt.Fprintf(t, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\nConnection: close\r\n\r\n", 1<<30)
	line := []byte(strings.Repeat("mx: mx.example.test\r\n", 1000))
	for sent := 0; sent < 1<<30 && err == nil; sent += len(line) {
		_, err = t.Write(line)
	}
}
