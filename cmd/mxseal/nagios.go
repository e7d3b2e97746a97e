package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"mxseal/checks/report"
)

// nagiosWriter writes a line a domain as monitoring plugins do (Monitoring Plugins Development
// Guidelines), the worst first: it is the one that alerts quote. What can be drawn stands
// behind the only bar, since whatever follows the first one is numbers. The exit code follows
// their convention too, see nagiosCode.
type nagiosWriter struct {
	w     io.Writer
	least report.Letter
	seen  []nagiosLine
}

type nagiosLine struct {
	code    int
	text    string
	domain  string
	numbers []string // label=value, of the domain
}

func (n *nagiosWriter) write(r *report.Report) error {
	g, count := gradeOf(r), verdicts(r)
	line := nagiosLine{code: nagiosCode(r, n.least), domain: r.Domain, text: r.Domain + " " + g.Stated() + ": " + g.Sentence}
	if len(g.Because) > 0 {
		line.text += " (" + strings.Join(g.Because, ", ") + ")"
	}
	if g.Provisional {
		line.text += " " + g.Doubt()
	}
	if g.Letter != "" {
		critical := ""
		if n.least != "" {
			critical = fmt.Sprintf("%d:", letterNumber[n.least])
		}
		line.numbers = append(line.numbers, fmt.Sprintf("grade=%d;;%s;%d;%d", letterNumber[g.Letter], critical, letterNumber["N"], letterNumber["A+"]))
	}
	if ends := certificateEnd(r); !ends.IsZero() {
		line.numbers = append(line.numbers, fmt.Sprintf("certificate_days=%d", int(ends.Sub(r.CheckedAt).Hours()/24)))
	}
	line.numbers = append(line.numbers, fmt.Sprintf("fail=%d", count[report.Fail]), fmt.Sprintf("warn=%d", count[report.Warn]),
		fmt.Sprintf("untested=%d", count[report.Untested]), fmt.Sprintf("time=%.3fs", float64(r.ElapsedMS)/1000))
	n.seen = append(n.seen, line)
	return nil
}

// certificateEnd is when the first of the mail servers' certificates ends; zero where none was seen.
func certificateEnd(r *report.Report) (soonest time.Time) {
	for _, h := range r.Hosts {
		for _, a := range h.Addresses {
			for _, c := range a.Certificates {
				if !c.NotAfter.IsZero() && (soonest.IsZero() || c.NotAfter.Before(soonest)) {
					soonest = c.NotAfter
				}
			}
		}
	}
	return soonest
}

// end writes the lines. What was not checked is unknown, each by a line of its own.
func (n *nagiosWriter) end(left []error) error {
	for _, err := range left {
		n.seen = append(n.seen, nagiosLine{code: nagiosUnknown, text: err.Error()})
	}
	slices.SortStableFunc(n.seen, func(a, b nagiosLine) int { return nagiosRank[b.code] - nagiosRank[a.code] })
	var lines, numbers []string
	for _, s := range n.seen {
		lines = append(lines, nagiosText(s.code, s.text))
		for _, number := range s.numbers {
			if label, value, _ := strings.Cut(number, "="); len(n.seen) > 1 {
				number = "'" + s.domain + " " + label + "'=" + value
			}
			numbers = append(numbers, number)
		}
	}
	text := strings.Join(lines, "\n")
	if len(numbers) > 0 {
		text += " | " + strings.Join(numbers, " ")
	}
	_, err := fmt.Fprintln(n.w, text)
	return err
}

// nagiosText is one line: the service, its state, and what is to be said, without the bar
// that has a meaning for monitoring servers.
func nagiosText(code int, text string) string {
	return "MXSEAL " + nagiosWord[code] + ": " + strings.ReplaceAll(strings.Join(strings.Fields(text), " "), "|", "/")
}

// forNagios reports whether a command was to speak to a monitoring server. Where the flags
// could not even be parsed, the words of the command line tell.
func forNagios(c *cobra.Command, args []string) bool {
	if c.Name() != "check" {
		return false
	}
	format := os.Getenv("MXSEAL_FORMAT")
	for i, a := range args {
		switch value, joined := strings.CutPrefix(a, "--format="); {
		case a == "--":
			return format == "nagios"
		case joined:
			format = value
		case a == "--format" && i+1 < len(args):
			format = args[i+1]
		}
	}
	return format == "nagios"
}

// nagiosError says on standard output, which is all that a monitoring server reads, why
// nothing was tested, and returns the exit code. Errors without a text have been told.
func nagiosError(w io.Writer, err error) int {
	if err.Error() != "" {
		if _, failed := fmt.Fprintln(w, nagiosText(nagiosUnknown, err.Error())); failed != nil {
			return exitFault
		}
	}
	var coded *exit
	if errors.As(err, &coded) && coded.err == nil {
		return coded.code
	}
	return nagiosUnknown
}

// Exit codes of monitoring plugins.
const (
	nagiosOK       = 0
	nagiosWarning  = 1 // a promise is broken
	nagiosCritical = 2 // below --min-grade, or mail to the domain is lost
	nagiosUnknown  = 3 // not testable, provisional, wrong usage, or our own fault
)

var (
	nagiosWord = map[int]string{nagiosOK: "OK", nagiosWarning: "WARNING", nagiosCritical: "CRITICAL", nagiosUnknown: "UNKNOWN"}

	// nagiosRank orders the codes: what is known to be bad outranks what is not known.
	nagiosRank = map[int]int{nagiosOK: 0, nagiosWarning: 1, nagiosUnknown: 2, nagiosCritical: 3}
)

var nagiosCodes = codes{nagiosCode, nagiosWorse, nagiosUnknown, nagiosUnknown}

func nagiosWorse(a, b int) int {
	if nagiosRank[b] > nagiosRank[a] {
		return b
	}
	return a
}

// nagiosCode says what a report means to a monitoring server.
func nagiosCode(r *report.Report, least report.Letter) int {
	code := exitCode(r, least)
	switch {
	case code == exitFault:
		return nagiosUnknown
	case code == exitBelow, r.Grade.Lost(): // the latter whatever letter was asked for
		return nagiosCritical
	case code != exitOK, r.Grade.Provisional:
		return nagiosUnknown
	case len(r.Grade.Broken) > 0:
		return nagiosWarning
	}
	return nagiosOK
}
