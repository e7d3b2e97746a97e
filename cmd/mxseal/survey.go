package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"mxseal/checks/input"
	"mxseal/checks/view"
	"mxseal/web/jobs"
	"mxseal/web/scans"
	"mxseal/web/store"
	"mxseal/web/store/postgres"
	"mxseal/web/store/sqlite"
	"mxseal/web/surveys"
)

func surveyCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "survey",
		Short: "Look at a list of domains again and again",
		Long: "Survey keeps lists of domains in the data folder and looks at all of a list in runs. A run that\n" +
			"is stopped, however that comes, goes on where it was. Where mxseal serve is at work in the\n" +
			"folder it makes the runs, also those that are due.",
		Example: "  mxseal survey create nl-gov --title \"Government\" --file domains.txt --every 7d\n" +
			"  mxseal survey run nl-gov\n" +
			"  mxseal survey export nl-gov --format csv > nl-gov.csv",
		Args: wants(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(surveyCreate(), surveySet(), surveyRun(), surveyList(), surveyExport(), surveyDelete())
	return c
}

// errInUse is what claim says of a folder in which another process is at work.
var errInUse = errors.New("in use")

// folder is the data folder of a survey command, or the database that it shares with others.
type folder struct {
	path   string
	shares database
	held   *os.File // nil where files cannot be locked
	ours   bool     // no other process is at work in it
	*store.Store
}

func (f *folder) register(c *cobra.Command) {
	f.shares.register(c)
	c.Flags().StringVar(&f.path, "data", "./data", "`DIR` in which reports and surveys are kept")
}

// open opens a data folder, also one in which another process is at work.
func (f *folder) open(ctx context.Context) (err error) {
	if !f.shares.inFile() {
		f.Store, err = f.shares.connect(ctx, "survey", postgres.Join)
		return err
	}
	if err := os.MkdirAll(f.path, 0o750); err != nil {
		return fault(fmt.Errorf("--data: %w", err))
	}
	file := filepath.Join(f.path, "mxseal.db")
	switch f.held, err = claim(f.path); {
	case err == nil:
		f.ours = true
		f.Store, err = sqlite.Open(file)
	case errors.Is(err, errInUse):
		f.Store, err = sqlite.Join(file)
	}
	if err != nil {
		f.release()
		if errors.Is(err, store.ErrNewer) {
			return &exit{exitConfig, err}
		}
		return fault(fmt.Errorf("--data: %w", err))
	}
	return nil
}

func (f *folder) release() {
	if f.held != nil {
		f.held.Close() // gives the folder free; nothing was written to it
	}
}

// close closes the file and gives the folder free.
func (f *folder) close() {
	f.Store.Close()
	f.release()
}

// surveys are those of the folder, with an engine that adds jobs and, where it works, does them.
func (f *folder) surveys(c surveys.Config, works bool, log *slog.Logger) (*surveys.Surveys, *jobs.Engine, error) {
	c.Store = f.Store
	s, kinds := surveys.New(c)
	cfg := jobs.Config{Store: f.Store, Kinds: kinds, Log: log}
	if works {
		cfg.Queues = surveys.Queues(surveys.Alone)
	}
	e, err := jobs.New(cfg)
	if err != nil {
		return nil, nil, fault(err)
	}
	s.By(e)
	return s, e, nil
}

func surveyCreate() *cobra.Command {
	var f folder
	var n network
	var about about
	var file string
	var special bool
	c := &cobra.Command{
		Use:   "create NAME --file FILE",
		Short: "Keep a list of domains as a survey",
		Long: "Create keeps a list: one domain a line, with labels behind it if there are any\n" +
			"(example.org,ministry); # begins a comment. Tables that a spreadsheet exports as CSV are read too:\n" +
			"semicolons, tabs, quotes, headings that say where the domains stand, a number in front. Lines\n" +
			"without a mail domain are named and left out, of a domain that comes again the first line counts.\n" +
			"The list can be an https:// address, which is fetched once.",
		Example: "  mxseal survey create nl-gov --title \"Government\" --file domains.txt --every 7d\n" +
			"  mxseal survey create nl-gov --file https://example.org/domains.csv --publish domains",
		Args: wants(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			if file == "" {
				return misused(c)
			}
			one := store.Survey{Name: args[0]}
			if err := about.apply(c, &one); err != nil {
				return err
			}
			in, err := opened(c.Context(), &n, file)
			if err != nil {
				return fault(fmt.Errorf("--file: %w", err))
			}
			defer in.Close()
			list := surveys.NewList(in, func(typed string) (input.Domain, error) { return input.Parse(typed, special) })
			err = f.ask(c.Context(), func(s *surveys.Surveys) error { return s.Create(c.Context(), &one, list) })
			for _, line := range list.Faults.Told(noMailDomains) {
				fmt.Fprintln(c.ErrOrStderr(), line)
			}
			if err != nil {
				return err
			}
			fmt.Fprintf(c.OutOrStdout(), "%s: %s; left out: %s\n", one.Name, view.Plural(one.Domains, "domain"), view.Plural(list.Faults.All, "line"))
			if again := list.Taken - one.Domains; again > 0 {
				fmt.Fprintf(c.OutOrStdout(), "%s with a domain that is in the list already; its first line counts, with the labels there\n", view.Plural(again, "line"))
			}
			return nil
		},
	}
	n.register(c)
	f.register(c)
	c.Flags().StringVar(&file, "file", "", "`FILE` with the list, or its https:// address")
	about.register(c)
	c.Flags().BoolVar(&special, "special", false, "take names of test networks (.test, .example) too")
	return c
}

func surveyList() *cobra.Command {
	var f folder
	c := &cobra.Command{
		Use:   "list",
		Short: "List the surveys and their last runs",
		Args:  wants(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := f.open(c.Context()); err != nil {
				return err
			}
			defer f.close()
			all, err := f.Surveys(c.Context())
			if err != nil {
				return fault(err)
			}
			if len(all) == 0 {
				fmt.Fprintln(c.OutOrStdout(), "There is no survey.")
				return nil
			}
			w := tabwriter.NewWriter(c.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "NAME\tDOMAINS\tEVERY\tPUBLISHES\tLAST RUN\tTITLE")
			for _, one := range all {
				last, err := f.Runs(c.Context(), one.Name, 1)
				if err != nil {
					return fault(err)
				}
				fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\t%s\n", one.Name, one.Domains, often(one.Every), publishes(one), lastRun(last), one.Title)
			}
			if err := w.Flush(); err != nil {
				return fault(err)
			}
			return nil
		},
	}
	f.register(c)
	return c
}

// often is how often a survey is made by itself.
func often(every time.Duration) string {
	if every == 0 {
		return "-"
	}
	p := period(every)
	return p.String()
}

func lastRun(last []store.Run) string {
	switch {
	case len(last) == 0:
		return "none"
	case last[0].Ended.IsZero():
		return fmt.Sprintf("%d of %d", last[0].Done, last[0].Domains)
	}
	return last[0].Ended.Format("2006-01-02 15:04 UTC")
}

func surveyRun() *cobra.Command {
	var f folder
	var n network
	var optOuts string
	c := &cobra.Command{
		Use:   "run NAME",
		Short: "Look at all domains of a survey, or go on with it",
		Long: "Run looks at all domains of a survey and says what it found. One that was interrupted goes on\n" +
			"where it was. Where mxseal serve is at work in the folder that makes the run, with its own flags\n" +
			"for the network, and this command follows it.",
		Args: wants(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			cfg, err := n.config()
			if err != nil {
				return err
			}
			log := slog.New(slog.NewTextHandler(c.ErrOrStderr(), &slog.HandlerOptions{Level: slog.LevelWarn}))
			cfg.Log = log
			optedOut, err := spared(optOuts, &cfg, log)
			if err != nil {
				return err
			}
			engine, err := newEngine(cfg)
			if err != nil {
				return err
			}
			if err := f.open(c.Context()); err != nil {
				return err
			}
			defer f.close()
			s, work, err := f.surveys(surveys.Config{OptedOut: optedOut.Domain}.By(engine), f.ours, log)
			if err != nil {
				return err
			}
			if f.ours && optedOut != nil {
				if err := found(c.Context(), optedOut, engine.Whereabouts); err != nil {
					return fault(err)
				}
			}
			return makeRun(c, &f, s, work, args[0])
		},
	}
	n.register(c)
	f.register(c)
	c.Flags().StringVar(&optOuts, "opt-out-file", "", "`FILE` of domains, mail servers and networks that are left alone, one a line")
	return c
}

// found waits until the listed names have been looked up once, and has them looked up again and
// again until ctx ends.
func found(ctx context.Context, o *scans.OptOuts, find scans.Whereabouts) error {
	ready := make(chan struct{})
	once := func() {
		select {
		case <-ready:
		default:
			close(ready)
		}
	}
	go o.Watch(ctx, find, once)
	select {
	case <-ready:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
