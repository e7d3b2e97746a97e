package starttls

import (
	_ "embed"

	"mxseal/checks/check"
	"mxseal/checks/report"
	"mxseal/checks/view"
)

// Doc says what the check asks and why.
//
//go:embed doc.md
var Doc string

// Check is the check.
var Check = check.Check{
	ID:       ID,
	Title:    "STARTTLS",
	Doc:      Doc,
	Rules:    Rules,
	Reported: []string{"starttls-not-supported"},
	Derive:   Derive,
	Judge:    Judge,
	Words:    vocabulary,
	Compare:  Compare,
	Early:    check.Host,
	Show:     Show,
	Column:   &Column,
}

// vocabulary are the words of reports that the check explains, and what its changes are called.
var vocabulary = check.Words{
	Terms: []view.Term{
		{ID: "word-starttls", Name: "TLS, STARTTLS", Text: "TLS encrypts a connection. STARTTLS is the command that starts it between two mail servers, if both offer it and nobody in between removes it."},
		{ID: "word-enforced", Name: "TLS enforced", Text: "The server takes no mail without TLS. That keeps out listeners, but does not help against an attacker who poses as the server."},
		{ID: "word-requiretls", Name: "REQUIRETLS", Text: "The author of a message may demand that it is sent over authenticated TLS only. Servers that offer REQUIRETLS pass that demand on. Elsewhere the message is returned."},
	},
	Changes: map[report.Aspect]string{report.AspectSTARTTLS: "STARTTLS"},
}
