package stack

import (
	"encoding/json"
	"fmt"
	"net"
	"path/filepath"
	"regexp"
	"strconv"
)

// Servers are the names of all stacks, in the order of their addresses.
var Servers = []string{"default", "hardened", "exim", "exim-open", "opensmtpd", "s_server", "openssl-1.0.1l", "ssl", "export", "openssl-3.5"}

// Claim gives every server an address of the first block 127.26.n.0/24 that is free, and holds it.
func (w *World) Claim() error {
	n, err := w.Run.Claim(26, len(Servers), w.Port)
	for i, server := range Servers {
		w.IP[server] = fmt.Sprintf("127.26.%d.%d", n, i+1)
	}
	return err
}

// Address is where a server is reached, host:port.
func (w *World) Address(server string) string {
	return net.JoinHostPort(w.IP[server], strconv.Itoa(w.Port))
}

// StartPostfix starts the servers default and hardened, which share one master.
func (w *World) StartPostfix() error {
	for _, file := range []string{"main.cf", "master.cf"} {
		if _, err := w.configure(file, file, w); err != nil {
			return err
		}
	}
	return w.start("postfix", w.Address("default"), w.Cache+"/usr/lib/postfix/sbin/master", "-s", "-c", w.Dir+"/etc")
}

// Start starts every server but Postfix.
func (w *World) Start() error {
	for _, name := range []string{"exim", "exim-open"} {
		file, err := w.configure("exim.conf", name+".conf", struct {
			*World
			Name, Listen string
		}{w, name, w.IP[name]})
		if err != nil {
			return err
		}
		if err := w.start(name, w.Address(name), w.Cache+"/usr/sbin/exim4", "-bdf", "-C", file); err != nil {
			return err
		}
	}
	if err := w.startOpenSMTPD(); err != nil {
		return err
	}
	if err := w.behind("s_server", func(host string, port int) []string {
		return []string{"openssl", "s_server", "-accept", net.JoinHostPort(host, strconv.Itoa(port)), "-rev",
			"-cert", w.Dir + "/rsa.pem", "-dcert", w.Dir + "/ecdsa.pem", "-cipher", "ALL:COMPLEMENTOFALL:@SECLEVEL=0",
			"-ciphersuites", "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256:TLS_AES_128_CCM_SHA256:TLS_AES_128_CCM_8_SHA256"}
	}); err != nil {
		return err
	}
	for _, n := range []struct {
		server, openssl string
		flags           []string
		options         map[string]any
	}{
		{"openssl-1.0.1l", "openssl-1.0.1l", []string{"--enable-ssl2", "--enable-ssl3"}, w.everything("rsa", "ecdsa")},
		{"ssl", "openssl-1.0.1l", []string{"--enable-ssl2", "--enable-ssl3"}, w.ofEveryKind("rsa", "ecdsa")},
		{"export", "openssl-1.0.1l", []string{"--enable-ssl2", "--enable-ssl3"}, w.everything("rsa512")},
		{"openssl-3.5", "openssl-3.5", nil, w.identity("rsa", "ecdsa")},
	} {
		script, err := w.configure("node.js", "node.js", nil)
		if err != nil {
			return err
		}
		if err := w.behind(n.server, func(host string, port int) []string {
			n.options["host"], n.options["port"] = host, port
			options, _ := json.Marshal(n.options) // strings and a number
			return append(append([]string{filepath.Join(w.Cache, "tls", n.openssl, "node")}, n.flags...), script, string(options))
		}); err != nil {
			return err
		}
	}
	return nil
}

// identity names the certificates of a Node server.
func (w *World) identity(certificates ...string) map[string]any {
	files := make([]string, len(certificates))
	for i, name := range certificates {
		files[i] = filepath.Join(w.Dir, name+".pem")
	}
	return map[string]any{"key": files, "cert": files}
}

// everything is all that OpenSSL 1.0.1 ever had.
func (w *World) everything(certificates ...string) map[string]any {
	options := w.identity(certificates...)
	options["secureProtocol"] = "SSLv23_method"
	options["ciphers"] = "ALL:COMPLEMENTOFALL"
	options["dhparam"] = filepath.Join(w.Dir, "dh512.pem")
	return options
}

// ofEveryKind is a suite or two of every kind that there was in SSL 2.0, SSL 3.0 and TLS 1.2.
func (w *World) ofEveryKind(certificates ...string) map[string]any {
	options := w.everything(certificates...)
	options["ciphers"] = "EXP-RC4-MD5:RC4-MD5:DES-CBC3-MD5:DES-CBC-SHA:IDEA-CBC-SHA:SEED-SHA:NULL-SHA:ADH-CAMELLIA256-SHA:AECDH-RC4-SHA:" +
		"EXP-EDH-RSA-DES-CBC-SHA:DHE-RSA-CAMELLIA128-SHA:ECDHE-ECDSA-AES128-SHA:AES256-SHA256:ECDHE-RSA-AES128-GCM-SHA256"
	options["secureOptions"] = 0x04000000 | 0x10000000 // SSL_OP_NO_TLSv1 and _1
	return options
}

func (w *World) startOpenSMTPD() error {
	file, err := w.configure("smtpd.conf", "smtpd.conf", w)
	if err != nil {
		return err
	}
	return w.start("opensmtpd", w.Address("opensmtpd"), w.OpenSMTPD(file)...)
}

// behind starts a TLS server one port above that of SMTP, and a relay in front of it.
func (w *World) behind(server string, command func(host string, port int) []string) error {
	host, port := w.IP[server], w.Port+1
	backend := net.JoinHostPort(host, strconv.Itoa(port))
	if err := w.start(server, backend, command(host, port)...); err != nil {
		return err
	}
	r, err := newRelay(w.Address(server), backend)
	w.relays[server] = r
	return err
}

// How the daemons log a connection.
var visit = map[string]*regexp.Regexp{
	"default":   regexp.MustCompile(`(?m) default/smtpd\[\d+\]: connect from`),
	"hardened":  regexp.MustCompile(`(?m) hardened/smtpd\[\d+\]: connect from`),
	"exim":      regexp.MustCompile(`(?m)SMTP connection from .*\(TCP/IP connection count`),
	"opensmtpd": regexp.MustCompile(`(?m) smtp connected `),
}

// Visits returns how many connections a server says it has had.
func (w *World) Visits(server string) int {
	if r := w.relays[server]; r != nil {
		return int(r.visits.Load())
	}
	file := map[string]string{"default": "postfix.log", "hardened": "postfix.log", "exim": "exim/mainlog", "opensmtpd": "opensmtpd.out"}[server]
	return len(visit[server].FindAllString(w.Read(file), -1))
}
