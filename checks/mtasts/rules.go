package mtasts

import (
	"fmt"

	"mxseal/checks/report"
)

// ID names the check.
const ID report.CheckID = "mta-sts"

var (
	invalid = []report.Effect{"D.sts=invalid"}
	// whole is what a policy gives once it can be used: enforced, for long, naming every host.
	whole = []report.Effect{"D.sts=enforce", "D.stsLong=true", "M.sts=true"}
)

// inForce are the facts of the domain that a policy sets once senders use it.
func inForce(p *report.Policy) []report.Effect {
	return []report.Effect{report.Effect("D.sts=" + p.Mode), report.Effect(fmt.Sprintf("D.stsLong=%v", p.MaxAge >= 86400))}
}

// Rules are the rows of the catalogue that this check owns.
var Rules = report.Rules{
	{
		ID: "STS-01", Verdict: report.Info, Effects: []report.Effect{"D.sts=absent"}, Fixed: whole, Fix: report.ServePolicy,
		Title:     "{domain} has no MTA-STS policy",
		Text:      "Senders that check MTA-STS, such as Gmail and Exchange Online, have nothing to check here. An attacker between them and the mail servers can pretend to be one of them.",
		FixText:   "Serve https://mta-sts.{domain}/.well-known/mta-sts.txt with the lines version: STSv1, mode: testing, {lines}, max_age: 86400, and then publish _mta-sts.{domain}. IN TXT \"v=STSv1; id=1\". After two quiet weeks of reports change to mode: enforce and max_age: 2419200, and then the id.",
		Reference: "RFC 8461 §3.1",
	},
	{
		ID: "STS-02", Verdict: report.Warn, Effects: []report.Effect{"D.sts=absent"}, Fix: report.ServePolicy, Way: report.RecordAlone,
		Title:     "There is a policy file, but no TXT record announces it",
		Text:      "Senders look for the record first. Without it they never see the file, and it protects nobody.",
		FixText:   "Publish _mta-sts.{domain}. IN TXT \"v=STSv1; id=1\".",
		Reference: "RFC 8461 §3",
	},
	{
		ID: "STS-03", Verdict: report.Pass,
		Title:     "The TXT record announces a policy, with the id {id}",
		Text:      "Senders fetch the policy file when they see a new id, and should look for changes before their copy ends, once a day for example.",
		Reference: "RFC 8461 §3.1",
	},
	{
		ID: "STS-04", Verdict: report.Fail, Effects: invalid, Fixed: whole, Fix: report.ServePolicy, Way: report.RecordAlone,
		Title:     "There are several MTA-STS records",
		Text:      "Senders that find more than one act as if there were none. The policy protects nobody.",
		FixText:   "Delete all TXT records at _mta-sts.{domain} that begin with v=STSv1 but one.",
		Reference: "RFC 8461 §3.1",
	},
	{
		ID: "STS-05", Verdict: report.Fail, Effects: invalid, Fixed: whole, Fix: report.ServePolicy, Way: report.RecordAlone,
		Title:     "The MTA-STS record does not begin with v=STSv1;",
		Text:      "Senders discard a record that does not begin with exactly these letters ({what}). Some may still read it, but nobody can rely on that.",
		FixText:   "Let the TXT record at _mta-sts.{domain} begin with exactly v=STSv1;",
		Reference: "RFC 8461 §3.1",
	},
	{
		ID: "STS-06", Verdict: report.Fail, Effects: invalid, Fixed: whole, Fix: report.ServePolicy, Way: report.RecordAlone,
		Title:     "The MTA-STS record has no valid id",
		Text:      "Senders take the record as invalid ({what}), and the policy protects nobody.",
		FixText:   "Put an id of at most 32 letters and digits, without hyphens, into the record: _mta-sts.{domain}. IN TXT \"v=STSv1; id=20260101T000000\".",
		Reference: "RFC 8461 §3.1",
	},
	{
		ID: "STS-07", Verdict: report.Info,
		Title:     "The MTA-STS record holds fields that senders ignore",
		Text:      "It still works: {what}.",
		Reference: "RFC 8461 §3.1, §3.2",
	},
	{
		ID: "STS-08", Verdict: report.Fail, Effects: invalid, Fixed: whole, Fix: report.ServePolicy, Way: report.RecordAlone,
		Title:     "The MTA-STS record is malformed",
		Text:      "Senders take it as invalid ({what}), and the policy protects nobody.",
		FixText:   "Publish _mta-sts.{domain}. IN TXT \"v=STSv1; id=1\" and nothing else at that name; the policy itself belongs into the file.",
		Reference: "RFC 8461 §3.1",
	},
	{
		ID: "STS-09", Verdict: report.Untested, Effects: []report.Effect{"D.sts=absent", report.Provisional},
		Title:     "We could not find out whether {domain} has an MTA-STS record",
		Text:      "{reason} Senders that get no answer go on as if there were no policy.",
		FixText:   "Make the name servers answer for _mta-sts.{domain} with type TXT.",
		Reference: "RFC 8461 §3.1",
	},
	{
		ID: "STS-10", Verdict: report.Fail, Effects: invalid, Fixed: whole, Fix: report.ServePolicy,
		Title:     "The policy host mta-sts.{domain} has no address",
		Text:      "The TXT record announces a policy that nobody can fetch. {reason}",
		FixText:   "Give mta-sts.{domain} an A or AAAA record, or a CNAME to a host that serves the policy with a certificate for mta-sts.{domain}.",
		Reference: "RFC 8461 §3.2",
	},
	{
		ID: "STS-11", Verdict: report.Fail, Effects: invalid, Fixed: whole, Fix: report.ServePolicy,
		Title:     "The policy host mta-sts.{domain} is not on the public internet",
		Text:      "Its addresses are set aside for special uses; no sender can fetch the policy from there. They were not contacted.",
		FixText:   "Publish a public address for mta-sts.{domain}.",
		Reference: "RFC 6890, RFC 8461 §3.3",
	},
	{
		ID: "STS-12", Verdict: report.Fail, Effects: invalid, Fixed: whole, Fix: report.ServePolicy, Way: report.ServeAgain,
		Title:     "The policy file cannot be fetched",
		Text:      "{reason} Senders that have no policy in memory deliver without one ({code}).",
		FixText:   "Make https://mta-sts.{domain}/.well-known/mta-sts.txt answer within a few seconds at every address of mta-sts.{domain}.",
		Reference: "RFC 8461 §3.3",
	},
	{
		ID: "STS-13", Verdict: report.Fail, Effects: invalid, Fixed: whole, Fix: report.ServePolicy, Way: report.CertifyHost,
		Title:     "The certificate of the policy host is not valid ({fault})",
		Text:      "Senders do not accept a policy from it ({code}). The host that serves the policy needs a certificate for exactly mta-sts.{domain}. One for the provider's own name is not enough.",
		FixText:   "Install a publicly trusted certificate for mta-sts.{domain}, with its full chain, on the host that serves the policy, and renew it automatically.",
		Reference: "RFC 8461 §3.3, §8.2",
	},
	{
		ID: "STS-14", Verdict: report.Fail, Effects: invalid, Fixed: whole, Fix: report.ServePolicy, Way: report.ServeAgain,
		Title:     "The policy host does not speak TLS 1.2",
		Text:      "Senders do not accept a policy over an older version.",
		FixText:   "Turn on TLS 1.2 and 1.3 on the host that serves mta-sts.{domain}.",
		Reference: "RFC 8461 §3.3, RFC 9325 §3.1.1",
	},
	{
		ID: "STS-15", Verdict: report.Fail, Effects: invalid, Fixed: whole, Fix: report.ServePolicy, Way: report.ServeAgain,
		Title:     "The policy host redirects instead of serving the file",
		Text:      "Senders must not follow ({target}). They have no policy.",
		FixText:   "Serve the file itself at https://mta-sts.{domain}/.well-known/mta-sts.txt with status 200; a CNAME in the DNS is allowed, a redirect is not.",
		Reference: "RFC 8461 §3.3",
	},
	{
		ID: "STS-16", Verdict: report.Fail, Effects: invalid, Fixed: whole, Fix: report.ServePolicy, Way: report.ServeAgain,
		Title:     "The policy host answers with status {status}",
		Text:      "Senders accept a policy only with status 200. Those that have none in memory deliver without one ({code}).",
		FixText:   "Serve the file at https://mta-sts.{domain}/.well-known/mta-sts.txt with status 200, to everyone and without cookies or a page in between.",
		Reference: "RFC 8461 §3.3",
	},
	{
		ID: "STS-17", Verdict: report.Warn, Effects: []report.Effect{report.NoAPlus}, Fix: report.ServePolicy, Way: report.PlainText,
		Title:     "The policy file is not served as text/plain",
		Text:      "It comes as {type}; some senders refuse it then.",
		FixText:   "Let the web server send Content-Type: text/plain for mta-sts.txt.",
		Reference: "RFC 8461 §3.2",
	},
	{
		ID: "STS-18", Verdict: report.Fail, Effects: invalid, Fixed: whole, Fix: report.ServePolicy,
		Title:     "The policy file is larger than 64 KiB",
		Text:      "RFC 8461 suggests that senders read 64 KiB at most. One that stops there has no policy.",
		FixText:   "Shorten the file: a wildcard covers many hosts.",
		Reference: "RFC 8461 §3.3",
	},
	{
		ID: "STS-19", Verdict: report.Warn, Fix: report.AsSaid,
		Title:     "The policy host does not serve the same over IPv4 and IPv6",
		Text:      "{what} The sender's network decides which of the two it gets, so the worse one counts where both answer.",
		FixText:   "Serve the same file, with a certificate for mta-sts.{domain}, at every address of mta-sts.{domain}.",
		Reference: "RFC 8461 §3.3",
	},
	{
		ID: "STS-20", Verdict: report.Pass, Fix: report.ServePolicy,
		Title:     "The policy file {state}",
		Text:      "Each line is a name and a value with a colon between them; lines end in CRLF or LF. Senders take a file with anything else in it as invalid (sts-policy-invalid).",
		FixText:   "Serve a plain text file of such lines, without a byte order mark, comments or markup.",
		Reference: "RFC 8461 §3.2",
	},
	{
		ID: "STS-21", Verdict: report.Fail, Effects: invalid, Fixed: whole, Fix: report.ServePolicy,
		Title:     "The policy file does not say version: STSv1",
		Text:      "Senders take it as invalid: {what}. Names and values are case-sensitive.",
		FixText:   "Begin the file with the line version: STSv1",
		Reference: "RFC 8461 §3.2",
	},
	{
		ID: "STS-22", Verdict: report.Pass, Fix: report.ServePolicy,
		Title:     "The policy has the mode {mode}",
		Text:      "With enforce, senders that check MTA-STS refuse to deliver to a server that the policy does not name or that cannot prove its name. With testing they only report what would fail, which protects nobody; with none they act as if there were no policy.",
		FixText:   "After two quiet weeks of reports put mode: enforce into the file, and then change the id in the TXT record.",
		Reference: "RFC 8461 §3.2, §5",
	},
	{
		ID: "STS-23", Verdict: report.Fail, Effects: invalid, Fixed: whole, Fix: report.ServePolicy,
		Title:     "The policy has no valid mode",
		Text:      "Senders take it as invalid: {what}.",
		FixText:   "Put the line mode: testing, later mode: enforce, into the file.",
		Reference: "RFC 8461 §3.2",
	},
	{
		ID: "STS-24", Verdict: report.Pass, Fix: report.ServePolicy,
		Title:     "Senders keep the policy for {age}",
		Text:      "For that long, nobody can make a sender that has seen the policy believe that there is none. That memory is the protection. With less than a day, a sender that seldom writes has forgotten it before the next message. Weeks are better than days.",
		FixText:   "Put max_age: 2419200 (four weeks) into the file once the mode is enforce; it may be at most 31557600.",
		Reference: "RFC 8461 §3.2, §10.2",
	},
	{
		ID: "STS-25", Verdict: report.Fail, Effects: invalid, Fixed: whole, Fix: report.ServePolicy,
		Title:     "The policy names no mail server",
		Text:      "Senders take it as invalid: a policy needs at least one mx line, unless its mode is none.",
		FixText:   "Add to the file {lines}.",
		Reference: "RFC 8461 §3.2",
	},
	{
		ID: "STS-26", Verdict: report.Fail,
		Title:     "A line of the policy is not a valid mx pattern",
		Text:      "Senders ignore it, or the whole policy: {what}.",
		FixText:   "Write the host name alone, or *. and the domain above it; a wildcard covers exactly one label.",
		Reference: "RFC 8461 §3.2, §4.1",
	},
	{
		ID: "STS-27", Verdict: report.Pass, Effects: []report.Effect{"M.sts=true"},
		Title:     "The policy covers {host}",
		Text:      "The name in the MX record fits {pattern}.",
		Reference: "RFC 8461 §4.1",
	},
	{
		ID: "STS-28", Verdict: report.Fail, Effects: []report.Effect{"M.sts=false"}, Fixed: []report.Effect{"M.sts=true"},
		Fix: report.ServePolicy, Way: report.NameInPolicy,
		Title:     "The policy does not cover {host}",
		Text:      "{why}In the mode enforce senders that check MTA-STS do not deliver to it; in the mode testing they report it. If it is one of your servers, they cannot use it. If it is not, that is how it should be.",
		FixText:   "{line} in the policy file, and then change the id in the TXT record. If {host} is not yours, delete its MX record.",
		Reference: "RFC 8461 §4, §5",
	},
	{
		ID: "STS-29", Verdict: report.Fail,
		Title:     "{host} at {address} does not keep what the policy promises ({code})",
		Text:      "In the mode enforce, senders that check MTA-STS do not deliver to it: the policy stops legitimate mail. In the mode testing they report it.",
		FixText:   "Let {host} offer TLS 1.2 or later, with a publicly trusted certificate for the name {host}, in date and with its full chain. Reload the mail server after every renewal.",
		Reference: "RFC 8461 §4.2, RFC 8460 §4.3",
	},
	{
		ID: "STS-30", Verdict: report.Info,
		Title:     "The policy names servers that are in no MX record",
		Text:      "{patterns}: a spare for later, or left over. An attacker who can forge the MX record may use such a name if he can get a certificate for it.",
		FixText:   "Delete the mx lines that are no longer needed, and then change the id.",
		Reference: "RFC 8461 §4.1",
	},
	{
		ID: "STS-31", Verdict: report.Warn, Effects: []report.Effect{report.NoAPlus}, Fix: report.ServePolicy,
		Title:     "The policy covers more names than those of the mail servers: {pattern}",
		Text:      "Anyone who gets a name there, and with it a certificate, can receive the mail. That may be a customer, a user, or a machine with its own name.",
		FixText:   "List the mail servers by their names instead of {pattern}.",
		Reference: "RFC 8461 §10.4",
	},
	{
		ID: "STS-32", Verdict: report.Info,
		Title:     "The policy gives a field twice",
		Text:      "The first one counts: {what}.",
		FixText:   "Delete the second one.",
		Reference: "RFC 8461 §3.2",
	},
	{
		ID: "STS-33", Verdict: report.Info,
		Title:     "The policy holds fields that senders do not know",
		Text:      "They ignore them: {what}.",
		Reference: "RFC 8461 §3.2",
	},
	{
		ID: "STS-34", Verdict: report.Warn,
		Title:     "The policy is being tested, but nobody hears the results",
		Text:      "In testing mode senders deliver as before and report what would have failed. Without a TLS reporting record they have nobody to tell.",
		FixText:   "Publish _smtp._tls.{domain}. IN TXT \"v=TLSRPTv1; rua=mailto:tlsrpt@{domain}\".",
		Reference: "RFC 8461 §5, RFC 8460 §3",
	},
	{
		ID: "STS-35", Verdict: report.Fail, Effects: []report.Effect{report.NoAPlus}, Fix: report.AsSaid,
		Title:     "The policy file was changed, but its id {id} is still the same",
		Text:      "Senders fetch the file at once only when they see a new id. Many look again within a day or so, but none has to. A sender that has the former file in memory may use it until {until}.",
		FixText:   "Change the id, now that the file is in place: _mta-sts.{domain}. IN TXT \"v=STSv1; id={next}\"",
		Reference: "RFC 8461 §3.3, §8.1",
	},
	{
		ID: "STS-36", Verdict: report.Info,
		Title:     "The id was changed from {before} to {id}, the policy file was not",
		Text:      "Senders fetch the file once more and find the same. That does no harm.",
		Reference: "RFC 8461 §3.1",
	},
	{
		ID: "STS-37", Verdict: report.Warn,
		Title:     "A policy that senders still enforce is gone",
		Text:      "Senders that saw it keep it until {until} and deliver only to servers that it names, with a valid certificate. If the servers change meanwhile, their mail waits. Senders that have not seen it go on without a policy.",
		FixText:   "Serve the former policy and its TXT record again. To leave MTA-STS, first serve mode: none with a small max_age under a new id, and delete both only after {until}.",
		Reference: "RFC 8461 §3.3, §8.3",
	},
	{
		ID: "STS-38", Verdict: report.Info,
		Title:     "Only one half of MTA-STS is delegated by an alias",
		Text:      "{what} When the provider changes the policy, the id has to change too. That works best when one party does both.",
		FixText:   "Delegate _mta-sts.{domain} and mta-sts.{domain} both, or neither.",
		Reference: "RFC 8461 §8.2",
	},
	{
		ID: "STS-39", Verdict: report.Info,
		Title:     "The policy of {above} does not cover {domain}",
		Text:      "{above} has a policy of its own. A policy belongs to exactly the name after the @; sub-domains need their own.",
		Reference: "RFC 8461 §3.4",
	},
	{
		ID: "STS-40", Verdict: report.Pass, Effects: []report.Effect{"D.sts=enforce"},
		Title:     "Every mail server that was tested keeps what the enforced policy promises",
		Text:      "Senders that check MTA-STS and have the policy in memory deliver to a real mail server of {domain} or not at all.",
		Reference: "RFC 8461 §4, §5",
	},
	{
		ID: "STS-41", Verdict: report.Info,
		Title:     "MTA-STS is in order, but cannot replace the broken DANE of {host}",
		Text:      "A sender that checks both must not let MTA-STS override a failing DANE; it keeps the mail.",
		FixText:   "Correct the TLSA records of {host}.",
		Reference: "RFC 8461 §2",
	},
	{
		ID: "STS-42", Verdict: report.Untested, Effects: []report.Effect{report.Provisional},
		Title:     "The policy file was not fetched: its host wants to be left alone",
		Text:      "{reason} The TXT record announces a policy, but we do not know what it says. Senders fetch it anyway. The letter leaves it out.",
		Reference: "RFC 8461 §3.3",
	},
	{
		ID: "STS-43", Verdict: report.Info,
		Title:     "There is a second MTA-STS record that senders discard",
		Text:      "It does no harm as long as the first one stays: {what}.",
		FixText:   "Delete the TXT record at _mta-sts.{domain} that does not begin with v=STSv1;",
		Reference: "RFC 8461 §3.1",
	},
	{
		ID: "STS-44", Verdict: report.Warn,
		Title:     "The MTA-STS record has a blank that the grammar does not allow",
		Text:      "Most senders ignore it; a strict one takes the record as invalid ({what}).",
		FixText:   "Publish _mta-sts.{domain}. IN TXT \"v=STSv1; id={id}\" and nothing after it.",
		Reference: "RFC 8461 §3.1",
	},
	{
		ID: "STS-45", Verdict: report.Untested, Effects: []report.Effect{"D.sts=absent", report.Provisional},
		Title:     "We could not find out what the MTA-STS policy of {domain} says",
		Text:      "{reason} The TXT record announces a policy, but we learned nothing about it. The cause may be on our side or on the path, and others may reach it. The letter leaves it out.",
		FixText:   "See that https://mta-sts.{domain}/.well-known/mta-sts.txt answers from other networks, then check again.",
		Reference: "RFC 8461 §3.3",
	},
	{
		ID: "STS-47", Verdict: report.Fail, Effects: []report.Effect{"cap C"}, Fix: report.AsSaid,
		Title:     "{name} is an alias into {registrable}, which does not exist in the DNS",
		Text:      "If {registrable} is free, anyone may register it and speak in the place of {target}. They can announce a policy, and get a certificate for the policy host if the alias is there. So they can bind senders to their own mail servers, or to none, for as long as a year. The DNS does not tell whether the name is free. Ask the registry today.",
		FixText:   "Delete the CNAME record at {name} today, or point it at a name that exists. Then publish the record under a new id.",
		Reference: "RFC 8461 §8.2, §10.3",
	},
	{
		ID: "STS-48", Verdict: report.Warn,
		Title:     "The policy host is an alias of {target}, which does not seem to know it",
		Text:      "{how} At many hosting services, any customer may take over a name that points there and that nobody uses. That customer can get a certificate for mta-sts.{domain} and serve senders a policy.",
		FixText:   "See whether the account at {target} still has mta-sts.{domain}. If not, delete the CNAME record at mta-sts.{domain}, or point it at the host that serves the policy.",
		Reference: "RFC 8461 §8.2",
	},
	{
		ID: "STS-49", Verdict: report.Warn,
		Title:     "The certificate of the policy host ends in {days} days",
		Text:      "It ends on {until}, and no successor is being served yet. From then on senders that do not have the policy in memory get none.",
		FixText:   "See that the renewal for mta-sts.{domain} runs, and that it reloads the web server.",
		Reference: "RFC 8461 §3.3",
	},
	{
		ID: "STS-50", Verdict: report.Untested, Effects: []report.Effect{report.Provisional},
		Title:     "Some facts about the MTA-STS of {domain} could not be found out",
		Text:      "We do not know {what}. A DNS query got no answer. That may be our fault, or a name server's. {letter}",
		FixText:   "Check again later. If nothing changes, make the name servers answer the queries that are shown.",
		Reference: "RFC 2308 §7",
	},
}
