package dane

import (
	"cmp"
	"slices"
	"strings"

	"mxseal/checks/internal/pkix"
	"mxseal/checks/report"
)

// judgeAgility judges digests of which the strongest does not fit though a weaker one does.
func judgeAgility(j *report.Judgement, h *report.Host, here []sight) {
	for _, s := range here {
		for _, k := range shadowed(h.TLSA.Records, s) {
			j.Add("DAN-15").At(h.Name, s.address).With("kind", k).Showing(compared(h.TLSA, []sight{s})...)
			return
		}
	}
}

// shadowed returns the kinds in force that do not fit while a weaker digest of the same
// usage and selector does.
func shadowed(records []report.TLSARecord, s sight) []kind {
	inForce := strongest(records)
	fits := make(map[kind]bool)
	for _, i := range indexes(records, s) {
		fits[kindOf(records[i])] = true
	}
	var kinds []kind
	for i, r := range records {
		k := kindOf(r)
		weaker := k
		weaker.matching = 1
		if inForce[i] && k.matching == 2 && !fits[k] && fits[weaker] && !slices.Contains(kinds, k) {
			kinds = append(kinds, k)
		}
	}
	return kinds
}

// judgeKinds judges a host that fits as a whole: every kind of record that it publishes
// should have one for each certificate (RFC 7671 §8).
func judgeKinds(j *report.Judgement, h *report.Host, sights []sight) {
	var lacking []string
	for _, s := range sights {
		fits := make(map[kind]bool)
		for _, i := range indexes(h.TLSA.Records, s) {
			fits[kindOf(h.TLSA.Records[i])] = true
		}
		for _, r := range h.TLSA.Records {
			k := kindOf(r)
			if r.Usable && !fits[k] && !slices.Contains(shadowed(h.TLSA.Records, s), k) && !slices.Contains(lacking, k.String()) {
				lacking = append(lacking, k.String())
			}
		}
	}
	if len(lacking) > 0 {
		j.Add("DAN-14").At(h.Name, "").With("kinds", strings.Join(lacking, ", ")).Showing(published(h.TLSA)...)
	}
}

// fitting is what the records that fit have in common.
type fitting struct {
	kinds   map[kind]bool
	lead    *sight              // the first certificate that fits an authority's record
	anchors []*pkix.Certificate // that such records name
	public  bool                // one of the certificates is of a public authority
}

func fittingOf(records []report.TLSARecord, sights []sight) fitting {
	f := fitting{kinds: make(map[kind]bool)}
	for i := range sights {
		s := &sights[i]
		for _, n := range indexes(records, *s) {
			f.kinds[kindOf(records[n])] = true
			f.public = f.public || s.cert.PublicCA
			if records[n].Usage != 2 {
				continue
			}
			f.lead = cmp.Or(f.lead, s)
			if a := s.ways[n].anchor; a != nil {
				f.anchors = append(f.anchors, a)
			}
		}
	}
	return f
}

// of reports whether a record fits, whatever its digest.
func (f fitting) of(usage, selector uint8) bool {
	return f.kinds[kind{usage, selector, 0}] || f.kinds[kind{usage, selector, 1}] || f.kinds[kind{usage, selector, 2}]
}

// judgeUsages judges how well the records that fit will last.
func judgeUsages(j *report.Judgement, h *report.Host, sights []sight) {
	records := h.TLSA.Records
	f := fittingOf(records, sights)
	if f.kinds[kind{3, 1, 1}] {
		j.Add("DAN-18").At(h.Name, "")
	}
	if f.of(3, 0) && !f.of(3, 1) && f.lead == nil && f.public {
		j.Add("DAN-19").At(h.Name, "").With("record", advice(h))
	}
	if f.lead != nil && f.lead.cert.PublicCA {
		judgeAuthority(j, h, f)
	}
	if h.TLSA.State != report.TLSAMatch {
		return
	}
	switch {
	case len(records) == 1 && count(records, 3) == 1:
		j.Add("DAN-23").At(h.Name, "")
	case spare(records):
		j.Add("DAN-24").At(h.Name, "")
	}
}

// judgeAuthority judges records that fit since they name a public authority.
func judgeAuthority(j *report.Judgement, h *report.Host, f fitting) {
	intermediate := slices.ContainsFunc(f.anchors, func(c *pkix.Certificate) bool { return !c.SelfIssued() })
	if f.of(2, 0) && intermediate {
		j.Add("DAN-20").At(h.Name, "").With("record", advice(h))
	}
	if f.of(2, 1) && intermediate && !f.of(3, 0) && !f.of(3, 1) {
		judgeIssuers(j, h, f.lead.cert, f.anchors)
	}
	j.Add("DAN-22").At(h.Name, "").With("issuer", f.lead.cert.Issuer).With("record", advice(h))
}

// spare reports whether a second key is published beside the one in use: another record of
// the same kind, or an authority beside the server's own key.
func spare(records []report.TLSARecord) bool {
	seen := make(map[kind]bool)
	for _, r := range records {
		if k := kindOf(r); r.Usable && k.usage == 3 {
			if seen[k] {
				return true
			}
			seen[k] = true
		}
	}
	return count(records, 3) > 0 && count(records, 2) > 0
}
