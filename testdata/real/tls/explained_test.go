package tls

// explained are the reasons for which the program and an oracle differ.
var explained = []explanation{
	{by: "oracle", version: `TLS1\.[01]|SSL3`, suite: ".*", unasked: true,
		why: "the program says that the connections to one address did not suffice for it"},
	{by: "mxseal", oracle: "sslscan", version: "SSL2", suite: "SSL_CK_.*",
		why: "sslscan sees that SSL 2.0 is there and does not list its ciphers"},
	{by: "mxseal", oracle: "sslscan", version: "SSL3", suite: ".*",
		why: "sslscan sees that SSL 3.0 is there and does not list its suites"},
	{by: "mxseal", oracle: "sslscan", server: "export", version: `TLS1\.2`, suite: ".*(SEED|DES|RC4).*",
		why: "sslscan offers SHA-512 first; a key of 512 bits cannot sign it, and the first failure ends its list of suites that OpenSSL 3 lacks"},
	{by: "mxseal", oracle: "sslscan", server: "opensmtpd", version: `TLS1\.[23]`, suite: ".*",
		why: "Debian 12's OpenSMTPD chooses a suite and then ends every handshake in alert 80; sslscan counts those that complete"},
}
