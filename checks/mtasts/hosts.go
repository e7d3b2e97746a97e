package mtasts

import (
	"slices"
	"strings"

	"mxseal/checks/report"
)

// judgeHosts holds the policy against the mail servers.
func judgeHosts(j *report.Judgement, r report.Observed, p *policy) {
	if p.Mode == report.ModeNone {
		return
	}
	enforced, severity := p.Mode == report.ModeEnforce, report.Warn
	if enforced {
		severity = report.Fail
	}
	kept, tested := true, false
	used := make(map[string]bool) // lines that cover a host, or are meant to
	for _, h := range r.Hosts {
		covering := pattern(p.MX, h.Name)
		if covering == "" {
			kept = false
			judgeUncovered(j, r, p, h, severity, used)
			continue
		}
		for _, mx := range p.MX {
			used[mx] = used[mx] || matches(mx, h.Name)
		}
		j.Add("STS-27").At(h.Name, "").With("pattern", covering)
		seen, breaches := judgeCovered(j, h, severity)
		tested, kept = tested || seen, kept && !breaches
	}
	if len(r.Hosts) > 0 {
		judgeSpare(j, p, used)
	}
	if enforced && kept && tested && r.MTASTS.State == report.STSEnforce {
		judgeEnforced(j, r.Hosts)
	}
}

// judgeUncovered judges a host that no line covers, and notes the one that was meant for it.
func judgeUncovered(j *report.Judgement, r report.Observed, p *policy, h *report.Host, severity report.Verdict, used map[string]bool) {
	f := j.Add("STS-28").At(h.Name, "").As(severity).With("why", "").With("line", "Add the line mx: "+h.Name)
	if near, why, lines := beside(p.MX, h.Name, r.Domain); near != "" {
		used[near] = true // not left over, but meant for this one
		f.Saying("why", why).With("line", "In place of mx: "+near+" write "+lines)
	}
}

// judgeCovered holds the addresses of a host against what a policy asks of them. It reports whether
// any was seen, and whether any does not keep it.
func judgeCovered(j *report.Judgement, h *report.Host, severity report.Verdict) (seen, breaches bool) {
	for _, a := range h.Addresses {
		if a.SMTP == nil || !a.Reachable {
			continue
		}
		seen = true
		if code := breach(a); code != "" {
			breaches = true
			j.Add("STS-29").At(h.Name, a.IP).With("code", code).As(severity)
		}
	}
	return seen, breaches
}

// judgeSpare judges lines that are of no use.
func judgeSpare(j *report.Judgement, p *policy, used map[string]bool) {
	var spare []string
	for _, mx := range p.MX {
		if !used[mx] && !slices.Contains(spare, mx) {
			spare = append(spare, mx)
		}
	}
	if len(spare) > 0 {
		j.Add("STS-30").With("patterns", strings.Join(spare[:min(len(spare), 10)], ", "))
	}
}

// judgeEnforced judges a policy that is in force and kept.
func judgeEnforced(j *report.Judgement, hosts []*report.Host) {
	j.Add("STS-40")
	for _, h := range hosts {
		if h.TLSA.State == report.TLSAMismatch || h.TLSA.State == report.TLSALookupFail {
			j.Add("STS-41").At(h.Name, "")
		}
	}
}

// beside returns a pattern that misses a host by the labels in front, says why it does, and
// which lines would cover the host. It happens where somebody takes a wildcard for any number
// of labels, or a name for all below it.
func beside(patterns []string, host, domain string) (near string, why report.Statement, lines string) {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	_, above, _ := strings.Cut(host, ".")
	for _, p := range patterns {
		base, wildcard := strings.CutPrefix(p, "*.")
		below := strings.HasSuffix(host, "."+base)
		switch {
		case wildcard && below:
			why = report.Say(report.SaysOneLabelOf, "pattern", p, "host", host, "labels", labels(host)-labels(base), "base", base)
		case wildcard && host == base:
			why = report.Say(report.SaysOneLabelNone, "pattern", p, "host", host, "base", base)
		case below:
			why = report.Say(report.SaysThatNameAlone, "pattern", p)
		default:
			continue
		}
		lines = "mx: " + host
		if wide := "*." + above; wildcard && below && above != domain && !wildcardOfSuffix(wide) {
			lines = "mx: " + wide + ", or mx: " + host
		}
		return p, why, lines
	}
	return "", why, ""
}

func labels(name string) int { return strings.Count(name, ".") + 1 }

// pattern returns the pattern that covers a host, or nothing.
func pattern(patterns []string, host string) string {
	if i := slices.IndexFunc(patterns, func(p string) bool { return matches(p, host) }); i >= 0 {
		return patterns[i]
	}
	return ""
}

// breach says by a result code of RFC 8460 §4.3 why an address does not keep the policy.
func breach(a *report.Address) string {
	switch a.SMTP.STARTTLS {
	case report.NotOffered, report.Refused:
		return "starttls-not-supported"
	case report.HandshakeFailed:
		return "validation-failure"
	}
	for _, c := range a.Certificates {
		if c.Via == report.ViaNoName { // senders name the host (RFC 8461 §7.1)
			continue
		}
		switch c.PKIX {
		case "", report.PKIXOK, report.PKIXUntested:
		case report.PKIXExpired, report.PKIXNotYetValid:
			return "certificate-expired"
		case report.PKIXNameMismatch:
			return "certificate-host-mismatch"
		default:
			return "certificate-not-trusted"
		}
	}
	return ""
}
