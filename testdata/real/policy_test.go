package real

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// webServer is one as Debian installs it, and how what is printed for it gets into its configuration.
type webServer struct {
	name    string
	program *regexp.Regexp
	unit    string
	setup   string // commands
	faulty  string // commands after which it names another type for the policy file
	worse   string // where a line is put that corrects that: the file, and behind the line that has this
}

var webServers = []webServer{
	{"nginx", regexp.MustCompile(`^nginx: `), "nginx", "", "sed -i 's/default_type text.plain;/default_type application\\/octet-stream; types { }/' /etc/nginx/conf.d/mta-sts.conf && systemctl reload nginx", "/etc/nginx/conf.d/mta-sts.conf server_name"},
	{"Caddy", regexp.MustCompile(`^Caddy: `), "caddy", caddySetup, "", ""},
	{"Apache", regexp.MustCompile(`^Apache: `), "apache2", apacheSetup, "true", "/etc/apache2/sites-enabled/mta-sts.conf AddType"},
}

// caddySetup points Caddy at the tests' authority, which is no public one, and has it started as
// Debian's unit does.
const caddySetup = `printf '{\n\tacme_ca https://localhost:14000/dir\n\tacme_ca_root /pebble/ca.pem\n}\n' | cat - /etc/caddy/Caddyfile >/tmp/c && cat /tmp/c >/etc/caddy/Caddyfile
cat >/usr/local/bin/caddy.unit <<'.'
#!/bin/sh
case $1 in
reload) exec caddy reload --config /etc/caddy/Caddyfile --force ;;
*) HOME=/var/lib/caddy setsid setpriv --reuid caddy --regid caddy --clear-groups --inh-caps +net_bind_service --ambient-caps +net_bind_service caddy run --environ --config /etc/caddy/Caddyfile </dev/null >/var/log/lines 2>&1 & ;;
esac
.
chmod 755 /usr/local/bin/caddy.unit && mkdir -p /var/lib/caddy && chown caddy /var/lib/caddy`

// apacheSetup has Apache serve the file for a certificate that is there already.
const apacheSetup = `cat >/etc/apache2/sites-enabled/mta-sts.conf <<'.'
<VirtualHost *:443>
ServerName mta-sts.example.net
DocumentRoot /var/www/mta-sts.example.net
SSLEngine on
SSLCertificateFile /pebble/web.pem
AddType application/octet-stream .txt
</VirtualHost>
.
a2enmod -q ssl`

// authorityForTests is Pebble, which validates by asking the machine's own web server.
const authorityForTests = `cat >/pebble/conf <<'.'
{"pebble": {"listenAddress": "127.0.0.1:14000", "managementListenAddress": "127.0.0.1:15000", "certificate": "/pebble/pebble.pem", "privateKey": "/pebble/pebble.pem", "httpPort": 80, "tlsPort": 443}}
.
PEBBLE_VA_NOSLEEP=1 PEBBLE_WFE_NONCEREJECT=0 setsid pebble -config /pebble/conf -dnsserver ` + cacheIP + `:53 >/pebble/log 2>&1 </dev/null &
mkdir -p /etc/letsencrypt && cat >/etc/letsencrypt/cli.ini <<'.'
server = https://localhost:14000/dir
no-verify-ssl = true
register-unsafely-without-email = true
agree-tos = true
non-interactive = true
.
for try in $(seq 50); do
	python3 -c '
import ssl, urllib.request
c = ssl._create_unverified_context()
print(urllib.request.urlopen("https://localhost:15000/roots/0", context=c).read().decode())' 2>/dev/null && break
	sleep 0.2
done`

// authority starts one in the machine, and has the program trust it.
func (n *town) authority() {
	n.t.Helper()
	n.machine.must("mkdir -p /pebble")
	for name, host := range map[string]string{"pebble": "localhost", "web": "mta-sts.example.net"} {
		c := fromCA(host)
		n.machine.write("/pebble/"+name+".pem", string(block("CERTIFICATE", c.sent[0]))+string(privateKey(c.key)))
	}
	n.machine.write("/pebble/ca.pem", string(block("CERTIFICATE", authority.root)))
	root := n.machine.must(authorityForTests)
	n.machine.must("rm -rf /etc/letsencrypt/live/" + host) // certbot wants to make it itself
	n.must(os.WriteFile(filepath.Join(n.Dir, "ca.pem"), []byte(string(block("CERTIFICATE", authority.root))+root), 0o644))
}

// A domain is signed and has a mail server with a public certificate, and nothing else. Everything that
// is printed for it is done word by word, in its order: records in NSD's zone, files and lines on a
// machine with a web server as Debian installs it, commands in a shell.
func policyHosts(t *testing.T) {
	for _, web := range webServers {
		t.Run(web.name, func(t *testing.T) {
			t.Parallel()
			n := newTown(t, "web", "example.net. IN MX 10 mx.example.net.", "mx.example.net. IN A "+farIP, "www.example.net. IN A "+homeIP)
			mail := n.receive(host)
			n.authority()
			live := "/etc/letsencrypt/live/" + host
			n.machine.must("mkdir -p " + live)
			n.must(writeAll(n.machine.path(live), map[string]string{"fullchain.pem": string(block("CERTIFICATE", mail.sent[0]))}))
			n.machine.must(web.setup)
			n.machine.must("systemctl start " + web.unit)
			if !listens(t, n.outside, homeIP+":80") {
				t.Fatalf("%s does not listen\n%s", web.name, n.machine.log())
			}
			if web.name == "Apache" { // only its one line is printed; the rest is as with nginx
				n.machine.must("mkdir -p /var/www/mta-sts.example.net/.well-known && printf 'version: STSv1\\nmode: enforce\\nmx: " + host + "\\nmax_age: 2419200\\n' >/var/www/mta-sts.example.net/.well-known/mta-sts.txt")
				n.zone = append(n.zone, "mta-sts.example.net. IN CNAME www.example.net.", `_mta-sts.example.net. IN TXT "v=STSv1; id=1"`)
				n.publish()
				n.fixType(web, fixes)
				return
			}
			before := n.look("check", "example.net")
			for _, rule := range []string{"STS-01", "DAN-03", "RPT-01"} {
				if !before.has(rule) {
					t.Errorf("%s does not apply before: %v", rule, before.rules())
				}
			}
			for _, f := range before.Findings {
				n.obey(web, f, fixes)
			}
			after := n.look("check", "example.net")
			if rules := after.rules(); len(rules) > 0 || after.Grade.Letter != "A+" {
				t.Errorf("letter %s, and still, or newly, %v\n%v\n%s", after.Grade.Letter, rules, n.zone, n.machine.log())
			}
			if web.faulty != "" {
				n.machine.must(web.faulty + " && sleep 1")
				n.fixType(web, fixes)
			}
		})
	}
}

// fixType has a web server that names another type than text/plain (STS-17) name that.
func (n *town) fixType(web webServer, count *counter) {
	n.t.Helper()
	before := n.look("check", "example.net")
	at := slices.IndexFunc(before.Findings, func(f advised) bool { return f.Rule == "STS-17" })
	if at < 0 {
		n.t.Fatalf("STS-17 does not apply: %v\n%s", before.rules(), n.machine.log())
	}
	n.obey(web, before.Findings[at], count)
	if after := n.look("check", "example.net"); after.has("STS-17") || after.Grade.Letter == "T" {
		n.t.Errorf("STS-17 still applies: %v", after.rules())
	}
}

// obey does what the steps of a finding say, as far as they are for this web server.
func (n *town) obey(web webServer, f advised, count *counter) {
	n.t.Helper()
	digest := ""
	for _, s := range f.Steps {
		ours := web.program.MatchString(s.Where)
		switch {
		case s.Kind == "dns":
			for line := range strings.SplitSeq(strings.ReplaceAll(s.Code, "<your web server>", "www.example.net"), "\n") {
				if digest != "" && strings.Contains(line, " TLSA ") && !strings.HasSuffix(line, " "+digest) {
					n.t.Errorf("%s: the digest that is printed is %s: %s", f.Rule, digest, line)
				}
				n.record(s.Do, line)
			}
			n.publish()
			n.parsed()
			count.tried("NSD", []step{{Code: strings.ReplaceAll(s.Code, "<your web server>", "www.example.net")}})
		case s.Kind == "file":
			name := "/var/www/" + strings.TrimPrefix(s.Where, "https://")
			n.machine.must("mkdir -p " + filepath.Dir(name))
			n.machine.write(name, s.Code+"\n")
		case s.Kind == "command" && strings.Contains(s.Code, "sha256sum") && !strings.Contains(s.Code, "next.pem"):
			said := strings.Fields(n.machine.must(s.Code))
			digest = said[len(said)-2]
			count.tried("openssl", []step{s})
		case s.Kind == "command" && ours:
			n.machine.must(s.Code)
			time.Sleep(time.Second) // processes from before a reload still answer for a moment
			count.tried(web.name, []step{s})
			if strings.Contains(s.Code, "certbot") {
				count.tried("certbot", []step{s})
			}
		case s.Kind == "config" && ours:
			if file, behind, found := strings.Cut(web.worse, " "); found && f.Rule == "STS-17" {
				text, line, _ := strings.Cut(n.machine.read(file), behind)
				rest, after, _ := strings.Cut(line, "\n")
				n.machine.write(file, text+behind+rest+"\n"+s.Code+"\n"+after)
			} else {
				file := strings.TrimSpace(strings.SplitN(s.Where, ":", 2)[1])
				old, _ := os.ReadFile(n.machine.path(file))
				n.machine.write(file, string(old)+s.Code+"\n")
			}
			count.tried(web.name, []step{s})
		}
	}
}

// record adds a line to the zone, puts it in the place of all of its name and type, or takes it out.
func (n *town) record(do, line string) {
	n.t.Helper()
	parse := func(line string) dns.RR {
		rr, err := dns.NewRR(line)
		if err != nil || rr == nil {
			n.t.Fatalf("%q: %v", line, err)
		}
		return rr
	}
	rr := parse(line)
	n.zone = slices.DeleteFunc(n.zone, func(old string) bool {
		o := parse(old)
		switch do {
		case "delete":
			return dns.IsDuplicate(o, rr)
		case "replace":
			return o.Header().Name == rr.Header().Name && o.Header().Rrtype == rr.Header().Rrtype
		}
		return false
	})
	if do != "delete" {
		n.zone = append(n.zone, line)
	}
}

// parsed has NSD and BIND read the zone.
func (n *town) parsed() (whole bool) {
	n.t.Helper()
	whole = true
	file := filepath.Join(n.Dir, "zones/example.net.zone")
	for _, command := range []string{"usr/sbin/nsd-checkzone example.net " + file, "usr/bin/named-checkzone example.net " + file} {
		if said, err := n.tool(command); err != nil {
			n.t.Errorf("%s: %v\n%s", command, err, said)
			whole = false
		}
	}
	return whole
}
