package tls

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
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

// Servers that only some senders get on with: what the program says of Postfix and Exim is
// what becomes of them.
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
	dh1024 := filepath.Join(the.Dir, "dh1024.pem")
	if out, err := exec.Command("openssl", "dhparam", "-out", dh1024, "1024").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	all := "ALL:!aNULL:@SECLEVEL=0"
	for i, c := range []struct {
		why  string
		args []string // of openssl s_server
		want string   // of Postfix and Exim
	}{
		{"as usual", []string{"-cert", rsa}, "works works"},
		{"signatures with SHA-1", []string{"-cert", rsa, "-tls1_2", "-sigalgs", "RSA+SHA1", "-cipher", all}, "works works"},
		{"Diffie-Hellman in a prime field", []string{"-cert", rsa, "-tls1_2", "-cipher", "DHE-RSA-AES128-GCM-SHA256"}, "works works"},
		{"the same with 1024 bits", []string{"-cert", rsa, "-tls1_2", "-cipher", "DHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0", "-dhparam", dh1024}, "works works"},
		{"RSA keys", []string{"-cert", rsa, "-tls1_2", "-cipher", "AES128-GCM-SHA256"}, "works works"},
		{"a key for RSA-PSS", []string{"-cert", key("pss", "rsa-pss", "-pkeyopt", "rsa_keygen_bits:2048")}, "works works"},
		{"a key for Ed448", []string{"-cert", key("ed448", "ed448")}, "works works"},
		{"a key for Ed25519", []string{"-cert", key("ed25519", "ed25519")}, "works works"},
		{"P-521 alone", []string{"-cert", rsa, "-groups", "P-521"}, "works works"},
		{"X448 alone", []string{"-cert", rsa, "-groups", "X448"}, "works works"},
		{"ffdhe2048 alone, which Postfix leaves out", []string{"-cert", rsa, "-tls1_3", "-groups", "ffdhe2048"}, "fails works"},
		{"brainpoolP256r1 alone", []string{"-cert", rsa, "-groups", "brainpoolP256r1", "-cipher", "ECDHE:!aNULL:@SECLEVEL=0"}, "fails fails"},
		{"CCM, which no library of Go has", []string{"-cert", rsa, "-tls1_2", "-cipher", "AES128-CCM"}, "works works"},
		{"Camellia and RSA keys", []string{"-cert", rsa, "-tls1_2", "-cipher", "CAMELLIA128-SHA:@SECLEVEL=0"}, "works fails"},
		{"TLS 1.1", []string{"-cert", rsa, "-tls1_1", "-cipher", all}, "works works"},
		{"TLS 1.0", []string{"-cert", rsa, "-tls1", "-cipher", all}, "works works"},
		{"60 certificates", []string{"-cert", rsa, "-cert_chain", chain(60)}, "works works"},
		{"140 certificates, more than OpenSSL reads", []string{"-cert", rsa, "-cert_chain", chain(140)}, "fails works"},
		{"200 certificates, more than GnuTLS reads", []string{"-cert", rsa, "-cert_chain", chain(200)}, "fails fails"},
	} {
		t.Run(c.why, func(t *testing.T) {
			backend := fmt.Sprintf("127.0.0.1:%d", 21100+i) // no port that a client is given
			server := exec.CommandContext(t.Context(), "openssl", append([]string{"s_server", "-accept", backend, "-quiet", "-rev"}, c.args...)...)
			var out bytes.Buffer
			server.Stdout, server.Stderr = &out, &out
			if err := server.Start(); err != nil {
				t.Fatal(err)
			}
			defer func() { server.Process.Kill(); server.Wait() }()
			up := false
			for end := time.Now().Add(5 * time.Second); !up && time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
				if c, err := net.Dial("tcp4", backend); err == nil {
					c.Close()
					up = true
				}
			}
			if !up {
				t.Fatalf("s_server does not run: %s", &out)
			}
			port := front(t, func(client net.Conn, in *bufio.Reader) {
				b, err := net.Dial("tcp4", backend)
				if err != nil {
					return
				}
				go func() { io.Copy(b, in); b.Close() }()
				io.Copy(client, b)
			})
			finger, log := byPostfix(t, port), byExim(t, port)
			real := outcome(strings.Contains(finger, "TLS connection established")) + " " + outcome(!strings.Contains(log, "TLS session: (gnutls_handshake)"))
			v := probeAt(t, port)
			ours := v.says("Postfix") + " " + v.says("Exim")
			t.Logf("Postfix and Exim: %s; the program: %s", real, ours)
			if real != c.want || ours != c.want {
				t.Errorf("Postfix and Exim: %s, the program says: %s, want %s\n%s\n%.1500s\n%+v", real, ours, c.want, log, finger, v)
			}
		})
	}
}

func outcome(works bool) string {
	if works {
		return "works"
	}
	return "fails"
}
