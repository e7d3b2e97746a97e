package dane

import (
	"context"
	"crypto/x509"
	"encoding/hex"
	"slices"
	"strings"
	"sync"

	"github.com/miekg/dns"

	"mxseal/checks/internal/resolve"
	"mxseal/checks/report"
)

// Gather looks for the TLSA records of a host whose addresses are known already, and leaves
// its TLSA state at one of
//
//	none        there are none, or none was asked for
//	insecure    there are some, but their answer is not signed
//	lookupfail  the question gets no answer that may be believed, and not only from us
//	unusable    signed records, of which a mail server can use none
//	untested    signed, usable records, to be compared by Match; or, where their answer is not
//	            secure, a question that failed here and may be answered elsewhere
func Gather(ctx context.Context, res *resolve.Resolver, host *report.Host) {
	host.TLSA.State = "none"
	bases := candidates(host)
	for _, base := range bases {
		if take(&host.TLSA, base, res.Lookup(ctx, "_25._tcp."+base+".", dns.TypeTLSA)) {
			return
		}
	}
	if host.TLSA.State == "none" && len(bases) > 0 {
		host.TLSA.Misplaced = elsewhere(ctx, res, host.Name)
	}
}

// candidates returns the names at which a sender looks for TLSA records of the host, in
// order (RFC 7672 §2.2.2). Where the addresses are not signed it looks at none: a name
// server that cannot answer the question must not be asked it for nothing.
func candidates(host *report.Host) []string {
	steps := host.DNSSEC.Steps
	switch {
	case len(host.Addresses) == 0:
		return nil
	case len(steps) == 0 && host.DNSSEC.State == report.Secure:
		return []string{host.Name}
	case len(steps) > 0 && host.DNSSEC.State == report.Secure:
		return []string{strings.TrimSuffix(steps[len(steps)-1].Target, "."), host.Name}
	case len(steps) > 0 && host.DNSSEC.State == report.Insecure && steps[0].State == report.Secure:
		return []string{host.Name}
	}
	return nil
}

// take puts the answer for one base domain into the evidence. It reports whether the search
// ends here: an answer that fails makes the host unusable for a sender, without a look at
// the next candidate (RFC 7672 §2.1.2); an insecure or empty one does not.
func take(t *report.TLSA, base string, answer *resolve.Answer) bool {
	trust := answer.Trust
	records := recordsOf(answer.Records)
	switch {
	case answer.LookupFailed(), trust.Contested():
		*t = report.TLSA{State: "lookupfail", Base: base, DNSSEC: &trust, Records: records, Failure: failureOf(answer)}
		if !trust.Witnessed() {
			t.State = "untested"
		}
		return true
	case len(records) == 0 && t.State == "insecure":
		return false // what was found at the first candidate is worth more to show
	case len(records) == 0:
		t.DNSSEC = &trust
		return false
	}
	*t = report.TLSA{State: "insecure", Base: base, DNSSEC: &trust, Records: records, TTL: answer.TTL, Size: answer.Size}
	if trust.State != report.Secure {
		return false
	}
	t.State = "unusable"
	if slices.ContainsFunc(records, func(r report.TLSARecord) bool { return r.Usable }) {
		t.State = "untested"
	}
	return true
}

func failureOf(answer *resolve.Answer) *report.Failure {
	if answer.Failure == nil {
		return nil
	}
	f := *answer.Failure
	f.Phase = "tlsa"
	return &f
}

// maxRecords bounds the TLSA records of one host that are looked at.
const maxRecords = 32

// recordsOf returns the records of a TLSA RRset in a steady order.
func recordsOf(rrs []dns.RR) []report.TLSARecord {
	var records []report.TLSARecord
	for _, rr := range rrs {
		tlsa, ok := rr.(*dns.TLSA)
		if !ok {
			continue
		}
		r := report.TLSARecord{Usage: tlsa.Usage, Selector: tlsa.Selector, Matching: tlsa.MatchingType,
			Data: strings.ToLower(tlsa.Certificate), Matches: []string{}}
		r.Unusable = fault(r)
		r.Usable = r.Unusable == ""
		records = append(records, r)
	}
	slices.SortFunc(records, func(a, b report.TLSARecord) int { return strings.Compare(presentation(a), presentation(b)) })
	return records[:min(len(records), maxRecords)]
}

// fault says why a mail server cannot use a record, or nothing (RFC 7672 §3.1, RFC 6698 §4.1).
func fault(r report.TLSARecord) string {
	data, err := hex.DecodeString(r.Data)
	switch {
	case r.Usage < 2:
		return "pkix-usage"
	case r.Usage > 3:
		return "unknown-usage"
	case r.Selector > 1:
		return "unknown-selector"
	case r.Matching > 2:
		return "unknown-matching"
	case err != nil:
		return "undecodable"
	case r.Matching == 1 && len(data) != 32, r.Matching == 2 && len(data) != 64:
		return "length"
	case r.Matching != 0:
		return ""
	case r.Selector == 0:
		_, err = x509.ParseCertificate(data)
	default:
		_, err = x509.ParsePKIXPublicKey(data)
	}
	if err != nil {
		return "undecodable"
	}
	return ""
}

// Misplaced returns the names beside the right ones at which TLSA records of the domain
// stand: no sender looks for those of its mail servers there (DAN-31). Where the
// domain is a mail host of its own, the name is a right one.
func Misplaced(ctx context.Context, res *resolve.Resolver, domain string) []string {
	return existing(ctx, res, "_25._tcp."+domain)
}

// elsewhere returns the names of a host at which records for other ports, or with a missing
// underscore, stand.
func elsewhere(ctx context.Context, res *resolve.Resolver, host string) []string {
	return existing(ctx, res, "_465._tcp."+host, "_587._tcp."+host, "25._tcp."+host, "_25.tcp."+host)
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
