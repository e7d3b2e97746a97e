package remedy

// program is a mail server and how its settings are written. A setting that is not here
// cannot be made in it, or is as it should be in every version.
type program struct {
	name     string // as the starttls check recognises it, or a name for one that it does not know
	said     string // word of its greeting, in small letters, where the name alone does not tell
	label    string // where one name stands for several kinds
	where    string // the file, or the program to type into
	settings map[string]string
	reload   string // command that makes it read its settings and certificate anew
	log      string // command that lists sessions of today's log with versions that are going away
}

// certificateFile and keyFile are where certbot keeps them.
func certificateFile(host string) string { return "/etc/letsencrypt/live/" + host + "/fullchain.pem" }
func keyFile(host string) string         { return "/etc/letsencrypt/live/" + host + "/privkey.pem" }

// The settings that the table knows: starttls, versions, suites, order (the server's own),
// groups (Diffie-Hellman and curves), signatures, compression, client certificate.

// postfix is written for 3.6 and later.
var postfix = map[string]string{
	"starttls":           "smtpd_tls_security_level = may\nsmtpd_tls_chain_files = {key}, {certificate}\nsmtpd_discard_ehlo_keywords =",
	"versions":           "smtpd_tls_protocols = >=TLSv1.2\nsmtpd_tls_mandatory_protocols = >=TLSv1.2",
	"suites":             "smtpd_tls_ciphers = medium\nsmtpd_tls_exclude_ciphers = aNULL, eNULL, EXPORT, DES, 3DES, RC2, RC4, MD5, kRSA, kDH, kECDH",
	"order":              "tls_preempt_cipherlist = yes",
	"groups":             "smtpd_tls_eecdh_grade = auto\ntls_eecdh_auto_curves = X25519 prime256v1 secp384r1\nsmtpd_tls_dh1024_param_file = auto",
	"signatures":         "smtpd_tls_ciphers = medium\ntls_medium_cipherlist = DEFAULT:@SECLEVEL=2",
	"compression":        "tls_ssl_options = NO_COMPRESSION",
	"client certificate": "smtpd_tls_ask_ccert = no\nsmtpd_tls_req_ccert = no",
}

// gnutls is one option for all: later lines would replace earlier ones.
const gnutls = "tls_require_ciphers = NORMAL:-VERS-TLS1.0:-VERS-TLS1.1:-RSA:-DHE-RSA:-3DES-CBC:-ARCFOUR-128:-SIGN-RSA-SHA1:-SIGN-ECDSA-SHA1:%SERVER_PRECEDENCE"

const openssl = "openssl_options = +no_sslv2 +no_sslv3 +no_tlsv1 +no_tlsv1_1 +no_compression +cipher_server_preference"

const modernSuites = "HIGH:!aNULL:!eNULL:!kRSA:!3DES:!RC4:!MD5"

var programs = []program{
	{name: "mailcow", said: "postcow", where: "data/conf/postfix/extra.cf",
		settings: without(postfix, "starttls"), reload: "docker compose restart postfix-mailcow"},
	{name: "Mail-in-a-Box", said: "mail-in-a-box", where: "its control panel, System: TLS (SSL) Certificates",
		settings: map[string]string{"starttls": "", "versions": "", "suites": ""}, reload: "sudo mailinabox"},
	{name: "Postfix", where: "/etc/postfix/main.cf", settings: postfix, reload: "postfix reload",
		log: `grep -E 'TLS connection established from .*: TLSv1(\.1)? ' /var/log/mail.log  # with smtpd_tls_loglevel = 1`},
	{name: "Exim", label: "with GnuTLS, as in Debian and Ubuntu", where: "main section of its configuration", reload: "systemctl restart exim4",
		settings: map[string]string{
			"starttls": exim, "versions": gnutls, "suites": gnutls, "order": gnutls, "groups": gnutls, "signatures": gnutls,
			"client certificate": "tls_verify_hosts ="},
		log: `grep -E ' X=TLS1\.[01]:' /var/log/exim4/mainlog`},
	{name: "Exim", label: "with OpenSSL, see exim -bV", where: "main section of its configuration", reload: "systemctl restart exim",
		settings: map[string]string{
			"starttls": exim, "versions": openssl, "suites": "tls_require_ciphers = " + modernSuites, "order": openssl, "compression": openssl,
			"groups": "tls_eccurve = auto\ntls_dhparam = ffdhe2048", "signatures": "tls_require_ciphers = " + modernSuites + ":@SECLEVEL=2",
			"client certificate": "tls_verify_hosts ="},
		log: `grep -E ' X=TLSv?1(\.[01])?:' /var/log/exim/mainlog`},
	{name: "OpenSMTPD", where: "/etc/mail/smtpd.conf (Debian: /etc/smtpd.conf)", reload: "smtpd -n && systemctl restart opensmtpd  # OpenBSD: rcctl restart smtpd",
		settings: map[string]string{
			"starttls":           "pki {host} cert \"{certificate}\"\npki {host} key \"{key}\"\nlisten on all tls pki {host} hostname {host}",
			"suites":             `smtp ciphers "` + modernSuites + `"`,
			"client certificate": "listen on all tls pki {host} hostname {host}",
		}},
	{name: "Sendmail", where: "/etc/mail/sendmail.mc", reload: "make -C /etc/mail && systemctl restart sendmail",
		settings: map[string]string{
			"starttls":           "define(`confSERVER_CERT', `{certificate}')dnl\ndefine(`confSERVER_KEY', `{key}')dnl\ndefine(`confCACERT_PATH', `/etc/ssl/certs')dnl",
			"versions":           "LOCAL_CONFIG\nO ServerSSLOptions=+SSL_OP_NO_SSLv2 +SSL_OP_NO_SSLv3 +SSL_OP_NO_TLSv1 +SSL_OP_NO_TLSv1_1",
			"suites":             "LOCAL_CONFIG\nO CipherList=" + modernSuites,
			"order":              "LOCAL_CONFIG\nO ServerSSLOptions=+SSL_OP_CIPHER_SERVER_PREFERENCE",
			"client certificate": "define(`confTLS_SRV_OPTIONS', `V')dnl",
		}},
	{name: "Microsoft Exchange", where: "PowerShell on the server", reload: "Restart-Service MSExchangeTransport, MSExchangeFrontEndTransport  # versions and suites: restart Windows",
		settings: map[string]string{
			"starttls": "Get-ExchangeCertificate -DomainName {host} | Format-List Thumbprint, NotAfter\nEnable-ExchangeCertificate -Thumbprint <thumbprint> -Services SMTP",
			"versions": "foreach ($v in 'SSL 2.0', 'SSL 3.0', 'TLS 1.0', 'TLS 1.1') {\n" +
				"  $k = \"HKLM:\\SYSTEM\\CurrentControlSet\\Control\\SecurityProviders\\SCHANNEL\\Protocols\\$v\\Server\"\n" +
				"  New-Item $k -Force | Out-Null\n  New-ItemProperty $k -Name Enabled -Value 0 -PropertyType DWord -Force | Out-Null\n" +
				"  New-ItemProperty $k -Name DisabledByDefault -Value 1 -PropertyType DWord -Force | Out-Null\n}",
			"suites": "Get-TlsCipherSuite | Where-Object Name -Match '_RC4_|_3DES_|_NULL_|^TLS_RSA_' | ForEach-Object { Disable-TlsCipherSuite -Name $_.Name }",
		}},
	{name: "Haraka", where: "config/tls.ini; and the line tls in config/plugins", reload: "systemctl restart haraka",
		settings: map[string]string{
			"starttls":           "key={key}\ncert={certificate}",
			"versions":           "minVersion=TLSv1.2",
			"suites":             "ciphers=" + modernSuites,
			"order":              "honorCipherOrder=true",
			"client certificate": "requestCert=false\nrejectUnauthorized=false",
		}},
	{name: "Stalwart", where: "its configuration; or its web administration, where it fetches certificates by ACME itself", reload: "systemctl restart stalwart",
		settings: map[string]string{"starttls": "[certificate.\"default\"]\ncert = \"%{file:{certificate}}%\"\nprivate-key = \"%{file:{key}}%\"\ndefault = true"}},
	{name: "mox", where: "config/mox.conf, the listener that serves port 25", reload: "systemctl restart mox",
		settings: map[string]string{
			"starttls": "TLS:\n\tACME: letsencrypt\nSMTP:\n\tEnabled: true\n\tNoSTARTTLS: false",
			"versions": "TLS:\n\tMinVersion: TLSv1.2",
		}},
}

const exim = "tls_advertise_hosts = *\ntls_certificate = {certificate}\ntls_privatekey = {key}"

// guessed are the programs shown where the greeting does not tell which it is.
var guessed = []string{"Postfix", "Exim"}

func without(settings map[string]string, name string) map[string]string {
	rest := make(map[string]string, len(settings))
	for k, v := range settings {
		if k != name {
			rest[k] = v
		}
	}
	return rest
}
