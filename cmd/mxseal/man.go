package main

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"mxseal/checks/terminal"
)

// manCommand writes the manual pages, for packagers.
func manCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "man DIR",
		Short: "Write the manual pages into a folder",
		Args:  wants(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return err
			}
			return writePages(c.Root(), args[0])
		},
	}
}

// writePages writes the page of a command and those of the commands below it.
func writePages(c *cobra.Command, dir string) error {
	name := strings.ReplaceAll(c.CommandPath(), " ", "-")
	if err := os.WriteFile(filepath.Join(dir, name+".1"), []byte(manPage(c)), 0o644); err != nil {
		return fault(fmt.Errorf("manual pages: %w", err))
	}
	for _, below := range c.Commands() {
		if below.IsAvailableCommand() {
			if err := writePages(below, dir); err != nil {
				return err
			}
		}
	}
	return nil
}

// statuses are the exit codes of the commands, with what they mean in the manual; “” is for
// those that are not listed.
var statuses = map[string][]string{
	"": {"0\tIt did what was asked.", "64\tWrong usage.", "70\tA fault of our own, or trouble that may pass."},
	"check": {"0\tEvery domain was tested and is at or above --min-grade.", "1\tA domain is below it.",
		"2\tA domain could not be tested, or is provisional and what was not found out decides whether it is below.",
		"64\tWrong usage, or something was no mail domain. The others were checked.", "70\tA fault of our own, or trouble that may pass, such as a file that cannot be read.",
		"130\tInterrupted. What was finished until then is shown.",
		"0-3\tWith --format nagios: 0 OK, 1 a promise is broken, 2 below --min-grade or the domain does not exist, 3 unknown, provisional, wrong usage or trouble of our own. Of several domains the worst, which is 2, then 3."},
	"grade": {"0\tEvery report has a letter, or its domain takes no mail.", "2\tA domain could not be tested.", "64\tWrong usage, or no report.", "70\tA fault of our own."},
	"probe": {"0\tA server was reached.", "2\tOne was not.", "64\tWrong usage.", "70\tA fault of our own, or trouble that may pass."},
	"dns":   {"0\tThere was an answer, if only that there is no such name.", "2\tThere was none.", "64\tWrong usage.", "70\tA fault of our own, or trouble that may pass."},
	"tlsa":  {"0\tThe records were printed.", "64\tWrong usage, or a file that is no certificate or public key.", "70\tA fault of our own."},
	"rehearse": {"0\tNo mail would stop.", "1\tSome would.", "2\tIt could not be found out, such as a name that does not resolve.",
		"64\tWrong usage, or a file that is no certificate.", "70\tA fault of our own, or trouble that may pass."},
	"serve": {"0\tIt was told to end.", "64\tFlags that cannot work: do not try again.", "70\tA port, a file or a resolver is not to be had: try again."},
}

// manPage is the page of a command, in the man macros of roff. The same program gives the
// same pages.
func manPage(c *cobra.Command) string {
	var b strings.Builder
	name := strings.ReplaceAll(c.CommandPath(), " ", "-")
	fmt.Fprintf(&b, ".TH \"MXSEAL\" \"1\" \"%s\" \"mxseal %s\" \"\"\n", built(), roff(version()))
	section := func(title string) { fmt.Fprintf(&b, ".SH %s\n", title) }
	running := func(text string) {
		for _, line := range terminal.Filled(text, 75) {
			b.WriteString(roff(line) + "\n")
		}
	}
	entry := func(term, text string) {
		fmt.Fprintf(&b, ".TP\n%s\n", term)
		running(text)
	}

	section("NAME")
	fmt.Fprintf(&b, "%s - %s\n", roff(name), roff(c.Short))
	section("SYNOPSIS")
	use := c.UseLine()
	if c.HasAvailableSubCommands() {
		use = c.CommandPath() + " COMMAND"
	}
	fmt.Fprintf(&b, ".B %s\n", roff(use))
	section("DESCRIPTION")
	for i, paragraph := range strings.Split(strings.TrimSpace(cmp.Or(c.Long, c.Short+".")), "\n\n") {
		if strings.HasPrefix(paragraph, "Exit: ") {
			continue // it has a section
		}
		if i > 0 {
			b.WriteString(".PP\n")
		}
		if strings.HasPrefix(paragraph, "\t") {
			fmt.Fprintf(&b, ".nf\n%s\n.fi\n", roff(strings.TrimSpace(paragraph)))
		} else {
			running(paragraph)
		}
	}
	if c.HasAvailableSubCommands() {
		section("COMMANDS")
		for _, below := range c.Commands() {
			if below.IsAvailableCommand() {
				entry(`\fB`+roff(below.Name())+`\fR`, below.Short+".")
			}
		}
	}
	if c.HasAvailableFlags() {
		section("OPTIONS")
		c.Flags().VisitAll(func(f *pflag.Flag) {
			if f.Hidden {
				return
			}
			value, usage := pflag.UnquoteUsage(f)
			term := `\fB\-\-` + roff(f.Name) + `\fR`
			if f.Shorthand != "" {
				term = `\fB\-` + f.Shorthand + `\fR, ` + term
			}
			if value != "" {
				term += ` \fI` + roff(value) + `\fR`
			}
			switch f.DefValue {
			case "", "[]", "0", "0s", "false":
			default:
				usage += " (default " + f.DefValue + ")"
			}
			entry(term, usage)
		})
	}
	section("EXIT STATUS")
	list, listed := statuses[c.Name()]
	if !listed {
		list = statuses[""]
	}
	for _, s := range list {
		code, text, _ := strings.Cut(s, "\t")
		entry(code, text)
	}
	section("ENVIRONMENT")
	if c.PreRunE != nil {
		entry(".B MXSEAL_*", "Every flag is also a variable: MXSEAL_ and its name in capitals, with underscores, such as MXSEAL_SMTP_PORT for --smtp-port. "+
			"Where a flag may be repeated, spaces or commas part the values. The flag wins.")
	}
	entry(".B NO_COLOR", "If set to anything, nothing is coloured. Colours are for terminals only.")
	if c.Name() == "serve" {
		entry(".B NOTIFY_SOCKET, LISTEN_FDS", "Set by systemd: who is told that the site is open, and the sockets that take the place of --listen.")
	}
	if c.HasExample() {
		section("EXAMPLES")
		for example := range strings.SplitSeq(c.Example, "\n") {
			command, why, _ := strings.Cut(strings.TrimSpace(example), "#")
			entry(`\fB`+roff(strings.TrimSpace(command))+`\fR`, sentenceOf(why))
		}
	}
	if c.HasParent() || c.HasAvailableSubCommands() {
		section("SEE ALSO")
		var also []string
		add := func(c *cobra.Command) {
			also = append(also, `\fB`+roff(strings.ReplaceAll(c.CommandPath(), " ", "-"))+`\fR(1)`)
		}
		if c.HasParent() {
			add(c.Parent())
		}
		for _, below := range c.Commands() {
			if below.IsAvailableCommand() {
				add(below)
			}
		}
		b.WriteString(strings.Join(also, ",\n") + "\n")
	}
	return b.String()
}

// sentenceOf makes a sentence of a remark.
func sentenceOf(remark string) string {
	remark = strings.TrimSpace(remark)
	if remark == "" {
		return ""
	}
	return strings.ToUpper(remark[:1]) + remark[1:] + "."
}

// built is the day of the commit that the program was built from, else that which packagers
// name (SOURCE_DATE_EPOCH), else today.
func built() string {
	at := time.Now()
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if t, err := time.Parse(time.RFC3339, s.Value); s.Key == "vcs.time" && err == nil {
				at = t
			}
		}
	}
	if n, err := strconv.ParseInt(os.Getenv("SOURCE_DATE_EPOCH"), 10, 64); err == nil {
		at = time.Unix(n, 0)
	}
	return at.UTC().Format("2006-01-02")
}

// roff writes a text for roff: what it would take for orders or glyphs of its own is escaped.
func roff(text string) string {
	var b strings.Builder
	for i, c := range text {
		switch {
		case c == '\\':
			b.WriteString(`\e`)
		case (c == '.' || c == '\'') && i == 0:
			b.WriteString(`\&` + string(c))
		case c == '-' && (i == 0 || strings.HasSuffix(text[:i], " ") || strings.HasSuffix(text[:i], "-")):
			b.WriteString(`\-`)
		case c > '~':
			fmt.Fprintf(&b, `\[u%04X]`, c)
		default:
			b.WriteRune(c)
		}
	}
	return b.String()
}
