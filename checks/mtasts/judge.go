package mtasts

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/publicsuffix"

	"mxseal/checks/report"
	"mxseal/checks/view"
)

// Judge says which rules apply to the policy and to the servers it covers.
func Judge(r report.Observed) []report.Finding {
	j := report.NewJudgement(ID, Rules)
	m := r.MTASTS
	if m == nil || r.MX != nil && slices.Contains([]report.MXState{report.MXNull, report.MXNone, report.MXNoDomain}, r.MX.State) {
		return nil // a domain without mail needs no policy
	}
	for _, v := range m.Vacant {
		j.Add("STS-47").With("name", v.Of).With("target", v.Name).With("registrable", v.Domain)
	}
	record := parseRecord(m.TXT)
	switch {
	case m.Failure != nil && m.Failure.Kind == leftAlone:
		j.Add("STS-42").Saying("reason", m.Failure.Statement.Or(m.Failure.Text))
	case m.Failure != nil && !(unseen(m.Fetch) && m.Failure.Same(m.Fetch.Failure)):
		j.Add("STS-09").Saying("reason", open(m))
	case !record.found:
		judgeAbsence(j, r)
	default:
		judgeRecord(j, m, record)
		judgeFetch(j, r, record)
		judgeSecond(j, r)
	}
	judgePast(j, r)
	j.Unanswered("STS-50", r, rests(r))
	return j.Findings()
}

// rests says what rests on the answer to a question of the check.
func rests(r report.Observed) func(report.Question) report.Rest {
	return func(q report.Question) report.Rest {
		switch {
		case q.Type == "NS":
			return report.Rest{Rules: []string{"STS-47"}, What: "whether the aliases of MTA-STS lead into domains that exist"}
		case q.Type == "CAA":
			return report.Rest{Rules: []string{"NBR-08"}, What: "which authorities may issue the certificate of the policy host"}
		case q.Type == "TXT" && q.Name != "_mta-sts."+r.Domain:
			return report.Rest{Rules: []string{"STS-39"}, What: "whether the domain above has a policy"}
		case q.Type != "TXT" && !parseRecord(r.MTASTS.TXT).found && r.MTASTS.Fetch == nil: // with a record STS-45 says so
			return report.Rest{Rules: []string{"STS-02"}, What: "whether there is a policy file of which no record tells"}
		case q.Type != "TXT" && r.MTASTS.InForce():
			return report.Rest{Rules: []string{"STS-19"}, What: "what the policy host serves at its other addresses", May: invalid}
		}
		return report.Rest{} // of the record STS-09 speaks
	}
}

// open says why the record was not had, and of a policy that is there whether senders are told of it.
func open(m *report.MTASTS) report.Statement {
	why := m.Failure.Statement.Or(m.Failure.Text)
	if m.Policy == nil {
		return why
	}
	return report.Say(report.SaysPolicyUntold).About(why)
}

// judgeAbsence judges a domain without a TXT record.
func judgeAbsence(j *report.Judgement, r report.Observed) {
	m := r.MTASTS
	if m.Policy != nil {
		f := j.Add("STS-02").Fixing(inForce(m.Policy)...)
		if !slices.ContainsFunc(r.Hosts, func(h *report.Host) bool { return pattern(m.Policy.MX, h.Name) == "" }) {
			f.Fixing(append(inForce(m.Policy), "M.sts=true")...)
		}
	} else {
		j.Add("STS-01").With("lines", lines(r))
	}
	if above := above(r.Domain); above != "" && parseRecord(m.AboveTXT).found {
		j.Add("STS-39").With("above", above)
	}
}

// lines are the mx lines that a policy of the domain needs.
func lines(r report.Observed) string {
	var all []string
	for _, h := range r.Hosts {
		if !malformed(h.Name).Made() {
			all = append(all, "mx: "+h.Name)
		}
	}
	if len(all) == 0 {
		return "an mx line for each mail server"
	}
	return strings.Join(all, ", ")
}

// judgeRecord judges the TXT record.
func judgeRecord(j *report.Judgement, m *report.MTASTS, record record) {
	if _, bad := invalidating(record.faults); !bad {
		j.Add("STS-03").With("id", record.id).Showing(m.TXT...)
	}
	for _, f := range record.faults {
		finding := j.Add(f.rule).Saying("what", f.why).With("id", record.id).Showing(m.TXT...)
		switch {
		case f.rule == "STS-05" && !f.fatal:
			finding.As(report.Warn).Setting().Fixing()
		case f.fatal && m.Policy != nil:
			finding.Fixing(inForce(m.Policy)...)
		}
	}
	if (len(m.TXTAlias) > 0) != (m.Fetch != nil && len(m.Fetch.Alias) > 0) && m.Policy != nil {
		what := report.SaysFileAliasAlone
		if len(m.TXTAlias) > 0 {
			what = report.SaysRecordAliasAlone
		}
		j.Add("STS-38").Saying("what", report.Say(what))
	}
}

// judgeFetch judges how the file came, and what it says.
func judgeFetch(j *report.Judgement, r report.Observed, record record) {
	m := r.MTASTS
	if rule, why := fetchFault(m.Fetch); rule != "" {
		if _, bad := invalidating(record.faults); bad && unseen(m.Fetch) {
			return // the record is none, whatever the file says
		}
		f := j.Add(rule).Saying("reason", why).With("code", "sts-policy-fetch-error")
		switch rule {
		case "STS-13":
			f.With("code", "sts-webpki-invalid").With("fault", m.Fetch.Failure.Kind)
			if c := m.Fetch.Certificate; c != nil {
				f.Showing("names: "+strings.Join(c.Names, ", "), "issuer: "+c.Issuer, c.PKIXDetail)
			}
		case "STS-15":
			f.With("target", "to "+m.Fetch.Location)
		case "STS-16":
			f.With("status", m.Fetch.Status)
		case "STS-42", "STS-45":
			delete(f.Params, "code")
		default:
			f.Showing(view.Say(why))
		}
		judgeStranger(j, r)
		return
	}
	if c := m.Fetch.Certificate; c != nil {
		life, left := c.NotAfter.Sub(c.NotBefore), c.NotAfter.Sub(r.CheckedAt)
		if left < min(life/6, 14*24*time.Hour) {
			j.Add("STS-49").With("days", int(left.Hours()/24)).With("until", c.NotAfter.UTC().Format("2 January 2006"))
		}
	}
	if media, _, _ := strings.Cut(m.Fetch.ContentType, ";"); !strings.EqualFold(strings.TrimSpace(media), "text/plain") {
		kind := m.Fetch.ContentType
		if kind == "" {
			kind = "a file of no named type"
		}
		j.Add("STS-17").With("type", kind)
	}
	p := parsePolicy(m.Raw)
	judgePolicy(j, r, p)
	if _, bad := invalidating(p.faults); !bad {
		judgeHosts(j, r, p)
	}
}

// judgeStranger judges a policy host that is an alias of somebody else's host which answers
// as if it did not know the name.
func judgeStranger(j *report.Judgement, r report.Observed) {
	f := r.MTASTS.Fetch
	if f == nil || len(f.Alias) == 0 {
		return
	}
	target := strings.ToLower(strings.TrimSuffix(f.Alias[len(f.Alias)-1].Target, "."))
	registered, err := publicsuffix.EffectiveTLDPlusOne(r.Domain)
	if err != nil || target == registered || strings.HasSuffix(target, "."+registered) {
		return
	}
	switch {
	case f.Failure == nil && (f.Status == http.StatusNotFound || f.Status == http.StatusGone):
		j.Add("STS-48").With("target", target).Saying("how", report.Say(report.SaysItAnswersStatus, "status", f.Status))
	case f.Failure != nil && f.Failure.Phase == report.PhaseCertificate && f.Failure.Kind == report.Kind(report.PKIXNameMismatch):
		j.Add("STS-48").With("target", target).Saying("how", report.Say(report.SaysOtherNames, "name", "mta-sts."+r.Domain))
	}
}

// judgePolicy judges the text of the file.
func judgePolicy(j *report.Judgement, r report.Observed, p *policy) {
	readable := true
	for _, f := range p.faults {
		switch f.rule {
		case "STS-20":
			readable = false
			state, finding := report.SaysIsNoPolicy, j.Add("STS-20")
			finding.As(report.Fail).Setting(invalid...).Fixing(whole...)
			if !f.fatal {
				state = report.SaysReadableThough
				finding.As(report.Warn).Setting().Fixing()
			}
			finding.Saying("state", report.Say(state).About(f.why))
		case "STS-24":
			j.Add("STS-24").As(report.Fail).Setting(invalid...).Fixing(whole...).Saying("age", report.Say(report.SaysNoValidTime).About(f.why))
		case "STS-31":
			j.Add("STS-31").As(report.Fail).Setting(invalid...).Fixing(whole...).Saying("pattern", f.why)
		default:
			j.Add(f.rule).Saying("what", f.why).With("lines", lines(r))
		}
	}
	if readable {
		j.Add("STS-20").Saying("state", report.Say(report.SaysReadable))
	}
	if _, bad := invalidating(p.faults); bad {
		return
	}
	judgeMode(j, r, p)
	judgeAge(j, p)
	for _, mx := range p.MX {
		if mx == "*."+r.Domain {
			j.Add("STS-31").With("pattern", mx)
		}
	}
}

func judgeMode(j *report.Judgement, r report.Observed, p *policy) {
	f := j.Add("STS-22").With("mode", p.Mode)
	switch p.Mode {
	case report.ModeEnforce:
	case report.ModeTesting:
		f.As(report.Warn)
		if r.TLSRPT != nil && r.TLSRPT.Failure == nil && (r.TLSRPT.State == report.RPTAbsent || r.TLSRPT.State == report.RPTInvalid) {
			j.Add("STS-34")
		}
	default:
		f.As(report.Info)
	}
	if r.MTASTS.State == report.STSState(p.Mode) { // otherwise the TXT record is invalid, and the policy is not in force
		f.Setting(report.Effect("D.sts=" + p.Mode))
		if p.Mode != report.ModeEnforce {
			f.Fixing("D.sts=enforce")
		}
	}
}

func judgeAge(j *report.Judgement, p *policy) {
	f := j.Add("STS-24").With("age", duration(p.MaxAge)).Setting("D.stsLong=true")
	switch {
	case p.tooLong:
		f.As(report.Fail).With("age", duration(p.MaxAge)+", the longest there is; max_age is above it")
	case p.MaxAge < 86400:
		f.As(report.Warn).Setting("D.stsLong=false", report.NoAPlus).Fixing("D.stsLong=true")
	case p.MaxAge < week:
		f.As(report.Warn).Setting("D.stsLong=true", report.NoAPlus).Fixing("D.stsLong=true")
	}
}

// duration says a number of seconds in the largest fitting unit.
func duration(seconds int64) string {
	for _, unit := range []struct {
		seconds int64
		name    string
	}{{week, "week"}, {86400, "day"}, {3600, "hour"}, {60, "minute"}, {1, "second"}} {
		if n := seconds / unit.seconds; n > 0 {
			if n == 1 {
				return "one " + unit.name
			}
			return fmt.Sprintf("%d %ss", n, unit.name)
		}
	}
	return "no time at all"
}
