package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"mxseal/checks"
	"mxseal/checks/report"
)

func checkCommand() *cobra.Command {
	var n network
	var format, minGrade string
	var verbose bool
	c := &cobra.Command{
		Use:   "check DOMAIN…",
		Short: "Check mail domains and grade them",
		Long: "Check looks at each domain as sending mail servers do: MX, DNSSEC, STARTTLS, TLS,\n" +
			"certificate, DANE, MTA-STS, TLS-RPT. It sends no mail.\n\n" +
			"Exit: 0 tested and at or above --min-grade · 1 below it · 2 not testable ·\n" +
			"64 wrong usage or not a mail domain · 70 our own fault.",
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			least := report.Letter(minGrade)
			if minGrade != "" && !least.Valid() {
				return fmt.Errorf("--min-grade %q: it is one of A+ A B C D E F", minGrade)
			}
			if err := oneOf("--format", format, "text", "json", "ndjson"); err != nil {
				return err
			}
			engine, err := n.engine()
			if err != nil {
				return err
			}
			domains := make([]checks.Domain, len(args))
			var wrong error
			for i, typed := range args {
				if domains[i], err = engine.ParseDomain(typed); err != nil {
					wrong = errors.Join(wrong, fmt.Errorf("%s: %w", report.Clean(typed, 80), err))
				}
			}
			if wrong != nil {
				return &exit{exitUsage, wrong}
			}
			progress := newProgress(c.ErrOrStderr())
			defer progress.clear()
			out := c.OutOrStdout()
			list, code, err := runAll(c.Context(), engine, domains, least, progress, func(i int, r *report.Report) error {
				progress.clear()
				switch format {
				case "text":
					if i > 0 {
						fmt.Fprintln(out)
					}
					return writeText(out, r, verbose, coloured(out))
				case "ndjson":
					return json.NewEncoder(out).Encode(r)
				}
				return nil
			})
			if err != nil {
				return fault(err)
			}
			if format == "json" {
				var v any = list
				if len(list) == 1 {
					v = list[0]
				}
				if err := writeJSON(out, v); err != nil {
					return fault(err)
				}
			}
			if code != exitOK {
				return &exit{code: code}
			}
			return nil
		},
	}
	n.register(c)
	c.Flags().StringVar(&format, "format", "text", "text, json or ndjson")
	c.Flags().StringVar(&minGrade, "min-grade", "", "exit 1 when a domain is below this `LETTER`")
	c.Flags().BoolVar(&verbose, "verbose", false, "show what passed, the evidence and the transcripts too")
	return c
}

// atOnce is how many domains are checked side by side.
const atOnce = 4

// runAll checks the domains, a few side by side, and shows each report in the order in
// which the domains were given. It returns the reports and the exit code they call for.
func runAll(ctx context.Context, engine *checks.Engine, domains []checks.Domain, least report.Letter, p *progress, show func(int, *report.Report) error) ([]*report.Report, int, error) {
	reports := make([]*report.Report, len(domains))
	ready := make([]chan struct{}, len(domains))
	places := make(chan struct{}, atOnce)
	var work sync.WaitGroup
	defer work.Wait()
	for i := range domains {
		ready[i] = make(chan struct{})
	}
	work.Go(func() {
		for i, d := range domains {
			places <- struct{}{}
			work.Go(func() {
				defer func() { <-places; close(ready[i]) }()
				reports[i] = engine.Run(ctx, d, "", p.event(d.ASCII))
			})
		}
	})
	code := exitOK
	for i := range domains {
		<-ready[i]
		code = max(code, exitCode(reports[i], least))
		if err := show(i, reports[i]); err != nil {
			return reports, code, err
		}
	}
	return reports, code, nil
}

// exitCode says what one report means to a script.
func exitCode(r *report.Report, least report.Letter) int {
	switch {
	case len(r.Faults) > 0 || r.Grade == nil:
		return exitFault
	case r.Grade.Letter == "T":
		return exitUntested
	case least != "" && r.Grade.Letter.Valid() && r.Grade.Letter.Worse(least):
		return exitBelow
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

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// progress is the one line on standard error that says what is going on, on a terminal only.
type progress struct {
	mu sync.Mutex
	w  io.Writer // nil: silent
}

func newProgress(w io.Writer) *progress {
	if terminal(w) {
		return &progress{w: w}
	}
	return &progress{}
}

func (p *progress) event(domain string) func(report.Event) {
	if p.w == nil {
		return nil
	}
	return func(ev report.Event) {
		if ev.Progress == nil || ev.Progress.Ended {
			return
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		fmt.Fprintf(p.w, "\r\033[K%.78s", domain+": "+ev.Progress.Stage+" "+ev.Progress.Host)
	}
}

func (p *progress) clear() {
	if p.w != nil {
		p.mu.Lock()
		defer p.mu.Unlock()
		fmt.Fprint(p.w, "\r\033[K")
	}
}

func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// coloured reports whether w is a terminal whose user has not asked for NO_COLOR.
func coloured(w io.Writer) bool {
	return os.Getenv("NO_COLOR") == "" && terminal(w)
}
