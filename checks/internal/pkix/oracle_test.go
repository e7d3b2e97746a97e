package pkix

import (
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"
)

// ask holds a list of certificates against openssl verify: want is OK, or the number of the error
// at which it stops. It does nothing where MXSEAL_ORACLE is not set; testdata/real sets it,
// where Debian 12's openssl is.
func ask(t *testing.T, why string, list, roots [][]byte, at time.Time, want string) {
	t.Helper()
	if os.Getenv("MXSEAL_ORACLE") == "" {
		return
	}
	dir := t.TempDir()
	write := func(name string, ders [][]byte) string {
		var text []byte
		for _, der := range ders {
			text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
		}
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	arguments := []string{"verify", "-auth_level", "1", "-purpose", "sslserver", "-attime", fmt.Sprint(at.Unix()), "-CAfile", write("ca.pem", roots)}
	if len(list) > 1 {
		arguments = append(arguments, "-untrusted", write("rest.pem", list[1:]))
	}
	out, err := exec.Command("openssl", append(arguments, write("leaf.pem", list[:1]))...).CombinedOutput()
	got := "OK"
	if err != nil {
		got = string(out)
		if m := regexp.MustCompile(`error (\d+) at`).FindSubmatch(out); m != nil {
			got = string(m[1])
		}
	}
	if got != want {
		t.Errorf("%s: openssl verify says %s, want %s", why, got, want)
	}
}
