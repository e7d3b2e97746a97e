package certificate

import (
	"slices"

	"mxseal/checks/internal/pkix"
	"mxseal/checks/report"
	"mxseal/checks/view"
)

// Derive says what senders make of each certificate, by the path that was found up from it and
// the name that they look for. Reports may share certificates: each gets its own.
func Derive(o report.Observed) {
	for _, h := range o.Hosts {
		for _, a := range h.Addresses {
			a.Certificates = concluded(a.Certificates, h.Name)
			if a.AsBase != nil {
				a.AsBase.Certificates = concluded(a.AsBase.Certificates, a.AsBase.ServerName)
			}
		}
	}
	if m := o.MTASTS; m != nil && m.Fetch != nil && m.Fetch.Certificate != nil {
		m.Fetch.Certificate = concluded([]*report.Certificate{m.Fetch.Certificate}, "mta-sts."+o.Domain)[0]
	}
}

func concluded(list []*report.Certificate, name string) []*report.Certificate {
	all := make([]*report.Certificate, len(list))
	for i, c := range list {
		if c == nil {
			continue
		}
		own := *c
		pkix.Conclude(&own, name)
		if own.PKIXWhy.Made() { // else what a former version wrote stays
			own.PKIXDetail = view.Say(own.PKIXWhy)
		}
		if slices.ContainsFunc(own.Chain, func(c *report.Certificate) bool { return c != nil && c.PKIXWhy.Made() }) {
			own.Chain = concluded(own.Chain, name)
		}
		all[i] = &own
	}
	if list == nil {
		return nil
	}
	return all
}
