package remedy

import "slices"

// program is a mail server and how its settings are written. A setting that is not here
// cannot be made in it, or is as it should be in every version. Settings are made by lines, by
// commands or by both. What is printed for one finding is the same line for every other that
// needs the option, so that several taken together do not undo each other.
type program struct {
	name     string // as the starttls check recognises it, or a name for one that it does not know
	said     string // word of its greeting, in small letters, where the name alone does not tell
	label    string // where one name stands for several kinds
	where    string // the file, or the program to type into
	settings map[string]string
	commands map[string]string // settings made in a shell
	notes    map[string]string // what has to be known beside the lines of a setting, or by "" beside all
	reload   string            // command that makes it read its settings and certificate anew
	log      string            // commands that list sessions with versions that are going away
	copies   string            // owner and group for whom certificates are copied, where certbot's are not readable
	folder   string            // where the copies are kept
	own      string            // how it gets certificates, where that is not by certbot
}

// certificateFile and keyFile are where certbot keeps them.
func certificateFile(host string) string { return "/etc/letsencrypt/live/" + host + "/fullchain.pem" }
func keyFile(host string) string         { return "/etc/letsencrypt/live/" + host + "/privkey.pem" }

// The settings that the table knows: starttls, certificate, versions, suites, order (the
// server's own), groups (Diffie-Hellman and curves), signatures, compression, client certificate.

// The old form of versions is understood by every Postfix; that of 3.6, >=TLSv1.2, switches TLS
// off in older ones. Both parameters are needed: the second counts where TLS is demanded.
const postfixVersions = "smtpd_tls_protocols = !SSLv2, !SSLv3, !TLSv1, !TLSv1.1\nsmtpd_tls_mandatory_protocols = !SSLv2, !SSLv3, !TLSv1, !TLSv1.1"

// One list for all findings.
const postfixExcluded = "smtpd_tls_exclude_ciphers = aNULL, eNULL, EXPORT, DES, 3DES, RC2, RC4, MD5, kRSA, kDHE"

var postfix = map[string]string{
	"starttls":           "smtpd_tls_security_level = may",
	"certificate":        "smtpd_tls_chain_files = {key}, {certificate}",
	"versions":           postfixVersions,
	"suites":             "smtpd_tls_ciphers = medium\n" + postfixExcluded,
	"order":              "tls_preempt_cipherlist = no",
	"groups":             postfixExcluded,
	"compression":        "tls_ssl_options = NO_COMPRESSION, NO_RENEGOTIATION",
	"client certificate": "smtpd_tls_req_ccert = no",
}

// The level is for smtpd alone: in main.cf it would count for outgoing mail too. The list that
// the owner has stays.
var postfixCommands = map[string]string{
	"groups":     "postconf -X smtpd_tls_eecdh_grade tls_eecdh_auto_curves smtpd_tls_dh1024_param_file",
	"signatures": `postconf -P "smtp/inet/tls_medium_cipherlist=$(postconf -h tls_medium_cipherlist):@SECLEVEL=1"`,
}

var postfixNotes = map[string]string{
	"":            "Lines -o in master.cf win over main.cf: “postconf -P” shows them.",
	"starttls":    "If smtpd_discard_ehlo_keywords holds starttls, take that word out and leave the others. If smtpd_tls_security_level is encrypt already, leave it.",
	"certificate": "A second key and chain may follow in the same line: keep it. The line needs Postfix 3.4; before that smtpd_tls_cert_file and smtpd_tls_key_file.",
	"suites":      "Words that stand in smtpd_tls_exclude_ciphers already stay: put these beside them.",
	"groups":      "Words that stand in smtpd_tls_exclude_ciphers already stay: put these beside them. The command takes out settings that only older versions need: without them the library's own curves are offered.",
	"signatures":  "This is for OpenSSL 3, on which level 1 takes no SHA-1. " + keyFirst + " Behind postscreen the service is smtpd/pass.",
	"compression": "Words that stand in tls_ssl_options already stay: put these beside them.",
}

// gnutls is one option for all: Exim refuses a configuration in which one stands twice.
const gnutls = "tls_require_ciphers = NORMAL:-VERS-TLS1.0:-VERS-TLS1.1:-RSA:-DHE-RSA:-3DES-CBC:-ARCFOUR-128:-SIGN-RSA-SHA1:-SIGN-ECDSA-SHA1:%SERVER_PRECEDENCE"

const openssl = "openssl_options = +no_sslv2 +no_sslv3 +no_tlsv1 +no_tlsv1_1 +no_compression +no_renegotiation +cipher_server_preference"

const modernSuites = "HIGH:!aNULL:!eNULL:!kRSA:!kDHE:!3DES:!RC4:!MD5"

// eximSuites are at level 1, at which OpenSSL 3 takes no signature with SHA-1.
const eximSuites = "tls_require_ciphers = " + modernSuites + ":@SECLEVEL=1"

// keyFirst goes with security level 1.
const keyFirst = "With a key of fewer than 1024 bits the server has no TLS afterwards: change the key first."

const once = "Each line takes the place of one with the same name, if there is one: Exim refuses an option that stands twice, and does not start."

var programs = []program{
	{name: "mailcow", said: "postcow", where: "data/conf/postfix/extra.cf",
		settings: without(postfix, "starttls", "certificate"), notes: postfixNotes, reload: "docker compose restart postfix-mailcow",
		own: "mailcow gets its certificates by itself: put the names that are missing into ADDITIONAL_SAN in mailcow.conf, then “docker compose up -d” and “docker compose restart acme-mailcow”."},
	{name: "Mail-in-a-Box", said: "mail-in-a-box", where: "its control panel, System: TLS (SSL) Certificates",
		settings: map[string]string{"starttls": "", "certificate": "", "versions": "", "suites": ""}, reload: "sudo mailinabox",
		own: "Mail-in-a-Box gets its certificates by itself: in its control panel, System: TLS (SSL) Certificates, choose Provision."},
	{name: "Postfix", where: "/etc/postfix/main.cf", settings: postfix, commands: postfixCommands, notes: postfixNotes, reload: "postfix check && postfix reload",
		log: "postconf -e 'smtpd_tls_loglevel = 1' && postfix reload\n# a week later:\njournalctl -t postfix/smtpd --since '7 days ago' | grep -E 'TLS connection established from .*: TLSv1(\\.1)? '"},
	{name: "Exim", label: "of Debian or Ubuntu, with GnuTLS", where: "/etc/exim4/exim4.conf.localmacros (configuration split into files: /etc/exim4/conf.d/main/000_localmacros)",
		reload: "exim4 -bV | grep -i gnutls && update-exim4.conf && exim4 -bV >/dev/null && systemctl restart exim4",
		notes: map[string]string{"": once + " If update-exim4.conf prints an error, the old configuration stays in force: correct the line. “exim4 -bV” names the library; if that is OpenSSL, these lines stop Exim.",
			"certificate": "A line MAIN_TLS_CERTKEY goes."},
		settings: map[string]string{
			"starttls": "MAIN_TLS_ENABLE = yes\nMAIN_TLS_ADVERTISE_HOSTS = *", "certificate": "MAIN_TLS_CERTIFICATE = {certificate}\nMAIN_TLS_PRIVATEKEY = {key}",
			"versions": gnutls, "suites": gnutls, "order": gnutls, "groups": gnutls, "signatures": gnutls,
			"client certificate": "MAIN_TLS_VERIFY_HOSTS ="},
		log: `grep -E ' X=TLS1\.[01]:' /var/log/exim4/mainlog`, copies: "-o root -g Debian-exim", folder: "/etc/exim4"},
	{name: "Exim", label: "with OpenSSL, see exim -bV", where: "main section of its configuration", reload: "exim -bV | grep -i openssl && exim -bV >/dev/null && systemctl restart exim",
		notes: map[string]string{"": once + " “exim -bV” names the library; if that is GnuTLS, these lines stop Exim.",
			"suites": keyFirst, "signatures": keyFirst},
		settings: map[string]string{
			"starttls": "tls_advertise_hosts = *", "certificate": "tls_certificate = {certificate}\ntls_privatekey = {key}",
			"versions": openssl, "suites": eximSuites, "order": openssl, "compression": openssl,
			"groups": eximSuites + "\ntls_eccurve = auto", "signatures": eximSuites,
			"client certificate": "tls_verify_hosts ="},
		log: `grep -E ' X=TLSv?1(\.[01])?:' /var/log/exim/mainlog  # or where log_file_path says`, copies: "-o exim -g exim", folder: "/etc/exim"},
	{name: "OpenSMTPD", where: "/etc/mail/smtpd.conf (Debian: /etc/smtpd.conf)", reload: "smtpd -n && systemctl restart opensmtpd  # OpenBSD: rcctl restart smtpd",
		notes: map[string]string{"": "Version 6.8, that of Debian 12, fails every handshake with OpenSSL 3: it takes 7.0 or later.",
			"certificate": listens, "client certificate": listens},
		settings: map[string]string{
			"certificate":        "pki {host} cert \"{certificate}\"\npki {host} key \"{key}\"\n" + listen,
			"suites":             `smtp ciphers "` + modernSuites + `"`,
			"client certificate": listen,
		}},
	{name: "Sendmail", where: "/etc/mail/sendmail.mc", reload: "make -C /etc/mail && systemctl restart sendmail",
		settings: map[string]string{
			"certificate":        "define(`confCACERT', `/etc/ssl/certs/ca-certificates.crt')dnl\ndefine(`confCACERT_PATH', `/etc/ssl/certs')dnl\ndefine(`confSERVER_CERT', `{certificate}')dnl\ndefine(`confSERVER_KEY', `{key}')dnl",
			"versions":           sendmailOptions,
			"suites":             "LOCAL_CONFIG\nO CipherList=" + modernSuites,
			"order":              sendmailOptions,
			"client certificate": "define(`confTLS_SRV_OPTIONS', `V')dnl",
		}},
	{name: "Microsoft Exchange", where: "PowerShell on the server", reload: "Restart-Service MSExchangeTransport, MSExchangeFrontEndTransport  # versions and suites: restart Windows",
		own:   "Get one from a public authority with a request made by Exchange (New-ExchangeCertificate -GenerateRequest) or with an ACME program for Windows, and import it.",
		notes: map[string]string{"versions": schannel, "suites": schannel},
		settings: map[string]string{
			"certificate": "Get-ExchangeCertificate -DomainName {host} | Format-List Thumbprint, NotAfter\nEnable-ExchangeCertificate -Thumbprint <thumbprint> -Services SMTP",
			"versions": "foreach ($v in 'SSL 2.0', 'SSL 3.0', 'TLS 1.0', 'TLS 1.1') {\n" +
				"  $k = \"HKLM:\\SYSTEM\\CurrentControlSet\\Control\\SecurityProviders\\SCHANNEL\\Protocols\\$v\\Server\"\n" +
				"  New-Item $k -Force | Out-Null\n  New-ItemProperty $k -Name Enabled -Value 0 -PropertyType DWord -Force | Out-Null\n" +
				"  New-ItemProperty $k -Name DisabledByDefault -Value 1 -PropertyType DWord -Force | Out-Null\n}",
			"suites": "Get-TlsCipherSuite | Where-Object Name -Match '_RC4_|_3DES_|_NULL_|^TLS_RSA_' | ForEach-Object { Disable-TlsCipherSuite -Name $_.Name }",
		}},
	{name: "Haraka", where: "config/tls.ini; and the line tls in config/plugins", reload: "systemctl restart haraka",
		settings: map[string]string{
			"certificate":        "key={key}\ncert={certificate}",
			"versions":           "minVersion=TLSv1.2",
			"suites":             "ciphers=" + modernSuites,
			"order":              "honorCipherOrder=true",
			"client certificate": "requestCert=false\nrejectUnauthorized=false",
		}, copies: "-o root -g haraka", folder: "/etc/haraka"},
	{name: "Stalwart", where: "its configuration, up to version 0.15; or its web administration", reload: "systemctl restart stalwart",
		own:      "Stalwart can get its certificates by itself: its web administration, Settings: TLS, has a page for ACME providers.",
		settings: map[string]string{"certificate": "[certificate.\"default\"]\ncert = \"%{file:{certificate}}%\"\nprivate-key = \"%{file:{key}}%\"\ndefault = true"}, copies: "-o root -g stalwart", folder: "/etc/stalwart"},
	{name: "mox", where: "config/mox.conf, the listener that serves port 25", reload: "systemctl restart mox",
		own:   "mox gets its certificates by itself, with the ACME entry of mox.conf that the listener names.",
		notes: map[string]string{"starttls": "The word behind ACME is the name of an entry under ACME in the same file; “mox quickstart” writes one that is called letsencrypt."},
		settings: map[string]string{
			"starttls":    "TLS:\n\tACME: letsencrypt\nSMTP:\n\tEnabled: true\n\tNoSTARTTLS: false",
			"certificate": "",
			"versions":    "TLS:\n\tMinVersion: TLSv1.2",
		}},
}

// “all” is no interface on Linux.
const listen = "listen on 0.0.0.0 tls pki {host} hostname {host}\nlisten on :: tls pki {host} hostname {host}"

const listens = "The lines “listen on” take the place of those that listen on port 25 now: beside them the address would be taken twice, and smtpd ends although “smtpd -n” finds no fault."

const sendmailOptions = "LOCAL_CONFIG\nO ServerSSLOptions=+SSL_OP_NO_SSLv2 +SSL_OP_NO_SSLv3 +SSL_OP_NO_TLSv1 +SSL_OP_NO_TLSv1_1 +SSL_OP_CIPHER_SERVER_PREFERENCE"

const schannel = "These settings hold for everything on the machine that uses Windows' own TLS, remote desktops and database clients among it."

// guessed are the programs shown where the greeting does not tell which it is.
var guessed = []string{"Postfix", "Exim"}

func without(settings map[string]string, names ...string) map[string]string {
	rest := make(map[string]string, len(settings))
	for k, v := range settings {
		if !slices.Contains(names, k) {
			rest[k] = v
		}
	}
	return rest
}
