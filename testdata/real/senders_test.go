package real

import (
	"embed"
	"errors"
	"fmt"
	"net"
	"net/smtp"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"text/template"
	"time"

	"mxseal/testdata/space"
)

//go:embed senders traps watches
var sendersFiles embed.FS

// The servers that send, by the local part of the address they send from. Postfix is two:
// with opportunistic TLS, as Debian installs it, and with DANE.
var senders = []string{"postfix-may", "postfix-dane", "exim", "opensmtpd"}

// post is a small internet of its own with real senders in it, in a space.
type post struct {
	world
	space *space.Space
	t     *testing.T

	scripts map[*delivery][]*script
	Levels  map[string][]string // how Postfix asks for TLS, with its options
}

// postAddresses: 198.18.0.0/15 is for such tests (RFC 2544), and no sender thinks of it as
// its own network. The daemons are in 198.18.255.0/24, the cases in 198.18.n.0/24.
var postAddresses = map[string]string{
	"nsd": "198.18.255.1", "unbound": "198.18.255.2",
	"postfix": "198.18.255.11", "dane": "198.18.255.12", "exim": "198.18.255.13", "opensmtpd": "198.18.255.14",
}

// newPost makes the folders and the network, with daemons at addresses by their names. The keeper of
// the shared world ends them.
func newPost(t *testing.T, name string, addresses map[string]string) *post {
	t.Helper()
	p := &post{t: t, world: the.in(filepath.Join(the.Dir, name))}
	p.IP = addresses
	for _, dir := range []string{"zones", "certs", "etc", "run", "exim", "opensmtpd", "postfix/data", "postfix/queue/pid"} {
		p.must(os.MkdirAll(filepath.Join(p.Dir, dir), 0o755))
	}
	for _, dir := range []string{"incoming", "active", "deferred", "bounce", "defer", "flush", "trace", "private", "public", "maildrop", "hold", "corrupt", "saved"} {
		p.must(os.MkdirAll(filepath.Join(p.Dir, "postfix/queue", dir), 0o700))
		p.must(p.Give("postfix/queue/"+dir, "postfix"))
	}
	p.must(errors.Join(p.Give("postfix/data", "postfix"), p.Give("exim", "Debian-exim"), os.Chmod(filepath.Join(p.Dir, "opensmtpd"), 0o711)))

	var err error
	p.space, err = space.New()
	p.must(err)
	p.must(p.space.IP("addr", "add", "198.18.0.1/15", "dev", "lo")) // on loopback that is all of them
	for _, address := range p.IP {                                  // Postfix wants its own to be seen
		p.must(p.space.IP("addr", "add", address+"/32", "dev", "lo"))
	}
	resolv := "nameserver " + p.IP["unbound"] + "\noptions edns0 trust-ad\n"
	for file, text := range map[string]string{"resolv.conf": resolv, "hosts": "127.0.0.1 localhost\n"} {
		p.must(os.WriteFile(filepath.Join(p.Dir, file), []byte(text), 0o644))
		p.must(p.space.Bind(filepath.Join(p.Dir, file), "/etc/"+file))
	}
	// Some programs forget LD_LIBRARY_PATH before they start others.
	conf := strings.ReplaceAll(p.Libraries, ":", "\n") + "\n"
	p.must(os.WriteFile(filepath.Join(p.Dir, "ld.so.conf"), []byte(conf), 0o644))
	out, err := exec.Command("ldconfig", "-X", "-f", filepath.Join(p.Dir, "ld.so.conf"), "-C", filepath.Join(p.Dir, "ld.so.cache")).CombinedOutput()
	if err != nil {
		t.Fatalf("ldconfig: %v: %s", err, out)
	}
	p.must(p.space.Bind(filepath.Join(p.Dir, "ld.so.cache"), "/etc/ld.so.cache"))
	// OpenSMTPD's queue and socket have fixed places.
	p.must(p.space.Bind(filepath.Join(p.Dir, "opensmtpd"), "/var/spool/smtpd"))
	p.must(p.space.Bind(filepath.Join(p.Dir, "run"), "/run"))
	return p
}

func (p *post) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

// startSenders starts the name server, the resolver and everyone who sends, as the files of a folder say.
func (p *post) startSenders(folder string) {
	p.t.Helper()
	etc := p.configure(folder)
	p.begin(p.IP["exim"]+":25", "usr/sbin/exim4", "-bdf", "-C", etc+"/exim.conf")
	p.begin(p.IP["opensmtpd"]+":25", "usr/sbin/smtpd", "-dv", "-f", etc+"/smtpd.conf")
}

// configure writes the files of a folder, returns where they are, and starts what every post has: the name
// server, the resolver, and Postfix.
func (p *post) configure(folder string) (etc string) {
	p.t.Helper()
	all, err := template.ParseFS(sendersFiles, "senders/nsd.conf", "senders/unbound.conf", folder+"/*")
	p.must(err)
	etc = filepath.Join(p.Dir, "etc")
	for _, t := range all.Templates() {
		f, err := os.Create(filepath.Join(etc, t.Name()))
		p.must(err)
		p.must(errors.Join(t.Execute(f, p), f.Close()))
	}
	p.begin(p.IP["nsd"]+":53", "usr/sbin/nsd", "-d", "-c", etc+"/nsd.conf")
	p.begin(p.IP["unbound"]+":53", "usr/sbin/unbound", "-d", "-c", etc+"/unbound.conf")
	p.begin(p.IP["postfix"]+":25", "usr/lib/postfix/sbin/master", "-s", "-c", etc)
	return etc
}

// begin starts a daemon that listens at an address of the post.
func (p *post) begin(address string, command ...string) {
	p.t.Helper()
	if err := p.space.Do(func() error { return p.start(address, command) }); err != nil {
		p.t.Fatalf("%v\nPostfix: %s", err, p.Read("postfix.log"))
	}
}

// hand gives a sender one message for a domain.
func (p *post) hand(sender, domain string) error {
	return p.submit(p.IP[strings.TrimSuffix(strings.TrimSuffix(sender, "-may"), "-dane")], sender, "someone@"+domain)
}

// submit gives the server at an address one message, from a name at from.test to all recipients.
func (p *post) submit(server, from string, to ...string) error {
	at := server + ":25"
	var c net.Conn
	if err := p.space.Do(func() (err error) { c, err = net.DialTimeout("tcp4", at, 5*time.Second); return err }); err != nil {
		return err
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(30 * time.Second))
	s, err := smtp.NewClient(c, at)
	if err != nil {
		return err
	}
	steps := []func() error{
		func() error { return s.Hello("writer.from.test") },
		func() error { return s.Mail(from + "@from.test") },
	}
	for _, one := range to {
		steps = append(steps, func() error { return s.Rcpt(one) })
	}
	steps = append(steps, func() error {
		w, err := s.Data()
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "From: %s@from.test\r\nTo: %s\r\nSubject: try\r\n\r\nOne line.\r\n", from, to[0])
		return w.Close()
	}, s.Quit)
	for _, step := range steps {
		if err := step(); err != nil {
			return fmt.Errorf("%s for %s: %w", from, to[0], err)
		}
	}
	return nil
}

// What each sender logs once it has tried: the domain, what came of it, and why. Exim's own
// bounces go to from.test and are of no interest.
var fates = map[string]struct {
	file string
	line *regexp.Regexp
	says map[string]string
}{
	"postfix-may":  {"postfix.log", regexp.MustCompile(`postfix-may/smtp\[\d+\]: \w+: to=<someone@([^>]+)>.* status=(\w+) (.*)`), map[string]string{"sent": "sent", "deferred": "deferred", "bounced": "bounced"}},
	"postfix-dane": {"postfix.log", regexp.MustCompile(`postfix-dane/smtp\[\d+\]: \w+: to=<someone@([^>]+)>.* status=(\w+) (.*)`), map[string]string{"sent": "sent", "deferred": "deferred", "bounced": "bounced"}},
	"exim":         {"exim/mainlog", regexp.MustCompile(`\S+ (=>|==|\*\*) someone@(\S+) (.*)`), map[string]string{"=>": "sent", "==": "deferred", "**": "bounced"}},
	"opensmtpd":    {"smtpd.out", regexp.MustCompile(`mta delivery .*to=<someone@([^>]+)> .*result="(\w+)" stat="?(.*)`), map[string]string{"Ok": "sent", "TempFail": "deferred", "PermFail": "bounced", "Loop": "bounced"}},
}

// fate is what a sender says of its first attempt.
type fate struct{ came, why string }

// read finds the fates of all domains in the log of a sender.
func (p *post) fates(sender string) map[string]fate {
	found := make(map[string]fate)
	f := fates[sender]
	for line := range strings.Lines(p.Read(f.file)) {
		m := f.line.FindStringSubmatch(strings.TrimSpace(line))
		if m == nil {
			continue
		}
		domain, word := m[1], m[2]
		if sender == "exim" {
			domain, word = m[2], m[1]
		}
		domain = strings.TrimSuffix(domain, ":")
		if _, known := found[domain]; !known {
			found[domain] = fate{f.says[word], m[3]}
		}
	}
	return found
}
