package checks

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"time"

	"github.com/miekg/dns"

	"mxseal/checks/report"
)

const (
	fetchTime    = 5 * time.Minute // one file, with all that leads to it
	fetchConnect = 10 * time.Second
	maxRedirects = 5
)

// Fetch opens a file of the operator's by its HTTPS address, with most octets at most: reading further is an
// error. Whatever it leads to is contacted like a policy host, and no special-purpose address is: neither
// by a name, nor by a redirect. The error says what failed and where.
func (e *Engine) Fetch(ctx context.Context, address string, most int64) (io.ReadCloser, error) {
	at, transport, err := e.web(address)
	if err != nil {
		return nil, err
	}
	transport.DisableCompression = true
	ctx, cancel := context.WithTimeout(ctx, fetchTime)
	client := http.Client{
		Transport: transport,
		CheckRedirect: func(to *http.Request, via []*http.Request) error {
			switch {
			case to.URL.Scheme != "https":
				return errors.New("it leads to an address that is not https://")
			case len(via) > maxRedirects:
				return fmt.Errorf("it leads on more than %d times", maxRedirects)
			}
			return nil
		},
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		cancel()
		return nil, fmt.Errorf("%s: %w", at.Host, err)
	}
	req.Header.Set("User-Agent", "mxseal")
	resp, err := client.Do(req)
	if err != nil {
		cancel()
		return nil, fmt.Errorf("fetch the list: %w", err)
	}
	f := &fetched{body: resp.Body, left: most, most: most, cancel: cancel}
	if resp.StatusCode != http.StatusOK {
		f.Close()
		return nil, fmt.Errorf("fetch the list: %s answers %s", at.Host, report.Clean(resp.Status, 80))
	}
	return f, nil
}

// web is the way to an HTTPS address that somebody has named: by our resolver, through our wall, one connection.
func (e *Engine) web(address string) (at *url.URL, transport *http.Transport, err error) {
	at, err = url.Parse(address)
	if err != nil || at.Scheme != "https" || at.Host == "" || at.User != nil {
		return nil, nil, fmt.Errorf("%s: this is no https:// address", report.Clean(address, 200))
	}
	roots, err := e.webRoots()
	if err != nil {
		return nil, nil, err
	}
	return at, &http.Transport{DialContext: e.dialWeb, TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, DisableKeepAlives: true,
		ResponseHeaderTimeout: fetchConnect, TLSHandshakeTimeout: fetchConnect}, nil
}

// webRoots are the authorities that are trusted; nil for those of the system.
func (e *Engine) webRoots() (*x509.CertPool, error) {
	if e.cfg.Roots == nil {
		return nil, nil
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(e.cfg.Roots) {
		return nil, errors.New("CA file: it holds no certificate")
	}
	return pool, nil
}

// dialWeb connects to a web server by the engine's own resolver and through its wall.
func (e *Engine) dialWeb(ctx context.Context, _, address string) (net.Conn, error) {
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return nil, err
	}
	var list []netip.Addr
	if a, err := netip.ParseAddr(host); err == nil {
		list = append(list, a)
	} else {
		for _, kind := range []uint16{dns.TypeA, dns.TypeAAAA} {
			list = append(list, e.resolver.Lookup(ctx, dns.Fqdn(host), kind).Addresses()...)
		}
	}
	failed := fmt.Errorf("%s: no address was found", report.Clean(host, 200))
	for i, a := range list {
		conn, err := e.dialer.Peer(netip.AddrPortFrom(a, uint16(port))).DialWithin(ctx, fetchConnect)
		if err == nil {
			return conn, nil
		}
		if i == 0 {
			failed = err
		}
	}
	return nil, failed
}

// fetched is a file that is being fetched.
type fetched struct {
	body       io.ReadCloser
	left, most int64
	cancel     context.CancelFunc
}

func (f *fetched) Read(b []byte) (int, error) {
	n, err := f.body.Read(b[:min(int64(len(b)), f.left+1)])
	if f.left -= int64(n); f.left < 0 {
		return 0, fmt.Errorf("it has more than %d octets", f.most)
	}
	return n, err
}

func (f *fetched) Close() error {
	defer f.cancel()
	return f.body.Close()
}
