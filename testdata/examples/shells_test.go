package examples

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Each shell loads what we give it and offers what we know.
func TestCompletion(t *testing.T) {
	dir := t.TempDir()
	script := func(shell string) string {
		out, err := command(filepath.Join(bin, "mxseal"), "completion", shell).Output()
		must(t, err)
		file := filepath.Join(dir, "_mxseal."+shell)
		must(t, os.WriteFile(file, out, 0o600))
		return file
	}
	for _, c := range []struct {
		why   string
		shell *exec.Cmd
		want  []string
	}{
		{"bash loads it", command("bash", "--norc", "-n", script("bash")), nil},
		{"bash completes a command", inBash(script("bash"), "mxseal", "che"), []string{"check"}},
		{"bash completes a value", inBash(script("bash"), "mxseal", "check", "--format", "na"), []string{"nagios"}},
		{"zsh loads it", command("zsh", "-f", "-n", script("zsh")), nil},
		{"zsh takes it for a command", command("zsh", "-f", "-c", "autoload -U compinit; compinit -D -u; source "+script("zsh")+"; print $_comps[mxseal]"), []string{"_mxseal"}},
		{"fish loads it", command("fish", "--no-config", "--no-execute", script("fish")), nil},
		{"fish completes a command", command("fish", "--no-config", "-c", "source "+script("fish")+"; complete -C 'mxseal che'"), []string{"check\tCheck mail domains and grade them"}},
	} {
		out, code := said(t, c.shell)
		if code != 0 || strings.TrimSpace(out) != strings.Join(c.want, "\n") {
			t.Errorf("%s: exit %d, %q", c.why, code, out)
		}
	}
}

// inBash completes the last of words as the key does.
func inBash(script string, words ...string) *exec.Cmd {
	lines := `source /usr/share/bash-completion/bash_completion; source "$1"; shift
compopt() { :; } # which only works when a key was pressed
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE="$*" COMP_POINT=${#COMP_LINE} COMP_TYPE=9
__start_mxseal; printf '%s\n' "${COMPREPLY[@]%% *}"`
	return command("bash", append([]string{"--norc", "-c", lines, "bash", script}, words...)...)
}

// man shows every page without a complaint, and mandoc has not even one about style.
func TestManualPages(t *testing.T) {
	dir := t.TempDir()
	must(t, command(filepath.Join(bin, "mxseal"), "man", dir).Run())
	pages, err := filepath.Glob(filepath.Join(dir, "*.1"))
	must(t, err)
	if len(pages) < 9 {
		t.Fatalf("%d pages", len(pages))
	}
	for _, page := range pages {
		if out, err := command("mandoc", "-T", "lint", "-W", "all", page).Output(); err != nil || len(out) > 0 {
			t.Errorf("%s: %v\n%s", filepath.Base(page), err, out)
		}
		c := command("man", "--warnings", "-l", page)
		c.Env = append(c.Env, "MANWIDTH=80", "LC_ALL=C.UTF-8", "MAN_KEEP_FORMATTING=", "PAGER=cat")
		out, code := said(t, c)
		if code != 0 || strings.Contains(out, "warning:") || !strings.Contains(out, "SYNOPSIS") {
			t.Errorf("%s: exit %d\n%s", filepath.Base(page), code, out)
		}
	}
}
