package templates

// SurveyThing is one thing that surveys count, by its name in JSON.
type SurveyThing struct{ ID, Name, Text string }

// SurveyThings are what surveys count, in reading order.
var SurveyThings = []SurveyThing{
	{"starttls", "STARTTLS works", "Every mail server that was reached encrypts."},
	{"certificate", "Certificate valid", "Every mail server that was reached shows a certificate that fits its name."},
	{"tls_1_3", "TLS 1.3", "Every mail server that was reached speaks TLS 1.3."},
	{"post_quantum", "Post-quantum", "The key exchange also withstands a quantum computer."},
	{"dnssec", "MX signed (DNSSEC)", "The list of mail servers is signed."},
	{"dane", "DANE", "Every mail server has TLSA records that fit."},
	{"mta_sts", "MTA-STS", "There is a policy, and what it asks of senders."},
	{"tls_rpt", "TLS reports (TLS-RPT)", "The domain asks for reports."},
}
