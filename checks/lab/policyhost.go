package lab

import (
	"bufio"
	"cmp"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
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
	defer c.Close()
	c.SetDeadline(time.Now().Add(time.Minute))
	t := tls.Server(c, p.config)
	defer t.Close()
	request, err := http.ReadRequest(bufio.NewReader(io.LimitReader(t, 1<<16)))
	if err != nil {
		return
	}
	status, body := cmp.Or(p.status, http.StatusOK), strings.Join(p.lines, "\r\n")+"\r\n"
	if request.URL.Path != "/.well-known/mta-sts.txt" {
		status = http.StatusNotFound
	}
	if status == http.StatusNotFound {
		body = "Nothing here\r\n"
	}
	if p.huge {
		fmt.Fprintf(t, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\nConnection: close\r\n\r\n", 1<<30)
		line := []byte(strings.Repeat("mx: mx.example.test\r\n", 1000))
		for sent := 0; sent < 1<<30 && err == nil; sent += len(line) {
			_, err = t.Write(line)
		}
		return
	}
	location := ""
	if p.location != "" {
		location = "Location: " + p.location + "\r\n"
	}
	fmt.Fprintf(t, "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n%sConnection: close\r\n\r\n%s",
		status, http.StatusText(status), cmp.Or(p.mediaType, "text/plain"), len(body), location, body)
}
