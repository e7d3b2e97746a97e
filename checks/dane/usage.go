package dane

import (
	"fmt"
	"slices"
	"strings"

	"mxseal/checks/internal/pkix"
	"mxseal/checks/report"
)

// kind is what a sender must support to use a record.
type kind struct{ usage, selector, matching uint8 }

func kindOf(r report.TLSARecord) kind { return kind{r.Usage, r.Selector, r.Matching} }

func (k kind) String() string { return fmt.Sprintf("%d %d %d", k.usage, k.selector, k.matching) }

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

// judgeUsages judges how well the records that fit will last.
func judgeUsages(j *report.Judgement, h *report.Host, sights []sight) {
	records := h.TLSA.Records
	fits := make(map[kind]bool) // kinds of which a record fits
	var lead *sight             // the first certificate that fits an authority's record
	var anchors []*pkix.Certificate
	public := false
	for i := range sights {
		s := &sights[i]
		for _, n := range indexes(records, *s) {
			fits[kindOf(records[n])] = true
			public = public || s.cert.PublicCA
			if records[n].Usage == 2 {
				if lead == nil {
					lead = s
				}
				if a := s.ways[n].anchor; a != nil {
					anchors = append(anchors, a)
				}
			}
		}
	}
	of := func(usage, selector uint8) bool {
		return fits[kind{usage, selector, 0}] || fits[kind{usage, selector, 1}] || fits[kind{usage, selector, 2}]
	}
	own, authority := of(3, 0) || of(3, 1), of(2, 0) || of(2, 1)
	if fits[kind{3, 1, 1}] {
		j.Add("DAN-18").At(h.Name, "")
	}
	if of(3, 0) && !of(3, 1) && !authority && public {
		j.Add("DAN-19").At(h.Name, "").With("record", advice(h))
	}
	if authority && lead.cert.PublicCA {
		issuer := lead.cert.Issuer
		intermediate := slices.ContainsFunc(anchors, func(c *pkix.Certificate) bool { return !c.SelfIssued() })
		if of(2, 0) && intermediate {
			j.Add("DAN-20").At(h.Name, "").With("record", advice(h))
		}
		if of(2, 1) && intermediate && !own {
			judgeIssuers(j, h, lead.cert, anchors)
		}
		j.Add("DAN-22").At(h.Name, "").With("issuer", issuer).With("record", advice(h))
	}
	if h.TLSA.State != "match" {
		return
	}
	switch {
	case len(records) == 1 && count(records, 3) == 1:
		j.Add("DAN-23").At(h.Name, "")
	case spare(records):
		j.Add("DAN-24").At(h.Name, "")
	}
}

// count returns how many usable records have that usage.
func count(records []report.TLSARecord, usage uint8) int {
	n := 0
	for _, r := range records {
		if r.Usable && r.Usage == usage {
			n++
		}
	}
	return n
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
