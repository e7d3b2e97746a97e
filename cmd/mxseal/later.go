package main

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"text/tabwriter"
	"time"

	"mxseal/web/inbox"
	"mxseal/web/jobs"
	"mxseal/web/surveys"
	"mxseal/web/watch"
)

const oneDay = 24 * time.Hour

// upkeepRound is the job that keeps the file of reports in shape.
type upkeepRound struct{}

func (upkeepRound) Kind() string { return "upkeep" }

// inboxRound is the job that deletes what has grown old in the inboxes for TLS reports.
type inboxRound struct{}

func (inboxRound) Kind() string { return "inbox-expiry" }

// watchRound is the job that deletes what nobody has confirmed, and what was told long ago.
type watchRound struct{}

func (watchRound) Kind() string { return "watch-expiry" }

// later is the engine for all that the program does when it is time for it, as serve does it, and the
// surveys that it makes; with the jobs of others, such as those of watches, where there are any, over the
// database that is shared, or a file.
func later(old *retention, lists surveys.Config, others []jobs.Kind, shares *database, log *slog.Logger) (*jobs.Engine, *surveys.Surveys, error) {
	reports := lists.Store
	s, kinds := surveys.New(lists)
	queues := surveys.Queues(shares.part())
	maps.Copy(queues, watch.Queues())
	e, err := jobs.New(jobs.Config{
		Store:  reports,
		Log:    log,
		Queues: shares.eyes.beside(queues),
		Kinds: append(slices.Concat(kinds, others), s.Due(),
			jobs.Every(oneDay, old.round),
			jobs.Every(oneDay, func(ctx context.Context, _ upkeepRound) error { return reports.Tend(ctx) }),
			jobs.Every(oneDay, func(ctx context.Context, _ inboxRound) error { return inbox.Expire(ctx, reports) }),
			jobs.Every(oneDay, func(ctx context.Context, _ watchRound) error { return watch.Expire(ctx, reports) }),
		),
	})
	s.By(e)
	shares.eyes.by(e)
	return e, s, err
}

// troubles is the page of the operator with the jobs that have failed.
func troubles(e *jobs.Engine) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		list, err := e.Troubles(r.Context())
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		if len(list) == 0 {
			fmt.Fprintln(w, "No job has failed.")
			return
		}
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		fmt.Fprintln(t, "JOB\tATTEMPTS\tLAST\tNEXT\tERROR")
		for _, j := range list {
			next := "given up"
			if !j.GivenUp {
				next = j.Next.Format(time.RFC3339)
			}
			fmt.Fprintf(t, "%s %s\t%d\t%s\t%s\t%s\n", j.Kind, j.Args, j.Attempts, j.At.Format(time.RFC3339), next, j.Error)
		}
		t.Flush() // into the answer: who is not there any more misses nothing
	})
}
