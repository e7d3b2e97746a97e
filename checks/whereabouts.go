package checks

import (
	"context"
	"errors"
	"net/netip"
	"strings"

	"github.com/miekg/dns"

	"mxseal/checks/internal/resolve"
	"mxseal/checks/view"
)

// Whereabouts returns the addresses of a name (A-label) and the names of its mail exchangers, of
// each as many as a check looks at. An error says that not all questions had an answer; what
// came is returned all the same.
func (e *Engine) Whereabouts(ctx context.Context, name string) (addresses []netip.Addr, exchangers []string, err error) {
	return whereabouts(ctx, e.resolver, name)
}

func whereabouts(ctx context.Context, res *resolve.Resolver, name string) (addresses []netip.Addr, exchangers []string, err error) {
	const most = 20
	for _, qtype := range []uint16{dns.TypeA, dns.TypeAAAA, dns.TypeMX} {
		a := res.Lookup(ctx, dns.Fqdn(name), qtype)
		if a.Failure != nil {
			err = errors.Join(err, errors.New(view.Say(a.Failure.Statement)))
			continue
		}
		for _, found := range a.Addresses() {
			if len(addresses) < most {
				addresses = append(addresses, found.Unmap())
			}
		}
		for _, rr := range a.Records {
			if mx, ok := rr.(*dns.MX); ok && mx.Mx != "." && len(exchangers) < most {
				exchangers = append(exchangers, strings.ToLower(strings.TrimSuffix(mx.Mx, ".")))
			}
		}
	}
	return addresses, exchangers, err
}
