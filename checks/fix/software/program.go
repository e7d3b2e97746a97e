// Package software knows the mail servers that people run, and how the settings that fix a finding
// are written in each: lines for a file, commands for a shell, and what no line can say. What
// several findings of one server want of an option is folded into one line.
//
// A program is a row of the table in programs.go, its dialect one of those in dialects.go.
package software

import (
	"slices"
	"strings"

	"mxseal/checks/report"
)

// Program is a mail server and how its settings are written. A setting that is not here cannot be
// made in it, or is as it should be in every version.
type Program struct {
	Name     string // as the starttls check recognises it, or a name for one that it does not know
	Where    string // the file, or the program to type into
	Reload   string // command that makes it read its settings and certificate anew
	Log      string // commands that list sessions with versions that are going away
	Own      string // how it gets certificates, where that is not by certbot
	Said     string // word of its greeting, in small letters, where the name alone does not tell
	label    string // where one name stands for several kinds
	dialect  dialect
	settings map[report.Setting][]edit
	lists    map[string]list           // of options that hold words
	notes    map[report.Setting]string // what has to be known beside the lines of a setting, or by "" beside all
	copies   string                    // owner and group for whom certificates are copied, where certbot's are not readable
	folder   string                    // where the copies are kept
	source   string                    // of one that Debian 12 does not have, or not all of it: the day and what was read
}

// Making are the programs in which some of the settings can be made, without a kind that takes the
// same lines as another of its name. All are the settings that the server needs.
func Making(list []Program, settings, all []report.Setting) []Program {
	var making []Program
	shown := make(map[string]int)
	for _, p := range list {
		if len(p.Makes(settings)) == 0 {
			continue
		}
		lines, commands, _, _ := p.made(settings, all)
		text := p.Name + strings.Join(append(lines, commands...), "\n")
		if at, twice := shown[text]; twice {
			making[at].label = ""
			continue
		}
		shown[text] = len(making)
		making = append(making, p)
	}
	return making
}

// Makes are those of the settings that can be made in the program.
func (p Program) Makes(settings []report.Setting) (made []report.Setting) {
	for _, name := range settings {
		if _, has := p.settings[name]; has {
			made = append(made, name)
		}
	}
	return made
}

// Text is what makes settings in a program.
type Text struct {
	Lines    string   // of its file
	Commands string   // for a shell
	Notes    []string // what has to be known beside them
	Files    bool     // it names the files of the certificate and its key
}

// Write is what makes some settings, where a server needs all of those. Lineage is the name under
// which certbot keeps its certificate.
func (p Program) Write(settings, all []report.Setting, lineage string) Text {
	certificate, key := p.Files(lineage)
	fill := strings.NewReplacer("{certificate}", certificate, "{key}", key, "{chain}", ChainFile(lineage))
	lines, commands, notes, more := p.made(settings, all)
	t := Text{Lines: fill.Replace(strings.Join(lines, "\n")), Commands: fill.Replace(strings.Join(commands, "\n"))}
	t.Files = strings.Contains(t.Lines+t.Commands, certificate)
	if more {
		notes = append([]string{"A list holds what other findings of this server need as well."}, notes...)
	}
	for _, name := range append(slices.Clone(settings), "") {
		notes = append(notes, p.notes[name])
	}
	for _, note := range notes {
		if note != "" && !slices.Contains(t.Notes, note) {
			t.Notes = append(t.Notes, note)
		}
	}
	return t
}

// made writes the edits of some settings, folded with those of all that the server needs: of the
// options that the settings touch, what any of them wants. More says that others want something
// beside.
func (p Program) made(settings, all []report.Setting) (lines, commands, notes []string, more bool) {
	var own, every []edit
	for _, name := range report.Settings {
		if slices.Contains(settings, name) {
			own = append(own, p.settings[name]...)
		}
		if slices.Contains(settings, name) || slices.Contains(all, name) {
			every = append(every, p.settings[name]...)
		}
	}
	edits, more := share(fold(every), fold(own))
	for _, e := range edits {
		l, c, n := p.dialect(e, p.lists[e.option])
		lines, commands, notes = append(lines, l...), append(commands, c...), append(notes, n...)
	}
	return lines, commands, notes, more
}

// Title names the program in front of a place, with a guess marked as such.
func (p Program) Title(sure bool) string {
	name := p.Name
	if p.label != "" {
		name += " " + p.label
	}
	if !sure {
		name = "if it is " + name
	}
	return name + ": "
}

// CertificateFile, ChainFile (its issuers alone) and keyFile are where certbot keeps them.
func CertificateFile(name string) string { return "/etc/letsencrypt/live/" + name + "/fullchain.pem" }
func ChainFile(name string) string       { return "/etc/letsencrypt/live/" + name + "/chain.pem" }
func keyFile(name string) string         { return "/etc/letsencrypt/live/" + name + "/privkey.pem" }

// Files are where the program finds the certificate of a name and its key: where certbot keeps
// them, or copies for a program that may not read those.
func (p Program) Files(name string) (certificate, key string) {
	if p.folder != "" {
		return p.folder + "/" + name + ".crt", p.folder + "/" + name + ".key"
	}
	return CertificateFile(name), keyFile(name)
}

// Copy is the command that gives the program copies of what certbot keeps under a name; empty
// where it reads that itself.
func (p Program) Copy(name string) string {
	if p.folder == "" {
		return ""
	}
	certificate, key := p.Files(name)
	return "install -m 640 " + p.copies + " " + CertificateFile(name) + " " + certificate + " && install -m 640 " + p.copies + " " + keyFile(name) + " " + key
}

// Hook is what has to be run after each renewal of what certbot keeps under a name.
func (p Program) Hook(name string) string {
	reload := strings.TrimSpace(strings.Split(p.Reload, "  #")[0])
	if p.folder == "" {
		return reload
	}
	return p.Copy(name) + " && " + reload[strings.LastIndex(reload, "systemctl"):]
}
