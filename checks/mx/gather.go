package mx

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"github.com/miekg/dns"

	"mxseal/checks/internal/resolve"
	"mxseal/checks/report"
)

// Gather asks which hosts receive mail for the domain, in the order senders try them. The
// records of an answer that fails validation are used all the same, so that the owner gets
// a full report; its state says so.
func Gather(ctx context.Context, res *resolve.Resolver, domain string) (*report.MX, []*report.Host) {
	var aside sync.WaitGroup
	var n report.Neighbours
	brief, cancel := context.WithTimeout(ctx, asideTime)
	defer cancel()
	aside.Go(func() { n.SPF, n.DMARC = senderPolicies(brief, res, domain) })

	answer := res.Lookup(ctx, dns.Fqdn(domain), dns.TypeMX)
	mx := &report.MX{DNSSEC: answer.Trust}
	aside.Go(func() { mx.Wildcard = wildcards(brief, res, domain) })
	mx.State, mx.Failure = stateOf(answer)
	var hosts []*report.Host
	switch mx.State {
	case report.MXFound:
		mx.Records = recordsOf(answer.Records)
		mx.Omitted = len(answer.Records) - len(mx.Records)
		hosts = hostsOf(mx.Records)
		if isNull(mx.Records) {
			mx.State = report.MXNull
		}
	case report.MXNone:
		mx.State, mx.Failure = implicit(ctx, res, domain)
		if mx.State == report.MXImplicit {
			hosts = hostsOf([]report.Record{{Host: domain}})
		}
	}
	if len(hosts) > 0 {
		aside.Go(func() { mx.Unregistered = unregistered(brief, res, domain, hosts) })
		for _, h := range hosts {
			if h.NotTested == "" {
				aside.Go(func() { h.CAA, h.CAAName, h.CAAKnown = res.CAA(brief, h.Name) })
			}
		}
	}
	aside.Wait()
	if len(hosts) > 0 {
		n.CAA, n.CAAName = hosts[0].CAA, hosts[0].CAAName
	}
	mx.Neighbours = n
	return mx, hosts
}

// stateOf reads the answer to the question for MX records: ok, none, nxdomain or error.
func stateOf(answer *resolve.Answer) (state report.MXState, failure *report.Failure) {
	switch {
	case answer.Failure != nil:
		f := *answer.Failure
		f.Phase = report.PhaseMX
		return report.MXError, &f
	case answer.Rcode == dns.RcodeNameError:
		return report.MXNoDomain, nil
	case len(answer.Records) == 0:
		return report.MXNone, nil
	}
	return report.MXFound, nil
}

// implicit looks for the addresses that make a domain without MX records its own mail
// exchanger (RFC 5321 §5.1).
func implicit(ctx context.Context, res *resolve.Resolver, domain string) (state report.MXState, failure *report.Failure) {
	a, aaaa := addresses(ctx, res, domain)
	if len(a.Records)+len(aaaa.Records) > 0 {
		return report.MXImplicit, nil
	}
	for _, answer := range []*resolve.Answer{a, aaaa} {
		if answer.Failure != nil {
			f := *answer.Failure
			f.Phase = report.PhaseAddress
			return report.MXError, &f
		}
	}
	return report.MXNone, nil
}

const (
	maxRecords = 100     // MX records kept in the report
	maxNames   = 8 << 10 // octets of their names
	maxHosts   = 10      // hosts tested (MX-21)
	maxWild    = 1 << 10 // octets of the MX records of a wildcard that are kept
)

// recordsOf returns the MX records in the order senders try them; those of equal preference,
// which senders take at random, by name.
func recordsOf(rrs []dns.RR) []report.Record {
	var records []report.Record
	for _, rr := range rrs {
		if mx, ok := rr.(*dns.MX); ok {
			records = append(records, report.Record{Preference: mx.Preference, Host: hostName(mx.Mx)})
		}
	}
	slices.SortStableFunc(records, func(a, b report.Record) int {
		if a.Preference != b.Preference {
			return int(a.Preference) - int(b.Preference)
		}
		return strings.Compare(a.Host, b.Host)
	})
	octets := 0
	for i, r := range records {
		if octets += report.Octets(r.Host); i == maxRecords || octets > maxNames {
			return records[:i]
		}
	}
	return records
}

// wildcards returns the MX records that every name below the domain has which does not exist
// by itself; none where they say that such a name takes no mail.
func wildcards(ctx context.Context, res *resolve.Resolver, domain string) []string {
	var lines []string
	room := maxWild
	for _, r := range recordsOf(res.Lookup(ctx, dns.Fqdn("*."+domain), dns.TypeMX).Records) {
		if l := line("*."+domain, r); r.Host != "." && len(lines) < maxHosts && report.Octets(l) <= room {
			room -= report.Octets(l)
			lines = append(lines, l)
		}
	}
	return lines
}

// isNull reports whether nothing but the null target stands there (RFC 7505).
func isNull(records []report.Record) bool {
	return !slices.ContainsFunc(records, func(r report.Record) bool { return r.Host != "." })
}

// hostsOf returns each host once, with its best preference, and marks the records that give
// none. Hosts beyond the first ten are listed and not tested.
func hostsOf(records []report.Record) []*report.Host {
	var hosts []*report.Host
	tested := make(map[string]bool)
	for i := range records {
		r := &records[i]
		h := &report.Host{Name: r.Host, Preference: r.Preference, Addresses: []*report.Address{}}
		switch _, seen := tested[r.Host]; {
		case r.Host == ".":
			r.Skipped = report.SkippedNull
			continue
		case literal(r.Host):
			r.Skipped = report.SkippedLiteral
			continue
		case seen:
			continue
		case len(hosts) >= maxHosts:
			r.Skipped, h.NotTested = report.SkippedLimit, report.NotTestedLimit
		}
		tested[r.Host] = true
		hosts = append(hosts, h)
	}
	return hosts
}

// literal reports whether an MX target is an IP address written where a name belongs.
func literal(host string) bool {
	if strings.HasPrefix(host, "[") {
		return true
	}
	_, err := netip.ParseAddr(host)
	return err == nil
}
