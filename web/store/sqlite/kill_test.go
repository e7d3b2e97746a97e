package sqlite

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"mxseal/web/store"
	"mxseal/web/store/storetest"
)

// TestMain lets the test binary be the process that is killed: with a path in the
// environment it writes reports there without end and prints every id that Save acknowledged.
func TestMain(m *testing.M) {
	if path := os.Getenv("MXSEAL_TEST_WRITE"); path != "" {
		os.Exit(writeReports(path))
	}
	os.Exit(m.Run())
}

func writeReports(path string) int {
	s, err := Open(path)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	for { // until it is killed, or nobody reads its output any more
		r := storetest.Sample("example.org", store.NewID(), storetest.Noon)
		if err := s.Save(context.Background(), r); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		fmt.Println(r.ID)
	}
}

func TestNothingAcknowledgedIsLostOnKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mxseal.db")
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), "MXSEAL_TEST_WRITE="+path)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	var acknowledged []string
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		acknowledged = append(acknowledged, lines.Text())
		if len(acknowledged) == 100 {
			if err := child.Process.Kill(); err != nil { // SIGKILL, in the middle of the next write
				t.Fatal(err)
			}
		}
	}
	if err := child.Wait(); err == nil || len(acknowledged) < 100 {
		t.Fatalf("the writer ended after %d reports: %v", len(acknowledged), err)
	}
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, id := range acknowledged {
		r, err := s.Get(t.Context(), id)
		if err != nil {
			t.Fatalf("report %s was acknowledged and is gone: %v", id, err)
		}
		if want := storetest.Sample("example.org", id, storetest.Noon); r.Hosts[0].Addresses[0].SMTP.Banner != want.Hosts[0].Addresses[0].SMTP.Banner {
			t.Errorf("report %s is not whole", id)
		}
	}
	var verdict string
	if err := s.Writer().QueryRow("PRAGMA integrity_check").Scan(&verdict); err != nil || verdict != "ok" {
		t.Errorf("integrity check: %q, %v", verdict, err)
	}
}
