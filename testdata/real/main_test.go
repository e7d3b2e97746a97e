package real

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"mxseal/testdata/daemon"
)

var hold = flag.Bool("hold", false, "start the world, say how to reach it and wait for an interrupt, without a test")

// the is the world that all tests share.
var the *world

// TestMain builds the program and the world. What is missing fails the run; nothing is skipped.
func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) (code int) {
	var err error
	the, err = newWorld()
	defer func() {
		if err := the.Close(); err != nil {
			fmt.Fprintln(os.Stderr, "real:", err)
			code = 1
		}
	}()
	if err != nil {
		fmt.Fprintln(os.Stderr, "real:", err)
		return 1
	}
	if *hold {
		fmt.Println(the.program(), "check perfect.test", strings.Join(the.flags(), " "))
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		<-ctx.Done()
		return 0
	}
	return m.Run()
}

// build makes the program under test.
func (w *world) build() error {
	_, err := daemon.Build(w.Dir)
	return err
}

func (w *world) program() string { return filepath.Join(w.Dir, "mxseal") }

// flags point the program at the world.
func (w *world) flags() []string {
	return []string{
		"--resolver", net.JoinHostPort(w.IP["unbound"], strconv.Itoa(dnsPort)),
		"--trust-anchor", filepath.Join(w.Dir, "anchor"),
		"--ca-file", filepath.Join(w.Dir, "ca.pem"),
		"--smtp-port", strconv.Itoa(smtpPort),
		"--sts-port", strconv.Itoa(httpsPort),
		"--allow-net", "127.0.0.0/8",
	}
}

// mxseal runs the program against the world and returns what it printed and its exit code.
func mxseal(t *testing.T, args ...string) (stdout []byte, code int) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), 2*time.Minute)
	defer stop()
	c := exec.CommandContext(ctx, the.program(), append(args, the.flags()...)...)
	c.Env = []string{"PATH=/usr/bin:/bin", "HOME=" + the.Dir}
	var stderr bytes.Buffer
	c.Stderr = &stderr
	stdout, err := c.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) || ctx.Err() != nil {
		t.Fatalf("mxseal %s: %v\n%s", strings.Join(args, " "), errors.Join(err, ctx.Err()), &stderr)
	}
	if stderr.Len() > 0 {
		t.Logf("mxseal %s said:\n%s", strings.Join(args, " "), &stderr)
	}
	return stdout, c.ProcessState.ExitCode()
}

// decode reads JSON that the program printed.
func decode(t *testing.T, data []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatalf("%v in:\n%.2000s", err, data)
	}
}
