package dnssec

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"mxseal/checks/report"
)

// algorithms are the names of those that sign today (RFC 9904, IANA's registry).
var algorithms = map[uint8]string{
	5: "RSA/SHA-1", 7: "RSA/SHA-1", 8: "RSA/SHA-256", 10: "RSA/SHA-512",
	13: "ECDSA P-256", 14: "ECDSA P-384", 15: "Ed25519", 16: "Ed448",
}

// judgeLinks judges every zone on the ways from the root, each once. Of registries only
// faults that break the chain are told.
func judgeLinks(j *report.Judgement, r report.Observed) {
	seen := make(map[string]bool)
	for t := range trusts(r) {
		for _, l := range t.Chain {
			if seen[l.Zone] {
				continue
			}
			seen[l.Zone] = true
			judgeLink(j, l)
		}
	}
}

func judgeLink(j *report.Judgement, l report.Link) {
	switch {
	case l.Reason == report.CauseDSMismatch || l.Reason == report.CauseDNSKEYMissing:
		j.Add("SEC-10").With("zone", l.Zone).Saying("why", l.Statement.Or(l.Detail)).Showing(records(l)...)
	case l.Reason == report.CauseUnsupportedDigest:
		j.Add("SEC-11").With("zone", l.Zone).Saying("why", l.Statement.Or(l.Detail)).Showing(records(l)...)
	case l.Reason == report.CauseUnsupportedAlgorithm:
		id, which := unsupported(l)
		j.Add(id).With("zone", l.Zone).Saying("why", l.Statement.Or(l.Detail)).With("algorithm", which).Showing(records(l)...)
	case l.State == report.Secure && !registry(l.Zone):
		judgeSigned(j, l)
	}
}

// unsupported says which rule speaks of the algorithms of a zone that validators do not
// rely on: the one that its owner is nearest to fixing.
func unsupported(l report.Link) (id, which string) {
	for _, rule := range []struct {
		id      string
		numbers []uint8
	}{
		{"SEC-12", []uint8{5, 7}},
		{"SEC-13", []uint8{1, 3, 6, 12}},
		{"SEC-15", []uint8{17, 23, 253, 254}},
	} {
		var found []string
		for _, ds := range l.DS {
			if n := fmt.Sprint(ds.Algorithm); slices.Contains(rule.numbers, ds.Algorithm) && !slices.Contains(found, n) {
				found = append(found, n)
			}
		}
		if len(found) > 0 {
			return rule.id, strings.Join(found, ", ")
		}
	}
	return "SEC-11", ""
}

// judgeSigned judges how a secure zone is signed.
func judgeSigned(j *report.Judgement, l report.Link) {
	var names []string
	verdict := report.Pass
	for _, ds := range l.DS {
		name := fmt.Sprintf("%s (%d)", cmp.Or(algorithms[ds.Algorithm], "algorithm"), ds.Algorithm)
		if algorithms[ds.Algorithm] == "" || slices.Contains(names, name) {
			continue
		}
		names = append(names, name)
		if ds.Algorithm == 10 {
			verdict = report.Info
		}
	}
	if len(names) > 0 {
		j.Add("SEC-14").As(verdict).With("zone", l.Zone).With("algorithm", strings.Join(names, ", "))
	}
	if len(l.DS) > 0 && !slices.ContainsFunc(l.DS, func(ds report.DS) bool { return ds.Digest != 1 }) {
		j.Add("SEC-16").With("zone", l.Zone).Showing(records(l)...)
	}
	old := slices.ContainsFunc(l.DS, func(ds report.DS) bool { return ds.Digest == 1 })
	if old && slices.ContainsFunc(l.DS, func(ds report.DS) bool { return ds.Digest != 1 }) {
		j.Add("SEC-41").With("zone", l.Zone).Showing(records(l)...)
	}
	if n := shortest(l); n >= 1024 && n < 2048 {
		j.Add("SEC-18").With("zone", l.Zone).With("bits", n).Showing(records(l)...)
	}
}

const (
	day = 24 * time.Hour

	failBefore = day      // before its end a signature is a fault
	warnBefore = 3 * day  // … and a doubt
	longest    = 60 * day // of a signature's validity
)

// signature is one that mail to the domain depends on.
type signature struct {
	record, zone string
	report.Signature
}

// judgeSignatures judges the times of the signatures, of every zone that whose ends first.
// Signatures that are made afresh for every answer live for a day or two, and end soon all
// their life: those are judged by the part of it that is left.
func judgeSignatures(j *report.Judgement, r report.Observed) {
	soonest, widest := make(map[string]signature), make(map[string]signature)
	var zones []string
	for _, s := range signatures(r) {
		if _, seen := soonest[s.zone]; !seen {
			zones = append(zones, s.zone)
			soonest[s.zone], widest[s.zone] = s, s
			continue
		}
		if s.Expires.Before(soonest[s.zone].Expires) {
			soonest[s.zone] = s
		}
		if s.life() > widest[s.zone].life() {
			widest[s.zone] = s
		}
	}
	for _, zone := range zones {
		s := soonest[zone]
		left := s.Expires.Sub(r.CheckedAt)
		ends := s.Expires.UTC().Format("2 January 2006, 15:04 UTC")
		switch {
		case left < min(failBefore, s.life()/12):
			j.Add("SEC-22").As(report.Fail).With("record", s.record).With("zone", zone).With("ends", ends)
		case left < min(warnBefore, s.life()/4), left < time.Duration(s.TTL)*time.Second:
			j.Add("SEC-22").With("record", s.record).With("zone", zone).With("ends", ends)
		}
		if s := widest[zone]; s.life() > longest {
			j.Add("SEC-23").With("record", s.record).With("zone", zone).With("days", int(s.life()/day))
		}
	}
}

func (s signature) life() time.Duration { return s.Expires.Sub(s.Inception) }

// signatures returns those over the answers and over the keys of their zones, as far as
// they are secure and not a registry's.
func signatures(r report.Observed) []signature {
	var all []signature
	add := func(record string, t report.Trust) {
		if t.State != report.Secure {
			return
		}
		if zone := last(t).Zone; t.Signature != nil && !registry(zone) {
			all = append(all, signature{record, zone, *t.Signature})
		}
		for _, l := range t.Chain {
			if l.Window != nil && !registry(l.Zone) {
				all = append(all, signature{"the keys of " + l.Zone, l.Zone, *l.Window})
			}
		}
	}
	if r.MX != nil {
		add("the MX records of "+r.Domain, r.MX.DNSSEC)
	}
	for _, h := range r.Hosts {
		add("the addresses of "+h.Name, h.DNSSEC)
		if h.TLSA.DNSSEC != nil {
			add("the TLSA records of "+h.Name, *h.TLSA.DNSSEC)
		}
	}
	return all
}

// lines shows a chain as evidence, one line a zone, and the aliases on the way.
func lines(t report.Trust) []string {
	var out []string
	for _, l := range t.Chain {
		line := l.Zone + ": " + string(l.State)
		if l.Reason != "" {
			line += " (" + string(l.Reason) + ")"
		}
		out = append(out, line)
	}
	for _, s := range t.Steps {
		out = append(out, s.Name+" is an alias of "+s.Target+": "+string(s.State))
	}
	if t.EDE > 0 {
		out = append(out, fmt.Sprintf("extended DNS error %d", t.EDE))
	}
	return out
}

// records shows the DS records and keys of a zone.
func records(l report.Link) []string {
	var out []string
	for _, ds := range l.DS {
		out = append(out, fmt.Sprintf("DS: key %d, algorithm %d, digest type %d", ds.Tag, ds.Algorithm, ds.Digest))
	}
	for _, k := range l.Keys {
		out = append(out, fmt.Sprintf("DNSKEY: key %d, algorithm %d, %d bits", k.Tag, k.Algorithm, k.Bits))
	}
	return out
}

// judgeCDS judges what a zone asks the registry to publish.
func judgeCDS(j *report.Judgement, z report.Zone) {
	var lines []string
	fits, ends := false, false
	for _, c := range z.CDS {
		fits, ends = fits || c.Fits, ends || c.Delete
		lines = append(lines, fmt.Sprintf("CDS: key %d, algorithm %d, digest type %d", c.Tag, c.Algorithm, c.Digest))
	}
	island := z.Trust.State == report.Insecure && z.Trust.Reason == report.CauseNoDS && culprit(z.Trust) == z.Name
	switch {
	case len(z.CDS) == 0:
	case ends && z.Trust.State == report.Secure:
		j.Add("SEC-38").With("zone", z.Name).Showing(lines...)
	case ends:
	case !fits:
		j.Add("SEC-39").With("zone", z.Name).Showing(lines...)
	case island:
		j.Add("SEC-40").With("zone", z.Name).Showing(lines...)
	}
}
