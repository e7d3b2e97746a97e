package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"mxseal/checks"
	"mxseal/checks/grade"
	"mxseal/checks/report"
)

// width is where running text is wrapped that goes into a file. On a terminal it is as wide as
// that, within what can be read.
const width, narrowest, widest = 88, 40, 120

// printer writes lines to a terminal or a file and keeps the first error.
type printer struct {
	w      io.Writer
	colour bool
	width  int // in characters
	err    error
}

func newPrinter(w io.Writer, colour bool) *printer {
	p := &printer{w: w, colour: colour, width: width}
	if terminal(w) {
		p.width = min(max(columns(w), narrowest), widest)
	}
	return p
}

func (p *printer) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintln(p.w, strings.TrimRight(fmt.Sprintf(format, args...), " "))
	}
}

// wrapped writes running text with a margin.
func (p *printer) wrapped(margin, text string) {
	for _, line := range filled(text, p.width-utf8.RuneCountInString(margin)) {
		p.line("%s%s", margin, line)
	}
}

// filled breaks running text into lines of so many characters at most; only a word may be longer.
func filled(text string, width int) (lines []string) {
	line, long := "", 0
	for _, word := range strings.Fields(text) {
		n := utf8.RuneCountInString(word)
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

func (p *printer) heading(s string) {
	p.line("")
	p.line("%s", p.bold(s))
}

func (p *printer) paint(code, s string) string {
	if !p.colour {
		return s
	}
	return "\033[" + code + "m" + s + "\033[0m"
}

func (p *printer) bold(s string) string { return p.paint("1", s) }

var (
	verdictSign   = map[report.Verdict]string{report.Pass: "✓", report.Info: "·", report.Warn: "!", report.Fail: "✗", report.Untested: "?"}
	verdictColour = map[report.Verdict]string{report.Pass: "32", report.Info: "2", report.Warn: "33", report.Fail: "31", report.Untested: "36"}
	stateColour   = map[report.State]string{report.Secure: "32", report.Insecure: "33", report.Bogus: "31", report.Indeterminate: "36"}
	outcomeColour = map[report.Outcome]string{report.Auth: "32", report.Defer: "2", report.Enc: "33", report.Clear: "31", report.Stolen: "31"}
)

func (p *printer) state(s report.State) string { return p.paint(stateColour[s], string(s)) }

// severity orders findings for reading: what must be mended first.
var severity = []report.Verdict{report.Fail, report.Warn, report.Untested, report.Info, report.Pass}

// writeText prints a report for a person at a terminal. Without verbose it shows what needs
// attention; with it everything, down to the transcripts.
func writeText(w io.Writer, r *report.Report, verbose, colour bool) error {
	p := newPrinter(w, colour)
	if r.Grade != nil {
		p.title(r)
		p.next(r)
		p.first(r)
		p.matrix(r.Matrix)
	}
	p.hosts(r, verbose)
	p.policies(r)
	p.history(r, verbose)
	if verbose && r.MX != nil {
		p.heading("DNSSEC of the MX records of " + r.Domain + ": " + p.state(r.MX.DNSSEC.State))
		p.ladder("  ", r.MX.DNSSEC)
	}
	p.findings(r, verbose)
	p.how(r)
	if verbose {
		p.transcripts(r)
	}
	return p.err
}

func (p *printer) title(r *report.Report) {
	g := r.Grade
	name := r.Domain
	if r.UnicodeDomain != "" && r.UnicodeDomain != r.Domain {
		name = r.UnicodeDomain + " (" + r.Domain + ")"
	}
	p.line("%s  %s", p.bold(name), p.bold(stated(r)))
	p.wrapped("  ", g.Sentence)
	p.wrapped("  ", g.Doubt())
	if g.Letter.Valid() {
		if unseen := r.Unseen(); len(unseen) > 0 {
			p.wrapped("  ", "Not seen: "+strings.Join(unseen, "; ")+".")
		}
	}
	p.line("  checked %s in %.1f s with %s", r.CheckedAt.Format("2006-01-02 15:04 UTC"), float64(r.ElapsedMS)/1000, count(r.Connections, "connection"))
	if r.Interrupted != "" {
		p.wrapped("  ", "Not finished: "+r.Interrupted+".")
	}
	if len(r.Faults) > 0 {
		p.wrapped("  ", "A fault of our own ended these checks early: "+strings.Join(r.Faults, ", ")+".")
	}
	if len(r.Badges) > 0 {
		p.wrapped("  ", "badges: "+strings.Join(r.Badges, ", "))
	}
	if len(g.Because) > 0 && g.Why == "" { // which names them
		p.wrapped("  ", "held down by "+strings.Join(g.Because, ", "))
	}
}

// next says which single repair would raise the letter, where there is no plan that says more.
func (p *printer) next(r *report.Report) {
	if len(r.Grade.First) > 0 {
		return
	}
	for _, n := range r.Grade.Next {
		title := ""
		if i := slices.IndexFunc(r.Findings, func(f report.Finding) bool { return f.Rule == n.Fix }); i >= 0 {
			title = r.Findings[i].Title
		}
		p.wrapped("  ", fmt.Sprintf("mend %s for %s: %s", n.Fix, n.Letter, title))
	}
}

// matrix prints what happens to mail, by sender and attacker.
func (p *printer) matrix(m report.Matrix) {
	if len(m) == 0 {
		return
	}
	p.heading("What happens to mail, by sender and by attacker who …")
	name, cell := 42, 9
	if terminal(p.w) && p.width < 2+name+cell*len(grade.Attackers) {
		cell = 7
		name = max(p.width-2-cell*len(grade.Attackers), 12)
	}
	head := fmt.Sprintf("  %-*s", name, "")
	for _, a := range grade.Attackers {
		head += fmt.Sprintf("%-*s", cell, a.ID)
	}
	p.line("%s", head)
	for _, s := range grade.Senders {
		row, known := m[s.ID]
		if !known || !shown(m, s.ID) {
			continue
		}
		names := filled(s.Name, name-1)
		line := fmt.Sprintf("  %-*s", name, names[0])
		for _, a := range grade.Attackers {
			line += p.paint(outcomeColour[row[a.ID]], fmt.Sprintf("%-*s", cell, row[a.ID]))
		}
		p.line("%s", line)
		for _, rest := range names[1:] {
			p.line("    %s", rest)
		}
	}
	legend := make([]string, len(grade.Attackers))
	for i, a := range grade.Attackers {
		legend[i] = string(a.ID) + " " + a.Name
	}
	p.wrapped("  ", strings.Join(legend, " · "))
	p.wrapped("  ", "AUTH to your server for certain · ENC encrypted · DEFER kept or returned · CLEAR readable on the way · STOLEN to the attacker")
}

// shown reports whether a sender's row tells a reader something that the others do not.
func shown(m report.Matrix, id report.Sender) bool {
	switch id {
	case grade.S1L: // tells an F from an E, nothing more
		return false
	case grade.S2L:
		return !maps.Equal(m[grade.S2L], m[grade.S2])
	case grade.S3C:
		return !maps.Equal(m[grade.S3C], m[grade.S3])
	}
	return true
}

func (p *printer) hosts(r *report.Report, verbose bool) {
	if len(r.Hosts) == 0 {
		return
	}
	p.heading("Mail servers")
	for _, h := range r.Hosts {
		line := fmt.Sprintf("  %s", h.Name)
		if r.MX != nil {
			line = fmt.Sprintf("  %-5d %s", h.Preference, h.Name)
		}
		if h.NotTested != "" {
			p.line("%s  not tested (%s)", line, h.NotTested)
			continue
		}
		if h.DNSSEC.State != "" {
			line += "  DNSSEC " + p.state(h.DNSSEC.State)
		}
		if h.TLSA.State != "" {
			line += "  TLSA " + h.TLSA.State
		}
		p.line("%s", line)
		if h.Failure != nil {
			p.wrapped("        ", h.Failure.Text)
		}
		for _, a := range h.Addresses {
			p.line("        %-16s %s", a.IP, addressLine(a))
			if verbose {
				p.certificates(a)
				p.tlsTables(a.TLS)
			}
		}
		if verbose {
			for _, t := range h.TLSA.Records {
				p.line("        TLSA %d %d %d %s  matches %s", t.Usage, t.Selector, t.Matching, t.Data, cmp.Or(strings.Join(t.Matches, ", "), "nothing"))
			}
		}
	}
}

// addressLine sums up one address.
func addressLine(a *report.Address) string {
	switch {
	case a.NotTested != "":
		return "not contacted (" + a.NotTested + ")"
	case a.SMTP == nil && a.Failure != nil:
		return a.Failure.Text
	case a.SMTP == nil:
		return "not tested"
	}
	parts := []string{"STARTTLS " + a.SMTP.STARTTLS}
	if a.TLS != nil {
		parts = append(parts, string(a.TLS.Version), a.TLS.Cipher)
		if a.TLS.Group != "" {
			parts = append(parts, a.TLS.Group)
		}
	}
	for _, c := range a.Certificates {
		parts = append(parts, "certificate "+c.PKIX)
	}
	if a.SMTP.Enforced != nil && *a.SMTP.Enforced {
		parts = append(parts, "TLS enforced")
	}
	if a.SMTP.STARTTLS == "untested" && a.Failure != nil {
		parts = append(parts, a.Failure.Text)
	}
	if a.SeenAt != nil {
		parts = append(parts, "seen "+a.SeenAt.Format("2006-01-02 15:04 UTC")+" by an earlier check")
	}
	return strings.Join(parts, " · ")
}

func (p *printer) certificates(a *report.Address) {
	for _, c := range a.Certificates {
		p.line("          %s  %s", cmp.Or(c.Subject, "no subject"), c.Key)
		p.line("            for %s", strings.Join(c.Names, ", "))
		p.line("            by %s, %s to %s", c.Issuer, c.NotBefore.Format("2006-01-02"), c.NotAfter.Format("2006-01-02"))
		p.line("            key %s", c.SPKISHA256)
	}
}

func (p *printer) policies(r *report.Report) {
	if s := r.MTASTS; s != nil {
		p.heading("MTA-STS  " + s.State)
		if s.Error != "" {
			p.wrapped("  ", s.Error)
		}
		if s.Policy != nil {
			p.wrapped("  ", fmt.Sprintf("id %s, mode %s, max_age %d, mx %s", s.ID, s.Policy.Mode, s.Policy.MaxAge, strings.Join(s.Policy.MX, " ")))
		}
	}
	if t := r.TLSRPT; t != nil {
		p.heading("TLS-RPT  " + t.State)
		if len(t.RUA) > 0 {
			p.wrapped("  ", strings.Join(t.RUA, " "))
		}
		if t.Error != "" {
			p.wrapped("  ", t.Error)
		}
	}
}

// findings prints what needs attention, worst first within the reading order of the checks.
func (p *printer) findings(r *report.Report, verbose bool) {
	for _, check := range checks.All {
		var of []report.Finding
		quiet := 0
		for _, v := range severity {
			for _, f := range r.Findings {
				if f.Check != check.ID || f.Verdict != v {
					continue
				}
				if !verbose && (v == report.Pass || v == report.Info) {
					quiet++
					continue
				}
				of = append(of, f)
			}
		}
		if len(of) == 0 && quiet == 0 {
			continue
		}
		p.heading(check.Title)
		if len(of) == 0 {
			p.line("  %s nothing to mend (%s passed or for information)", p.paint("32", "✓"), count(quiet, "rule"))
		}
		for _, f := range of {
			p.finding(f)
		}
	}
}

func (p *printer) finding(f report.Finding) {
	where := strings.TrimSpace(f.Host + " " + f.Address)
	if where != "" {
		where = "  (" + where + ")"
	}
	title := []string{f.Title}
	if terminal(p.w) { // in a file it stays on one line, to be searched for
		title = filled(f.Title, p.width-len("  x XXX-00  "))
	}
	for i, line := range title {
		begin, end := "      ", ""
		if i == 0 {
			begin = fmt.Sprintf("  %s %s  ", p.paint(verdictColour[f.Verdict], verdictSign[f.Verdict]), f.Rule)
		}
		if i == len(title)-1 {
			end = where
		}
		p.line("%s%s%s", begin, p.bold(line), end)
	}
	if f.Verdict == report.Pass {
		return
	}
	p.wrapped("      ", f.Text)
	for _, d := range f.Detail {
		p.line("      | %s", d)
	}
	if f.FixText != "" {
		p.wrapped("      ", "→ "+f.FixText)
	}
	p.steps(f.Steps)
	if f.Reference != "" {
		p.line("      %s", f.Reference)
	}
}

func (p *printer) transcripts(r *report.Report) {
	for _, h := range r.Hosts {
		for _, a := range h.Addresses {
			if a.SMTP == nil {
				continue
			}
			p.heading("Transcript of " + h.Name + " " + a.IP)
			for _, l := range a.SMTP.Transcript {
				p.line("  %6d ms %s %s", l.MS, l.From, l.Text)
			}
		}
	}
}

func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
