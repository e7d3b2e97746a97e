package real

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/smtp"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"text/template"
	"time"

	"mxseal/testdata/space"
)

// town is where a machine is tried: its own network with one address, and beyond a cable the others:
// a root, example.net and example.org in NSD, a resolver, a server that takes the machine's mail, and a
// Postfix of Debian that sends it some.
type town struct {
	world
	t       *testing.T
	whole   *testing.T   // with which it ends
	home    *space.Space // the machine's
	outside *space.Space
	machine *machine
	sender  *machine // nil until it is asked for
	far     *script

	zone []string // of example.net, a record each
	key  string   // with which it is signed

	mu     sync.Mutex
	hellos []hello // of the machine, as it sends
}

const (
	host     = "mx.example.net" // the machine
	far      = "mx.example.org"
	homeIP   = "198.18.0.2"
	nsdIP    = "198.18.0.1"
	farIP    = "198.18.0.4"
	senderIP = "198.18.0.5"
	cacheIP  = "198.18.0.3"
)

// hello is what a client offers, without what is drawn anew each time.
type hello struct {
	Versions, Suites, Groups, Signatures, Extensions string
	Points                                           []byte
	ALPN                                             []string
	Name                                             string
}

func helloOf(h *tls.ClientHelloInfo) hello {
	return hello{fmt.Sprint(h.SupportedVersions), fmt.Sprint(h.CipherSuites), fmt.Sprint(h.SupportedCurves), fmt.Sprint(h.SignatureSchemes), fmt.Sprint(h.Extensions), h.SupportedPoints, h.SupportedProtos, h.ServerName}
}

// newTown makes the networks and starts the machine; records are those of example.net, which is
// signed.
func newTown(t *testing.T, image string, records ...string) *town {
	t.Helper()
	dir, err := os.MkdirTemp(the.Dir, "town")
	n := &town{t: t, whole: t, world: the.in(dir)}
	n.IP = map[string]string{"nsd": nsdIP, "unbound": cacheIP}
	n.must(err)
	n.must(os.Chmod(dir, 0o755))
	for _, folder := range []string{"zones", "etc"} {
		n.must(os.Mkdir(filepath.Join(dir, folder), 0o755))
	}
	n.home, err = space.New()
	n.must(err)
	n.outside, err = space.New()
	n.must(err)
	n.must(n.outside.Cable("out", n.home, "in"))
	for _, address := range []string{nsdIP, cacheIP, farIP, senderIP} {
		n.must(n.outside.IP("addr", "add", address+"/24", "dev", "out"))
	}
	n.must(n.outside.IP("link", "set", "out", "up"))
	n.must(n.home.IP("addr", "add", homeIP+"/24", "dev", "in"))
	n.must(n.home.IP("link", "set", "in", "up"))
	n.must(n.home.IP("route", "add", "default", "via", nsdIP))

	n.zone = append([]string{"example.net. IN SOA ns.test. hostmaster.test. 1 3600 600 86400 300", "example.net. IN NS ns.test."}, records...)
	n.key, err = n.newZoneKey("example.net.", "ECDSAP256SHA256")
	n.must(err)
	n.publish()
	n.Zones = append(n.Zones, zone{"example.net.", "example.net.zone.signed"})
	vouched, err := os.ReadFile(filepath.Join(dir, "zones", n.key+".ds"))
	n.must(err)
	_, err = n.signZone("example.org.", fmt.Sprintf("$ORIGIN example.org.\n@ MX 10 mx\nmx A %s\nmail A %s\n", farIP, senderIP), "")
	n.must(err)
	_, err = n.signZone("test.", "ns.test. A "+nsdIP+"\n", "")
	n.must(err)
	ds, err := n.signZone(".", "example.net. NS ns.test.\n"+string(vouched)+"example.org. NS ns.test.\ntest. NS ns.test.\nns.test. A "+nsdIP+"\n", "ECDSAP256SHA256")
	n.must(err)
	n.must(os.WriteFile(filepath.Join(dir, "anchor"), []byte(ds), 0o644))
	all, err := template.ParseFS(sendersFiles, "senders/nsd.conf", "senders/unbound.conf")
	n.must(err)
	for _, file := range all.Templates() {
		var text strings.Builder
		n.must(file.Execute(&text, n))
		fresh := strings.NewReplacer(`pidfile: ""`+"\n\tzonesdir", `pidfile: "`+dir+`/nsd.pid"`+"\n\tzonesdir", "\tdo-daemonize: no", "\tdo-daemonize: no\n\tcache-max-ttl: 0\n\tcache-max-negative-ttl: 0")
		n.must(os.WriteFile(filepath.Join(dir, "etc", file.Name()), []byte(fresh.Replace(text.String())), 0o644))
	}
	n.must(n.outside.Do(func() error { return n.start(nsdIP+":53", []string{"usr/sbin/nsd", "-d", "-c", dir + "/etc/nsd.conf"}) }))
	n.must(n.outside.Do(func() error {
		return n.start(cacheIP+":53", []string{"usr/sbin/unbound", "-d", "-c", dir + "/etc/unbound.conf"})
	}))
	n.must(os.WriteFile(filepath.Join(dir, "ca.pem"), block("CERTIFICATE", authority.root), 0o644))
	n.machine = boot(t, n.home, image, host, homeIP, cacheIP)
	return n
}

// publish signs the zone and has NSD, where it runs, read it anew.
func (n *town) publish() {
	n.t.Helper()
	for i := range n.zone {
		if f := strings.Fields(n.zone[i]); f[2] == "SOA" {
			serial, err := strconv.Atoi(f[5])
			n.must(err)
			f[5] = strconv.Itoa(serial + 1)
			n.zone[i] = strings.Join(f, " ")
		}
	}
	n.must(os.WriteFile(filepath.Join(n.Dir, "zones/example.net.zone"), []byte("$TTL 300\n"+strings.Join(n.zone, "\n")+"\n"), 0o644))
	day := func(k int) string { return time.Now().UTC().AddDate(0, 0, k).Format("20060102150405") }
	_, err := n.ldns("ldns-signzone", "-o", "example.net.", "-i", day(-1), "-e", day(30), "-f", "example.net.zone.signed", "example.net.zone", n.key)
	n.must(err)
	if id, err := os.ReadFile(filepath.Join(n.Dir, "nsd.pid")); err == nil {
		pid, err := strconv.Atoi(strings.TrimSpace(string(id)))
		n.must(err)
		n.must(syscall.Kill(pid, syscall.SIGHUP))
		time.Sleep(time.Second)
	}
}

// tool runs a program of those that are unpacked beside the system.
func (n *town) tool(command string) (said string, err error) {
	args := strings.Fields(command)
	c := exec.Command(filepath.Join(n.Cache, args[0]), args[1:]...)
	c.Env = []string{"LD_LIBRARY_PATH=" + n.Libraries}
	out, err := c.CombinedOutput()
	return string(out), err
}

func (n *town) must(err error) {
	n.t.Helper()
	if err != nil {
		n.t.Fatal(err)
	}
}

// receive opens the server that takes what the machine sends, by the name that its certificate is for.
func (n *town) receive(name string) chain {
	n.t.Helper()
	n.far = &script{name: name, address: farIP, open: make(map[string]int), visits: make(map[string]int), seen: make(map[string][]visit)}
	c := fromCA(name)
	n.far.config = c.config()
	n.far.config.GetConfigForClient = func(h *tls.ClientHelloInfo) (*tls.Config, error) {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.hellos = append(n.hellos, helloOf(h))
		return nil, nil
	}
	n.must(n.outside.Do(func() error {
		l, err := net.Listen("tcp4", farIP+":25")
		if err == nil {
			go n.far.serve(l)
			n.t.Cleanup(func() { l.Close() })
		}
		return err
	}))
	return c
}

// sends has the machine send a message, and returns how it came and in which words it began TLS.
func (n *town) sends() (came string, offer hello) {
	n.t.Helper()
	before := n.far.all()
	n.mu.Lock()
	n.hellos = nil
	n.mu.Unlock()
	n.machine.must("printf 'Subject: out\\n\\nOne line.\\n' | /usr/sbin/sendmail -f someone@" + host + " someone@example.org")
	n.machine.await("its message to arrive", func() bool {
		for _, v := range n.far.all()[len(before):] {
			if v.delivered != "" {
				came = v.delivered
			}
		}
		return came != ""
	})
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.hellos) > 0 {
		offer = n.hellos[0]
	}
	return came, offer
}

// gets has the Postfix outside send the machine a message, and returns how it came: tls, clear or
// nothing.
func (n *town) gets(word string) string {
	n.t.Helper()
	if n.sender == nil {
		// After a handshake that failed, Postfix sends in clear at the next attempt.
		n.sender = boot(n.whole, n.outside, "postfix", "mail.example.org", senderIP, cacheIP)
		n.sender.must("postconf -e inet_interfaces=loopback-only myhostname=mail.example.org mydestination= smtp_bind_address=" + senderIP + " inet_protocols=ipv4 minimal_backoff_time=2s maximal_backoff_time=4s queue_run_delay=3s && systemctl start postfix")
	}
	n.sender.must("printf 'Subject: in\\n\\n" + word + "\\n' | /usr/sbin/sendmail -f writer@example.org someone@" + host)
	came := ""
	n.machine.await("a message to arrive", func() bool {
		// Its last Received field, in front, is the machine's own.
		text, _ := n.machine.run("cat /var/mail/someone /home/someone/Maildir/new/* 2>/dev/null")
		before, _, there := strings.Cut(text, word)
		if !there {
			return false
		}
		head := before[max(0, strings.LastIndex(before, "Return-Path")):]
		came = "clear"
		if strings.Contains(head, "ESMTPS") || strings.Contains(head, " with esmtps ") || strings.Contains(head, "TLS") {
			came = "tls"
		}
		return true
	})
	if came == "" {
		n.t.Logf("the sender says %s", n.sender.log())
		return "nothing"
	}
	return came
}

// logged has the log show that somebody still comes with an old version.
func (n *town) logged(s step) {
	n.t.Helper()
	for range 5 { // a process from before the reload may still take a connection
		n.old()
		if _, err := n.machine.run(s.Code); err == nil {
			return
		}
	}
	n.t.Errorf("nobody is found in the log by %s\n%s", s.Code, n.machine.log())
}

// all are the visits of everyone.
func (s *script) all() (visits []visit) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, who := range slices.Sorted(maps.Keys(s.seen)) {
		visits = append(visits, s.seen[who]...)
	}
	return visits
}

// old has somebody send the machine a message over TLS 1.0.
func (n *town) old() {
	n.t.Helper()
	var c net.Conn
	n.must(n.outside.Do(func() (err error) { c, err = net.DialTimeout("tcp4", homeIP+":25", 5*time.Second); return err }))
	defer c.Close()
	c.SetDeadline(time.Now().Add(30 * time.Second))
	s, err := smtp.NewClient(c, host)
	n.must(err)
	n.must(s.Hello("mail.example.org"))
	n.must(s.StartTLS(&tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS10, InsecureSkipVerify: true}))
	n.must(s.Mail("writer@example.org"))
	n.must(s.Rcpt("someone@" + host))
	w, err := s.Data()
	n.must(err)
	fmt.Fprint(w, "From: writer@example.org\r\nSubject: old\r\n\r\nOne line.\r\n")
	n.must(w.Close())
	n.must(s.Quit())
}

// look probes the machine, or checks the domain.
func (n *town) look(args ...string) (a advice) {
	n.t.Helper()
	out, err := n.outside.Output(n.t.Context(), the.program(), append(args, "--format", "json", "--pace", "0s", "--resolver", cacheIP+":53",
		"--trust-anchor", filepath.Join(n.Dir, "anchor"), "--ca-file", filepath.Join(n.Dir, "ca.pem"), "--allow-net", "198.18.0.0/15", "--helo", "mail.example.org")...)
	n.must(err)
	if err := json.Unmarshal(out, &a); err != nil {
		n.t.Fatalf("%v\n%.500s", err, out)
	}
	return a
}

// advice is the part of a report that these tests read.
type advice struct {
	Grade    struct{ Letter string }
	Findings []advised
}

type advised struct {
	Rule, Host, Verdict string
	Steps               []step
}

type step struct{ Who, Kind, Do, Where, Text, Code string }

func (a advice) has(rule string) bool {
	return slices.ContainsFunc(a.Findings, func(f advised) bool { return f.Rule == rule })
}

func (a advice) rules() (rules []string) {
	for _, f := range a.Findings {
		if len(f.Steps) > 0 {
			rules = append(rules, f.Rule)
		}
	}
	slices.Sort(rules)
	return slices.Compact(rules)
}
