package tls

import "mxseal/checks/report"

// ID names the check.
const ID report.CheckID = "tls"

// Rules are the rows of the catalogue that this check owns. Two questions are asked of every
// weak thing: is it chosen when a client offers everything, and is it accepted when nothing
// else is offered. With opportunistic TLS only the first harms ordinary mail (RFC 7435 §3).
var Rules = append(append(append(report.Rules{}, versionRules...), suiteRules...), featureRules...)

var versionRules = report.Rules{
	{
		ID: "TLS-01", Verdict: report.Pass,
		Title:     "TLS 1.3 works",
		Text:      "Senders of today get the present version of TLS. Its key exchange always has forward secrecy, and it has no weak cipher suites.",
		Reference: "RFC 9325 §3.1.1",
	},
	{
		ID: "TLS-02", Verdict: report.Warn, Effects: []report.Effect{report.NoAPlus}, Fix: report.UpdateLibrary,
		Title:     "TLS 1.2 works, TLS 1.3 does not",
		Text:      "TLS 1.2 allows bad choices that TLS 1.3 has removed.",
		FixText:   "Update the TLS library of {host} (OpenSSL 1.1.1 or GnuTLS 3.6.3 at least) and let the mail server use it. Postfix: smtpd_tls_protocols and smtpd_tls_mandatory_protocols = !SSLv2, !SSLv3, !TLSv1, !TLSv1.1. Exim with OpenSSL: no +no_tlsv1_3 in openssl_options.",
		Reference: "RFC 9325 §3.1.1",
	},
	{
		ID: "TLS-03", Verdict: report.Warn, Effects: []report.Effect{report.NoAPlus},
		Fix: report.LimitTLS, Settings: []report.Setting{report.SetVersions},
		Title:     "{versions} accepted beside newer versions",
		Text:      "Senders use the best version both sides have, so mail from modern servers is not affected. The old versions rest on MD5 and SHA-1 and must no longer be used.",
		FixText:   "First look in the log of {host} whether anybody still needs them; a sender that does would fall back to clear text. Then Postfix: smtpd_tls_protocols and smtpd_tls_mandatory_protocols = !SSLv2, !SSLv3, !TLSv1, !TLSv1.1. Exim with OpenSSL: openssl_options = +no_sslv2 +no_sslv3 +no_tlsv1 +no_tlsv1_1.",
		Reference: "RFC 8996 §4, §5; RFC 9325 §5.2",
	},
	{
		ID: "TLS-04", Verdict: report.Fail, Effects: []report.Effect{"cap B"}, Fix: report.LimitTLS, Settings: []report.Setting{report.SetVersions},
		Title:     "SSL 3.0 accepted",
		Text:      "Someone who can interfere may be able to push a careless sender down to SSL 3.0 and read parts of what it encrypts (POODLE).",
		FixText:   "Switch SSL 3.0 off on {host}. Postfix: smtpd_tls_protocols and smtpd_tls_mandatory_protocols = !SSLv2, !SSLv3, !TLSv1, !TLSv1.1. Exim with OpenSSL: openssl_options = +no_sslv2 +no_sslv3.",
		Reference: "RFC 7568 §3",
	},
	{
		ID: "TLS-05", Verdict: report.Fail, Effects: []report.Effect{"cap E"}, Fix: report.LimitTLS, Settings: []report.Setting{report.SetVersions},
		Title:     "SSL 2.0 accepted",
		Text:      "With SSL 2.0 on any server that uses the same RSA key, an attacker can open recorded sessions of modern TLS versions as well (DROWN). The weak protocol endangers mail that never used it.",
		FixText:   "Switch SSL 2.0 off on {host} and on every other service that has the same key, then make a new key. Postfix: smtpd_tls_protocols and smtpd_tls_mandatory_protocols = !SSLv2, !SSLv3, !TLSv1, !TLSv1.1.",
		Reference: "RFC 6176 §3",
	},
	{
		ID: "TLS-06", Verdict: report.Fail, Effects: []report.Effect{report.NoAPlus}, Fix: report.UpdateLibrary,
		Title:     "{chosen} chosen although both sides speak TLS 1.3",
		Text:      "The server has TLS 1.3 and does not use it for a client that offers it beside older versions.",
		FixText:   "Find what on {host} prefers the older version: a TLS proxy or inspection device in front of it, or two servers behind one address.",
		Reference: "RFC 9325 §3.1.1",
	},
	{
		ID: "TLS-07", Verdict: report.Warn,
		Title:     "The handshake fails on values that nobody knows",
		Text:      "A server has to ignore versions, suites, groups and extensions it does not know. This one breaks off. It will do so again when senders get something new, and they then deliver unencrypted.",
		FixText:   "Update the TLS library of {host}, or the device in front of it.",
		Reference: "RFC 8701 §3; RFC 9846 §9.3",
	},
	{
		ID: "TLS-08", Verdict: report.Warn, Effects: []report.Effect{report.NoAPlus}, Fix: report.UpdateLibrary,
		Title:     "The handshake fails when a post-quantum key share makes the hello larger",
		Text:      "A hello with an ML-KEM key share takes two network packets. It failed here more than once, and the same hello without that share works. If {host} or a device in front of it copes with one packet only, senders with such a share cannot agree on TLS. Some then deliver unencrypted. We blame the server only after large hellos from here have worked elsewhere.",
		FixText:   "Update the TLS library of {host}, or the firewall or load balancer in front of it, so that a ClientHello may come in several pieces.",
		Reference: "RFC 9846 §5.1",
	},
	{
		ID: "TLS-67", Verdict: report.Fail, Effects: []report.Effect{report.NoAPlus}, Fix: report.AsSaid,
		Title:     "The handshake fails when the hello offers TLS 1.3",
		Text:      "A server that does not know TLS 1.3 has to ignore it and answer with the best it has. {host} breaks off as soon as a sender offers it, whatever the size of the hello, and accepts a hello that stops at TLS 1.2. Most senders of today offer TLS 1.3; they cannot agree with this server and deliver in clear text.",
		FixText:   "Update the TLS library of {host}, or the firewall or load balancer in front of it.",
		Reference: "RFC 9846 §4.3.1, appendix E; RFC 5246 appendix E.1",
	},
	{
		ID: "TLS-68", Verdict: report.Info,
		Title:     "Another certificate comes when no host is named",
		Text:      "To clients that send no server name {host} shows a certificate for {names}. That does no harm: senders that check the certificate name the host, and then the right one comes.",
		Reference: "RFC 7672 §8.1; RFC 8461 §7.1",
	},
	{
		ID: "TLS-09", Verdict: report.Fail, Effects: []report.Effect{"M.tls=legacy"}, Fixed: []report.Effect{"M.tls=ok"},
		Fix: report.LimitTLS, Settings: []report.Setting{report.SetVersions, report.SetSuites},
		Title:     "{version} is the best version on offer",
		Text:      "Senders that insist on TLS 1.2 or later cannot agree with {host} on TLS. They send the mail unencrypted, and every listener reads it. Others still speak the version, such as Postfix and Exim as Debian 12 installs them.",
		FixText:   "Update the TLS library of {host} so that it speaks TLS 1.2 and TLS 1.3.",
		Reference: "RFC 8996 §4, §5; RFC 9325 §3.1.1",
	},
	{
		ID: "TLS-10", Verdict: report.Fail, Effects: []report.Effect{"M.tls=no"}, Fixed: []report.Effect{"M.tls=ok"},
		Fix: report.LimitTLS, Settings: []report.Setting{report.SetVersions, report.SetSuites},
		Title:     "{version} is the best version on offer",
		Text:      "Hardly any sender still speaks it. STARTTLS on {host} is of no use: mail arrives unencrypted, and every listener reads it.",
		FixText:   "Replace the TLS library of {host} by one that speaks TLS 1.2 and TLS 1.3.",
		Reference: "RFC 7568 §3; RFC 6176 §3; RFC 9325 §3.1.1",
	},
}

var featureRules = report.Rules{
	{
		ID: "TLS-50", Verdict: report.Fail, Effects: []report.Effect{"cap B"}, Fix: report.LimitTLS, Settings: []report.Setting{report.SetSignatures},
		Title:     "The key exchange is signed with {hash} although SHA-256 was offered",
		Text:      "In TLS 1.2 the signature over the key exchange is what ties it to the certificate. Collisions of {hash} can be made; strict clients break off.",
		FixText:   "Update the TLS library of {host}; with OpenSSL see that neither SignatureAlgorithms nor security level 0 brings {hash} back.",
		Reference: "RFC 9155 §4",
	},
	{
		ID: "TLS-51", Verdict: report.Warn, Effects: []report.Effect{report.NoAPlus},
		Fix: report.LimitTLS, Settings: []report.Setting{report.SetSignatures},
		Title:     "The key exchange is signed with SHA-1 or MD5 when nothing better is offered",
		Text:      "Senders of today offer better, so their mail is not affected. A server should refuse a client that offers nothing else.",
		FixText:   "Take SHA-1 and MD5 out of the signature algorithms of {host}. With OpenSSL 3: @SECLEVEL=1 in the cipher list of this service, or SignatureAlgorithms in openssl.cnf. If its key has fewer than 1024 bits, change that first: the server would have no TLS afterwards.",
		Reference: "RFC 9155 §4",
	},
	{
		ID: "TLS-52", Verdict: report.Fail, Effects: []report.Effect{"cap B"}, Fix: report.UpdateLibrary,
		Title:     "No secure renegotiation",
		Text:      "Clients that insist on it, such as those with OpenSSL 3 by default, break off the handshake. Their mail is then sent unencrypted or not at all. With other clients, an active attacker can put his own commands in front of a sender's session, even where the sender checked the certificate.",
		FixText:   "Update the TLS library of {host}: every one since 2010 answers renegotiation_info.",
		Reference: "RFC 5746 §3.6, §4.1; RFC 9325 §3.5",
	},
	{
		ID: "TLS-53", Verdict: report.Warn,
		Title:     "A client may start a new handshake inside a session",
		Text:      "Each new handshake costs the server much and the client little, so one connection can keep {host} busy. Nobody can read mail that way. We asked for it once, and the server agreed. Whether it has a limit, which would be enough, is not known.",
		FixText:   "Switch renegotiation off at {host}. Postfix: add NO_RENEGOTIATION to tls_ssl_options (3.4 or later). Exim with OpenSSL: openssl_options = +no_renegotiation.",
		Reference: "RFC 5746 §3.7; NCSC-NL TLS guidelines 2025-05",
	},
	{
		ID: "TLS-54", Verdict: report.Warn, Effects: []report.Effect{report.NoAPlus}, Fix: report.UpdateLibrary,
		Title:     "No extended master secret in TLS 1.2",
		Text:      "The keys of a session are not bound to the handshake that made them (triple handshake attack). Some senders already insist on it.",
		FixText:   "Update the TLS library of {host} (OpenSSL 1.1.0, GnuTLS 3.4 at least).",
		Reference: "RFC 7627 §4, RFC 9846 appendix D; RFC 9325 §3.5",
	},
	{
		ID: "TLS-55", Verdict: report.Warn, Effects: []report.Effect{report.NoAPlus},
		Fix: report.LimitTLS, Settings: []report.Setting{report.SetCompression},
		Title:     "TLS compression is on",
		Text:      "The length of compressed data can tell what is in it (CRIME). No attack on mail between servers is known.",
		FixText:   "Switch compression off on {host}. Postfix: add NO_COMPRESSION to tls_ssl_options. Exim with OpenSSL: openssl_options = +no_compression.",
		Reference: "RFC 9325 §3.3",
	},
	{
		ID: "TLS-56", Verdict: report.Warn, Effects: []report.Effect{report.NoAPlus}, Fix: report.AsSaid,
		Title:     "0-RTT is allowed ({bytes} bytes)",
		Text:      "A sender that comes back may speak before the handshake is done. Anybody can record that and play it again, and no standard says which SMTP commands would be safe. We sent none.",
		FixText:   "Switch early data off in the TLS library of {host}, or in the proxy in front of it. OpenSSL: max_early_data 0, the default. HAProxy: leave out allow-0rtt.",
		Reference: "RFC 9846 §8, appendix F.5; RFC 9325 §3.10",
	},
	{
		ID: "TLS-57", Verdict: report.Info,
		Title:     "Sessions can be resumed: {how}",
		Text:      "A sender that comes back saves a part of the handshake. Anyone who gets the ticket key can open those sessions of TLS 1.2. So the key has to change regularly, once a week for example, and no ticket should be valid for more than seven days.",
		FixText:   "If tickets are valid for more than seven days: Postfix: smtpd_tls_session_cache_timeout = 3600s. OpenSSL elsewhere: SSL_CTX_set_timeout. Otherwise nothing is to be done.",
		Reference: "RFC 9325 §3.4; RFC 9846 §4.7.1",
	},
	{
		ID: "TLS-58", Verdict: report.Info,
		Title:     "OCSP staple: {staple}",
		Text:      "Few mail servers look whether a certificate was revoked, so a staple earns no credit. With DANE, you revoke a key by changing the DNS record.",
		Reference: "RFC 7672 §4",
	},
	{
		ID: "TLS-59", Verdict: report.Fail, Effects: []report.Effect{"M.pkix=false"}, Fixed: []report.Effect{"M.pkix=true"},
		Fix: report.ReplaceCertificate, Way: report.NewKey, Settings: []report.Setting{report.SetCertificate},
		Title:     "The staple says that the certificate is revoked",
		Text:      "The authority has withdrawn this certificate, and the server says so itself in every handshake. A sender that checks it has to refuse.",
		FixText:   "Get a new certificate with a new key for {host}, install it and reload the mail server.",
		Reference: "RFC 6066 §8; RFC 6960 §2.2",
	},
	{
		ID: "TLS-60", Verdict: report.Warn, Effects: []report.Effect{report.NoAPlus},
		Fix: report.ReplaceCertificate, Settings: []report.Setting{report.SetCertificate},
		Title:     "The certificate demands an OCSP staple and none comes",
		Text:      "The certificate carries “must-staple”. A sender that honours it refuses the connection; few do, and most mail servers cannot staple.",
		FixText:   "Have the certificate of {host} issued again without must-staple (certbot: leave out --must-staple).",
		Reference: "RFC 7633 §4; RFC 9325 §7.5",
	},
	{
		ID: "TLS-61", Verdict: report.Fail, Effects: []report.Effect{report.NoAPlus},
		Fix: report.LimitTLS, Settings: []report.Setting{report.SetCertificate},
		Title:     "The handshake fails for clients {which}",
		Text:      "Many senders send no server name (SNI), Postfix and Exim among them unless they are told to, others that of the mail domain. They cannot agree with {host} on TLS and may deliver in clear text.",
		FixText:   "Give {host} a default certificate that it serves when no name or an unknown one is asked for. Postfix: smtpd_tls_chain_files beside tls_server_sni_maps.",
		Reference: "RFC 7672 §8.1; RFC 8461 §7.1",
	},
	{
		ID: "TLS-62", Verdict: report.Info, Effects: []report.Effect{report.NoAPlus}, Fix: report.UpdateLibrary,
		Title:     "Truncated HMAC is accepted",
		Text:      "The extension shortens the check that protects each record from being changed. No sender asks for it.",
		FixText:   "Switch truncated_hmac off in the TLS library of {host}.",
		Reference: "RFC 9325 §4.6",
	},
	{
		ID: "TLS-64", Verdict: report.Untested, Effects: []report.Effect{report.Provisional},
		Title:     "Not every question about TLS could be asked",
		Text:      "We judge what we saw before. About the rest nothing is known, good or bad. The reason: {reason}.",
		FixText:   "Test again later. If it stays so, see whether {host} limits or bans clients that connect often.",
		Reference: "RFC 5321 §4.2",
	},
	{
		ID: "TLS-65", Verdict: report.Info,
		Title:     "The heartbeat extension is answered",
		Text:      "Nobody needs it over TCP, and libraries of before April 2014 that answer it gave away their memory (Heartbleed). We did not try whether this one does: that would be an attack.",
		FixText:   "See that the TLS library of {host} is of this decade: OpenSSL has not answered the extension since 1.1.1.",
		Reference: "RFC 6520 §2",
	},
	{
		ID: "TLS-66", Verdict: report.Warn,
		Title:     "Downgrade protection is missing",
		Text:      "A sender that fails with a good version and comes back with an old one says so with a signal (TLS_FALLBACK_SCSV). This server ignores it, so someone who breaks the first handshake can push such a sender down.",
		FixText:   "Switch the old versions off on {host} (TLS-03), or update its TLS library (OpenSSL 1.0.1j at least).",
		Reference: "RFC 7507 §3, RFC 8996",
	},
	{
		ID: "TLS-75", Verdict: report.Warn, Effects: []report.Effect{report.NoAPlus},
		Fix: report.LimitTLS, Settings: []report.Setting{report.SetVersions},
		Title:     "The server speaks only TLS 1.3, and also takes unencrypted mail",
		Text:      "Senders whose library stops at TLS 1.2 cannot agree with this server: OpenSSL before 1.1.1, Windows before Server 2022 and so Exchange on it. Many of them then send unencrypted, which is worse than TLS 1.2.",
		FixText:   "Allow TLS 1.2 beside TLS 1.3 at {host}.",
		Reference: "RFC 9325 §3.1.1, §5.2",
	},
}
