package terminal

import (
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"mxseal/checks/report"
	"mxseal/checks/tlsreport"
	"mxseal/checks/view"
)

// maxReporters bounds the senders shown of a domain; the JSON form has more.
const maxReporters = 10

// TLSReports says what reports of senders come to, domain by domain.
func TLSReports(w io.Writer, s *tlsreport.Summary, colour bool) error {
	p := newPrinter(w, colour)
	for i, d := range s.Domains() {
		if i > 0 {
			p.line("")
		}
		p.reported(d)
	}
	if s.Twice > 0 || s.Beyond > 0 || len(s.Notes) > 0 {
		p.line("")
	}
	if s.Twice > 0 {
		p.line("%s came more than once and counts once.", view.Plural(s.Twice, "report"))
	}
	if s.Beyond > 0 {
		p.line("%s belong to further domains, which are too many.", view.Plural(s.Beyond, "part"))
	}
	for _, n := range slices.Sorted(maps.Keys(s.Notes)) {
		p.line("%s", view.NoteText(n, s.Notes[n]))
	}
	return p.err
}

func (p *printer) reported(d tlsreport.Domain) {
	name := d.Name
	if name == "" {
		name = "No domain is named"
	}
	p.line("%s  %s · %s", p.bold(name), view.Plural(len(d.Reporters), "sender"), view.Between(d.First, d.Last))
	p.line("  %s", view.Sessions(d.Succeeded, d.Failed))
	answer, why := view.EnforceText(d.Enforce)
	p.wrapped("  ", "Safe to enforce MTA-STS? "+answer+". "+why)
	if len(d.Troubles) > 0 {
		p.line("")
		p.line("  What failed")
	}
	for _, t := range d.Troubles {
		server := t.Server
		if server == "" {
			server = "a server that is not named"
		}
		p.line("  %s %s: %s, %s", p.sign(report.Fail), server, view.Plural(int(t.Sessions), "session"), view.Between(t.First, t.Last))
		words := view.WordsOfResult(t.Result)
		p.wrapped("      ", words.What+" "+words.Fix)
		p.wrapped("      ", "Reported by "+strings.Join(t.Reporters, ", ")+reasons(t.Reasons)+".")
	}
	p.line("")
	p.line("  Who reports")
	for i, r := range d.Reporters {
		if i == maxReporters {
			p.line("  … and %s", view.Plural(len(d.Reporters)-i, "more sender"))
			break
		}
		p.line("  %-28s %s", r.Name, view.Sessions(r.Succeeded, r.Failed))
	}
	if bad := worst(d.Days); len(bad) > 0 {
		p.line("")
		p.line("  Days with failures")
		for _, day := range bad {
			p.line("  %s  %s", day.Date.Format(time.DateOnly), view.Sessions(day.Succeeded, day.Failed))
		}
	}
}

func reasons(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return ": " + view.Quoted(list)
}

// maxDays bounds the days shown of a domain.
const maxDays = 14

// worst are the last days on which sessions failed.
func worst(days []tlsreport.Day) (bad []tlsreport.Day) {
	for _, d := range days {
		if d.Failed > 0 {
			bad = append(bad, d)
		}
	}
	return bad[max(0, len(bad)-maxDays):]
}
