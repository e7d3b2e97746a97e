package mtasts

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"mxseal/checks/internal/egress"
	"mxseal/checks/internal/pkix"
	"mxseal/checks/internal/resolve"
	"mxseal/checks/report"
)

// identity makes a certificate for a name and the store that trusts it.
func identity(t *testing.T, name string, notAfter time.Time) (tls.Certificate, pkix.Store) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{name},
		NotBefore: notAfter.AddDate(-1, 0, 0), NotAfter: notAfter, IsCA: true, BasicConstraintsValid: true,
	}, &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{name}}, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	store, err := pkix.NewStore("test", der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, store
}

const policyHost = "mta-sts.example.com"

// world is a policy host on loopback that stands in for every address but the dead ones.
type world struct {
	config Config
	dialed []string
	dead   []string
}

func serve(t *testing.T, certificate tls.Certificate, store pkix.Store, version uint16, handler http.HandlerFunc) *world {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS10, MaxVersion: version}
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	w := &world{}
	w.config = Config{Roots: store, Dialer: egress.New(egress.Config{Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		w.dialed = append(w.dialed, address)
		if slices.Contains(w.dead, address) {
			return nil, fmt.Errorf("dial: %w", syscall.ECONNREFUSED)
		}
		return new(net.Dialer).DialContext(ctx, network, server.Listener.Addr().String())
	}})}
	return w
}

func addresses(all ...string) []netip.Addr {
	var out []netip.Addr
	for _, a := range all {
		out = append(out, netip.MustParseAddr(a))
	}
	return out
}

func (w *world) fetch(t *testing.T, all ...string) (*report.Fetch, string) {
	f := &report.Fetch{URL: "https://" + policyHost + "/.well-known/mta-sts.txt"}
	raw := fetch(t.Context(), w.config, f, policyHost, addresses(all...))
	return f, raw
}

func TestFetch(t *testing.T) {
	good, store := identity(t, policyHost, time.Now().AddDate(0, 1, 0))
	wrong, wrongStore := identity(t, "www.example.com", time.Now().AddDate(0, 1, 0))
	old, oldStore := identity(t, policyHost, time.Now().AddDate(0, -1, 0))
	_, stranger := identity(t, policyHost, time.Now().AddDate(0, 1, 0))
	page := func(status int, kind, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if r.Host != policyHost || r.URL.Path != "/.well-known/mta-sts.txt" || r.Header.Get("Accept-Encoding") != "" {
				status = http.StatusTeapot
			}
			w.Header().Set("Content-Type", kind)
			w.Header().Set("Location", "https://elsewhere.example.net/")
			w.WriteHeader(status)
			fmt.Fprint(w, body)
		}
	}
	for _, c := range []struct {
		why         string
		certificate tls.Certificate
		store       pkix.Store
		version     uint16
		handler     http.HandlerFunc
		rule        string
		raw         string
	}{
		{"a policy", good, store, 0, page(200, "text/plain", file), "", clean(file)},
		{"TLS 1.2 is enough", good, store, tls.VersionTLS12, page(200, "text/plain", file), "", clean(file)},
		{"TLS 1.1 is not", good, store, tls.VersionTLS11, page(200, "text/plain", file), "STS-14", ""},
		{"for another name", wrong, wrongStore, 0, page(200, "text/plain", file), "STS-13", ""},
		{"out of date", old, oldStore, 0, page(200, "text/plain", file), "STS-13", ""},
		{"of an unknown authority", good, stranger, 0, page(200, "text/plain", file), "STS-13", ""},
		{"a redirect is not followed", good, store, 0, page(302, "text/plain", ""), "STS-15", ""},
		{"not found", good, store, 0, page(404, "text/html", "<html>"), "STS-16", ""},
		{"as much as is kept", good, store, 0, page(200, "text/plain", strings.Repeat("x", maxKept)), "", strings.Repeat("x", maxKept)},
		{"64 KiB, of which senders read all and we keep a part", good, store, 0, page(200, "text/plain", strings.Repeat("x", maxPolicy)), "STS-45", strings.Repeat("x", maxKept)},
		{"one octet more", good, store, 0, page(200, "text/plain", strings.Repeat("x", maxPolicy+1)), "STS-18", strings.Repeat("x", maxKept)},
		{"hostile text is cleaned", good, store, 0, page(200, "text/plain", "a: \x1b[31m\u202e\n"), "", "a: \ufffd[31m\ufffd\n"},
		{"the answer breaks off", good, store, 0, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			fmt.Fprint(w, "version")
		}, "STS-12", ""},
	} {
		w := serve(t, c.certificate, c.store, c.version, c.handler)
		f, raw := w.fetch(t, "198.41.0.4")
		if rule, why := fetchFault(f); rule != c.rule || raw != c.raw {
			t.Errorf("%s: %q (%v), %.40q; want %q, %.40q", c.why, rule, why, raw, c.rule, c.raw)
		}
		if f.Address != "198.41.0.4" || f.Certificate == nil {
			t.Errorf("%s: address %q, certificate %v", c.why, f.Address, f.Certificate)
		}
		if len(w.dialed) != 1 || w.dialed[0] != "198.41.0.4:443" {
			t.Errorf("%s: dialled %v", c.why, w.dialed)
		}
	}
}

func TestFetchTriesEveryAddress(t *testing.T) {
	certificate, store := identity(t, policyHost, time.Now().AddDate(0, 1, 0))
	w := serve(t, certificate, store, 0, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, file) })
	w.dead = []string{"198.41.0.4:443"}
	if f, raw := w.fetch(t, "198.41.0.4", "2001:503::1"); raw == "" || f.Address != "2001:503::1" {
		t.Errorf("%q from %s: %v", raw, f.Address, f.Failure)
	}
	w.dead = append(w.dead, "[2001:503::1]:443")
	f, _ := w.fetch(t, "127.0.0.1", "198.41.0.4", "2001:503::1")
	if rule, _ := fetchFault(f); rule != "STS-12" {
		t.Errorf("all dead: %q %v", rule, f.Failure)
	}
	f, _ = w.fetch(t, "127.0.0.1", "10.0.0.1")
	if rule, _ := fetchFault(f); rule != "STS-11" {
		t.Errorf("all private: %q %v", rule, f.Failure)
	}
	if slices.Contains(w.dialed, "127.0.0.1:443") || slices.Contains(w.dialed, "10.0.0.1:443") {
		t.Errorf("dialled %v", w.dialed)
	}
}

// Beyond depth quick a policy host with both versions of IP is asked over both.
func TestFetchBoth(t *testing.T) {
	certificate, store := identity(t, policyHost, time.Now().AddDate(0, 1, 0))
	says := func(status int, body string) string {
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			fmt.Fprint(w, body)
		}))
		server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
		server.StartTLS()
		t.Cleanup(server.Close)
		return server.Listener.Addr().String()
	}
	one, other, none := says(200, file), says(200, "mode: none\n"), says(404, "")
	const four, six = "198.41.0.4", "2001:503::1"
	for _, c := range []struct {
		why       string
		depth     report.Depth
		addresses string
		routes    map[string]string
		dials     int
		second    int // status of the second fetch, 0 where there is none
		differs   string
	}{
		{"alike", report.Standard, four + " " + six, map[string]string{four: one, six: one}, 2, 200, ""},
		{"another file", report.Standard, four + " " + six, map[string]string{four: one, six: other}, 2, 200, "mode: none\n"},
		{"no file", report.Standard, four + " " + six, map[string]string{four: one, six: none}, 2, 404, "\n"},
		{"depth quick asks once", report.Quick, four + " " + six, map[string]string{four: one, six: other}, 1, 0, ""},
		{"IPv4 alone", report.Standard, four, map[string]string{four: one}, 1, 0, ""},
		{"IPv6 alone", report.Standard, six, map[string]string{six: one}, 1, 0, ""},
		{"IPv6 is dead: senders take IPv4", report.Standard, four + " " + six, map[string]string{four: one}, 2, 0, ""},
		{"IPv4 is dead: both came over IPv6", report.Standard, four + " " + six, map[string]string{six: one}, 3, 0, ""},
	} {
		var mu sync.Mutex
		dials := 0
		cfg := Config{Roots: store, Depth: c.depth, Dialer: egress.New(egress.Config{Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			mu.Lock()
			dials++
			mu.Unlock()
			host, _, _ := net.SplitHostPort(address)
			if c.routes[host] == "" {
				return nil, fmt.Errorf("connection refused")
			}
			return new(net.Dialer).DialContext(ctx, network, c.routes[host])
		}})}
		var fours, sixes []netip.Addr
		for _, a := range addresses(strings.Fields(c.addresses)...) {
			if a.Is4() {
				fours = append(fours, a)
			} else {
				sixes = append(sixes, a)
			}
		}
		m := &report.MTASTS{Fetch: &report.Fetch{URL: "https://" + policyHost + "/.well-known/mta-sts.txt"}}
		fetchBoth(t.Context(), cfg, m, policyHost, fours, sixes)
		status := 0
		if m.Second != nil {
			status = m.Second.Status
		}
		if m.Raw != clean(file) || dials != c.dials || status != c.second || m.SecondRaw != c.differs {
			t.Errorf("%s: %q, %d connections, second %d %q; want %d, %d %q", c.why, m.Raw, dials, status, m.SecondRaw, c.dials, c.second, c.differs)
		}
	}
}

// An address of IPv6 that refuses is noted beside a policy that came over IPv4; one that is silent is not.
func TestRefusalOverIPv6(t *testing.T) {
	for kind, want := range map[error]bool{syscall.ECONNREFUSED: true, syscall.ENETUNREACH: false, context.DeadlineExceeded: false} {
		certificate, store := identity(t, policyHost, time.Now().AddDate(0, 1, 0))
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, file) }))
		server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
		server.StartTLS()
		t.Cleanup(server.Close)
		cfg := Config{Roots: store, Depth: report.Standard, Dialer: egress.New(egress.Config{Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			if strings.HasPrefix(address, "[") {
				return nil, &net.OpError{Op: "dial", Net: network, Err: kind}
			}
			return new(net.Dialer).DialContext(ctx, network, server.Listener.Addr().String())
		}})}
		m := &report.MTASTS{Fetch: &report.Fetch{URL: "https://" + policyHost + "/.well-known/mta-sts.txt"}}
		fetchBoth(t.Context(), cfg, m, policyHost, addresses("198.41.0.4"), addresses("2001:503::1"))
		if m.Raw != clean(file) || (m.Second != nil) != want {
			t.Errorf("%v: %q, second %+v", kind, m.Raw, m.Second)
		}
	}
}

// A host that does not answer in time is tried once more, and not for ever.
func TestFetchIsPatientOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dials := 0
		w := &world{config: Config{Dialer: egress.New(egress.Config{Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			dials++
			<-ctx.Done()
			return nil, ctx.Err()
		}})}}
		f, _ := w.fetch(t, "198.41.0.4")
		if rule, _ := fetchFault(f); rule != "STS-45" || f.Failure.Kind != "timeout" || dials != 2 {
			t.Errorf("%q %v after %d tries", rule, f.Failure, dials)
		}
	})
}

func TestLocated(t *testing.T) {
	a := &resolve.Answer{Records: []dns.RR{&dns.A{A: net.IPv4(198, 41, 0, 4)}}, Trust: report.Trust{State: report.Secure}}
	none := &resolve.Answer{Trust: report.Trust{State: report.Insecure}}
	failing := &resolve.Answer{Failure: &report.Failure{Kind: "servfail", Text: "SERVFAIL"}, Trust: report.Trust{State: report.Indeterminate}}
	if f := located(policyHost, a, none); f.Failure != nil || f.DNSSEC.State != report.Insecure {
		t.Errorf("one address: %+v", f)
	}
	if f := located(policyHost, a, failing); f.Failure != nil {
		t.Errorf("one address, the other question failed: %+v", f.Failure)
	}
	if f := located(policyHost, none, none); f.Failure == nil || f.Failure.Kind != "no-address" {
		t.Errorf("no address: %+v", f.Failure)
	}
	if f := located(policyHost, none, failing); f.Failure == nil || f.Failure.Kind != "servfail" {
		t.Errorf("no answer: %+v", f.Failure)
	}
	many := make([]dns.RR, 50)
	for i := range many {
		many[i] = &dns.A{A: net.IPv4(198, 41, 0, byte(i))}
	}
	mapped := []dns.RR{&dns.AAAA{AAAA: net.ParseIP("::ffff:198.41.0.4")}}
	if got := tried(&resolve.Answer{Records: many}); len(got) != maxAddresses {
		t.Errorf("%v are tried", got)
	}
	if got := tried(&resolve.Answer{Records: mapped}); len(got) != 0 {
		t.Errorf("an IPv4-mapped address is tried: %v", got)
	}
}

// What one address refuses is the domain's only where no other one might have served: silence,
// a limit of ours and an address that is left alone say nothing.
func TestRefusedAtOneAddressOnly(t *testing.T) {
	errs := map[string]error{
		"198.41.0.4": syscall.ECONNREFUSED, "198.41.0.5": syscall.ECONNREFUSED,
		"198.41.0.6": context.DeadlineExceeded, "198.41.0.7": syscall.EHOSTUNREACH, "198.41.0.8": syscall.EMFILE, "198.41.0.9": syscall.ECONNRESET,
	}
	optedOut := func(_ string, a netip.Addr) bool { return a.String() == "198.41.0.10" }
	cfg := Config{OptedOut: optedOut, Dialer: egress.New(egress.Config{Dial: func(_ context.Context, _, address string) (net.Conn, error) {
		host, _, _ := net.SplitHostPort(address)
		return nil, errs[host]
	}})}
	for _, c := range []struct{ addresses, rule string }{
		{"198.41.0.4", "STS-12"},
		{"198.41.0.4 198.41.0.5", "STS-12"},
		{"198.41.0.9", "STS-12"},
		{"198.41.0.6", "STS-45"},
		{"198.41.0.4 198.41.0.6", "STS-45"},
		{"198.41.0.6 198.41.0.4", "STS-45"},
		{"198.41.0.7", "STS-45"},
		{"198.41.0.8 198.41.0.4", "STS-45"},
		{"127.0.0.1", "STS-11"},
		{"127.0.0.1 198.41.0.4", "STS-12"},
		{"127.0.0.1 198.41.0.6 10.0.0.1", "STS-45"},
		{"198.41.0.10", "STS-42"},
		{"198.41.0.10 198.41.0.4", "STS-42"},
		{"198.41.0.4 198.41.0.10", "STS-42"},
	} {
		f := &report.Fetch{URL: "https://" + policyHost + "/.well-known/mta-sts.txt"}
		fetch(t.Context(), cfg, f, policyHost, addresses(strings.Fields(c.addresses)...))
		if rule, why := fetchFault(f); rule != c.rule {
			t.Errorf("%s: %s (%v), want %s", c.addresses, rule, why, c.rule)
		}
	}
	f := &report.Failure{Phase: "connect", Kind: "refused"}
	if untried(f, 3); !uncertain(f) {
		t.Errorf("three more addresses were not tried, and %+v is held against the domain", f)
	}
	f = &report.Failure{Phase: "certificate", Kind: "expired"}
	if untried(f, 3); uncertain(f) {
		t.Errorf("%+v is what the policy host answered", f)
	}
}

// A host that hangs up at once has refused; one that does so after a while without a word may
// never have had our hello.
func TestHangingUp(t *testing.T) {
	for _, c := range []struct {
		after time.Duration
		rule  string
	}{{0, "STS-12"}, {time.Second, "STS-12"}, {10 * time.Second, "STS-45"}, {time.Minute, "STS-45"}} {
		synctest.Test(t, func(t *testing.T) {
			cfg := Config{Dialer: egress.New(egress.Config{Dial: func(context.Context, string, string) (net.Conn, error) {
				near, far := net.Pipe()
				go io.Copy(io.Discard, far)
				time.AfterFunc(c.after, func() { far.Close() })
				return near, nil
			}})}
			f := &report.Fetch{URL: "https://" + policyHost + "/.well-known/mta-sts.txt"}
			fetch(t.Context(), cfg, f, policyHost, addresses("198.41.0.4"))
			if rule, why := fetchFault(f); rule != c.rule {
				t.Errorf("after %v: %s (%v), want %v", c.after, rule, why, c.rule)
			}
		})
	}
}
