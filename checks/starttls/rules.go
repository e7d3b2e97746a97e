package starttls

import (
	"slices"

	"mxseal/checks/report"
)

// ID names the check.
const ID report.CheckID = "starttls"

// noTLS is what holds at an address that was reached and speaks no TLS.
var noTLS = []report.Effect{"M.reach=true", "M.tls=no"}

// Rules are the rows of the catalogue that this check owns.
var Rules = slices.Concat(reachRules, dialogueRules, handshakeRules, enforcementRules)

var reachRules = report.Rules{
	{
		ID: "NET-01", Verdict: report.Untested,
		Title:     "{address} cannot be reached from here",
		Text:      "{reason}. We learned nothing about this address of {host}. Senders elsewhere may have more or less luck.{proxy}",
		FixText:   "If the address is meant to take mail, see that port 25 is open to everybody. If not, remove it from the DNS.",
		Reference: "RFC 5321 §4.5.4.1",
	},
	{
		ID: "NET-02", Verdict: report.Untested, Effects: []report.Effect{report.NotTestable},
		Title:     "None of the mail servers of {domain} could be tested",
		Text:      "No address gave an answer that shows whether it can do TLS. The domain gets no letter, because we could not test it.",
		FixText:   "See what stopped us at each address, then test again.",
		Reference: "RFC 5321 §4.5.4.1",
	},
	{
		ID: "NET-03", Verdict: report.Warn, Effects: []report.Effect{report.Provisional},
		Title:     "{host} could not be tested, other mail servers could",
		Text:      "The grade is about what was tested. An attacker may steer mail to the server that was not tested, so the letter is provisional.",
		FixText:   "Make the server answer, or remove it from the MX records, then test again.",
		Reference: "RFC 5321 §5.1",
	},
	{
		ID: "NET-04", Verdict: report.Warn, Effects: []report.Effect{report.Provisional},
		Title:     "The preferred mail server does not answer, a backup does",
		Text:      "Senders try {hosts} first and reach only the next in line. That may be intended, to keep spam away. Then the protection of the backup decides.",
		FixText:   "Make the preferred server answer, or remove it from the MX records.",
		Reference: "RFC 5321 §5.1",
	},
	{
		ID: "NET-05", Verdict: report.Warn,
		Title:     "{host} answers over {works} and not over {fails}",
		Text:      "Senders that try {fails} first waste time on it; those that have nothing else cannot deliver.",
		FixText:   "Open port 25 for {fails}, or remove these addresses of {host} from the DNS.",
		Reference: "RFC 5321 §5.1",
	},
	{
		ID: "NET-06", Verdict: report.Warn,
		Title:     "The addresses of {host} differ in their TLS",
		Text:      "They differ in {differ}. An attacker can block the better address, so the worst one decides.",
		FixText:   "Give all servers behind {host} the same software, configuration and certificate.",
		Reference: "RFC 9325 §3.9",
	},
	{
		ID: "NET-08", Verdict: report.Untested,
		Title:     "{address} was left alone",
		Text:      "{reason}. That is our doing and says nothing about {host}. We learned nothing about this address.",
		Reference: "RFC 5321 §4.5.4.1",
	}, {
		ID: "NET-09", Verdict: report.Warn, Effects: []report.Effect{report.NoAPlus}, Fix: report.AsSaid,
		Title:     "Not every address of {host} was seen",
		Text:      "{host} answered, but not at {addresses}. This report is about the addresses that we saw. A dead address costs senders time. If one of them is worse, an attacker will use it.",
		FixText:   "Make the server answer at {addresses}, or remove what is dead from the DNS.",
		Reference: "RFC 5321 §5.1",
	},
	{
		ID: "NET-10", Verdict: report.Info, Effects: []report.Effect{report.NoAPlus}, Fix: report.NoFix,
		Title:     "This instance has no {version}, so a part of {host} was not seen",
		Text:      "We learned nothing about {addresses}, which is no fault of {host}. This report is about the addresses that we saw.",
		Reference: "RFC 5321 §5.2",
	},
	{
		ID: "NET-11", Verdict: report.Untested, Effects: []report.Effect{report.Provisional},
		Title:     "{address} was not asked everything",
		Text:      "{reason}. That is our doing and says nothing about {host}. The remaining tests are left out, so the letter is provisional.",
		Reference: "RFC 5321 §4.5.4.1",
	},
}

var dialogueRules = report.Rules{
	{
		ID: "SMT-01", Verdict: report.Pass,
		Title:     "{address} greets",
		Text:      "The server answered the connection as a mail server does, after {ms} ms.",
		Reference: "RFC 5321 §4.2",
	},
	{
		ID: "SMT-02", Verdict: report.Untested,
		Title:     "{address} puts us off",
		Text:      "It answered “{reply}”. That is a refusal for now, often because of too many connections, and says nothing about its TLS.",
		FixText:   "Test again in a quarter of an hour.",
		Reference: "RFC 5321 §4.2",
	},
	{
		ID: "SMT-03", Verdict: report.Untested,
		Title:     "{address} does not want to talk to us",
		Text:      "It answered “{reply}”. The refusal is aimed at our address and says nothing about its TLS.",
		FixText:   "Let the address of this checker connect, then test again.",
		Reference: "RFC 5321 §3.1",
	},
	{
		ID: "SMT-04", Verdict: report.Untested,
		Title:     "{address} does not greet",
		Text:      "{reason}. The server may be overloaded, or make strangers wait on purpose.",
		FixText:   "Test again later; if it stays so, see whether senders wait as long as your server makes them.",
		Reference: "RFC 5321 §4.5.3.2.1",
	},
	{
		ID: "SMT-05", Verdict: report.Warn,
		Title:     "{address} does not keep to the form of SMTP replies",
		Text:      "Seen: {oddities}. {who}",
		FixText:   "Update the mail server, or the device in front of it that rewrites its replies.",
		Reference: "RFC 5321 §4.2, §4.5.3.1.5",
	},
	{
		ID: "SMT-06", Verdict: report.Warn,
		Title:     "{address} uses different codes within one reply",
		Text:      "All lines of a reply must carry the same code. The last one was taken, as Postfix does; Exim and OpenSMTPD take the first.",
		FixText:   "Correct the multi-line reply in the server's configuration.",
		Reference: "RFC 5321 §4.2.1",
	},
	{
		ID: "SMT-07", Verdict: report.Info,
		Title:     "{address} calls itself {name}, not {host}",
		Text:      "The name in the greeting proves nothing, and senders do not check it; certificates do.",
		Reference: "RFC 5321 §4.2",
	},
	{
		ID: "SMT-08", Verdict: report.Fail, Effects: noTLS, Fixed: working, Fix: report.UpdateServer,
		Title:     "{address} knows neither EHLO nor STARTTLS",
		Text:      "{reply}Senders fall back to the protocol of 1982, which has no TLS. All mail to it is sent unencrypted, and everybody on the path can read it.",
		FixText:   "Let EHLO through: a firewall with an SMTP proxy is often in the way. Else replace the mail server.",
		Reference: "RFC 5321 §3.2",
	},
	{
		ID: "SMT-09", Verdict: report.Untested,
		Title:     "{address} refuses our EHLO",
		Text:      "It answered “{reply}”. The refusal is aimed at us and says nothing about its TLS.",
		FixText:   "Let the address of this checker connect, then test again.",
		Reference: "RFC 5321 §4.1.1.1",
	},
	{
		ID: "SMT-10", Verdict: report.Pass, Effects: []report.Effect{"M.reach=true"},
		Title:     "{address} offers STARTTLS",
		Text:      "Senders see that they can encrypt.",
		Reference: "RFC 3207 §2",
	},
	{
		ID: "SMT-11", Verdict: report.Warn,
		Title:     "{address} lists STARTTLS with a parameter",
		Text:      "The keyword has none (seen: “{keyword}”). A strict sender, such as OpenSMTPD, does not recognise it and sends unencrypted.",
		FixText:   "Announce the plain keyword STARTTLS.",
		Reference: "RFC 3207 §2",
	},
	{
		ID: "SMT-12", Verdict: report.Fail, Effects: noTLS, Fixed: working,
		Fix: report.OfferSTARTTLS, Settings: []report.Setting{report.SetSTARTTLS, report.SetCertificate},
		Title:     "{address} does not offer STARTTLS",
		Text:      "{cause}Mail to this server is sent unencrypted: everybody on the path can read and change it, without any effort.",
		FixText:   "{change}Turn on STARTTLS with any certificate; even a self-signed one stops listeners. Postfix: smtpd_tls_security_level = may, smtpd_tls_chain_files = the key and the certificate. Exim: tls_advertise_hosts = *, tls_certificate, tls_privatekey. See first that the server can read both files: without them no sender that checks certificates delivers.",
		Reference: "RFC 3207 §4, RFC 7435 §4",
	},
	{
		ID: "SMT-13", Verdict: report.Fail, Effects: noTLS, Fixed: working, Fix: report.OfferSTARTTLS, Way: report.StopInspection,
		Title:     "A firewall in front of {address} erases STARTTLS",
		Text:      "The list of keywords shows a run of X as long as the word STARTTLS. A device on the way has overwritten it, and mail is sent unencrypted.",
		FixText:   "Switch off “SMTP inspection” (Cisco: no inspect esmtp, or allow-tls in its policy map) for {address}. If the firewall is not yours, ask your provider.",
		Reference: "RFC 8689 §8.2",
	},
	{
		ID: "SMT-14", Verdict: report.Info,
		Title:     "{address} can do TLS but does not say so",
		Text:      "STARTTLS works although it is not listed. Senders do not try what is not listed.",
		FixText:   "Announce STARTTLS to everybody. Postfix: look for it in smtpd_discard_ehlo_keywords. Exim: tls_advertise_hosts = *.",
		Reference: "RFC 3207 §2",
	},
	{
		ID: "SMT-15", Verdict: report.Pass, Effects: []report.Effect{"M.tls=ok"},
		Title:     "TLS works at {address}",
		Text:      "A sender of today completes the handshake (hello: {hello}). An eavesdropper learns nothing.",
		Reference: "RFC 3207 §4",
	},
	{
		ID: "SMT-16", Verdict: report.Warn, Fix: report.AsSaid,
		Title:     "{address} lists STARTTLS and puts it off",
		Text:      "It answered “{reply}”, {tries} times {since}. {meaning}",
		FixText:   "See the server's log. If it cannot read its key or certificate, correct that. If it limited us, test again in an hour.",
		Reference: "RFC 3207 §4",
	},
	{
		ID: "SMT-17", Verdict: report.Fail, Effects: noTLS, Fixed: working,
		Fix: report.OfferSTARTTLS, Settings: []report.Setting{report.SetSTARTTLS, report.SetCertificate},
		Title:     "{address} lists STARTTLS and refuses it",
		Text:      "It answered “{reply}”. Senders send unencrypted instead, and everybody on the path can read the mail.",
		FixText:   "Give the server a certificate and key it can read, and restart it; its log names the file.",
		Reference: "RFC 3207 §4, RFC 7672 §2.2",
	},
	{
		ID: "SMT-18", Verdict: report.Fail, Effects: noTLS, Fixed: working,
		Fix: report.OfferSTARTTLS, Settings: []report.Setting{report.SetSTARTTLS, report.SetCertificate},
		Title:     "The TLS handshake with {address} fails",
		Text:      "We tried {rungs} kinds of hello, and none worked. The first ended like this: {reason}. Senders that do not insist on TLS send unencrypted instead, and everybody on the path can read the mail.",
		FixText:   "Look into the server's TLS log. The usual causes: the certificate or key file is missing or unreadable, no cipher suite in common, a client certificate demanded.",
		Reference: "RFC 7435 §4",
	},
	{
		ID: "SMT-19", Verdict: report.Fail, Effects: []report.Effect{"M.reach=true", "M.tls=legacy"}, Fixed: working,
		Fix: report.LimitTLS, Settings: []report.Setting{report.SetVersions, report.SetSuites},
		Title:     "{address} knows only {version}",
		Text:      "{who}",
		FixText:   "Update the TLS library of the mail server and allow TLS 1.2 and 1.3. Postfix: smtpd_tls_protocols and smtpd_tls_mandatory_protocols = !SSLv2, !SSLv3, !TLSv1, !TLSv1.1.",
		Reference: "RFC 9325 §3.1.1",
	},
	{
		ID: "SMT-20", Verdict: report.Fail, Effects: []report.Effect{report.NoAPlus}, Fix: report.UpdateServer,
		Title:     "{address} continues in clear text after it has agreed to TLS",
		Text:      "More clear text followed the answer to STARTTLS. Some senders take it for part of the protected session, and anybody on the path can lie to them. Others take it for TLS, as Exim does, fail, and send unencrypted.",
		FixText:   "Update the mail server or the TLS proxy in front of it.",
		Reference: "RFC 3207 §4.2",
	},
	{
		ID: "SMT-21", Verdict: report.Fail, Effects: []report.Effect{"cap C"}, Fix: report.UpdateServer,
		Title:     "A command sent behind STARTTLS was {outcome} by {address}",
		Text:      "Commands that arrive together with STARTTLS are in clear text and must be thrown away. If a server obeys them inside TLS, anybody on the path can put commands in front of a session that the sender has authenticated. A server that throws them away, or hangs up, is sound.",
		FixText:   "{change}",
		Reference: "RFC 3207 §4.2, CVE-2011-0411",
	},
	{
		ID: "SMT-22", Verdict: report.Pass,
		Title:     "{address} starts afresh inside TLS",
		Text:      "The server answered a second EHLO there, as it must: nothing from the clear text is carried over.",
		Reference: "RFC 3207 §4.2",
	},
	{
		ID: "SMT-23", Verdict: report.Warn,
		Title:     "{address} offers STARTTLS once more inside TLS",
		Text:      "The keyword must not be listed there. No harm is known; it shows a proxy that does not know of the TLS in front of it.",
		FixText:   "Remove STARTTLS from the keywords inside TLS, or update the proxy.",
		Reference: "RFC 3207 §4.2",
	},
	{
		ID: "SMT-24", Verdict: report.Warn,
		Title:     "{address} takes passwords in clear",
		Text:      "Before TLS it offers AUTH {mechanisms}. People who log in here show their password to everybody on the path, and others may guess passwords.",
		FixText:   "Turn off AUTH on port 25 and let people submit mail on ports 465 and 587. Postfix: smtpd_tls_auth_only = yes, and smtpd_sasl_auth_enable only in master.cf for submission.",
		Reference: "RFC 4954 §4, RFC 8314 §3",
	},
	{
		ID: "SMT-25", Verdict: report.Warn, Fix: report.AsSaid,
		Title:     "{address} offers STARTTLS on one visit and not on the next",
		Text:      "Two connections a moment apart were treated differently. Some mail is sent unencrypted. Senders that use DANE cannot deliver whenever the offer is missing.",
		FixText:   "Give all servers behind {address} the same configuration, and offer STARTTLS to everybody at all times.",
		Reference: "RFC 7672 §9.2",
	},
	{
		ID: "SMT-26", Verdict: report.Untested, Effects: []report.Effect{report.Provisional},
		Title:     "{address} stopped answering after {connections} connections",
		Text:      "{reason}. The remaining tests are left out, so the letter is provisional.",
		FixText:   "Test again later, or let the address of this checker connect more often.",
		Reference: "RFC 5321 §4.5.4.2",
	},
	{
		ID: "SMT-27", Verdict: report.Info,
		Title:     "{address} further offers {keywords}",
		Text:      "The list may differ before and inside TLS. The one inside counts.",
		Reference: "RFC 3207 §4.2",
	},
	{
		ID: "SMT-29", Verdict: report.Warn,
		Title:     "Not every sender sees that {address} offers STARTTLS",
		Text:      "The word STARTTLS is {where}{line}. {who} cannot see it there and will send unencrypted.",
		FixText:   "Write STARTTLS in capitals, in a line of its own below that of the host's name, with nothing before or after it: “250-STARTTLS”.",
		Reference: "RFC 5321 §4.1.1.1, RFC 3207 §2",
	},
	{
		ID: "SMT-30", Verdict: report.Fail, Effects: noTLS, Fixed: working, Fix: report.OfferSTARTTLS, Way: report.StopInspection,
		Title:     "A firewall masks the greeting of {address}",
		Text:      "Only asterisks and blanks are left of it. Postfix takes that for a firewall that garbles EHLO, says HELO instead, and sends unencrypted. Others may still use TLS.",
		FixText:   "Switch off “SMTP inspection” (Cisco: no inspect esmtp, or mask-banner in its policy map) for {address}. Else let the server greet with its name.",
		Reference: "RFC 5321 §4.2",
	},
}

var enforcementRules = report.Rules{
	{
		ID: "ENF-01", Verdict: report.Info, Effects: []report.Effect{"M.forced=false"},
		Title:     "{address} also takes unencrypted mail",
		Text:      "It still serves senders without TLS, as the standard asks of public servers. It might refuse them once a recipient is named, which we do not do. So a man in the middle who removes STARTTLS gets the mail unencrypted from senders that do not insist.",
		Reference: "RFC 3207 §4",
	},
	{
		ID: "ENF-02", Verdict: report.Info, Effects: []report.Effect{"M.forced=true"},
		Title:     "{address} takes mail only over TLS",
		Text:      "It refuses unencrypted mail (“{reply}”). That helps against listeners and careless senders, but not against a man in the middle who speaks TLS himself. Senders without TLS get their mail back.",
		Reference: "RFC 3207 §4",
	},
	{
		ID: "ENF-03", Verdict: report.Untested, Effects: []report.Effect{"M.forced=false"},
		Title:     "It is not clear whether {address} takes unencrypted mail",
		Text:      "{reason}. It may also refuse only once a recipient is named, which we do not do.",
		Reference: "RFC 3207 §4",
	},
	{
		ID: "ENF-04", Verdict: report.Warn,
		Title:     "{address} insists on TLS, and on {what}",
		Text:      "Senders that have none of it can neither encrypt nor send unencrypted: their mail comes back.",
		FixText:   "{change}",
		Reference: "RFC 9325 §5.2",
	},
	{
		ID: "ENF-05", Verdict: report.Pass, Effects: []report.Effect{"M.rtls=true"},
		Title:     "{address} offers REQUIRETLS",
		Text:      "A sender may mark a message so that it goes only over verified TLS or comes back.",
		Reference: "RFC 8689 §2",
	},
	{
		ID: "ENF-06", Verdict: report.Warn,
		Title:     "{address} offers REQUIRETLS only before TLS",
		Text:      "The keyword counts inside TLS alone; senders will not find it there.",
		FixText:   "List REQUIRETLS inside TLS.",
		Reference: "RFC 8689 §2",
	},
	{
		ID: "ENF-07", Verdict: report.Warn,
		Title:     "{address} offers REQUIRETLS, but no sender can use it",
		Text:      "The promise needs a mail server name that cannot be forged and a certificate that can be verified; missing here: {missing}. Messages that require TLS come back.",
		FixText:   "Publish DANE (a signed zone and TLSA records) or an MTA-STS policy in mode enforce, with a certificate that fits it.",
		Reference: "RFC 8689 §2, §4.2.1",
	},
	{
		ID: "ENF-08", Verdict: report.Fail, Effects: noTLS, Fixed: working,
		Fix: report.AskNoCertificate, Settings: []report.Setting{report.SetClientCertificate},
		Title:     "{address} asks senders for a certificate ({how})",
		Text:      "Most sending mail servers have no client certificate. A server that merely asks does no harm. If it breaks off without one, they cannot reach it over TLS. Their mail is sent unencrypted, or does not arrive if the server insists on TLS.",
		FixText:   "{change}",
		Reference: "RFC 7435 §4",
	},
	{
		ID: "ENF-09", Verdict: report.Info,
		Title:     "{address} does not offer REQUIRETLS",
		Text:      "Few servers do. It is an option for messages that must never be sent unprotected.",
		Reference: "RFC 8689",
	},
}
