package main

import (
	"errors"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"mxseal/web/jobs"
	"mxseal/web/store"
)

func storeCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "store",
		Short: "Move what is kept from a file into a PostgreSQL and back",
		Args:  wants(cobra.NoArgs),
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(storeCopy())
	return c
}

func storeCopy() *cobra.Command {
	var from, to string
	c := &cobra.Command{
		Use:   "copy --from WHERE --to WHERE",
		Short: "Copy all that is kept, count it and compare it",
		Long: "Copy puts everything into a store that is empty: reports, surveys, inboxes, watches, tests of\n" +
			"senders, keys, and what is still to be done. It reads both again and compares them row by row.\n" +
			"Stop all processes that use either first. What it copies from stays as it is.",
		Example: "  mxseal store copy --from /var/lib/mxseal --to postgres://mxseal@db.example.net/mxseal",
		Args:    wants(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			if from == "" || to == "" {
				return misused(c)
			}
			source, release, err := openAny(c.Context(), "from", from, false)
			if err != nil {
				return err
			}
			defer release()
			defer source.Close()
			target, release, err := openAny(c.Context(), "to", to, true)
			if err != nil {
				return err
			}
			defer release()
			defer target.Close()
			list, err := store.Copy(c.Context(), source, target)
			if errors.Is(err, store.ErrNotEmpty) {
				return fmt.Errorf("--to: %w", err)
			}
			if err != nil {
				return fault(err)
			}
			due, err := jobs.Copy(c.Context(), source, target)
			if err != nil {
				return fault(err)
			}
			w := tabwriter.NewWriter(c.OutOrStdout(), 0, 0, 2, ' ', 0)
			for _, one := range append(list, store.Copied{What: "jobs", Rows: int64(due)}) {
				fmt.Fprintf(w, "%s\t%d\n", one.What, one.Rows)
			}
			if err := w.Flush(); err != nil {
				return fault(err)
			}
			fmt.Fprintln(c.OutOrStdout(), "Both hold the same.")
			return nil
		},
	}
	c.Flags().StringVar(&from, "from", "", "`WHERE` it lies: a data folder or postgres://USER@HOST/NAME")
	c.Flags().StringVar(&to, "to", "", "`WHERE` it goes, which must be empty; a folder is made")
	return c
}
