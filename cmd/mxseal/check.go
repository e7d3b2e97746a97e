package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/spf13/cobra"

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
	c.Flags().IntVar(&f.jobs, "jobs", atOnce, "check `N` domains side by side")
	c.Flags().BoolVar(&f.ordered, "ordered", false, "with -, show reports in the order of the list, where that keeps them waiting for seconds only")
	c.Flags().StringVar(&f.resume, "resume", "", "go on with `FILE`: skip domains that it holds, append the others (ndjson, csv)")
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
	format, minGrade, resume string
	jobs                     int
	ordered                  bool
	text                     terminal.Wish
	follows                  followed
}

func (flags *checkFlags) run(c *cobra.Command, args []string) error {
	least, f, err := flags.understood()
	if err != nil {
		return err
	}
	engine, err := flags.engine()
	if err != nil {
		return err
	}
	listed := len(args) == 1 && args[0] == "-"
	domains := newList(engine)
	w, goOn, err := flags.output(c, domains)
	if err != nil {
		return err
	}
	defer w.Close()
	ctx, cancel := context.WithCancel(c.Context())
	defer cancel()
	if listed {
		go domains.read(ctx, c.InOrStdin())
	} else {
		domains.named(ctx, args)
	}
	code, checked := exitOK, 0
	progress := newProgress(c.ErrOrStderr(), domains.length)
	out := f.to(w.Writer, wish{asked(flags.text, w.Writer), least, len(args) > 1 || listed, goOn})
	err = runAll(ctx, engine, domains.domains, flags.jobs, flags.order(f, listed), progress, func(r *report.Report) error {
		progress.clear()
		checked++
		code = f.worse(code, f.of(r, least))
		flags.follows.add(r)
		return out.write(r)
	})
	progress.clear()
	left := domains.left()
	switch {
	case c.Context().Err() != nil:
		err, code = nil, f.worse(code, f.stopped)
		left = append(left, errors.New("interrupted; what was finished until then is shown"))
	case err == nil && checked == 0 && domains.fault() != nil:
		return domains.fault()
	case err == nil: // half of the domains would take the dates of the others away
		err = cmp.Or(flags.follows.write(), domains.unread())
	}
	if len(left) > 0 {
		code = f.worse(code, f.usage)
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

// understood are the flags that can be wrong.
func (flags *checkFlags) understood() (report.Letter, format, error) {
	least := report.Letter(flags.minGrade)
	if flags.minGrade != "" && !least.Valid() {
		return "", format{}, fmt.Errorf("--min-grade %q: it is one of A+ A B C D E F", flags.minGrade)
	}
	f, known := formats[flags.format]
	if !known {
		return "", format{}, fmt.Errorf("--format %q: it is %s", flags.format, formatNames)
	}
	if flags.jobs < 1 || flags.jobs > mostJobs {
		return "", format{}, fmt.Errorf("--jobs %d: it is a number from 1 to %d", flags.jobs, mostJobs)
	}
	if f.of == nil {
		f.codes = shellCodes
	}
	return least, f, nil
}

// order is that in which reports are shown.
func (flags *checkFlags) order(f format, listed bool) order {
	switch {
	case f.whole:
		return strictly
	case flags.ordered || !listed:
		return nearly
	}
	return asTheyCome
}

// output is what reports are written to, and whether that goes on what an earlier run wrote.
func (flags *checkFlags) output(c *cobra.Command, domains *domainList) (out output, goOn bool, err error) {
	if flags.resume == "" {
		return output{c.OutOrStdout(), func() error { return nil }}, false, nil
	}
	f, empty, err := openResumed(flags.resume, flags.format, func(domain string) { domains.knows(domain) })
	if err != nil {
		return output{}, false, err
	}
	return output{f, f.Close}, !empty, nil
}

// output is closed at the end, unless it is standard output.
type output struct {
	io.Writer
	close func() error
}

// Close closes it.
func (o output) Close() error { return o.close() }
