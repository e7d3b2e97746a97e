package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"mxseal/checks/records"
	"mxseal/checks/terminal"
)

// amount adds the flags that say how much of a report is read as text.
func amount(c *cobra.Command, text *terminal.Wish) {
	c.Flags().BoolVar(&text.Steps, "steps", false, "show how to fix it too, step by step")
	c.Flags().Var(recordsIn{&text.Syntax}, "records", "`SYNTAX` of the records in the steps: "+strings.Join(syntaxNames(), ", "))
	complete(c, "records", syntaxNames()...)
	c.Flags().BoolVar(&text.All, "verbose", false, "show everything: the steps, what passed, the evidence and the transcripts")
}

// recordsIn is the flag for the syntax of records.
type recordsIn struct{ *records.Syntax }

func (r recordsIn) String() string {
	if r.Syntax == nil || *r.Syntax == "" {
		return string(records.Zone)
	}
	return string(*r.Syntax)
}

func (r recordsIn) Type() string { return "string" }

func (r recordsIn) Set(name string) error {
	*r.Syntax = records.Syntax(name)
	if !slices.Contains(syntaxNames(), name) {
		return fmt.Errorf("it is %s", strings.Join(syntaxNames(), ", "))
	}
	return nil
}

// asked is what the flags say, with what depends on where it goes.
func asked(text terminal.Wish, to io.Writer) terminal.Wish {
	text.Colour = terminal.Coloured(to)
	text.More = "--steps shows how to fix it, --verbose everything that was seen."
	if text.Steps {
		text.More = "--verbose shows everything that was seen."
	}
	return text
}
