package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"mxseal/checks/lab"
)

// BenchmarkCheckOnLoopback runs the built program against the lab on loopback sockets and
// prints the wall time and the peak resident memory of one “mxseal check”.
func BenchmarkCheckOnLoopback(b *testing.B) {
	binary := filepath.Join(b.TempDir(), "mxseal")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	lab := exec.Command(binary, "lab", "--format", "json", "--dns-port", freePort(b), "--smtp-port", freePort(b), "--sts-port", freePort(b))
	lab.Stderr = os.Stderr
	out, err := lab.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := lab.Start(); err != nil {
		b.Fatal(err)
	}
	defer func() { lab.Process.Signal(os.Interrupt); lab.Wait() }()
	var plan labPlan
	if err := json.NewDecoder(out).Decode(&plan); err != nil {
		b.Fatal(err)
	}
	args := []string{"check", "perfect.test", "--format", "json", "--depth", "quick",
		"--resolver", plan.Resolver, "--trust-anchor", plan.TrustAnchor, "--ca-file", plan.CAFile,
		"--smtp-port", strconv.Itoa(int(plan.SMTPPort)), "--sts-port", strconv.Itoa(int(plan.STSPort))}
	for _, n := range plan.AllowNets {
		args = append(args, "--allow-net", n)
	}
	var took time.Duration
	var resident int64
	for b.Loop() {
		c := exec.Command(binary, args...)
		start := time.Now()
		if out, err := c.CombinedOutput(); err != nil {
			b.Fatalf("%v\n%s", err, out)
		}
		took += time.Since(start)
		resident = max(resident, c.ProcessState.SysUsage().(*syscall.Rusage).Maxrss)
	}
	b.ReportMetric(float64(took.Milliseconds())/float64(b.N), "ms/check")
	b.ReportMetric(float64(resident)/1024, "peak-MiB")
}

func freePort(tb testing.TB) string {
	tb.Helper()
	port, err := lab.FreePort()
	if err != nil {
		tb.Fatal(err)
	}
	return strconv.Itoa(int(port))
}
