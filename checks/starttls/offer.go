package starttls

import (
	"strings"

	"mxseal/checks/internal/smtp"
	"mxseal/checks/report"
)

// senders are the programs whose way of reading is known, in the order they are named.
var senders = []struct{ id, name string }{{"postfix", "Postfix"}, {"exim", "Exim"}, {"opensmtpd", "OpenSMTPD"}}

// tooMuch are oddities of whole replies.
var tooMuch = map[report.OfferForm]string{
	report.FormLongReply: "replies longer than some senders read",
	report.FormLeftOver:  "lines that belong to no reply",
}

// bySender names the senders that do one thing with an offer; empty for none.
func bySender(o *report.Offer, does report.Reading) string {
	var names []string
	for _, s := range senders {
		if o.Readers[s.id] == does {
			names = append(names, s.name)
		}
	}
	if len(names) > 1 {
		names = append(names[:len(names)-2], names[len(names)-2]+" and "+names[len(names)-1])
	}
	return strings.Join(names, ", ")
}

// whoBreaksOff says which senders do not deliver for the form of the replies.
func whoBreaksOff(o *report.Offer) report.Statement {
	if o == nil || bySender(o, report.ReadsNothing) == "" {
		return report.Say(report.SaysStrictStumble)
	}
	who := report.Say(report.SaysTalkEnds, "senders", bySender(o, report.ReadsNothing))
	if goOn := bySender(o, report.ReadsTLS); goOn != "" {
		return who.About(report.Say(report.SaysOthersCan, "senders", goOn))
	}
	return who
}

// unseen says why senders do not see the word STARTTLS that a server says, and what to change;
// nothing where it is not said.
func unseen(o *report.Offer) (cause, change report.Statement) {
	if o == nil || o.Form == "" || o.Line == "" || !strings.Contains(strings.ToUpper(o.Line), "STARTTLS") {
		return cause, change
	}
	cause = report.Say(report.SaysWordUnseen, "form", o.Form, "line", quoted(o.Line), "senders", bySender(o, report.ReadsClear))
	if sees := bySender(o, report.ReadsTLS); sees != "" {
		cause = cause.About(report.Say(report.SaysOthersSee, "senders", sees))
	}
	return cause, report.Say(report.SaysOwnLine)
}

// quoted shows a line behind what is said of it; nothing where there is none.
func quoted(line string) string {
	if line == "" {
		return ""
	}
	return " (“" + line + "”)"
}

// masked reports whether an EHLO shows a keyword that a firewall has overwritten with a
// run of X, as “SMTP inspection” does to STARTTLS (RFC 8689 §8.2).
func masked(keywords []string) bool {
	return smtp.Lists(keywords, "XXXXXXXA") || smtp.Lists(keywords, "XXXXXXXX")
}
