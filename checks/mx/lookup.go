package mx

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"

	"mxseal/checks/internal/resolve"
	"mxseal/checks/report"
)

// hostName is a name as the report writes it: lower case, without the trailing dot.
func hostName(fqdn string) string {
	if fqdn == "." {
		return fqdn
	}
	return report.Clean(strings.ToLower(strings.TrimSuffix(fqdn, ".")), 255)
}

// parent is a name without its first label.
func parent(name string) string {
	_, p, _ := strings.Cut(name, ".")
	return p
}

// addresses asks for both families.
func addresses(ctx context.Context, res *resolve.Resolver, name string) (a, aaaa *resolve.Answer) {
	var both sync.WaitGroup
	both.Go(func() { a = res.Lookup(ctx, dns.Fqdn(name), dns.TypeA) })
	both.Go(func() { aaaa = res.Lookup(ctx, dns.Fqdn(name), dns.TypeAAAA) })
	both.Wait()
	return a, aaaa
}

// asideTime bounds the questions on which no later one depends: a dead name server of a
// neighbour must not hold up the mail servers.
const asideTime = 5 * time.Second

// line is an MX record in zone-file form.
func line(domain string, r report.Record) string {
	host := r.Host + "."
	if r.Host == "." {
		host = r.Host
	}
	return fmt.Sprintf("%s. IN MX %d %s", domain, r.Preference, host)
}
