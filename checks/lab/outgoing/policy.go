package outgoing

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"mxseal/checks/lab/serve"
)

const policyOctets = 64 << 10

// policy is what a file of MTA-STS says (RFC 8461 §3.2).
type policy struct {
	enforced bool
	mx       []string
}

// policyOf looks for the record of a domain and fetches its policy.
func (s *server) policyOf(ctx context.Context, domain string) (policy, error) {
	record, err := s.dns.lookup(ctx, "_mta-sts."+domain, dns.TypeTXT)
	if err != nil {
		return policy{}, err
	}
	if !slices.ContainsFunc(record.records, func(rr dns.RR) bool { return strings.HasPrefix(strings.Join(rr.(*dns.TXT).Txt, ""), "v=STSv1;") }) {
		return policy{}, nil
	}
	host := "mta-sts." + domain
	at, err := s.dns.lookup(ctx, host, dns.TypeA)
	if err != nil {
		return policy{}, err
	}
	if len(at.records) == 0 {
		return policy{}, fmt.Errorf("%s has no address", host)
	}
	addr, _ := netip.AddrFromSlice(at.records[0].(*dns.A).A.To4())
	text, err := s.fetch(ctx, host, netip.AddrPortFrom(addr, s.PolicyPort))
	if err != nil {
		return policy{}, err
	}
	return readPolicy(text), nil
}

// fetch gets the file from the policy host, which has to show a trusted certificate. It follows no redirect
// (RFC 8461 §3.3).
func (s *server) fetch(ctx context.Context, host string, at netip.AddrPort) (string, error) {
	d := &net.Dialer{LocalAddr: &net.TCPAddr{IP: s.From.AsSlice()}}
	c := &http.Client{
		Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: s.Roots},
			DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
				return d.DialContext(ctx, network, at.String())
			}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+host+serve.PolicyPath, nil)
	if err != nil {
		return "", err
	}
	got, err := c.Do(r)
	if err != nil {
		return "", err
	}
	defer got.Body.Close()
	if got.StatusCode != http.StatusOK {
		return "", fmt.Errorf("fetch the policy from %s: %s", host, got.Status)
	}
	text, err := io.ReadAll(io.LimitReader(got.Body, policyOctets))
	return string(text), err
}

func readPolicy(text string) policy {
	var p policy
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(line, ":")
		switch value = strings.TrimSpace(value); strings.TrimSpace(key) {
		case "mode":
			p.enforced = value == "enforce"
		case "mx":
			p.mx = append(p.mx, value)
		}
	}
	return p
}

// lists reports whether a policy names a mail server. An asterisk stands for one label (RFC 8461 §4.1).
func (p policy) lists(host string) bool {
	_, parent, _ := strings.Cut(host, ".")
	return slices.ContainsFunc(p.mx, func(pattern string) bool {
		rest, wild := strings.CutPrefix(pattern, "*.")
		return wild && strings.EqualFold(rest, parent) || strings.EqualFold(pattern, host)
	})
}
