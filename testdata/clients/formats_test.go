package clients

import (
	"bytes"
	"fmt"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"mxseal/testdata/daemon"
)

var regexpDomains = regexp.MustCompile(`\b[a-z0-9-]+\.test\b`)

// promtool reads the metrics of an instance and finds nothing to say about them.
func TestMetrics(t *testing.T) {
	checked(t, "certificate.test")
	c := command("promtool", "check", "metrics")
	c.Stdin, c.Stderr = bytes.NewReader(get(t, site.Admin+"/metrics")), nil
	if out, err := c.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%v\n%s", err, out)
	}
}

// report is what check writes in a format about domains of the lab.
func report(t *testing.T, dir, format string, domains ...string) (file string) {
	t.Helper()
	world := openLab(t)
	c := command(program, append([]string{"check", "--format", format, "--min-grade", "B", "--depth", "quick"}, domains...)...)
	c.Env = append(os.Environ(), world...)
	c.Stderr = nil
	out, err := c.Output()
	if _, ended := err.(*exec.ExitError); err != nil && !ended {
		t.Fatal(err)
	}
	file = filepath.Join(dir, "report."+format)
	must(t, os.WriteFile(file, out, 0o644))
	return file
}

// openLab starts “mxseal lab” and returns the environment that leads into it.
func openLab(t *testing.T) (world []string) {
	t.Helper()
	lab := command(program, "lab", "--dns-port", "15353", "--smtp-port", "12525", "--sts-port", "18443")
	out, err := lab.StdoutPipe()
	must(t, err)
	must(t, lab.Start())
	t.Cleanup(func() { lab.Process.Signal(os.Interrupt); lab.Wait() })
	text := make([]byte, 0, 1<<16)
	for buffer := make([]byte, 1<<12); !bytes.Contains(text, []byte("Ctrl-C closes it")); {
		n, err := out.Read(buffer)
		must(t, err)
		text = append(text, buffer[:n]...)
	}
	variable := map[string][]string{}
	for _, m := range regexp.MustCompile(`--([a-z-]+) (\S+)`).FindAllStringSubmatch(string(text), -1) {
		name := "MXSEAL_" + strings.ToUpper(strings.ReplaceAll(m[1], "-", "_"))
		variable[name] = append(variable[name], m[2])
	}
	for name, values := range variable {
		world = append(world, name+"="+strings.Join(values, " "))
	}
	return world
}

// xmllint holds what CI servers read against the form in which Jenkins takes it.
func TestJUnit(t *testing.T) {
	dir := t.TempDir()
	file := report(t, dir, "junit", "dane.test", "tlsa-mismatch.test", "hostile-text.test", "private-mx.test", "nothing.test", "many-mx.test", "a..b")
	said(t, ".", "xmllint", "--noout", "--schema", "junit.xsd", file)
	text, err := os.ReadFile(file)
	must(t, err)
	if n := strings.Count(string(text), "<testcase "); n != 7 {
		t.Errorf("%d cases, want one a domain and one for what is none\n%s", n, text)
	}
}

// librsvg, which code hosts and office programs draw with, draws every badge, each in its size and
// with as much ink as the bitmap that we draw ourselves has.
func TestBadgesInLibrsvg(t *testing.T) {
	dir := t.TempDir()
	for _, domain := range []string{"perfect.test", "sts.test", "no-starttls.test", "nothing.test", "never.test", "localhost"} {
		if strings.HasSuffix(domain, ".test") && domain != "never.test" {
			checked(t, domain)
		}
		for _, style := range []string{"flat", "seal"} {
			for _, theme := range []string{"light", "dark"} {
				query := "?style=" + style + "&theme=" + theme
				file := filepath.Join(dir, "badge")
				must(t, os.WriteFile(file+".svg", get(t, site.URL+"/badge/"+domain+".svg"+query), 0o644))
				said(t, dir, "rsvg-convert", "-o", file+".png", file+".svg")
				drawn, err := os.ReadFile(file + ".png")
				must(t, err)
				theirs, w1, h1 := ink(t, drawn)
				ours, w2, h2 := ink(t, get(t, site.URL+"/badge/"+domain+".png"+query))
				if w1 != w2 || h1 != h2 || theirs == 0 || theirs < ours/2 || theirs > ours*2 {
					t.Errorf("%s%s: librsvg draws %dx%d with %d light pixels, we draw %dx%d with %d", domain, query, w1, h1, theirs, w2, h2, ours)
				}
			}
		}
	}
}

// ink counts the pixels that differ much from the most frequent one: what is written.
func ink(t *testing.T, picture []byte) (n, width, height int) {
	t.Helper()
	img, err := png.Decode(bytes.NewReader(picture))
	must(t, err)
	size := img.Bounds().Size()
	colours := map[[3]uint32]int{}
	for y := range size.Y {
		for x := range size.X {
			r, g, b, _ := img.At(x, y).RGBA()
			colours[[3]uint32{r >> 12, g >> 12, b >> 12}]++
		}
	}
	most := 0
	for _, count := range colours {
		most = max(most, count)
	}
	return size.X*size.Y - most, size.X, size.Y
}

// The manual pages are without fault even of style.
func TestManual(t *testing.T) {
	dir := t.TempDir()
	must(t, command(program, "man", dir).Run())
	pages, err := filepath.Glob(filepath.Join(dir, "*.1"))
	must(t, err)
	if len(pages) < 9 {
		t.Fatalf("%d pages", len(pages))
	}
	for _, page := range pages {
		if out := said(t, dir, "mandoc", "-T", "lint", "-W", "all", page); out != "" {
			t.Errorf("%s:\n%s", filepath.Base(page), out)
		}
	}
}

// Behind nginx, as OPERATING.md has it and with TLS and HTTP/2 in front, the page of a running
// check is alive in Chromium: stages move before the report is there.
func TestNginx(t *testing.T) {
	dir, err := os.MkdirTemp("", "mxseal-nginx-")
	must(t, err)
	defer os.RemoveAll(dir)
	must(t, os.Chmod(dir, 0o755))
	manual, err := os.ReadFile("../../.github/OPERATING.md")
	must(t, err)
	_, block, found := strings.Cut(string(manual), "\n    server {\n")
	if !found {
		t.Fatal("OPERATING.md has no server for nginx")
	}
	block, _, _ = strings.Cut(block, "\n    }\n")
	port := free(t)
	address := "https://127.0.0.1:" + port
	behind, err := serve(dir, "--trusted-proxy", "127.0.0.1", "--base-url", address)
	must(t, err)
	defer behind.Kill()
	said(t, dir, "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "key.pem", "-out", "cert.pem")
	block = regexp.MustCompile(`(?m)^ *listen .*;\n`).ReplaceAllString(block, "")
	block = strings.ReplaceAll(block, "http://127.0.0.1:8080", behind.URL)
	block = strings.ReplaceAll(block, "server_name mxseal.example.net;", "server_name 127.0.0.1;")
	must(t, os.WriteFile(filepath.Join(dir, "nginx.conf"), []byte(fmt.Sprintf(`pid %[1]s/pid; error_log %[1]s/error.log; events {}
http { access_log %[1]s/access.log; client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy; fastcgi_temp_path %[1]s/f; uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s;
server { listen 127.0.0.1:%[2]s ssl http2; ssl_certificate %[1]s/cert.pem; ssl_certificate_key %[1]s/key.pem;
%[3]s } }
`, dir, port, block)), 0o644))
	up := func() error {
		out, err := exec.Command("curl", "--silent", "--insecure", "--write-out", " %{http_version}", address+"/healthz").CombinedOutput()
		if err == nil && !strings.HasSuffix(string(out), "ok\n 2") {
			err = fmt.Errorf("no answer by HTTP/2: %s", out)
		}
		return err
	}
	nginx, err := (&daemon.Run{Dir: dir}).Start("nginx", up, "nginx", "-e", "stderr", "-c", filepath.Join(dir, "nginx.conf"), "-g", "daemon off;")
	must(t, err)
	defer nginx.Stop()
	watch(t, address, "slow.test")
}
