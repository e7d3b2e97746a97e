package tls

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/smtp"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"mxseal/checks/lab"
)

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
	free, err := lab.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	host, number := "127.0.0.1", strconv.Itoa(int(free))
	own := net.JoinHostPort(host, number)
	conf := write(t, filepath.Join(t.TempDir(), "smtpd.conf"), fmt.Sprintf("listen on %s port %s\naction \"r\" relay host \"smtp://127.0.0.1:%d\"\nmatch from any for any action \"r\"\n", host, number, port), 0o600)
	command := the.OpenSMTPD(conf)
	c := exec.Command(command[0], command[1:]...)
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
	end := time.Now().Add(time.Minute)
	for err = net.ErrClosed; err != nil && time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		err = smtp.SendMail(own, nil, "a@sender.test", []string{"b@mx.tls.test"}, []byte("Subject: test\r\n\r\ntest\r\n"))
	}
	for err == nil && !done() && time.Now().Before(end) {
		time.Sleep(50 * time.Millisecond)
	}
	return ""
}

// byGnuTLS opens TLS with a host as gnutls-cli does; a certificate that nobody vouches for is no
// reason to stop.
func byGnuTLS(t *testing.T, host string, port int) string {
	return sender(t, nil, "gnutls-cli", "--starttls-proto=smtp", "--insecure", "--port", strconv.Itoa(port), host)
}

// byOpenSSL opens TLS with the defaults of Debian's library: security level 2.
func byOpenSSL(t *testing.T, port int) string {
	return sender(t, nil, "openssl", "s_client", "-starttls", "smtp", "-brief", "-connect", fmt.Sprintf("127.0.0.1:%d", port))
}
