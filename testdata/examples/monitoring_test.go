package examples

import (
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"mxseal/testdata/daemon"
)

// Nagios takes the command and the service as they stand, runs them, and comes to the
// states that we mean.
func TestNagios(t *testing.T) {
	definition, service, _ := strings.Cut(block(t, "define command {")[0], "\n\n")
	dir, err := os.MkdirTemp("", "mxseal-nagios-")
	must(t, err)
	defer os.RemoveAll(dir)

	// Nagios hands its environment on to the plugin.
	var objects strings.Builder
	objects.WriteString(strings.ReplaceAll(definition, "/usr/local/bin/mxseal", filepath.Join(bin, "mxseal")) + "\n")
	objects.WriteString("define host {\n use generic-host\n host_name mx.example.net\n address 127.0.0.1\n max_check_attempts 1\n active_checks_enabled 0\n contact_groups admins\n}\n")
	states := map[string]string{"sts.test": "0", "tlsa-one-broken.test": "0", "tlsa-mismatch.test": "2", "certificate.test": "2", "private-mx.test": "3", "nothing.test": "2", "null-mx.test": "0"}
	for domain := range states {
		objects.WriteString(strings.ReplaceAll(strings.ReplaceAll(service, "mxseal example.net", "mxseal "+domain), "!B!example.net", "!B!"+domain))
	}
	must(t, os.WriteFile(filepath.Join(dir, "objects.cfg"), []byte(objects.String()), 0o644))
	nagios, err := user.Lookup("nagios")
	must(t, err)
	uid, _ := strconv.Atoi(nagios.Uid)
	gid, _ := strconv.Atoi(nagios.Gid)
	must(t, os.Mkdir(filepath.Join(dir, "results"), 0o755))
	for _, d := range []string{dir, filepath.Join(dir, "results")} {
		must(t, os.Chmod(d, 0o755))
		must(t, os.Chown(d, uid, gid))
	}
	var config strings.Builder
	for _, line := range []string{
		"log_file=%s/log", "cfg_file=/etc/nagios4/objects/commands.cfg", "cfg_file=/etc/nagios4/objects/contacts.cfg",
		"cfg_file=/etc/nagios4/objects/timeperiods.cfg", "cfg_file=/etc/nagios4/objects/templates.cfg", "cfg_file=%s/objects.cfg",
		"object_cache_file=%s/cache", "precached_object_file=%s/precached", "status_file=%s/status", "status_update_interval=1",
		"state_retention_file=%s/retention", "lock_file=%s/lock", "temp_file=%s/temp", "temp_path=%s", "check_result_path=%s/results",
		"command_file=%s/command", "query_socket=%s/query", "nagios_user=nagios", "nagios_group=nagios", "enable_notifications=0",
		"service_inter_check_delay_method=n", "check_external_commands=0", "interval_length=60", "illegal_macro_output_chars=`~$&|'\"<>",
	} {
		config.WriteString(strings.ReplaceAll(line, "%s", dir) + "\n")
	}
	file := filepath.Join(dir, "nagios.cfg")
	must(t, os.WriteFile(file, []byte(config.String()), 0o644))

	if out, err := exec.Command("nagios4", "-v", file).CombinedOutput(); err != nil || !strings.Contains(string(out), "Total Warnings: 0") || !strings.Contains(string(out), "Total Errors:   0") {
		t.Fatalf("%v\n%s", err, out)
	}

	c, err := (&daemon.Run{Dir: dir, Env: world}).Start("nagios", func() error { _, err := os.Stat(filepath.Join(dir, "status")); return err }, "nagios4", file)
	must(t, err)
	defer c.Stop()
	check := regexp.MustCompile(`(?s)servicestatus \{.*?service_description=mxseal (\S+)\n.*?has_been_checked=1\n.*?last_hard_state=(\d)\n.*?plugin_output=(.*?)\n`)
	seen := make(map[string][]string)
	for since := time.Now(); len(seen) < len(states) && time.Since(since) < patience; time.Sleep(time.Second) {
		status, _ := os.ReadFile(filepath.Join(dir, "status"))
		for _, part := range strings.SplitAfter(string(status), "\t}\n") {
			if m := check.FindStringSubmatch(strings.ReplaceAll(part, "\t", "")); m != nil {
				seen[m[1]] = m
			}
		}
	}
	word := map[string]string{"0": "OK", "1": "WARNING", "2": "CRITICAL", "3": "UNKNOWN"}
	for domain, state := range states {
		m := seen[domain]
		if m == nil {
			log, _ := os.ReadFile(filepath.Join(dir, "log"))
			t.Errorf("%s was not checked\n%s", domain, log)
		} else if current := regexp.MustCompile(`current_state=(\d)`).FindStringSubmatch(m[0]); current[1] != state || !strings.HasPrefix(m[3], "MXSEAL "+word[state]+": "+domain+" ") {
			t.Errorf("%s: state %s, want %s: %s", domain, current[1], state, m[3])
		}
	}
}

// cron returns the command of its crontab line that begins so, with its files in a
// folder of ours. Cron gives it no more than sh.
func cron(t *testing.T, begins, domains string) (dir string, c *exec.Cmd) {
	t.Helper()
	_, rest, found := strings.Cut(recipes, "\n    "+begins+" ")
	if !found {
		t.Fatalf("MONITORING.md has no line for cron that begins with %q", begins)
	}
	line, _, _ := strings.Cut(rest, "\n")
	if strings.Contains(line, "%") {
		t.Errorf("cron takes %% for the end of the command: %s", line)
	}
	dir = t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "domains"), []byte(domains), 0o600))
	c = command("sh", "-c", strings.NewReplacer("/etc/mxseal/", dir+"/", "/var/lib/prometheus/node-exporter", dir, "/usr/local/bin/", bin+"/").Replace(line))
	return dir, c
}

// The textfile is there whatever the letters, and whole; a list that cannot be understood
// leaves the one before in place.
func TestTextfile(t *testing.T) {
	const line = "17 */6 * * * root"
	dir, c := cron(t, line, "# ours\ndane.test\nno-starttls.test\nprivate-mx.test # theirs\nhostile-text.test\n")
	if out, _ := said(t, c); out != "" {
		t.Errorf("cron would send: %s", out)
	}
	text, err := os.ReadFile(filepath.Join(dir, "mxseal.prom"))
	must(t, err)
	promtool := exec.Command("promtool", "check", "metrics")
	promtool.Stdin = strings.NewReader(string(text))
	if out, err := promtool.CombinedOutput(); err != nil || len(out) != 0 {
		t.Errorf("%v\n%s\n%s", err, out, text)
	}
	if n := strings.Count(string(text), "\nmxseal_grade{"); n != 4 {
		t.Errorf("%d letters, want 4\n%s", n, text)
	}

	// One bad line costs the others nothing, and cron sends it.
	dir, c = cron(t, line, "dane.test\na..b\nsts.test\n")
	if out, _ := said(t, c); !strings.HasPrefix(out, "mxseal: line 2: a..b: ") {
		t.Errorf("cron would send: %q", out)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "mxseal.prom")); err != nil || strings.Count(string(text), "\nmxseal_grade{") != 2 {
		t.Errorf("%v\n%s", err, text)
	}

	dir, c = cron(t, line, "a..b\n")
	must(t, os.WriteFile(filepath.Join(dir, "mxseal.prom"), text, 0o600))
	if out, _ := said(t, c); !strings.Contains(out, "a..b") {
		t.Errorf("cron would not send what is wrong: %q", out)
	}
	if kept, err := os.ReadFile(filepath.Join(dir, "mxseal.prom")); err != nil || string(kept) != string(text) {
		t.Errorf("the file before is gone: %v", err)
	}
}

// The rules are rules, and fire for what they name: for a letter that is low or falls, one that
// stays T or becomes N, a domain that is gone, and for what is old.
func TestAlertRules(t *testing.T) {
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "rules.yml"), []byte(block(t, "groups:")[0]), 0o600))
	if out, err := exec.Command("promtool", "check", "rules", filepath.Join(dir, "rules.yml")).CombinedOutput(); err != nil || !strings.Contains(string(out), "6 rules found") {
		t.Fatalf("%v\n%s", err, out)
	}
	const day = 86400
	var test strings.Builder
	test.WriteString("rule_files: [rules.yml]\nevaluation_interval: 1h\ntests:\n  - interval: 1h\n    input_series:\n")
	for _, s := range []struct{ name, values string }{ // a look every six hours; four days
		{`mxseal_grade{domain="a"}`, "6x96"}, {`mxseal_grade{domain="b"}`, "5x96"}, {`mxseal_grade{domain="c"}`, "4x96"},
		{`mxseal_grade_provisional{domain="c"}`, "0x96"},
		{`mxseal_grade{domain="unsure"}`, "6x47 3x48"}, {`mxseal_grade_provisional{domain="unsure"}`, "0x47 1x48"},
		{`mxseal_grade{domain="fell"}`, "6x47 5x48"}, {`mxseal_grade{domain="rose"}`, "5x47 6x48"},
		{`mxseal_grade{domain="away"}`, "6x47 0x5 6x42"}, // for one look
		{`mxseal_grade{domain="t"}`, "6x47 0x48"}, {`mxseal_grade{domain="n"}`, "6x47 -1x48"},
		{`mxseal_grade_info{domain="t",letter="T",reason="not-testable"}`, "1x96"},
		{`mxseal_grade{domain="gone"}`, "6x47 0x48"}, {`mxseal_grade_info{domain="gone",letter="A",reason=""}`, "1x47 stale"},
		{`mxseal_grade_info{domain="gone",letter="T",reason="does-not-exist"}`, "_x47 1x48"},
		{`mxseal_certificate_not_after_timestamp_seconds{domain="soon"}`, fmt.Sprintf("%dx96", 15*day)},
		{`mxseal_certificate_not_after_timestamp_seconds{domain="later"}`, fmt.Sprintf("%dx96", 19*day)},
		{`mxseal_checked_timestamp_seconds{domain="old"}`, fmt.Sprintf("%dx96", day-1)},
		{`mxseal_checked_timestamp_seconds{domain="new"}`, fmt.Sprintf("%dx96", 2*day)},
	} {
		fmt.Fprintf(&test, "      - {series: '%s', values: '%s'}\n", s.name, s.values)
	}
	test.WriteString("    alert_rule_test:\n")
	for _, alert := range []struct {
		at, name string
		fires    []string // labels
	}{
		{"47h", "MailBelowB", []string{"domain: c"}},
		{"47h", "MailGradeFell", nil},
		{"47h", "MailWithoutGrade", nil},
		{"47h", "MailDomainGone", nil},
		{"50h", "MailWithoutGrade", nil}, // not yet
		{"50h", "MailDomainGone", []string{"domain: gone"}},
		{"56h", "MailWithoutGrade", []string{"domain: t", "domain: n", "domain: gone"}},
		{"56h", "MailGradeFell", []string{"domain: fell"}},
		{"95h", "MailWithoutGrade", []string{"domain: t", "domain: n", "domain: gone"}},
		{"95h", "MailBelowB", []string{"domain: c"}},
		{"48h", "MailCertificateEnds", []string{"domain: soon"}},
		{"48h", "MailNotChecked", []string{"domain: old"}},
	} {
		fmt.Fprintf(&test, "      - eval_time: %s\n        alertname: %s\n        exp_alerts: [", alert.at, alert.name)
		for i, labels := range alert.fires {
			if i > 0 {
				test.WriteString(", ")
			}
			fmt.Fprintf(&test, "{exp_labels: {%s}}", labels)
		}
		test.WriteString("]\n")
	}
	// A letter that changes stays in its series, so that changes can be counted.
	test.WriteString("    promql_expr_test:\n      - {expr: 'sum(changes(mxseal_grade{domain=\"away\"}[4d]))', eval_time: 95h, exp_samples: [{value: 2}]}\n")
	must(t, os.WriteFile(filepath.Join(dir, "test.yml"), []byte(test.String()), 0o600))
	if out, err := exec.Command("promtool", "test", "rules", filepath.Join(dir, "test.yml")).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s\n%s", err, out, test.String())
	}
}

// Mail comes when a domain is below the letter, and only then.
func TestMailByCron(t *testing.T) {
	const line = "23 6 * * * nobody"
	_, c := cron(t, line, "dane.test\nsts.test\n")
	if out, _ := said(t, c); out != "" {
		t.Errorf("all is well, and cron would send: %s", out)
	}
	_, c = cron(t, line, "dane.test\ncertificate.test\n")
	if out, _ := said(t, c); !strings.HasPrefix(out, "MXSEAL CRITICAL: certificate.test C: ") {
		t.Errorf("cron would send: %q", out)
	}
	_, c = cron(t, line, "a..b\n")
	if out, _ := said(t, c); !strings.HasPrefix(out, "MXSEAL UNKNOWN: line 1: a..b") {
		t.Errorf("cron would send: %q", out)
	}
}
