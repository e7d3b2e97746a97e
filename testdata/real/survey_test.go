package real

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"mxseal/testdata/daemon"
)

// A survey gives the domains of the real servers the letters that they have by themselves, and looks
// at a server once for all domains that share it.
func TestSurvey(t *testing.T) {
	want := make(map[string]string)
	for _, d := range domains {
		want[d.name] = d.letter
	}
	got, looks := survey(t, want, the.flags())
	compare(t, got, want)
	if looks >= len(domains) {
		t.Errorf("%d looks for %d domains, of which many share a server", looks, len(domains))
	}
}

// The same over the lab, on its loopback sockets.
func TestSurveyOfTheLab(t *testing.T) {
	plan, err := daemon.OpenLab(the.program(), "53", "3025", "3443")
	if err != nil {
		t.Fatal(err)
	}
	defer plan.Close()
	flags := []string{"--resolver", plan.Resolver, "--trust-anchor", plan.TrustAnchor, "--ca-file", plan.CAFile, "--helo", "mx.certificate.test",
		"--smtp-port", fmt.Sprint(plan.SMTPPort), "--sts-port", fmt.Sprint(plan.STSPort)}
	for _, network := range plan.AllowNets {
		flags = append(flags, "--allow-net", network)
	}
	want := make(map[string]string)
	for _, d := range plan.Domains {
		want[d.Name] = d.Letter
	}
	got, _ := survey(t, want, flags)
	compare(t, got, want)
}

func compare(t *testing.T, got, want map[string]string) {
	t.Helper()
	for name, letter := range want {
		if got[name] != letter {
			t.Errorf("%s gets %q in a survey, want %s", name, got[name], letter)
		}
	}
}

// survey makes a run over some domains and returns their letters, and how many looks it took.
func survey[T any](t *testing.T, of map[string]T, flags []string) (letters map[string]string, looks int) {
	t.Helper()
	dir := t.TempDir()
	var list strings.Builder
	for name := range of {
		fmt.Fprintln(&list, name)
	}
	file := filepath.Join(dir, "list")
	if err := os.WriteFile(file, []byte(list.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) []byte {
		c := exec.Command(the.program(), append(append([]string{"survey"}, args...), "--data", dir)...)
		c.Env = []string{"PATH=/usr/bin:/bin", "HOME=" + the.Dir}
		var said bytes.Buffer
		c.Stderr = &said
		out, err := c.Output()
		if err != nil || said.Len() > 0 {
			t.Fatalf("survey %s: %v\n%s", strings.Join(args, " "), err, &said)
		}
		return out
	}
	run("create", "all", "--special", "--file", file)
	out := run(append([]string{"run", "all"}, flags...)...)
	if _, err := fmt.Sscanf(string(out[bytes.Index(out, []byte(" domains, ")):]), " domains, %d looks", &looks); err != nil {
		t.Fatalf("%v in:\n%s", err, out)
	}
	rows, err := csv.NewReader(bytes.NewReader(run("export", "all", "--format", "csv"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	letters = make(map[string]string)
	for _, row := range rows[1:] {
		letters[row[0]] = row[2]
	}
	return letters, looks
}
