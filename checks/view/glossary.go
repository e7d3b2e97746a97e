package view

// Term is a word of the trade, for those who meet it for the first time.
type Term struct {
	ID, Name, Text string
	Check          string // whose page says more; empty for none
}

// Glossary has the words that reports use, in the order in which they build on each other.
var Glossary = []Term{
	{"word-mx", "Mail server, MX", "The machine that takes the mail for a domain. The domain's MX records name it; senders try the lowest preference first.", "mx"},
	{"word-starttls", "TLS, STARTTLS", "TLS encrypts a connection. STARTTLS is the word by which two mail servers begin it, if both offer it and nobody in between takes it away.", "starttls"},
	{"word-enforced", "TLS enforced", "The server takes no mail without TLS. That keeps out listeners, and does not help against somebody who poses as the server.", "starttls"},
	{"word-certificate", "Certificate", "What a server shows to prove its name. It is publicly trusted if a known authority has signed it, self-signed if only the server itself has.", "certificate"},
	{"word-dnssec", "DNSSEC", "Signatures over the records of a domain. Whoever checks them notices forged ones; without them a forger can name other mail servers.", "dnssec"},
	{"word-dane", "DANE, TLSA", "TLSA records say, in the signed DNS, which key a mail server has. Senders that check DANE deliver to nobody else, and never unencrypted.", "dane"},
	{"word-mta-sts", "MTA-STS", "A policy on a web server of the domain: these are my mail servers, and each has a valid certificate. Senders that check it remember it, and in the mode enforce deliver to nobody else.", "mta-sts"},
	{"word-tls-rpt", "TLS reports, TLS-RPT", "A record with the address to which senders report that TLS has failed, once a day.", "tls-rpt"},
	{"word-requiretls", "REQUIRETLS", "The author of a message may demand that it travels over authenticated TLS only. Servers that offer REQUIRETLS pass that demand on; elsewhere the message is returned.", "starttls"},
	{"word-pq", "Post-quantum, PQ", "A key exchange that quantum computers, too, cannot undo: what is recorded today cannot be read with one later.", "tls"},
	{"word-fault", "Fault, weak spot, note", "A fault is broken or leaves mail open, a weak spot could be better, a note is good to know. What counts for the grade stands with each rule.", ""},
	{"word-untested", "Not tested, provisional", "We could not find out; that counts neither for nor against the domain. A letter is provisional where something that could move it was not found out.", ""},
	{"word-rule", "Codes such as SMT-12", "The numbers of rules. They never change, and each leads to what the rule asks, why, and how to mend what it finds.", ""},
}

// TermOf is the place of the word that explains a merit; empty where there is none.
func TermOf(badge string) string {
	switch badge {
	case "DANE":
		return "word-dane"
	case "MTA-STS":
		return "word-mta-sts"
	case "TLS enforced":
		return "word-enforced"
	case "REQUIRETLS":
		return "word-requiretls"
	case "PQ":
		return "word-pq"
	case "reports":
		return "word-tls-rpt"
	}
	return ""
}
