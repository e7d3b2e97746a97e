package starttls

import (
	"fmt"
	"strings"

	"mxseal/checks/report"
	"mxseal/checks/view"
)

// Column is how far STARTTLS came at a mail server.
var Column = view.Column{Name: "STARTTLS", Check: ID, Word: func(_ report.Observed, _ *report.Host, a *report.Address) view.Word {
	w := view.Word{Text: offered(a.SMTP)}
	if a.SMTP != nil && a.SMTP.STARTTLS == report.NotTried && a.Failure != nil {
		w.More = a.Failure.Text
	}
	return w
}}

func offered(s *report.SMTP) string {
	switch {
	case s == nil:
		return "not seen"
	case s.STARTTLS == report.Works && s.Enforced != nil && *s.Enforced:
		return "enforced"
	}
	return view.STARTTLS(s.STARTTLS)
}

// Show says how each address was found, and the dialogue with it.
func Show(o report.Observed) []view.Section {
	var list []view.Section
	for _, h := range o.Hosts {
		for _, a := range h.Addresses {
			facts := contact(a)
			if a.SMTP != nil {
				facts = append(facts, dialogue(a.SMTP)...)
			}
			blocks := []view.Block{facts}
			if a.SMTP != nil && len(a.SMTP.Transcript) > 0 {
				blocks = append(blocks, view.Code{Title: "Transcript", Text: transcript(a.SMTP.Transcript)})
			}
			list = append(list, view.Section{Check: ID, Host: h.Name, Address: a.IP, Title: "Dialogue", Blocks: blocks})
		}
	}
	return list
}

func contact(a *report.Address) view.Facts {
	var facts view.Facts
	facts.Add("Reverse name", strings.Join(a.PTR, ", "))
	facts.Add("Connections", fmt.Sprint(a.Connections))
	if a.SeenAt != nil {
		facts.Add("Seen", view.Moment(*a.SeenAt)+", by an earlier check")
	}
	facts.Add("Not tested", view.NotTested(a.NotTested))
	facts.Failed(a.Failure)
	return facts
}

func dialogue(s *report.SMTP) view.Facts {
	var facts view.Facts
	facts.Add("Greeting", s.Banner)
	facts.Add("Software", s.Software)
	facts.Add("EHLO in clear", view.Joined(s.EHLO))
	facts.Add("EHLO inside TLS", view.Joined(s.EHLOTLS))
	facts.AddMore("STARTTLS", offered(s), s.Reply)
	facts.AddMore("Insists on TLS", view.YesNo(s.Enforced), s.MailReply)
	facts.Add("Command slipped in before TLS", string(s.Injection))
	for _, g := range s.Ladder {
		facts.Add("Handshake "+string(g.Hello), outcomeOf(g))
	}
	facts.Add("Client certificate", string(s.ClientCert))
	return facts
}

func outcomeOf(g report.Rung) string {
	switch {
	case g.OK:
		return "works"
	case g.Alert != 0:
		return fmt.Sprintf("%s (alert %d)", g.Error, g.Alert)
	}
	return g.Error
}

// transcript writes a dialogue: when, who, what.
func transcript(lines []report.Line) string {
	var b strings.Builder
	for _, l := range lines {
		fmt.Fprintf(&b, "%6d ms %s  %s\n", l.MS, l.From, l.Text)
	}
	return strings.TrimRight(b.String(), "\n")
}
