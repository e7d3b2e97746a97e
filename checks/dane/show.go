package dane

import (
	"fmt"
	"strings"

	"mxseal/checks/report"
	"mxseal/checks/view"
)

// Column is how the TLSA records of a mail server fit what it serves.
var Column = view.Column{Name: "DANE", Check: ID, Host: true, Word: func(_ report.Observed, h *report.Host, _ *report.Address) view.Word {
	return view.Word{Text: fits(h.TLSA)}
}}

func fits(t report.TLSA) string {
	switch t.State {
	case report.TLSAMatch:
		return "matches"
	case report.TLSAMismatch:
		return "does not match"
	case report.TLSALookupFail:
		return "look-up fails"
	case report.TLSAInsecure:
		return "unsigned"
	case "":
		return "not seen"
	}
	return string(t.State)
}

// Show says which keys are published for each mail server, and what it shows to senders that ask
// for it under the name of the records.
func Show(o report.Observed) []view.Section {
	var list []view.Section
	for _, h := range o.Hosts {
		list = append(list, ofHost(h))
		for _, a := range h.Addresses {
			if a.AsBase != nil {
				list = append(list, asBase(h, a))
			}
		}
	}
	return list
}

func ofHost(h *report.Host) view.Section {
	var facts view.Facts
	where := ""
	if h.TLSA.Base != "" {
		where = "at _25._tcp." + h.TLSA.Base
	}
	facts.AddMore("TLSA", fits(h.TLSA), where)
	facts.Failed(h.TLSA.Failure)
	for _, t := range h.TLSA.Records {
		facts = append(facts, view.Fact{Label: fmt.Sprintf("TLSA %d %d %d", t.Usage, t.Selector, t.Matching), Text: t.Data, More: use(t), Octets: true})
	}
	s := view.Section{Check: ID, Host: h.Name, Title: "DANE", Blocks: []view.Block{facts}}
	if h.TLSA.DNSSEC != nil {
		s.Blocks = append(s.Blocks, view.LadderOf("TLSA of "+h.Name, *h.TLSA.DNSSEC))
	}
	return s
}

// use says what senders make of a record.
func use(t report.TLSARecord) string {
	switch {
	case !t.Usable:
		return "senders ignore it: " + strings.ReplaceAll(string(t.Unusable), "-", " ")
	case len(t.Matches) == 0:
		return "matches no certificate that was served"
	}
	return "matches at " + strings.Join(t.Matches, ", ")
}

func asBase(h *report.Host, a *report.Address) view.Section {
	s := view.Section{Check: ID, Host: h.Name, Address: a.IP, Title: "To senders that check DANE", Blocks: []view.Block{
		view.Note("They ask for " + a.AsBase.ServerName + ", the name at which the TLSA records are. STARTTLS: " + view.STARTTLS(a.AsBase.STARTTLS) + "."),
	}}
	for _, c := range a.AsBase.Certificates {
		s.Blocks = append(s.Blocks, view.Certificate(c))
	}
	return s
}
