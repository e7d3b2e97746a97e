package terminal

import (
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"

	"mxseal/checks/records"
	"mxseal/checks/report"
	"mxseal/checks/view"
)

// usual is where running text is wrapped that goes into a file. On a terminal it is as wide as
// that, within what can be read.
const usual, narrowest, widest = 88, 40, 120

// printer writes lines to a terminal or a file and keeps the first error.
type printer struct {
	w      io.Writer
	tty    bool
	colour bool
	width  int            // in characters
	syntax records.Syntax // of records to copy
	err    error
}

func newPrinter(w io.Writer, colour bool) *printer {
	p := &printer{w: w, tty: Is(w), colour: colour, width: usual}
	if p.tty {
		p.width = min(max(Columns(w), narrowest), widest)
	}
	return p
}

// Is reports whether somebody reads on a terminal what is written to w.
func Is(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// Columns is how wide a terminal is, and what is usual where it does not say.
func Columns(w io.Writer) int {
	if f, ok := w.(*os.File); ok {
		if n, _, err := term.GetSize(int(f.Fd())); err == nil && n > 0 {
			return n
		}
	}
	return 80
}

// Coloured reports whether w is a terminal whose user has not asked for NO_COLOR.
func Coloured(w io.Writer) bool {
	return os.Getenv("NO_COLOR") == "" && Is(w)
}

func (p *printer) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintln(p.w, strings.TrimRight(fmt.Sprintf(format, args...), " "))
	}
}

// wrapped writes running text with a margin.
func (p *printer) wrapped(margin, text string) { p.hanging(margin, margin, text) }

// hanging writes running text whose first line begins in another way than the others.
func (p *printer) hanging(first, margin, text string) {
	room := p.width - wide(margin)
	begun := max(wide(first)-wide(margin), 0) // what the first line has used up
	for i, line := range filled(text, room, begun) {
		if i == 0 {
			p.line("%s%s", first, line)
			continue
		}
		p.line("%s%s", margin, line)
	}
}

// Filled breaks running text into lines of so many characters at most; only a word may be longer.
func Filled(text string, width int) []string { return filled(text, width, 0) }

// filled is the same where some of the first line is used up.
func filled(text string, width, used int) (lines []string) {
	line, long := "", used
	for _, word := range strings.Fields(text) {
		n := wide(word)
		if line != "" && long+1+n > width {
			lines, line, long = append(lines, line), "", 0
		}
		if line != "" {
			line, long = line+" ", long+1
		}
		line, long = line+word, long+n
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}

// escape is what paint adds, which takes no room.
var escape = regexp.MustCompile("\033\\[[0-9;]*m")

// wide is how many characters of a line a text takes.
func wide(s string) int {
	if strings.Contains(s, "\033") {
		s = escape.ReplaceAllString(s, "")
	}
	return utf8.RuneCountInString(s)
}

// literal writes text as it is, line by line.
func (p *printer) literal(margin, text string) {
	for line := range strings.SplitSeq(text, "\n") {
		p.line("%s%s", margin, strings.ReplaceAll(line, "\t", "    "))
	}
}

func (p *printer) heading(s string) {
	p.line("")
	p.line("%s", p.bold(s))
}

func (p *printer) paint(code, s string) string {
	if !p.colour || code == "" {
		return s
	}
	return "\033[" + code + "m" + s + "\033[0m"
}

func (p *printer) bold(s string) string { return p.paint("1", s) }

var (
	signs   = map[report.Verdict]string{report.Pass: "✓", report.Info: "·", report.Warn: "!", report.Fail: "✗", report.Untested: "?"}
	colours = map[report.Verdict]string{report.Pass: "32", report.Info: "2", report.Warn: "33", report.Fail: "31", report.Untested: "36"}

	// colourOf is the same for what becomes of mail.
	colourOf = map[view.Mark]string{view.Safe: "32", view.Private: "33", view.Open: "31", view.Lost: "31", view.Given: "2"}
)

// sign is a verdict as a sign.
func (p *printer) sign(v report.Verdict) string { return p.paint(colours[v], signs[v]) }
