package certificate

import (
	"mxseal/checks/report"
	"mxseal/checks/view"
)

// Column is how the certificates of a mail server verify.
var Column = view.Column{Name: "Certificate", Check: ID, Word: func(_ report.Observed, _ *report.Host, a *report.Address) view.Word {
	return view.Word{Text: view.PKIX(a.Certificates)}
}}

// Show says which certificates each address served.
func Show(o report.Observed) []view.Section {
	var list []view.Section
	for _, h := range o.Hosts {
		for _, a := range h.Addresses {
			s := view.Section{Check: ID, Host: h.Name, Address: a.IP, Title: "Certificates"}
			for _, c := range a.Certificates {
				s.Blocks = append(s.Blocks, view.Certificate(c))
			}
			if len(s.Blocks) > 0 {
				list = append(list, s)
			}
		}
	}
	return list
}
