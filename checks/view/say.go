package view

import (
	"strings"

	"mxseal/checks/report"
)

// maxSaid bounds a sentence, in octets.
const maxSaid = 800

// Say puts a statement into words; empty where there is none. What is not known, as from a newer
// version, is said by its code.
func Say(s report.Statement) string {
	words, known := wordings[s.Code]
	if !known {
		return string(s.Code)
	}
	return report.Clean(filled(words, s), maxSaid)
}

// filled puts what fills a statement into its words; what is put in is not looked at again.
func filled(words string, s report.Statement) string {
	var b strings.Builder
	for {
		before, rest, more := strings.Cut(words, "{")
		b.WriteString(before)
		if !more {
			return b.String()
		}
		name, after, _ := strings.Cut(rest, "}")
		b.WriteString(filling(name, s))
		words = after
	}
}

func filling(name string, s report.Statement) string {
	switch name {
	case "of":
		if s.Of == nil {
			return ""
		}
		return filled(wordings[s.Of.Code], *s.Of)
	case "advice":
		return advice[s.Params["kind"]]
	case "form":
		return offerForms[report.OfferForm(s.Params[name])]
	case "hello":
		return hellos[report.Hello(s.Params[name])]
	case "fault":
		return PathFault(report.PathFault{Code: report.FaultCode(s.Params["fault"]), About: s.Params["about"], More: s.Params["more"]})
	case "place":
		if s.Params[name] == "." {
			return "the root"
		}
	}
	return s.Params[name]
}

// advice is what to do about each kind of end of a conversation.
var advice = map[string]string{
	"timeout":      "ask again later",
	"exhausted":    "that is our own trouble and says nothing about the server",
	"not-admitted": "that is our own doing and says nothing about the server",
	"spent":        "that is our own doing and says nothing about the server",
	"rate-limited": "that is our own doing and says nothing about the server",
	"refused":      "see whether a mail server listens there",
	"reset":        "see whether a firewall breaks the connection",
	"closed":       "ask again later, and see the server's log",
	"unreachable":  "see whether this machine has a route to it",
	"forbidden":    "publish a public address",
	"reply":        "see the server's log for the reason",
	"limit":        "see whether a mail server listens there",
	"protocol":     "see whether a mail server listens there",
	"alert":        "see the server's TLS log",
	"unsupported":  "ask with another TLS library",
	"failed":       "ask again later",
	"opted-out":    "that is our own doing and says nothing about the server",
}

// Conditions says each of some conditions.
func Conditions(list ...report.Condition) []report.Condition {
	for i := range list {
		list[i].Text = Say(list[i].Statement)
	}
	return list
}
