package web

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/net/idna"
)

// hostNames are those that browsers make of what people write: in ASCII, with no label empty.
var hostNames = idna.New(idna.MapForLookup(), idna.BidiRule(), idna.VerifyDNSLength(true))

// originOf reads the address under which the site is reached: a scheme and a host, as
// browsers write it into the header Origin. The site has a name of its own: its links begin
// at the root. The error does not repeat what may be a password.
func originOf(base string) (string, error) {
	u, err := url.Parse(base)
	switch {
	case err != nil:
		return "", errors.New("this is no URL; want a scheme and a host, such as https://mxseal.example")
	case u.Scheme != "https" && u.Scheme != "http", u.Hostname() == "":
		return "", errors.New("want a scheme and a host, such as https://mxseal.example")
	case u.User != nil:
		return "", errors.New("it holds a user or a password, which would stand in every link")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.HasSuffix(base, "#"):
		return "", errors.New("it goes on behind the host with ? or #; want a scheme and a host alone")
	case u.Path != "" && u.Path != "/":
		return "", errors.New("it has a path: the site needs a host name of its own and cannot live below one")
	}
	if port := u.Port(); port != "" || strings.HasSuffix(u.Host, ":") {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return "", fmt.Errorf("the port is no number from 1 to 65535")
		}
	}
	host := u.Hostname()
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	} else if host, err = hostNames.ToASCII(host); err != nil {
		return "", errors.New("its host is no name that the DNS can hold")
	}
	if u.Port() != "" {
		host += ":" + u.Port()
	}
	return u.Scheme + "://" + host, nil
}

// reached is where a request has reached the site, if something vouches for it: TLS, which was begun
// for that name, or a web server in front that was named to us. Else anybody can write what he likes
// into Host, and it is empty.
func (s *Site) reached(r *http.Request) string {
	scheme := ""
	if r.TLS != nil {
		if host, _, _ := strings.Cut(r.Host, ":"); strings.EqualFold(host, r.TLS.ServerName) {
			scheme = "https"
		}
	} else if peer, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		for _, p := range s.cfg.TrustedProxies {
			if p.Contains(peer.Addr().Unmap()) {
				scheme = r.Header.Get("X-Forwarded-Proto")
			}
		}
	}
	origin, err := originOf(scheme + "://" + r.Host)
	if err != nil {
		return ""
	}
	return origin
}
