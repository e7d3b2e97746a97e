package lab

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
)

func TestPolicyHosts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := begin(t, Options{STSPort: 8443})
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM(l.CA())
		for _, c := range []struct {
			domain, path string
			status       int
			holds, err   string
		}{
			{"perfect.test", "/.well-known/mta-sts.txt", 200, "version: STSv1\r\nmode: enforce\r\nmx: mx1.perfect.test\r\nmx: mx2.perfect.test\r\nmax_age: 2419200\r\n", ""},
			{"perfect.test", "/", 404, "", ""},
			{"sts-testing.test", "/.well-known/mta-sts.txt", 200, "mode: testing", ""},
			{"hosted.test", "/.well-known/mta-sts.txt", 200, "mx: mx.provider.test", ""},
			{"sts-no-file.test", "/.well-known/mta-sts.txt", 404, "", ""},
			{"sts-redirect.test", "/.well-known/mta-sts.txt", 301, "Moved", ""},
			{"sts-wrong-name.test", "/.well-known/mta-sts.txt", 0, "", "certificate is valid for www.sts-wrong-name.test"},
			{"hostile-text.test", "/.well-known/mta-sts.txt", 200, nasty, ""},
		} {
			transport := &http.Transport{
				DisableKeepAlives: true,
				TLSClientConfig:   &tls.Config{RootCAs: roots},
				DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
					host, _, _ := net.SplitHostPort(address)
					return l.Dial(ctx, network, fmt.Sprintf("%s:%d", l.addressOf(t, host), l.STSPort()))
				},
			}
			request, _ := http.NewRequestWithContext(t.Context(), "GET", "https://mta-sts."+c.domain+c.path, nil)
			answer, err := transport.RoundTrip(request)
			if c.err != "" || err != nil {
				if err == nil || c.err == "" || !strings.Contains(err.Error(), c.err) {
					t.Errorf("%s: %v", c.domain, err)
				}
				continue
			}
			body, _ := io.ReadAll(answer.Body)
			answer.Body.Close()
			if answer.StatusCode != c.status || !strings.Contains(string(body), c.holds) {
				t.Errorf("%s%s: %s\n%s", c.domain, c.path, answer.Status, body)
			}
			if (c.status == 301) != (answer.Header.Get("Location") != "") {
				t.Errorf("%s: Location %q", c.domain, answer.Header.Get("Location"))
			}
			if kind := answer.Header.Get("Content-Type"); kind != "text/plain" {
				t.Errorf("%s: %s", c.domain, kind)
			}
		}
	})
}
