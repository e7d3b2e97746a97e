package real

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"mxseal/checks/sender"
	receiver "mxseal/web/senders"
	"mxseal/web/store/sqlite"
)

// TestIssuedCertificates has the program get its certificates from Debian's Pebble, proven by its own zone, and
// renew them. Then real senders that verify meet them.
func TestIssuedCertificates(t *testing.T) {
	addresses := trapAddresses()
	maps.Copy(addresses, map[string]string{"pebble": "198.18.255.5", "site": "198.18.255.6"})
	p := newPost(t, "issued", addresses)
	p.delegateTraps()
	p.Levels = map[string][]string{"dane": {"smtp_tls_security_level=dane", "smtp_dns_support_level=dnssec"}, "verify": {"smtp_tls_security_level=verify"},
		"mta-sts": {"smtp_tls_security_level=may", "smtp_tls_policy_maps=socketmap:inet:" + p.IP["policies"] + ":8461:postfix"}}
	for _, level := range []string{"none", "may", "encrypt", "dane-only", "secure"} {
		p.Levels[level] = nil
	}
	p.startSenders("traps")

	const life = 60 * time.Second
	stopAuthority := p.startPebble(life)
	stop := p.startSite()
	p.awaitOffer(sender.STS)
	over := time.Now().Add(life)
	if id := p.startTest(time.Second); p.offered(id, sender.Expired) {
		t.Error("no certificate is over, and its trap is offered")
	}
	stop()
	stopAuthority()
	defer p.startPebble(24 * time.Hour)()
	time.Sleep(time.Until(over))
	defer p.startSite()()
	p.awaitOffer(sender.Expired)
	p.awaitOffer(sender.STS) // policy hosts get theirs after mail servers
	p.awaitRenewed(life)
	p.must(os.WriteFile(filepath.Join(p.Dir, "ca.pem"), p.fetch("https://"+p.IP["pebble"]+":15000/roots/0"), 0o644))
	p.startPolicies()

	list := []realSender{{name: "postfix-mta-sts", row: sender.RowMTASTS}, {name: "postfix-dane", row: sender.RowLenient}, {name: "postfix-verify", row: sender.RowPKIX}}
	ids := make([]string, len(list))
	for i, s := range list {
		ids[i] = p.startTest(time.Second)
		if !p.offered(ids[i], sender.Expired) {
			t.Fatal("a renewed certificate is over, and its trap is not offered")
		}
		p.must(p.submit(p.IP["postfix"], s.name, receiver.Addresses(p.test(ids[i]))...))
	}
	for i, s := range list {
		v := sender.Judge(p.test(ids[i]), time.Now())
		for end := time.Now().Add(120 * time.Second); v.Decided < v.Offered && time.Now().Before(end); v = sender.Judge(p.test(ids[i]), time.Now()) {
			time.Sleep(time.Second)
		}
		if v.Grade.Row != s.row || v.Decided < v.Offered {
			t.Errorf("%s: %+v, %d of %d decided\n%s\n%.3000s", s.name, v.Grade, v.Decided, v.Offered, trapTable(list[i:i+1], []timed{{Verdict: v}}), linesWith(p.Read("postfix.log"), s.name+"/"))
		}
	}
	p.selfTested()
	if t.Failed() {
		t.Logf("%s\n%s", p.last("site.log"), p.last("pebble.log"))
	}
}

// delegateTraps has the zones above name the zone of the test, and its key.
func (p *post) delegateTraps() {
	p.t.Helper()
	p.must(os.MkdirAll(filepath.Join(p.Dir, "data"), 0o755))
	kept, err := sqlite.Open(filepath.Join(p.Dir, "data", "mxseal.db"))
	p.must(err)
	side, err := receiver.New(p.t.Context(), receiver.Config{Zone: trapZone, Store: kept, Log: slog.New(slog.DiscardHandler)})
	p.must(err)
	p.must(kept.Close())
	p.signAbove(side.DS())
}

// command starts a program inside, whose words go to a file.
func (p *post) command(log string, env []string, name string, args ...string) (stop func()) {
	p.t.Helper()
	out, err := os.OpenFile(filepath.Join(p.Dir, log), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	p.must(err)
	defer out.Close()
	c := exec.Command(name, args...)
	c.Env = append([]string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/nonexistent"}, env...)
	c.Stdout, c.Stderr = out, out
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	p.must(p.space.Do(c.Start))
	return func() {
		c.Process.Signal(syscall.SIGTERM)
		c.Wait() // how it ends is of no interest
	}
}

// startPebble starts the authority, whose certificates live so long.
func (p *post) startPebble(life time.Duration) (stop func()) {
	p.t.Helper()
	identity := p.certificateFile("pebble", []string{"pebble.test"}, func(c *x509.Certificate) { c.IPAddresses = []net.IP{net.ParseIP(p.IP["pebble"])} })
	p.must(os.WriteFile(filepath.Join(p.Dir, "directory.pem"), block("CERTIFICATE", authority.root), 0o644))
	config := filepath.Join(p.Dir, "pebble.json")
	p.must(os.WriteFile(config, fmt.Appendf(nil, `{"pebble": {"listenAddress": "%[1]s:14000", "managementListenAddress": "%[1]s:15000", "certificate": %[2]q, "privateKey": %[2]q,
		"httpPort": 80, "tlsPort": 443, "certificateValidityPeriod": %[3]d}}`, p.IP["pebble"], identity, int(life.Seconds())), 0o644))
	stop = p.command("pebble.log", []string{"PEBBLE_VA_NOSLEEP=1"}, "pebble", "-config", config, "-dnsserver", p.IP["unbound"]+":53")
	if !listens(p.t, p.space, p.IP["pebble"]+":14000") {
		p.t.Fatal(p.last("pebble.log"))
	}
	return stop
}

// startSite starts the program.
func (p *post) startSite() (stop func()) {
	p.t.Helper()
	args := []string{"serve", "--listen", p.IP["site"] + ":8080", "--admin-listen", p.IP["site"] + ":9090", "--data", filepath.Join(p.Dir, "data"), "--resolver", p.IP["unbound"] + ":53",
		"--trust-anchor", filepath.Join(p.Dir, "anchor"), "--allow-net", "198.18.0.0/15", "--sender-zone", trapZone, "--sender-slots", "15",
		"--sender-acme", "https://" + p.IP["pebble"] + ":14000/dir", "--sender-acme-ca", filepath.Join(p.Dir, "directory.pem"), "--sender-acme-email", "operator@from.test"}
	for _, as := range trapRoles {
		args = append(args, "--sender-listen", p.IP[string(as)]+"="+string(as))
	}
	stop = p.command("site.log", nil, the.program(), args...)
	if !listens(p.t, p.space, p.IP["site"]+":8080") {
		p.t.Fatal(p.last("site.log"))
	}
	return stop
}

// client speaks HTTP inside.
func (p *post) client() *http.Client {
	dial := func(_ context.Context, network, address string) (c net.Conn, err error) {
		err = p.space.Do(func() error { c, err = net.DialTimeout(network, address, 5*time.Second); return err })
		return c, err
	}
	return &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// fetch is what a page says.
func (p *post) fetch(address string) []byte {
	p.t.Helper()
	r, err := http.NewRequest("GET", address, nil)
	p.must(err)
	r.Header.Set("Accept", "application/json")
	answer, err := p.client().Do(r)
	p.must(err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	p.must(err)
	return text
}

// startTest begins a test as soon as that is possible, and returns its id.
func (p *post) startTest(patience time.Duration) string {
	p.t.Helper()
	said := ""
	for end := time.Now().Add(patience); ; time.Sleep(200 * time.Millisecond) {
		answer, err := p.client().Post("http://"+p.IP["site"]+":8080/sender", "application/x-www-form-urlencoded", nil)
		p.must(err)
		text, _ := io.ReadAll(answer.Body)
		answer.Body.Close()
		if answer.StatusCode == http.StatusSeeOther {
			return strings.TrimPrefix(answer.Header.Get("Location"), "/sender/")
		}
		if said = string(text); time.Now().After(end) {
			p.t.Fatalf("no test begins: %s\n%.2000s\n%s\n%s", answer.Status, said, p.last("site.log"), p.last("pebble.log"))
		}
	}
}

// test is what was seen in a test, as the program has kept it.
func (p *post) test(id string) *sender.Evidence {
	p.t.Helper()
	kept, err := sqlite.Open(filepath.Join(p.Dir, "data", "mxseal.db"))
	p.must(err)
	defer kept.Close()
	one, err := kept.SenderTest(p.t.Context(), id)
	p.must(err)
	var body struct{ Evidence sender.Evidence }
	p.must(json.Unmarshal(one.Body, &body))
	return &body.Evidence
}

func (p *post) offered(id string, trap sender.Trap) bool { return p.test(id).Domains[trap] != "" }

// selfTested looks at the operator's page: all is met but names of addresses, for which there is no zone here.
func (p *post) selfTested() {
	p.t.Helper()
	page := string(p.fetch("http://" + p.IP["site"] + ":9090/senders"))
	for line := range strings.Lines(page) {
		if strings.HasPrefix(line, "failed") && !strings.HasPrefix(line, "failed  ptr") {
			p.t.Errorf("the self-test says: %s", line)
		}
	}
	for _, need := range []string{"delegation", "ds", "certificate", "policies", "expired", "ipv4", "port"} {
		if !strings.Contains(page, "ok  "+need+" ") {
			p.t.Errorf("the self-test does not find that %s is met", need)
		}
	}
	if p.t.Failed() {
		p.t.Log(page)
	}
}

// awaitOffer waits until the page on which a test begins no longer says that there is no such trap.
func (p *post) awaitOffer(trap sender.Trap) {
	p.t.Helper()
	for range 300 {
		if page := string(p.fetch("http://" + p.IP["site"] + ":8080/sender")); strings.Contains(page, "Start a test") && !strings.Contains(page, "No test can begin now") && !strings.Contains(page, "<li>"+sender.DesignOf(trap).Title+"</li>") {
			return
		}
		time.Sleep(200 * time.Millisecond)
	}
	p.t.Fatalf("the trap %s is not offered\n%s\n%s", trap, p.last("site.log"), p.last("pebble.log"))
}

// awaitRenewed waits until mail servers show a certificate that lives longer.
func (p *post) awaitRenewed(life time.Duration) {
	p.t.Helper()
	for range 900 {
		c, err := p.space.Output(p.t.Context(), "sh", "-c", "openssl s_client -connect "+p.IP["honest"]+":25 -starttls smtp </dev/null 2>/dev/null | openssl x509 -noout -checkend "+fmt.Sprint(int(life.Seconds())))
		p.must(err)
		if strings.Contains(string(c), "will not expire") {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	p.t.Fatalf("mail servers show no renewed certificate\n%s\n%s", p.last("site.log"), p.last("pebble.log"))
}

// last is what a program said lately.
func (p *post) last(log string) string {
	text := p.Read(log)
	return text[max(0, len(text)-4000):]
}
