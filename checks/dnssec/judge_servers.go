package dnssec

import (
	"slices"
	"strings"

	"mxseal/checks/report"
)

// judgeServers judges the name servers that were asked directly, which is done only after an
// answer failed.
func judgeServers(j *report.Judgement, r *report.Report) {
	if r.DNSSEC == nil {
		return
	}
	for _, a := range r.DNSSEC.Authorities {
		if bad := guilty(a); len(bad) > 0 {
			f := j.Add("SEC-24").With("zone", a.Zone).With("servers", names(bad)).With("bad", len(bad)).With("all", len(a.Servers)).
				With("fate", "Who meets "+names(bad)+" gets no answer, or one that does not hold, and mail from there waits. What this check was told is chance too.").
				Showing(texts(a.Servers)...)
			if len(bad) == len(a.Servers) { // then the answer is the same for everybody
				f.With("fate", "Whichever it is, there is no answer, or one that does not hold, and mail waits.").Setting()
			}
			if slices.ContainsFunc(bad, func(n report.NameServer) bool { return n.State == report.Bogus }) {
				f.As(report.Fail)
			}
		}
		var mute []report.NameServer
		for _, n := range a.Servers {
			if n.TCP != "" && n.TCP != "ok" && n.TCP != "unreachable" {
				mute = append(mute, n)
			}
		}
		if len(mute) > 0 {
			j.Add("SEC-25").With("zone", a.Zone).With("servers", names(mute)).Showing(texts(mute)...)
		}
	}
}

// guilty are the servers that do not answer as they should, so far as that is their doing.
func guilty(a report.Authority) []report.NameServer {
	var bad []report.NameServer
	for _, n := range a.Servers {
		if n.Fault != "" && !n.Blameless() {
			bad = append(bad, n)
		}
	}
	return bad
}

func names(servers []report.NameServer) string {
	var list []string
	for _, n := range servers {
		name := n.Name
		if n.IP != "" {
			name += " (" + n.IP + ")"
		}
		list = append(list, name)
	}
	return strings.Join(list, ", ")
}

func texts(servers []report.NameServer) []string {
	var list []string
	for _, n := range servers {
		list = append(list, n.Text)
	}
	return list
}

// asked says what the name servers themselves told about a zone whose answer failed; nothing
// where they were not asked or could not be found.
func asked(r *report.Report, zone string) []string {
	if r.DNSSEC == nil {
		return nil
	}
	var list []string
	for _, a := range r.DNSSEC.Authorities {
		switch {
		case a.Failure != nil && a.Failure.Kind == "blocked":
			list = append(list, a.Failure.Text)
		case a.Zone == zone:
			list = append(list, texts(a.Servers)...)
		}
	}
	return list
}
