package tls

import (
	_ "embed"

	"mxseal/checks/check"
	"mxseal/checks/view"
)

// Doc says what the check asks and why.
//
//go:embed doc.md
var Doc string

// Check is the check.
var Check = check.Check{
	ID:       ID,
	Title:    "TLS versions and ciphers",
	Doc:      Doc,
	Rules:    Rules,
	Reported: []string{"starttls-not-supported", "validation-failure"},
	Derive:   Derive,
	Judge:    Judge,
	Words:    vocabulary,
	Early:    check.Host,
	Show:     Show,
	Column:   &Column,
}

// vocabulary are the words of reports that the check explains, and what its changes are called.
var vocabulary = check.Words{
	Terms: []view.Term{
		{ID: "word-pq", Name: "Post-quantum, PQ", Text: "A key exchange that even quantum computers cannot undo: what is recorded today cannot be read with one later."},
	},
}
