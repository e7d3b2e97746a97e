package resolve

import (
	"slices"

	"github.com/miekg/dns"

	"mxseal/checks/report"
)

// zone is a zone as the chain of trust found it. It is shared and never changed.
type zone struct {
	name    string
	keys    []*dns.DNSKEY    // trusted; empty unless secure
	fault   *fault           // nil: secure
	chain   []report.Link    // root first, this zone last
	seen    []report.Witness // of those links whose records had to be asked for twice
	unheard int              // more of them than are kept
}

const (
	maxListed = 8 // keys, and DS records, of a zone that are kept as evidence
	maxLinks  = 8 // zones of a chain
)

// broken ends the chain at name.
func (above *zone) broken(name string, f *fault, link report.Link) *zone {
	link.Zone, link.State, link.Reason, link.Statement, link.EDE = plain(name), f.state, f.code, f.says, f.ede
	return &zone{name: name, fault: f, seen: above.seen, unheard: above.unheard, chain: append(slices.Clip(above.chain), link)}
}
