// Package examples tries what MONITORING.md tells people to put into their monitoring, their
// continuous integration and their shells, with the programs it is for, against the lab.
// install.sh brings those programs; what is missing fails the run.
package examples

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"mxseal/checks/lab"
	"mxseal/testdata/daemon"
)

// What all tests share.
var (
	bin     string   // folder of the built program
	world   []string // the environment that leads into the lab
	recipes string
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "mxseal-examples-")
	if err == nil {
		defer os.RemoveAll(dir)
		err = os.Chmod(dir, 0o755) // Nagios runs its plugins as somebody else
	}
	if err == nil {
		bin = dir
		_, err = daemon.Build(dir)
	}
	var text []byte
	if err == nil {
		text, err = os.ReadFile("../../.github/MONITORING.md")
		recipes = string(text)
	}
	var lab *daemon.Lab
	if err == nil {
		lab, err = openLab()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "examples:", err)
		return 1
	}
	defer lab.Close()
	return m.Run()
}

// command runs a program that ends with us.
func command(name string, args ...string) *exec.Cmd {
	c := exec.Command(name, args...)
	c.Stderr = os.Stderr
	c.Env = append(os.Environ(), world...)
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return c
}

// openLab starts “mxseal lab” and reads from it where it is.
func openLab() (*daemon.Lab, error) {
	var ports []string
	for range 3 {
		port, err := lab.FreePort()
		if err != nil {
			return nil, err
		}
		ports = append(ports, strconv.Itoa(int(port)))
	}
	plan, err := daemon.OpenLab(filepath.Join(bin, "mxseal"), ports[0], ports[1], ports[2])
	if err != nil {
		return nil, err
	}
	// Nagios runs its plugins as somebody else, who cannot look into the lab's folder.
	for _, file := range []*string{&plan.TrustAnchor, &plan.CAFile} {
		body, err := os.ReadFile(*file)
		if err != nil {
			return nil, err
		}
		*file = filepath.Join(bin, filepath.Base(*file))
		if err := os.WriteFile(*file, body, 0o644); err != nil {
			return nil, err
		}
	}
	world = []string{"MXSEAL_RESOLVER=" + plan.Resolver, "MXSEAL_TRUST_ANCHOR=" + plan.TrustAnchor, "MXSEAL_CA_FILE=" + plan.CAFile,
		fmt.Sprint("MXSEAL_SMTP_PORT=", plan.SMTPPort), fmt.Sprint("MXSEAL_STS_PORT=", plan.STSPort),
		"MXSEAL_ALLOW_NET=" + strings.Join(plan.AllowNets, " "), "PATH=" + bin + ":" + os.Getenv("PATH")}
	return plan, nil
}

// openSite starts “mxseal serve --lab” and returns its URL.
func openSite(t *testing.T) string {
	t.Helper()
	s, err := daemon.Serve(filepath.Join(bin, "mxseal"), t.TempDir(), world, "--lab")
	must(t, err)
	t.Cleanup(func() { s.Kill() })
	return s.URL
}

// block returns the indented block of MONITORING.md that begins with a line, as often as it
// stands there; what is indented deeper stays so.
func block(t *testing.T, first string) []string {
	t.Helper()
	var blocks []string
	for _, part := range strings.Split(recipes, "\n    "+first+"\n")[1:] {
		text := first + "\n"
		for line := range strings.Lines(part) {
			if !strings.HasPrefix(line, "    ") && line != "\n" {
				break
			}
			text += strings.TrimPrefix(line, "    ")
		}
		blocks = append(blocks, text)
	}
	if len(blocks) == 0 {
		t.Fatalf("MONITORING.md has no block that begins with %q", first)
	}
	return blocks
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// said runs a command and returns what it says, on standard output and the other, and its code.
func said(t *testing.T, c *exec.Cmd) (string, int) {
	t.Helper()
	c.Stderr = nil
	out, err := c.CombinedOutput()
	if _, ended := err.(*exec.ExitError); err != nil && !ended {
		t.Fatal(err)
	}
	return string(out), c.ProcessState.ExitCode()
}

const patience = time.Minute // for what takes seconds
