package view

import "mxseal/checks/report"

// offerForms say where and how the word STARTTLS stands.
var offerForms = map[report.OfferForm]string{
	"":                       "otherwise than in a line of its own",
	report.FormFirstLine:     "in the first line of the answer to EHLO, which is for the host's name",
	report.FormHostLine:      "beside the host's name, in the first line of the answer to EHLO",
	report.FormFarBehind:     "behind more than 2048 octets of the answer to EHLO",
	report.FormNoCode:        "in a line without a reply code",
	report.FormOtherCode:     "in a line with another code than 250",
	report.FormInAnotherWord: "within another keyword",
	report.FormBlankBefore:   "behind a further blank",
	report.FormLowerCase:     "in small letters",
	report.FormTabAfter:      "with a tab behind it",
	report.FormEqualsSign:    "with an equals sign behind it",
	report.FormBlankAfter:    "with a blank behind it",
	report.FormParameter:     "with a parameter",
	report.FormGlued:         "with something stuck to its end",
	report.FormNUL:           "in an answer with a NUL in it",
	report.FormLongReply:     "in an answer that is longer than some senders read",
	report.FormLeftOver:      "in an answer with something behind it",
}

// hellos say with which hello a handshake came about.
var hellos = map[report.Hello]string{
	"":                     "TLS 1.2 and 1.3",
	report.HelloModern:     "TLS 1.2 and 1.3",
	report.HelloNoHybrid:   "TLS 1.2 and 1.3 without ML-KEM",
	report.HelloSmallTLS12: "TLS 1.2 only, small",
	report.HelloEverySuite: "TLS 1.0 to 1.2 with every cipher suite, old ones too",
	report.HelloAllTLS12:   "TLS 1.2 with every cipher suite, old ones too",
	report.HelloNoSNI:      "without a server name",
	report.HelloAnySuite:   "TLS 1.2 and 1.3 with cipher suites and keys that few programs still take",
}
