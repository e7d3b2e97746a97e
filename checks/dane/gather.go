package dane

import (
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/miekg/dns"
	"golang.org/x/net/publicsuffix"

	"mxseal/checks/internal/resolve"
	"mxseal/checks/report"
)

// Gather looks for the TLSA records of a host whose addresses are known already, and where there are
// none for those that stand where no sender looks. What they come to, Derive says.
func Gather(ctx context.Context, res *resolve.Resolver, host *report.Host) {
	if bases := Records(ctx, res, host); host.TLSA.Base == "" && len(bases) > 0 {
		host.TLSA.Misplaced = elsewhere(ctx, res, host.Name, between(host, bases)...)
	}
}

// Records looks for the TLSA records of a host as a sender does, and returns the names at which it
// looks.
func Records(ctx context.Context, res *resolve.Resolver, host *report.Host) (bases []string) {
	host.TLSA = report.TLSA{}
	bases = candidates(host)
	for _, base := range bases {
		if take(&host.TLSA, base, res.Lookup(ctx, "_25._tcp."+base+".", dns.TypeTLSA)) {
			break
		}
	}
	return bases
}

// candidates returns the names at which a sender looks for TLSA records of the host, in order
// (RFC 7672 §2.2.2): where all is signed the name at the end of the aliases, then the one in
// the MX record, and none between. Where that is not signed it looks at none: a name server
// that cannot answer the question must not be asked it for nothing.
func candidates(host *report.Host) []string {
	var names []string
	original := false
	for _, f := range host.Usable() {
		if steps := f.DNSSEC.Steps; len(steps) > 0 && f.DNSSEC.State == report.Secure {
			if end := strings.TrimSuffix(steps[len(steps)-1].Target, "."); end != host.Name && !slices.Contains(names, end) {
				names = append(names, end)
			}
		}
		original = original || f.Base() == report.Secure
	}
	if original {
		names = append(names, host.Name)
	}
	return names
}

// take puts the answer for one base domain into the evidence. It reports whether the search
// ends here: an answer that fails makes the host unusable for a sender, without a look at
// the next candidate (RFC 7672 §2.1.2); an insecure or empty one does not.
func take(t *report.TLSA, base string, answer *resolve.Answer) bool {
	trust := answer.Trust
	records, omitted := recordsOf(answer.Records)
	switch {
	case answer.LookupFailed(), trust.Contested():
		*t = report.TLSA{Base: base, DNSSEC: &trust, Records: records, Failure: failureOf(answer)}
		return true
	case len(records)+omitted == 0 && t.Base != "":
		return false // what was found at the first candidate is worth more to show
	case len(records)+omitted == 0:
		t.DNSSEC = &trust
		return false
	}
	*t = report.TLSA{Base: base, DNSSEC: &trust, Records: records, Omitted: omitted, TTL: answer.TTL, Size: answer.Size}
	return trust.State == report.Secure
}

func failureOf(answer *resolve.Answer) *report.Failure {
	if answer.Failure == nil {
		return nil
	}
	f := *answer.Failure
	f.Phase = report.PhaseTLSA
	return &f
}

// maxRecords bounds the octets of the TLSA records of one host that are kept: some 300 digests.
const maxRecords = 48 << 10

// recordsOf returns the records of a TLSA RRset in a steady order, and how many of them found no
// room. Those that a sender can use come into it before the others.
func recordsOf(rrs []dns.RR) (records []report.TLSARecord, omitted int) {
	var usable, others []report.TLSARecord
	for _, rr := range rrs {
		tlsa, ok := rr.(*dns.TLSA)
		if !ok {
			continue
		}
		r := report.TLSARecord{Usage: tlsa.Usage, Selector: tlsa.Selector, Matching: tlsa.MatchingType,
			Data: strings.ToLower(tlsa.Certificate), Matches: []string{}}
		if fault(r) == "" {
			usable = append(usable, r)
		} else {
			others = append(others, r)
		}
	}
	steady := func(a, b report.TLSARecord) int { return strings.Compare(presentation(a), presentation(b)) }
	slices.SortFunc(usable, steady)
	slices.SortFunc(others, steady)
	room := maxRecords
	for _, r := range slices.Concat(usable, others) {
		const around = 96 // what JSON puts around the data
		if need := around + len(r.Data); need <= room {
			room -= need
			records = append(records, r)
		} else {
			omitted++
		}
	}
	slices.SortFunc(records, steady)
	return records, omitted
}

// Misplaced returns the names beside the right ones at which TLSA records of the domain
// stand: no sender looks for those of its mail servers there (DAN-31). Where the
// domain is a mail host of its own, the name is a right one.
func Misplaced(ctx context.Context, res *resolve.Resolver, domain string) []string {
	return existing(ctx, res, "_25._tcp."+domain)
}

// elsewhere returns the names of a host at which records for other ports, or with a missing
// underscore or final dot, stand, and those at further names that it goes by.
func elsewhere(ctx context.Context, res *resolve.Resolver, host string, further ...string) []string {
	names := []string{"_465._tcp." + host, "_587._tcp." + host, "25._tcp." + host, "_25.tcp." + host}
	if zone, err := publicsuffix.EffectiveTLDPlusOne(host); err == nil {
		names = append(names, "_25._tcp."+host+"."+zone)
	}
	for _, name := range further {
		names = append(names, "_25._tcp."+name)
	}
	return existing(ctx, res, names...)
}

// maxBetween bounds the aliases of a host that are looked at for misplaced records.
const maxBetween = 4

// between returns the names of a host's aliases at which no sender looks for TLSA records.
func between(host *report.Host, bases []string) []string {
	var names []string
	for _, s := range host.DNSSEC.Steps {
		if name := strings.TrimSuffix(s.Target, "."); !slices.Contains(bases, name) && !slices.Contains(names, name) && len(names) < maxBetween {
			names = append(names, name)
		}
	}
	return names
}

// existing returns those of the names at which there are TLSA records.
func existing(ctx context.Context, res *resolve.Resolver, names ...string) []string {
	there := make([]bool, len(names))
	var all sync.WaitGroup
	for i, name := range names {
		all.Go(func() { there[i] = res.Lookup(ctx, name+".", dns.TypeTLSA).Exists() })
	}
	all.Wait()
	var found []string
	for i, name := range names {
		if there[i] {
			found = append(found, name)
		}
	}
	return found
}
