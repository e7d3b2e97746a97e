// Package vantages has mail servers looked at from other networks. The processes of one database may stand in
// several, each of which is a vantage with a name; one asks another by a job in the queue of that.
//
// Nobody is asked unless something looks bad from here (checks.Config.Elsewhere), and all keep the bounds that
// they have anyway: what each address may be asked in an hour, the claims, the opt-outs.
package vantages

import (
	"context"
	"log/slog"
	"regexp"
	"sync"

	"mxseal/checks"
	"mxseal/checks/report"
	"mxseal/web/jobs"
)

const atOnce = 8 // looks for other vantages

var names = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$`)

// Valid reports whether a vantage may be called so: by up to 32 of a-z, 0-9 and -.
func Valid(name string) bool { return names.MatchString(name) }

// call is what another vantage is asked for.
type call struct {
	checks.Call
	Domain string `json:"domain"` // A-label, for which it is made
}

func (call) Kind() string { return "vantage-look" }

func queue(name string) string { return "vantage-" + name }

// Answers is the kind of job by which a vantage answers; look is checks.Engine.FromHere.
func Answers(name string, look func(ctx context.Context, c checks.Call, domain string) report.Elsewhere) jobs.Kind {
	return jobs.Reply(queue(name), func(ctx context.Context, c call) (report.Elsewhere, error) {
		seen := look(ctx, c.Call, c.Domain)
		return seen, ctx.Err()
	})
}

// Queues are those of a vantage, with how many looks it makes at a time.
func Queues(name string) map[string]int { return map[string]int{queue(name): atOnce} }

// Others are the vantages that are asked.
type Others struct {
	names []string
	log   *slog.Logger
	jobs  *jobs.Engine
}

// Of returns those of the names. By is called before Look.
func Of(names []string, log *slog.Logger) *Others { return &Others{names: names, log: log} }

// By names the engine over which they are asked; it is called once, before anything else.
func (o *Others) By(e *jobs.Engine) { o.jobs = e }

// Look has all of them make a call, and returns what each has seen: nothing for one that had not answered when
// ctx ended.
func (o *Others) Look(ctx context.Context, c checks.Call, domain string) []report.Elsewhere {
	list := make([]report.Elsewhere, len(o.names))
	var work sync.WaitGroup
	for i, name := range o.names {
		work.Go(func() {
			seen, err := jobs.Ask[report.Elsewhere](ctx, o.jobs, queue(name), call{c, domain})
			if err != nil {
				o.log.Warn("another vantage did not answer", "vantage", name, "address", c.Address, "error", err)
				seen = report.Elsewhere{STARTTLS: report.NotTried}
			}
			seen.Vantage = name
			list[i] = seen
		})
	}
	work.Wait()
	return list
}
