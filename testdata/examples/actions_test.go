package examples

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// workflow is what we read of a workflow of GitHub Actions.
type workflow struct {
	Jobs map[string]struct {
		Env   map[string]string
		Steps []struct{ Run, Uses string }
	}
}

func workflows(t *testing.T) (hosted, own workflow) {
	t.Helper()
	blocks := block(t, "name: mail")
	if len(blocks) != 2 {
		t.Fatalf("%d workflows, want 2", len(blocks))
	}
	for i, w := range []*workflow{&hosted, &own} {
		must(t, yaml.Unmarshal([]byte(blocks[i]), w))
		if len(w.Jobs["mxseal"].Steps) == 0 {
			t.Fatalf("no steps in\n%s", blocks[i])
		}
	}
	return hosted, own
}

// step runs the lines of a step as GitHub does.
func step(t *testing.T, dir, lines string, env map[string]string) (string, int) {
	t.Helper()
	c := command("bash", "-e", "-c", lines)
	c.Dir = dir
	c.Env = append(c.Env, "GITHUB_STEP_SUMMARY="+filepath.Join(dir, "summary.md"))
	for name, value := range env {
		c.Env = append(c.Env, name+"="+value)
	}
	return said(t, c)
}

// On a hosted runner an instance is asked: a good letter passes, a bad one and one that
// could not be given fail, and so does an instance that says no.
func TestHostedRunner(t *testing.T) {
	hosted, _ := workflows(t)
	job := hosted.Jobs["mxseal"]
	site := openSite(t)
	for _, c := range []struct {
		domain string
		passes bool
		says   string
	}{
		{"dane.test", true, "A: Senders that use DANE"},
		{"dane.test", true, "A: Senders that use DANE"}, // a fresh report answers at once, without a Location
		{"certificate.test", false, "C: "},
		{"private-mx.test", false, "T: "},
		{"no_domain.test", false, "422"},
	} {
		dir := t.TempDir()
		env := map[string]string{"LETTERS": job.Env["LETTERS"], "MXSEAL": site, "DOMAIN": c.domain}
		out, code := step(t, dir, job.Steps[0].Run, env)
		if (code == 0) != c.passes || !strings.Contains(out, c.says) {
			t.Errorf("%s: exit %d\n%s", c.domain, code, out)
		}
		if summary, err := os.ReadFile(filepath.Join(dir, "summary.md")); c.says != "422" && (err != nil || !strings.HasPrefix(string(summary), c.says)) {
			t.Errorf("%s: summary %q, %v", c.domain, summary, err)
		}
	}
}

// On a runner of one's own the report is written whatever the letter, and is XML that test
// viewers read.
func TestOwnRunner(t *testing.T) {
	_, own := workflows(t)
	for domain, want := range map[string]int{"sts.test": 0, "certificate.test": 1, "private-mx.test": 2} {
		dir := t.TempDir()
		out, code := step(t, dir, strings.ReplaceAll(own.Jobs["mxseal"].Steps[0].Run, "example.net", domain), nil)
		if code != want {
			t.Errorf("%s: exit %d, want %d\n%s", domain, code, want, out)
		}
		got, err := exec.Command("xmllint", "--xpath", "string(/testsuites/testsuite/@name)", filepath.Join(dir, "report.xml")).CombinedOutput()
		if err != nil || !strings.HasPrefix(string(got), domain+" ") {
			t.Errorf("%s: %v\n%s", domain, err, got)
		}
	}
}
