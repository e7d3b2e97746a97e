// Command mxseal says who can read or divert the mail sent to a domain.
//
// This package is flags, exit codes and the terminal; all meaning is in package checks.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"mxseal/checks/input"
	"mxseal/checks/report"
)

// Exit codes, for scripts. Of several domains the highest is returned.
const (
	exitOK       = 0   // every domain tested and at or above --min-grade
	exitBelow    = 1   // a domain is below --min-grade
	exitUntested = 2   // a domain could not be tested (T), or not enough to tell it from below
	exitUsage    = 64  // wrong usage, or not a mail domain
	exitFault    = 70  // a fault of our own, or trouble that may pass: a file or a port that is not to be had
	exitConfig   = 78  // the file of reports is that of a newer version of the program
	exitStopped  = 130 // interrupted, as shells say it
)

// exit is an error that carries an exit code; its text, if any, goes to standard error.
type exit struct {
	code int
	err  error
}

func (e *exit) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func (e *exit) Unwrap() error { return e.err }

func fault(err error) error { return &exit{exitFault, err} }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), lastSignals()...)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// lastSignals are those that end the program in order. A terminal that hangs up is one of
// them, unless somebody keeps us running without (nohup) or beyond it (systemd): what is sent
// then means “read your files again”, which we do by ourselves.
func lastSignals() []os.Signal {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	switch {
	case signal.Ignored(syscall.SIGHUP):
	case os.Getenv("NOTIFY_SOCKET") != "":
		signal.Ignore(syscall.SIGHUP)
	default:
		signals = append(signals, syscall.SIGHUP)
	}
	return signals
}

// run is the program without the process: tests call it.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := &cobra.Command{
		Use:   "mxseal",
		Short: "See who can read or divert the mail sent to a domain",
		Long: "mxseal looks at a mail domain the way sending mail servers do and says which sender,\nagainst which attacker, gets which outcome, and the exact change that helps.\n\n" +
			"Every flag of serve, check, probe, dns and rehearse is also an environment variable:\nMXSEAL_SMTP_PORT for --smtp-port. The flag wins.",
		SilenceErrors: true,
		SilenceUsage:  true,
		Version:       version(),
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			unknown := fmt.Errorf("unknown command %q", args[0])
			if d, err := input.Parse(args[0], true); err == nil && strings.ContainsAny(args[0], ".@") {
				return fmt.Errorf("%w; did you mean “mxseal check %s”?", unknown, d.ASCII)
			}
			if near := c.SuggestionsFor(args[0]); len(near) > 0 {
				return fmt.Errorf("%w; did you mean “mxseal %s”?", unknown, near[0])
			}
			return unknown
		},
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SuggestionsMinimumDistance = 2
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.AddCommand(serveCommand(), checkCommand(), labCommand(), gradeCommand(), probeCommand(), dnsCommand(), tlsaCommand(), rehearseCommand(), hookCommand(), versionCommand(), manCommand())
	root.SetVersionTemplate(versionText())
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		if c.Name() == "completion" { // cobra's own would print its help, which no shell can load, and call it a success
			c.Args, c.RunE = wants(cobra.NoArgs), func(c *cobra.Command, _ []string) error { return misused(c) }
		}
	}
	command, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitOK
	}
	if forNagios(command, args) {
		return nagiosError(stdout, err)
	}
	if text := err.Error(); text != "" {
		fmt.Fprintln(stderr, "mxseal:", text)
	}
	var coded *exit
	if errors.As(err, &coded) {
		return coded.code
	}
	var input *input.Error
	if errors.As(err, &input) {
		return exitUsage
	}
	fmt.Fprintf(stderr, "See “%s”.\n", strings.Replace(command.CommandPath(), "mxseal", "mxseal help", 1))
	return exitUsage
}

// wants turns a wrong number of arguments into a line that says how the command is used.
func wants(number cobra.PositionalArgs) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if number(c, args) != nil {
			return misused(c)
		}
		return nil
	}
}

func misused(c *cobra.Command) error {
	use := c.UseLine()
	if c.Name() == "completion" {
		use = "mxseal completion bash|zsh|fish|powershell"
	}
	return fmt.Errorf("this command is used as: %s", use)
}

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version of the program and of its rules",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			_, err := io.WriteString(c.OutOrStdout(), versionText())
			return err
		},
	}
}

// versionText is what version and --version print.
func versionText() string {
	return fmt.Sprintf("mxseal %s\nrules %d, report schema %d\n", version(), report.RulesSet, report.Schema)
}

// release is set by the linker in release builds.
var release string

// version names the build: the release, else the commit it was built from.
func version() string {
	if release != "" {
		return release
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "devel"
	}
	revision, dirty := "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision" && len(s.Value) >= 12:
			revision = s.Value[:12]
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = "+"
		}
	}
	if revision == "" {
		return "devel"
	}
	return "devel-" + revision + dirty
}
