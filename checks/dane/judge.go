package dane

import (
	"slices"
	"strings"

	"mxseal/checks/report"
)

// Judge says which rules apply to the published keys and how they fit.
func Judge(r report.Observed) []report.Finding {
	j := report.NewJudgement(ID, Rules)
	for _, h := range r.Hosts {
		if h.NotTested == "" && len(h.Addresses) > 0 {
			judgeHost(j, r, h)
		}
	}
	judgeTogether(j, r)
	judgeMisplaced(j, r)
	j.Unanswered("DAN-52", r, rests(r))
	return j.Findings()
}

func judgeHost(j *report.Judgement, r report.Observed, h *report.Host) {
	t := h.TLSA
	switch {
	case t.DNSSEC == nil && h.Base() == report.Insecure:
		j.Add("DAN-02").At(h.Name, "")
	case t.DNSSEC == nil: // the addresses could not be believed, or nobody asked
	case t.State == report.TLSANone && len(t.DNSSEC.Steps) > 0:
		judgeAlias(j, h)
	case t.State == report.TLSANone:
		j.Add("DAN-03").At(h.Name, "").With("record", advice(h)).Showing(ready(h)...)
	case t.State == report.TLSAInsecure:
		j.Add("DAN-04").At(h.Name, "").With("base", t.Base).Showing(published(t)...)
	case t.State == report.TLSALookupFail:
		f := j.Add("DAN-05").At(h.Name, "").With("base", t.Base).Saying("reason", reasonOf(t))
		for _, s := range t.DNSSEC.Steps {
			f.Showing(s.Name + " is an alias of " + s.Target)
		}
	case unsure(t):
		j.Add("DAN-42").At(h.Name, "").With("base", t.Base).Saying("reason", reasonOf(t))
	default:
		judgeRecords(j, h)
		judgeService(j, h)
		judgeFit(j, r, h)
	}
}

// rests says what rests on the answer to a question of the check. Of the names at which senders
// look DAN-05 and DAN-42 speak.
func rests(r report.Observed) func(report.Question) report.Rest {
	return func(q report.Question) report.Rest {
		for _, h := range r.Hosts {
			if slices.Contains(candidates(h), strings.TrimPrefix(q.Name, "_25._tcp.")) {
				return report.Rest{}
			}
		}
		return report.Rest{Rules: []string{"DAN-31"}, What: "whether there are TLSA records where no sender looks"}
	}
}

// noTLS are the outcomes of a look after which a sender has no TLS.
var noTLS = []report.STARTTLS{report.NotOffered, report.Refused, report.HandshakeFailed}

// judgeBase judges whether an address does TLS with those who ask for the TLSA base domain,
// where that is not the host's name.
func judgeBase(j *report.Judgement, h *report.Host, a *report.Address) {
	base := a.AsBase
	switch {
	case len(base.Certificates) > 0:
	case slices.Contains(noTLS, base.STARTTLS):
		if a.SMTP.STARTTLS != report.Works {
			return // DAN-27 says it of every name
		}
		f := j.Add("DAN-50").At(h.Name, a.IP).With("base", base.ServerName)
		for _, r := range base.Ladder {
			f.Showing(string(r.Hello) + ": " + r.Error)
		}
	default:
		why := report.Say(report.SaysShowedNone)
		if base.Failure != nil {
			why = base.Failure.Statement.Or(base.Failure.Text)
		}
		j.Add("DAN-51").At(h.Name, a.IP).With("base", base.ServerName).Saying("why", why)
	}
}

// judgeService judges the promise that TLS works.
func judgeService(j *report.Judgement, h *report.Host) {
	for _, a := range h.Addresses {
		if !h.Believes(a.IP) {
			continue
		}
		if a.AsBase != nil {
			judgeBase(j, h, a)
		}
		if a.SMTP == nil || !slices.Contains(noTLS, a.SMTP.STARTTLS) || a.AsBase != nil && a.AsBase.STARTTLS == report.Works {
			continue
		}
		f := j.Add("DAN-27").At(h.Name, a.IP)
		if h.TLSA.State != report.TLSAUnusable {
			// No certificate can be compared here. A sender that checks DANE waits whether the
			// key would match or not; once TLS works again the records are to count.
			f.Setting("M.tlsa=match")
		} else {
			f.Fixing()
		}
		if a.SMTP.Reply != "" {
			f.Showing(a.SMTP.Reply)
		}
	}
}

// judgeTogether compares the hosts with each other and with the domain.
func judgeTogether(j *report.Judgement, r report.Observed) {
	var having, without, lines []string
	matching := false
	for _, h := range r.Hosts {
		reachable := slices.ContainsFunc(h.Addresses, func(a *report.Address) bool { return a.Reachable })
		if !reachable || unsure(h.TLSA) {
			continue
		}
		switch h.TLSA.State {
		case report.TLSAMatch, report.TLSAMismatch, report.TLSAUnusable, report.TLSAUntested:
			having = append(having, h.Name)
			matching = matching || h.TLSA.State == report.TLSAMatch
		case report.TLSANone, report.TLSAInsecure:
			without = append(without, h.Name)
		default:
			continue
		}
		lines = append(lines, h.Name+": "+string(h.TLSA.State))
	}
	if len(having) > 0 && len(without) > 0 {
		j.Add("DAN-25").With("without", strings.Join(without, ", ")).Showing(lines...)
	}
	if matching && r.MX != nil && r.MX.DNSSEC.State == report.Insecure {
		j.Add("DAN-26")
	}
}

// judgeMisplaced judges records where no sender of mail looks.
func judgeMisplaced(j *report.Judgement, r report.Observed) {
	for _, name := range r.MisplacedTLSA {
		if len(r.Hosts) > 0 && !slices.ContainsFunc(r.Hosts, func(h *report.Host) bool { return name == "_25._tcp."+h.Name }) {
			j.Add("DAN-31").With("name", name).With("mx", r.Hosts[0].Name).
				Saying("why", report.Say(report.SaysKeysAtServers, "domain", r.Domain))
		}
	}
	for _, h := range r.Hosts {
		for _, name := range h.TLSA.Misplaced {
			f := j.Add("DAN-31").At(h.Name, "").With("name", name).With("mx", h.Name).
				Saying("why", report.Say(report.SaysOtherPorts, "host", h.Name))
			host, plain := strings.CutPrefix(name, "_25._tcp.")
			switch {
			case plain && strings.HasPrefix(host, h.Name+"."):
				f.Saying("why", report.Say(report.SaysZoneTwice, "host", h.Name))
			case plain:
				f.Saying("why", report.Say(report.SaysNeverBetween, "host", h.Name))
			}
		}
	}
}
