package checks_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"mxseal/checks"
	"mxseal/checks/report"
	"mxseal/testdata/hostile"
)

// What the largest report may take that a hostile domain can make us write.
const (
	mostJSON   = 1_000_000 // octets, with all its sentences
	mostAtRest = 200_000   // octets in the file of reports
)

// A domain that does all it can to make its report large: ten mail servers with four addresses
// each, a fresh chain of 120 KB at each handshake, random texts as long as they may be wherever
// a stranger can put a text, in a DNS where every label is a signed zone with two dozen keys.
func TestTheLargestReport(t *testing.T) {
	for _, depth := range []report.Depth{report.Standard, report.Full} {
		t.Run(string(depth), func(t *testing.T) {
			r := largest(t, depth, hostile.Letters)
			whole, err := json.Marshal(r)
			if err != nil {
				t.Fatal(err)
			}
			var rest bytes.Buffer
			z := gzip.NewWriter(&rest)
			json.NewEncoder(z).Encode(r.Bare())
			z.Close()
			t.Logf("depth %s: %d octets of JSON, %d at rest; %d findings, letter %s, %d connections in %d ms", depth, len(whole), rest.Len(), len(r.Findings), r.Grade.Letter, r.Connections, r.ElapsedMS)
			dump(t, r)
			if len(whole) > mostJSON || rest.Len() > mostAtRest {
				t.Errorf("depth %s: too large", depth)
			}
		})
	}
}
func dump(t *testing.T, r *report.Report) {
	sz := func(v any) string {
		b, _ := json.Marshal(v)
		var rest bytes.Buffer
		z := gzip.NewWriter(&rest)
		z.Write(b)
		z.Close()
		return fmt.Sprintf("%d/%d", len(b), rest.Len())
	}
	t.Log("mx", sz(r.MX), "dnssec", sz(r.DNSSEC), "sts", sz(r.MTASTS), "rpt", sz(r.TLSRPT), "hosts", sz(r.Hosts), "findings", sz(r.Findings), "bare findings", sz(r.Bare().Findings), "forecast", sz(r.Forecast), "grade", sz(r.Grade), "changes", sz(r.Changes))
	h := r.Hosts[0]
	t.Log("host: dnssec", sz(h.DNSSEC), "families", sz(h.Families), "tlsa", sz(h.TLSA), "caa", sz(h.CAA))
	type st struct{ n, all, steps, detail, params, text int }
	by := map[string]*st{}
	for _, f := range r.Findings {
		x := by[f.Rule]
		if x == nil {
			x = new(st)
			by[f.Rule] = x
		}
		l := func(v any) int { b, _ := json.Marshal(v); return len(b) }
		x.n++
		x.all += l(f)
		x.steps += l(f.Steps)
		x.detail += l(f.Detail)
		x.params += l(f.Params)
		x.text += len(f.Text) + len(f.Remedy) + len(f.Title)
	}
	for k, x := range by {
		if x.all > 15000 {
			t.Log(k, *x)
		}
	}
	t.Log("cut", h.Cut)
	a := h.Addresses[0]
	t.Log("address: smtp", sz(a.SMTP), "tls", sz(a.TLS), "certs", len(a.Certificates), sz(a.Certificates), "asbase", sz(a.AsBase), "ptr", sz(a.PTR), a.Failure)
}

func largest(t *testing.T, depth report.Depth, text func(int) string) *report.Report {
	press, err := hostile.NewPress()
	if err != nil {
		t.Fatal(err)
	}
	var at [hostile.Hosts][hostile.Addresses]netip.Addr
	for i := range at {
		for k := range at[i] {
			if k%2 == 0 {
				at[i][k] = netip.AddrFrom4([4]byte{192, 0, 2, byte(4*i + k)})
			} else {
				at[i][k] = netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 14: byte(i + 1), 15: byte(k)})
			}
		}
	}
	names, err := hostile.NewNames(at, netip.MustParseAddr("192.0.2.200"))
	if err != nil {
		t.Fatal(err)
	}
	config := press.Config()
	serve := func(c net.Conn) { hostile.Mail(c, config, text) }
	mail := listening(t, serve)
	roots, sts := policyHost(t)
	policy := listening(t, func(c net.Conn) {
		s := tls.Server(c, sts)
		http.ReadRequest(bufio.NewReader(s))
		body := hostile.Policy()
		fmt.Fprintf(s, "HTTP/1.1 200 OK\r\nContent-Type: text/plain; x=%s\r\nContent-Length: %d\r\n\r\n%s", hostile.Letters(900), len(body), body)
		s.Close()
	})
	resolver := listening(t, func(c net.Conn) { answerStream(c, names) })
	e, err := checks.New(checks.Config{
		Resolvers: []netip.AddrPort{netip.MustParseAddrPort("192.0.2.53:53")}, Anchors: names.Anchors(), Roots: roots,
		Allow: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/32")},
		HELO:  "mxseal.example", Depth: depth, Pace: -1, Timeout: 90 * time.Second,
		Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			to := mail
			switch {
			case strings.HasSuffix(address, ":443"):
				to = policy
			case strings.HasSuffix(address, ":53") && strings.HasPrefix(network, "udp"):
				near, far := net.Pipe()
				go answerPackets(far, names)
				return packets{near}, nil
			case strings.HasSuffix(address, ":53"):
				to = resolver
			}
			return new(net.Dialer).DialContext(ctx, "tcp", to)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return scan(t, e, hostile.Domain)
}

// packets is a pipe that DNS libraries take for UDP.
type packets struct{ net.Conn }

func (p packets) ReadFrom(b []byte) (int, net.Addr, error) {
	n, err := p.Read(b)
	return n, p.RemoteAddr(), err
}
func (p packets) WriteTo(b []byte, _ net.Addr) (int, error) { return p.Write(b) }

func answerPackets(c net.Conn, n *hostile.Names) {
	defer c.Close()
	buf := make([]byte, dns.MaxMsgSize)
	for {
		k, err := c.Read(buf)
		if err != nil {
			return
		}
		q := new(dns.Msg)
		if q.Unpack(buf[:k]) != nil {
			continue
		}
		m := n.Answer(q)
		out, err := m.Pack()
		if err != nil || len(out) > 1232 {
			m.Answer, m.Ns, m.Truncated = nil, nil, true
			out, _ = m.Pack()
		}
		c.Write(out)
	}
}

func answerStream(c net.Conn, n *hostile.Names) {
	co := &dns.Conn{Conn: c}
	for {
		q, err := co.ReadMsg()
		if err != nil {
			return
		}
		m := n.Answer(q)
		m.Compress = true
		for m.Len() > dns.MaxMsgSize && len(m.Answer) > 1 {
			m.Answer = m.Answer[:len(m.Answer)-1]
		}
		if co.WriteMsg(m) != nil {
			return
		}
	}
}

func listening(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				serve(c)
			}()
		}
	}()
	return l.Addr().String()
}

// policyHost returns a root and the configuration of a server that it vouches for.
func policyHost(t *testing.T) (roots []byte, config *tls.Config) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "root"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	root, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf := &x509.Certificate{SerialNumber: big.NewInt(2), DNSNames: []string{"mta-sts." + hostile.Domain}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	for range 60 {
		leaf.DNSNames = append(leaf.DNSNames, hostile.Letters(60)+".test")
	}
	der, err := x509.CreateCertificate(rand.Reader, leaf, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root}), &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
}

var _ = io.EOF
