package main

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"mxseal/checks"
	"mxseal/checks/report"
	"mxseal/checks/terminal"
)

// hostile turns every text of a report into one that means harm to a terminal, but for what tells
// reports from other things, times and digests.
func hostile(v any, key string) any {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			v[k] = hostile(e, k)
		}
	case []any:
		for i, e := range v {
			v[i] = hostile(e, key)
		}
		return append(v, nil)
	case string:
		if regexp.MustCompile(`^\d{4}-\d\d-\d\dT`).MatchString(v) || key == "der" {
			return v
		}
		return "\x1b]0;title\x07\x1b[31m" + v + "\u202e\u009b2J\r\n\x00\x7f"
	}
	return v
}

// A report from somebody else cannot do to a terminal, a monitor or a table what its texts could.
func TestForeignReports(t *testing.T) {
	code, text, errs := mxseal("", append([]string{"check", "--format", "json", "perfect.test"}, sockets(t)...)...)
	if code != exitOK {
		t.Fatal(errs)
	}
	var tree any
	if err := json.Unmarshal([]byte(text), &tree); err != nil {
		t.Fatal(err)
	}
	foreign, err := json.Marshal(hostile(tree, ""))
	if err != nil {
		t.Fatal(err)
	}
	harmless := func(what, out string) {
		t.Helper()
		for _, r := range out {
			if r != '\n' && r != '\t' && (!unicode.IsGraphic(r) || unicode.Is(unicode.Cf, r)) {
				t.Errorf("%s: %U in %q", what, r, out[:min(len(out), 300)])
				return
			}
		}
	}
	for _, format := range []string{"text", "json"} {
		code, out, errs := mxseal(string(foreign), "grade", "--verbose", "--format", format)
		if code == exitFault || code == exitUsage || len(out) < 1000 {
			t.Errorf("%s: exit %d, %d octets, %s", format, code, len(out), errs)
		}
		harmless(format, out)
		harmless(format, errs)
	}
	for name, format := range formats {
		var r report.Report
		if err := json.Unmarshal(foreign, &r); err != nil {
			t.Fatal(err)
		}
		r.CleanAll()
		r.Conclusions = checks.Judge(r.Meta, r.Evidence)
		checks.Explain(&r)
		var out bytes.Buffer
		w := format.to(&out, wish{text: terminal.Wish{All: true}, least: "A"})
		if err := w.write(&r); err != nil {
			t.Error(err)
		}
		if err := w.end(nil); err != nil {
			t.Error(err)
		}
		harmless(name, out.String())
	}
	for _, wrong := range []string{`{"schema":1,"checked_at":"` + "\u009b31m\u202e" + `"}`, "\x1b[31m", `{"schema":"\u001b[31m"}`} {
		code, _, errs := mxseal(wrong, "grade")
		if code != exitUsage {
			t.Errorf("%q: exit %d", wrong, code)
		}
		harmless("an error", errs)
	}
}

// A file of reports by a newer program is not mended by starting again, and the unit knows it.
func TestExitCodesOfTheUnit(t *testing.T) {
	dir := t.TempDir()
	db, err := sql.Open("sqlite", filepath.Join(dir, "mxseal.db"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("PRAGMA user_version = 99"); err != nil {
		t.Fatal(err)
	}
	db.Close()
	newer, _, errs := mxseal("", "serve", "--listen", "127.0.0.1:0", "--admin-listen=", "--resolver", "127.0.0.1:9", "--data", dir)
	if newer != exitConfig || !strings.Contains(errs, "use a newer program") {
		t.Errorf("exit %d: %s", newer, errs)
	}
	manual, err := os.ReadFile("../../.github/OPERATING.md")
	if err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(`(?m)^    RestartPreventExitStatus=(.*)$`).FindSubmatch(manual)
	if line == nil {
		t.Fatal("OPERATING.md has no unit that says when not to restart")
	}
	for _, code := range []int{newer, exitUsage} {
		if !strings.Contains(" "+string(line[1])+" ", " "+strconv.Itoa(code)+" ") {
			t.Errorf("the unit restarts for ever at exit %d: %s", code, line[0])
		}
	}
	if strings.Contains(string(line[1]), strconv.Itoa(exitFault)) {
		t.Error("the unit gives up at a fault that may pass")
	}
}
