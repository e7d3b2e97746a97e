package browser

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"testing"
)

// What all tests share.
var (
	site     *Site
	chromium *Chromium
	axe      string
)

// TestMain builds and starts the program and the browser. What is missing fails the run;
// nothing is skipped.
func TestMain(m *testing.M) {
	flag.Parse()
	// The live tests mostly wait, so more of them fit beside each other than there are cores.
	if err := flag.Set("test.parallel", "4"); err != nil {
		panic(err)
	}
	os.Exit(run(m))
}

func run(m *testing.M) (code int) {
	dir, err := os.MkdirTemp("", "mxseal-browser-")
	if err == nil {
		defer os.RemoveAll(dir)
		_, missing := exec.LookPath("pdftotext")
		axe, err = Axe()
		err = errors.Join(err, missing)
	}
	if err == nil {
		site, err = Serve(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "browser:", err)
		return 1
	}
	defer func() {
		if err := site.Close(); err != nil {
			fmt.Fprintln(os.Stderr, "browser: mxseal serve:", err)
			code = 1
		}
		if bad := regexp.MustCompile(`(?m)^.*level=ERROR .*$`).FindAllString(site.Log(), -1); bad != nil {
			fmt.Fprintln(os.Stderr, "browser: the program complains:", bad)
			code = 1
		}
	}()
	if chromium, err = Open(site, dir); err != nil {
		fmt.Fprintln(os.Stderr, "browser:", err)
		return 1
	}
	defer chromium.Close()
	return m.Run()
}

// tab opens a tab that must have made no noise when the test ends.
func tab(t *testing.T, v View, scripts bool) *Tab {
	t.Helper()
	return tabOf(t, chromium, v, scripts)
}

func tabOf(t *testing.T, c *Chromium, v View, scripts bool) *Tab {
	t.Helper()
	p, err := c.Tab(v, scripts)
	must(t, err)
	t.Cleanup(p.Close)
	t.Cleanup(func() {
		for _, n := range p.Noise() {
			t.Errorf("noise: %s", n)
		}
	})
	return p
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// none complains about everything that was found.
func none[T any](t *testing.T, what string, found []T, err error) {
	t.Helper()
	must(t, err)
	for _, f := range found {
		t.Errorf("%s: %v", what, f)
	}
}
