package tls

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/smtp"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/cryptobyte"

	talk "mxseal/checks/starttls"
)

// said is what a ClientHello holds.
type said struct {
	versions, suites, groups, schemes []uint16
	named                             bool
}

func words(s cryptobyte.String) (out []uint16) {
	for v := uint16(0); s.ReadUint16(&v); {
		out = append(out, v)
	}
	return out
}

// readHello reads a ClientHello from its record (RFC 9846 §4.2.2).
func readHello(r io.Reader) (h said, ok bool) {
	head := make([]byte, 5)
	if _, err := io.ReadFull(r, head); err != nil {
		return h, false
	}
	body := make([]byte, int(head[3])<<8|int(head[4]))
	if _, err := io.ReadFull(r, body); err != nil {
		return h, false
	}
	s := cryptobyte.String(body)
	var skipped, suites, extensions cryptobyte.String
	if !s.Skip(4+2+32) || !s.ReadUint8LengthPrefixed(&skipped) || !s.ReadUint16LengthPrefixed(&suites) ||
		!s.ReadUint8LengthPrefixed(&skipped) || !s.ReadUint16LengthPrefixed(&extensions) {
		return h, false
	}
	h.suites = words(suites)
	for !extensions.Empty() {
		var id uint16
		var data, list cryptobyte.String
		if !extensions.ReadUint16(&id) || !extensions.ReadUint16LengthPrefixed(&data) {
			return h, false
		}
		switch id {
		case 0:
			h.named = true
		case 10:
			ok = data.ReadUint16LengthPrefixed(&list)
			h.groups = words(list)
		case 13:
			data.ReadUint16LengthPrefixed(&list)
			h.schemes = words(list)
		case 43:
			data.ReadUint8LengthPrefixed(&list)
			h.versions = words(list)
		}
	}
	return h, ok
}

// front is a mail server up to STARTTLS; behind it stands whatever is given the connection.
func front(t *testing.T, secured func(c net.Conn, in *bufio.Reader)) (port int) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				c.SetDeadline(time.Now().Add(30 * time.Second))
				fmt.Fprint(c, "220 mx.tls.test ESMTP\r\n")
				for in := bufio.NewReader(c); ; {
					line, err := in.ReadString('\n')
					if err != nil {
						return
					}
					switch verb, _, _ := strings.Cut(strings.ToUpper(strings.TrimSpace(line)), " "); verb {
					case "EHLO":
						fmt.Fprint(c, "250-mx.tls.test\r\n250 STARTTLS\r\n")
					case "STARTTLS":
						fmt.Fprint(c, "220 go\r\n")
						secured(c, in)
						return
					case "QUIT":
						fmt.Fprint(c, "221 bye\r\n")
						return
					default:
						fmt.Fprint(c, "451 not today\r\n")
					}
				}
			}()
		}
	}()
	return l.Addr().(*net.TCPAddr).Port
}

// sender runs a program that sends mail with what is unpacked beside the system, and returns
// what it says.
func sender(t *testing.T, env []string, command ...string) string {
	ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
	defer stop()
	c := exec.CommandContext(ctx, command[0], command[1:]...)
	c.Env = append([]string{"PATH=/usr/bin:/bin:/usr/sbin:/sbin", "LD_LIBRARY_PATH=" + the.Libraries}, env...)
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
	c.Stdin = strings.NewReader("Subject: test\n\ntest\n")
	out, _ := c.CombinedOutput()
	return string(out)
}

func write(t *testing.T, file, text string, mode os.FileMode) string {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	return file
}

// byPostfix opens TLS as smtp(8) does where smtp_tls_security_level is may.
func byPostfix(t *testing.T, port int) string {
	dir := t.TempDir()
	write(t, dir+"/main.cf", "compatibility_level = 3.6\nqueue_directory = "+dir+"\ndata_directory = "+dir+"\nshlib_directory = "+the.Cache+"/usr/lib/postfix\n", 0o644)
	write(t, dir+"/master.cf", "", 0o644)
	return sender(t, []string{"MAIL_CONFIG=" + dir}, the.Cache+"/usr/sbin/posttls-finger", "-c", "-l", "may", "-m", "1", "-t", "10", fmt.Sprintf("[127.0.0.1]:%d", port))
}

// byExim delivers a message and returns the log.
func byExim(t *testing.T, port int) string {
	dir, err := os.MkdirTemp(the.Dir, "sender-")
	if err != nil {
		t.Fatal(err)
	}
	u, err := user.Lookup("Debian-exim")
	if err != nil {
		t.Fatal(err)
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	os.Chmod(dir, 0o755)
	os.Chown(dir, uid, gid)
	conf := write(t, dir+".conf", fmt.Sprintf(`primary_hostname = sender.test
spool_directory = %[1]s
log_file_path = %[1]s/%%slog
log_selector = +tls_cipher
never_users =
keep_environment =
begin acl
begin routers
r:
  driver = manualroute
  transport = t
  route_list = * 127.0.0.1
  self = send
begin transports
t:
  driver = smtp
  port = %[2]d
begin retry
* * F,2h,15m
`, dir, port), 0o644)
	exim := the.Cache + "/usr/sbin/exim4"
	// It is asked to deliver by itself: as another user it would lose the way to its libraries.
	sender(t, nil, exim, "-C", conf, "-odq", "-f", "a@sender.test", "b@mx.tls.test")
	queued, _ := filepath.Glob(dir + "/input/*-H")
	if len(queued) != 1 {
		t.Fatalf("%d messages in Exim's queue", len(queued))
	}
	sender(t, nil, exim, "-C", conf, "-M", strings.TrimSuffix(filepath.Base(queued[0]), "-H"))
	log, _ := os.ReadFile(dir + "/mainlog")
	return string(log)
}

// byOpenSMTPD hands a message to a daemon that relays it.
func byOpenSMTPD(t *testing.T, port int, done func() bool) string {
	free, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	own := free.Addr().String()
	free.Close()
	host, number, _ := net.SplitHostPort(own)
	conf := write(t, filepath.Join(t.TempDir(), "smtpd.conf"), fmt.Sprintf("listen on %s port %s\naction \"r\" relay host \"smtp://127.0.0.1:%d\"\nmatch from any for any action \"r\"\n", host, number, port), 0o600)
	const private = `mount -t tmpfs -o mode=755 tmpfs /run && mount -t tmpfs -o mode=711 tmpfs /var/spool/smtpd && exec "$@"`
	c := exec.Command("unshare", "-m", "sh", "-c", private, "sh", the.Cache+"/usr/sbin/smtpd", "-d", "-f", conf)
	c.Env = []string{"PATH=/usr/bin:/bin:/usr/sbin:/sbin", "LD_LIBRARY_PATH=" + the.Libraries}
	var out bytes.Buffer
	c.Stdout, c.Stderr, c.SysProcAttr = &out, &out, &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		syscall.Kill(-c.Process.Pid, syscall.SIGTERM)
		time.AfterFunc(3*time.Second, func() { syscall.Kill(-c.Process.Pid, syscall.SIGKILL) })
		c.Wait()
	}()
	end := time.Now().Add(15 * time.Second)
	for err = net.ErrClosed; err != nil && time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		err = smtp.SendMail(own, nil, "a@sender.test", []string{"b@mx.tls.test"}, []byte("Subject: test\r\n\r\ntest\r\n"))
	}
	for err == nil && !done() && time.Now().Before(end) {
		time.Sleep(50 * time.Millisecond)
	}
	return ""
}

// The table of senders of today is what the installed ones say.
func TestSendersOfToday(t *testing.T) {
	for _, s := range talk.Senders {
		t.Run(s.ID, func(t *testing.T) {
			heard := make(chan said, 10)
			port := front(t, func(_ net.Conn, in *bufio.Reader) {
				if h, ok := readHello(in); ok {
					heard <- h
				}
			})
			switch s.ID {
			case "postfix":
				byPostfix(t, port)
			case "exim":
				byExim(t, port)
			case "opensmtpd":
				byOpenSMTPD(t, port, func() bool { return len(heard) > 0 })
			case "go": // the program's own library
				probeAt(t, port)
			}
			if len(heard) == 0 {
				t.Fatal("no hello was heard")
			}
			h := <-heard
			for _, c := range []struct {
				what      string
				got, want []uint16
			}{{"versions", h.versions, s.Versions}, {"suites", h.suites, s.Suites}, {"groups", h.groups, s.Groups}, {"signature schemes", h.schemes, s.Schemes}} {
				if !slices.Equal(c.got, c.want) {
					t.Errorf("%s are\n%#04x, in the table\n%#04x", c.what, c.got, c.want)
				}
			}
			if named := h.named; s.ID != "go" && named != s.Names { // the program is asked for an address here
				t.Errorf("names the host: %v", named)
			}
		})
	}
}

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
