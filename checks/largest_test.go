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
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"mxseal/checks"
	"mxseal/checks/lab"
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
// a stranger can put a text, aliases upon aliases, in a DNS where every label is a signed zone with
// two dozen keys. Its report stays within its bounds, and is judged again to the same letter.
func TestTheLargestReport(t *testing.T) {
	for _, c := range []struct {
		depth report.Depth
		text  func(int) string
		kind  string
	}{
		{report.Standard, hostile.Letters, "random letters"},
		{report.Full, hostile.Text, "random letters of other scripts"},
		{report.Quick, func(n int) string { return strings.Repeat("<", n) }, "letters that JSON writes as six"},
	} {
		t.Run(string(c.depth), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { // so that it is met however busy this machine is
				r := largest(t, c.depth, c.text)
				whole, err := json.Marshal(r)
				if err != nil {
					t.Fatal(err)
				}
				text, err := json.Marshal(r.Bare())
				if err != nil {
					t.Fatal(err)
				}
				var rest bytes.Buffer // as package store packs it
				z := gzip.NewWriter(&rest)
				z.Write(text)
				z.Close()
				t.Logf("depth %s, %s: %d octets of JSON, %d at rest; %d findings, %d connections", c.depth, c.kind, len(whole), rest.Len(), len(r.Findings), r.Connections)
				if len(whole) > mostJSON || rest.Len() > mostAtRest {
					t.Errorf("it is too large: %s", parts(r))
				}
				seen := 0
				for _, h := range r.Hosts {
					for _, a := range h.Addresses {
						if a.SMTP != nil && a.SMTP.STARTTLS == "ok" && len(a.Certificates) > 0 {
							seen++
						}
					}
				}
				if seen < hostile.Hosts*hostile.Addresses/2 || r.MX.DNSSEC.State != report.Secure || r.MTASTS.Fetch == nil || r.MTASTS.Fetch.Status != 200 || r.MTASTS.SecondRaw == "" && c.depth != report.Quick {
					t.Errorf("the domain was not met: %d addresses with certificates, MX %s, policy %+v", seen, r.MX.DNSSEC.State, r.MTASTS.Fetch)
				}
				again := stored(t, r)
				again.Conclusions = checks.Judge(again.Meta, again.Evidence)
				if again.Grade.Letter != r.Grade.Letter || len(again.Findings) != len(r.Findings) {
					t.Errorf("%s with %d findings, and %s with %d when judged again", r.Grade.Letter, len(r.Findings), again.Grade.Letter, len(again.Findings))
				}
			})
		})
	}
}

// parts says how large the parts of a report are.
func parts(r *report.Report) string {
	var b strings.Builder
	for name, part := range map[string]any{"mx": r.MX, "dnssec": r.DNSSEC, "mta_sts": r.MTASTS, "tls_rpt": r.TLSRPT, "hosts": r.Hosts, "findings": r.Findings} {
		text, _ := json.Marshal(part)
		fmt.Fprintf(&b, "%s %d, ", name, len(text))
	}
	return b.String()
}

// here is where all connections of the test come from.
var here = &net.TCPAddr{IP: net.IPv4(192, 0, 2, 254), Port: 40000}

// largest has the domain checked by the engine.
func largest(t *testing.T, depth report.Depth, text func(int) string) *report.Report {
	t.Helper()
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
	names, err := hostile.NewNames(at, [2]netip.Addr{netip.MustParseAddr("192.0.2.200"), netip.MustParseAddr("2001:db8::c8")})
	if err != nil {
		t.Fatal(err)
	}
	config := press.Config()
	roots, sts := policyHost(t)
	e, err := checks.New(checks.Config{
		Resolvers: []netip.AddrPort{netip.MustParseAddrPort("192.0.2.53:53")}, Anchors: names.Anchors(), Roots: roots,
		Allow: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/32")},
		HELO:  "mxseal.example", Depth: depth, Pace: -1, Timeout: 10 * time.Minute,
		Dial: func(_ context.Context, network, address string) (net.Conn, error) {
			packets := strings.HasPrefix(network, "udp")
			near, far := lab.Pipe(here, net.TCPAddrFromAddrPort(netip.MustParseAddrPort(address)), packets)
			go func() {
				defer far.Close()
				switch {
				case packets:
					answerPackets(far, names)
				case strings.HasSuffix(address, ":53"):
					answerStream(far, names)
				case strings.HasSuffix(address, ":443"):
					servePolicy(tls.Server(far, sts))
				default:
					hostile.Mail(far, config, text)
				}
			}()
			return near, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return scan(t, e, hostile.Domain)
}

// servePolicy answers one request by a policy that is nearly as long as is kept.
func servePolicy(c net.Conn) {
	if _, err := http.ReadRequest(bufio.NewReader(c)); err != nil {
		return
	}
	body := hostile.Policy()
	fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Type: text/plain; x=%s\r\nContent-Length: %d\r\n\r\n%s", hostile.Letters(900), len(body), body)
	c.Close()
}

func answerPackets(c net.Conn, n *hostile.Names) {
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
	stream := &dns.Conn{Conn: c}
	for {
		q, err := stream.ReadMsg()
		if err != nil || stream.WriteMsg(n.Answer(q)) != nil {
			return
		}
	}
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
	for range 400 {
		leaf.DNSNames = append(leaf.DNSNames, hostile.Letters(60)+".test")
	}
	der, err := x509.CreateCertificate(rand.Reader, leaf, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root}), &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
}
