package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"mxseal/checks"
	"mxseal/checks/input"
	"mxseal/checks/report"
	"mxseal/checks/terminal"
)

func checkCommand() *cobra.Command {
	var f checkFlags
	c := &cobra.Command{
		Use:   "check DOMAIN…",
		Short: "Check mail domains and grade them",
		Long: "Check looks at each domain as sending mail servers do: MX, DNSSEC, STARTTLS, TLS,\n" +
			"certificate, DANE, MTA-STS, TLS-RPT. It sends no mail. With - the domains are read\n" +
			"from standard input, one a line; # begins a comment.\n\n" +
			"Exit: 0 tested and at or above --min-grade · 1 below it, as is a domain that does not exist ·\n" +
			"2 not testable, or what was not found out decides whether it is below · 64 wrong usage, or\n" +
			"something was no mail domain · 70 our own fault, or trouble that may pass · 130 interrupted;\n" +
			"of several domains the highest. With --format nagios: 0 OK · 1 a broken promise · 2 below\n" +
			"--min-grade, or the domain does not exist · 3 unknown, provisional or wrong usage; of several\n" +
			"domains the worst, which is 2, then 3.",
		Example: "  mxseal check example.net                            # for people\n" +
			"  mxseal check --min-grade B example.net              # exit 1 below B\n" +
			"  mxseal check --format ndjson - < domains            # a list, a report a line\n" +
			"  mxseal check --format nagios --timeout 50s example.net  # for a monitoring server",
		Args: wants(cobra.MinimumNArgs(1)),
		RunE: f.run,
	}
	f.register(c)
	c.Flags().StringVar(&f.format, "format", "text", formatNames)
	c.Flags().StringVar(&f.minGrade, "min-grade", "", "exit 1 when a domain is below this `LETTER`")
	complete(c, "format", slices.Sorted(maps.Keys(formats))...)
	complete(c, "min-grade", "A+", "A", "B", "C", "D", "E", "F")
	f.follows.register(c)
	amount(c, &f.text)
	return c
}

// checkFlags are those of check.
type checkFlags struct {
	network
	format, minGrade string
	text             terminal.Wish
	follows          followed
}

func (flags *checkFlags) run(c *cobra.Command, args []string) error {
	least := report.Letter(flags.minGrade)
	if flags.minGrade != "" && !least.Valid() {
		return fmt.Errorf("--min-grade %q: it is one of A+ A B C D E F", flags.minGrade)
	}
	f, known := formats[flags.format]
	if !known {
		return fmt.Errorf("--format %q: it is %s", flags.format, formatNames)
	}
	engine, err := flags.engine()
	if err != nil {
		return err
	}
	domains, left, err := parseDomains(engine, args, c.InOrStdin())
	if err != nil {
		return err
	}
	code, codes := exitOK, f.codes
	if codes.of == nil {
		codes = shellCodes
	}
	if len(left) > 0 {
		code = codes.usage
	}
	progress := newProgress(c.ErrOrStderr(), len(domains))
	out := f.to(c.OutOrStdout(), wish{asked(flags.text, c.OutOrStdout()), least, len(args) > 1 || args[0] == "-"})
	wait := outOfTurn
	if f.whole {
		wait = 0
	}
	err = runAll(c.Context(), engine, domains, wait, progress, func(r *report.Report) error {
		progress.clear()
		code = codes.worse(code, codes.of(r, least))
		flags.follows.add(r)
		return out.write(r)
	})
	progress.clear()
	switch {
	case c.Context().Err() != nil:
		err, code = nil, codes.worse(code, codes.stopped)
		left = append(left, errors.New("interrupted; what was finished until then is shown"))
	case err == nil: // half of the domains would take the dates of the others away
		err = flags.follows.write()
	}
	if err = cmp.Or(err, out.end(left)); err != nil {
		return fault(err)
	}
	if f.told {
		left = nil
	}
	if code != exitOK {
		return &exit{code, errors.Join(left...)}
	}
	return nil
}

// parseDomains understands the arguments, or the lines of standard input for “-”. What is no
// mail domain is left, with its line; one that is named twice is checked once.
func parseDomains(engine *checks.Engine, args []string, stdin io.Reader) (domains []input.Domain, left []error, err error) {
	known := make(map[string]bool)
	take := func(where, typed string) {
		switch d, err := engine.ParseDomain(typed); {
		case err != nil:
			left = append(left, fmt.Errorf("%s%s: %w", where, report.Clean(typed, 80), err))
		case !known[d.ASCII]:
			known[d.ASCII] = true
			domains = append(domains, d)
		}
	}
	if len(args) == 1 && args[0] == "-" {
		if err := eachLine(stdin, take); err != nil {
			return nil, nil, fault(fmt.Errorf("standard input: %w", err))
		}
		if len(domains)+len(left) == 0 {
			return nil, nil, errors.New("standard input holds no domain")
		}
	} else {
		for _, typed := range args {
			take("", typed)
		}
	}
	if len(domains) == 0 {
		return nil, nil, &exit{exitUsage, errors.Join(left...)}
	}
	return domains, left, nil
}

// mostOfLine is how many octets of a line are looked at; no domain comes near it.
const mostOfLine = 4096

// eachLine hands on what stands in the lines of a list, with where it stands. What follows
// “#” is a comment, at the beginning of a line or behind white space.
func eachLine(list io.Reader, take func(where, typed string)) error {
	in := bufio.NewReaderSize(list, mostOfLine)
	for number := 1; ; number++ {
		line, more, err := in.ReadLine()
		text := strings.TrimPrefix(string(line), "\ufeff") // as some editors begin a file
		for more && err == nil {
			_, more, err = in.ReadLine()
		}
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
		for i := range text {
			if text[i] == '#' && (i == 0 || text[i-1] == ' ' || text[i-1] == '\t') {
				text = text[:i]
				break
			}
		}
		if text = strings.TrimSpace(text); text != "" {
			take(fmt.Sprintf("line %d: ", number), text)
		}
	}
}

const (
	atOnce    = 8               // domains checked side by side
	outOfTurn = 2 * time.Second // a report waits so long for those of the domains before it
)

// runAll checks the domains, a few side by side, and hands the reports to show, each once: in
// the order of the domains where those before are ready within the wait, else as they come. A
// wait of zero has no end. A report that was shown is not kept.
func runAll(ctx context.Context, engine *checks.Engine, domains []input.Domain, wait time.Duration, p *progress, show func(*report.Report) error) error {
	ctx, cancel := context.WithCancel(ctx)
	type result struct {
		place int
		*report.Report
	}
	ready := make(chan result)
	places := make(chan struct{}, atOnce) // held while a check runs, and until its report is taken
	var work sync.WaitGroup
	work.Go(func() {
		for i, d := range domains {
			select {
			case places <- struct{}{}:
			case <-ctx.Done():
				return
			}
			work.Go(func() {
				r := engine.Run(ctx, d, "", p.event(d.ASCII))
				select {
				case ready <- result{i, r}:
				case <-ctx.Done():
				}
				<-places
			})
		}
	})
	defer work.Wait()
	defer cancel()

	waiting := make(map[int]*report.Report)
	shown := make([]bool, len(domains))
	give := func(place int) error {
		r := waiting[place]
		if r == nil {
			return nil
		}
		delete(waiting, place)
		shown[place] = true
		return show(r)
	}
	due := make(chan int, len(domains)) // reports that have waited long enough
	for next := 0; next < len(domains); {
		var err error
		select {
		case r := <-ready:
			p.ended()
			waiting[r.place] = r.Report
			if wait > 0 && r.place != next {
				time.AfterFunc(wait, func() { due <- r.place })
			}
		case place := <-due:
			err = give(place)
		case <-ctx.Done():
			return ctx.Err()
		}
		for ; err == nil && next < len(domains) && (shown[next] || waiting[next] != nil); next++ {
			err = give(next)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// progress is the one line on standard error that says what is going on, on a terminal only.
type progress struct {
	mu       sync.Mutex
	w        io.Writer // nil: silent
	of, done int       // domains
}

func newProgress(w io.Writer, domains int) *progress {
	if terminal.Is(w) {
		return &progress{w: w, of: domains}
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
		text := domain + ": " + string(ev.Progress.Stage) + " " + ev.Progress.Host
		if p.of > 1 {
			text = fmt.Sprintf("%d of %d · %s", p.done, p.of, text)
		}
		fmt.Fprintf(p.w, "\r\033[K%.*s", terminal.Columns(p.w)-1, text)
	}
}

// ended counts a domain whose check has ended.
func (p *progress) ended() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done++
}

func (p *progress) clear() {
	if p.w != nil {
		p.mu.Lock()
		defer p.mu.Unlock()
		fmt.Fprint(p.w, "\r\033[K")
	}
}
