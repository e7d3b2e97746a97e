package starttls

import "mxseal/checks/report"

// What holds at an address once TLS works there.
var working = []report.Effect{"M.reach=true", "M.tls=ok"}

// handshakeRules say who completes a handshake where not everybody does. Senders of today are
// those of hello.Stacks.
var handshakeRules = report.Rules{
	{
		ID: "SMT-34", Verdict: report.Warn, Effects: []report.Effect{"M.tls=ok", report.NoAPlus}, Fixed: []report.Effect{"M.tls=ok"},
		Fix:       report.AsSaid,
		Title:     "TLS works at {address} with some senders only",
		Text:      "It works with {works}. It fails with {fails}: without MTA-STS or DANE these deliver unencrypted, and everybody on the path can read the mail.{agreed}",
		FixText:   "{change}",
		Reference: "RFC 7435 §4, RFC 9325 §4.2",
	},
	{
		ID: "SMT-35", Verdict: report.Fail, Effects: []report.Effect{"M.reach=true", "M.tls=legacy"}, Fixed: working, Fix: report.AsSaid,
		Title:     "Mail servers of today cannot complete a handshake with {address}",
		Text:      "A handshake is possible, but not for {fails}. They deliver unencrypted instead, and everybody on the path can read the mail.{agreed}",
		FixText:   "{change}",
		Reference: "RFC 7435 §4, RFC 9325 §4.2",
	},
	{
		ID: "SMT-36", Verdict: report.Fail, Effects: []report.Effect{"M.pkix=false"}, Fixed: []report.Effect{"M.pkix=true"}, Fix: report.AsSaid,
		Title:     "{address} breaks off when it is called by its name",
		Text:      "TLS works only for senders that do not name the host in the handshake. Postfix and Exim do not by default; every sender that follows MTA-STS or DANE does, and cannot deliver. A server must answer a name that it does not know with its usual certificate.",
		FixText:   "Let the server answer every name: give it the name {host} or a default certificate that holds for it. Postfix: remove what tls_server_sni_maps lists, or list {host} in it.",
		Reference: "RFC 8461 §7.1, RFC 7672 §8.1, RFC 6066 §3",
	},
}
