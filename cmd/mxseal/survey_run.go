package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"mxseal/checks/adoption"
	"mxseal/checks/report"
	"mxseal/checks/terminal"
	"mxseal/checks/view"
	"mxseal/templates"
	"mxseal/web/jobs"
	"mxseal/web/store"
	"mxseal/web/surveys"
)

// runLook is how often it is looked how far a run is.
const runLook = 300 * time.Millisecond

// idleAfter is when a run that others make, and of which nothing is done, is wondered at.
const idleAfter = time.Minute

// makeRun starts or goes on with a run, follows it to its end and says what it found.
func makeRun(c *cobra.Command, f *folder, s *surveys.Surveys, work *jobs.Engine, name string) error {
	ctx := c.Context()
	run, err := s.Start(ctx, name)
	if err != nil {
		return noSurvey(name, err)
	}
	if f.ours {
		if err := work.Start(ctx); err != nil {
			return fault(err)
		}
		defer finish(work, slog.New(slog.NewTextHandler(c.ErrOrStderr(), nil)))
	}
	run, err = followRun(ctx, f, run, c.ErrOrStderr())
	if ctx.Err() != nil {
		return &exit{exitStopped, fmt.Errorf("interrupted after %d of %d domains; mxseal survey run %s goes on there", run.Done, run.Domains, name)}
	}
	if err != nil {
		return fault(err)
	}
	totals, err := s.Totals(ctx, run)
	if err != nil {
		return fault(err)
	}
	return writeTotals(c.OutOrStdout(), run, totals)
}

// noSurvey says what it means that a survey cannot be had.
func noSurvey(name string, err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("there is no survey %s; mxseal survey list shows those that there are", name)
	}
	return fault(err)
}

// followRun waits for the end of a run, and says on a terminal how far it is.
func followRun(ctx context.Context, f *folder, run store.Run, progress io.Writer) (store.Run, error) {
	began, before := time.Now(), run.Done
	shown := terminal.Is(progress)
	still := time.AfterFunc(idleAfter, func() {
		fmt.Fprintln(progress, "mxseal: nothing has moved yet; the run is made by mxseal serve or mxseal work, where one of them is at work here")
	})
	defer still.Stop()
	for run.Ended.IsZero() {
		select {
		case <-ctx.Done():
			return run, ctx.Err()
		case <-time.After(runLook):
		}
		list, err := f.Runs(ctx, run.Survey, 1)
		if err != nil && !f.shares.inFile() && ctx.Err() == nil { // others make the run, and a database comes back
			continue
		}
		if err != nil {
			return run, err
		}
		if len(list) == 0 || list[0].ID != run.ID {
			return run, errors.New("another run has begun in its place")
		}
		if run = list[0]; run.Done > before {
			still.Stop()
		}
		if shown {
			fmt.Fprintf(progress, "\r\033[K%.*s", terminal.Columns(progress)-1, howFar(run, run.Done-before, time.Since(began)))
		}
	}
	if shown {
		fmt.Fprint(progress, "\r\033[K")
	}
	return run, nil
}

// howFar says how far a run is of which so many domains were done in a time.
func howFar(run store.Run, done int, took time.Duration) string {
	text := fmt.Sprintf("%d of %d domains done · %d being checked", run.Done, run.Domains, run.Fed-run.Done)
	if p := view.PaceOf(int64(done), int64(run.Domains-run.Done), took).String(); p != "" {
		text += " · " + p
	}
	return text
}

// writeTotals says what a run found.
func writeTotals(w io.Writer, run store.Run, t *adoption.Totals) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, run of %s: %d domains, %d looks at mail servers\n\n  Letters", run.Survey, run.Began.Format("2 January 2006, 15:04 UTC"), t.Domains, run.Looks)
	for _, letter := range report.Letters {
		if n := t.Letters[letter]; n > 0 {
			fmt.Fprintf(&b, " · %s %d", letter, n)
		}
	}
	fmt.Fprintf(&b, "\n  Provisional · %d\n", t.Provisional)
	for _, thing := range templates.SurveyThings {
		fmt.Fprintf(&b, "  %-22s%s\n", thing.Name, counts(t.Adoption[thing.ID]))
	}
	if len(t.Broken) > 0 {
		fmt.Fprintf(&b, "  %-22s%s\n", "Broken promises", counts(t.Broken))
	}
	if len(t.Untested) > 0 {
		fmt.Fprintf(&b, "  %-22s%s\n", "No letter, why", counts(t.Untested))
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fault(err)
	}
	return nil
}

// counts lists what was counted, the most frequent first.
func counts(of map[string]int) string {
	keys := slices.SortedFunc(maps.Keys(of), func(a, b string) int {
		return cmp.Or(cmp.Compare(of[b], of[a]), cmp.Compare(a, b))
	})
	for i, k := range keys {
		keys[i] = fmt.Sprintf("%s %d", k, of[k])
	}
	return strings.Join(keys, " · ")
}

func surveyExport() *cobra.Command {
	var f folder
	var format string
	c := &cobra.Command{
		Use:   "export NAME",
		Short: "Write what the last run found, domain by domain",
		Long:  "Export writes what the last run that came to its end found, domain by domain in the order of the list.",
		Args:  wants(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			if err := oneOf("--format", format, "csv", "json", "parquet"); err != nil {
				return err
			}
			return f.ask(c.Context(), func(s *surveys.Surveys) error {
				run, err := lastWhole(c.Context(), &f, args[0])
				if err != nil {
					return err
				}
				if err := s.Export(c.Context(), c.OutOrStdout(), run, surveys.Format(format), true); err != nil {
					return fault(err)
				}
				return nil
			})
		},
	}
	f.register(c)
	c.Flags().StringVar(&format, "format", "csv", "csv, json or parquet")
	complete(c, "format", "csv", "json", "parquet")
	return c
}

// lastWhole is the last run of a survey that came to its end.
func lastWhole(ctx context.Context, f *folder, name string) (store.Run, error) {
	list, err := f.Runs(ctx, name, 2)
	if err != nil {
		return store.Run{}, fault(err)
	}
	for _, run := range list {
		if !run.Ended.IsZero() {
			return run, nil
		}
	}
	if _, err := f.Survey(ctx, name); err != nil {
		return store.Run{}, noSurvey(name, err)
	}
	return store.Run{}, fmt.Errorf("no run of the survey %s has come to its end", name)
}
