package main

import (
	"fmt"

	"github.com/spf13/cobra"

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

// codes are how reports become an exit code.
type codes struct {
	of             func(*report.Report, report.Letter) int
	worse          func(a, b int) int // of two domains
	usage, stopped int                // something was no mail domain; interrupted
}

var shellCodes = codes{exitCode, func(a, b int) int { return max(a, b) }, exitUsage, exitStopped}

// exitCode says what one report means to a script.
func exitCode(r *report.Report, least report.Letter) int {
	switch {
	case len(r.Faults) > 0 || r.Grade == nil:
		return exitFault
	case least == "" && r.Grade.Letter == "T":
		return exitUntested
	case least == "":
		return exitOK
	}
	switch r.Grade.Against(least) {
	case report.Below:
		return exitBelow
	case report.Unsure:
		return exitUntested
	}
	return exitOK
}

func oneOf(flag, value string, known ...string) error {
	for _, k := range known {
		if value == k {
			return nil
		}
	}
	return fmt.Errorf("%s %q: it is one of %v", flag, value, known)
}
