package real

import (
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// How BIND, Knot and PowerDNS are set up with short RSA keys, and how what is printed is applied.

const bindHead = `include "{dir}/rndc.key";
options { directory "{dir}/keys"; listen-on { 127.0.0.1; }; listen-on-v6 { none; }; recursion no; pid-file "{dir}/run/named.pid"; session-keyfile "{dir}/run/session.key"; dnssec-validation no; };
controls { inet 127.0.0.1 allow { 127.0.0.1; } keys { "rndc-key"; }; };
`

// shortTimes makes the policy's pauses as short as the TTLs are.
const shortTimes = "dnskey-ttl 2; publish-safety 1s; retire-safety 1s; zone-propagation-delay 1s; parent-propagation-delay 1s; parent-ds-ttl 2s; max-zone-ttl 2s;"

func (s *signing) named(policy, options string) {
	s.t.Helper()
	s.write("named.conf", bindHead+policy+"\nzone \""+signedZone+"\" { type primary; file \"{dir}/keys/zone\"; "+options+" };\n")
}

// beginBIND signs with keys made by hand, the way before there were policies.
func beginBIND(s *signing) {
	s.write("keys/zone", signedRecords)
	key := `key "rndc-key" { algorithm hmac-sha256; secret "c2VjcmV0c2VjcmV0c2VjcmV0"; };` + "\n"
	s.write("rndc.key", key)
	s.write("rndc.conf", key+`options { default-key "rndc-key"; default-server 127.0.0.1; };`)
	s.shell("cd keys && dnssec-keygen -q -a RSASHA256 -b 2048 -f KSK -L 2 -P now-1y -A now-1y " + signedZone + " && dnssec-keygen -q -a RSASHA256 -b 1024 -L 2 -P now-1y -A now-1y " + signedZone)
	s.named("", "auto-dnssec maintain; inline-signing yes;")
	s.daemon("127.0.0.1", "usr/sbin/named", "-f", "-c", s.Dir+"/named.conf", "-L", s.Dir+"/named.log")
}

func rollBIND(s *signing, steps []printed) {
	old := strings.Fields(s.digest(8))[0]
	before, after, found := strings.Cut(steps[0].Code, "# in the zone statement")
	if !found {
		s.t.Fatal(steps[0].Code)
	}
	policy := strings.Replace(before, "{\n", "{ "+shortTimes+"\n", 1)
	var options string
	for line := range strings.SplitSeq(after, "\n") {
		if strings.HasPrefix(line, "dnssec-policy") {
			options = line
		}
		if command, is := strings.CutPrefix(line, "# then: "); is {
			s.named(policy, options)
			s.shell(command)
		}
	}
	s.await("omnipresent keys", func() bool {
		status := s.shell("rndc dnssec -status " + signedZone)
		return strings.Contains(status, "omnipresent") && !strings.Contains(status, "rumoured") && !strings.Contains(status, "hidden")
	})
	keys := regexp.MustCompile(`(?s)\tkeys \{.*?\n\t\};`)
	if !keys.MatchString(policy) {
		s.t.Fatal(policy)
	}
	s.named(keys.ReplaceAllString(policy, part(steps[1].Code, "BIND")), options)
	s.shell("rndc reconfig")
	tag := s.newDS("BIND", steps[3])
	s.shell(strings.NewReplacer("<new>", tag, "<old>", old).Replace(part(steps[5].Code, "BIND")))
}

func beginKnot(s *signing) {
	s.write("keys/zone", signedRecords)
	s.knot("algorithm: rsasha256\nksk-size: 2048\nzsk-size: 1024")
	s.daemon("127.0.0.1", "usr/sbin/knotd", "-c", s.Dir+"/knot.conf")
	s.await("the first key", func() bool { return s.dig("CDS") != "" })
	s.shell("knotc zone-ksk-submitted " + signedZone)
}

func (s *signing) knot(policy string) {
	s.t.Helper()
	s.write("knot.conf", `server:
    rundir: "{dir}/run"
    listen: 127.0.0.1@53
database:
    storage: "{dir}/keys"
policy:
  - id: own
    dnskey-ttl: 2
    zone-max-ttl: 2
    propagation-delay: 1
    `+strings.ReplaceAll(policy, "\n", "\n    ")+`
template:
  - id: default
    storage: "{dir}/keys"
zone:
  - domain: `+signedZone+`
    file: zone
    dnssec-signing: on
    dnssec-policy: own
`)
}

func rollKnot(s *signing, steps []printed) {
	s.knot(part(steps[1].Code, "Knot"))
	s.shell("knotc reload")
	s.newDS("Knot", steps[3])
	s.shell(part(steps[5].Code, "Knot"))
}

func beginPowerDNS(s *signing) {
	s.write("pdns.conf", `launch=gsqlite3
gsqlite3-database={dir}/keys/pdns.db
gsqlite3-dnssec=yes
module-dir={cache}/usr/lib/`+filepath.Base(strings.Split(s.Libraries, ":")[0])+`/pdns
local-address=127.0.0.1
socket-dir={dir}/run
guardian=no
daemon=no
cache-ttl=0
query-cache-ttl=0
negquery-cache-ttl=0
domain-metadata-cache-ttl=0
dnssec-key-cache-ttl=0
`)
	s.shell("sqlite3 keys/pdns.db < " + s.Cache + "/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql")
	s.write("keys/zone", "$ORIGIN "+signedZone+".\n"+signedRecords)
	s.shell("pdnsutil load-zone " + signedZone + " keys/zone && pdnsutil add-zone-key " + signedZone + " ksk 2048 active published rsasha256 && pdnsutil add-zone-key " + signedZone + " zsk 1024 active published rsasha256 && pdnsutil rectify-zone " + signedZone)
	s.daemon("127.0.0.1", "usr/sbin/pdns_server", "--config-dir="+s.Dir)
}

func rollPowerDNS(s *signing, steps []printed) {
	s.shell(part(steps[1].Code, "PowerDNS"))
	time.Sleep(caches)
	var old []string
	fresh := ""
	for _, key := range regexp.MustCompile(`(?m)(RSASHA256|ECDSAP256SHA256)\s+(\d+)`).FindAllStringSubmatch(s.shell("pdnsutil list-keys "+signedZone), -1) {
		if key[1] == "RSASHA256" {
			old = append(old, key[2])
		} else {
			fresh = key[2]
		}
	}
	if len(old) != 2 || fresh == "" {
		s.t.Fatalf("keys %v and %q", old, fresh)
	}
	s.shell(strings.ReplaceAll(steps[2].Code, "<ID of the new key>", fresh))
	time.Sleep(caches)
	s.newDS("PowerDNS", steps[3])
	for line := range strings.SplitSeq(part(steps[5].Code, "PowerDNS"), "\n") {
		for _, id := range old {
			s.shell(strings.ReplaceAll(line, "<ID of an old key>", id))
		}
		time.Sleep(caches)
	}
}
