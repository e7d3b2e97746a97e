package checks

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/publicsuffix"

	"mxseal/checks/report"
)

// maxForecast bounds the dates that a report names.
const maxForecast = 20

// forecast lists the next dates on which something breaks by itself unless somebody acts
// before, soonest first. It looks at what works at the time of the check: what is broken
// already is the findings' to tell.
func forecast(r *report.Report) []report.Due {
	var list []report.Due
	for _, h := range r.Hosts {
		list = append(list, certificatesDue(r, h)...)
	}
	list = append(list, signaturesDue(r)...)
	list = append(list, policyDue(r)...)
	list = slices.DeleteFunc(list, func(d report.Due) bool { return !d.At.After(r.CheckedAt) })
	slices.SortStableFunc(list, func(a, b report.Due) int {
		return cmp.Or(a.At.Compare(b.At), strings.Compare(a.Host, b.Host), strings.Compare(a.What, b.What), strings.Compare(a.Rule, b.Rule))
	})
	return list[:min(len(list), maxForecast)]
}

// certificatesDue are the ends of a host's certificates that somebody relies on, and the
// renewals that its TLSA records will not survive.
func certificatesDue(r *report.Report, h *report.Host) []report.Due {
	var list []report.Due
	seen := make(map[string]bool)
	for _, a := range h.Addresses {
		named, dane := a.Named(), a.ToDANE()
		for _, c := range slices.Concat(named, dane) {
			if seen[c.SHA256] {
				continue
			}
			seen[c.SHA256] = true
			checked := slices.ContainsFunc(dane, func(d *report.Certificate) bool { return d.SHA256 == c.SHA256 })
			if who := relying(r, h, a, c, checked); len(who) > 0 {
				list = append(list, report.Due{At: c.NotAfter, What: "certificate", Rule: "CRT-06", Host: h.Name,
					Text: fmt.Sprintf("The certificate of %s ends. Unless another one is served by then, %s cannot deliver there.", h.Name, strings.Join(who, " and "))})
			}
			if due, ok := renewalDue(r, h, a, c); ok && checked {
				list = append(list, due)
			}
		}
	}
	return list
}

// relying names the senders that get through to an address thanks to the dates of a
// certificate; none for one whose dates nobody minds. dane says that those who check DANE
// are shown it.
func relying(r *report.Report, h *report.Host, a *report.Address, c *report.Certificate, dane bool) []string {
	var who []string
	if dane && matched(h, a, 2) != nil && matched(h, a, 3) == nil {
		who = append(who, "senders that check DANE")
	}
	if c.PKIX == "ok" {
		if r.MTASTS.InForce() && r.MTASTS.State == "enforce" {
			who = append(who, "senders that check MTA-STS")
		}
		who = append(who, "partners who insist on a valid certificate")
	}
	return who
}

// matched returns the records of a usage that match what an address serves.
func matched(h *report.Host, a *report.Address, usage uint8) []report.TLSARecord {
	var list []report.TLSARecord
	for _, t := range h.TLSA.Records {
		if t.Usage == usage && slices.Contains(t.Matches, a.IP) {
			list = append(list, t)
		}
	}
	return list
}

// renewalDue is the next renewal of a public certificate where DANE hangs on what the
// renewal changes: the certificate itself (3 0), or a key of which the successor is not yet
// published (a single 3 1), or an issuer that may change (some of several 2 1). An automatic renewal comes after two thirds of the lifetime.
func renewalDue(r *report.Report, h *report.Host, a *report.Address, c *report.Certificate) (report.Due, bool) {
	own := matched(h, a, 3)
	turns := len(own) == 0 && slices.ContainsFunc(r.Findings, func(f report.Finding) bool {
		return f.Rule == "DAN-49" && f.Verdict == report.Warn && f.Host == h.Name
	})
	if !c.PublicCA || h.TLSA.State != "match" || !turns && (len(own) == 0 || len(matched(h, a, 2)) > 0) {
		return report.Due{}, false
	}
	due := report.Due{What: "renewal", Host: h.Name, At: c.NotBefore.Add(c.NotAfter.Sub(c.NotBefore) / 3 * 2)}
	when := "is usually renewed about then"
	if !due.At.After(r.CheckedAt) {
		due.At, when = c.NotAfter, "has to be renewed by then"
	}
	keyed := slices.ContainsFunc(own, func(t report.TLSARecord) bool { return t.Selector == 1 })
	switch {
	case turns:
		due.Rule = "DAN-49"
		due.Text = fmt.Sprintf("The certificate of %s %s. The next one may come from another issuer of the same authority, which the TLSA records do not name: from then on, senders that check DANE do not deliver there.", h.Name, when)
	case !keyed:
		due.Rule = "DAN-19"
		due.Text = fmt.Sprintf("The certificate of %s %s, and the TLSA record names this very one: from the renewal on, senders that check DANE do not deliver there.", h.Name, when)
	case len(h.TLSA.Records) == 1:
		due.Rule = "DAN-23"
		due.Text = fmt.Sprintf("The certificate of %s %s. If the renewal makes a new key, senders that check DANE do not deliver there: the only TLSA record names the present one.", h.Name, when)
	default:
		return report.Due{}, false
	}
	return due, true
}

// signaturesDue are the ends of the DNSSEC signatures that delivery depends on, the soonest
// of each zone. Registries are left out: nobody can act there.
func signaturesDue(r *report.Report) []report.Due {
	soonest := make(map[string]time.Time)
	note := func(zone string, s *report.Signature) {
		if s == nil || zone == "" || registry(zone) {
			return
		}
		if at, seen := soonest[zone]; !seen || s.Expires.Before(at) {
			soonest[zone] = s.Expires
		}
	}
	take := func(t *report.Trust) {
		if t == nil || t.State != report.Secure {
			return
		}
		above := ""
		for _, l := range t.Chain {
			note(l.Zone, l.Window)
			note(above, l.DSWindow)
			above = l.Zone
		}
		note(above, t.Signature)
	}
	if r.MX != nil {
		take(&r.MX.DNSSEC)
	}
	for _, h := range r.Hosts {
		take(&h.DNSSEC)
		take(h.TLSA.DNSSEC)
	}
	var list []report.Due
	for zone, at := range soonest {
		list = append(list, report.Due{At: at, What: "signatures", Rule: "SEC-22",
			Text: fmt.Sprintf("A DNSSEC signature of %s ends. Signers renew them in time by themselves; if this one has stopped, senders that validate DNSSEC cannot deliver from then on.", zone)})
	}
	slices.SortFunc(list, func(a, b report.Due) int { return strings.Compare(a.Text, b.Text) }) // a map has no order
	return list
}

// registry reports whether a zone is the root or one under which the public registers names.
func registry(zone string) bool {
	suffix, icann := publicsuffix.PublicSuffix(zone)
	return zone == "." || suffix == zone && (icann || !strings.Contains(zone, "."))
}

// policyDue is when an MTA-STS policy ends: the one in force with the certificate of its
// host, one that was withdrawn with the memory of the senders.
func policyDue(r *report.Report) []report.Due {
	m := r.MTASTS
	switch {
	case m == nil:
		return nil
	case m.State == "enforce" && m.Fetch != nil && m.Fetch.Certificate != nil:
		return []report.Due{{At: m.Fetch.Certificate.NotAfter, What: "policy-certificate", Rule: "STS-13", Host: "mta-sts." + r.Domain,
			Text: "The certificate of the policy host ends. Unless it is renewed, senders cannot fetch the MTA-STS policy from then on, and those whose copy has ended deliver without."}}
	case r.Past == nil || r.Past.Policy == nil || !slices.ContainsFunc(r.Findings, func(f report.Finding) bool { return f.Rule == "STS-37" }):
		return nil
	}
	return []report.Due{{At: r.Past.Policy.Ends(), What: "policy", Rule: "STS-37",
		Text: "The last sender forgets the MTA-STS policy that was served before. Until then it is enforced, from then on only senders that check DANE and partners who insist on a certificate can tell the servers from an impostor."}}
}
