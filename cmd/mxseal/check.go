package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
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
			"certificate, DANE, MTA-STS, TLS-RPT. It sends no mail. With - the domains are read\n" +
			"from standard input, one a line.\n\n" +
			"Exit: 0 tested and at or above --min-grade · 1 below it · 2 not testable, or what was not\n" +
			"found out decides whether it is below · 64 wrong usage or not a mail domain · 70 our own\n" +
			"fault · 130 interrupted; of several domains the highest. With --format nagios: 0 OK ·\n" +
			"1 a broken promise · 2 below --min-grade · 3 unknown, or the letter is provisional; of\n" +
			"several domains the worst, which is 2, then 3.",
		Args: wants(cobra.MinimumNArgs(1)),
		RunE: func(c *cobra.Command, args []string) (err error) {
			if format == "nagios" {
				defer func() { err = nagiosError(c.OutOrStdout(), err) }()
			}
			least := report.Letter(minGrade)
			if minGrade != "" && !least.Valid() {
				return fmt.Errorf("--min-grade %q: it is one of A+ A B C D E F", minGrade)
			}
			newWriter := formats[format]
			if newWriter == nil {
				return fmt.Errorf("--format %q: it is %s", format, formatNames)
			}
			engine, err := n.engine()
			if err != nil {
				return err
			}
			domains, err := parseDomains(engine, args, c.InOrStdin())
			if err != nil {
				return err
			}
			meaning, worse, code := exitCode, func(a, b int) int { return max(a, b) }, exitOK
			if format == "nagios" {
				meaning, worse = nagiosCode, nagiosWorse
			}
			progress := newProgress(c.ErrOrStderr())
			out := newWriter(c.OutOrStdout(), wish{verbose, least})
			err = runAll(c.Context(), engine, domains, progress, func(r *report.Report) error {
				progress.clear()
				code = worse(code, meaning(r, least))
				return out.write(r)
			})
			progress.clear()
			err = cmp.Or(err, out.end())
			switch {
			case c.Context().Err() != nil:
				return &exit{exitStopped, errors.New("interrupted; what was finished until then is shown")}
			case err != nil:
				return fault(err)
			}
			if code != exitOK {
				return &exit{code: code}
			}
			return nil
		},
	}
	n.register(c)
	c.Flags().StringVar(&format, "format", "text", formatNames)
	c.Flags().StringVar(&minGrade, "min-grade", "", "exit 1 when a domain is below this `LETTER`")
	complete(c, "format", slices.Sorted(maps.Keys(formats))...)
	complete(c, "min-grade", "A+", "A", "B", "C", "D", "E", "F")
	c.Flags().BoolVar(&verbose, "verbose", false, "show what passed, the evidence and the transcripts too")
	return c
}

// parseDomains understands the arguments, or the lines of standard input for “-”. Nothing is
// checked when one of them is no mail domain. One that is named twice is checked once.
func parseDomains(engine *checks.Engine, args []string, stdin io.Reader) ([]checks.Domain, error) {
	if len(args) == 1 && args[0] == "-" {
		args = nil
		lines := bufio.NewScanner(stdin)
		for lines.Scan() {
			if line := strings.TrimSpace(lines.Text()); line != "" && !strings.HasPrefix(line, "#") {
				args = append(args, line)
			}
		}
		if err := lines.Err(); err != nil {
			return nil, fmt.Errorf("standard input: %w", err)
		}
		if len(args) == 0 {
			return nil, errors.New("standard input holds no domain")
		}
	}
	var domains []checks.Domain
	known := make(map[string]bool)
	var wrong error
	for _, typed := range args {
		d, err := engine.ParseDomain(typed)
		switch {
		case err != nil:
			wrong = errors.Join(wrong, fmt.Errorf("%s: %w", report.Clean(typed, 80), err))
		case !known[d.ASCII]:
			known[d.ASCII] = true
			domains = append(domains, d)
		}
	}
	if wrong != nil {
		return nil, &exit{exitUsage, wrong}
	}
	return domains, nil
}

// atOnce is how many domains are checked side by side.
const atOnce = 8

// runAll checks the domains, a few side by side, and hands each report to show in the order
// in which the domains were given. A report that was shown is not kept.
func runAll(ctx context.Context, engine *checks.Engine, domains []checks.Domain, p *progress, show func(*report.Report) error) error {
	ctx, cancel := context.WithCancel(ctx)
	reports := make([]chan *report.Report, len(domains))
	for i := range reports {
		reports[i] = make(chan *report.Report, 1)
	}
	places := make(chan struct{}, atOnce) // held from the start of a check until its report is shown
	var work sync.WaitGroup
	work.Go(func() {
		for i, d := range domains {
			select {
			case places <- struct{}{}:
			case <-ctx.Done():
				return
			}
			work.Go(func() { reports[i] <- engine.Run(ctx, d, "", p.event(d.ASCII)) })
		}
	})
	defer work.Wait()
	defer cancel()
	for _, ready := range reports {
		select {
		case r := <-ready:
			<-places
			if err := show(r); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// exitCode says what one report means to a script.
func exitCode(r *report.Report, least report.Letter) int {
	switch {
	case len(r.Faults) > 0 || r.Grade == nil:
		return exitFault
	case r.Grade.Letter == "T":
		return exitUntested
	case least == "":
		return exitOK
	}
	switch r.Grade.Against(least) {
	case report.Below:
		return exitBelow
	case report.Unsure:
		return exitUntested
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
