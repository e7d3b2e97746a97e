package tlsrpt

import "mxseal/checks/report"

// ID names the check.
const ID report.CheckID = "tls-rpt"

var reported = []report.Effect{"D.rpt=true"}

// Rules are the rows of the catalogue that this check owns.
var Rules = report.Rules{
	{
		ID: "RPT-01", Verdict: report.Info, Effects: []report.Effect{report.NoAPlus}, Fixed: reported, Fix: report.AskForReports,
		Title:     "No TLS reporting record was found for {domain}",
		Text:      "Senders that fail to reach its mail servers safely have nobody to tell. You notice a broken certificate or policy, or an attack, only when mail does not arrive.",
		FixText:   "Publish _smtp._tls.{domain}. IN TXT \"v=TLSRPTv1; rua=mailto:tlsrpt@{domain}\".",
		Reference: "RFC 8460 §3",
	},
	{
		ID: "RPT-02", Verdict: report.Pass, Effects: reported,
		Title:     "Senders know where to report failures",
		Text:      "Once a day they send a summary of deliveries that went well or failed, with the reason.",
		Reference: "RFC 8460 §3",
	},
	{
		ID: "RPT-03", Verdict: report.Fail, Effects: []report.Effect{report.NoAPlus}, Fixed: reported, Fix: report.AskForReports,
		Title:     "There are {count} TLS reporting records",
		Text:      "Senders that find more than one act as if there were none; no report arrives.",
		FixText:   "Delete all TXT records at _smtp._tls.{domain} that begin with v=TLSRPTv1 but one.",
		Reference: "RFC 8460 §3",
	},
	{
		ID: "RPT-04", Verdict: report.Fail, Effects: []report.Effect{report.NoAPlus}, Fix: report.AskForReports,
		Title:     "The TLS reporting record has an address that cannot be used",
		Text:      "{what}. Senders skip it, or the whole record.",
		FixText:   "Let rua= name mailto: and https: addresses only, such as rua=mailto:tlsrpt@{domain}.",
		Reference: "RFC 8460 §3",
	},
	{
		ID: "RPT-05", Verdict: report.Fail, Effects: []report.Effect{report.NoAPlus}, Fix: report.AskForReports,
		Title:     "The TLS reporting record holds a sign that has to be encoded",
		Text:      "{what}. Senders read the address wrongly, or discard the record.",
		FixText:   "Write %2C for a comma, %21 for an exclamation mark and %3B for a semicolon inside an address; leave sizes such as !10m out.",
		Reference: "RFC 8460 §3",
	},
	{
		ID: "RPT-06", Verdict: report.Fail, Effects: []report.Effect{report.NoAPlus}, Fix: report.AskForReports,
		Title:     "Reports cannot be delivered to {target}",
		Text:      "{target} has neither mail servers nor an address, or says that it takes no mail.",
		FixText:   "Name an address in rua= whose domain receives mail.",
		Reference: "RFC 8460 §3, RFC 7505 §3",
	},
	{
		ID: "RPT-07", Verdict: report.Info,
		Title:     "Reports about {domain} go to {domain} only",
		Text:      "That works: senders deliver reports even where TLS fails. They are then sent unencrypted, and when the mail servers are down nothing arrives.",
		FixText:   "Add an address outside of {domain}, or an https: one.",
		Reference: "RFC 8460 §3",
	},
	{
		ID: "RPT-08", Verdict: report.Warn,
		Title:     "The report address {uri} leads nowhere",
		Text:      "{reason}. No report was sent there.",
		FixText:   "Correct the address in rua=, or give {target} a public address.",
		Reference: "RFC 8460 §3",
	},
	{
		ID: "RPT-09", Verdict: report.Info,
		Title:     "Reports about {domain} go to {target}",
		Text:      "The recipient learns which servers write to {domain}, and how much. The standard does not ask {target} for its consent.",
		Reference: "RFC 8460 §7",
	},
	{
		ID: "RPT-10", Verdict: report.Warn,
		Title:     "There is a TLS reporting record at {name}, where no sender looks",
		Text:      "The name comes from an early draft or a mistake. Reports are not sent.",
		FixText:   "Move the record to _smtp._tls.{domain}.",
		Reference: "RFC 8460 §3",
	},
	{
		ID: "RPT-11", Verdict: report.Info,
		Title:     "The record names {count} report addresses",
		Text:      "A sender may choose to report to one of them only.",
		Reference: "RFC 8460 §3",
	},
	{
		ID: "RPT-13", Verdict: report.Info,
		Title:     "Reports about DANE with {host} also go to its operator",
		Text:      "A sender that checks DANE may report under {base}, the name of the TLSA records. That name has its own reporting record. The record of {domain} is still needed.",
		Reference: "RFC 8460 §1.1",
	},
	{
		ID: "RPT-12", Verdict: report.Warn,
		Title:     "The TLS reporting record has a blank that strict senders do not accept",
		Text:      "Most senders ignore it ({what}).",
		FixText:   "Let the TXT record at _smtp._tls.{domain} begin with v=TLSRPTv1; and end with the last address.",
		Reference: "RFC 8460 §3",
	},
	{
		ID: "RPT-14", Verdict: report.Fail, Effects: []report.Effect{report.NoAPlus}, Fix: report.AskForReports,
		Title:     "The TLS reporting record is malformed",
		Text:      "Senders take it as invalid, and no report arrives: {what}.",
		FixText:   "Publish _smtp._tls.{domain}. IN TXT \"v=TLSRPTv1; rua=mailto:tlsrpt@{domain}\" and nothing else, with plain blanks after semicolons and commas only.",
		Reference: "RFC 8460 §3",
	},
	{
		ID: "RPT-15", Verdict: report.Info,
		Title:     "There is something at _smtp._tls.{domain} that senders ignore",
		Text:      "The TLS reporting record still works: {what}.",
		Reference: "RFC 8460 §3",
	},
	{
		ID: "RPT-16", Verdict: report.Untested, Effects: []report.Effect{report.Provisional},
		Title:     "We could not find out whether reports can be delivered to {target}",
		Text:      "The queries for its mail servers and addresses got no answer. That may be our fault.",
		FixText:   "Check again later.",
		Reference: "RFC 8460 §3",
	},
	{
		ID: "RPT-17", Verdict: report.Fail,
		Title:     "{name} is an alias into {registrable}, which does not exist in the DNS",
		Text:      "If {registrable} is free, anyone may register it, publish a record at {target}, and get the reports. These say which servers write to {domain}, how much, and what fails. The DNS does not tell whether the name is free. Ask the registry today.",
		FixText:   "Delete the CNAME record at {name} today, or point it at a name that exists.",
		Reference: "RFC 8460 §7",
	},
	{
		ID: "RPT-18", Verdict: report.Fail,
		Title:     "Reports about {domain} go to {registrable}, which does not exist in the DNS",
		Text:      "If {registrable} is free, anyone may register it and read the reports that are sent to {target}. These say which servers write to {domain}, how much, and what fails. The DNS does not tell whether the name is free. Ask the registry today.",
		FixText:   "Take the address at {target} out of the record at _smtp._tls.{domain}.",
		Reference: "RFC 8460 §7",
	},
	{
		ID: "RPT-19", Verdict: report.Untested, Effects: []report.Effect{report.Provisional},
		Title:     "Some facts about the TLS reporting of {domain} could not be found out",
		Text:      "We do not know {what}. A DNS query got no answer. That may be our fault, or a name server's. {letter}",
		FixText:   "Check again later. If nothing changes, make the name servers answer the queries that are shown.",
		Reference: "RFC 2308 §7",
	},
}
