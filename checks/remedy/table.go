package remedy

import "mxseal/checks/report"

// row says how to mend what a rule found.
type row struct {
	change   string // of changes: findings of several rules may be mended by one
	steps    func(the) []report.Step
	atServer bool     // the change is made at the mail server or its zone: of a hosted one only the provider can make it
	settings []string // of the mail server that the steps change
}

// owner is for what the domain's owner can change, whoever runs its mail servers.
func owner(change string, steps func(the) []report.Step) row { return row{change, steps, false, nil} }

func atServer(change string, steps func(the) []report.Step) row {
	return row{change, steps, true, nil}
}

// options is for a change that settings of the mail server make.
func options(change string, settings ...string) row {
	return row{change, the.configured, true, settings}
}

// certificate ends with the server using another one.
func certificate(steps func(the) []report.Step) row {
	return row{"certificate", steps, true, []string{"certificate"}}
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
	"MX-05": owner("exchanger", explicit),
	"MX-09": owner("exchanger", nullMX),
	"MX-12": owner("exchanger", realName),
	"MX-14": owner("exchanger", exchanger),
	"MX-16": owner("exchanger", exchanger),
	"MX-18": atServer("exchanger", privateAddress),
	"MX-36": owner("exchanger", exchanger),

	"SMT-08": atServer("software", the.asSaid),
	"SMT-12": options("starttls", "starttls", "certificate"),
	"SMT-13": atServer("starttls", inspection),
	"SMT-17": options("starttls", "starttls", "certificate"),
	"SMT-18": options("starttls", "starttls", "certificate"),
	"SMT-19": options("tls", "versions", "suites"),
	"SMT-20": atServer("software", the.asSaid),
	"SMT-21": atServer("software", the.asSaid),
	"SMT-30": atServer("starttls", inspection),
	"ENF-08": options("client-certificate", "client certificate"),

	"TLS-02": atServer("library", library),
	"TLS-03": options("tls", "versions"),
	"TLS-04": options("tls", "versions"),
	"TLS-05": options("tls", "versions"),
	"TLS-06": atServer("library", library),
	"TLS-08": atServer("library", library),
	"TLS-09": options("tls", "versions", "suites"),
	"TLS-10": options("tls", "versions", "suites"),
	"TLS-20": options("tls", "suites"),
	"TLS-21": options("tls", "suites"),
	"TLS-22": options("tls", "groups", "suites"),
	"TLS-23": options("tls", "suites", "order"),
	"TLS-24": options("tls", "suites"),
	"TLS-25": options("tls", "suites"),
	"TLS-26": options("tls", "suites"),
	"TLS-28": options("tls", "suites"),
	"TLS-29": options("tls", "suites"),
	"TLS-30": options("tls", "groups", "suites"),
	"TLS-32": options("tls", "groups", "order"),
	"TLS-33": options("tls", "groups"),
	"TLS-34": options("tls", "groups"),
	"TLS-36": options("tls", "groups"),
	"TLS-37": options("tls", "groups"),
	"TLS-38": options("tls", "order", "suites"),
	"TLS-39": options("tls", "order"),
	"TLS-43": options("tls", "groups", "suites"),
	"TLS-50": options("tls", "signatures"),
	"TLS-51": options("tls", "signatures"),
	"TLS-52": atServer("library", library),
	"TLS-54": atServer("library", library),
	"TLS-55": options("tls", "compression"),
	"TLS-59": certificate(newKey),
	"TLS-60": certificate(newCertificate),
	"TLS-61": options("tls", "certificate"),
	"TLS-62": atServer("library", library),
	"TLS-75": options("tls", "versions"),

	"CRT-01": certificate(newCertificate),
	"CRT-03": certificate(newCertificate),
	"CRT-06": certificate(newCertificate),
	"CRT-10": certificate(newCertificate),
	"CRT-11": certificate(newCertificate),
	"CRT-12": certificate(newCertificate),
	"CRT-14": certificate(newCertificate),
	"CRT-15": certificate(newCertificate),
	"CRT-16": certificate(newKey),
	"CRT-17": certificate(newKey),
	"CRT-19": certificate(newCertificate),
	"CRT-20": certificate(newCertificate),

	"SEC-02": owner("sign", sign),
	"SEC-03": owner("signatures", mendSignatures),
	"SEC-05": owner("sign", sign),
	"SEC-06": owner("sign", sign),
	"SEC-07": owner("sign", sign),
	"SEC-16": owner("signer", betterDS),
	"SEC-17": owner("sign", signAnew),
	"SEC-18": owner("signer", roll),
	"SEC-19": owner("signer", denials),
	"SEC-20": owner("signer", denials),
	"SEC-22": owner("signer", signAgain),

	"DAN-02": atServer("tlsa", publishKey),
	"DAN-03": atServer("tlsa", publishKey),
	"DAN-04": atServer("tlsa", ownTLSA),
	"DAN-05": atServer("name-servers", answer),
	"DAN-08": atServer("tlsa", publishKey),
	"DAN-10": atServer("tlsa", publishKey),
	"DAN-14": atServer("tlsa", dropUnfit),
	"DAN-15": atServer("tlsa", dropUnfit),
	"DAN-16": atServer("tlsa", publishKey),
	"DAN-19": atServer("tlsa", renewable),
	"DAN-27": options("starttls", "starttls", "certificate"),
	"DAN-28": atServer("tlsa", publishKey),
	"DAN-45": atServer("tlsa", ownTLSA),
	"DAN-46": atServer("tlsa", ownTLSA),

	"STS-01": owner("policy", policy),
	"STS-02": owner("policy", policyRecord),
	"STS-04": owner("policy", policyRecord),
	"STS-05": owner("policy", policyRecord),
	"STS-06": owner("policy", policyRecord),
	"STS-08": owner("policy", policyRecord),
	"STS-10": owner("policy", policy),
	"STS-11": owner("policy", policy),
	"STS-12": owner("policy", servedAgain),
	"STS-13": owner("policy", servedAgain),
	"STS-14": owner("policy", servedAgain),
	"STS-15": owner("policy", servedAgain),
	"STS-16": owner("policy", servedAgain),
	"STS-17": owner("policy", plainText),
	"STS-18": owner("policy", policy),
	"STS-20": owner("policy", policy),
	"STS-21": owner("policy", policy),
	"STS-22": owner("policy", policy),
	"STS-23": owner("policy", policy),
	"STS-24": owner("policy", policy),
	"STS-25": owner("policy", policy),
	"STS-28": owner("policy", addServer),
	"STS-31": owner("policy", policy),

	"RPT-01": owner("reports", reports),
	"RPT-03": owner("reports", reports),
	"RPT-04": owner("reports", reports),
	"RPT-05": owner("reports", reports),
	"RPT-06": owner("reports", reports),
	"RPT-14": owner("reports", reports),
}
