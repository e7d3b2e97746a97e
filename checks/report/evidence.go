package report

// Evidence is what was seen. Fields with the tag derived follow from the others: they are
// written when a report is judged (checks.Judge) and never believed before.
type Evidence struct {
	MX     *MX     `json:"mx,omitempty"`
	DNSSEC *DNSSEC `json:"dnssec,omitempty"`
	Hosts  []*Host `json:"hosts,omitempty"` // mail exchangers, in the order senders try them
	MTASTS *MTASTS `json:"mta_sts,omitempty"`
	TLSRPT *TLSRPT `json:"tls_rpt,omitempty"`
	// Past is what earlier reports of the domain saw; absent where there is no memory of it.
	Past *Past `json:"past,omitempty"`
	// Unanswered are questions to the DNS that got no answer, from whomever.
	Unanswered []Question `json:"unanswered,omitempty"`
	// MisplacedTLSA lists names where TLSA records stand that no sender of mail looks at.
	MisplacedTLSA []string `json:"misplaced_tlsa,omitempty"`
	// Lookups are answers that checks about a single record keep, by name and type.
	Lookups []Lookup `json:"lookups,omitempty"`
}

// Lookup returns what is kept of a question; nil where it was not asked. Names have their final dot.
func (e Evidence) Lookup(name, qtype string) *Lookup {
	for i := range e.Lookups {
		if l := &e.Lookups[i]; l.Name == name && l.Type == qtype {
			return l
		}
	}
	return nil
}

// Lookup is one validated DNS look-up.
type Lookup struct {
	Name    string   `json:"name"`
	Type    string   `json:"type"`
	Rcode   string   `json:"rcode"`
	TTL     uint32   `json:"ttl"`
	Records []string `json:"records"`
	DNSSEC  Trust    `json:"dnssec"`
	Failure *Failure `json:"failure,omitempty"`
	// Authority is what the name servers say themselves; asked only where the answer failed.
	Authority *Authority `json:"authority,omitempty"`
}
