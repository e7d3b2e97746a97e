package starttls

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"
	"time"

	"mxseal/checks/report"
)

// connected reports whether a conversation began. A first connection that was not made
// leaves an empty one.
func connected(a *report.Address) bool {
	return a.SMTP != nil && (len(a.SMTP.Transcript) > 0 || a.Failure == nil || a.Failure.Phase != report.PhaseConnect)
}

// reached reports whether it is known what an address does about STARTTLS.
func reached(a *report.Address) bool { return a.SMTP != nil && a.SMTP.STARTTLS != report.NotTried }

// leftAlone reports whether we chose not to contact an address, or not any more: at the wish of
// its operator, or because there is a bound to what we ask.
func leftAlone(a *report.Address) bool {
	return a.NotTested == "" && a.Failure != nil && (a.Failure.Kind == report.KindOptedOut || a.Failure.Kind == report.KindSpent || report.Held(a.Failure.Kind))
}

// ourTrouble reports whether an address was not reached because we ran out of something: OPS-12
// says so, and nothing is known of the address.
func ourTrouble(a *report.Address) bool {
	return a.NotTested == "" && a.Failure != nil && a.Failure.Kind == report.KindExhausted
}

// bounded reports whether an address was left alone because there is a bound to what we ask.
func bounded(a *report.Address) bool { return leftAlone(a) && a.Failure.Kind != report.KindOptedOut }

// alone is what it means for the grade that an address of a host was left alone. Where another
// address speaks for the host it costs the best letter, as one that is dead does (NET-09); where
// none does and another host gives a letter, that is provisional.
func alone(r report.Observed, h *report.Host, a *report.Address) []report.Effect {
	switch {
	case slices.ContainsFunc(attempted(h), reached):
		if bounded(a) {
			return []report.Effect{report.NoAPlus}
		}
	case slices.ContainsFunc(r.Hosts, func(o *report.Host) bool { return slices.ContainsFunc(attempted(o), reached) }):
		return []report.Effect{report.Provisional}
	}
	return nil
}

// outOfOrder reports whether an address puts STARTTLS off now and did so an hour ago: that is
// no limit on strangers any more but a TLS engine that does not work (RULES SMT-16).
func outOfOrder(r report.Observed, h *report.Host, a *report.Address) bool {
	past := r.Past.Host(h.Name).Address(a.IP)
	return past != nil && a.PutOff() && !past.PutOffSince.IsZero() && r.CheckedAt.Sub(past.PutOffSince) >= time.Hour
}

// attempted returns the addresses of a host that were to be tested.
func attempted(h *report.Host) []*report.Address {
	if h.NotTested != "" {
		return nil
	}
	var list []*report.Address
	for _, a := range h.Addresses {
		if a.NotTested == "" {
			list = append(list, a)
		}
	}
	return list
}

// judgeReach judges which hosts and addresses could be tested, and how they differ.
func judgeReach(j *report.Judgement, r report.Observed) {
	var good, bad, optedOut []*report.Host
	for _, h := range r.Hosts {
		known := func(a *report.Address) bool { return reached(a) || outOfOrder(r, h, a) }
		switch addresses := attempted(h); {
		case slices.ContainsFunc(addresses, known):
			good = append(good, h)
		case addresses == nil:
		case slices.ContainsFunc(addresses, func(a *report.Address) bool { return !leftAlone(a) && !ourTrouble(a) }):
			bad = append(bad, h)
		default: // NET-08 or OPS-12 says so
			optedOut = append(optedOut, h)
		}
	}
	switch {
	case len(good) == 0 && len(bad)+len(optedOut) > 0:
		f := j.Add("NET-02")
		for _, h := range slices.Concat(bad, optedOut) {
			f.Showing(failures(h)...)
		}
	case len(bad) > 0:
		for _, h := range bad {
			j.Add("NET-03").At(h.Name, "").With("unseen", h.Name).Showing(failures(h)...)
		}
		judgeBackup(j, good, bad)
	}
	for _, h := range good {
		judgeFamilies(j, h)
		judgeUnseen(j, r, h)
		judgeUniform(j, h)
	}
}

// judgeUnseen notes which addresses of a host were not seen although it answered at another
// one. They cost the best letter and no more: what else is said of the host stands.
func judgeUnseen(j *report.Judgement, r report.Observed, h *report.Host) {
	var theirs, ours, lines []string
	var version string
	for _, a := range attempted(h) {
		switch {
		case reached(a) || outOfOrder(r, h, a), bounded(a): // NET-08 says so of these
			continue
		case withoutRoute(r, family(a)):
			ours, version = append(ours, a.IP), family(a)
		default:
			theirs = append(theirs, a.IP)
			if a.Failure != nil {
				lines = append(lines, a.IP+": "+a.Failure.Text)
			}
		}
	}
	if len(theirs) > 0 {
		j.Add("NET-09").At(h.Name, "").With("addresses", strings.Join(theirs, ", ")).With("unseen", strings.Join(theirs, ", ")+" of "+h.Name).Showing(lines...)
	}
	if len(ours) > 0 {
		j.Add("NET-10").At(h.Name, "").With("addresses", strings.Join(ours, ", ")).With("version", version).With("unseen", strings.Join(ours, ", ")+" of "+h.Name)
	}
}

// family is the version of IP of an address.
func family(a *report.Address) string {
	if ip, err := netip.ParseAddr(a.IP); err == nil && ip.Is6() {
		return "IPv6"
	}
	return "IPv4"
}

// withoutRoute reports whether this machine has no way to a version of IP: there is no route to
// any address of it, whosesoever, and there is to others.
func withoutRoute(r report.Observed, version string) bool {
	others := false
	for _, h := range r.Hosts {
		for _, a := range attempted(h) {
			if family(a) != version {
				others = others || reached(a)
			} else if a.Failure == nil || a.Failure.Phase != report.PhaseConnect || a.Failure.Kind != report.KindUnreachable {
				return false
			}
		}
	}
	return others
}

// judgeBackup notes when all hosts of the best preference are among the bad ones.
func judgeBackup(j *report.Judgement, good, bad []*report.Host) {
	byPreference := func(a, b *report.Host) int { return cmp.Compare(a.Preference, b.Preference) }
	best := slices.MinFunc(bad, byPreference).Preference
	if best >= slices.MinFunc(good, byPreference).Preference {
		return
	}
	var names []string
	for _, h := range bad {
		if h.Preference == best {
			names = append(names, h.Name)
		}
	}
	j.Add("NET-04").With("hosts", strings.Join(names, ", "))
}

// judgeFamilies notes when a host answers over one version of IP and lets connections of
// the other fail. Where this machine itself has no route, nothing is said.
func judgeFamilies(j *report.Judgement, h *report.Host) {
	names := [2]string{"IPv4", "IPv6"}
	var works, fails [2]bool
	for _, a := range attempted(h) {
		version := slices.Index(names[:], family(a))
		switch f := a.Failure; {
		case reached(a):
			works[version] = true
		case f != nil && f.Phase == report.PhaseConnect && f.Kind != report.KindUnreachable && !leftAlone(a) && !ourTrouble(a):
			fails[version] = true
		}
	}
	for i := range works {
		if other := 1 - i; works[i] && !works[other] && fails[other] {
			j.Add("NET-05").At(h.Name, "").With("works", names[i]).With("fails", names[other])
		}
	}
}

// judgeUniform notes when the addresses of a host are not alike.
func judgeUniform(j *report.Judgement, h *report.Host) {
	traits := []struct {
		name string
		of   func(*report.Address) string
	}{
		{"the offer of TLS", func(a *report.Address) string { return string(a.SMTP.STARTTLS) }},
		{"the TLS version", func(a *report.Address) string {
			if a.TLS == nil {
				return ""
			}
			return string(a.TLS.Version)
		}},
		{"the certificate", func(a *report.Address) string {
			for _, c := range a.Certificates {
				if c.Via == report.ViaFirst {
					return c.SHA256
				}
			}
			return ""
		}},
	}
	var differ, lines []string
	for _, trait := range traits {
		var values []string
		for _, a := range attempted(h) {
			if !reached(a) {
				continue
			}
			if v := trait.of(a); v != "" {
				values = append(values, v)
				lines = append(lines, a.IP+": "+trait.name+" "+v)
			}
		}
		if slices.Sort(values); len(slices.Compact(values)) > 1 {
			differ = append(differ, trait.name)
		}
	}
	if differ != nil {
		j.Add("NET-06").At(h.Name, "").With("differ", strings.Join(differ, ", ")).Showing(lines...)
	}
}

// failures are the reasons why no address of a host could be tested.
func failures(h *report.Host) []string {
	var lines []string
	for _, a := range attempted(h) {
		switch {
		case a.SMTP != nil && a.SMTP.Reply != "":
			lines = append(lines, h.Name+" "+a.IP+": "+a.SMTP.Reply)
		case a.Failure != nil:
			lines = append(lines, h.Name+" "+a.IP+": "+a.Failure.Text)
		}
	}
	return lines
}
