package real

import (
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	"maps"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"mxseal/checks"
	"mxseal/checks/remedy"
	"mxseal/checks/report"
)

// patient is a real server with a fault. The settings that the program shows for it are put into
// its configuration as they stand, and what it shows for a shell is run before the daemon starts,
// where certbot's folder is as certbot leaves it, readable by root alone; then the fault has to be
// gone.
type patient struct {
	name   string
	daemon string   // postfix, exim or opensmtpd
	faulty []string // lines of its configuration, beside those that every one has
	hand   []string // lines that come of doing what is said in words beside the settings
	gone   []string // rules that apply before and not after
	stays  string   // a rule that applies after, as a sign that the server was judged at all
}

const everySuite = "tls_medium_cipherlist = ALL:@SECLEVEL=0"

var patients = []patient{
	{"no TLS", "postfix", []string{"smtpd_tls_security_level = none"}, nil, []string{"SMT-12"}, "SMT-15"},
	{"STARTTLS hidden", "postfix", []string{"smtpd_discard_ehlo_keywords = starttls"}, []string{"smtpd_discard_ehlo_keywords ="}, []string{"SMT-12"}, "SMT-15"},
	{"TLS 1.0 only", "postfix", []string{"smtpd_tls_protocols = TLSv1", everySuite}, nil, []string{"SMT-19"}, "TLS-01"},
	{"TLS 1.0 as well, and every suite", "postfix", []string{"smtpd_tls_protocols = >=TLSv1", everySuite}, nil, []string{"TLS-03", "TLS-29", "TLS-51"}, "TLS-01"},
	{"a worse suite first", "postfix", []string{"smtpd_tls_protocols = >=TLSv1.2, <=TLSv1.2", "tls_medium_cipherlist = ECDHE-RSA-AES128-SHA:ECDHE+AESGCM:@SECLEVEL=0", "tls_preempt_cipherlist = yes"}, nil, []string{"TLS-39"}, "SMT-15"},
	{"Diffie-Hellman of 1024 bits", "postfix", []string{"smtpd_tls_dh1024_param_file = {dh1024}", everySuite}, nil, []string{"TLS-33"}, "TLS-01"},
	{"as Debian installs it", "postfix", nil, nil, []string{"TLS-29"}, "TLS-01"},
	{"a certificate demanded", "postfix", []string{"smtpd_tls_security_level = encrypt", "smtpd_tls_req_ccert = yes"}, nil, []string{"ENF-08"}, "SMT-15"},
	{"no TLS", "exim", []string{"MAIN_TLS_ADVERTISE_HOSTS ="}, nil, []string{"SMT-12"}, "SMT-15"},
	{"every version and suite", "exim", []string{"tls_require_ciphers = NORMAL:+VERS-ALL:+SIGN-RSA-SHA1:%COMPAT"}, nil, []string{"TLS-03", "TLS-51"}, "TLS-01"},
	{"a certificate demanded", "exim", []string{"MAIN_TLS_VERIFY_HOSTS = *"}, nil, []string{"ENF-08"}, "SMT-15"},
	{"no TLS", "opensmtpd", []string{"listen on {ip} port {port} hostname mx.opensmtpd.test"}, nil, []string{"SMT-12"}, "SMT-10"},
}

// advice is the part of a report that these tests read.
type advice struct{ Findings []advised }

type advised struct {
	Rule  string
	Steps []step
}

type step struct{ Kind, Where, Code string }

func (a advice) has(rule string) bool {
	return slices.ContainsFunc(a.Findings, func(f advised) bool { return f.Rule == rule })
}

// shown are the lines of one kind of steps that are for a program, for whatever was found: config
// for its configuration, command for a shell, without what only a system with systemd can do.
func (a advice) shown(kind string, program *regexp.Regexp) (lines []string) {
	for _, f := range a.Findings {
		for _, s := range f.Steps {
			if s.Kind != kind || !program.MatchString(s.Where) {
				continue
			}
			for line := range strings.SplitSeq(s.Code, "\n") {
				if !slices.Contains(lines, line) && !(kind == "command" && untriable.MatchString(line)) {
					lines = append(lines, line)
				}
			}
		}
	}
	return lines
}

var untriable = regexp.MustCompile(`^#|systemctl|reload|journalctl|grep`)

// How a daemon is set up on an address of its own. Lines of the patient replace those of
// the same option.
var wards = map[string]struct {
	program *regexp.Regexp // as the advice names it
	config  func(dir, ip string, lines []string) error
	command func(dir string) []string
}{
	"postfix":   {regexp.MustCompile(`^Postfix: `), postfixPatient, func(dir string) []string { return []string{"usr/lib/postfix/sbin/master", "-s", "-c", dir} }},
	"exim":      {regexp.MustCompile(`^Exim of Debian`), eximPatient, func(dir string) []string { return []string{"usr/sbin/exim4", "-bdf", "-C", dir + "/exim.conf"} }},
	"opensmtpd": {regexp.MustCompile(`^OpenSMTPD: `), smtpdPatient, func(dir string) []string { return []string{"usr/sbin/smtpd", "-d", "-f", dir + "/smtpd.conf"} }},
}

func TestRemedies(t *testing.T) {
	tried := make(map[string]bool)
	defer func() { account(t, tried) }()
	for i, p := range patients {
		t.Run(p.daemon+"/"+p.name, func(t *testing.T) {
			before := examine(t, p, 2*i, p.faulty)
			for _, rule := range p.gone {
				if !before.has(rule) {
					t.Fatalf("%s does not apply before: %+v", rule, before)
				}
			}
			ward := wards[p.daemon]
			shown := before.shown("config", ward.program)
			if len(shown) == 0 {
				t.Fatalf("no settings are shown: %+v", before)
			}
			commands := before.shown("command", ward.program)
			for _, line := range slices.Concat(shown, commands) {
				tried[p.daemon+" "+strings.ReplaceAll(line, patientAddress(2*i), host)] = true
			}
			after := examine(t, p, 2*i+1, slices.Concat(p.faulty, shown, p.hand), commands...)
			for _, rule := range p.gone {
				if after.has(rule) {
					t.Errorf("%s still applies after\n%s\n%+v", rule, strings.Join(shown, "\n"), after)
				}
			}
			// Of TLS 1.2, where there was none, and of a server that broke off.
			unseen := before.has("SMT-12") || before.has("SMT-19") || before.has("ENF-08")
			for _, f := range after.Findings {
				if len(f.Steps) > 0 && !before.has(f.Rule) && !unseen {
					t.Errorf("%s is new after\n%s\n%+v", f.Rule, strings.Join(shown, "\n"), f)
				}
			}
			if !after.has(p.stays) {
				t.Errorf("%s does not apply after\n%s\n%+v", p.stays, strings.Join(shown, "\n"), after)
			}
		})
	}
}

// patientAddress is in the block that the world has claimed. Before and after, a patient has two,
// and what is printed names the first.
func patientAddress(n int) string {
	return fmt.Sprintf("%s.%d", strings.TrimSuffix(the.IP["nsd"], ".1"), 100+n)
}

const host = "mx.example.net"

// account logs how many of the lines that any rule prints for these programs were tried, and
// which were not.
func account(t *testing.T, tried map[string]bool) {
	rules := slices.Concat(checks.InputRules, checks.OwnRules)
	for _, c := range checks.All {
		rules = append(rules, c.Rules...)
	}
	names := map[string]string{"postfix": "Postfix", "exim": "Exim", "opensmtpd": "OpenSMTPD"}
	printed, done := make(map[string]bool), 0
	for daemon, ward := range wards {
		r := &report.Report{Domain: "example.net", Hosts: []*report.Host{{Name: host, Addresses: []*report.Address{{IP: "192.0.2.1", SMTP: &report.SMTP{Software: names[daemon]}}}}}}
		for _, rule := range rules {
			f := report.Finding{Rule: rule.ID, Host: host, Address: "192.0.2.1", Verdict: report.Fail, Effects: []report.Effect{report.NoAPlus}, Remedy: "…"}
			var a advice
			for _, s := range remedy.For(r, f) {
				a.Findings = append(a.Findings, advised{Steps: []step{{s.Kind, s.Where, s.Code}}})
			}
			for _, line := range slices.Concat(a.shown("config", ward.program), a.shown("command", ward.program)) {
				printed[daemon+" "+line] = true
			}
		}
	}
	for _, line := range slices.Sorted(maps.Keys(printed)) {
		if tried[line] {
			done++
		} else {
			t.Logf("not tried: %s", line)
		}
	}
	t.Logf("lines of fixes tried / printed for Postfix, Exim and OpenSMTPD: %d / %d", done, len(printed))
}

// examine runs the patient with these lines and returns what the program says of it.
func examine(t *testing.T, p patient, n int, lines []string, commands ...string) (a advice) {
	t.Helper()
	ip := patientAddress(n)
	dir := filepath.Join(the.Dir, "patient"+strconv.Itoa(n))
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	dh := filepath.Join(dir, "dh1024.pem")
	if err := os.WriteFile(dh, dh1024(t), 0o644); err != nil {
		t.Fatal(err)
	}
	certificate := map[string]string{"postfix": "hardened", "exim": "exim", "opensmtpd": "opensmtpd"}[p.daemon]
	fill := strings.NewReplacer("{dh1024}", dh, "{ip}", ip, "{port}", strconv.Itoa(smtpPort))
	lines = slices.Clone(lines)
	for i := range lines {
		lines[i] = fill.Replace(lines[i])
	}
	ward := wards[p.daemon]
	if err := ward.config(dir, ip, lines); err != nil {
		t.Fatal(err)
	}
	own := "umask 077 && mkdir /etc/letsencrypt/live && cd /etc/letsencrypt/live && mkdir " + ip + " && ln -s " + ip + " " + patientAddress(n^1) + " && cd " + ip +
		" && sed -n '/BEGIN CERTIFICATE/,/END CERTIFICATE/p' " + the.Dir + "/certs/" + certificate + ".pem >fullchain.pem" +
		" && sed -n '/BEGIN.*PRIVATE/,/END.*PRIVATE/p' " + the.Dir + "/certs/" + certificate + ".pem >privkey.pem"
	before := []string{own}
	for _, command := range commands { // the port is another one here
		before = append(before, strings.Replace(command, "smtp/inet", ip+":"+strconv.Itoa(smtpPort)+"/inet", 1))
	}
	stop := admit(t, dir, net.JoinHostPort(ip, strconv.Itoa(smtpPort)), ward.command(dir), before)
	defer stop()
	out, _ := mxseal(t, "probe", net.JoinHostPort(ip, strconv.Itoa(smtpPort)), "--format", "json", "--pace", "0s")
	decode(t, out, &a)
	return a
}

// admit starts a daemon, in mounts of its own since some insist on fixed folders, and
// returns what ends it with all its children.
func admit(t *testing.T, dir, address string, command, before []string) (stop func()) {
	t.Helper()
	for _, folder := range []string{"/etc/letsencrypt", "/etc/exim4"} { // something is mounted over them
		if os.Mkdir(folder, 0o755) == nil {
			t.Cleanup(func() { os.Remove(folder) })
		}
	}
	out, err := os.Create(filepath.Join(dir, "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	own := "set -e\nmount -t tmpfs none /run\nmount -t tmpfs -o mode=711 none /var/spool/smtpd\n" +
		"mount -t tmpfs -o mode=755 none /etc/letsencrypt\nmount -t tmpfs -o mode=755 none /etc/exim4\n" +
		"(" + strings.Join(before, ") || exit 1\n(") + ") || exit 1\nexec \"$@\"\n"
	c := exec.Command("unshare", append([]string{"-m", "sh", "-c", own, "sh", filepath.Join(the.Cache, command[0])}, command[1:]...)...)
	c.Dir, c.Stdout, c.Stderr = dir, out, out
	c.Env = []string{"PATH=" + the.Cache + "/usr/sbin:/usr/sbin:/usr/bin:/sbin:/bin", "LD_LIBRARY_PATH=" + the.Libraries, "MAIL_CONFIG=" + dir}
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(the.groups, c.Process.Pid) // should this process not come to end it
	gone := make(chan error, 1)
	go func() { gone <- c.Wait() }()
	stop = func() {
		syscall.Kill(-c.Process.Pid, syscall.SIGTERM)
		select {
		case <-gone:
		case <-time.After(3 * time.Second):
			syscall.Kill(-c.Process.Pid, syscall.SIGKILL)
			<-gone
		}
	}
	for range 100 {
		select {
		case err := <-gone:
			gone <- err
			said, _ := os.ReadFile(filepath.Join(dir, "out"))
			t.Fatalf("%s ended at once (%v):\n%s", command[0], err, said)
		case <-time.After(100 * time.Millisecond):
		}
		if conn, err := net.DialTimeout("tcp4", address, time.Second); err == nil {
			conn.Close()
			return stop
		}
	}
	stop()
	said, _ := os.ReadFile(filepath.Join(dir, "out"))
	t.Fatalf("%s does not accept connections at %s:\n%s", command[0], address, said)
	return nil
}

// Of an option given twice Postfix takes the last.
func postfixPatient(dir, ip string, lines []string) error {
	main := strings.NewReplacer(the.Dir+"/postfix/", dir+"/", the.Dir+"/postfix.log", dir+"/log", "maillog_file_prefixes = "+the.Dir, "maillog_file_prefixes = "+dir,
		"certs/default.pem", "certs/hardened.pem").Replace(the.read("etc/main.cf"))
	main += "\nmyhostname = mx.patient.test\n" + strings.Join(lines, "\n") + "\n"
	for _, folder := range []string{"queue/pid", "queue/private", "queue/public", "data"} {
		if err := os.MkdirAll(filepath.Join(dir, folder), 0o755); err != nil {
			return err
		}
	}
	name := filepath.Base(dir)
	for _, folder := range []string{"data", "queue/private", "queue/public"} {
		if err := the.give(name+"/"+folder, "postfix"); err != nil {
			return err
		}
	}
	master := fmt.Sprintf("postlog unix-dgram n - n - 1 postlogd\ntlsmgr unix - - n - 1 tlsmgr\nanvil unix - - n - 1 anvil\nrewrite unix - - n - - trivial-rewrite\n%s:%d inet n - n - - smtpd\n", ip, smtpPort)
	return writeAll(dir, map[string]string{"main.cf": main, "master.cf": master})
}

// The lines are the file of macros that Debian has Exim read first; what Debian says of TLS
// follows, as it is installed. Exim refuses an option given twice.
func eximPatient(dir, ip string, lines []string) error {
	base := []string{"primary_hostname = mx.patient.test", fmt.Sprintf("local_interfaces = <; [%s]:%d", ip, smtpPort),
		"spool_directory = " + dir + "/spool", "log_file_path = " + dir + "/spool/%slog", "pid_file_path = " + dir + "/spool/pid", "keep_environment =",
		"CONFDIR = /etc/exim4", "MAIN_TLS_ENABLE = yes", "MAIN_TLS_CERTIFICATE = " + the.Dir + "/certs/exim.pem", "MAIN_TLS_PRIVATEKEY = " + the.Dir + "/certs/exim.pem"}
	var text []string
	for _, line := range slices.Concat(base, lines) {
		name, _, _ := strings.Cut(line, " =")
		text = append(slices.DeleteFunc(text, func(l string) bool { return strings.HasPrefix(l, name+" =") }), line)
	}
	debian, err := os.ReadFile(filepath.Join(the.Cache, "etc/exim4/conf.d/main/03_exim4-config_tlsoptions"))
	if err != nil {
		return err
	}
	if err := os.Mkdir(filepath.Join(dir, "spool"), 0o755); err != nil {
		return err
	}
	if err := the.give(filepath.Base(dir)+"/spool", "Debian-exim"); err != nil {
		return err
	}
	return writeAll(dir, map[string]string{"exim.conf": strings.Join(text, "\n") + "\n" + string(debian) + "\n"})
}

// The line that is shown listens everywhere; here it is bound to the patient's address, in
// place of the one that the server had.
func smtpdPatient(dir, ip string, lines []string) error {
	var text []string
	for _, line := range lines {
		if strings.HasPrefix(line, "listen on ::") { // the patient has one address
			continue
		}
		if strings.HasPrefix(line, "listen on") {
			text = slices.DeleteFunc(text, func(l string) bool { return strings.HasPrefix(l, "listen on") })
			line = strings.Replace(line, "listen on 0.0.0.0", fmt.Sprintf("listen on %s port %d", ip, smtpPort), 1)
		}
		text = append(text, line)
	}
	return writeAll(dir, map[string]string{"smtpd.conf": strings.Join(append(text, "match from any reject"), "\n") + "\n"})
}

func writeAll(dir string, files map[string]string) error {
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// dh1024 is the second group of RFC 2409 as a parameter file.
func dh1024(t *testing.T) []byte {
	t.Helper()
	p, _ := new(big.Int).SetString("FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7EDEE386BFB5A899FA5AE9F24117C4B1FE649286651ECE65381FFFFFFFFFFFFFFFF", 16)
	der, err := asn1.Marshal(struct{ P, G *big.Int }{p, big.NewInt(2)})
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "DH PARAMETERS", Bytes: der})
}
