package world

import (
	"bytes"
	"compress/gzip"
	"crypto/tls"
	"io"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// Host is a policy host of a stranger; mail to its domain goes to an ordinary server.
type Host struct {
	Name, Does string
	number     byte
	serve      func(net.Conn)
}

// Domain is the mail domain whose policy it has.
func (h Host) Domain() string { return h.Name + ".sts.certificate.test" }

func (h Host) addr() netip.Addr { return netip.AddrFrom4([4]byte{127, 78, 2, h.number}) }

// Hosts are all of them.
var Hosts = []Host{
	{"bomb", "a gzip body that swells a thousandfold, though nobody asked for gzip", 1, func(c net.Conn) {
		io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n")
		z, zeroes := gzip.NewWriter(c), make([]byte, 1<<20)
		for range 4096 {
			if _, err := z.Write(zeroes); err != nil {
				return
			}
		}
	}},
	{"loop", "redirects to itself", 2, func(c net.Conn) {
		io.WriteString(c, "HTTP/1.1 302 Found\r\nLocation: /.well-known/mta-sts.txt\r\nContent-Length: 0\r\n\r\n")
	}},
	{"body", "a body without end", 3, func(c net.Conn) {
		io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nversion: STSv1\r\n")
		endless(c, []byte("mx: mx.certificate.test\r\n"))
	}},
	{"header", "a header without end", 4, func(c net.Conn) {
		io.WriteString(c, "HTTP/1.1 200 OK\r\n")
		endless(c, []byte("X-Header: "+strings.Repeat("x", 1000)+"\r\n"))
	}},
	{"continue", "a storm of 100 Continue", 5, func(c net.Conn) { endless(c, []byte("HTTP/1.1 100 Continue\r\n\r\n")) }},
	{"drip", "an octet a second", 6, func(c net.Conn) {
		io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 60000\r\n\r\n")
		for {
			if _, err := c.Write([]byte("v")); err != nil {
				return
			}
			time.Sleep(time.Second)
		}
	}},
	{"chunks", "chunks whose extensions never end", 7, func(c net.Conn) {
		io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n1;")
		endless(c, bytes.Repeat([]byte("x"), 4096))
	}},
}

// server speaks TLS and hears the request before the script begins.
func (h Host) server(certificate tls.Certificate) func(net.Conn) {
	config := &tls.Config{Certificates: []tls.Certificate{certificate}}
	return func(c net.Conn) {
		t := tls.Server(c, config)
		defer t.Close()
		if t.Handshake() != nil {
			return
		}
		hear(t)
		h.serve(t)
	}
}

// hostNames gives the records of X.sts and the names that a policy needs.
func hostNames(labels []string, qtype uint16, give func(...string)) {
	for _, h := range Hosts {
		switch below := strings.Join(labels, "."); {
		case below == h.Name+".sts" && qtype == dns.TypeMX:
			give("MX 10 mx." + unsigned)
		case below == "_mta-sts."+h.Name+".sts" && qtype == dns.TypeTXT:
			give(`TXT "v=STSv1; id=1"`)
		case below == "mta-sts."+h.Name+".sts" && qtype == dns.TypeA:
			give("A " + h.addr().String())
		}
	}
}
