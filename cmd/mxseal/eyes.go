package main

import (
	"fmt"
	"log/slog"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"mxseal/checks"
	"mxseal/web/jobs"
	"mxseal/web/vantages"
)

// eyes say from which network a process looks, and which others it asks.
type eyes struct {
	vantage string
	others  []string
	asked   *vantages.Others // nil: nobody is
}

func (e *eyes) register(c *cobra.Command) {
	c.Flags().StringVar(&e.vantage, "vantage", "", "`NAME` of the network in which this process stands, by which others of the database can ask it to look at a mail server too")
	c.Flags().StringArrayVar(&e.others, "confirm-from", nil, "`NAME` of another vantage that is asked to look too where STARTTLS does not work from here or a promise is broken (repeatable)")
}

// apply has the engine ask the others; shared says whether there is a database by which that can be done.
func (e *eyes) apply(cfg *checks.Config, shared bool, log *slog.Logger) error {
	if e.vantage == "" && len(e.others) == 0 {
		return nil
	}
	if !shared {
		return fmt.Errorf("--vantage, --confirm-from: several vantages need a database that they share (--database)")
	}
	for _, name := range e.others {
		if !vantages.Valid(name) || name == e.vantage {
			return fmt.Errorf("--confirm-from %q: the name of another vantage is needed: up to 32 of a-z, 0-9 and -", name)
		}
	}
	if e.vantage != "" && !vantages.Valid(e.vantage) {
		return fmt.Errorf("--vantage %q: a vantage is called by up to 32 of a-z, 0-9 and -", e.vantage)
	}
	cfg.Vantage = e.vantage
	if len(e.others) > 0 {
		slices.Sort(e.others)
		e.asked = vantages.Of(slices.Compact(e.others), log)
		cfg.Elsewhere = e.asked.Look
	}
	return nil
}

// kinds are the jobs by which this process answers others.
func (e *eyes) kinds(engine *checks.Engine) []jobs.Kind {
	if e.vantage == "" {
		return nil
	}
	return []jobs.Kind{vantages.Answers(e.vantage, engine.FromHere)}
}

// beside adds the queue of these jobs to other queues.
func (e *eyes) beside(queues map[string]int) map[string]int {
	if e.vantage != "" {
		maps.Copy(queues, vantages.Queues(e.vantage))
	}
	return queues
}

// by names the engine over which the others are asked.
func (e *eyes) by(work *jobs.Engine) {
	if e.asked != nil {
		e.asked.By(work)
	}
}
