package certificate

import "mxseal/checks/report"

// ID names the check.
const ID report.CheckID = "certificate"

// What a certificate comes to at its address (RULES 1: true only when all of it holds).
var (
	valid   = []report.Effect{"M.pkix=true"}
	invalid = []report.Effect{"M.pkix=false"}
)

// Rules are the rows of the catalogue that this check owns.
var Rules = report.Rules{
	{
		ID: "CRT-01", Verdict: report.Pass, Fix: report.ReplaceCertificate, Settings: []report.Setting{report.SetCertificate},
		Title:     "{address} shows a certificate that is {read}",
		Text:      "{what}",
		FixText:   "{change}",
		Reference: "RFC 5280 §4.1",
	},
	{
		ID: "CRT-02", Verdict: report.Pass,
		Title:     "The chain of {address} leads to a public root",
		Text:      "The server sends everything that a sender needs to build it.",
		Reference: "RFC 8461 §4.2",
	},
	{
		ID: "CRT-03", Verdict: report.Fail, Effects: invalid, Fixed: valid,
		Fix: report.ReplaceCertificate, Settings: []report.Setting{report.SetCertificate},
		Title:     "{address} does not send the certificate of the issuer",
		Text:      "The chain ends below a root: {issuer} is missing. Few mail servers fetch what is missing, so those that check the certificate mostly cannot deliver. A browser may still accept it, since it fetches the missing part.",
		FixText:   "Install the full chain: the file that your CA calls fullchain.pem. Postfix: smtpd_tls_chain_files with key, certificate and intermediates in this order. If the issuer is a CA of your own, get a public certificate, or publish DANE.",
		Reference: "RFC 9846 §4.5.1",
	},
	{
		ID: "CRT-04", Verdict: report.Warn,
		Title:     "The chain of {address} is out of order or holds what does not belong",
		Text:      "The certificate of its issuer should follow each certificate. Old senders stop at the first that does not fit.",
		FixText:   "Put the server's certificate first, then each issuer in turn, and leave out the rest.",
		Reference: "RFC 5246 §7.4.2, RFC 9846 §4.5.1",
	},
	{
		ID: "CRT-05", Verdict: report.Pass,
		Title:     "The certificate of {address} is in date",
		Text:      "Valid from {from} until {until}.",
		Reference: "RFC 8461 §4.2",
	},
	{
		ID: "CRT-06", Verdict: report.Fail, Effects: invalid, Fixed: valid,
		Fix: report.ReplaceCertificate, Settings: []report.Setting{report.SetCertificate},
		Title:     "The certificate of {address} is {state}",
		Text:      "Valid from {from} until {until}. Senders that check it (MTA-STS, partners that insist) do not deliver.",
		FixText:   "Renew it and reload the mail server: the usual cause is a new file that the running server has not read.",
		Reference: "RFC 8461 §4.2, RFC 7672 §3.1.1",
	},
	{
		ID: "CRT-07", Verdict: report.Warn,
		Title:     "The certificate of {address} ends in {days} days",
		Text:      "It ends on {until}, and no successor is being served yet.",
		FixText:   "See that the renewal runs, and that it reloads the mail server.",
		Reference: "RFC 8461 §4.2",
	},
	{
		ID: "CRT-08", Verdict: report.Warn,
		Title:     "The certificate of {address} is valid for longer than public ones may be",
		Text:      "It runs for {days} days; for its date of issue the limit is {limit}. Checking software may refuse it.",
		FixText:   "Replace it by one of an ordinary lifetime.",
		Reference: "CA/Browser Forum SC-081v3",
	},
	{
		ID: "CRT-09", Verdict: report.Pass,
		Title:     "The certificate of {address} names {host}",
		Text:      "A DNS name in it covers the name in the MX record, which is what senders compare.",
		Reference: "RFC 9525 §6.3, RFC 8461 §4.2",
	},
	{
		ID: "CRT-10", Verdict: report.Pass, Fix: report.ReplaceCertificate, Settings: []report.Setting{report.SetCertificate},
		Title:     "The wildcard {wildcard} {covers} {host}",
		Text:      "A wildcard counts only as the whole left-most label and covers exactly one label: *.example.com covers neither example.com nor a.b.example.com.",
		FixText:   "{change}",
		Reference: "RFC 9525 §6.3",
	},
	{
		ID: "CRT-11", Verdict: report.Fail, Effects: invalid, Fixed: valid,
		Fix: report.ReplaceCertificate, Settings: []report.Setting{report.SetCertificate},
		Title:     "The certificate of {address} names {host} only as common name",
		Text:      "It has no DNS name in its subject alternative names (SAN); the common name no longer counts. Senders that check the certificate do not deliver.",
		FixText:   "Have it reissued with {host} among the SAN.",
		Reference: "RFC 9525 §2",
	},
	{
		ID: "CRT-12", Verdict: report.Fail, Effects: invalid, Fixed: valid,
		Fix: report.ReplaceCertificate, Settings: []report.Setting{report.SetCertificate},
		Title:     "The certificate of {address} does not name {host}",
		Text:      "It names {names}. Senders that check the certificate compare it with the name in the MX record and do not deliver.{hint}",
		FixText:   "Put {host} into the subject alternative names of the certificate, or point the MX record at a name that is there.",
		Reference: "RFC 8461 §4.2, RFC 7672 §3.2.2",
	},
	{
		ID: "CRT-13", Verdict: report.Info,
		Title:     "The certificate of {address} also names {domain}",
		Text:      "Senders that are told to check the mail domain itself can do so without trusting the MX record.",
		Reference: "RFC 7672 §3.2.2",
	},
	{
		ID: "CRT-14", Verdict: report.Warn, Effects: invalid, Fixed: valid,
		Fix: report.ReplaceCertificate, Settings: []report.Setting{report.SetCertificate},
		Title:     "The certificate of {address} is {kind}",
		Text:      "It stops listeners. But it does not show whether this is the right server, so a man in the middle can take its place.",
		FixText:   "Get a free public certificate for {host}. Or sign the zone and publish this key, once you have checked on the server that it is its own: _25._tcp.{host}. IN TLSA 3 1 1 {spki}",
		Reference: "RFC 7435 §4",
	},
	{
		ID: "CRT-15", Verdict: report.Fail, Effects: invalid, Fixed: valid,
		Fix: report.ReplaceCertificate, Settings: []report.Setting{report.SetCertificate},
		Title:     "The chain of {address} reaches a public root that is not trusted for it",
		Text:      "Going by what OpenSSL accepts: {detail}. {who}",
		FixText:   "Get a certificate for TLS servers (extended key usage serverAuth) from a CA that is trusted today.",
		Reference: "RFC 5280 §4.2.1.10, §4.2.1.12",
	},
	{
		ID: "CRT-16", Verdict: report.Fail, Effects: []report.Effect{"cap B"},
		Fix: report.ReplaceCertificate, Way: report.NewKey, Settings: []report.Setting{report.SetCertificate},
		Title:     "The key of {address} is {how}: {key}",
		Text:      "{meaning}",
		FixText:   "Make a new key, ECDSA P-256 or RSA of 2048 bits or more, and have a certificate issued for it. With DANE, publish the new digest before you switch.",
		Reference: "RFC 9325 §4.5; RFC 9846 §4.3.3",
	},
	{
		ID: "CRT-17", Verdict: report.Fail, Effects: invalid, Fixed: valid,
		Fix: report.ReplaceCertificate, Way: report.NewKey, Settings: []report.Setting{report.SetCertificate},
		Title:     "The key of {address} can be found out: {why}",
		Text:      "Anyone with the private key can pass for this server, even to senders that check.",
		FixText:   "Make a new key at once, with other software if that is the cause, and have a certificate issued for it.",
		Reference: "RFC 9325 §4.5, CVE-2017-15361",
	},
	{
		ID: "CRT-18", Verdict: report.Info,
		Title:     "The key of {address} is {key}",
		Text:      "That is enough today. Some guidelines now ask for 3072 bits or an elliptic curve.",
		Reference: "RFC 9325 §4.5",
	},
	{
		ID: "CRT-19", Verdict: report.Fail, Effects: invalid, Fixed: valid,
		Fix: report.ReplaceCertificate, Settings: []report.Setting{report.SetCertificate},
		Title:     "The chain of {address} is signed with {signature}",
		Text:      "Signatures with this hash can be forged, and verifying software no longer takes them. Senders that check the certificate do not deliver.",
		FixText:   "Have the certificate reissued with SHA-256, by an issuer whose own certificate is signed with it too.",
		Reference: "RFC 9325 §4.5, RFC 9155",
	},
	{
		ID: "CRT-20", Verdict: report.Warn, Effects: []report.Effect{report.NoAPlus},
		Fix: report.ReplaceCertificate, Settings: []report.Setting{report.SetCertificate},
		Title:     "The certificate of {address} is signed with SHA-224",
		Text:      "The hash is on its way out, and not every verifier knows it.",
		FixText:   "Have the certificate reissued with SHA-256.",
		Reference: "NCSC-NL TLS guidelines 2025-05",
	},
	{
		ID: "CRT-21", Verdict: report.Warn,
		Title:     "The key of {address} is not its own alone: {why}",
		Text:      "{meaning}",
		FixText:   "Make a key of your own and a certificate for {host}.",
		Reference: "CWE-321",
	},
	{
		ID: "CRT-22", Verdict: report.Info,
		Title:     "{address} serves certificates of several kinds of key",
		Text:      "They are {keys}. Each sender sees the one that fits its offer, so all of them are judged, and all must match the TLSA records.",
		Reference: "RFC 9846 §4.5.1.2",
	},
	{
		ID: "CRT-23", Verdict: report.Info,
		Title:     "{host} uses a wildcard certificate",
		Text:      "Anyone who holds its key can pass for every host under {parent}.",
		Reference: "RFC 9525 §7.1",
	},
	{
		ID: "CRT-25", Verdict: report.Info,
		Title:     "The public certificate of {address} carries no proof of being logged",
		Text:      "There are no certificate timestamps (SCT) with it. Browsers insist on them, hardly any mail server looks.",
		Reference: "RFC 6962 §3.3, RFC 9162",
	},
	{
		ID: "CRT-26", Verdict: report.Fail, Effects: []report.Effect{"cap C"}, Fix: report.AsSaid,
		Title:     "The certificate of {address} forbids its key to sign, which TLS needs",
		Text:      "Its key usage is {usage}, without digitalSignature. Senders with GnuTLS, such as Exim on Debian, break off the handshake even if they do not check certificates. They deliver unencrypted, or not at all where they insist on TLS. Senders with OpenSSL go on.",
		FixText:   "Have the certificate reissued with the key usage digitalSignature (and keyEncipherment for RSA), or without that extension.",
		Reference: "RFC 5280 §4.2.1.3, RFC 9846 §4.5.1.2",
	},
	{
		ID: "CRT-27", Verdict: report.Warn, Effects: []report.Effect{report.NoAPlus}, Fix: report.AsSaid,
		Title:     "Senders written in Go cannot read the certificate of {address}",
		Text:      "It breaks a rule that Go's library insists on and those of Postfix and Exim do not. A sender written in Go breaks off the handshake, and then delivers in clear text or not at all.",
		FixText:   "Have the certificate reissued without the fault that is shown.",
		Reference: "RFC 5280 §4.1",
	},
	{
		ID: "CRT-28", Verdict: report.Untested, Effects: []report.Effect{report.Provisional},
		Title:     "We could not find out whether the certificate of {address} can be trusted",
		Text:      "This checker could not verify the path to a public root to the end: {detail}. Senders may be able to.",
		Reference: "RFC 5280 §6",
	},
	{
		ID: "CRT-29", Verdict: report.Warn, Effects: []report.Effect{report.NoAPlus}, Fix: report.AsSaid,
		Title:     "The list of certificates of {address} is {size} KB long, too long for some senders",
		Text:      "{who}. Such a sender breaks off the handshake, and then delivers in clear text or not at all.",
		FixText:   "Send the server's certificate and its intermediates alone, each of ordinary size.",
		Reference: "RFC 9846 §4.5.1",
	},
	{
		ID: "CRT-30", Verdict: report.Info,
		Title:     "{address} sends faulty certificates that nobody needs",
		Text:      "They are not on the path to the root, so no sender minds. The handshake is shorter without them.",
		FixText:   "Take them out of the chain file.",
		Reference: "RFC 9846 §4.5.1",
	},
	{
		ID: "CRT-31", Verdict: report.Warn,
		Title:     "{address} has only a certificate with a key that some senders do not know: {key}",
		Text:      "The standard obliges senders to know RSA and ECDSA P-256, no more. Windows, and Exchange with it, knows neither Ed25519 nor Ed448, and P-521 only where it was switched on; Go knows no Ed448. Such a sender finds no suite in common, and delivers in clear text or not at all.",
		FixText:   "Serve a certificate with an ECDSA P-256 key beside it, or in its place. With DANE, publish its digest first.",
		Reference: "RFC 9846 §9.1",
	},
	{
		ID: "CRT-32", Verdict: report.Info,
		Title:     "The certificate of {address} is valid for {days} days, longer than future ones may be",
		Text:      "Public certificates issued from 15 March 2027 on are valid for 100 days at most, from 15 March 2029 on for 47. A program will have to do what is renewed by hand today, and DANE has to follow.",
		FixText:   "Let a program renew it (ACME), and have it reload the mail server.",
		Reference: "CA/Browser Forum SC-081v3",
	},
}
