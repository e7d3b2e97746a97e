package real

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"mxseal/checks/lab"
	"mxseal/checks/records"
)

// What tlsa prints is read by the programs that it is for: as a zone file by BIND and NSD, as an
// update by nsupdate and a BIND that carries it out, and by Terraform where that is installed.
// DNSControl and OctoDNS are not to be had; golden files hold those.
func TestRecordsAreRead(t *testing.T) {
	certificate := filepath.Join(the.Dir, "certs", "hardened.pem")
	roll := []string{"tlsa", certificate, "--next", filepath.Join(the.Dir, "certs", "default.pem"), "--issuer", filepath.Join(the.Dir, "ca.pem")}
	print := func(syntax string) string {
		t.Helper()
		c := exec.Command(the.program(), append(roll, "mx.example.net", "--format", syntax)...)
		out, err := c.Output()
		if err != nil {
			t.Fatalf("tlsa: %v", err)
		}
		return string(out)
	}
	dir := t.TempDir()
	zone := filepath.Join(dir, "example.net.zone")
	head := "$TTL 300\n@ IN SOA ns hostmaster 1 3600 600 86400 300\n@ IN NS ns\nns IN A 127.0.0.1\nmx IN A 127.0.0.1\n"
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cached := func(stdin, program string, args ...string) (string, error) {
		c := exec.Command(filepath.Join(the.Cache, program), args...)
		c.Env = []string{"LD_LIBRARY_PATH=" + the.Libraries}
		c.Stdin = strings.NewReader(stdin)
		out, err := c.CombinedOutput()
		return string(out), err
	}
	write(zone, head+print("zone"))
	for _, program := range []string{"usr/bin/named-checkzone", "usr/sbin/nsd-checkzone"} {
		if said, err := cached("", program, "example.net", zone); err != nil {
			t.Errorf("%s: %v\n%s", program, err, said)
		}
	}

	write(zone, head)
	port := freePort(t)
	write(filepath.Join(dir, "named.conf"), fmt.Sprintf("options { directory %q; listen-on port %s { 127.0.0.1; }; listen-on-v6 { none; }; pid-file none; recursion no; session-keyfile none; };\ncontrols { };\n"+
		"zone \"example.net\" { type primary; file %q; allow-update { 127.0.0.1; }; };\n", dir, port, zone))
	if err := the.start("127.0.0.1:"+port, []string{"usr/sbin/named", "-g", "-c", filepath.Join(dir, "named.conf")}); err != nil {
		t.Fatal(err)
	}
	ask := func(name, kind string) (string, error) {
		return cached("", "usr/bin/dig", "+short", "+norecurse", "@127.0.0.1", "-p", port, name, kind)
	}
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) { // it listens before it has the zone
		if said, err := ask("example.net", "SOA"); err == nil && strings.HasPrefix(said, "ns.") {
			break
		} else if time.Now().After(end) {
			t.Fatalf("BIND does not answer for its zone: %v\n%s", err, said)
		}
	}
	if said, err := cached("server 127.0.0.1 "+port+"\n"+print("nsupdate"), "usr/bin/nsupdate"); err != nil {
		t.Fatalf("nsupdate: %v\n%s", err, said)
	}
	said, err := ask("_25._tcp.mx.example.net", "TLSA")
	if err != nil {
		t.Fatal(err)
	}
	got := strings.ToLower(strings.Join(strings.Fields(said), ""))
	for line := range strings.Lines(print("zone")) {
		if _, data, ok := strings.Cut(line, "IN TLSA "); ok && !strings.Contains(got, strings.Join(strings.Fields(data), "")) {
			t.Errorf("the name server has not %s, but:\n%s", data, said)
		}
	}
	if n := strings.Count(said, "\n"); n != 3 {
		t.Errorf("the name server has %d records:\n%s", n, said)
	}

	// One in place of all three, and then that one less.
	one, err := records.Parse("_25._tcp.mx.example.net. IN TLSA 3 1 1 " + strings.Repeat("ab", 32))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		do   records.Do
		left int
	}{{records.Replace, 1}, {records.Delete, 0}} {
		orders, err := records.Change(c.do, records.Nsupdate, "", one)
		if err != nil {
			t.Fatal(err)
		}
		if said, err := cached("server 127.0.0.1 "+port+"\n"+orders, "usr/bin/nsupdate"); err != nil {
			t.Fatalf("nsupdate: %v\n%s\n%s", err, said, orders)
		}
		said, err := ask("_25._tcp.mx.example.net", "TLSA")
		if n := strings.Count(said, "\n"); err != nil || n != c.left {
			t.Errorf("after %s the name server has %d records, want %d; %v\n%s", c.do, n, c.left, err, said)
		}
	}

	if terraform, err := exec.LookPath("terraform"); err == nil {
		file := filepath.Join(dir, "mail.tf")
		write(file, print("terraform"))
		if said, err := exec.Command(terraform, "fmt", "-check", "-diff", file).CombinedOutput(); err != nil {
			t.Errorf("terraform fmt: %v\n%s", err, said)
		}
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	port, err := lab.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	return strconv.Itoa(int(port))
}
