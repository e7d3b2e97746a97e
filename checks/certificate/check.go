package certificate

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
	Title:    "Certificate and host name",
	Doc:      Doc,
	Rules:    Rules,
	Reported: []string{"certificate-host-mismatch", "certificate-expired", "certificate-not-trusted", "validation-failure"},
	Renewal: map[string]report.Renewal{
		// A key usage without signing, what Go does not read, a list that is too long, a kind of key that few know.
		"CRT-26": report.BreaksOff, "CRT-27": report.BreaksOff, "CRT-29": report.BreaksOff, "CRT-31": report.BreaksOff,
		"CRT-07": report.Present, "CRT-08": report.Present,
	},
	Derive:   Derive,
	Judge:    Judge,
	Words:    vocabulary,
	Compare:  Compare,
	Forecast: Forecast,
	Early:    check.Host,
	Show:     Show,
	Column:   &Column,
}

// vocabulary are the words of reports that the check explains, and what its changes are called.
var vocabulary = check.Words{
	Terms: []view.Term{
		{ID: "word-certificate", Name: "Certificate", Text: "What a server shows to prove its name. It is publicly trusted if a known authority has signed it, self-signed if only the server itself has."},
	},
	Changes: map[report.Aspect]string{report.AspectKey: "Public key", report.AspectCertificate: "Certificate"},
}
