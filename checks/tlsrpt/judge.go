package tlsrpt

import (
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"

	"mxseal/checks/report"
	"mxseal/checks/view"
)

// Judge says which rules apply to the reporting record.
func Judge(r report.Observed) []report.Finding {
	j := report.NewJudgement(ID, Rules)
	t := r.TLSRPT
	if t == nil || r.MX != nil && slices.Contains([]report.MXState{report.MXNull, report.MXNone, report.MXNoDomain}, r.MX.State) {
		return nil // a domain without mail has nothing to hear of
	}
	for _, name := range t.Misplaced {
		j.Add("RPT-10").With("name", name)
	}
	for _, v := range t.Vacant {
		if v.Of != "" {
			j.Add("RPT-17").With("name", v.Of).With("target", v.Name).With("registrable", v.Domain)
		} else {
			j.Add("RPT-18").With("target", v.Name).With("registrable", v.Domain)
		}
	}
	judgeBases(j, r)
	record := parse(t.TXT)
	switch {
	case t.Failure != nil:
		j.Add("RPT-01").As(report.Untested).Setting(report.Provisional).Fixing().Showing(t.Failure.Text)
	case record.count == 0:
		f := j.Add("RPT-01")
		if promises(r) || record.meant != "" {
			f.As(report.Warn)
		}
		if record.meant != "" {
			f.Showing(view.Say(record.why), record.meant)
		}
	case record.count > 1:
		j.Add("RPT-03").With("count", record.count).Showing(t.TXT...)
	default:
		judgeRecord(j, r, record)
	}
	j.Unanswered("RPT-19", r, rests(r))
	return j.Findings()
}

// rests says what rests on the answer to a question of the check.
func rests(r report.Observed) func(report.Question) report.Rest {
	return func(q report.Question) report.Rest {
		switch {
		case q.Type == "NS":
			return report.Rest{Rules: []string{"RPT-17", "RPT-18"}, What: "whether reports go into domains that exist"}
		case slices.ContainsFunc(r.TLSRPT.Targets, func(t report.Target) bool { return t.Domain == q.Name && t.HTTPS == report.EndpointUnknown }):
			return report.Rest{Rules: []string{"RPT-08"}, What: "whether a report address can be reached"}
		case q.Type != "TXT", q.Name == "_smtp._tls."+r.Domain: // RPT-16; RPT-01
			return report.Rest{}
		case slices.ContainsFunc(r.Hosts, func(h *report.Host) bool { return q.Name == "_smtp._tls."+h.TLSA.Base }):
			return report.Rest{Rules: []string{"RPT-13"}, What: "whether a mail server asks for reports of its own"}
		}
		return report.Rest{Rules: []string{"RPT-10"}, What: "whether there is a record at a name where no sender looks"}
	}
}

// promises reports whether the domain has a policy whose failures are worth hearing of.
func promises(r report.Observed) bool {
	return r.MTASTS != nil && (r.MTASTS.State == report.STSTesting || r.MTASTS.State == report.STSEnforce) ||
		slices.ContainsFunc(r.Hosts, func(h *report.Host) bool {
			return !slices.Contains([]report.TLSAState{"", report.TLSANone, report.TLSAInsecure}, h.TLSA.State)
		})
}

func judgeRecord(j *report.Judgement, r report.Observed, record record) {
	usable := !record.invalid().Made()
	if usable {
		j.Add("RPT-02").Showing(record.raw)
	}
	for _, rule := range []string{"RPT-12", "RPT-14", "RPT-04", "RPT-05"} {
		var what []report.Statement
		for _, f := range record.faults {
			if f.rule == rule {
				what = append(what, f.why)
			}
		}
		if len(what) == 0 {
			continue
		}
		f := j.Add(rule).Saying("what", what[0]).Showing(said(what)...)
		if !usable && f.Verdict == report.Fail {
			f.Fixing(reported...)
		}
	}
	ignored := record.ignored
	if record.meant != "" {
		ignored = append(ignored, report.Say(report.SaysAnotherRecord, "text", report.Clean(record.meant, 100)).About(record.why))
	}
	if usable && len(ignored) > 0 {
		j.Add("RPT-15").Saying("what", ignored[0]).Showing(said(ignored)...)
	}
	if usable && len(record.targets) > 1 {
		j.Add("RPT-11").With("count", len(record.targets))
	}
	judgeTargets(j, r)
}

// said are statements as lines.
func said(list []report.Statement) (lines []string) {
	for _, s := range list {
		lines = append(lines, view.Say(s))
	}
	return lines
}

func judgeTargets(j *report.Judgement, r report.Observed) {
	inside, mails := 0, 0
	var foreign []string
	for _, t := range r.TLSRPT.Targets {
		own := t.Domain == r.Domain || strings.HasSuffix(t.Domain, "."+r.Domain)
		if own && mail(t) {
			inside++
		}
		if mail(t) {
			mails++
		}
		if organisation(t.Domain) != organisation(r.Domain) && !slices.Contains(foreign, t.Domain) {
			foreign = append(foreign, t.Domain)
			j.Add("RPT-09").With("target", t.Domain)
		}
		switch t.Mail {
		case report.MailRefused:
			j.Add("RPT-06").With("target", t.Domain).Showing(t.URI)
		case report.MailUnknown:
			j.Add("RPT-16").With("target", t.Domain).Showing(t.URI)
		}
		switch t.HTTPS {
		case report.EndpointUnresolvable:
			j.Add("RPT-08").With("uri", t.URI).With("target", t.Domain).Saying("reason", report.Say(report.SaysTargetHomeless, "target", t.Domain))
		case report.EndpointForbidden:
			j.Add("RPT-08").With("uri", t.URI).With("target", t.Domain).Saying("reason", report.Say(report.SaysTargetNotPublic, "target", t.Domain))
		}
	}
	if mails > 0 && inside == len(r.TLSRPT.Targets) {
		j.Add("RPT-07")
	}
}

// organisation is the registrable domain of a name, or the name itself where it has none.
func organisation(domain string) string {
	if above, err := publicsuffix.EffectiveTLDPlusOne(domain); err == nil {
		return above
	}
	return domain
}
