package mx

import (
	"fmt"
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
	if r.MX != nil && r.MX.State != "nxdomain" {
		j.Unanswered("MX-37", r, rests(r))
	}
	return j.Findings()
}

// judgeRecords judges the MX RRset.
func judgeRecords(j *report.Judgement, r report.Observed) {
	mx := r.MX
	reason := "The look-up gave no answer."
	if mx.Failure != nil {
		reason = mx.Failure.Text
	}
	if steps := mx.DNSSEC.Steps; len(steps) > 0 {
		j.Add("MX-10").With("target", steps[len(steps)-1].Target)
	}
	if denied := mx.State == "nxdomain" || mx.State == "none" || mx.State == "null"; denied && mx.DNSSEC.State == report.Bogus {
		j.Add("MX-27")
		return
	}
	switch mx.State {
	case "nxdomain":
		j.Add("MX-01")
		return
	case "error":
		if mx.Failure != nil && mx.Failure.Kind == "loop" {
			j.Add("MX-11").With("reason", reason)
			return
		}
		f := j.Add("MX-02").With("reason", reason)
		if !mx.DNSSEC.Witnessed() { // it may be our resolver, or the way to it
			f.Setting(report.NotTestable, report.Provisional)
		}
		return
	case "none":
		j.Add("MX-06")
		return
	case "null":
		if first := slices.IndexFunc(mx.Records, func(r report.Record) bool { return r.Preference != 0 }); first >= 0 {
			j.Add("MX-08").With("preference", mx.Records[first].Preference)
			return
		}
		j.Add("MX-07")
		return
	}
	if mx.DNSSEC.State == report.Bogus {
		j.Add("MX-03")
	}
	times := make(map[string]int)
	for _, record := range mx.Records {
		switch record.Skipped {
		case "literal":
			j.Add("MX-13").With("target", record.Host).Showing(line(r.Domain, record))
		case "null":
			j.Add("MX-09").Showing(line(r.Domain, record))
		default:
			if times[record.Host]++; times[record.Host] == 2 {
				j.Add("MX-19").At(record.Host, "")
			}
		}
	}
	if !slices.ContainsFunc(r.Hosts, func(h *report.Host) bool { return h.NotTested != "no-address" || lookupFailed(h) }) {
		var reasons []string
		for _, h := range r.Hosts {
			reasons = append(reasons, failureText(h))
		}
		f := j.Add("MX-15").With("reasons", "").Showing(reasons...)
		if len(reasons) > 0 {
			f.With("reasons", strings.Join(reasons[:min(len(reasons), 3)], " ")+" ")
		}
	}
	for _, registrable := range mx.Unregistered {
		for _, h := range r.Hosts {
			if h.Name == registrable || strings.HasSuffix(h.Name, "."+registrable) {
				j.Add("MX-16").At(h.Name, "").With("registrable", registrable)
			}
		}
	}
	if len(mx.Wildcard) > 0 {
		j.Add("MX-35").Showing(mx.Wildcard...)
	}
	judgeLimits(j, r)
	for _, name := range providers(r.Hosts) {
		j.Add("MX-26").With("provider", name)
	}
}

// line is an MX record in zone-file form.
func line(domain string, r report.Record) string {
	host := r.Host + "."
	if r.Host == "." {
		host = r.Host
	}
	return fmt.Sprintf("%s. IN MX %d %s", domain, r.Preference, host)
}

// lookupFailed reports whether a question for an address of the host got no answer. That a
// name or a record does not exist is an answer.
func lookupFailed(h *report.Host) bool {
	return h.Failure != nil && h.Failure.Kind != "nxdomain" && h.Failure.Kind != "no-data"
}

// judgeLimits counts what was left alone.
func judgeLimits(j *report.Judgement, r report.Observed) {
	left := r.MX.Omitted
	var names []string
	for _, h := range r.Hosts {
		if h.NotTested == "limit" {
			left++
			names = append(names, h.Name)
		}
		for _, a := range h.Addresses {
			if a.NotTested == "limit" {
				left++
				names = append(names, h.Name+" "+a.IP)
			}
		}
	}
	if left > 0 {
		j.Add("MX-21").With("left", left).Showing(names...)
	}
}

// judgeHost judges one mail exchanger and its addresses.
func judgeHost(j *report.Judgement, r report.Observed, h *report.Host) {
	if h.NotTested == "limit" {
		return
	}
	implicit := r.MX != nil && r.MX.State == "implicit"
	preference := report.Effect(fmt.Sprintf("M.pref=%d", h.Preference))
	switch {
	case implicit:
		j.Add("MX-05").At(h.Name, "").Setting(preference).Repairing(preference)
	case r.MX != nil:
		j.Add("MX-04").At(h.Name, "").With("preference", h.Preference).Setting(preference)
	}
	if steps := h.DNSSEC.Steps; !implicit && (len(steps) > 0 || h.Canonical != "") {
		target := h.Canonical
		if target == "" {
			target = strings.TrimSuffix(steps[len(steps)-1].Target, ".")
		}
		mend := fmt.Sprintf("Put the real name into the MX record: %s. IN MX %d %s. A certificate, TLSA record or MTA-STS policy for %s then has to name %s.",
			r.Domain, h.Preference, target, h.Name, target)
		if h.Base() == report.Secure && h.DNSSEC.State == report.Insecure {
			mend = fmt.Sprintf("Give %s address records of its own in place of the alias. Do not name %s in the MX record: it is not signed, and DANE would end.", h.Name, target)
		}
		j.Add("MX-12").At(h.Name, "").With("target", target).With("preference", h.Preference).With("mend", mend)
	}
	switch {
	case len(h.Families) > 0 && len(h.Usable()) > 0: // one family is enough to deliver by
	case lookupFailed(h), h.DNSSEC.State == report.Bogus && slices.ContainsFunc(r.Hosts, believed):
		f := j.Add("MX-25").At(h.Name, "").With("reason", failureText(h)).With("fate", "Senders skip the host for now, and those that check DANE must do so.") // the fact M.addr comes from the check of DNSSEC
		unknown := slices.ContainsFunc(h.Families, func(f report.Family) bool { return !f.Holds() && !f.Broken() })
		if len(h.Addresses) == 0 && (unknown || lookupFailed(h) && !slices.ContainsFunc(h.Families, report.Family.Broken)) {
			f.As(report.Untested).Setting(report.Provisional).With("fate", "That may be our fault. The host was not seen, and it may be better or worse than the others.")
		}
	case h.NotTested == "no-address" && slices.ContainsFunc(r.Hosts, hasAddress):
		j.Add("MX-14").At(h.Name, "").With("reason", failureText(h))
	}
	if strings.Contains(h.Name, "_") {
		j.Add("MX-33").At(h.Name, "")
	}
	if p := parked(r.Domain, h); p != nil {
		j.Add("MX-36").At(h.Name, "").With("service", p.Service).Showing(p.Source + ", " + p.AsOf)
	}
	judgeMissing(j, r, h)
	judgeFamilies(j, h)
	for _, a := range h.Addresses {
		switch {
		case a.NotTested == "mapped":
			j.Add("MX-23").At(h.Name, a.IP)
		case a.NotTested == "forbidden" && h.NotTested != "forbidden":
			j.Add("MX-18").At(h.Name, a.IP).Showing(failureLine(a.Failure)...)
		}
	}
	if h.NotTested == "forbidden" {
		f := j.Add("MX-17").At(h.Name, "")
		for _, a := range h.Addresses {
			f.Showing(failureLine(a.Failure)...)
		}
	}
}

// believed reports whether a host's addresses may be used by a sender that validates.
func believed(h *report.Host) bool {
	return hasAddress(h) && (h.DNSSEC.State == report.Secure || h.DNSSEC.State == report.Insecure)
}

func hasAddress(h *report.Host) bool { return len(h.Addresses) > 0 }

func failureText(h *report.Host) string {
	switch {
	case h.Failure != nil:
		return h.Failure.Text
	case h.DNSSEC.Detail != "":
		return h.DNSSEC.Detail
	}
	return "The answer about " + h.Name + " fails its DNSSEC validation."
}

func failureLine(f *report.Failure) []string {
	if f == nil {
		return nil
	}
	return []string{f.Text}
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

// mayHaveIPv4 is true as well for a host that was not looked up, or in vain.
func mayHaveIPv4(h *report.Host) bool {
	return h.NotTested == "limit" || lookupFailed(h) || h.Doubtful() ||
		slices.ContainsFunc(h.Addresses, func(a *report.Address) bool { return !strings.Contains(a.IP, ":") })
}

// mayHaveIPv6 is true as well for a host that was not looked up, or in vain.
func mayHaveIPv6(h *report.Host) bool {
	return h.NotTested == "limit" || lookupFailed(h) || h.Doubtful() ||
		slices.ContainsFunc(h.Addresses, func(a *report.Address) bool { return strings.Contains(a.IP, ":") && a.NotTested != "mapped" })
}
