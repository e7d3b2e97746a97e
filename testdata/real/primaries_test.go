package real

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// primary is a name server as Debian installs it, with a zone that is not signed, and how what is
// printed for it gets into its configuration.
type primary struct {
	name   string // as the comments in what is printed have it
	unit   string
	setup  string // commands
	sign   string // commands that put {lines} of “sign” where they belong
	early  bool   // the DS record of a new key is not shown at once
	bad    string // commands after which denials are hashed more than once
	denial string // commands that put {lines} of “denials” where they belong
}

const zoneFile = "$TTL 2\n@ SOA ns hostmaster 1 3600 600 86400 2\n@ NS ns\n@ MX 10 mx\nns A 127.0.0.1\nmx A 127.0.0.1\n"

var primaries = []primary{
	{name: "BIND", unit: "named", early: true,
		setup:  "cp /zone /etc/bind/db.roll && echo 'zone \"" + signedZone + "\" { type primary; file \"/etc/bind/db.roll\"; };' >/etc/bind/named.conf.local",
		sign:   "cp /etc/bind/db.roll /var/lib/bind/ && chown -R bind /var/lib/bind && sed -i 's,/etc/bind/db.roll\";,/var/lib/bind/db.roll\"; {lines},' /etc/bind/named.conf.local",
		bad:    "sed -i 's/dnssec-policy default;/dnssec-policy own;/' /etc/bind/named.conf.local && printf 'dnssec-policy own {\\nnsec3param iterations 10 optout no salt-length 8;\\n};\\n' >>/etc/bind/named.conf.local && rndc reconfig",
		denial: "sed -i 's/^nsec3param.*/{lines}/' /etc/bind/named.conf.local && rndc reconfig"},
	{name: "Knot", unit: "knot",
		setup:  "cp /zone /var/lib/knot/" + signedZone + ".zone && chown -R knot /var/lib/knot && sed -i 's/^#    listen: .*/    listen: 127.0.0.1@53/' /etc/knot/knot.conf && echo '  - domain: " + signedZone + "' >>/etc/knot/knot.conf",
		sign:   "echo '    {lines}' >>/etc/knot/knot.conf",
		bad:    "echo '    dnssec-policy: own' >>/etc/knot/knot.conf && sed -i 's/^zone:/policy:\\n  - id: own\\n    nsec3: on\\n    nsec3-iterations: 10\\n    nsec3-salt-length: 8\\n\\n&/' /etc/knot/knot.conf && knotc reload",
		denial: "sed -i '/^ *nsec3/d' /etc/knot/knot.conf && printf '%s\\n' '{lines}' | sed 's/^/    /' >/tmp/lines && sed -i '/^  - id: own/r /tmp/lines' /etc/knot/knot.conf && knotc reload"},
	{name: "PowerDNS", unit: "pdns",
		setup: `cat >/usr/local/bin/pdns.unit <<'.'
#!/bin/sh
[ $1 = start ] || { kill $(pidof pdns_server); sleep 1; }
mkdir -p /run/pdns
exec setsid pdns_server --guardian=no --daemon=yes --write-pid=no
.
chmod 755 /usr/local/bin/pdns.unit
printf 'launch=gsqlite3\ngsqlite3-database=/var/lib/powerdns/pdns.db\nlocal-address=127.0.0.1\ncache-ttl=0\nquery-cache-ttl=0\nnegquery-cache-ttl=0\ndomain-metadata-cache-ttl=0\ndnssec-key-cache-ttl=0\n' >/etc/powerdns/pdns.d/own.conf
sqlite3 /var/lib/powerdns/pdns.db </usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql
(echo '$ORIGIN ` + signedZone + `.'; cat /zone) >/zone.pdns && pdnsutil load-zone ` + signedZone + ` /zone.pdns && chown -R pdns /var/lib/powerdns`,
		bad: "pdnsutil set-nsec3 " + signedZone + " '1 0 10 ab' && pdnsutil rectify-zone " + signedZone},
}

// A zone is signed, vouched for, told apart in its denials and signed again by what is printed for
// each program, on a name server as Debian installs it.
func primaryServers(t *testing.T) {
	for _, p := range primaries {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			s := newSigning(t, signer{name: p.name})
			m := boot(t, s.space, "names", "ns."+signedZone, "127.0.0.1", "127.0.0.2")
			m.write("/zone", zoneFile)
			m.must(p.setup)
			m.must("systemctl start " + p.unit)
			if !listens(t, s.space, "127.0.0.1:53") {
				t.Fatalf("%s does not listen\n%s", p.name, m.log())
			}
			s.vouch("")
			s.resolver()
			do := func(commands string) string {
				for line := range strings.SplitSeq(commands, "\n") {
					fixes.tried(p.name, []step{{Code: strings.ReplaceAll(line, signedZone, "example.net")}})
				}
				return m.must(commands)
			}
			stepsOf := func(rule string) []printed {
				t.Helper()
				at := slices.IndexFunc(s.findings(), func(f advisedStep) bool { return f.Rule == rule })
				if at < 0 {
					t.Fatalf("%s does not apply: %+v", rule, s.findings())
				}
				return s.findings()[at].Steps
			}

			// Unsigned, and then signed.
			steps := stepsOf("SEC-02")
			p.put(m, steps[0].Code, p.sign)
			s.await("a key", func() bool { said, _ := m.run(steps[1].Code); return strings.Contains(said, " 13 ") })
			fixes.tried(p.name, []step{{Code: strings.ReplaceAll(steps[1].Code, signedZone, "example.net")}})
			kept := do(shownForZone("SEC-16", p.name)[0])
			digest := regexp.MustCompile(`(?m)(\d+) 13 2 [0-9A-Fa-f ]+`)
			ds := digest.FindString(kept)
			first := do(part(steps[2].Code, p.name))
			if p.early != (first == "") || !p.early && !strings.Contains(strings.ToLower(first), strings.ToLower(digest.FindString(first))) {
				t.Errorf("what is printed for the registrar shows %q", first)
			}
			if !p.early {
				ds = digest.FindString(first)
			}
			if ds == "" || !strings.Contains(strings.ToLower(strings.ReplaceAll(kept, " ", "")), strings.ToLower(strings.ReplaceAll(ds, " ", ""))) {
				t.Fatalf("the DS record is %q in one and %q in the other", first, kept)
			}
			time.Sleep(caches)
			s.vouch(strings.TrimSpace(ds))
			s.await("a chain of trust", func() bool { return s.state("MX") == "secure" })
			if told := part(steps[4].Code, p.name); told != "" {
				do(told)
			}
			if slices.ContainsFunc(s.findings(), func(f advisedStep) bool { return f.Rule == "SEC-02" || f.Rule == "SEC-03" }) {
				t.Errorf("SEC-02 still applies, or SEC-03: %+v", s.findings())
			}

			// Denials.
			m.must(p.bad)
			s.await("bad denials", func() bool {
				return strings.Contains(s.dig("NSEC3PARAM"), " 10 ") && s.state("LOC") == "secure"
			})
			time.Sleep(caches)
			bad := stepsOf("SEC-19")[0].Code
			p.put(m, bad, p.denial)
			s.await("good denials", func() bool { return strings.Contains(s.dig("NSEC3PARAM"), "1 0 0 -") })
			time.Sleep(caches)
			if slices.ContainsFunc(s.findings(), func(f advisedStep) bool { return f.Rule == "SEC-19" || f.Rule == "SEC-20" || f.Rule == "SEC-03" }) {
				t.Errorf("SEC-19, SEC-20 or SEC-03 applies: %+v", s.findings())
			}

			if p.name == "BIND" { // what is printed for a zone that has the default policy
				_, once, _ := strings.Cut(part(bad, p.name), "\n")
				once, _, _ = strings.Cut(once, "\n")
				m.must("sed -i 's/dnssec-policy own;/dnssec-policy default;/' /etc/bind/named.conf.local && rndc reconfig")
				s.await("denials by NSEC", func() bool { return s.dig("NSEC3PARAM") == "" })
				fixes.tried(p.name, []step{{Code: once}})
				m.must("echo '" + once + "' >>/etc/bind/named.conf.local && sed -i 's/dnssec-policy default;/dnssec-policy once;/' /etc/bind/named.conf.local && rndc reconfig")
				s.await("good denials", func() bool { return strings.Contains(s.dig("NSEC3PARAM"), "1 0 0 -") && s.state("LOC") == "secure" })
			}

			// Signed again. Signatures that end soon cannot be had here: a signer would have to stand still.
			serial := s.dig("SOA")
			do(shownForZone("SEC-22", p.name)[0])
			s.await("another serial or signature", func() bool { return s.dig("SOA") != serial || p.name == "BIND" })
			if state := s.state("MX"); state != "secure" {
				t.Errorf("the zone is %s after it was signed again", state)
			}
		})
	}
}

// put has the lines of a program where they belong, and runs what is to be run then.
func (p primary) put(m *machine, code, where string) {
	m.t.Helper()
	lines, current, then := part(code, p.name), "", ""
	for line := range strings.SplitSeq(code, "\n") {
		for _, name := range []string{"BIND", "Knot", "PowerDNS"} {
			if strings.HasPrefix(line, "# "+name) {
				current = name
			}
		}
		if command, is := strings.CutPrefix(line, "# then: "); is && current == p.name {
			then = command
		}
	}
	if p.name == "BIND" { // what is said of “default” and of auto-dnssec is for others
		lines, _, _ = strings.Cut(lines, "\n")
	}
	fixes.tried(p.name, []step{{Code: strings.ReplaceAll(lines+"\n"+then, signedZone, "example.net")}})
	if p.name == "PowerDNS" { // a line of its configuration, and commands
		for line := range strings.SplitSeq(lines, "\n") {
			if strings.HasPrefix(line, "gsqlite3") {
				m.must("echo " + line + " >>/etc/powerdns/pdns.d/own.conf && systemctl restart pdns && sleep 1")
			} else {
				m.must(line)
			}
		}
		return
	}
	m.must(strings.ReplaceAll(where, "{lines}", lines))
	if then != "" {
		m.must(then)
	}
}

// A key that anybody may have goes by way of unsigned: the keys are taken away and the zone is signed as
// if it were new.
func worthlessKey(t *testing.T) {
	for _, signer := range signers {
		t.Run(signer.name, func(t *testing.T) {
			t.Parallel()
			s := newSigning(t, signer)
			signer.begin(s)
			s.await("the first signatures", func() bool { return strings.Contains(s.dig("DNSKEY"), " 8 ") })
			s.vouch("") // the DS record is gone
			s.resolver()
			shown := shownForZone("SEC-17", signer.name)
			lines := shown[0]
			fixes.tried(signer.name, []step{{Code: strings.ReplaceAll(lines, signedZone, "example.net")}})
			switch signer.name {
			case "BIND":
				hashed := "rndc signing -nsec3param 1 0 0 - " + signedZone // as printed for a zone without policy
				if shown := shownForZone("SEC-19", "BIND"); !strings.Contains(shown[0], hashed) {
					t.Fatal(shown)
				}
				s.shell(hashed)
				s.await("good denials", func() bool { return strings.Contains(s.dig("NSEC3PARAM"), "1 0 0 -") })
				fixes.tried("BIND", []step{{Code: strings.ReplaceAll(hashed, signedZone, "example.net")}})
				s.named("", lines)
				s.shell("rndc reconfig")
			case "Knot":
				s.knot(lines)
				s.shell("knotc reload")
			case "PowerDNS":
				remove, secure, _ := strings.Cut(lines, "\n")
				for _, key := range regexp.MustCompile(`(?m)RSASHA256\s+(\d+)`).FindAllStringSubmatch(s.shell("pdnsutil list-keys "+signedZone), -1) {
					s.shell(strings.ReplaceAll(remove, "<ID>", key[1]))
				}
				s.shell(secure)
			}
			s.await("a key of algorithm 13", func() bool { return strings.Contains(s.dig("DNSKEY"), " 13 ") })
			time.Sleep(caches)
			s.vouch(s.digest(13))
			s.await("a chain of trust", func() bool { return s.state("MX") == "secure" })
			if len(shown) > 2 { // only then Knot takes the old keys away
				s.shell(shown[2])
			}
			s.await("the end of the old keys", func() bool { return !strings.Contains(s.dig("DNSKEY"), " 8 ") })
			time.Sleep(caches)
			for _, f := range s.findings() {
				if f.Rule == "SEC-17" || f.Rule == "SEC-18" || f.Rule == "SEC-03" {
					t.Errorf("%s after all: %+v", f.Rule, f)
				}
			}
		})
	}
}
