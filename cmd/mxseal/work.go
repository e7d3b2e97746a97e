package main

import (
	"fmt"
	"log/slog"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"mxseal/web/jobs"
	"mxseal/web/store/postgres"
	"mxseal/web/surveys"
)

func workCommand() *cobra.Command {
	var n network
	var d database
	var name, optOuts string
	var atOnce int
	c := &cobra.Command{
		Use:   "work",
		Short: "Do the work of surveys for mxseal serve, on a shared database",
		Long: "Work makes the checks of surveys together with mxseal serve and any number of other workers. They\n" +
			"share the work by the database and connect to an address one process at a time, each within its\n" +
			"own bounds. A worker that ends, however that comes, leaves its work to the others; one whose\n" +
			"database goes away waits for it.",
		Example: "  mxseal work --database postgres://mxseal@db.example.net/mxseal --name rack-2",
		Args:    wants(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			if d.inFile() {
				return misused(c)
			}
			if atOnce < 1 {
				return fmt.Errorf("--at-once %d: at least one is needed", atOnce)
			}
			frugal()
			if name == "" {
				name, _ = os.Hostname() // without one it has none
			}
			name = "work " + name
			log := slog.New(slog.NewTextHandler(c.ErrOrStderr(), nil))
			ctx := c.Context()
			cfg, err := n.config()
			if err != nil {
				return err
			}
			cfg.Log = log
			if err := d.eyes.apply(&cfg, true, log); err != nil {
				return err
			}
			reports, err := d.await(ctx, name, postgres.Join, log)
			if err != nil {
				return err
			}
			defer reports.Close()
			list, err := spared(optOuts, &cfg, log)
			if err == nil && list == nil {
				list, err = sparedByOthers(reports, &cfg, log)
			}
			if err != nil {
				return err
			}
			end, err := d.claim(ctx, name, false, &cfg, log)
			if err != nil {
				return err
			}
			defer end()
			engine, err := newEngine(cfg)
			if err != nil {
				return err
			}
			if err := found(ctx, list, engine.Whereabouts); err != nil {
				return fault(err)
			}
			s, kinds := surveys.New(surveys.Config{Store: reports, OptedOut: list.Domain}.By(engine))
			work, err := jobs.New(jobs.Config{Store: reports, Kinds: append(slices.Concat(kinds, d.eyes.kinds(engine)), s.Due()), Queues: d.eyes.beside(surveys.Queues(atOnce)), Log: log})
			if err != nil {
				return fault(err)
			}
			s.By(work)
			d.eyes.by(work)
			if err := work.Start(ctx); err != nil {
				return fault(err)
			}
			defer finish(work, log)
			log.Info("at work", "name", name, "version", version())
			<-ctx.Done()
			return nil
		},
	}
	n.register(c)
	d.register(c)
	d.eyes.register(c)
	c.Flags().StringVar(&name, "name", "", "`NAME` by which the operator knows this worker, in the database and in the log; that of the machine if empty")
	c.Flags().StringVar(&optOuts, "opt-out-file", "", "`FILE` of domains, mail servers and networks that are left alone, one a line, in place of the list of mxseal serve")
	c.Flags().IntVar(&atOnce, "at-once", surveys.Alone, "domains that are asked about, and mail servers that are looked at, at a time")
	return c
}
