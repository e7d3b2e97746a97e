package starttls

import (
	"strings"

	"mxseal/checks/report"
)

// programs are mail servers and the words by which their greetings give them away, the
// more telling first.
var programs = []struct{ word, name string }{
	{"gsmtp", "Google"},
	{"mimecast", "Mimecast"},
	{"pphosted", "Proofpoint"},
	{"microsoft esmtp", "Microsoft Exchange"},
	{"opensmtpd", "OpenSMTPD"},
	{"postfix", "Postfix"},
	{"exim", "Exim"},
	{"sendmail", "Sendmail"},
	{"stalwart", "Stalwart"},
	{"haraka", "Haraka"},
	{"halon", "Halon"},
	{"mailenable", "MailEnable"},
	{"hmailserver", "hMailServer"},
	{"communigate", "CommuniGate Pro"},
	{"maddy", "maddy"},
	{"mox", "mox"},
	{"qpsmtpd", "qpsmtpd"},
	{"james", "Apache James"},
}

// software recognises the mail server by its greeting; empty when it does not say.
func software(banner string) string {
	_, said, _ := strings.Cut(strings.ToLower(banner), " ") // past the host's name
	for _, p := range programs {
		for word := range strings.FieldsFuncSeq(said, notInWord) {
			if word == p.word {
				return p.name
			}
		}
		if strings.Contains(p.word, " ") && strings.Contains(said, p.word) {
			return p.name
		}
	}
	return ""
}

func notInWord(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') }

// Derive recognises the software of each server.
func Derive(r report.Observed) {
	for _, h := range r.Hosts {
		for _, a := range h.Addresses {
			if a.SMTP != nil {
				a.SMTP.Software = software(a.SMTP.Banner)
			}
		}
	}
}
