package main

import (
	"fmt"
	"log/slog"
	"net/netip"

	"github.com/spf13/cobra"

	"mxseal/checks"
	"mxseal/web"
	"mxseal/web/scans"
	"mxseal/web/store"
)

// bounds holds the flags of serve that say what strangers may ask of an instance, and whom
// it leaves alone.
type bounds struct {
	perMinute, clientMinute, clientDay int
	clientRunning, clientStreams       int
	proxies                            []string
	optOutFile, auditLog               string
}

func (b *bounds) register(c *cobra.Command) {
	f := c.Flags()
	f.IntVar(&b.perMinute, "max-checks-per-minute", 120, "checks that the whole instance begins within a minute; 0: no bound")
	f.IntVar(&b.clientMinute, "client-checks-per-minute", 30, "checks that one client (of IPv6: a /64) may ask for within a minute; 0: no bound")
	f.IntVar(&b.clientDay, "client-checks-per-day", 300, "checks that are begun for one client within 24 hours; 0: no bound")
	f.IntVar(&b.clientRunning, "client-checks-at-once", 4, "checks that run for one client at a time; its others wait; 0: no bound")
	f.IntVar(&b.clientStreams, "client-streams", 8, "checks that one client follows live at a time; 0: no bound")
	f.StringArrayVar(&b.proxies, "trusted-proxy", nil, "address or network (`CIDR`) of a web server in front, whose X-Forwarded-For is believed (repeatable)")
	f.StringVar(&b.optOutFile, "opt-out-file", "", "`FILE` of domains, mail servers and networks that are left alone, one a line; read again when it changes")
	f.StringVar(&b.auditLog, "audit-log", "", "`FILE` to which every check that is asked for is noted, without the addresses of readers")
}

// apply puts the flags into the configurations of site and engine, and opens the files. The
// caller closes site.Audit.
func (b *bounds) apply(site *web.Config, engine *checks.Config, log *slog.Logger) (err error) {
	for _, limit := range []struct {
		flag string
		n    int
		to   *int
	}{
		{"max-checks-per-minute", b.perMinute, &site.Limits.PerMinute},
		{"client-checks-per-minute", b.clientMinute, &site.Limits.ClientMinute},
		{"client-checks-per-day", b.clientDay, &site.Limits.ClientDay},
		{"client-checks-at-once", b.clientRunning, &site.Limits.ClientRunning},
		{"client-streams", b.clientStreams, &site.Limits.ClientStreams},
	} {
		if limit.n < 0 {
			return fmt.Errorf("--%s %d: it cannot be negative", limit.flag, limit.n)
		}
		if *limit.to = limit.n; limit.n == 0 {
			*limit.to = -1 // none; zero would be the site's default
		}
	}
	for _, text := range b.proxies {
		p, err := proxy(text)
		if err != nil {
			return err
		}
		site.TrustedProxies = append(site.TrustedProxies, p)
	}
	if site.OptOuts, err = spared(b.optOutFile, engine, log); err != nil {
		return err
	}
	if b.auditLog != "" {
		if site.Audit, err = scans.OpenAudit(b.auditLog, log); err != nil {
			return ofFile("--audit-log", err)
		}
	}
	return nil
}

// spared reads the file of those who are left alone and has the engine spare them; nil without one.
func spared(file string, engine *checks.Config, log *slog.Logger) (*scans.OptOuts, error) {
	if file == "" {
		return nil, nil
	}
	list, err := scans.OpenOptOuts(file, log)
	if err != nil {
		return nil, ofFile("--opt-out-file", err)
	}
	engine.OptedOut = list.Server
	return list, nil
}

// sparedByOthers is spared with the list that mxseal serve has put into the database.
func sparedByOthers(reports *store.Store, engine *checks.Config, log *slog.Logger) (*scans.OptOuts, error) {
	list, err := scans.FetchOptOuts(reports.OptOuts, log)
	if err != nil {
		return nil, fault(err)
	}
	engine.OptedOut = list.Server
	return list, nil
}

// proxy reads the address or network of a web server in front.
func proxy(text string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(text)
	if a, e := netip.ParseAddr(text); e == nil && a.Zone() == "" {
		a = a.Unmap()
		p, err = netip.PrefixFrom(a, a.BitLen()), nil
	}
	if err != nil || p.Addr().Is4In6() {
		return p, fmt.Errorf("--trusted-proxy %q: an address such as 127.0.0.1 or a network such as 10.0.0.0/8 is needed", text)
	}
	if p.Bits() == 0 {
		return p, fmt.Errorf("--trusted-proxy %q: that is everybody, and then anybody may claim to be anybody", text)
	}
	return p.Masked(), nil
}
