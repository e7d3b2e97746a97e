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
	for _, below := range available(c) {
		if err := writePages(below, dir); err != nil {
			return err
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
	var p page
	fmt.Fprintf(&p, ".TH \"MXSEAL\" \"1\" \"%s\" \"mxseal %s\" \"\"\n", built(), roff(version()))
	p.section("NAME")
	fmt.Fprintf(&p, "%s - %s\n", roff(strings.ReplaceAll(c.CommandPath(), " ", "-")), roff(c.Short))
	p.section("SYNOPSIS")
	use := c.UseLine()
	if c.HasAvailableSubCommands() {
		use = c.CommandPath() + " COMMAND"
	}
	fmt.Fprintf(&p, ".B %s\n", roff(use))
	p.section("DESCRIPTION")
	p.description(cmp.Or(c.Long, c.Short+"."))
	if c.HasAvailableSubCommands() {
		p.section("COMMANDS")
		for _, below := range available(c) {
			p.entry(`\fB`+roff(below.Name())+`\fR`, below.Short+".")
		}
	}
	if c.HasAvailableFlags() {
		p.section("OPTIONS")
		c.Flags().VisitAll(p.option)
	}
	p.section("EXIT STATUS")
	list, listed := statuses[c.Name()]
	if !listed {
		list = statuses[""]
	}
	for _, s := range list {
		code, text, _ := strings.Cut(s, "\t")
		p.entry(code, text)
	}
	p.section("ENVIRONMENT")
	p.environment(c)
	if c.HasExample() {
		p.section("EXAMPLES")
		for example := range strings.SplitSeq(c.Example, "\n") {
			command, why, _ := strings.Cut(strings.TrimSpace(example), "#")
			p.entry(`\fB`+roff(strings.TrimSpace(command))+`\fR`, sentenceOf(why))
		}
	}
	if also := seeAlso(c); len(also) > 0 {
		p.section("SEE ALSO")
		p.WriteString(strings.Join(also, ",\n") + "\n")
	}
	return p.String()
}

// page is a manual page that is being written.
type page struct{ strings.Builder }

func (p *page) section(title string) { fmt.Fprintf(p, ".SH %s\n", title) }

func (p *page) running(text string) {
	for _, line := range terminal.Filled(text, 75) {
		p.WriteString(roff(line) + "\n")
	}
}

func (p *page) entry(term, text string) {
	fmt.Fprintf(p, ".TP\n%s\n", term)
	p.running(text)
}

func (p *page) description(text string) {
	for i, paragraph := range strings.Split(strings.TrimSpace(text), "\n\n") {
		if strings.HasPrefix(paragraph, "Exit: ") {
			continue // it has a section
		}
		if i > 0 {
			p.WriteString(".PP\n")
		}
		if strings.HasPrefix(paragraph, "\t") {
			fmt.Fprintf(p, ".nf\n%s\n.fi\n", roff(strings.TrimSpace(paragraph)))
		} else {
			p.running(paragraph)
		}
	}
}

func (p *page) option(f *pflag.Flag) {
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
	p.entry(term, usage)
}

func (p *page) environment(c *cobra.Command) {
	if c.PreRunE != nil {
		p.entry(".B MXSEAL_*", "Every flag is also a variable: MXSEAL_ and its name in capitals, with underscores, such as MXSEAL_SMTP_PORT for --smtp-port. "+
			"Where a flag may be repeated, spaces or commas part the values. The flag wins.")
	}
	p.entry(".B NO_COLOR", "If set to anything, nothing is coloured. Colours are for terminals only.")
	if c.Name() == "serve" {
		p.entry(".B NOTIFY_SOCKET, LISTEN_FDS", "Set by systemd: who is told that the site is open, and the sockets that take the place of --listen.")
	}
}

// available are the commands below one.
func available(c *cobra.Command) (list []*cobra.Command) {
	for _, below := range c.Commands() {
		if below.IsAvailableCommand() {
			list = append(list, below)
		}
	}
	return list
}

// seeAlso names the command above and those below.
func seeAlso(c *cobra.Command) (list []string) {
	near := available(c)
	if c.HasParent() {
		near = append([]*cobra.Command{c.Parent()}, near...)
	}
	for _, n := range near {
		list = append(list, `\fB`+roff(strings.ReplaceAll(n.CommandPath(), " ", "-"))+`\fR(1)`)
	}
	return list
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
