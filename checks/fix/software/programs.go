package software

import (
	"slices"
	"strings"

	"mxseal/checks/report"
)

// Known are all programs of the table.
func Known() []Program { return slices.Clone(programs) }

// At are the programs that were recognised at some addresses of one mail server, or those that it
// probably is. None, and sure: it is one that the table does not know.
func At(addresses ...*report.Address) (list []Program, sure bool) {
	for _, a := range addresses {
		if a == nil || a.SMTP == nil {
			continue
		}
		banner := strings.ToLower(a.SMTP.Banner)
		for _, p := range programs {
			if p.Said != "" && strings.Contains(banner, p.Said) {
				return []Program{p}, true
			}
		}
		for _, p := range programs {
			if p.Name == a.SMTP.Software {
				list = append(list, p)
			}
		}
		if len(list) > 0 {
			return list, true
		}
		if a.SMTP.Software != "" {
			return nil, true
		}
	}
	for _, p := range programs {
		if slices.Contains(guessed, p.Name) {
			list = append(list, p)
		}
	}
	return list, false
}

// The old form of versions is understood by every Postfix; that of 3.6, >=TLSv1.2, switches TLS
// off in older ones.
const postfixVersions = "!SSLv2, !SSLv3, !TLSv1, !TLSv1.1"

// weak are suites in words of OpenSSL that Postfix leaves out; kDHE is a matter of groups.
const weak = "aNULL eNULL EXPORT DES 3DES RC2 RC4 MD5 kRSA"

var postfix = map[report.Setting][]edit{
	report.SetSTARTTLS:    {{"smtpd_tls_security_level", raise, "may encrypt"}, {"smtpd_discard_ehlo_keywords", drop, "starttls"}},
	report.SetCertificate: {{"smtpd_tls_chain_files", set, "{key}, {certificate}"}},
	// The second counts where TLS is demanded.
	report.SetVersions: {{"smtpd_tls_protocols", set, postfixVersions}, {"smtpd_tls_mandatory_protocols", set, postfixVersions}},
	report.SetSuites:   {{"smtpd_tls_exclude_ciphers", add, weak}},
	report.SetOrder:    {{"tls_preempt_cipherlist", set, "no"}},
	report.SetGroups: {{"smtpd_tls_exclude_ciphers", add, "kDHE"},
		{"smtpd_tls_eecdh_grade", unset, ""}, {"tls_eecdh_auto_curves", unset, ""}, {"smtpd_tls_dh1024_param_file", unset, ""}},
	// For smtpd alone: in main.cf the level would count for outgoing mail too.
	report.SetSignatures:        {{"smtp/inet/tls_medium_cipherlist", add, "@SECLEVEL=1"}, {"smtp/inet/tls_high_cipherlist", add, "@SECLEVEL=1"}},
	report.SetCompression:       {{"tls_ssl_options", add, "NO_COMPRESSION NO_RENEGOTIATION"}},
	report.SetClientCertificate: {{"smtpd_tls_req_ccert", set, "no"}},
}

var postfixLists = map[string]list{"smtpd_tls_exclude_ciphers": {", ", "", ""}, "tls_ssl_options": {", ", "", ""}}

const masterWins = "Lines -o in master.cf win over main.cf: “postconf -P” shows them."

var postfixNotes = map[report.Setting]string{
	"":                    "Keep what “postconf -n” and “postconf -P” print, so as to put it back. " + masterWins,
	report.SetCertificate: "A second key and chain may follow in the same line: keep it. The line needs Postfix 3.4; before that smtpd_tls_cert_file and smtpd_tls_key_file.",
	report.SetGroups:      "Settings that only older versions need go: without them the library's own curves are offered.",
	report.SetSignatures:  "This is for OpenSSL 3, on which level 1 takes no SHA-1. " + keyFirst + " Behind postscreen the service is smtpd/pass.",
}

// gnutls are the words of a priority string of GnuTLS for a setting.
func gnutls(words string) []edit { return []edit{{"tls_require_ciphers", add, words}} }

// openssl are the words of Exim's openssl_options for a setting, as its specification has them.
func openssl(words string) []edit { return []edit{{"openssl_options", add, words}} }

// modernSuites is in words of OpenSSL, behind HIGH.
const modernSuites = "!aNULL !eNULL !kRSA !3DES !RC4 !MD5"

// keyFirst goes with security level 1.
const keyFirst = "With a key of fewer than 1024 bits the server has no TLS afterwards: change the key first."

const once = "Each line replaces one with the same name, unless it says something else. Exim refuses an option that is given twice, and does not start."

var programs = []Program{
	{Name: "mailcow", Said: "postcow", source: "2026-11-28 docs/manual-guides/Postfix/u_e-postfix-extra_cf.en.md of mailcow's documentation", Where: "data/conf/postfix/extra.cf", dialect: byLines("%s = %s"), lists: postfixLists,
		settings: mailcow(), notes: map[report.Setting]string{"": masterWins}, Reload: "docker compose restart postfix-mailcow",
		Own: "mailcow gets its certificates by itself: put the names that are missing into ADDITIONAL_SAN in mailcow.conf. Then run “docker compose up -d” and “docker compose restart acme-mailcow”."},
	{Name: "Mail-in-a-Box", Said: "mail-in-a-box", source: "2026-11-28 Mail-in-a-Box's setup, which makes the command mailinabox", Where: "its control panel, System: TLS (SSL) Certificates", dialect: asWritten,
		settings: map[report.Setting][]edit{report.SetSTARTTLS: {}, report.SetCertificate: {}, report.SetVersions: {}, report.SetSuites: {}}, Reload: "sudo mailinabox",
		Own: "Mail-in-a-Box gets its certificates by itself: in its control panel, System: TLS (SSL) Certificates, choose Provision."},
	{Name: "Postfix", Where: "a shell on {host}", dialect: byPostconf, settings: postfix, lists: postfixLists, notes: postfixNotes, Reload: "postfix check && postfix reload",
		Log: "postconf -e 'smtpd_tls_loglevel = 1' && postfix reload\n# a week later:\njournalctl -t postfix/smtpd --since '7 days ago' | grep -E 'TLS connection established from .*: TLSv1(\\.1)? '"},
	{Name: "Exim", label: "of Debian or Ubuntu, with GnuTLS", Where: "/etc/exim4/exim4.conf.localmacros (configuration split into files: /etc/exim4/conf.d/main/000_localmacros)", dialect: byLines("%s = %s"),
		Reload: "exim4 -bV | grep -i gnutls && update-exim4.conf && exim4 -bV >/dev/null && systemctl restart exim4",
		notes:  map[report.Setting]string{"": once + " If update-exim4.conf prints an error, the old configuration stays in force: correct the line. “exim4 -bV” names the library; if that is OpenSSL, these lines stop Exim."},
		lists:  map[string]list{"tls_require_ciphers": {":", "NORMAL", ""}},
		settings: map[report.Setting][]edit{
			report.SetSTARTTLS:          {{"MAIN_TLS_ENABLE", set, "yes"}, {"MAIN_TLS_ADVERTISE_HOSTS", set, "*"}},
			report.SetCertificate:       {{"MAIN_TLS_CERTKEY", unset, ""}, {"MAIN_TLS_CERTIFICATE", set, "{certificate}"}, {"MAIN_TLS_PRIVATEKEY", set, "{key}"}},
			report.SetVersions:          gnutls("-VERS-TLS1.0 -VERS-TLS1.1"),
			report.SetSuites:            gnutls("-NULL -ANON-ECDH -ANON-DH -RSA -3DES-CBC -ARCFOUR-128"),
			report.SetOrder:             gnutls("%SERVER_PRECEDENCE"),
			report.SetGroups:            gnutls("-DHE-RSA -GROUP-SECP192R1"),
			report.SetSignatures:        gnutls("-SIGN-RSA-SHA1 -SIGN-ECDSA-SHA1 -SIGN-DSA-SHA1 -SIGN-RSA-MD5"),
			report.SetClientCertificate: {{"MAIN_TLS_VERIFY_HOSTS", set, ""}},
		},
		Log: `grep -E ' X=TLS1\.[01]:' /var/log/exim4/mainlog`, copies: "-o root -g Debian-exim", folder: "/etc/exim4"},
	{Name: "Exim", label: "with OpenSSL, see exim -bV", Where: "main section of its configuration", dialect: byLines("%s = %s"), Reload: "exim -bV | grep -i openssl && exim -bV >/dev/null && systemctl restart exim",
		notes: map[report.Setting]string{"": once + " “exim -bV” names the library; if that is GnuTLS, these lines stop Exim.",
			report.SetVersions: bothWays, report.SetOrder: bothWays, report.SetCompression: bothWays, report.SetSuites: keyFirst, report.SetGroups: keyFirst, report.SetSignatures: keyFirst},
		lists: map[string]list{"tls_require_ciphers": {":", "HIGH", ""}, "openssl_options": {" ", "", ""}},
		settings: map[report.Setting][]edit{
			report.SetSTARTTLS:    {{"tls_advertise_hosts", set, "*"}},
			report.SetCertificate: {{"tls_certificate", set, "{certificate}"}, {"tls_privatekey", set, "{key}"}},
			report.SetVersions:    openssl("+no_sslv2 +no_sslv3 +no_tlsv1 +no_tlsv1_1"), report.SetOrder: openssl("+cipher_server_preference"), report.SetCompression: openssl("+no_compression +no_renegotiation"),
			// At level 1 OpenSSL 3 takes no signature with SHA-1.
			report.SetSuites:            {{"tls_require_ciphers", add, modernSuites}},
			report.SetGroups:            {{"tls_require_ciphers", add, "!kDHE"}, {"tls_eccurve", unset, ""}},
			report.SetSignatures:        {{"tls_require_ciphers", add, "@SECLEVEL=1"}},
			report.SetClientCertificate: {{"tls_verify_hosts", set, ""}},
		}, source: "2026-11-28 doc/doc-docbook/spec.xfpt of Exim, main options: openssl_options and its items, tls_require_ciphers, tls_eccurve",
		Log: `grep -E ' X=TLSv?1(\.[01])?:' /var/log/exim/mainlog  # or where log_file_path says`, copies: "-o exim -g exim", folder: "/etc/exim"},
	{Name: "OpenSMTPD", Where: "/etc/mail/smtpd.conf (Debian: /etc/smtpd.conf)", dialect: byLines("%s %s"), Reload: "smtpd -n && systemctl restart opensmtpd  # OpenBSD: rcctl restart smtpd",
		notes: map[report.Setting]string{"": "Version 6.8, that of Debian 12, fails every handshake with OpenSSL 3: it takes 7.0 or later.",
			report.SetCertificate: listens, report.SetSuites: behindListen, report.SetGroups: behindListen},
		lists: map[string]list{"ciphers": {":", "HIGH", `"`}},
		settings: map[report.Setting][]edit{
			report.SetCertificate:       append([]edit{{"pki {host} cert", set, `"{certificate}"`}, {"pki {host} key", set, `"{key}"`}}, listen...),
			report.SetSuites:            {{"ciphers", add, modernSuites}},
			report.SetGroups:            {{"ciphers", add, "!kDHE"}},
			report.SetClientCertificate: {{"listen on", drop, "verify"}},
		}, source: "2026-11-28 ciphers: smtpd.conf(5), listen on, and CHANGES.md of OpenSMTPD (with what OpenBSD 6.9 brought, in 7.3)"},
	{Name: "Sendmail", Where: "/etc/mail/sendmail.mc, above the lines MAILER", dialect: byM4, Reload: "make -C /etc/mail && systemctl restart sendmail",
		notes: map[report.Setting]string{report.SetSuites: sharedList, report.SetGroups: sharedList},
		lists: map[string]list{"confCIPHER_LIST": {":", "HIGH", ""}, "confSERVER_SSL_OPTIONS": {" ", "", ""}, "confTLS_SRV_OPTIONS": {"", "", ""}},
		settings: map[report.Setting][]edit{
			// It sends the first certificate of its file, and the issuers as far as confCACERT has them.
			report.SetCertificate: {{"confCACERT", set, "{chain}"}, {"confCACERT_PATH", set, "/etc/ssl/certs"},
				{"confSERVER_CERT", set, "{certificate}"}, {"confSERVER_KEY", set, "{key}"}},
			report.SetVersions:          {{"confSERVER_SSL_OPTIONS", add, "+SSL_OP_NO_SSLv2 +SSL_OP_NO_SSLv3 +SSL_OP_NO_TLSv1 +SSL_OP_NO_TLSv1_1"}},
			report.SetSuites:            {{"confCIPHER_LIST", add, modernSuites}},
			report.SetGroups:            {{"confCIPHER_LIST", add, "!kDHE"}},
			report.SetOrder:             {{"confSERVER_SSL_OPTIONS", add, "-SSL_OP_CIPHER_SERVER_PREFERENCE"}},
			report.SetClientCertificate: {{"confTLS_SRV_OPTIONS", add, "V"}},
		}},
	{Name: "Microsoft Exchange", source: "2026-11-28 learn.microsoft.com/powershell/module/tls/disable-tlsciphersuite; Schannel's keys as exchange-tls-configuration there is followed in gist.github.com/Apoc70/cf67890227d61416ee767729e3b881df", Where: "PowerShell on the server", dialect: asWritten, Reload: "Restart-Service MSExchangeTransport, MSExchangeFrontEndTransport  # versions and suites: restart Windows",
		Own:   "Get one from a public authority with a request made by Exchange (New-ExchangeCertificate -GenerateRequest) or with an ACME program for Windows, and import it.",
		notes: map[report.Setting]string{report.SetVersions: schannel, report.SetSuites: schannel},
		settings: map[report.Setting][]edit{
			report.SetCertificate: {{"certificate", set, "Get-ExchangeCertificate -DomainName {host} | Format-List Thumbprint, NotAfter\nEnable-ExchangeCertificate -Thumbprint <thumbprint> -Services SMTP"}},
			report.SetVersions: {{"versions", set, "foreach ($v in 'SSL 2.0', 'SSL 3.0', 'TLS 1.0', 'TLS 1.1') {\n" +
				"  $k = \"HKLM:\\SYSTEM\\CurrentControlSet\\Control\\SecurityProviders\\SCHANNEL\\Protocols\\$v\\Server\"\n" +
				"  New-Item $k -Force | Out-Null\n  New-ItemProperty $k -Name Enabled -Value 0 -PropertyType DWord -Force | Out-Null\n" +
				"  New-ItemProperty $k -Name DisabledByDefault -Value 1 -PropertyType DWord -Force | Out-Null\n}"}},
			report.SetSuites: {{"suites", set, "Get-TlsCipherSuite | Where-Object Name -Match '_RC4_|_3DES_|_NULL_|^TLS_RSA_' | ForEach-Object { Disable-TlsCipherSuite -Name $_.Name }"}},
		}},
	{Name: "Haraka", source: "2026-11-28 docs/plugins/tls.md, config/tls.ini and tls_socket.js of Haraka", notes: map[report.Setting]string{"": "The lines count for outgoing mail too, as far as [outbound] has none of its own. The user, the group and the service are as you have named them (user= in config/smtp.ini)."}, Where: "config/tls.ini; and the line tls in config/plugins", dialect: byLines("%s=%s"), Reload: "systemctl restart haraka",
		lists: map[string]list{"ciphers": {":", "HIGH", ""}},
		settings: map[report.Setting][]edit{
			report.SetCertificate:       {{"key", set, "{key}"}, {"cert", set, "{certificate}"}},
			report.SetVersions:          {{"minVersion", set, "TLSv1.2"}},
			report.SetSuites:            {{"ciphers", add, modernSuites}},
			report.SetGroups:            {{"ciphers", add, "!kDHE"}},
			report.SetOrder:             {{"honorCipherOrder", set, "true"}},
			report.SetClientCertificate: {{"requestCert", set, "false"}, {"rejectUnauthorized", set, "false"}},
		}, copies: "-o root -g haraka", folder: "/etc/haraka"},
	{Name: "Stalwart", source: "2026-11-28 stalw.art/docs/0.15/server/tls/certificates", Where: "its configuration, up to version 0.15; or its web administration", dialect: asWritten, Reload: "systemctl restart stalwart",
		Own:      "Stalwart can get its certificates by itself: its web administration, Settings: TLS, has a page for ACME providers.",
		settings: map[report.Setting][]edit{report.SetCertificate: {{"certificate", set, "[certificate.\"default\"]\ncert = \"%{file:{certificate}}%\"\nprivate-key = \"%{file:{key}}%\"\ndefault = true"}}}, copies: "-o root -g stalwart", folder: "/etc/stalwart"},
	{Name: "mox", source: "2026-11-28 config/config.go of mox: Listener", Where: "config/mox.conf, the listener that serves port 25", dialect: asWritten, Reload: "systemctl restart mox",
		Own:   "mox gets its certificates by itself, with the ACME entry of mox.conf that the listener names.",
		notes: map[report.Setting]string{report.SetSTARTTLS: "The word behind ACME is the name of an entry under ACME in the same file; “mox quickstart” writes one that is called letsencrypt."},
		settings: map[report.Setting][]edit{
			report.SetSTARTTLS:    {{"starttls", set, "TLS:\n\tACME: letsencrypt\nSMTP:\n\tEnabled: true\n\tNoSTARTTLS: false"}},
			report.SetCertificate: {},
			report.SetVersions:    {{"versions", set, "TLS:\n\tMinVersion: TLSv1.2"}},
		}},
}

// “all” is no interface on Linux.
var listen = []edit{{"listen on 0.0.0.0", set, "tls pki {host} hostname {host}"}, {"listen on ::", set, "tls pki {host} hostname {host}"}}

const listens = "The lines “listen on” replace those that listen on port 25 now. Beside them the address would be taken twice, and smtpd ends although “smtpd -n” finds no fault."

// behindListen: “smtp ciphers” would count for outgoing mail too.
const behindListen = "The words “ciphers …” go at the end of each line “listen on” of port 25. They need version 7.3, on OpenBSD 6.9."

// bothWays is of Exim's specification, option openssl_options.
const bothWays = "openssl_options counts for outgoing mail too."

const sharedList = "confCIPHER_LIST counts for outgoing mail too."

const schannel = "These settings hold for everything on the machine that uses Windows' own TLS, remote desktops and database clients among it."

// guessed are the programs shown where the greeting does not tell which it is.
var guessed = []string{"Postfix", "Exim"}

// mailcow are the settings of Postfix that its extra.cf takes. The old form of versions must not stand
// there: the container takes it for the wish to speak TLS 1.0, and sets OpenSSL to that and to security
// level 0 (data/Dockerfiles/postfix/docker-entrypoint.sh of mailcow-dockerized, 2026-08-05).
func mailcow() map[report.Setting][]edit {
	settings := without(postfix, report.SetSTARTTLS, report.SetCertificate, report.SetSignatures)
	settings[report.SetVersions] = []edit{{"smtpd_tls_protocols", set, ">=TLSv1.2"}, {"smtpd_tls_mandatory_protocols", set, ">=TLSv1.2"}}
	return settings
}

func without(settings map[report.Setting][]edit, names ...report.Setting) map[report.Setting][]edit {
	rest := make(map[report.Setting][]edit, len(settings))
	for k, v := range settings {
		if !slices.Contains(names, k) {
			rest[k] = v
		}
	}
	return rest
}
