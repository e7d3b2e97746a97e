package real

import (
	"bytes"
	"context"
	"fmt"
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

	"mxseal/testdata/space"
)

// signing is a zone that a real signer signs badly, in a space of its own: the signer at
// 127.0.0.1, a validating Unbound at 127.0.0.2, and NSD with the root, where the DS record of
// the zone stands, at 127.0.0.3. Every TTL is two seconds.
type signing struct {
	world
	t      *testing.T
	space  *space.Space
	serial int
	root   string // the name of the root's key
}

const (
	signedZone = "roll.test"
	shortTTL   = 2
	caches     = 3 * shortTTL * time.Second // until no cache holds what was
)

const signedRecords = "$TTL 2\n@ SOA ns hostmaster 1 3600 600 86400 2\n@ NS ns\n@ MX 10 mx\nns A 127.0.0.1\nmx A 127.0.0.1\n"

// signer is how a program is set up with short RSA keys, and how what is printed is applied to it.
type signer struct {
	name  string // as the comments in what is printed have it
	tools map[string]string
	begin func(*signing)
	roll  func(*signing, []printed)
}

// printed is a step as the program prints it.
type printed struct{ Who, Kind, Code string }

var signers = []signer{
	{"BIND", map[string]string{"rndc": "usr/sbin/rndc -c {dir}/rndc.conf", "named-checkconf": "usr/bin/named-checkconf {dir}/named.conf"}, beginBIND, rollBIND},
	{"Knot", map[string]string{"knotc": "usr/sbin/knotc -c {dir}/knot.conf", "keymgr": "usr/sbin/keymgr -c {dir}/knot.conf"}, beginKnot, rollKnot},
	{"PowerDNS", map[string]string{"pdnsutil": "usr/bin/pdnsutil --config-dir={dir}"}, beginPowerDNS, rollPowerDNS},
}

// What is printed for a short key is applied as it stands; only pauses are as short as the TTLs
// are. The zone validates at every moment, and then the finding is gone.
func newAlgorithm(t *testing.T) {
	for _, signer := range signers {
		t.Run(signer.name, func(t *testing.T) {
			t.Parallel()
			s := newSigning(t, signer)
			signer.begin(s)
			s.await("the first signatures", func() bool { return strings.Contains(s.dig("DNSKEY"), " 8 ") })
			s.vouch(s.digest(8))
			s.resolver()
			s.await("a chain of trust", func() bool { return s.state("MX") == "secure" })
			before := s.findings()
			at := slices.IndexFunc(before, func(f advisedStep) bool { return f.Rule == "SEC-18" })
			if at < 0 {
				t.Fatalf("no short key is found: %+v", before)
			}
			watched := s.watch()
			signer.roll(s, before[at].Steps)
			for _, shown := range before[at].Steps {
				code := part(shown.Code, signer.name)
				if code == "" { // for one program alone
					code = shown.Code
				}
				fixes.tried(signer.name, []step{{Code: strings.ReplaceAll(code, signedZone, "example.net")}})
			}
			s.await("the end of the old key", func() bool { return !strings.Contains(s.dig("DNSKEY"), " 8 ") })
			time.Sleep(caches)
			if looks := watched(); looks < 10 {
				t.Errorf("only %d looks at the zone", looks)
			}
			for _, f := range s.findings() {
				if f.Rule == "SEC-18" || f.Rule == "SEC-03" {
					t.Errorf("%s after all: %+v", f.Rule, f)
				}
			}
			if keys := s.dig("DNSKEY"); strings.Contains(keys, " 8 ") || !strings.Contains(keys, " 13 ") {
				t.Errorf("the keys are %s", keys)
			}
		})
	}
}

func newSigning(t *testing.T, signer signer) *signing {
	t.Helper()
	dir, err := os.MkdirTemp(the.Dir, "signing")
	s := &signing{t: t, world: the.in(dir)}
	s.must(err)
	s.must(os.Chmod(dir, 0o755))
	for _, folder := range []string{"zones", "bin", "run", "keys"} {
		s.must(os.Mkdir(filepath.Join(dir, folder), 0o755))
	}
	s.space, err = space.New()
	s.must(err)
	tools := map[string]string{"dig": "usr/bin/dig", "dnssec-keygen": "usr/bin/dnssec-keygen", "sqlite3": "usr/bin/sqlite3"}
	for name, command := range signer.tools {
		tools[name] = command
	}
	for name, command := range tools { // the configuration stands elsewhere than Debian has it
		text := "#!/bin/sh\nexec " + filepath.Join(s.Cache, strings.ReplaceAll(command, "{dir}", dir)) + " \"$@\"\n"
		s.must(os.WriteFile(filepath.Join(dir, "bin", name), []byte(text), 0o755))
	}
	s.root, err = s.newZoneKey(".", "ECDSAP256SHA256")
	s.must(err)
	return s
}

func (s *signing) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *signing) write(name, text string) {
	s.t.Helper()
	s.must(os.WriteFile(filepath.Join(s.Dir, name), []byte(strings.NewReplacer("{dir}", s.Dir, "{cache}", s.Cache).Replace(text)), 0o644))
}

// daemon starts one inside.
func (s *signing) daemon(address string, command ...string) {
	s.t.Helper()
	s.must(s.space.Do(func() error { return s.start(address+":53", command) }))
}

// shell runs lines as a person would and returns what they print.
func (s *signing) shell(lines string) string {
	s.t.Helper()
	ctx, stop := context.WithTimeout(s.t.Context(), time.Minute)
	defer stop()
	c := exec.CommandContext(ctx, "sh", "-c", lines)
	c.Dir = s.Dir
	c.Env = []string{"PATH=" + s.Dir + "/bin:/usr/bin:/bin", "LD_LIBRARY_PATH=" + s.Libraries}
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	s.must(s.space.Do(c.Start))
	if err := c.Wait(); err != nil {
		s.t.Fatalf("%s: %v\n%s", lines, err, &out)
	}
	s.t.Logf("%s\n%s", lines, &out)
	return out.String()
}

func (s *signing) dig(qtype string) string {
	ctx, stop := context.WithTimeout(s.t.Context(), 10*time.Second)
	defer stop()
	c := exec.CommandContext(ctx, filepath.Join(s.Dir, "bin/dig"), "+noall", "+answer", "+tries=1", "+time=2", "@127.0.0.1", signedZone, qtype)
	c.Env = []string{"PATH=/usr/bin:/bin", "LD_LIBRARY_PATH=" + s.Libraries}
	var out bytes.Buffer
	c.Stdout = &out
	if err := s.space.Do(c.Start); err != nil {
		s.t.Error(err)
		return ""
	}
	c.Wait()
	return out.String()
}

func (s *signing) await(what string, there func() bool) {
	s.t.Helper()
	for range 240 {
		if there() {
			return
		}
		time.Sleep(250 * time.Millisecond)
	}
	s.t.Fatalf("waited for %s in vain; keys %s", what, s.dig("DNSKEY"))
}

// digest is the DS record for the key of an algorithm that signs the keys.
func (s *signing) digest(algorithm int) string {
	s.t.Helper()
	s.write("dnskey", s.dig("DNSKEY"))
	for line := range strings.Lines(s.Read("dnskey")) {
		if f := strings.Fields(line); len(f) > 7 && f[4] == "257" && f[6] == strconv.Itoa(algorithm) {
			s.write("ksk", line)
			out, err := s.ldns("ldns-key2ds", "-n", "-2", "../ksk")
			s.must(err)
			return strings.Join(strings.Fields(out)[4:], " ")
		}
	}
	s.t.Fatalf("no key of algorithm %d: %s", algorithm, s.Read("dnskey"))
	return ""
}

// vouch has the root hold this DS record, or none, and no other, and starts the root when it is the first.
func (s *signing) vouch(ds string) {
	s.t.Helper()
	s.serial++
	text := fmt.Sprintf("$TTL %d\n. SOA ns.root. hostmaster.root. %d 3600 600 86400 %d\n. NS ns.root.\nns.root. A 127.0.0.3\n%[4]s. NS ns.%[4]s.\nns.%[4]s. A 127.0.0.1\n",
		shortTTL, s.serial, shortTTL, signedZone)
	if ds != "" {
		text += signedZone + ". DS " + ds + "\n"
	}
	s.write("zones/root", text)
	day := func(n int) string { return time.Now().UTC().AddDate(0, 0, n).Format("20060102150405") }
	_, err := s.ldns("ldns-signzone", "-o", ".", "-i", day(-1), "-e", day(30), "-f", "root.signed", "root", s.root)
	s.must(err)
	if s.serial > 1 {
		id, err := strconv.Atoi(strings.TrimSpace(s.Read("nsd.pid")))
		s.must(err)
		s.must(syscall.Kill(id, syscall.SIGHUP))
		return
	}
	anchor, err := os.ReadFile(filepath.Join(s.Dir, "zones", s.root+".ds"))
	s.must(err)
	s.write("anchor", string(anchor))
	s.write("nsd.conf", `server:
	ip-address: 127.0.0.3
	do-ip6: no
	server-count: 1
	username: ""
	database: ""
	pidfile: "{dir}/nsd.pid"
	zonesdir: "{dir}/zones"
	zonelistfile: "{dir}/nsd.list"
	xfrdfile: "{dir}/nsd.state"
	xfrdir: "{dir}"
remote-control:
	control-enable: no
zone:
	name: "."
	zonefile: "root.signed"
`)
	s.daemon("127.0.0.3", "usr/sbin/nsd", "-d", "-c", s.Dir+"/nsd.conf")
}

func (s *signing) resolver() {
	s.t.Helper()
	s.write("unbound.conf", `server:
	interface: 127.0.0.2
	access-control: 127.0.0.0/8 allow
	do-ip6: no
	do-daemonize: no
	username: ""
	chroot: ""
	pidfile: ""
	directory: "{dir}"
	use-syslog: no
	logfile: "{dir}/unbound.log"
	val-log-level: 2
	trust-anchor-file: "{dir}/anchor"
	local-zone: "test." nodefault
	do-not-query-localhost: no
remote-control:
	control-enable: no
stub-zone:
	name: "."
	stub-addr: 127.0.0.3
	stub-prime: no
`)
	s.daemon("127.0.0.2", "usr/sbin/unbound", "-d", "-c", s.Dir+"/unbound.conf")
}

func (s *signing) mxseal(args ...string) []byte {
	ctx, stop := context.WithTimeout(s.t.Context(), time.Minute)
	defer stop()
	out, err := s.space.Output(ctx, the.program(), append(args, "--format", "json", "--resolver", "127.0.0.2:53", "--trust-anchor", s.Dir+"/anchor", "--allow-net", "127.0.0.0/8")...)
	if err != nil {
		s.t.Error(err)
	}
	return out
}

// state is what our own validator says of a question for the zone.
func (s *signing) state(qtype string) string {
	var l struct {
		DNSSEC struct{ State, Reason, Detail string }
	}
	decode(s.t, s.mxseal("dns", signedZone, qtype), &l)
	return l.DNSSEC.State
}

type advisedStep struct {
	Rule  string
	Steps []printed
}

func (s *signing) findings() []advisedStep {
	var r struct{ Findings []advisedStep }
	decode(s.t, s.mxseal("check", signedZone), &r)
	return r.Findings
}

// watch looks at the zone, at a record and at a denial, until what it returns is called.
func (s *signing) watch() (end func() (looks int)) {
	stop, done := make(chan bool), make(chan int)
	go func() {
		looks := 0
		for {
			select {
			case <-stop:
				done <- looks
				return
			default:
			}
			qtype := []string{"MX", "LOC"}[looks%2]
			if state := s.state(qtype); state != "secure" {
				s.t.Errorf("look %d, %s: the zone is %s", looks, qtype, state)
			}
			looks++
			time.Sleep(100 * time.Millisecond)
		}
	}()
	return func() int { close(stop); return <-done }
}

// part are the lines of a step that are for one program.
func part(code, program string) string {
	var lines []string
	current := ""
	for line := range strings.SplitSeq(code, "\n") {
		if !strings.HasPrefix(line, "#") {
			if current == program {
				lines = append(lines, line)
			}
			continue
		}
		for _, name := range []string{"BIND", "Knot", "PowerDNS"} {
			if strings.HasPrefix(line, "# "+name) {
				current = name
			}
		}
		if strings.HasPrefix(line, "# BIND and Knot") && program == "Knot" {
			current = program
		}
	}
	return strings.Join(lines, "\n")
}

// newDS waits until the printed command shows a DS record of algorithm 13, and puts it into the
// root in the place of the old.
func (s *signing) newDS(program string, step printed) (tag string) {
	s.t.Helper()
	if step.Who != "registrar" {
		s.t.Fatalf("not the registrar's step: %+v", step)
	}
	line := regexp.MustCompile(`(?m)(\d+) 13 2 [0-9A-Fa-f ]+`)
	var ds []string
	s.await("the new DS record", func() bool {
		ds = line.FindStringSubmatch(s.shell(part(step.Code, program)))
		return ds != nil
	})
	s.vouch(strings.TrimSpace(ds[0]))
	time.Sleep(caches)
	return ds[1]
}
