package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// DEPENDENCIES.md names every module that we ask for ourselves, and the licence that it is under.
func TestDependenciesAreNamed(t *testing.T) {
	named, err := os.ReadFile("../../.github/DEPENDENCIES.md")
	if err != nil {
		t.Fatal(err)
	}
	claimed := make(map[string]string)
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z][^`]*\\.[^`]*/[^`]*)` \\| ([A-Za-z0-9.-]+) \\| (.+) \\|$").FindAllStringSubmatch(string(named), -1) {
		claimed[row[1]] = row[2]
	}
	asked := direct(t)
	for path := range asked {
		if claimed[path] == "" {
			t.Errorf("DEPENDENCIES.md does not name %s", path)
		} else if got := licenceOf(t, path); got != claimed[path] {
			t.Errorf("%s is under %s, DEPENDENCIES.md says %s", path, got, claimed[path])
		}
	}
	for path := range claimed {
		if !asked[path] {
			t.Errorf("DEPENDENCIES.md names %s, and go.mod does not ask for it", path)
		}
	}
}

// direct are the modules that go.mod asks for, not those that they bring along, and those of our tools.
func direct(t *testing.T) map[string]bool {
	t.Helper()
	text, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	asked, required := make(map[string]bool), regexp.MustCompile(`(?m)^\t(\S+) v\S+( // indirect)?$`).FindAllStringSubmatch(string(text), -1)
	for _, m := range required {
		asked[m[1]] = m[2] == ""
	}
	for _, tool := range regexp.MustCompile(`(?m)^\t(\S+/cmd/\S+)$`).FindAllStringSubmatch(string(text), -1) {
		for _, m := range required {
			if strings.HasPrefix(tool[1], m[1]+"/") {
				asked[m[1]] = true
			}
		}
	}
	for path, ours := range asked {
		if !ours {
			delete(asked, path)
		}
	}
	if len(asked) < 20 {
		t.Fatalf("go.mod was not understood: %v", asked)
	}
	return asked
}

// sourced are the modules, by the beginning of their path, that ask to be told where their source
// is, which DEPENDENCIES.md does (.github/adr/0003).
const sourced = "github.com/riverqueue/river"

// Nothing in the binary is under a licence that asks for more than to be named, but what is sourced.
func TestLicencesInTheBinary(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}} {{.Dir}}{{end}}{{end}}", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	seen := make(map[string]bool)
	for line := range strings.Lines(string(out)) {
		path, dir, found := strings.Cut(strings.TrimSpace(line), " ")
		if !found || seen[path] {
			continue
		}
		seen[path] = true
		switch name := licenceIn(t, dir); name {
		case "MIT", "BSD-2-Clause", "BSD-3-Clause", "Apache-2.0", "ISC":
		case "MPL-2.0":
			if !strings.HasPrefix(path, sourced) {
				t.Errorf("%s is under %q, and nothing says where its source is", path, name)
			}
		default:
			t.Errorf("%s is under %q", path, name)
		}
	}
	if !seen["github.com/miekg/dns"] || !seen["modernc.org/libc"] {
		t.Errorf("go list names too few modules: %v", seen)
	}
}

// licenceOf finds a module's licence in the module cache; one that nothing built so far has
// needed is fetched, as building would.
func licenceOf(t *testing.T, path string) string {
	t.Helper()
	var m struct{ Dir string }
	for _, args := range [][]string{{"list", "-m", "-json", path}, {"mod", "download", "-json", path}} {
		out, err := exec.Command("go", args...).Output()
		if err != nil {
			t.Fatalf("go %s: %v", strings.Join(args, " "), err)
		}
		if err := json.Unmarshal(out, &m); err != nil {
			t.Fatal(err)
		}
		if m.Dir != "" {
			break
		}
	}
	return licenceIn(t, m.Dir)
}

func licenceIn(t *testing.T, dir string) string {
	t.Helper()
	for _, name := range []string{"LICENSE", "LICENSE.md", "LICENSE.txt", "LICENCE", "COPYING"} {
		if text, err := os.ReadFile(filepath.Join(dir, name)); err == nil {
			return licence(string(text))
		}
	}
	return ""
}

// licence recognises a licence by the words that no other has.
func licence(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	has := func(words string) bool { return strings.Contains(text, words) }
	switch {
	case has("GNU GENERAL PUBLIC LICENSE") || has("GNU LESSER GENERAL PUBLIC LICENSE") || has("GNU AFFERO GENERAL PUBLIC LICENSE"):
		return "GPL"
	case has("Mozilla Public License"):
		return "MPL-2.0"
	case has("Apache License Version 2.0"):
		return "Apache-2.0"
	case has("Permission is hereby granted, free of charge"):
		return "MIT"
	case has("Permission to use, copy, modify, and/or distribute this software for any purpose"):
		return "ISC"
	case has("Redistribution and use in source and binary forms") && has("endorse or promote products"):
		return "BSD-3-Clause"
	case has("Redistribution and use in source and binary forms"):
		return "BSD-2-Clause"
	}
	return ""
}
