package view

// Term is a word of the trade, for those who meet it for the first time.
type Term struct {
	ID, Name, Text string
	Check          string // whose page says more; empty for none
}

// Glossary has the words that reports use, in the order in which they build on each other.
var Glossary = []Term{
	{"word-mx", "Mail server, MX", "The machine that takes the mail for a domain. The domain's MX records name it; senders try the lowest preference first.", "mx"},
	{"word-starttls", "TLS, STARTTLS", "TLS encrypts a connection. STARTTLS is the command that starts it between two mail servers, if both offer it and nobody in between removes it.", "starttls"},
	{"word-enforced", "TLS enforced", "The server takes no mail without TLS. That keeps out listeners, but does not help against an attacker who poses as the server.", "starttls"},
	{"word-certificate", "Certificate", "What a server shows to prove its name. It is publicly trusted if a known authority has signed it, self-signed if only the server itself has.", "certificate"},
	{"word-dnssec", "DNSSEC", "Signatures over the records of a domain. A sender that checks them notices forged records. Without them a forger can name other mail servers.", "dnssec"},
	{"word-dane", "DANE, TLSA", "TLSA records say, in the signed DNS, which key a mail server has. Senders that check DANE deliver to nobody else, and never unencrypted.", "dane"},
	{"word-mta-sts", "MTA-STS", "A policy on a web server of the domain: these are my mail servers, and each has a valid certificate. Senders that check it remember it, and in the mode enforce deliver to nobody else.", "mta-sts"},
	{"word-tls-rpt", "TLS reports, TLS-RPT", "A record with the address to which senders report that TLS has failed, once a day.", "tls-rpt"},
	{"word-requiretls", "REQUIRETLS", "The author of a message may demand that it is sent over authenticated TLS only. Servers that offer REQUIRETLS pass that demand on. Elsewhere the message is returned.", "starttls"},
	{"word-pq", "Post-quantum, PQ", "A key exchange that even quantum computers cannot undo: what is recorded today cannot be read with one later.", "tls"},
	{"word-fault", "Fault, weak spot, note", "A fault is broken or leaves mail open, a weak spot could be better, a note is good to know. Each rule says what counts for the grade.", ""},
	{"word-untested", "Not tested, provisional", "We could not find out. That counts neither for nor against the domain. A letter is provisional if something that could change it is not known.", ""},
	{"word-rule", "Codes such as SMT-12", "The numbers of rules. They never change, and each leads to what the rule asks, why, and how to fix what it finds.", ""},
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
