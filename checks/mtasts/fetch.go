package mtasts

import (
	"cmp"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"mxseal/checks/internal/egress"
	"mxseal/checks/internal/pkix"
	"mxseal/checks/report"
)

// Config says how to reach the policy host and whom to trust.
type Config struct {
	Dialer *egress.Dialer
	Roots  pkix.Store
	Port   uint16       // 443 if zero
	Depth  report.Depth // beyond quick the file is fetched over IPv4 and IPv6
	// OptedOut reports whether the owner of a policy host has asked not to be contacted; nil: nobody has.
	OptedOut func(host string, addr netip.Addr) bool
}

func (c Config) port() uint16 { return cmp.Or(c.Port, 443) }

// The time for one fetch. Senders give up after a minute (RFC 8461 §3.3); a host that is
// merely slow gets a second try with as much.
const (
	firstTry  = 20 * time.Second
	secondTry = 60 * time.Second
)

// fetch gets the policy file and tells f how. The text is cleaned; it is empty where there
// was none.
func fetch(ctx context.Context, cfg Config, f *report.Fetch, host string, addresses []netip.Addr) string {
	begun := *f
	raw := attempt(ctx, cfg, f, host, addresses, firstTry, nil)
	if f.Failure != nil && f.Failure.Kind == report.KindTimeout && ctx.Err() == nil {
		*f = begun
		raw = attempt(ctx, cfg, f, host, addresses, secondTry, small)
	}
	return raw
}

// small are groups whose hello fits into one packet on every path: one that vanished may have
// been too large for ours.
var small = []tls.CurveID{tls.X25519, tls.CurveP256, tls.CurveP384}

func attempt(ctx context.Context, cfg Config, f *report.Fetch, host string, addresses []netip.Addr, limit time.Duration, groups []tls.CurveID) string {
	conn, took := connect(ctx, cfg, f, host, addresses, limit)
	if conn == nil {
		return ""
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(ctx, limit-took)
	defer cancel()
	secure := handshake(ctx, cfg, f, host, conn, groups)
	if secure == nil {
		return ""
	}
	return get(ctx, f, secure)
}

func failed(phase report.Phase, err error, says report.Says, pairs ...any) *report.Failure {
	return report.Failed(phase, egress.Kind(err), report.Say(says, pairs...).About(egress.Say(err)))
}

// connect dials the addresses in turn until one accepts; each gets its share of the time, into
// which waiting for our own turn does not count.
func connect(ctx context.Context, cfg Config, f *report.Fetch, host string, addresses []netip.Addr, limit time.Duration) (conn net.Conn, took time.Duration) {
	for _, a := range addresses {
		if cfg.OptedOut != nil && cfg.OptedOut(host, a) {
			f.Failure = report.Failed(report.PhaseConnect, leftAlone, report.Say(report.SaysPolicyHostOptedOut, "host", host, "address", a))
			continue
		}
		peer, begun := cfg.Dialer.Peer(netip.AddrPortFrom(a, cfg.port())), time.Now()
		conn, err := peer.DialWithin(ctx, limit/time.Duration(len(addresses)))
		took += time.Since(begun) - peer.Waited()
		if err == nil {
			f.Address, f.Failure = a.String(), nil
			return conn, took
		}
		// One that was contacted in vain says more than one that never is, and one of which
		// nothing was learnt may be the one at which others are served.
		this := failed(report.PhaseConnect, err, report.SaysPolicyUnreached, "address", a, "port", cfg.port())
		if f.Failure == nil || this.Kind != report.KindForbidden && (!unseen(f) || f.Failure.Kind != leftAlone && uncertain(this)) {
			f.Failure = this
		}
	}
	if len(addresses) == 0 {
		f.Failure = report.Failed(report.PhaseConnect, report.KindForbidden, report.Say(report.SaysPolicyHostForbidden))
	}
	return nil, took
}

// versions of TLS as the report names them.
var versions = map[uint16]report.Version{
	tls.VersionTLS10: report.TLS10, tls.VersionTLS11: report.TLS11, tls.VersionTLS12: report.TLS12, tls.VersionTLS13: report.TLS13,
}

// handshake begins TLS and looks at version and certificate itself, so that the evidence
// says what is wrong with either. It is nil where a sender would stop.
func handshake(ctx context.Context, cfg Config, f *report.Fetch, host string, conn net.Conn, groups []tls.CurveID) *tls.Conn {
	heard, begun := &listener{Conn: conn}, time.Now()
	secure := tls.Client(heard, &tls.Config{
		CurvePreferences:   groups,
		ServerName:         host,
		MinVersion:         tls.VersionTLS10, // an old one is recognised and then refused
		NextProtos:         []string{"http/1.1"},
		InsecureSkipVerify: true, // verified below
	})
	if err := secure.HandshakeContext(ctx); err != nil {
		f.Failure = failed(report.PhaseHandshake, err, report.SaysPolicyHandshake, "address", f.Address)
		switch {
		case strings.Contains(err.Error(), "protocol version"):
			f.Failure.Kind = report.KindTLSVersion
		case !heard.any && time.Since(begun) >= waited:
			f.Failure.Kind = report.KindTimeout // it may never have had our hello, and have tired of waiting
		}
		return nil
	}
	state := secure.ConnectionState()
	f.TLSVersion = versions[state.Version]
	var chain [][]byte
	for _, c := range state.PeerCertificates {
		chain = append(chain, c.Raw)
	}
	f.Certificate = cfg.Roots.Describe(chain, host, time.Now())
	switch {
	case state.Version < tls.VersionTLS12:
		f.Failure = report.Failed(report.PhaseHandshake, report.KindTLSVersion, report.Say(report.SaysPolicyTLSVersion, "version", f.TLSVersion))
	case f.Certificate == nil:
		f.Failure = report.Failed(report.PhaseCertificate, report.KindNoCertificate, report.Say(report.SaysPolicyNoCertificate))
	case f.Certificate.PKIX != report.PKIXOK:
		f.Failure = report.Failed(report.PhaseCertificate, report.Kind(f.Certificate.PKIX), report.Say(report.SaysPolicyCertificate, "host", host, "state", f.Certificate.PKIX))
	default:
		if at, err := netip.ParseAddr(f.Address); err == nil {
			cfg.Dialer.Vouch(at)
		}
		return secure
	}
	return nil
}

// waited is how long a server that has our hello may take to refuse it; one that hangs up later
// without a word has had a timeout of its own.
const waited = 5 * time.Second

// listener is a connection that remembers whether anything came.
type listener struct {
	net.Conn
	any bool
}

func (l *listener) Read(b []byte) (int, error) {
	n, err := l.Conn.Read(b)
	l.any = l.any || n > 0
	return n, err
}

// get asks for the file on a connection that is made. Redirects are not followed, and
// nothing is decompressed (RFC 8461 §3.3).
func get(ctx context.Context, f *report.Fetch, secure *tls.Conn) string {
	client := http.Client{
		Transport: &http.Transport{
			DialTLSContext:         func(context.Context, string, string) (net.Conn, error) { return secure, nil },
			DisableCompression:     true,
			DisableKeepAlives:      true,
			MaxResponseHeaderBytes: maxPolicy,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, f.URL, nil)
	if err != nil {
		f.Failure = failed(report.PhaseHTTP, err, report.SaysPolicyUnaskable, "url", f.URL)
		return ""
	}
	req.Header.Set("User-Agent", "mxseal")
	req.Header.Set("Accept", "text/plain")
	resp, err := client.Do(req)
	if err != nil {
		f.Failure = failed(report.PhaseHTTP, err, report.SaysPolicyNoAnswer, "address", f.Address)
		return ""
	}
	defer resp.Body.Close()
	f.Status = resp.StatusCode
	f.ContentType = report.Clean(resp.Header.Get("Content-Type"), 200)
	f.Location = report.Clean(resp.Header.Get("Location"), 512)
	if resp.StatusCode != http.StatusOK {
		return ""
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxPolicy+1))
	if err != nil {
		f.Failure = failed(report.PhaseHTTP, err, report.SaysPolicyBreaksOff, "address", f.Address)
		return ""
	}
	text := clean(string(body[:min(len(body), maxPolicy)]))
	switch {
	case len(body) > maxPolicy:
		f.TooLarge = true
	case report.Octets(text) > maxKept: // senders read on, and so would it be judged by a part of it
		f.Failure = report.Failed(report.PhaseHTTP, report.KindLimit, report.Say(report.SaysPolicyTooLong, "address", f.Address, "octets", len(body), "most", maxKept))
	}
	return kept(text)
}

// clean makes a policy file fit to be kept, line by line.
func clean(raw string) string {
	lines := strings.Split(raw, "\n")
	for i, line := range lines {
		lines[i] = report.Clean(strings.TrimSuffix(line, "\r"), maxPolicy)
	}
	return strings.Join(lines, "\n")
}

// kept returns the beginning of a clean text that is kept.
func kept(text string) string {
	for report.Octets(text) > maxKept {
		half := len(text) / 2
		if len(text) > maxKept {
			half = maxKept
		}
		text = strings.ToValidUTF8(text[:half], "")
	}
	return text
}
