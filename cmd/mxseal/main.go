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
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"mxseal/checks/input"
)

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
			"Every flag of serve, check, probe, dns, rehearse and survey run is also an environment variable:\nMXSEAL_SMTP_PORT for --smtp-port. The flag wins.",
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
	root.AddCommand(serveCommand(), checkCommand(), labCommand(), gradeCommand(), probeCommand(), dnsCommand(), tlsaCommand(), rehearseCommand(), tlsrptCommand(), hookCommand(), surveyCommand(), workCommand(), migrateCommand(), storeCommand(), versionCommand(), manCommand())
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
