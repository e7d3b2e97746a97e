package certificate

import (
	"mxseal/checks/internal/pkix"
	"mxseal/checks/report"
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
		all[i] = &own
	}
	if list == nil {
		return nil
	}
	return all
}
