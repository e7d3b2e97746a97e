package real

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"flag"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"mxseal/checks/report"
	"mxseal/checks/sender"
	receiver "mxseal/web/senders"
	issued "mxseal/web/senders/certificates"
	"mxseal/web/store/sqlite"
)

const trapZone = "traps.test"

// realSender is one server as it is configured, and what the test has to say of it.
type realSender struct {
	name   string // the local part of its messages, and of its name in the greeting
	daemon string // whose address takes the message
	row    sender.Row
	letter report.Letter
	rules  string // that have to be found
	runs   sender.Software
}

var realSenders = []realSender{
	{"postfix-none", "postfix", sender.RowClear, "F", "SND-02", sender.Postfix},
	{"postfix-may", "postfix", sender.RowOrdinary, "C", "SND-01 SND-05 SND-11 SND-17 SND-28", sender.Postfix},
	{"postfix-encrypt", "postfix", sender.RowEncrypts, "C", "SND-01 SND-06 SND-17", sender.Postfix},
	{"postfix-dane", "postfix", sender.RowLenient, "A", "SND-01 SND-16 SND-22 SND-24 SND-29", sender.Postfix},
	{"postfix-dane-only", "postfix", sender.RowDANEOnly, "A", "SND-03 SND-16", sender.Postfix},
	{"postfix-verify", "postfix", sender.RowPKIX, "C", "SND-01 SND-12 SND-17 SND-39", sender.Postfix},
	{"postfix-secure", "postfix", sender.RowDomain, "B", "SND-12", sender.Postfix},
	{"postfix-mta-sts", "postfix", sender.RowMTASTS, "B", "SND-01 SND-17 SND-27 SND-31", sender.Postfix},
	{"exim-plain", "exim", sender.RowOrdinary, "C", "SND-01 SND-17 SND-28", sender.Exim},
	{"exim-installed", "exim", sender.RowStrict, "A", "SND-01 SND-16", sender.Exim},
	{"exim-dane", "exim", sender.RowDANEOnly, "A", "SND-03 SND-16", sender.Exim},
	{"opensmtpd-plain", "opensmtpd", sender.RowOrdinary, "C", "SND-01 SND-17 SND-28", sender.OpenSMTPD},
}

// trapAddresses: our side is in 198.18.254.0/24, and each sender in a network of its own.
func trapAddresses() map[string]string {
	m := map[string]string{"nsd": "198.18.255.1", "unbound": "198.18.255.2", "policies": "198.18.255.3", "sink": "198.18.255.4",
		"postfix": "198.18.255.11", "exim": "198.18.255.13", "opensmtpd": "198.18.255.14"}
	for i, s := range realSenders {
		m[s.name] = fmt.Sprintf("198.18.%d.1", 100+i)
	}
	for i, as := range trapRoles {
		m[string(as)] = fmt.Sprintf("198.18.254.%d", i+1)
	}
	return m
}

var trapRoles = append([]sender.Manner{"dns", "policy"}, sender.Manners...)

var onlySenders = flag.String("senders", "", "take the senders whose name has this in it")

// TestTraps leads servers as people run them into every trap, and looks whether the verdict is right.
func TestTraps(t *testing.T) {
	realSenders := slices.DeleteFunc(slices.Clone(realSenders), func(s realSender) bool { return !strings.Contains(s.name, *onlySenders) })
	p := newPost(t, "traps", trapAddresses())
	side := p.openTraps(len(realSenders))
	p.Levels = map[string][]string{}
	for _, level := range []string{"none", "may", "encrypt", "dane", "dane-only", "verify", "secure"} {
		p.Levels[level] = []string{"smtp_tls_security_level=" + level}
	}
	p.Levels["dane"] = append(p.Levels["dane"], "smtp_dns_support_level=dnssec")
	p.Levels["dane-only"] = append(p.Levels["dane-only"], "smtp_dns_support_level=dnssec")
	p.Levels["mta-sts"] = []string{"smtp_tls_security_level=may", "smtp_tls_policy_maps=socketmap:inet:" + p.IP["policies"] + ":8461:postfix"}
	p.startSenders("traps")
	p.startPolicies()

	ids, began := make([]string, len(realSenders)), time.Now()
	for i, s := range realSenders {
		id, err := side.Start(t.Context(), netip.AddrFrom4([4]byte{192, 0, byte(i), 1}))
		p.must(err)
		e, err := side.Evidence(t.Context(), id)
		p.must(err)
		if len(e.Missing) > 0 {
			t.Fatalf("%s: not offered: %v", s.name, e.Missing)
		}
		ids[i] = id
		if err := p.submit(p.IP[s.daemon], s.name, receiver.Addresses(e)...); err != nil {
			t.Fatalf("%v\nPostfix: %s", err, p.Read("postfix.log"))
		}
	}
	verdicts := p.awaitVerdicts(side, ids, began, 100*time.Second)
	t.Logf("what came of it:\n%s", trapTable(realSenders, verdicts))
	for i, s := range realSenders {
		t.Run(s.name, func(t *testing.T) {
			s.compare(t, verdicts[i])
			if t.Failed() {
				t.Logf("Postfix: %.4000s", linesWith(p.Read("postfix.log"), s.name+"/"))
			}
		})
	}
	p.backToAuthors(side, ids, verdicts)
}

// openTraps starts our side, below a signed root and test, with more roles than those of IPv4.
func (p *post) openTraps(slots int, more ...string) *receiver.Senders {
	p.t.Helper()
	reports, err := sqlite.Open(filepath.Join(p.Dir, "mxseal.db"))
	p.must(err)
	p.t.Cleanup(func() { reports.Close() })
	p.must(os.WriteFile(filepath.Join(p.Dir, "ca.pem"), block("CERTIFICATE", authority.root), 0o644))
	names := []string{"*." + trapZone}
	for n := range slots {
		for _, d := range sender.Designs {
			if d.Promise&sender.ByPolicy != 0 {
				names = append(names, fmt.Sprintf("mta-sts.%s-p%d.%s", d.Trap, n, trapZone))
			}
		}
	}
	files := []string{p.certificateFile("now", names[:1], nil), p.certificateFile("policies", names[1:], nil), p.certificateFile("over", names[:1], func(c *x509.Certificate) {
		c.NotBefore, c.NotAfter = time.Now().Add(-48*time.Hour), time.Now().Add(-24*time.Hour)
	})}
	source, err := issued.ReadFiles(trapZone, files)
	p.must(err)
	var roles []receiver.Role
	for _, as := range trapRoles {
		more = append(more, p.IP[string(as)]+"="+string(as))
	}
	for _, text := range more {
		r, err := receiver.ParseRole(text)
		p.must(err)
		roles = append(roles, r)
	}
	side, err := receiver.New(p.t.Context(), receiver.Config{Zone: trapZone, Roles: roles, Certificates: source, Store: reports, Slots: slots, Log: slog.New(slog.DiscardHandler)})
	p.must(err)
	ctx, end := context.WithCancel(p.t.Context())
	var sockets *receiver.Listening
	p.must(p.space.Do(func() (err error) { sockets, err = side.Listen(); return err }))
	done := make(chan error, 1)
	go func() { done <- sockets.Keep(ctx) }()
	p.t.Cleanup(func() {
		end()
		if err := <-done; err != nil {
			p.t.Error(err)
		}
	})
	p.signAbove(side.DS())
	return side
}

// signAbove delegates the zone of the test from a signed test, and that from a signed root.
func (p *post) signAbove(ds string) {
	p.t.Helper()
	ds, err := p.signZone("test.", fmt.Sprintf("ns.test. A %s\n%s. NS ns.%s.\nns.%s. A %s\n%s\n", p.IP["nsd"], trapZone, trapZone, trapZone, p.IP["dns"], ds), "ECDSAP256SHA256")
	p.must(err)
	ds, err = p.signZone(".", "test. NS ns.test.\nns.test. A "+p.IP["nsd"]+"\n"+ds, "RSASHA256")
	p.must(err)
	p.must(os.WriteFile(filepath.Join(p.Dir, "anchor"), []byte(ds), 0o644))
}

// certificateFile has a key and a leaf of the public authority, with the root behind it.
func (p *post) certificateFile(name string, names []string, change func(*x509.Certificate)) string {
	key, leaf := authority.issue(names, change)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	p.must(err)
	file := filepath.Join(p.Dir, name+".pem")
	p.must(os.WriteFile(file, slices.Concat(block("PRIVATE KEY", der), block("CERTIFICATE", leaf), block("CERTIFICATE", authority.root)), 0o600))
	_, err = tls.LoadX509KeyPair(file, file)
	p.must(err)
	return file
}

// startPolicies starts the daemon that Postfix asks for policies.
func (p *post) startPolicies() {
	p.t.Helper()
	p.Env = append(p.Env, "SSL_CERT_FILE="+filepath.Join(p.Dir, "ca.pem"))
	p.must(p.space.Do(func() error {
		return p.start(p.IP["policies"]+":8461", []string{"mta-sts-daemon", "-c", filepath.Join(p.Dir, "etc/mta-sts-daemon.yml")})
	}))
}

// timed is a verdict, and how long after its message the last trap was decided.
type timed struct {
	*sender.Verdict
	evidence *sender.Evidence
	took     time.Duration
	last     sender.Trap // to be decided
}

// awaitVerdicts waits until every trap of every sender is decided, or the time is over.
func (p *post) awaitVerdicts(side *receiver.Senders, ids []string, began time.Time, most time.Duration) []timed {
	p.t.Helper()
	verdicts := make([]timed, len(ids))
	for left := len(ids); left > 0 && time.Since(began) < most; time.Sleep(time.Second) {
		left = 0
		for i, id := range ids {
			e, err := side.Evidence(p.t.Context(), id)
			p.must(err)
			v := sender.Judge(e, time.Now())
			took, last := verdicts[i].took, verdicts[i].last
			if took == 0 && v.Decided == v.Offered {
				took = time.Since(e.Began)
			}
			if v.Decided < v.Offered {
				left++
				took, last = 0, open(v)
			}
			verdicts[i] = timed{v, e, took, last}
		}
	}
	return verdicts
}

// open is one of the traps that are not decided.
func open(v *sender.Verdict) (t sender.Trap) {
	for _, d := range sender.Designs {
		if o := v.View.Of(d.Trap); !o.Fate.Settled() && o.Fate != sender.NotOffered {
			t = d.Trap
		}
	}
	return t
}

func linesWith(text, part string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if strings.Contains(line, part) {
			b.WriteString(line)
		}
	}
	return b.String()
}

func trapTable(list []realSender, verdicts []timed) string {
	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 0, 1, ' ', 0)
	fmt.Fprint(w, "trap")
	for _, s := range list {
		fmt.Fprintf(w, "\t%s", strings.Replace(s.name, "opensmtpd", "smtpd", 1))
	}
	for _, d := range sender.Designs {
		fmt.Fprintf(w, "\n%s", d.Trap)
		for _, v := range verdicts {
			o := v.View.Of(d.Trap)
			word := map[sender.Fate]string{sender.InClear: "CLEAR", sender.Encrypted: "tls", sender.Refused: "no:" + string(o.Proof), sender.Waiting: "?", sender.Unseen: "-"}[o.Fate]
			fmt.Fprintf(w, "\t%s", word)
		}
	}
	fmt.Fprint(w, "\nrow")
	for _, v := range verdicts {
		fmt.Fprintf(w, "\t%s", v.Grade.Row)
	}
	fmt.Fprint(w, "\nletter")
	for _, v := range verdicts {
		fmt.Fprintf(w, "\t%s", v.Grade.Letter)
	}
	fmt.Fprint(w, "\ndecided after")
	for _, v := range verdicts {
		fmt.Fprintf(w, "\t%.0fs", v.took.Seconds())
	}
	fmt.Fprint(w, "\nthe last one")
	for _, v := range verdicts {
		fmt.Fprintf(w, "\t%s", v.last)
	}
	fmt.Fprintln(w)
	w.Flush()
	return table.String()
}

func (s realSender) compare(t *testing.T, v timed) {
	if v.Grade.Row != s.row || v.Grade.Letter != s.letter || v.Grade.Provisional {
		t.Errorf("%+v, not %s and %s; %+v", v.Grade, s.row, s.letter, v.Facts)
	}
	for _, rule := range strings.Fields(s.rules) {
		if !slices.ContainsFunc(v.Findings, func(f sender.Finding) bool { return f.ID == rule }) {
			t.Errorf("%s is missing among %v", rule, v.Findings)
		}
	}
	if v.Software != s.runs {
		t.Errorf("it is taken for %q", v.Software)
	}
	if v.took == 0 {
		t.Errorf("%d of %d traps are decided", v.Decided, v.Offered)
	}
}

// backToAuthors ends the tests and does what the pages say then, until nothing is left in a queue.
func (p *post) backToAuthors(side *receiver.Senders, ids []string, verdicts []timed) {
	p.t.Helper()
	for _, id := range ids {
		p.must(side.End(p.t.Context(), id))
	}
	time.Sleep(31 * time.Second) // what resolvers still know
	var left, lines []string
	for i, v := range verdicts {
		for _, step := range sender.Flush(v.Software, ids[i]) {
			if !slices.Contains(lines, step.Text) {
				lines = append(lines, step.Text)
			}
		}
	}
	for try := range 60 {
		if left = p.queued(); len(left) == 0 {
			return
		}
		if try%10 == 0 {
			for _, line := range lines {
				p.must(p.typed(line))
			}
		}
		time.Sleep(time.Second)
	}
	p.t.Errorf("after the end of the tests there is still mail in queues: %v", left)
}

// typed does what a visitor types at his mail server, which here has its files elsewhere. Only a package that is
// installed gives smtpctl its group.
func (p *post) typed(line string) error {
	etc := filepath.Join(p.Dir, "etc")
	shell := fmt.Sprintf("PATH=$PATH:%s/usr/sbin LD_LIBRARY_PATH=%s; export PATH LD_LIBRARY_PATH\n"+
		"postqueue() { command postqueue -c %[3]s \"$@\"; }\nexim() { exim4 -C %[3]s/exim.conf \"$@\"; }\n"+
		"smtpctl() { setpriv --regid opensmtpq --clear-groups smtpctl \"$@\"; }\n%[4]s", p.Cache, p.Libraries, etc, line)
	var out []byte
	err := p.space.Do(func() (err error) { out, err = exec.Command("/bin/sh", "-ec", shell).CombinedOutput(); return err })
	if err != nil {
		return fmt.Errorf("%s: %w: %s", line, err, out)
	}
	return nil
}

// queued are the messages that wait.
func (p *post) queued() (files []string) {
	for _, dir := range []string{"postfix/queue/deferred", "postfix/queue/active", "postfix/queue/incoming", "exim/input", "opensmtpd/queue", "opensmtpd/incoming"} {
		filepath.WalkDir(filepath.Join(p.Dir, dir), func(path string, d os.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() && !strings.HasSuffix(path, "-J") {
				files = append(files, strings.TrimPrefix(path, p.Dir))
			}
			return nil
		})
	}
	return files
}
