package mtasts

import (
	"fmt"
	"strings"

	"mxseal/checks/report"
	"mxseal/checks/view"
)

// Column is what the policy says of a mail server.
var Column = view.Column{Name: "MTA-STS", Check: ID, Host: true, Word: func(o report.Observed, h *report.Host, _ *report.Address) view.Word {
	return view.Word{Text: named(o.MTASTS, h.Name)}
}}

func named(m *report.MTASTS, host string) string {
	switch {
	case m == nil || m.Policy == nil:
		return "no policy"
	case m.State != report.STSEnforce && m.State != report.STSTesting:
		return "policy " + string(m.State)
	case pattern(m.Policy.MX, host) == "":
		return "not in the policy"
	}
	return "in the policy"
}

// Show says what the record and the policy file hold, and how the file was fetched.
func Show(o report.Observed) []view.Section {
	m := o.MTASTS
	if m == nil {
		return nil
	}
	s := view.Section{Check: ID, Title: "MTA-STS", Brief: string(m.State), Blocks: []view.Block{append(said(m), fetched(m.Fetch)...)}}
	if m.Raw != "" {
		s.Blocks = append(s.Blocks, view.Fold{Title: "Policy file as served", Blocks: []view.Block{view.Code{Text: strings.TrimRight(m.Raw, "\n")}}})
	}
	if m.Fetch != nil && m.Fetch.Certificate != nil {
		s.Blocks = append(s.Blocks, view.Certificate(m.Fetch.Certificate))
	}
	return []view.Section{s}
}

func said(m *report.MTASTS) view.Facts {
	var facts view.Facts
	facts.Add("Record", strings.Join(m.TXT, "\n"))
	if m.Error != "" {
		facts = append(facts, view.Fact{Label: "Fault", Text: m.Error, Short: true})
	}
	facts.Failed(m.Failure)
	if p := m.Policy; p != nil {
		for _, f := range []view.Fact{{Label: "Id", Text: m.ID}, {Label: "Mode", Text: string(p.Mode)},
			{Label: "Kept by senders for", Text: view.Duration(p.MaxAge)}, {Label: "Mail servers", Text: view.Joined(p.MX)}} {
			if f.Short = true; f.Text != "" {
				facts = append(facts, f)
			}
		}
	}
	return facts
}

func fetched(f *report.Fetch) view.Facts {
	var facts view.Facts
	if f == nil {
		return nil
	}
	address := ""
	if f.Address != "" {
		address = "(" + f.Address + ")"
	}
	facts.AddMore("Fetched from", f.URL, address)
	if f.Status != 0 {
		facts.Add("Answer", strings.Join(strings.Fields(fmt.Sprint(f.Status)+" "+f.ContentType+" "+view.Version(f.TLSVersion)), " "))
	}
	facts.Add("Redirect, not followed", f.Location)
	facts.Failed(f.Failure)
	return facts
}
