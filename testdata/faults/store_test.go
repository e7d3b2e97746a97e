package faults

import (
	"database/sql"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"mxseal/testdata/faults/world"
)

func mount(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.Command("mount", args...).CombinedOutput(); err != nil {
		t.Fatalf("mount %v: %v %s", args, err, out)
	}
}

func unmount(t *testing.T, dir string) {
	t.Helper()
	if out, err := exec.Command("umount", dir).CombinedOutput(); err != nil {
		t.Errorf("umount %s: %v %s", dir, err, out)
	}
}

// integrity is what SQLite itself says of a file of reports, and how many are in it.
func integrity(t *testing.T, data string) (reports int) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(data, "mxseal.db"))
	must(t, err)
	defer db.Close()
	var verdict string
	must(t, db.QueryRow("PRAGMA integrity_check").Scan(&verdict))
	if verdict != "ok" {
		t.Errorf("integrity check: %s", verdict)
	}
	must(t, db.QueryRow("SELECT count(*) FROM reports").Scan(&reports))
	return reports
}

// The program is killed while two hundred reports are being made. Every report that a
// visitor was shown is there afterwards, whole, under the address that was given out.
func TestKilledWhileItWrites(t *testing.T) {
	const asked, enough = 200, 100
	data := t.TempDir()
	p := serve(t, data, "--depth", "quick")
	var mu sync.Mutex
	shown := make(map[string]string) // id → domain
	var work sync.WaitGroup
	killed := make(chan struct{})
	var once sync.Once
	for i := range 20 {
		work.Go(func() {
			c := world.Visitor(true)
			defer c.CloseIdleConnections()
			for n := i; n < asked; n += 20 {
				domain := fmt.Sprintf("k%d.%s", n, world.Many)
				if status, _ := ask(p, domain); status != http.StatusSeeOther {
					return // it is gone
				}
				for {
					r, status := latest(c, p, domain)
					if status == 0 {
						return
					}
					if r == nil {
						time.Sleep(5 * time.Millisecond)
						continue
					}
					mu.Lock()
					shown[r.ID] = domain
					full := len(shown) >= enough
					mu.Unlock()
					if full {
						once.Do(func() { p.Kill(); close(killed) })
					}
					break
				}
			}
		})
	}
	work.Wait()
	select {
	case <-killed:
	default:
		t.Fatalf("only %d reports were shown\n%s", len(shown), p.Log())
	}
	kept := integrity(t, data)
	t.Logf("killed after %d reports had been shown; %d are kept", len(shown), kept)
	if kept < len(shown) || kept >= asked {
		t.Errorf("%d reports shown, %d kept of %d asked for: want all that were shown, and not all that were asked for", len(shown), kept, asked)
	}
	again := serve(t, data)
	c := world.Visitor(true)
	defer c.CloseIdleConnections()
	for id, domain := range shown {
		status, body := get(c, again.URL+"/report/"+id, "Accept", "application/json")
		if status != http.StatusOK || !whole(body) || !strings.Contains(body, `"domain":"`+domain+`"`) || !strings.Contains(body, `"grade"`) {
			t.Errorf("report %s of %s: %d %.200s", id, domain, status, body)
		}
	}
}

// The disk fills up. Reports are read all the same, the program says what is wrong where
// operators look, and when there is room again it keeps reports again, without a restart.
func TestFullDisk(t *testing.T) {
	data := mounted(t, "3m")
	p := serve(t, data, "--depth", "quick")
	first := check(t, p, "before."+world.Many, 20*time.Second)
	c := world.Visitor(true)
	defer c.CloseIdleConnections()

	ballast := filepath.Join(data, "ballast")
	fill(t, ballast)
	lost := 0
	for i := range 40 {
		domain := fmt.Sprintf("full%d.%s", i, world.Many)
		r := check(t, p, domain, 20*time.Second) // the visitor gets an answer, whatever happens to the report
		if status, _ := get(c, p.URL+"/report/"+r.ID); status != http.StatusOK {
			lost++
			break
		}
		fill(t, ballast) // the log of SQLite grows in steps
	}
	if lost == 0 {
		t.Fatal("the disk never filled up, so nothing was tested")
	}
	until(t, 10*time.Second, "/readyz tells", func() (bool, string) {
		status, body := get(c, p.URL+"/readyz")
		return status == http.StatusServiceUnavailable && strings.Contains(body, "store"), fmt.Sprint(status, " ", body)
	})
	for path, want := range map[string]int{"/": 200, "/report/" + first.ID: 200, "/check/before." + world.Many: 200, "/badge/before." + world.Many + ".svg": 200, "/healthz": 200} {
		if status, body := get(c, p.URL+path); status != want {
			t.Errorf("%s on a full disk: %d, want %d: %.200s", path, status, want, body)
		}
	}
	if !strings.Contains(p.Log(), "a report is lost") {
		t.Errorf("the log does not say that a report is lost:\n%s", p.Log())
	}

	must(t, os.Remove(ballast))
	until(t, 20*time.Second, "/readyz recovers", func() (bool, string) {
		status, body := get(c, p.URL+"/readyz")
		return !strings.Contains(body, "failed store"), fmt.Sprint(status, " ", body)
	})
	after := check(t, p, "after."+world.Many, 20*time.Second)
	until(t, 5*time.Second, "a report is kept again", func() (bool, string) {
		status, body := get(c, p.URL+"/report/"+after.ID)
		return status == http.StatusOK, fmt.Sprintf("%d %.200s", status, body)
	})
	must(t, p.Stop())
	t.Logf("%d reports are kept", integrity(t, data))
	for _, id := range []string{first.ID, after.ID} {
		if status, body := get(c, serveAgain(t, data).URL+"/report/"+id, "Accept", "application/json"); status != http.StatusOK || !whole(body) {
			t.Errorf("report %s after a restart: %d %.100s", id, status, body)
		}
	}
}

var restarted *world.Program

func serveAgain(t *testing.T, data string) *world.Program {
	t.Helper()
	if restarted == nil {
		restarted = serve(t, data)
		t.Cleanup(func() { restarted = nil })
	}
	return restarted
}

// fill takes all room that a disk has left.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	must(t, err)
	defer f.Close()
	for size := 1 << 16; size > 0; {
		if n, err := f.Write(make([]byte, size)); err != nil || n < size {
			size /= 4
		}
	}
}

// A folder that cannot be written is said at the start, in a sentence and by the exit code.
func TestReadOnlyAtTheStart(t *testing.T) {
	data := mounted(t, "3m")
	mount(t, "-o", "remount,ro", data)
	for _, folder := range []string{data, filepath.Join(data, "below")} {
		_, err := world.Serve(binary, folder, nil, the.Flags()...)
		if err == nil {
			t.Fatal("the program serves from a folder that it cannot write")
		}
		t.Log(err)
		if !strings.Contains(err.Error(), "exit status 70") && !strings.Contains(err.Error(), "exit status 64") {
			t.Errorf("%s: want exit code 64 or 70: %v", folder, err)
		}
		if !strings.Contains(err.Error(), "read-only") && !strings.Contains(err.Error(), "readonly") || !strings.Contains(err.Error(), data) {
			t.Errorf("%s: want the folder and the reason: %v", folder, err)
		}
	}
}

// The disk turns read-only under the running program, as one does that breaks. What was
// shown before is read all the same and is there after the disk was mended; the operator is
// told. No file system lets itself be remounted while a file is open, so ext4 is told that the
// disk has an error, in answer to which it turns read-only by itself.
func TestReadOnlyUnderWay(t *testing.T) {
	data := filepath.Join(t.TempDir(), "disk")
	must(t, os.Mkdir(data, 0o755))
	image := data + ".img"
	must(t, os.WriteFile(image, nil, 0o600))
	must(t, os.Truncate(image, 32<<20))
	device := strings.TrimSpace(command(t, "losetup", "--find", "--show", image))
	t.Cleanup(func() { command(t, "losetup", "--detach", device) })
	command(t, "mkfs.ext4", "-q", device)
	mount(t, "-t", "ext4", "-o", "errors=remount-ro", device, data)
	t.Cleanup(func() { unmount(t, data) })

	p := serve(t, data, "--depth", "quick")
	first := check(t, p, "before."+world.Many, 20*time.Second)
	c := world.Visitor(true)
	defer c.CloseIdleConnections()
	must(t, os.WriteFile("/sys/fs/ext4/"+filepath.Base(device)+"/trigger_fs_error", []byte("a test"), 0o200))
	lost := ""
	for i := 0; lost == ""; i++ {
		r := check(t, p, fmt.Sprintf("broken%d.%s", i, world.Many), 20*time.Second)
		if status, _ := get(c, p.URL+"/report/"+r.ID); status != http.StatusOK {
			lost = r.ID
		} else if i == 20 {
			t.Fatal("the disk takes reports as before, so nothing was tested")
		}
	}
	status, body := get(c, p.URL+"/readyz")
	if status != http.StatusServiceUnavailable || !strings.Contains(body, "failed store") {
		t.Errorf("/readyz on a disk that takes nothing: %d %s", status, body)
	}
	for _, path := range []string{"/", "/report/" + first.ID, "/badge/before." + world.Many + ".svg", "/healthz"} {
		if status, body := get(c, p.URL+path); status != http.StatusOK {
			t.Errorf("%s on a disk that takes nothing: %d %.200s", path, status, body)
		}
	}
	must(t, p.Stop())
	unmount(t, data)
	exec.Command("fsck.ext4", "-y", "-f", device).Run() // its exit code says that there was something to mend
	mount(t, "-t", "ext4", device, data)
	t.Logf("%d reports are kept", integrity(t, data))
	again := serve(t, data)
	if status, body := get(c, again.URL+"/report/"+first.ID, "Accept", "application/json"); status != http.StatusOK || !whole(body) {
		t.Errorf("the report that was shown before: %d %.100s", status, body)
	}
	must(t, again.Stop())
}

func command(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v %s", name, args, err, out)
	}
	return string(out)
}
