package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"mxseal/checks/report"
	"mxseal/checks/view"
)

// prometheusWriter writes metrics in the text format, for a node exporter's textfile
// collector. A metric's lines have to stand together, so nothing is written before the end.
type prometheusWriter struct {
	w                                           io.Writer
	grade, info, provisional, checked, findings []string
	ends                                        map[string]int64 // by series: two of the same name would spoil the whole file
}

// letterNumber puts letters on a scale that alerts can compare: 7 for A+ down to 1 for F, 0 for T, -1 for N.
var letterNumber = map[report.Letter]int{"A+": 7, "A": 6, "B": 5, "C": 4, "D": 3, "E": 2, "F": 1, "T": 0, "N": -1}

// labelled writes the value of a label, whose three escapes are not those of Go.
var labelled = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

// series names a series: a metric and its labels, given as pairs.
func series(metric string, labels ...string) string {
	var pairs []string
	for i := 0; i < len(labels); i += 2 {
		pairs = append(pairs, labels[i]+`="`+labelled.Replace(labels[i+1])+`"`)
	}
	return metric + "{" + strings.Join(pairs, ",") + "}"
}

const certificateEnds = "mxseal_certificate_not_after_timestamp_seconds"

func (p *prometheusWriter) write(r *report.Report) error {
	if g := gradeOf(r); g.Letter != "" {
		p.grade = append(p.grade, fmt.Sprintf("%s %d", series("mxseal_grade", "domain", r.Domain), letterNumber[g.Letter]))
		p.info = append(p.info, series("mxseal_grade_info", "domain", r.Domain, "letter", string(g.Letter), "reason", string(g.Reason))+" 1")
		missing := 0
		if g.Provisional {
			missing = 1
		}
		p.provisional = append(p.provisional, fmt.Sprintf("%s %d", series("mxseal_grade_provisional", "domain", r.Domain), missing))
	}
	p.checked = append(p.checked, fmt.Sprintf("%s %d", series("mxseal_checked_timestamp_seconds", "domain", r.Domain), r.CheckedAt.Unix()))
	n := verdicts(r)
	for _, v := range view.Verdicts {
		p.findings = append(p.findings, fmt.Sprintf("%s %d", series("mxseal_findings", "domain", r.Domain, "verdict", string(v)), n[v]))
	}
	for _, h := range r.Hosts {
		for _, a := range h.Addresses {
			for _, c := range a.Certificates {
				if c.NotAfter.IsZero() {
					continue
				}
				name := series(certificateEnds, "domain", r.Domain, "host", h.Name, "address", a.IP, "key", c.Key)
				if soonest, known := p.ends[name]; !known || c.NotAfter.Unix() < soonest {
					p.ends[name] = c.NotAfter.Unix()
				}
			}
		}
	}
	return nil
}

func (p *prometheusWriter) end([]error) error {
	var ends []string
	for _, name := range slices.Sorted(maps.Keys(p.ends)) {
		ends = append(ends, fmt.Sprintf("%s %d", name, p.ends[name]))
	}
	for _, m := range []struct {
		name, help string
		lines      []string
	}{
		{"mxseal_grade", "Letter of the domain: 7 A+, 6 A, 5 B, 4 C, 3 D, 2 E, 1 F, 0 T (not testable, or it does not exist), -1 N (takes no mail).", p.grade},
		{"mxseal_grade_info", "Letter of the domain as a label and, where it is T or N, the reason.", p.info},
		{"mxseal_grade_provisional", "Whether something that could move the letter was not found out.", p.provisional},
		{"mxseal_checked_timestamp_seconds", "When the domain was checked.", p.checked},
		{"mxseal_findings", "Findings by verdict.", p.findings},
		{certificateEnds, "When a mail server's certificate ends.", ends},
	} {
		if len(m.lines) == 0 {
			continue
		}
		if _, err := fmt.Fprintf(p.w, "# HELP %s %s\n# TYPE %s gauge\n%s\n", m.name, m.help, m.name, strings.Join(m.lines, "\n")); err != nil {
			return err
		}
	}
	return nil
}
