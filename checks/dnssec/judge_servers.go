package dnssec

import (
	"slices"
	"strings"

	"mxseal/checks/report"
)

// judgeServers judges the name servers that were asked directly, which is done only after an
// answer failed.
func judgeServers(j *report.Judgement, r report.Observed) {
	if r.DNSSEC == nil {
		return
	}
	for _, a := range r.DNSSEC.Authorities {
		if bad := guilty(a); len(bad) > 0 {
			f := j.Add("SEC-24").With("zone", a.Zone).With("servers", names(bad)).With("bad", len(bad)).With("all", len(a.Servers)).
				Saying("fate", report.Say(report.SaysWhoMeetsServers, "servers", names(bad))).
				Showing(texts(a.Servers)...)
			if len(bad) == len(a.Servers) { // then the answer is the same for everybody
				f.Saying("fate", report.Say(report.SaysNoAnswerAnyway)).Setting()
			}
			if slices.ContainsFunc(bad, func(n report.NameServer) bool { return n.State == report.Bogus }) {
				f.As(report.Fail)
			}
		}
		var mute []report.NameServer
		for _, n := range a.Servers {
			if n.TCP != "" && n.TCP != report.KindOK && !report.Own(n.TCP) {
				mute = append(mute, n)
			}
		}
		if len(mute) > 0 {
			j.Add("SEC-25").With("zone", a.Zone).With("servers", names(mute)).Showing(texts(mute)...)
		}
	}
}

// judgeVacant names the domains that a zone's name servers stand in and that do not exist.
func judgeVacant(j *report.Judgement, z report.Zone) {
	servers := make(map[string][]string)
	var domains []string
	for _, v := range z.Vacant {
		if servers[v.Domain] == nil {
			domains = append(domains, v.Domain)
		}
		servers[v.Domain] = append(servers[v.Domain], v.Name)
	}
	for _, d := range domains {
		j.Add("SEC-37").With("zone", z.Name).With("registrable", d).With("servers", strings.Join(servers[d], ", "))
	}
}

// judgeWitnesses judges what was heard when an answer had to be asked for twice, as far as one
// was had in the end. Servers that SEC-24 names already are not named again.
func judgeWitnesses(j *report.Judgement, r report.Observed) {
	blamed := make(map[string]bool)
	if r.DNSSEC != nil {
		for _, a := range r.DNSSEC.Authorities {
			blamed[a.Zone] = blamed[a.Zone] || len(guilty(a)) > 0
		}
	}
	zones, bad, asked := witnessed(r)
	for _, zone := range zones {
		var who, lines []string
		for _, w := range bad[zone] {
			name := server(w.Name, w.IP)
			if !slices.Contains(who, name) {
				who = append(who, name)
			}
			lines = append(lines, name+", "+w.Question+": "+string(w.Kind))
		}
		switch {
		case len(who) == 0:
			j.Add("SEC-30").With("zone", zone).With("questions", strings.Join(asked[zone], ", "))
		case !blamed[zone]:
			j.Add("SEC-29").With("zone", zone).With("servers", strings.Join(who, ", ")).Showing(lines...)
		}
	}
}

// witnessed returns the zones of which others were asked too for what is proved now, with those
// that gave no good answer and the questions.
func witnessed(r report.Observed) (zones []string, bad map[string][]report.Witness, asked map[string][]string) {
	bad, asked = make(map[string][]report.Witness), make(map[string][]string)
	for t := range trusts(r) {
		if t.State != report.Secure && t.State != report.Insecure {
			continue
		}
		for _, w := range t.Witnesses {
			if w.Resolver {
				continue
			}
			if !slices.Contains(zones, w.Zone) {
				zones = append(zones, w.Zone)
			}
			if !slices.Contains(asked[w.Zone], w.Question) {
				asked[w.Zone] = append(asked[w.Zone], w.Question)
			}
			if w.Faulty() && !slices.Contains(bad[w.Zone], w) {
				bad[w.Zone] = append(bad[w.Zone], w)
			}
		}
	}
	return zones, bad, asked
}

func server(name, ip string) string {
	if ip == "" {
		return name
	}
	return name + " (" + ip + ")"
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
		list = append(list, server(n.Name, n.IP))
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
func asked(r report.Observed, zone string) []string {
	if r.DNSSEC == nil {
		return nil
	}
	var list []string
	for _, a := range r.DNSSEC.Authorities {
		switch {
		case a.Failure != nil && a.Failure.Kind == report.KindBlocked:
			list = append(list, a.Failure.Text)
		case a.Zone == zone:
			list = append(list, texts(a.Servers)...)
		}
	}
	return list
}
