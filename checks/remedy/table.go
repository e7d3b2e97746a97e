package remedy

import "mxseal/checks/report"

// row says how to mend what a rule found.
type row struct {
	change   string // of changes: findings of several rules may be mended by one
	steps    func(the) []report.Step
	atServer bool // the change is made at the mail server or its zone: of a hosted one only the provider can make it
}

// change is one thing to do, that may mend the findings of several rules.
type change struct {
	title  string
	effort report.Effort
}

// changes in the order in which to make them: what others build on comes first.
var changes = []struct {
	name string
	change
}{
	{"exchanger", change{"Correct the MX records of {domain}", report.OneRecord}},
	{"starttls", change{"Turn on STARTTLS at {hosts}", report.Reload}},
	{"tls", change{"Allow only today's TLS versions and cipher suites at {hosts}", report.Reload}},
	{"client-certificate", change{"Ask no certificate of senders at {hosts}", report.Reload}},
	{"library", change{"Update the TLS library of {hosts}", report.NewCertificate}},
	{"software", change{"Update the mail server at {hosts}, or the device in front of it", report.NewCertificate}},
	{"certificate", change{"Get a new certificate for {hosts}", report.NewCertificate}},
	{"signatures", change{"Mend the DNSSEC signatures of {zone}", report.SignZone}},
	{"sign", change{"Sign {zone} with DNSSEC", report.SignZone}},
	{"signer", change{"Correct how {zone} is signed", report.SignZone}},
	{"name-servers", change{"Make the name servers answer for the TLSA records of {hosts}", report.SignZone}},
	{"dane", change{"Get a mail server with DANE in place of {hosts}", report.OtherProvider}},
	{"tlsa", change{"Publish the key of {hosts} (TLSA)", report.OneRecord}},
	{"reports", change{"Ask for TLS reports", report.OneRecord}},
	{"policy", change{"Serve an MTA-STS policy for {domain} in mode enforce", report.Reload}},
}

// opened are facts that hold once a finding is mended whose rule leaves them open, since it
// depends on others whether that helps: a key at an unsigned name, an unsigned address.
var opened = map[string][]report.Effect{
	"DAN-02": {"M.tlsa=match"},
	"SEC-06": {"M.addr=secure"},
}

// table is ordered as the rule catalogue. A rule without a row keeps its own remedy.
var table = map[string]row{
	"MX-05": {"exchanger", explicit, false},
	"MX-09": {"exchanger", nullMX, false},
	"MX-12": {"exchanger", realName, false},
	"MX-14": {"exchanger", exchanger, false},
	"MX-16": {"exchanger", exchanger, false},
	"MX-18": {"exchanger", privateAddress, true},
	"MX-36": {"exchanger", exchanger, false},

	"SMT-08": {"software", the.asSaid, true},
	"SMT-12": {"starttls", setting("starttls", "certificate"), true},
	"SMT-13": {"starttls", inspection, true},
	"SMT-17": {"starttls", setting("starttls", "certificate"), true},
	"SMT-18": {"starttls", setting("starttls", "certificate"), true},
	"SMT-19": {"tls", setting("versions", "suites"), true},
	"SMT-20": {"software", the.asSaid, true},
	"SMT-21": {"software", the.asSaid, true},
	"SMT-30": {"starttls", inspection, true},
	"ENF-08": {"client-certificate", setting("client certificate"), true},

	"TLS-02": {"library", library, true},
	"TLS-03": {"tls", setting("versions"), true},
	"TLS-04": {"tls", setting("versions"), true},
	"TLS-05": {"tls", setting("versions"), true},
	"TLS-06": {"library", library, true},
	"TLS-08": {"library", library, true},
	"TLS-09": {"tls", setting("versions", "suites"), true},
	"TLS-10": {"tls", setting("versions", "suites"), true},
	"TLS-20": {"tls", setting("suites"), true},
	"TLS-21": {"tls", setting("suites"), true},
	"TLS-22": {"tls", setting("groups", "suites"), true},
	"TLS-23": {"tls", setting("suites", "order"), true},
	"TLS-24": {"tls", setting("suites"), true},
	"TLS-25": {"tls", setting("suites"), true},
	"TLS-26": {"tls", setting("suites"), true},
	"TLS-28": {"tls", setting("suites"), true},
	"TLS-29": {"tls", setting("suites"), true},
	"TLS-30": {"tls", setting("groups", "suites"), true},
	"TLS-32": {"tls", setting("groups", "order"), true},
	"TLS-33": {"tls", setting("groups"), true},
	"TLS-34": {"tls", setting("groups"), true},
	"TLS-36": {"tls", setting("groups"), true},
	"TLS-37": {"tls", setting("groups"), true},
	"TLS-38": {"tls", setting("order", "suites"), true},
	"TLS-39": {"tls", setting("order"), true},
	"TLS-43": {"tls", setting("groups", "suites"), true},
	"TLS-50": {"tls", setting("signatures"), true},
	"TLS-51": {"tls", setting("signatures"), true},
	"TLS-52": {"library", library, true},
	"TLS-54": {"library", library, true},
	"TLS-55": {"tls", setting("compression"), true},
	"TLS-59": {"certificate", newKey, true},
	"TLS-60": {"certificate", newCertificate, true},
	"TLS-61": {"tls", setting("certificate"), true},
	"TLS-62": {"library", library, true},
	"TLS-75": {"tls", setting("versions"), true},

	"CRT-01": {"certificate", newCertificate, true},
	"CRT-03": {"certificate", newCertificate, true},
	"CRT-06": {"certificate", newCertificate, true},
	"CRT-10": {"certificate", newCertificate, true},
	"CRT-11": {"certificate", newCertificate, true},
	"CRT-12": {"certificate", newCertificate, true},
	"CRT-14": {"certificate", newCertificate, true},
	"CRT-15": {"certificate", newCertificate, true},
	"CRT-16": {"certificate", newKey, true},
	"CRT-17": {"certificate", newKey, true},
	"CRT-19": {"certificate", newCertificate, true},
	"CRT-20": {"certificate", newCertificate, true},

	"SEC-02": {"sign", sign, false},
	"SEC-03": {"signatures", mendSignatures, false},
	"SEC-05": {"sign", sign, false},
	"SEC-06": {"sign", sign, false},
	"SEC-07": {"sign", sign, false},
	"SEC-16": {"signer", betterDS, false},
	"SEC-17": {"sign", signAnew, false},
	"SEC-18": {"signer", roll, false},
	"SEC-19": {"signer", denials, false},
	"SEC-20": {"signer", denials, false},
	"SEC-22": {"signer", signAgain, false},

	"DAN-02": {"tlsa", publishKey, true},
	"DAN-03": {"tlsa", publishKey, true},
	"DAN-04": {"tlsa", ownTLSA, true},
	"DAN-05": {"name-servers", answer, true},
	"DAN-08": {"tlsa", publishKey, true},
	"DAN-10": {"tlsa", publishKey, true},
	"DAN-14": {"tlsa", dropUnfit, true},
	"DAN-15": {"tlsa", dropUnfit, true},
	"DAN-16": {"tlsa", publishKey, true},
	"DAN-19": {"tlsa", renewable, true},
	"DAN-27": {"starttls", setting("starttls", "certificate"), true},
	"DAN-28": {"tlsa", publishKey, true},
	"DAN-45": {"tlsa", ownTLSA, true},
	"DAN-46": {"tlsa", ownTLSA, true},

	"STS-01": {"policy", policy, false},
	"STS-02": {"policy", policyRecord, false},
	"STS-04": {"policy", policyRecord, false},
	"STS-05": {"policy", policyRecord, false},
	"STS-06": {"policy", policyRecord, false},
	"STS-08": {"policy", policyRecord, false},
	"STS-10": {"policy", policy, false},
	"STS-11": {"policy", policy, false},
	"STS-12": {"policy", servedAgain, false},
	"STS-13": {"policy", servedAgain, false},
	"STS-14": {"policy", servedAgain, false},
	"STS-15": {"policy", servedAgain, false},
	"STS-16": {"policy", servedAgain, false},
	"STS-17": {"policy", plainText, false},
	"STS-18": {"policy", policy, false},
	"STS-20": {"policy", policy, false},
	"STS-21": {"policy", policy, false},
	"STS-22": {"policy", policy, false},
	"STS-23": {"policy", policy, false},
	"STS-24": {"policy", policy, false},
	"STS-25": {"policy", policy, false},
	"STS-28": {"policy", addServer, false},
	"STS-31": {"policy", policy, false},

	"RPT-01": {"reports", reports, false},
	"RPT-03": {"reports", reports, false},
	"RPT-04": {"reports", reports, false},
	"RPT-05": {"reports", reports, false},
	"RPT-06": {"reports", reports, false},
	"RPT-14": {"reports", reports, false},
}
