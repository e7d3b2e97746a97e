package starttls

import (
	"strings"

	"mxseal/checks/internal/smtp"
	"mxseal/checks/report"
)

// senders are the programs whose way of reading is known, in the order they are named.
var senders = []struct{ id, name string }{{"postfix", "Postfix"}, {"exim", "Exim"}, {"opensmtpd", "OpenSMTPD"}}

// formWords say where and how the word STARTTLS stands.
var formWords = map[string]string{
	"":                "otherwise than in a line of its own",
	"first-line":      "in the first line of the answer to EHLO, which is for the host's name",
	"host-line":       "beside the host's name, in the first line of the answer to EHLO",
	"far-behind":      "behind more than 2048 octets of the answer to EHLO",
	"no-code":         "in a line without a reply code",
	"other-code":      "in a line with another code than 250",
	"in-another-word": "within another keyword",
	"blank-before":    "behind a further blank",
	"lower-case":      "in small letters",
	"tab-after":       "with a tab behind it",
	"equals-sign":     "with an equals sign behind it",
	"blank-after":     "with a blank behind it",
	"parameter":       "with a parameter",
	"glued":           "with something stuck to its end",
	"nul":             "in an answer with a NUL in it",
	"long-reply":      "in an answer that is longer than some senders read",
	"left-over":       "in an answer with something behind it",
}

// tooMuch are oddities of whole replies.
var tooMuch = map[string]string{
	"long-reply": "replies longer than some senders read",
	"left-over":  "lines that belong to no reply",
}

// bySender names the senders that do one thing with an offer; empty for none.
func bySender(o *report.Offer, does string) string {
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
func whoBreaksOff(o *report.Offer) string {
	if o == nil || bySender(o, "breaks-off") == "" {
		return "Strict senders may stumble over it and not deliver."
	}
	who := bySender(o, "breaks-off") + " cannot deliver: the talk ends there."
	if goOn := bySender(o, "tls"); goOn != "" {
		who += " " + goOn + " can, and over TLS."
	}
	return who
}

// unseen says why senders do not see the word STARTTLS that a server says, and what to change;
// nothing where it is not said.
func unseen(o *report.Offer) (cause, change string) {
	if o == nil || o.Form == "" || o.Line == "" || !strings.Contains(strings.ToUpper(o.Line), "STARTTLS") {
		return "", ""
	}
	cause = "The word STARTTLS is " + formWords[o.Form] + quoted(o.Line) + ": " + bySender(o, "clear") + " do not see it there. "
	if sees := bySender(o, "tls"); sees != "" {
		cause += "Only " + sees + " would use TLS. "
	}
	return cause, "Say STARTTLS in a line of its own, below that of the host's name: “250-STARTTLS”. "
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
