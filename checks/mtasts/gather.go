package mtasts

import (
	"cmp"
	"context"
	"net/http"
	"net/netip"
	"slices"
	"sync"

	"github.com/miekg/dns"

	"mxseal/checks/internal/resolve"
	"mxseal/checks/report"
)

// Gather looks for the TXT record of the domain and fetches its policy file, which is
// fetched even when the record is absent: a policy that nobody is told of is worth a word.
// Record and policy host are looked up side by side.
func Gather(ctx context.Context, res *resolve.Resolver, cfg Config, domain string) *report.MTASTS {
	host := "mta-sts." + domain
	var txt, a, aaaa *resolve.Answer
	var all sync.WaitGroup
	all.Go(func() { txt = res.Lookup(ctx, "_mta-sts."+domain+".", dns.TypeTXT) })
	all.Go(func() { a = res.Lookup(ctx, host+".", dns.TypeA) })
	all.Go(func() { aaaa = res.Lookup(ctx, host+".", dns.TypeAAAA) })
	all.Wait()

	m := &report.MTASTS{TXT: txt.Texts(), TXTAlias: txt.Trust.Steps, DNSSEC: &txt.Trust}
	if txt.Failure != nil {
		f := *txt.Failure
		f.Phase = report.PhaseTXT
		m.Failure = &f
	}
	f := located(host, a, aaaa)
	if f.Failure == nil {
		m.Fetch = f
		fetchBoth(ctx, cfg, m, host, tried(a), tried(aaaa))
		if m.Second != nil && refused(m.Second) && len(tried(aaaa)) < len(aaaa.Addresses()) {
			m.Second = nil // another one may take it
		}
		if more := len(a.Addresses()) + len(aaaa.Addresses()) - len(tried(a)) - len(tried(aaaa)); more > 0 {
			untried(m.Fetch.Failure, more)
		}
	} else if parseRecord(m.TXT).found {
		m.Fetch = f
	}
	if above := above(domain); above != "" && m.Failure == nil && !parseRecord(m.TXT).found {
		m.AboveTXT = res.Lookup(ctx, "_mta-sts."+above+".", dns.TypeTXT).Texts()
	}
	if m.Fetch != nil && m.Fetch.Certificate != nil {
		all.Go(func() { m.CAA, m.CAAName, _ = res.CAA(ctx, host) })
	}
	if m.Fetch != nil || len(m.TXTAlias) > 0 { // without a record, or hope of one, nobody asks the policy host
		all.Go(func() { m.Vacant = vacant(ctx, res, domain, m.TXTAlias, f.Alias) })
	}
	all.Wait()
	return m
}

// vacant returns the ends of the aliases of the record and of the policy host that stand in a
// domain which does not exist.
func vacant(ctx context.Context, res *resolve.Resolver, domain string, record, host []report.Alias) []report.Vacant {
	return append(res.VacantEnd(ctx, domain, "_mta-sts."+domain, record), res.VacantEnd(ctx, domain, "mta-sts."+domain, host)...)
}

// fetchBoth fetches the file for m.Fetch and, where the policy host has addresses of both
// versions of IP and there is time for it, once more over IPv6 alone.
func fetchBoth(ctx context.Context, cfg Config, m *report.MTASTS, host string, four, six []netip.Addr) {
	second, raw := &report.Fetch{URL: m.Fetch.URL}, ""
	var other sync.WaitGroup
	if cfg.Depth != report.Quick && len(four) > 0 && len(six) > 0 {
		other.Go(func() { raw = fetch(ctx, cfg, second, host, six) })
	}
	m.Raw = fetch(ctx, cfg, m.Fetch, host, slices.Concat(four, six))
	other.Wait()
	if unseen(m.Fetch) && second.Status == http.StatusOK && second.Failure == nil {
		m.Fetch, m.Raw = second, raw // what we could not see over IPv4 is nothing to compare
		return
	}
	// Silence may be ours. One that refuses is worth a word: senders go on to IPv4 by themselves.
	failed := second.Failure != nil && second.Failure.Phase != report.PhaseCertificate && second.Failure.Kind != report.KindTLSVersion
	if failed && refused(second) && m.Fetch.Failure == nil {
		m.Second = second
		return
	}
	if failed || second.Address == "" || second.Address == m.Fetch.Address {
		return
	}
	m.Second = second
	if raw != m.Raw {
		m.SecondRaw = cmp.Or(raw, "\n") // an empty file is another one too
	}
}

// located begins the account of the fetch with the policy host's addresses.
func located(host string, answers ...*resolve.Answer) *report.Fetch {
	f := &report.Fetch{URL: "https://" + host + "/.well-known/mta-sts.txt"}
	found := false
	for _, answer := range answers {
		if f.DNSSEC == nil || f.DNSSEC.State.Worse(answer.Trust.State) != f.DNSSEC.State {
			f.DNSSEC, f.Alias = &answer.Trust, answer.Trust.Steps
		}
		found = found || len(answer.Records) > 0
	}
	if found {
		return f
	}
	f.Failure = report.Failed(report.PhaseAddress, report.KindNoAddress, report.Say(report.SaysPolicyHostHomeless, "host", host))
	for _, answer := range answers {
		if answer.Failure != nil {
			failed := *answer.Failure
			failed.Phase = report.PhaseAddress
			f.Failure = &failed
		}
	}
	return f
}

// untried makes a failure to connect one that says nothing where the policy host has more
// addresses than we try.
func untried(f *report.Failure, more int) {
	if f != nil && f.Phase == report.PhaseConnect && !uncertain(f) && f.Kind != report.KindForbidden {
		f.Kind, f.Statement = report.KindLimit, report.Say(report.SaysMoreUntried, "more", more).About(f.Statement)
	}
}

// maxAddresses bounds the addresses of each family that are tried.
const maxAddresses = 2

// tried returns the addresses of a policy host that are tried.
func tried(answer *resolve.Answer) []netip.Addr {
	all := slices.DeleteFunc(answer.Addresses(), netip.Addr.Is4In6)
	return all[:min(len(all), maxAddresses)]
}
