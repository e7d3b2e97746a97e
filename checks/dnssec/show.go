package dnssec

import (
	"strings"

	"mxseal/checks/report"
	"mxseal/checks/view"
)

// Column is whether the addresses of a mail server are signed.
var Column = view.Column{Name: "DNSSEC", Check: ID, Host: true, Word: func(_ report.Observed, h *report.Host, _ *report.Address) view.Word {
	return view.Word{Text: view.StateWord(h.DNSSEC.State)}
}}

// Show draws the chains of trust to the MX records and to the addresses of the mail servers.
func Show(o report.Observed) []view.Section {
	var list []view.Section
	s := view.Section{Check: ID, Title: "DNSSEC"}
	if o.MX != nil {
		s.Brief = view.StateWord(o.MX.DNSSEC.State)
		s.Blocks = append(s.Blocks, view.LadderOf("MX records of "+o.Domain, o.MX.DNSSEC))
	}
	if o.DNSSEC != nil {
		if len(o.DNSSEC.Zones) > 0 {
			s.Blocks = append(s.Blocks, zones(o.DNSSEC.Zones))
		}
		for _, a := range o.DNSSEC.Authorities {
			s.Blocks = append(s.Blocks, view.NameServers(a))
		}
	}
	if len(s.Blocks) > 0 {
		list = append(list, s)
	}
	for _, h := range o.Hosts {
		if h.DNSSEC.State != "" {
			list = append(list, view.Section{Check: ID, Host: h.Name, Title: "DNSSEC", Brief: view.StateWord(h.DNSSEC.State),
				Blocks: []view.Block{view.LadderOf("Addresses of "+h.Name, h.DNSSEC)}})
		}
	}
	return list
}

func zones(list []report.Zone) view.List {
	out := view.List{Title: "Zones that the mail depends on:"}
	for _, z := range list {
		out.Items = append(out.Items, view.Item{Mark: view.StateMark(z.Trust.State), Text: view.ZoneName(z.Name) + ": " + view.StateWord(z.Trust.State), More: beside(z)})
	}
	return out
}

// beside says what the trust alone does not: keys without a DS, and NSEC3 parameters.
func beside(z report.Zone) string {
	var parts []string
	if z.Trust.State == report.Insecure && z.DNSKEY {
		parts = append(parts, "has keys, but its parent does not point to them")
	}
	if z.Iterations != nil {
		parts = append(parts, "NSEC3 with "+view.Plural(*z.Iterations, "further iteration"))
	}
	if z.Salted {
		parts = append(parts, "salted")
	}
	return strings.Join(parts, ", ")
}
