// Package world is a small internet with strangers in it: the lab on loopback sockets, and
// beside it name servers, mail servers and policy hosts that mean harm. The suite against
// faults and the program that measures load run the built mxseal against it.
//
// Everything is on loopback: the lab in 127.77, the strangers in 127.78, the mail servers of
// Crowd in 127.79, those of Listed in 127.84 to 127.86, those of Fresh in 127.82 and fd78::/32, those of whole networks in 127.80, 127.81 and
// fd77:7:7:7::/64, visitors of the site in 127.9.
package world

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/miekg/dns"

	"mxseal/checks/lab"
)

// World is the internet of one run. Close it.
type World struct {
	*Resolver
	lab     *lab.Lab
	options lab.Options
	anchor  string // files
	roots   string
	ca      authority

	mu      sync.Mutex
	closers []io.Closer
	closing chan struct{}
	work    sync.WaitGroup
}

// New opens a world. dir takes the files that the program is pointed to.
func New(dir string) (*World, error) {
	w := &World{closing: make(chan struct{}), anchor: filepath.Join(dir, "anchor"), roots: filepath.Join(dir, "roots.pem")}
	for _, port := range []*uint16{&w.options.DNSPort, &w.options.SMTPPort, &w.options.STSPort} {
		var err error
		if *port, err = lab.FreePort(); err != nil {
			return nil, err
		}
	}
	w.Resolver = newResolver()
	w.options.Fixes = map[string][]lab.Fix{"signed.test": {{Add: w.delegations()}}}
	var err error
	if w.lab, err = lab.New(w.options); err != nil {
		return nil, err
	}
	w.later(w.lab)
	if err = w.lab.Listen(); err == nil {
		err = w.open(dir)
	}
	if err != nil {
		w.Close()
		return nil, err
	}
	return w, nil
}

func (w *World) open(dir string) error {
	var err error
	if w.ca, err = newAuthority(); err != nil {
		return err
	}
	if err := os.WriteFile(w.roots, append(w.lab.CA(), w.ca.pem()...), 0o644); err != nil {
		return err
	}
	if err := w.begin(w, "127.78.0.53:"+strconv.Itoa(int(w.options.DNSPort)), w.lab); err != nil {
		return err
	}
	w.later(w.Resolver)
	if err := os.WriteFile(w.anchor, []byte(w.root.key.ToDS(dns.SHA256).String()+"\n"), 0o644); err != nil {
		return err
	}
	for _, s := range Mailers {
		if err := w.listen(s.addr(), w.options.SMTPPort, s.serve); err != nil {
			return err
		}
	}
	for _, s := range Hosts {
		certificate, err := w.ca.issue("mta-sts." + s.Domain())
		if err != nil {
			return err
		}
		if err := w.listen(s.addr(), w.options.STSPort, s.server(certificate)); err != nil {
			return err
		}
	}
	return nil
}

// Flags point a command of mxseal at the world.
func (w *World) Flags() []string {
	return []string{
		"--resolver", w.Resolver.address, "--trust-anchor", w.anchor, "--ca-file", w.roots,
		"--smtp-port", strconv.Itoa(int(w.options.SMTPPort)), "--sts-port", strconv.Itoa(int(w.options.STSPort)),
		"--allow-net", "127.0.0.0/8", "--allow-net", freshNet, "--helo", "mx.certificate.test",
	}
}

// Close ends every server and returns when all are gone.
func (w *World) Close() error {
	w.mu.Lock()
	select {
	case <-w.closing:
	default:
		close(w.closing)
	}
	for _, c := range w.closers {
		c.Close()
	}
	w.mu.Unlock()
	w.work.Wait()
	return nil
}

func (w *World) later(c io.Closer) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closers = append(w.closers, c)
}

// listen serves every connection to an address until the world closes.
func (w *World) listen(addr netip.Addr, port uint16, serve func(net.Conn)) error {
	l, err := anywhere.Listen(context.Background(), "tcp", netip.AddrPortFrom(addr, port).String())
	if err != nil {
		return err
	}
	w.later(l)
	w.work.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			w.work.Go(func() {
				ended := make(chan struct{})
				defer close(ended)
				go func() { // a stranger who talks without end stops with the world
					select {
					case <-w.closing:
					case <-ended:
					}
					c.Close()
				}()
				c.SetDeadline(time.Now().Add(3 * time.Minute))
				serve(c)
			})
		}
	})
	return nil
}

// anywhere listens on addresses of a network that is routed here, though no interface has them.
var anywhere = net.ListenConfig{Control: func(network, _ string, c syscall.RawConn) (err error) {
	if network == "tcp6" {
		const freeBind = 78 // IPV6_FREEBIND (linux/in6.h)
		err = errors.Join(c.Control(func(fd uintptr) { err = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_IPV6, freeBind, 1) }), err)
	}
	return err
}}

// authority is the CA of the strangers' policy hosts: without a certificate that holds,
// nobody would read what they send.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority() (a authority, err error) {
	if a.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return a, err
	}
	t := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "CA of strangers"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, t, t, a.key.Public(), a.key)
	if err != nil {
		return a, err
	}
	a.cert, err = x509.ParseCertificate(der)
	return a, err
}

func (a authority) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})
}

// issue makes a certificate for names.
func (a authority) issue(names ...string) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	t := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: names[0]}, DNSNames: names,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, t, a.cert, key.Public(), a.key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("certificate of %s: %w", names[0], err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}
