// Package stack runs the TLS stacks that mail servers are built on, each on an address of
// its own: Postfix, Exim and OpenSMTPD as they are, and OpenSSL of three ages behind a
// relay that speaks STARTTLS. Everything ends with the World, also when the process is
// killed.
package stack

import (
	"cmp"
	"embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"mxseal/testdata/daemon"
)

//go:embed etc
var configurations embed.FS

// World is what runs. Its fields are what the templates of etc/ refer to.
type World struct {
	*daemon.Run
	IP   map[string]string // by server
	Port int               // of SMTP

	relays map[string]*relay
}

// Open makes the folder of the run, its certificates and the program under test. The error
// says what is missing; Close is due in either case.
func Open() (*World, error) {
	run, err := daemon.Open("mxseal-tls-", "testdata/real/tls/install.sh", "stamp", "tls/stamp")
	w := &World{Run: run, IP: make(map[string]string), Port: 2525, relays: make(map[string]*relay)}
	if err != nil {
		return w, err
	}
	w.Env = []string{"MAIL_CONFIG=" + w.Dir + "/etc", "OPENSSL_CONF=/dev/null"}
	for _, step := range []func() error{w.makeFolders, w.mint, w.build} {
		if err := step(); err != nil {
			return w, err
		}
	}
	return w, nil
}

func (w *World) makeFolders() (err error) {
	// Postfix wants its queue there, whatever little of it is used.
	for dir, owner := range map[string]string{
		"etc": "", "postfix/queue/pid": "", "postfix/data": "postfix",
		"postfix/queue/private": "postfix", "postfix/queue/public": "postfix",
		"exim": "Debian-exim", "exim-open": "Debian-exim",
	} {
		err = errors.Join(err, w.Make(dir, owner))
	}
	return err
}

// Program is the path of the program under test: built from this tree, unless
// MXSEAL_REAL_PROGRAM names another.
func (w *World) Program() string {
	return cmp.Or(os.Getenv("MXSEAL_REAL_PROGRAM"), filepath.Join(w.Dir, "mxseal"))
}

func (w *World) build() error {
	if os.Getenv("MXSEAL_REAL_PROGRAM") != "" {
		return nil
	}
	_, err := daemon.Build(w.Dir)
	return err
}

// mint makes the certificates: RSA and ECDSA as everybody has them, and an RSA key of 512
// bits with a prime of the same size, which go with export suites.
func (w *World) mint() error {
	for name, key := range map[string][]string{
		"rsa":    {"-newkey", "rsa:2048"},
		"ecdsa":  {"-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"},
		"rsa512": {"-newkey", "rsa:512"},
	} {
		file := filepath.Join(w.Dir, name+".pem") // key and certificate, one behind the other
		request := append([]string{"req", "-x509", "-nodes", "-days", "90", "-subj", "/CN=mx.tls.test",
			"-addext", "subjectAltName=DNS:mx.tls.test", "-keyout", file, "-out", file + ".crt"}, key...)
		if out, err := exec.Command("openssl", request...).CombinedOutput(); err != nil {
			return fmt.Errorf("openssl req: %w\n%s", err, out)
		}
		certificate, err := os.ReadFile(file + ".crt")
		if err != nil {
			return err
		}
		if err := appendTo(file, certificate); err != nil {
			return err
		}
	}
	// A safe prime of 512 bits takes a second.
	if out, err := exec.Command("openssl", "dhparam", "-out", filepath.Join(w.Dir, "dh512.pem"), "512").CombinedOutput(); err != nil {
		return fmt.Errorf("openssl dhparam: %w\n%s", err, out)
	}
	// Exim reads its keys after it has given up being root; OpenSMTPD wants root's own.
	for _, name := range []string{"rsa", "ecdsa"} {
		identity, err := os.ReadFile(filepath.Join(w.Dir, name+".pem"))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(w.Dir, "exim", name+".pem"), identity, 0o600); err != nil {
			return err
		}
		if err := w.Give("exim/"+name+".pem", "Debian-exim"); err != nil {
			return err
		}
	}
	return nil
}

func appendTo(file string, data []byte) error {
	f, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Close())
}

// configure fills a template of etc/ and returns the path of the file it became.
func (w *World) configure(name, as string, data any) (string, error) {
	return w.Configure(configurations, "etc/"+name, "etc/"+as, data)
}

// start runs one daemon until the World ends.
func (w *World) start(name, address string, command ...string) error {
	_, err := w.Run.Start(name, w.Accepts(address), command...)
	return err
}

// Close ends every daemon with all its children and removes the folder.
func (w *World) Close() error {
	for _, r := range w.relays {
		r.listener.Close()
	}
	return w.Run.Close()
}
