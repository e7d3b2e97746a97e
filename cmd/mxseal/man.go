package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
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
			c.Root().DisableAutoGenTag = true // the same input gives the same pages
			if err := doc.GenManTree(c.Root(), &doc.GenManHeader{Title: "MXSEAL", Section: "1", Source: "mxseal " + version()}, args[0]); err != nil {
				return fault(fmt.Errorf("manual pages: %w", err))
			}
			return nil
		},
	}
}
