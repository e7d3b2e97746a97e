package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"mxseal/checks/lab"
	"mxseal/checks/report"
)

// sockets opens the lab on loopback sockets and returns the network flags that lead there.
func sockets(t *testing.T) []string {
	t.Helper()
	var o lab.Options
	for _, port := range []*uint16{&o.DNSPort, &o.SMTPPort, &o.STSPort} {
		var err error
		if *port, err = lab.FreePort(); err != nil {
			t.Fatal(err)
		}
	}
	world, err := lab.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { world.Close() })
	if err := world.Listen(); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	anchor, ca := filepath.Join(dir, "root.ds"), filepath.Join(dir, "ca.pem")
	if err := os.WriteFile(anchor, world.Anchors(), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(ca, world.CA(), 0o600); err != nil {
		t.Fatal(err)
	}
	flags := []string{"--resolver", world.Resolver().String(), "--trust-anchor", anchor, "--ca-file", ca,
		"--smtp-port", strconv.Itoa(int(world.SMTPPort())), "--sts-port", strconv.Itoa(int(world.STSPort())),
		"--depth", "quick", "--pace", "0s"}
	for _, n := range world.Networks() {
		flags = append(flags, "--allow-net", n.String())
	}
	return flags
}

func mxseal(stdin string, args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = run(context.Background(), args, strings.NewReader(stdin), &out, &errs)
	return code, out.String(), errs.String()
}

func TestExitCodes(t *testing.T) {
	flags := sockets(t)
	for _, c := range []struct {
		why  string
		args []string
		net  bool
		code int
		out  string // in standard output
		err  string // in standard error
	}{
		{"a tested domain", []string{"check", "dane.test"}, true, exitOK, "dane.test  A", ""},
		{"a bad letter without --min-grade is still tested", []string{"check", "no-starttls.test"}, true, exitOK, "no-starttls.test  F", ""},
		{"at the letter asked for", []string{"check", "sts.test", "--min-grade", "B"}, true, exitOK, "", ""},
		{"below the letter asked for", []string{"check", "certificate.test", "--min-grade", "B"}, true, exitBelow, "", ""},
		{"not testable", []string{"check", "private-mx.test"}, true, exitUntested, "private-mx.test  not tested", ""},
		{"takes no mail: nothing to be below", []string{"check", "null-mx.test", "--min-grade", "A"}, true, exitOK, "null-mx.test  no mail", ""},
		{"of several domains the highest code", []string{"check", "--min-grade", "A", "dane.test", "private-mx.test", "certificate.test"}, true, exitUntested, "", ""},
		{"an address is understood", []string{"check", "Somebody <postmaster@dane.test>"}, true, exitOK, "dane.test  A", ""},
		{"no mail domain", []string{"check", "no_domain.test"}, true, exitUsage, "", "hyphens"},
		{"nothing is checked when one is wrong", []string{"check", "dane.test", "a..b"}, true, exitUsage, "", "a..b"},
		{"an address literal", []string{"check", "[192.0.2.1]"}, false, exitUsage, "", "an address cannot have them"},
		{"a special-use name without a test network", []string{"check", "dane.test", "--resolver", "127.0.0.1"}, false, exitUsage, "", "special"},
		{"no domain at all", []string{"check"}, false, exitUsage, "", "mxseal help"},
		{"an unknown flag", []string{"check", "--colour", "red", "x.org"}, false, exitUsage, "", "colour"},
		{"an unknown command", []string{"frobnicate"}, false, exitUsage, "", "frobnicate"},
		{"an unknown format", []string{"check", "--format", "yaml", "x.org"}, false, exitUsage, "", "ndjson"},
		{"an unknown letter", []string{"check", "--min-grade", "G", "x.org"}, false, exitUsage, "", "A+"},
		{"an unknown depth", []string{"check", "--depth", "abyss", "x.org"}, false, exitUsage, "", "quick"},
		{"a bad resolver", []string{"check", "--resolver", "127.0.0.1:port", "x.org"}, false, exitUsage, "", "HOST:PORT"},
		{"a bad network", []string{"check", "--allow-net", "10.0.0.0", "--resolver", "127.0.0.1", "x.org"}, false, exitUsage, "", "127.0.0.0/8"},
		{"a CA file that is none", []string{"check", "--ca-file", "main.go", "--resolver", "127.0.0.1", "x.org"}, false, exitUsage, "", "CA file"},
		{"a trust anchor that is none", []string{"check", "--trust-anchor", "main.go", "--resolver", "127.0.0.1", "x.org"}, false, exitUsage, "", "trust anchor"},
		{"one look-up", []string{"dns", "dane.test"}, true, exitOK, "secure", ""},
		{"a look-up that fails", []string{"dns", "servfail.test"}, true, exitUntested, "", ""},
		{"an unknown type", []string{"dns", "dane.test", "BANANA"}, true, exitUsage, "", "record type"},
		{"one server by name", []string{"probe", "mx.dane.test"}, true, exitOK, "STARTTLS works", ""},
		{"one server that is not there", []string{"probe", "mx.unreachable.test", "--timeout", "1s"}, true, exitUntested, "", ""},
		{"a forbidden server", []string{"probe", "192.168.1.1"}, true, exitUntested, "not contacted", ""},
		{"version", []string{"version"}, false, exitOK, "mxseal ", ""},
		{"help", []string{"--help"}, false, exitOK, "check", ""},
		{"a report that is none", []string{"grade", "main.go"}, false, exitUsage, "", "no report"},
		{"a file that is not there", []string{"grade", "nowhere.json"}, false, exitUsage, "", "nowhere.json"},
	} {
		args := c.args
		if c.net {
			args = append(append([]string{}, args...), flags...)
		}
		code, out, errs := mxseal("", args...)
		if code != c.code || !strings.Contains(out, c.out) || !strings.Contains(strings.ToLower(errs), strings.ToLower(c.err)) {
			t.Errorf("%s: mxseal %s\nexit %d, want %d\n%s%s", c.why, strings.Join(c.args, " "), code, c.code, out, errs)
		}
	}
}

func TestFormats(t *testing.T) {
	flags := sockets(t)
	_, one, _ := mxseal("", append([]string{"check", "--format", "json", "dane.test"}, flags...)...)
	var r report.Report
	if err := json.Unmarshal([]byte(one), &r); err != nil || r.Domain != "dane.test" || r.Grade.Letter != "A" {
		t.Fatalf("json: %v %s", err, one)
	}
	_, several, _ := mxseal("", append([]string{"check", "--format", "json", "dane.test", "sts.test"}, flags...)...)
	var list []report.Report
	if err := json.Unmarshal([]byte(several), &list); err != nil || len(list) != 2 || list[1].Domain != "sts.test" {
		t.Errorf("json of two domains: %v", err)
	}
	_, lines, errs := mxseal("", append([]string{"check", "--format", "ndjson", "dane.test", "sts.test"}, flags...)...)
	if n := strings.Count(lines, "\n"); n != 2 {
		t.Errorf("ndjson has %d lines, want 2", n)
	}
	if errs != "" {
		t.Errorf("progress on what is no terminal: %q", errs)
	}

	code, again, _ := mxseal(one, "grade", "--format", "json")
	var second report.Report
	if err := json.Unmarshal([]byte(again), &second); err != nil || code != exitOK || second.Grade.Letter != "A" {
		t.Errorf("grade of a report: exit %d, %v", code, err)
	}
	code, text, _ := mxseal(one, "grade")
	if code != exitOK || !strings.Contains(text, "dane.test  A") {
		t.Errorf("grade as text: exit %d\n%s", code, text)
	}
}

func TestGradeOfFacts(t *testing.T) {
	host := `{"pref":10,"addr":"secure","tlsa":"match","tls":"ok","forced":false,"pkix":false,"sts":false,"rtls":false,"reach":true}`
	facts := `{"mxdns":"secure","sts":"absent","stslong":true,"mxs":[` + host + `],"caps":[],"noaplus":[]}`
	type answer struct {
		Grade  string
		Broken []string
		Matrix map[string]map[string]string
	}
	code, out, _ := mxseal(facts, "grade", "--facts")
	var a answer
	if err := json.Unmarshal([]byte(out), &a); err != nil || code != exitOK || a.Grade != "A" || a.Broken == nil || a.Matrix["S2"]["A5"] != "DEFER" {
		t.Errorf("one: exit %d, %v, %+v", code, err, a)
	}
	code, out, _ = mxseal("["+facts+`,{"name":"under facts","facts":`+facts+"}]", "grade", "--facts")
	var list []answer
	if err := json.Unmarshal([]byte(out), &list); err != nil || code != exitOK || len(list) != 2 || list[1].Grade != "A" {
		t.Errorf("an array: exit %d, %v, %+v", code, err, list)
	}
	if code, _, errs := mxseal(`{"mxdns":"green"}`, "grade", "--facts"); code != exitUsage || !strings.Contains(errs, "mxdns") {
		t.Errorf("facts that are none: exit %d, %s", code, errs)
	}
}

func TestFlagsFromTheEnvironment(t *testing.T) {
	flags := sockets(t)
	for i := 0; i < len(flags); i += 2 {
		if flags[i] != "--allow-net" {
			t.Setenv("MXSEAL_"+strings.ToUpper(strings.ReplaceAll(flags[i][2:], "-", "_")), flags[i+1])
		}
	}
	t.Setenv("MXSEAL_ALLOW_NET", "127.77.0.0/16 ::1/128")
	if code, out, errs := mxseal("", "check", "dane.test"); code != exitOK || !strings.Contains(out, "dane.test  A") {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}
	t.Setenv("MXSEAL_SMTP_PORT", "many")
	if code, _, errs := mxseal("", "check", "dane.test"); code != exitUsage || !strings.Contains(errs, "MXSEAL_SMTP_PORT") {
		t.Errorf("exit %d, %s", code, errs)
	}
}
