package mx

import (
	"slices"
	"strings"

	"mxseal/checks/report"
)

// Judge says which rules apply to the mail exchangers and the way to them.
func Judge(r report.Observed) []report.Finding {
	j := report.NewJudgement(ID, Rules)
	if r.MX != nil {
		judgeRecords(j, r)
		judgeNeighbours(j, r)
	}
	for _, h := range r.Hosts {
		judgeHost(j, r, h)
	}
	if len(r.Hosts) > 0 {
		judgeTogether(j, r.Hosts)
	}
	if r.MX != nil && r.MX.State != report.MXNoDomain {
		j.Unanswered("MX-37", r, rests(r))
	}
	return j.Findings()
}

// judgeTogether compares the hosts with each other.
func judgeTogether(j *report.Judgement, hosts []*report.Host) {
	level := make(map[uint16][]string)
	var order []uint16
	for _, h := range hosts {
		if level[h.Preference] == nil {
			order = append(order, h.Preference)
		}
		level[h.Preference] = append(level[h.Preference], h.Name)
	}
	for _, preference := range order {
		if names := level[preference]; len(names) > 1 {
			j.Add("MX-20").With("count", len(names)).With("preference", preference).Showing(names...)
		}
	}
	if slices.ContainsFunc(hosts, hasAddress) && !slices.ContainsFunc(hosts, mayHaveIPv6) {
		j.Add("MX-22")
	}
	if slices.ContainsFunc(hosts, hasAddress) && !slices.ContainsFunc(hosts, mayHaveIPv4) {
		j.Add("MX-32")
	}
	judgeShared(j, hosts)
	if facts, lines := differences(hosts); len(facts) > 0 {
		j.Add("MX-24").With("facts", strings.Join(facts, ", ")).Showing(lines...)
	}
}

// judgeShared names the hosts that are one machine under several names.
func judgeShared(j *report.Judgement, hosts []*report.Host) {
	names := make(map[string][]string)
	var order []string
	for _, h := range hosts {
		for _, a := range h.Addresses {
			if names[a.IP] == nil {
				order = append(order, a.IP)
			}
			if !slices.Contains(names[a.IP], h.Name) {
				names[a.IP] = append(names[a.IP], h.Name)
			}
		}
	}
	said := make(map[string]bool)
	for _, ip := range order {
		if who := strings.Join(names[ip], " and "); len(names[ip]) > 1 && !said[who] {
			said[who] = true
			j.Add("MX-34").With("names", who).With("ip", ip)
		}
	}
}
