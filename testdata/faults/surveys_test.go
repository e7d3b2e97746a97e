package faults

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mxseal/testdata/faults/world"
)

// The disk fills up while a survey goes on. The run waits, the operator is told on /readyz and in the log, and
// when there is room again it goes on by itself: every domain has one result.
func TestFullDiskUnderASurvey(t *testing.T) {
	const domains = 2000
	data := mounted(t, "8m")
	list := filepath.Join(t.TempDir(), "list")
	var text strings.Builder
	for n := range domains {
		fmt.Fprintf(&text, "survey%d.%s\n", n, world.Many)
	}
	must(t, os.WriteFile(list, []byte(text.String()), 0o600))
	survey := func(args ...string) []byte {
		t.Helper()
		out, err := exec.Command(binary, append(append([]string{"survey"}, args...), "--data", data)...).Output()
		if err != nil {
			t.Fatalf("survey %v: %v %s", args, err, out)
		}
		return out
	}
	survey("create", "many", "--special", "--every", "1h", "--file", list)
	ballast := filepath.Join(data, "ballast")
	p := serve(t, data, "--depth", "quick") // begins the run
	c := world.Visitor(true)
	defer c.CloseIdleConnections()
	until(t, 30*time.Second, "a run begins", func() (bool, string) {
		_, body := get(c, p.URL+"/survey/many")
		return strings.Contains(body, "A run is under way"), "none"
	})
	until(t, time.Minute, "the operator is told", func() (bool, string) {
		fill(t, ballast) // the log of SQLite grows in steps
		status, body := get(c, p.URL+"/readyz")
		return status == http.StatusServiceUnavailable && strings.Contains(body, "failed store") && strings.Contains(p.Log(), "full"), fmt.Sprintf("%d %.100s %s", status, body, p.Log())
	})
	if status, body := get(c, p.URL+"/survey/many"); status != http.StatusOK || !strings.Contains(body, "A run is under way") {
		t.Errorf("the survey's page on a full disk: %d %.200s", status, body)
	}
	must(t, os.Remove(ballast))
	until(t, 4*time.Minute, "the run ends", func() (bool, string) {
		_, body := get(c, p.URL+"/survey/many.csv")
		return strings.HasPrefix(body, "thing,answer,domains"), fmt.Sprintf("%.200s", body)
	})
	must(t, p.Stop())
	integrity(t, data)
	rows, err := csv.NewReader(bytes.NewReader(survey("export", "many"))).ReadAll()
	must(t, err)
	seen := make(map[string]bool)
	for _, row := range rows[1:] {
		if seen[row[0]] || row[2] == "T" {
			t.Errorf("%v, twice: %v", row, seen[row[0]])
		}
		seen[row[0]] = true
	}
	if len(seen) != domains {
		t.Errorf("%d domains of %d", len(seen), domains)
	}
}
