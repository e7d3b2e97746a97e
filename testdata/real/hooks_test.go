package real

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// Every hook is run by the client that it is for, with a local authority (Pebble) that believes
// everything: for a server without TLSA records the certificate is deployed and the server reloaded, for
// one whose records name another key it is held back.
func TestHooks(t *testing.T) {
	a := newACME(t)
	for _, c := range []struct {
		name  string
		fetch func(t *testing.T, a acme, dir, host, hook string)
	}{{"certbot", withCertbot}, {"lego", withLego}, {"caddy", withCaddy}, {"acme.sh", withAcmeSh}} {
		t.Run(c.name, func(t *testing.T) {
			for _, host := range []struct {
				name     string
				deployed bool
			}{{"mx.trusted.test", true}, {"mx.exim.test", false}} {
				dir := t.TempDir()
				to := filepath.Join(dir, "mail")
				script, err := exec.Command(the.program(), "hook", c.name, host.name, "--to", to, "--reload", "touch "+filepath.Join(dir, "reloaded")).Output()
				if err != nil {
					t.Fatalf("hook: %v", err)
				}
				hook := filepath.Join(dir, "hook")
				if err := os.WriteFile(hook, script, 0o755); err != nil {
					t.Fatal(err)
				}
				c.fetch(t, a, dir, host.name, hook)
				_, missing := os.Stat(filepath.Join(to, "fullchain.pem"))
				_, silent := os.Stat(filepath.Join(dir, "reloaded"))
				_, waiting := os.Stat(filepath.Join(to, "waiting"))
				if (missing == nil) != host.deployed || (silent == nil) != host.deployed || (waiting == nil) == host.deployed {
					t.Errorf("%s: deployed: %v, reloaded: %v, held back: %v; want deployed: %v", host.name, missing == nil, silent == nil, waiting == nil, host.deployed)
				}
				if !host.deployed {
					continue
				}
				if _, err := tls.LoadX509KeyPair(filepath.Join(to, "fullchain.pem"), filepath.Join(to, "privkey.pem")); err != nil {
					t.Errorf("%s: what was deployed: %v", host.name, err)
				}
			}
		})
	}
}

// acme is a running authority.
type acme struct {
	directory string // its address
	own       string // PEM file with the certificate of its web server
	path      string // PATH on which mxseal trusts what it issues
}

// newACME starts Pebble, and puts a program mxseal that knows the world onto a PATH.
func newACME(t *testing.T) acme {
	t.Helper()
	dir := t.TempDir()
	port, management := freePort(t), freePort(t)
	own := filepath.Join(dir, "own.pem")
	ownCertificate(t, own)
	config := fmt.Sprintf(`{"pebble": {"listenAddress": "127.0.0.1:%s", "managementListenAddress": "127.0.0.1:%s", "certificate": %q, "privateKey": %q, "httpPort": 80, "tlsPort": 443}}`, port, management, own, own)
	if err := os.WriteFile(filepath.Join(dir, "pebble.json"), []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	run := the.In(dir)
	run.Env = append(os.Environ(), "PEBBLE_VA_ALWAYS_VALID=1", "PEBBLE_VA_NOSLEEP=1", "PEBBLE_WFE_NONCEREJECT=0")
	pebble, err := run.Start("pebble", run.Accepts("127.0.0.1:"+management), "pebble", "-config", filepath.Join(dir, "pebble.json"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pebble.Stop)
	a := acme{directory: "https://127.0.0.1:" + port + "/dir", own: own, path: dir + ":/usr/sbin:/usr/bin:/sbin:/bin"}
	root := rootOf(t, "https://127.0.0.1:"+management+"/roots/0")
	if err := os.WriteFile(filepath.Join(dir, "root.pem"), root, 0o644); err != nil {
		t.Fatal(err)
	}
	wrapper := "#!/bin/sh\ncommand=$1\nshift\nexec " + the.program() + " $command"
	for _, f := range the.flags() {
		wrapper += " " + f
	}
	wrapper += " --ca-file " + filepath.Join(dir, "root.pem") + " \"$@\"\n"
	if err := os.WriteFile(filepath.Join(dir, "mxseal"), []byte(wrapper), 0o755); err != nil {
		t.Fatal(err)
	}
	return a
}

// rootOf waits for the authority and asks for its root.
func rootOf(t *testing.T, url string) []byte {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	for range 100 {
		if r, err := client.Get(url); err == nil {
			defer r.Body.Close()
			root, err := io.ReadAll(r.Body)
			if err != nil {
				t.Fatal(err)
			}
			return root
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatal("pebble does not answer")
	return nil
}

// ownCertificate writes key and certificate of a web server on loopback.
func ownCertificate(t *testing.T, file string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		BasicConstraintsValid: true, IsCA: true}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	text := append(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// run runs a client, and says what it said where the test fails.
func (a acme) run(t *testing.T, env []string, program string, args ...string) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), 2*time.Minute)
	defer stop()
	c := exec.CommandContext(ctx, program, args...)
	c.Env = append([]string{"PATH=" + a.path, "HOME=" + t.TempDir(), "REQUESTS_CA_BUNDLE=" + a.own, "LEGO_CA_CERTIFICATES=" + a.own}, env...)
	out, err := c.CombinedOutput()
	t.Logf("%s %q (%v):\n%s", program, args, err, out)
}

func withCertbot(t *testing.T, a acme, dir, host, hook string) {
	hooks := filepath.Join(dir, "config", "renewal-hooks", "deploy")
	if err := os.MkdirAll(hooks, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(hook, filepath.Join(hooks, "mxseal")); err != nil {
		t.Fatal(err)
	}
	common := []string{"--config-dir", filepath.Join(dir, "config"), "--work-dir", filepath.Join(dir, "work"), "--logs-dir", filepath.Join(dir, "logs"), "--server", a.directory, "--non-interactive"}
	a.run(t, nil, "certbot", append(common, "certonly", "--standalone", "--http-01-port", freePort(t), "--agree-tos", "--register-unsafely-without-email", "-d", host)...)
	a.run(t, nil, "certbot", append(common, "renew", "--force-renewal", "--no-random-sleep-on-renew", "--http-01-port", freePort(t))...)
}

func withLego(t *testing.T, a acme, dir, host, hook string) {
	common := []string{"--server", a.directory, "--accept-tos", "--email", "owner@example.net", "--domains", host, "--path", filepath.Join(dir, "lego"), "--http", "--http.port", "127.0.0.1:" + freePort(t)}
	a.run(t, nil, filepath.Join(the.Cache, "usr/bin/lego"), append(common, "run", "--run-hook", hook)...)
}

// withCaddy has Caddy fetch a certificate; then cron would run the hook.
func withCaddy(t *testing.T, a acme, dir, host, hook string) {
	secure := freePort(t)
	config := fmt.Sprintf("{\n\tadmin off\n\tauto_https disable_redirects\n\tstorage file_system %s\n\thttp_port %s\n\thttps_port %s\n\tacme_ca %s\n\tacme_ca_root %s\n}\nhttps://%s:%s {\n\trespond ok\n}\n",
		filepath.Join(dir, "caddy"), freePort(t), secure, a.directory, a.own, host, secure)
	file := filepath.Join(dir, "Caddyfile")
	if err := os.WriteFile(file, []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	run := the.In(dir)
	run.Env = []string{"PATH=" + a.path, "HOME=" + dir}
	var found []string
	issued := func() error {
		if found, _ = filepath.Glob(filepath.Join(dir, "caddy", "certificates", "*", host, host+".crt")); len(found) != 1 {
			return errors.New("Caddy has no certificate")
		}
		return nil
	}
	caddy, err := run.Start("caddy", issued, "usr/bin/caddy", "run", "--config", file, "--adapter", "caddyfile")
	if err != nil {
		t.Fatal(err)
	}
	defer caddy.Stop()
	a.run(t, []string{"CADDY_CERTIFICATE=" + filepath.Dir(found[0])}, hook)
}

// withAcmeSh stands in for acme.sh, which Debian does not have: a certificate comes by lego, and the
// hook is run as acme.sh runs a reloadcmd, by a shell with its variables.
func withAcmeSh(t *testing.T, a acme, dir, host, hook string) {
	withLego(t, a, dir, host, "true")
	file := filepath.Join(dir, "lego", "certificates", host)
	a.run(t, []string{"CERT_PATH=" + file + ".crt", "CERT_FULLCHAIN_PATH=" + file + ".crt", "CERT_KEY_PATH=" + file + ".key", "CA_CERT_PATH=" + file + ".issuer.crt", "Le_Domain=" + host},
		"sh", "-c", "cd "+dir+" && eval "+hook)
}
