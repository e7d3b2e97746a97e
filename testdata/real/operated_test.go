package real

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// instructions are what OPERATING.md says about the test of senders.
type instructions struct {
	blocks []string // of code
}

func readInstructions(t *testing.T) (of instructions) {
	t.Helper()
	text, err := os.ReadFile("../../.github/OPERATING.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## The test of senders\n")
	section, _, _ = strings.Cut(section, "\n## ")
	for _, m := range regexp.MustCompile(`(?m)(?:^(?:    .*)?\n)+`).FindAllString(section, -1) {
		if strings.TrimSpace(m) != "" {
			of.blocks = append(of.blocks, m)
		}
	}
	return of
}

// with is the block of code that has something in it.
func (of instructions) with(t *testing.T, part string) string {
	t.Helper()
	i := slices.IndexFunc(of.blocks, func(b string) bool { return strings.Contains(b, part) })
	if i < 0 {
		t.Fatalf("OPERATING.md shows nothing with %s", part)
	}
	return of.blocks[i]
}

// TestOperatingTheTestOfSenders does what OPERATING.md says, word by word, as a user who may open no port below
// 1024: the sockets, the flags, what the operator's page wants of the zone above, then nginx in front.
func TestOperatingTheTestOfSenders(t *testing.T) {
	of := readInstructions(t)
	addresses := trapAddresses()
	for _, as := range trapRoles {
		delete(addresses, string(as))
	}
	addresses["pebble"], addresses["site"] = "198.18.255.5", "198.18.255.6"
	p := newPost(t, "operated", addresses)
	p.Levels = map[string][]string{"none": nil, "may": nil, "encrypt": nil, "dane": nil, "dane-only": nil, "verify": nil, "secure": nil, "mta-sts": nil}
	unit := regexp.MustCompile(`(?m)^\s*Listen(Stream|Datagram)=(.+)$`).FindAllStringSubmatch(of.with(t, "FileDescriptorName=sender"), -1)
	for _, line := range unit {
		host, _, err := net.SplitHostPort(line[2])
		p.must(err)
		p.must(p.space.IP("addr", "replace", host+"/32", "dev", "lo"))
	}
	p.must(os.MkdirAll(filepath.Join(p.Dir, "data"), 0o755))
	p.must(p.Give("data", "nobody"))
	flags := strings.Fields(of.with(t, "--sender-zone"))

	stop := p.operate(unit, flags)
	records := p.wanted()
	if len(records) != 3 {
		t.Fatalf("the page of the operator wants %q of the zone above", records)
	}
	p.signChain(records)
	p.startSenders("traps")
	defer p.startPebble(24 * time.Hour)()
	stop() // with the trust anchor of this network, which is known only now
	stop = p.operate(unit, flags)
	p.awaitMet(2 * time.Minute)
	stop()

	unit = slices.DeleteFunc(unit, func(line []string) bool { return strings.HasSuffix(line[2], ":443") })
	i := slices.IndexFunc(flags, func(f string) bool { return strings.HasSuffix(f, "=policy") })
	flags[i] = "192.0.2.80=policy@127.0.0.1:8443"
	if text, err := os.ReadFile("../../.github/OPERATING.md"); err != nil || !strings.Contains(string(text), "`--sender-listen "+flags[i]+"`") {
		t.Errorf("OPERATING.md does not say %s", flags[i])
	}
	p.startNginx(of.with(t, "ssl_preread"))
	defer p.operate(unit, flags)()
	p.awaitMet(time.Minute)
	if from := p.askSite(); from != "198.18.0.1" {
		t.Errorf("behind nginx a web site sees %q as its visitor", from)
	}
	if t.Failed() {
		t.Logf("%s\n%s\n%.3000s", p.last("site.log"), p.last("nginx.log"), p.fetch("http://"+p.IP["site"]+":9090/senders"))
	}
}

// operate starts the program as systemd does: with the sockets of a unit, as somebody without rights.
func (p *post) operate(unit [][]string, flags []string) (stop func()) {
	p.t.Helper()
	var files []*os.File
	for _, line := range unit {
		files = append(files, p.socket(line[1], line[2]))
	}
	args := append([]string{"-c", `export LISTEN_PID=$$ && exec "$@"`, "sh", the.program(), "serve", "--listen", p.IP["site"] + ":8080", "--admin-listen", p.IP["site"] + ":9090", "--data", filepath.Join(p.Dir, "data"),
		"--resolver", p.IP["unbound"] + ":53", "--trust-anchor", p.anchor(), "--allow-net", "198.18.0.0/15", "--sender-acme", "https://" + p.IP["pebble"] + ":14000/dir", "--sender-acme-ca", p.directory()}, flags...)
	c := exec.Command("/bin/sh", args...)
	c.ExtraFiles = files
	c.Env = []string{"PATH=/usr/bin:/bin", "HOME=/nonexistent", fmt.Sprintf("LISTEN_FDS=%d", len(files)), "LISTEN_FDNAMES=" + strings.Join(slices.Repeat([]string{"sender"}, len(files)), ":")}
	out, err := os.OpenFile(filepath.Join(p.Dir, "site.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	p.must(err)
	defer out.Close()
	c.Stdout, c.Stderr = out, out
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	p.must(p.space.Do(c.Start))
	for _, f := range files {
		f.Close()
	}
	if !listens(p.t, p.space, p.IP["site"]+":9090") {
		p.t.Fatal(p.last("site.log"))
	}
	return func() {
		c.Process.Signal(syscall.SIGTERM)
		c.Wait() // how it ends is of no interest
	}
}

// socket is one that a unit asks for.
func (p *post) socket(kind, at string) (f *os.File) {
	p.t.Helper()
	p.must(p.space.Do(func() error {
		if kind == "Datagram" {
			s, err := net.ListenPacket("udp4", at)
			if err != nil {
				return err
			}
			defer s.Close()
			f, err = s.(*net.UDPConn).File()
			return err
		}
		s, err := net.Listen("tcp4", at)
		if err != nil {
			return err
		}
		defer s.Close()
		f, err = s.(*net.TCPListener).File()
		return err
	}))
	return f
}

// anchor is a trust anchor; before the root is signed one of nothing.
func (p *post) anchor() string {
	file := filepath.Join(p.Dir, "anchor")
	if _, err := os.Stat(file); err != nil {
		p.must(os.WriteFile(file, []byte(". DS 1 13 2 "+strings.Repeat("00", 32)+"\n"), 0o644))
	}
	return file
}

// directory are the roots of the authority.
func (p *post) directory() string {
	file := filepath.Join(p.Dir, "directory.pem")
	p.must(os.WriteFile(file, block("CERTIFICATE", authority.root), 0o644))
	return file
}

// wanted are the records that the operator's page wants in the zone above.
func (p *post) wanted() []string {
	p.t.Helper()
	page := string(p.fetch("http://" + p.IP["site"] + ":9090/senders"))
	return regexp.MustCompile(`(?m)^ {6}\S*traps\.example\.net\..*$`).FindAllString(page, -1)
}

// signChain has example.net lead to the zone of the test with some records, below a signed root.
func (p *post) signChain(records []string) {
	p.t.Helper()
	here := p.IP["nsd"]
	text := "ns.example.net. A " + here + "\n"
	for _, r := range records {
		text += strings.TrimSpace(r) + "\n"
	}
	ds, err := p.signZone("example.net.", text, "ECDSAP256SHA256")
	p.must(err)
	ds, err = p.signZone("net.", "ns.net. A "+here+"\nexample.net. NS ns.example.net.\nns.example.net. A "+here+"\n"+ds, "ECDSAP256SHA256")
	p.must(err)
	ds, err = p.signZone(".", "net. NS ns.net.\nns.net. A "+here+"\n"+ds, "RSASHA256")
	p.must(err)
	p.must(os.WriteFile(filepath.Join(p.Dir, "anchor"), []byte(ds), 0o644))
}

// awaitMet waits until the operator's page finds nothing wrong but names of addresses, for which there is no zone.
func (p *post) awaitMet(patience time.Duration) {
	p.t.Helper()
	bad := regexp.MustCompile(`(?m)^failed  [^p]|^failed  po`)
	for end := time.Now().Add(patience); ; time.Sleep(5 * time.Second) {
		page := string(p.fetch("http://" + p.IP["site"] + ":9090/senders"))
		if !bad.MatchString(page) {
			return
		}
		if time.Now().After(end) {
			p.t.Fatalf("the operator's page says:\n%s\n%s\n%s", page, p.last("site.log"), p.last("nginx.log"))
		}
	}
}

// startNginx has nginx do what a block of its configuration says, with a web site behind it.
func (p *post) startNginx(stream string) {
	p.t.Helper()
	identity := p.certificateFile("www", []string{"www.example.net"}, nil)
	config := filepath.Join(p.Dir, "etc", "nginx.conf")
	p.must(os.MkdirAll(filepath.Join(p.Dir, "nginx"), 0o755))
	p.must(os.WriteFile(config, fmt.Appendf(nil, `load_module %[1]s/usr/lib/nginx/modules/ngx_stream_module.so;
daemon off; pid %[2]s/nginx.pid; events {}
%[3]s
http {
	access_log off; client_body_temp_path %[2]s/nginx/b; proxy_temp_path %[2]s/nginx/p; fastcgi_temp_path %[2]s/nginx/f; uwsgi_temp_path %[2]s/nginx/u; scgi_temp_path %[2]s/nginx/s;
	server {
		listen 127.0.0.1:8444 ssl proxy_protocol; set_real_ip_from 127.0.0.1; real_ip_header proxy_protocol;
		ssl_certificate %[4]s; ssl_certificate_key %[4]s;
		location / { default_type text/plain; return 200 $remote_addr; }
	}
}
`, p.Cache, p.Dir, stream, identity), 0o644))
	p.must(p.space.Do(func() error {
		return p.start("192.0.2.80:443", []string{"usr/sbin/nginx", "-c", config, "-e", filepath.Join(p.Dir, "nginx.log")})
	}))
}

// askSite is whom the web site behind nginx takes for its visitor.
func (p *post) askSite() string {
	p.t.Helper()
	client := p.client()
	client.Transport.(*http.Transport).DialContext = func(context.Context, string, string) (c net.Conn, err error) {
		err = p.space.Do(func() error {
			c, err = (&net.Dialer{Timeout: 5 * time.Second, LocalAddr: &net.TCPAddr{IP: net.ParseIP("198.18.0.1")}}).Dial("tcp4", "192.0.2.80:443")
			return err
		})
		return c, err
	}
	client.Transport.(*http.Transport).TLSClientConfig = &tls.Config{InsecureSkipVerify: true}
	answer, err := client.Get("https://www.example.net/")
	p.must(err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	p.must(err)
	return string(text)
}
