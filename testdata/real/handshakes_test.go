package real

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"mxseal/checks/lab"
)

// Why clients do otherwise than the report says.
const (
	notForSigning = "GnuTLS ends the handshake: the key is not for signing it"
	namesTheHost  = "it names the host; the report speaks of senders that do not"
	longList      = "GnuTLS verifies no list of more than 16 certificates"
)

// handshakes are cases of TLS and of certificates.
var handshakes = []*delivery{
	{name: "self-made", shows: "a certificate that signs itself", hosts: []mailHost{{chain: selfMade}}, letter: "D", want: all("tls")},

	{name: "at-sign", shows: "a PrintableString with @ in a leaf of the public authority", hosts: []mailHost{{chain: patched(atSign)}}, letter: "C", want: all("tls"), rules: []string{"CRT-02"}},
	{name: "negative-serial", shows: "a leaf with a negative serial number", hosts: []mailHost{{chain: patched(negativeSerial)}}, letter: "C", want: all("tls"), rules: []string{"CRT-02"}},
	{name: "at-sign-dane", shows: "the same leaf as first, and its key in a TLSA record", signed: true, zone: oneMX + "_25._tcp.mx TLSA {{tlsa `3 0 1` `mx`}}\n",
		hosts: []mailHost{{chain: patched(atSign)}}, letter: "A", want: all("tls")},

	{name: "sha1-signature", shows: "the server signs with SHA-1 alone, in TLS 1.2",
		hosts: []mailHost{{chain: onDisk("rsa", "rsa_keygen_bits:2048"), manner: manner{handshake: bySSL("-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0", "-sigalgs", "RSA+SHA1")}}}, letter: "D", want: but("tls", "opensmtpd", "clear"),
		why: map[string]string{"opensmtpd": "OpenSMTPD's library accepts no signature with SHA-1, and it sends in clear then", "s_client": "security level 2 accepts none"}},
	{name: "dhe-only", shows: "the server knows DHE with RSA alone, in TLS 1.2",
		hosts: []mailHost{{chain: onDisk("rsa", "rsa_keygen_bits:2048"), manner: manner{handshake: bySSL("-tls1_2", "-cipher", "DHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0")}}}, letter: "D", want: all("tls")},
	{name: "pss-key", shows: "a key for RSA-PSS alone", hosts: []mailHost{{chain: onDisk("rsa-pss", "rsa_keygen_bits:2048"), manner: manner{handshake: bySSL()}}}, letter: "D", want: all("tls")},
	{name: "pss-1024", shows: "a key of 1024 bits for RSA-PSS alone", hosts: []mailHost{{chain: onDisk("rsa-pss", "rsa_keygen_bits:1024"), manner: manner{handshake: bySSL()}}}, letter: "D", want: all("tls"), rules: []string{"CRT-16"}},
	{name: "ed448", shows: "an Ed448 key", hosts: []mailHost{{chain: onDisk("ed448", ""), manner: manner{handshake: bySSL()}}}, letter: "D", want: all("tls")},
	{name: "ed25519", shows: "an Ed25519 key", hosts: []mailHost{{chain: onDisk("ed25519", ""), manner: manner{handshake: bySSL()}}}, letter: "D", want: all("tls")},

	{name: "name-fatal", shows: "a hello that names the host ends in unrecognized_name", hosts: []mailHost{{chain: onDisk("rsa", "rsa_keygen_bits:2048"), manner: manner{handshake: nameFatal}}}, letter: "D", want: all("tls"),
		why: map[string]string{"gnutls-cli": namesTheHost, "s_client": namesTheHost}},
	{name: "name-fatal-dane", shows: "the same with a TLSA record that fits", signed: true, zone: oneMX + fits,
		hosts: []mailHost{{chain: onDisk("rsa", "rsa_keygen_bits:2048"), manner: manner{handshake: nameFatal}}}, letter: "D E", want: but("tls", "postfix-dane", "deferred", "exim", "deferred"),
		why: map[string]string{"gnutls-cli": namesTheHost, "s_client": namesTheHost}},
	{name: "name-chooses", shows: "the right certificate for those who name the host, the hoster's for the others",
		hosts: []mailHost{{manner: manner{tls: hosterFor("mx.name-chooses.test")}}}, letter: "C", want: all("tls"), absent: []string{"CRT-12"}},

	{name: "no-13", shows: "the server hangs up where the hello offers TLS 1.3", hosts: []mailHost{{manner: manner{tls: hangsUpOn13}}}, letter: "E F", want: all("clear")},

	{name: "usage-encipherment", shows: "an RSA leaf whose keyUsage has keyEncipherment alone", hosts: []mailHost{{chain: rsaLeaf(x509.KeyUsageKeyEncipherment)}}, letter: "C", want: but("tls", "exim", "clear"),
		why: map[string]string{"exim": notForSigning + "; Exim sends in clear then", "gnutls-cli": notForSigning}},
	{name: "usage-certsign", shows: "a leaf that may sign certificates alone", hosts: []mailHost{{chain: usage(x509.KeyUsageCertSign)}}, letter: "D", want: but("tls", "exim", "clear"),
		why: map[string]string{"exim": notForSigning + "; Exim sends in clear then", "gnutls-cli": notForSigning}},
	{name: "usage-crlsign", shows: "a leaf that may sign CRLs alone", hosts: []mailHost{{chain: usage(x509.KeyUsageCRLSign)}}, letter: "D", want: but("tls", "exim", "clear"),
		why: map[string]string{"exim": notForSigning + "; Exim sends in clear then", "gnutls-cli": notForSigning}},
	{name: "usage-commitment", shows: "a leaf with nonRepudiation alone", hosts: []mailHost{{chain: usage(x509.KeyUsageContentCommitment)}}, letter: "D", want: but("tls", "exim", "clear"),
		why: map[string]string{"exim": notForSigning + "; Exim sends in clear then", "gnutls-cli": notForSigning}},
	{name: "usage-any-purpose", shows: "a leaf with anyExtendedKeyUsage alone", hosts: []mailHost{{chain: leafWith(func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageAny} })}}, letter: "D", want: all("tls"),
		why: map[string]string{"gnutls-cli": "GnuTLS takes anyExtendedKeyUsage for a server's purpose; the report goes by OpenSSL here"}},
	{name: "usage-certsign-dane3", shows: "a leaf that may sign certificates alone, fitting 3 1 1", signed: true, zone: oneMX + fits,
		hosts: []mailHost{{chain: usage(x509.KeyUsageCertSign)}}, letter: "C", want: but("tls", "exim", "deferred"),
		why: map[string]string{"exim": notForSigning, "gnutls-cli": notForSigning}},
	{name: "usage-certsign-dane2", shows: "the same behind 2 1 1", signed: true, zone: oneMX + "_25._tcp.mx TLSA {{tlsa `2 1 1` `mx/root`}}\n",
		hosts: []mailHost{{chain: privateLeaf(signsCertificates)}}, letter: "D E", want: but("tls", "postfix-dane", "deferred", "exim", "deferred"),
		why: map[string]string{"gnutls-cli": notForSigning}},

	{name: "issuer-16th", shows: "26 certificates, the issuer at place 16", hosts: []mailHost{{chain: crowded(26, 16)}}, letter: "C", want: all("tls"), rules: []string{"CRT-04"},
		why: map[string]string{"gnutls-cli": longList}},
	{name: "certificates-140", shows: "140 certificates", hosts: []mailHost{{chain: crowded(140, 2)}}, letter: "C", want: all("tls"),
		why: map[string]string{"gnutls-cli": longList}},
	{name: "large-155k", shows: "a certificate of 155 KB", hosts: []mailHost{{chain: leafWith(func(c *x509.Certificate) {
		c.ExtraExtensions = append(c.ExtraExtensions, pkix.Extension{Id: []int{1, 3, 6, 1, 4, 1, 99999, 2}, Value: make([]byte, 155_000)})
	})}}, letter: "E F", want: all("clear")},

	{name: "sha1-cross", shows: "a SHA-1 cross-certificate in the list that nobody needs", hosts: []mailHost{{chain: sha1Cross}}, letter: "C", want: all("tls"), absent: []string{"CRT-19"}},
	{name: "younger-ca", shows: "a leaf past its end whose intermediate is younger", hosts: []mailHost{{chain: youngerCA}}, letter: "D", want: all("tls"), rules: []string{"CRT-06"}},
	{name: "constrained", shows: "an intermediate with a critical constraint on directory names", hosts: []mailHost{{chain: constrained(authority)}}, letter: "C", want: all("tls"), rules: []string{"CRT-02"},
		why: map[string]string{"gnutls-cli": "GnuTLS refuses constraints of a kind that it does not know"}},
	{name: "constrained-dane", shows: "the same behind 2 1 1 of an own root", signed: true, zone: oneMX + "_25._tcp.mx TLSA {{tlsa `2 1 1` `mx/root`}}\n",
		hosts: []mailHost{{chain: constrained(nil)}}, letter: "A", want: but("tls", "exim", "deferred"),
		why: map[string]string{"exim": "GnuTLS refuses constraints of a kind that it does not know"}},
	{name: "dane-two-good", shows: "2 1 1, the certificate names the MX host and the root is sent", signed: true, zone: oneMX + "_25._tcp.mx TLSA {{tlsa `2 1 1` `mx/root`}}\n",
		hosts: []mailHost{{chain: fromPrivate}}, letter: "A", want: all("tls")},
}

// hangsUpOn13 ends the connection of a client that knows TLS 1.3.
func hangsUpOn13(c *tls.Config) {
	c.GetConfigForClient = func(h *tls.ClientHelloInfo) (*tls.Config, error) {
		if slices.Contains(h.SupportedVersions, tls.VersionTLS13) {
			h.Conn.Close()
			return nil, errors.New("hung up")
		}
		return nil, nil
	}
}

// hosterFor shows another name's certificate to all but those who name the host.
func hosterFor(name string) func(*tls.Config) {
	return func(c *tls.Config) {
		other := fromCA("www.hoster.test").config()
		c.GetConfigForClient = func(h *tls.ClientHelloInfo) (*tls.Config, error) {
			if h.ServerName != name {
				return other, nil
			}
			return nil, nil
		}
	}
}

// onDisk is a certificate that signs itself, made by OpenSSL for kinds of keys that Go has not.
func onDisk(kind, option string) func(...string) chain {
	return func(names ...string) chain {
		dir := filepath.Join(the.Dir, "ssl")
		file := filepath.Join(dir, names[0])
		args := []string{"req", "-x509", "-newkey", kind, "-nodes", "-days", "60", "-subj", "/CN=" + names[0], "-addext", "subjectAltName=DNS:" + names[0],
			"-keyout", file + ".key", "-out", file + ".crt"}
		if option != "" {
			args = append(args, "-pkeyopt", option)
		}
		der := file + ".der"
		err := os.MkdirAll(dir, 0o755)
		for _, args := range [][]string{args, {"x509", "-in", file + ".crt", "-outform", "DER", "-out", der}} {
			if err == nil {
				var out []byte
				if out, err = exec.Command("openssl", args...).CombinedOutput(); err != nil {
					err = fmt.Errorf("openssl %v: %w\n%s", args, err, out)
				}
			}
		}
		leaf, readError := os.ReadFile(der)
		if err = errors.Join(err, readError); err != nil {
			panic(err)
		}
		return chain{key: newKeyP256(), sent: [][]byte{leaf}, named: map[string][]byte{"leaf": leaf}}
	}
}

// nameFatal is s_server that refuses the name of the host.
func nameFatal(c net.Conn, config *tls.Config) (net.Conn, error) {
	file := onDiskOf(config)
	return bySSL("-servername", "another.test", "-servername_fatal", "-cert2", file+".crt", "-key2", file+".key")(c, config)
}

// onDiskOf finds the files of a certificate that OpenSSL made.
func onDiskOf(config *tls.Config) string {
	leaf, err := x509.ParseCertificate(config.Certificates[0].Certificate[0])
	if err != nil {
		panic(err)
	}
	return filepath.Join(the.Dir, "ssl", leaf.Subject.CommonName)
}

// bySSL lets OpenSSL's s_server hold the handshake, a process for each.
func bySSL(args ...string) func(net.Conn, *tls.Config) (net.Conn, error) {
	return func(c net.Conn, config *tls.Config) (net.Conn, error) {
		port, err := lab.FreePort()
		if err != nil {
			return nil, err
		}
		address := fmt.Sprintf("127.0.0.1:%d", port)
		file := onDiskOf(config)
		cmd := exec.Command("openssl", append([]string{"s_server", "-quiet", "-naccept", "1", "-accept", address, "-cert", file + ".crt", "-key", file + ".key"}, args...)...)
		if !slices.Contains(args, "-cipher") {
			cmd.Args = append(cmd.Args, "-cipher", "DEFAULT:@SECLEVEL=0")
		}
		in, err := cmd.StdinPipe()
		if err != nil {
			return nil, err
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			return nil, err
		}
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		if err := cmd.Start(); err != nil {
			return nil, err
		}
		the.Keep(cmd.Process.Pid) // it ends with the world, however that ends
		var far net.Conn
		for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) { // on a busy machine it takes its time
			if far, err = net.Dial("tcp4", address); err == nil || time.Now().After(end) {
				break
			}
		}
		if err != nil {
			cmd.Process.Kill()
			cmd.Wait()
			return nil, err
		}
		go func() {
			io.Copy(far, c)
			far.(*net.TCPConn).CloseWrite()
		}()
		go func() {
			io.Copy(c, far)
			c.Close()
			far.Close()
		}()
		return &piped{Conn: c, in: out, out: in, end: func() {
			in.Close()
			time.AfterFunc(time.Second, func() { cmd.Process.Kill(); cmd.Wait() })
		}}, nil
	}
}

// piped is a connection whose octets pass through a process.
type piped struct {
	net.Conn
	in  io.Reader
	out io.Writer
	end func()
}

func (p *piped) Read(b []byte) (int, error)  { return p.in.Read(b) }
func (p *piped) Write(b []byte) (int, error) { return p.out.Write(b) }
func (p *piped) Close() error                { p.end(); return nil }

func leafWith(change func(*x509.Certificate)) func(...string) chain {
	return func(names ...string) chain {
		key, leaf := authority.issue(names, change)
		return chain{key: key, sent: [][]byte{leaf}, named: map[string][]byte{"leaf": leaf, "root": authority.root}}
	}
}

func usage(u x509.KeyUsage) func(...string) chain {
	return leafWith(func(c *x509.Certificate) { c.KeyUsage = u })
}

// privateLeaf is a changed leaf of an authority of its own, with the root.
func privateLeaf(change func(*x509.Certificate)) func(...string) chain {
	return func(names ...string) chain {
		a := newCA(nil, nil)
		key, leaf := a.issue(names, change)
		return chain{key: key, sent: [][]byte{leaf, a.root}, named: map[string][]byte{"leaf": leaf, "root": a.root}}
	}
}

func rsaLeaf(u x509.KeyUsage) func(...string) chain {
	return func(names ...string) chain {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err)
		}
		c := leafFor(names)
		c.KeyUsage = u
		leaf := create(c, authority.is, key.Public(), authority.key)
		return chain{key: key, sent: [][]byte{leaf}, named: map[string][]byte{"leaf": leaf}}
	}
}

// crowded sends n certificates, the issuer of the leaf at one place (from 1, the leaf's) and
// strangers everywhere else.
func crowded(n, place int) func(...string) chain {
	return func(names ...string) chain {
		issuer, stranger := newCA(authority, nil), newCA(nil, nil)
		key, leaf := issuer.issue(names, nil)
		sent := [][]byte{leaf}
		for i := 2; i <= n; i++ {
			if i == place {
				sent = append(sent, issuer.root)
				continue
			}
			sent = append(sent, newCA(stranger, nil).root)
		}
		return chain{key: key, sent: sent, named: map[string][]byte{"leaf": leaf}}
	}
}

// sha1Cross sends the public root as another authority has signed it with SHA-1.
func sha1Cross(names ...string) chain {
	above := newCA(nil, nil)
	is := *authority.is
	is.SerialNumber, is.SignatureAlgorithm = serial(), x509.ECDSAWithSHA1
	cross := create(&is, above.is, authority.key.Public(), above.key)
	key, leaf := authority.issue(names, nil)
	return chain{key: key, sent: [][]byte{leaf, cross}, named: map[string][]byte{"leaf": leaf}}
}

// youngerCA is a leaf past its end below an intermediate that has since been made anew.
func youngerCA(names ...string) chain {
	i := newCA(authority, func(c *x509.Certificate) { c.NotBefore = time.Now().AddDate(0, 0, -10) })
	key, leaf := i.issue(names, past)
	return chain{key: key, sent: [][]byte{leaf, i.root}, named: map[string][]byte{"leaf": leaf}}
}

// constrained is below an intermediate that excludes a directory name, by a critical
// constraint; below the authority, or a root of its own that is sent.
func constrained(above *ca) func(...string) chain {
	return func(names ...string) chain {
		root := above
		if root == nil {
			root = newCA(nil, nil)
		}
		i := newCA(root, func(c *x509.Certificate) {
			c.ExtraExtensions = append(c.ExtraExtensions, pkix.Extension{Id: []int{2, 5, 29, 30}, Critical: true, Value: excludesName("Nobody")})
		})
		key, leaf := i.issue(names, nil)
		ch := chain{key: key, sent: [][]byte{leaf, i.root}, named: map[string][]byte{"leaf": leaf, "root": root.root}}
		if above == nil {
			ch.sent = append(ch.sent, root.root)
		}
		return ch
	}
}

// der is an element of DER, for lengths up to 127.
func der(tag byte, parts ...[]byte) []byte {
	body := slices.Concat(parts...)
	return append([]byte{tag, byte(len(body))}, body...)
}

// excludesName is NameConstraints ::= { excludedSubtrees [1] { { base [4] CN=name } } }.
func excludesName(name string) []byte {
	cn := der(0x30, der(0x06, []byte{0x55, 4, 3}), der(0x0c, []byte(name)))
	return der(0x30, der(0xa1, der(0x30, der(0xa4, der(0x30, der(0x31, cn))))))
}

// patched is a leaf of the public authority that is changed in its octets and signed again.
func patched(change func(tbs []byte, names []string)) func(...string) chain {
	return func(names ...string) chain {
		key, leaf := authority.issue(names, func(c *x509.Certificate) { c.Subject = pkix.Name{CommonName: "mx-at-sign"} })
		leaf = resign(leaf, func(tbs []byte) { change(tbs, names) })
		return chain{key: key, sent: [][]byte{leaf}, named: map[string][]byte{"leaf": leaf}}
	}
}

func atSign(tbs []byte, _ []string) {
	i := strings.Index(string(tbs), "mx-at-sign")
	tbs[i+2] = '@' // the tag in front stays that of PrintableString
}

// negativeSerial sets the sign: version [0] takes five octets after the header of the
// sequence, then comes the number.
func negativeSerial(tbs []byte, _ []string) {
	i := strings.Index(string(tbs), "\xa0\x03\x02\x01\x02\x02") + 7
	tbs[i] |= 0x80
}
