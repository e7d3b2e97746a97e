package dane

import (
	"slices"
	"strings"

	"mxseal/checks/report"
)

// Derive says which records of each host a sender can use, which of them fit the certificates that
// it served to a client that names it, and what that comes to.
func Derive(r report.Observed) {
	for _, h := range r.Hosts {
		for i := range h.TLSA.Records {
			rec := &h.TLSA.Records[i]
			rec.Unusable, rec.Matches = fault(*rec), []string{}
			rec.Usable = rec.Unusable == ""
		}
		h.TLSA.State = answered(h)
		if h.TLSA.State == report.TLSAUntested && !unsure(h.TLSA) {
			h.TLSA.State = fit(r, h)
		}
	}
}

// Base is the name that senders which check DANE give a host, where that is not its own and they have
// records of it to hold its certificates against, as far as is known. Without those nobody asks for it.
func Base(h *report.Host) string {
	if answered(h) != report.TLSAUntested || strings.EqualFold(h.TLSA.Base, h.Name) {
		return ""
	}
	return h.TLSA.Base
}

// answered is the state of the records by themselves:
//
//	none        there are none, or none was asked for
//	insecure    there are some, but their answer is not signed
//	lookupfail  the question gets no answer that may be believed, and not only from us
//	unusable    signed records, of which a mail server can use none
//	untested    signed, usable records, to be held against the certificates; or, where their answer
//	            is not secure, a question that failed here and may be answered elsewhere
//
// Of a host whose addresses nobody looked for it is empty.
func answered(h *report.Host) report.TLSAState {
	switch t := h.TLSA; {
	case t.Base == "" && t.DNSSEC == nil && h.DNSSEC.State == "":
		return ""
	case t.Base == "" || t.DNSSEC == nil:
		return report.TLSANone
	case t.Failure != nil, t.DNSSEC.State == report.Bogus, t.DNSSEC.State == report.Indeterminate, t.DNSSEC.Contested():
		if t.DNSSEC.Witnessed() {
			return report.TLSALookupFail
		}
		return report.TLSAUntested
	case t.DNSSEC.State != report.Secure:
		return report.TLSAInsecure
	case t.Omitted > 0, slices.ContainsFunc(t.Records, func(r report.TLSARecord) bool { return fault(r) == "" }):
		return report.TLSAUntested
	}
	return report.TLSAUnusable
}

// fit holds the usable records against every certificate: match when each certificate of each
// address is matched, mismatch otherwise, untested where no certificate was seen or not all was
// looked at.
func fit(r report.Observed, host *report.Host) report.TLSAState {
	t := &host.TLSA
	sights := examine(r, host, (*report.Address).ToDANE)
	if withoutWeak(t, sights) {
		sights = examine(r, host, (*report.Address).ToDANE)
	}
	for _, s := range sights {
		for i := range t.Records {
			if rec := &t.Records[i]; s.why[i] == "" && !slices.Contains(rec.Matches, s.address) {
				rec.Matches = append(rec.Matches, s.address)
			}
		}
	}
	inForce := strongest(t.Records)
	usable := slices.ContainsFunc(t.Records, func(r report.TLSARecord) bool { return r.Usable })
	switch {
	case !usable && t.Omitted == 0:
		return report.TLSAUnusable
	case len(sights) == 0:
		return report.TLSAUntested
	case slices.ContainsFunc(sights, func(s sight) bool { return !s.matched(inForce) && !s.open(*t) }):
		return report.TLSAMismatch
	case slices.ContainsFunc(sights, func(s sight) bool { return !s.matched(inForce) }), slices.ContainsFunc(host.Addresses, further):
		return report.TLSAUntested
	}
	return report.TLSAMatch
}

// withoutWeak takes out the records that match a key that anyone may have, which is no proof: what
// matches only it counts for nothing. It reports whether there are any.
func withoutWeak(t *report.TLSA, sights []sight) (any bool) {
	for _, s := range sights {
		for i := range t.Records {
			if rec := &t.Records[i]; s.why[i] == "" && s.cert.WeakKey != "" {
				rec.Usable, rec.Unusable, any = false, report.UnusableWeakKey, true
			}
		}
	}
	return any
}

// further reports whether an address showed more chains than were kept.
func further(a *report.Address) bool { return a.TLS != nil && a.TLS.FurtherChains > 0 }

// unsure reports whether the question for the records failed here without anybody else to
// show the fault.
func unsure(t report.TLSA) bool {
	return t.State == report.TLSAUntested && t.DNSSEC != nil && t.DNSSEC.State == report.Indeterminate
}
