package tls

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"text/tabwriter"

	"mxseal/testdata/daemon"
)

// verdict is the part of a report that says who completes a handshake.
type verdict struct {
	Findings []struct {
		Rule   string
		Params map[string]string
	}
	Hosts []struct {
		Addresses []struct {
			SMTP struct {
				STARTTLS string
				Ladder   json.RawMessage
			}
		}
	}
}

func probeAt(t *testing.T, port int) verdict {
	t.Helper()
	c := exec.CommandContext(t.Context(), the.Program(), "probe", fmt.Sprintf("127.0.0.1:%d", port), "--depth", "quick", "--format", "json",
		"--helo", reversible,
		"--allow-net", "127.0.0.0/8", "--resolver", "127.0.0.1:9")
	c.Env = []string{"HOME=" + the.Dir}
	out, _ := c.Output()
	var v verdict
	if err := json.Unmarshal(out, &v); err != nil {
		t.Fatalf("%v: %.300s", err, out)
	}
	return v
}

// says reports what the program says of a sender: works, fails, or nothing.
func (v verdict) says(name string) string {
	for _, f := range v.Findings {
		switch f.Rule {
		case "SMT-15":
			return "works"
		case "SMT-18":
			return "fails"
		case "SMT-19":
			if strings.Contains(f.Params["who"], name) {
				return "works"
			}
			return "fails"
		case "SMT-34", "SMT-35":
			if strings.Contains(f.Params["fails"], name) {
				return "fails"
			}
			return "works"
		}
	}
	return "nothing"
}

// clients open TLS with servers that only some get on with. What becomes of each is what the
// report says of a sender with its library, and what becomes of the client with the same
// library before it; otherwise the case says why.
var clients = []struct {
	name, as, like string // as: a sender in the report
	open           func(t *testing.T, port int) string
	works          func(said string) bool
}{
	{"Postfix", "Postfix", "", byPostfix, func(said string) bool { return strings.Contains(said, "TLS connection established") }},
	{"Exim", "Exim", "", byExim, func(said string) bool { return !strings.Contains(said, "TLS session: (gnutls_handshake)") }},
	{"gnutls-cli", "Exim", "Exim", func(t *testing.T, port int) string { return byGnuTLS(t, "127.0.0.1", port) },
		func(said string) bool { return strings.Contains(said, "Handshake was completed") }},
	// Debian's library is at security level 2, as OpenSMTPD leaves it; Postfix sets 0.
	{"s_client", "OpenSMTPD", "Postfix", byOpenSSL, func(said string) bool { return strings.Contains(said, "CONNECTION ESTABLISHED") }},
}

// Why s_client does otherwise than Postfix.
const (
	level2     = "security level 2 takes no signature with SHA-1, which is all that TLS 1.1 and 1.0 have; Postfix sets level 0"
	level2DH   = "security level 2 wants 2048 bits; Postfix sets level 0, which wants 1024"
	notDefault = "OpenSSL's DEFAULT leaves these suites out; Postfix and OpenSMTPD offer more than that"
)

// Servers that only some senders get on with: what the program says of senders is what becomes
// of them.
func TestWhoCompletesAHandshake(t *testing.T) {
	key := func(name string, args ...string) string {
		file := filepath.Join(the.Dir, "stack-"+name+".pem")
		out, err := exec.Command("openssl", append([]string{"req", "-x509", "-nodes", "-days", "90", "-subj", "/CN=mx.tls.test",
			"-keyout", file, "-out", file + ".crt", "-newkey"}, args...)...).CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, out)
		}
		certificate, _ := os.ReadFile(file + ".crt")
		private, _ := os.ReadFile(file)
		return write(t, file, string(private)+string(certificate), 0o600)
	}
	rsa := key("rsa", "rsa:2048")
	chain := func(n int) string {
		one, _ := os.ReadFile(rsa + ".crt")
		return write(t, filepath.Join(the.Dir, fmt.Sprintf("chain-%d.pem", n)), strings.Repeat(string(one), n), 0o600)
	}
	prime := func(bits string) string {
		file := filepath.Join(the.Dir, "dh"+bits+".pem")
		if out, err := exec.Command("openssl", "dhparam", "-out", file, bits).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return file
	}
	server := func(args ...string) func(port int) []string {
		return func(port int) []string {
			return append([]string{"openssl", "s_server", "-accept", fmt.Sprintf("127.0.0.1:%d", port), "-quiet", "-rev"}, args...)
		}
	}
	// OpenSSL 3 serves no prime below 1024 bits. Servers run in a folder of their own.
	script, err := filepath.Abs("stack/etc/node.js")
	if err != nil {
		t.Fatal(err)
	}
	old := func(dh string) func(port int) []string {
		return func(port int) []string {
			return []string{the.Cache + "/tls/openssl-1.0.1l/node", script,
				fmt.Sprintf(`{"host": "127.0.0.1", "port": %d, "key": [%q], "cert": [%q], "dhparam": %q, "ciphers": "DHE-RSA-AES128-GCM-SHA256"}`, port, rsa, rsa, dh)}
		}
	}
	all := "ALL:!aNULL:@SECLEVEL=0"
	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "case\tPostfix\tExim\tgnutls-cli\ts_client\treport: Postfix\tExim\tOpenSMTPD\twhy")
	for i, c := range []struct {
		shows string
		serve func(port int) []string
		want  string            // of the clients
		why   map[string]string // of a client
	}{
		{shows: "as usual", serve: server("-cert", rsa), want: "works works works works"},
		{shows: "signatures with SHA-1", serve: server("-cert", rsa, "-tls1_2", "-sigalgs", "RSA+SHA1", "-cipher", all), want: "works works works fails", why: map[string]string{"s_client": level2}},
		{shows: "Diffie-Hellman in a prime field", serve: server("-cert", rsa, "-tls1_2", "-cipher", "DHE-RSA-AES128-GCM-SHA256"), want: "works works works works"},
		{shows: "the same with 1024 bits", serve: server("-cert", rsa, "-tls1_2", "-cipher", "DHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0", "-dhparam", prime("1024")), want: "works works works fails", why: map[string]string{"s_client": level2DH}},
		{shows: "the same with 768 bits", serve: old(prime("768")), want: "fails fails fails fails"},
		{shows: "RSA keys", serve: server("-cert", rsa, "-tls1_2", "-cipher", "AES128-GCM-SHA256"), want: "works works works works"},
		{shows: "a key for RSA-PSS", serve: server("-cert", key("pss", "rsa-pss", "-pkeyopt", "rsa_keygen_bits:2048")), want: "works works works works"},
		{shows: "a key for Ed448", serve: server("-cert", key("ed448", "ed448")), want: "works works works works"},
		{shows: "a key for Ed25519", serve: server("-cert", key("ed25519", "ed25519")), want: "works works works works"},
		{shows: "P-521 alone", serve: server("-cert", rsa, "-groups", "P-521"), want: "works works works works"},
		{shows: "X448 alone", serve: server("-cert", rsa, "-groups", "X448"), want: "works works works works"},
		{shows: "ffdhe2048 alone", serve: server("-cert", rsa, "-tls1_3", "-groups", "ffdhe2048"), want: "fails works works works", why: map[string]string{"s_client": "Postfix offers the groups of tls_eecdh_auto_curves alone, which has no such"}},
		{shows: "brainpoolP256r1 alone", serve: server("-cert", rsa, "-groups", "brainpoolP256r1", "-cipher", "ECDHE:!aNULL:@SECLEVEL=0"), want: "fails fails fails fails"},
		{shows: "CCM, which no library of Go has", serve: server("-cert", rsa, "-tls1_2", "-cipher", "AES128-CCM"), want: "works works works fails", why: map[string]string{"s_client": notDefault}},
		{shows: "Camellia and RSA keys", serve: server("-cert", rsa, "-tls1_2", "-cipher", "CAMELLIA128-SHA:@SECLEVEL=0"), want: "works fails fails fails", why: map[string]string{"s_client": notDefault}},
		{shows: "TLS 1.1", serve: server("-cert", rsa, "-tls1_1", "-cipher", all), want: "works works works fails", why: map[string]string{"s_client": level2}},
		{shows: "TLS 1.0", serve: server("-cert", rsa, "-tls1", "-cipher", all), want: "works works works fails", why: map[string]string{"s_client": level2}},
		{shows: "60 certificates", serve: server("-cert", rsa, "-cert_chain", chain(60)), want: "works works works works"},
		{shows: "140 certificates, more than OpenSSL reads", serve: server("-cert", rsa, "-cert_chain", chain(140)), want: "fails works works fails"},
		{shows: "200 certificates, more than GnuTLS reads", serve: server("-cert", rsa, "-cert_chain", chain(200)), want: "fails fails fails fails"},
	} {
		t.Run(c.shows, func(t *testing.T) {
			port := behind(t, c.serve(21100+i), 21100+i) // no port that a client is given
			came, said := make(map[string]string), ""
			var got []string
			for _, p := range clients {
				out := p.open(t, port)
				came[p.name] = outcome(p.works(out))
				got, said = append(got, came[p.name]), said+fmt.Sprintf("\n%s: %.1500s", p.name, out)
			}
			v := probeAt(t, port)
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t", c.shows, strings.Join(got, "\t"), v.says("Postfix"), v.says("Exim"), v.says("OpenSMTPD"))
			for _, p := range clients {
				why := c.why[p.name]
				differs := came[p.name] != v.says(p.as) || p.like != "" && came[p.name] != came[p.like]
				switch {
				case differs && why == "":
					t.Errorf("%s: %s; the report says of %s: %s; nothing here says why", p.name, came[p.name], p.as, v.says(p.as))
				case !differs && why != "":
					t.Errorf("%s does as expected; nothing needs this reason: %s", p.name, why)
				case differs:
					fmt.Fprintf(w, "%s: %s", p.name, why)
				}
			}
			fmt.Fprintln(w)
			if strings.Join(got, " ") != c.want {
				t.Errorf("%v, want %s", got, c.want)
			}
			if t.Failed() {
				t.Logf("%s\n%+v", said, v)
			}
		})
	}
	w.Flush()
	t.Logf("what came of it:\n%s", &table)
}

// behind runs a TLS server on a port and returns the port of a mail server in front of it.
func behind(t *testing.T, command []string, port int) int {
	backend := fmt.Sprintf("127.0.0.1:%d", port)
	run := &daemon.Run{Dir: t.TempDir(), Env: os.Environ()} // OpenSSL as this machine has it
	server, err := run.Start("backend", run.Accepts(backend), command...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	return front(t, func(client net.Conn, in *bufio.Reader) {
		b, err := net.Dial("tcp4", backend)
		if err != nil {
			return
		}
		go func() { io.Copy(b, in); b.Close() }()
		io.Copy(client, b)
	})
}

func outcome(works bool) string {
	if works {
		return "works"
	}
	return "fails"
}
