package real

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mxseal/checks"
	"mxseal/checks/fix"
	"mxseal/checks/report"
	"mxseal/testdata/space"
)

// What is printed to get a certificate is run by a shell as it stands, with Debian's certbot
// against Pebble, an authority for tests that believes everything. A certificate that is not yet
// due is there already. Only postfix, which is told to reload, is a stand-in that takes a note.
func renewals(t *testing.T) {
	for _, c := range []struct {
		why, rule string
		published bool
		want      string // of each key that is looked at: old, or new
		reloads   int    // of the server by the first command and by a renewal afterwards
	}{
		{"a new certificate for the same key", "CRT-06", false, "host old, after renewal old", 2},
		{"a new key", "CRT-17", false, "host new, after renewal new", 2},
		{"a new certificate beside TLSA records", "CRT-06", true, "host old, beside new, after renewal the same", 2},
		{"a new key beside TLSA records", "CRT-17", true, "host old, beside new, after renewal the same", 2},
	} {
		t.Run(c.why, func(t *testing.T) {
			t.Parallel()
			h := &report.Host{Name: host, Addresses: []*report.Address{{IP: "192.0.2.1", SMTP: &report.SMTP{Software: "Postfix"}}}}
			if c.published {
				h.TLSA.Records = []report.TLSARecord{{Usage: 3, Selector: 1, Matching: 1, Data: "aa"}}
			}
			r := &report.Report{Meta: report.Meta{Domain: "example.net", CheckedAt: time.Now()}, Evidence: report.Evidence{Hosts: []*report.Host{h}}}
			var commands []string
			for _, s := range fix.Steps(r, checks.Catalogue(), report.Finding{Rule: c.rule, Host: host, Address: "192.0.2.1", Verdict: report.Fail, Effects: []report.Effect{report.NoAPlus}, FixText: "…"}) {
				if s.Kind == "command" && s.Where == "a shell on "+host {
					commands = append(commands, s.Code)
					fixes.tried("certbot", []step{{Code: s.Code}})
				}
			}
			said := runCertbot(t, host+"-"+r.CheckedAt.UTC().Format("20060102"), commands)
			old, now, beside := said["old"], said["now"], said["beside"]
			is := func(key, before string) string {
				if key == before {
					return "old"
				}
				return "new"
			}
			got := fmt.Sprintf("host %s, after renewal %s", is(now, old), is(said["renewed"], old))
			if c.published {
				same := "another"
				if beside == said["besideRenewed"] {
					same = "the same"
				}
				got = fmt.Sprintf("host %s, beside %s, after renewal %s", is(now, old), is(beside, old), same)
				if said["digest"] != beside || beside == "" {
					t.Errorf("the digest that is printed is %q, that of the key %q", said["digest"], beside)
				}
			}
			if got != c.want || said["reloads"] != fmt.Sprint(c.reloads) {
				t.Errorf("%s, %s reloads; want %s, %d reloads\n%v", got, said["reloads"], c.want, c.reloads, said)
			}
		})
	}
}

// runCertbot has a certificate, runs the commands, renews, and returns what was seen by name.
func runCertbot(t *testing.T, beside string, commands []string) map[string]string {
	t.Helper()
	dir := t.TempDir()
	pem := filepath.Join(the.Dir, "certs", "hardened.pem")
	script := fmt.Sprintf(`set -e
mount -t tmpfs none /etc/letsencrypt
cat >/etc/letsencrypt/cli.ini <<.
server = https://127.0.0.1:14000/dir
no-verify-ssl = true
register-unsafely-without-email = true
agree-tos = true
non-interactive = true
work-dir = %[1]s/work
logs-dir = %[1]s/logs
.
mkdir bin
printf '#!/bin/sh\n[ "$1" = check ] || echo "$1" >>%[1]s/reloads\n' >bin/postfix
chmod 755 bin/postfix
PATH=%[1]s/bin:$PATH
cat >pebble.json <<.
{"pebble": {"listenAddress": "127.0.0.1:14000", "managementListenAddress": "127.0.0.1:15000", "certificate": "%[2]s", "privateKey": "%[2]s", "httpPort": 80, "tlsPort": 443}}
.
PEBBLE_VA_ALWAYS_VALID=1 PEBBLE_VA_NOSLEEP=1 PEBBLE_WFE_NONCEREJECT=0 pebble -config pebble.json >pebble.log 2>&1 &
trap 'kill $!' EXIT
for try in 1 2 3 4 5 6 7 8 9 10; do
	openssl s_client -connect 127.0.0.1:14000 </dev/null >/dev/null 2>&1 && break
	sleep 0.5
done
key() {
	[ ! -e /etc/letsencrypt/live/$1 ] || openssl x509 -in /etc/letsencrypt/live/$1/fullchain.pem -noout -pubkey | openssl pkey -pubin -outform DER | sha256sum | cut -c 1-64
}
certbot certonly --standalone -d %[3]s >&2
echo old $(key %[3]s)
`, dir, pem, host)
	for _, command := range commands {
		if strings.Contains(command, "sha256sum") {
			command = "echo digest $(" + command + " | cut -c 1-64)"
		}
		script += "{ " + command + "\n} 2>&1 | tee -a said | grep '^digest' || true\n"
	}
	script += fmt.Sprintf("echo now $(key %[1]s)\necho beside $(key %[2]s)\ncertbot renew --force-renewal --no-random-sleep-on-renew >&2\n"+
		"echo renewed $(key %[1]s)\necho besideRenewed $(key %[2]s)\necho reloads $(wc -l <reloads)\n", host, beside)
	if err := os.WriteFile(filepath.Join(dir, "script"), []byte(script), 0o644); err != nil {
		t.Fatal(err)
	}
	s, err := space.New()
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(t.Context(), 3*time.Minute)
	defer stop()
	out, err := s.Output(ctx, "unshare", "-m", "sh", "-c", "cd "+dir+" && exec sh script 2>log")
	said := make(map[string]string)
	for line := range strings.Lines(string(out)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		said[name] = value
	}
	if err != nil || said["reloads"] == "" {
		log, _ := os.ReadFile(filepath.Join(dir, "log"))
		more, _ := os.ReadFile(filepath.Join(dir, "said"))
		t.Fatalf("%v\n%s\n%s\n%s", err, out, log, more)
	}
	return said
}
