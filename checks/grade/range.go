package grade

import (
	"slices"
	"strings"

	"mxseal/checks/report"
)

// guess is one thing that may be true of what could not be found out: a change of the facts.
// host is the mail exchanger that it is about; empty for all.
type guess func(f *Facts, host string)

// guesses say what a provisional finding leaves open, by the area of its rule. That all is as
// it was seen is always among them. An area that is not listed leaves everything open.
var guesses = map[string][]guess{
	"MX": another, "NET": another, "SMT": another, "ENF": another, "VAN": otherwise,
	"TLS": {func(f *Facts, _ string) { f.Caps = append(f.Caps, "E") }}, // at worst it speaks SSL 2 too
	"CRT": {
		each(func(m *HostFacts) { m.PKIX = true }),
		each(func(m *HostFacts) { m.PKIX = false }),
	},
	"SEC": {
		func(f *Facts, _ string) {
			f.MXDNS = report.Secure
			each(func(m *HostFacts) { m.Addr, m.TLSA = report.Secure, Match })(f, "")
		},
		func(f *Facts, _ string) { f.MXDNS = report.Insecure },
		func(f *Facts, _ string) { f.MXDNS = report.Bogus },
	},
	"DAN": {
		each(func(m *HostFacts) { m.TLSA = Match }),
		each(func(m *HostFacts) { m.TLSA = NoTLSA }),
		each(func(m *HostFacts) { m.TLSA = Mismatch }),
	},
	"STS": {
		func(f *Facts, _ string) {
			f.STS, f.STSLong = Enforce, true
			each(func(m *HostFacts) { m.STS = true })(f, "")
		},
		func(f *Facts, _ string) {
			f.STS = Enforce
			each(func(m *HostFacts) { m.STS = false })(f, "")
		},
		func(f *Facts, _ string) { f.STS = Absent },
	},
	"RPT": {
		func(f *Facts, _ string) { f.RPT = true },
		func(f *Facts, _ string) { f.RPT = false },
	},
}

// another are servers beside the host: one that is perfect, and one without TLS.
var another = []guess{
	beside(HostFacts{Addr: report.Secure, TLSA: Match, TLS: TLSOK, PKIX: true, STS: true, Reach: true}),
	beside(HostFacts{Addr: report.Insecure, TLSA: NoTLSA, TLS: TLSNo, Reach: true}),
}

// otherwise are what a host may be to others: perfect, or without TLS.
var otherwise = append([]guess{each(func(m *HostFacts) {
	m.TLS, m.PKIX, m.Reach = TLSOK, true, true
	if m.TLSA == Mismatch {
		m.TLSA = Match
	}
})}, another...)

// beside adds a server at the preference of the host, or at the best.
func beside(like HostFacts) guess {
	return func(f *Facts, host string) {
		m := like
		m.Pref = f.counted()[0].Pref
		if i := slices.IndexFunc(f.Hosts, func(m HostFacts) bool { return m.Name == host }); i >= 0 {
			m.Pref = f.Hosts[i].Pref
		}
		f.Hosts = append(f.Hosts, m)
	}
}

// limited puts on the limits that a finding leaves open.
func limited(open string) guess {
	return func(f *Facts, _ string) {
		for e := range strings.SplitSeq(open, ", ") {
			letter, capped := report.Effect(e).Cap()
			_, value, fact := report.Effect(e).Fact()
			switch {
			case capped:
				f.Caps = append(f.Caps, letter)
			case fact: // only one is left open
				f.STS = STS(value)
			default:
				f.NoAPlus = append(slices.Clone(f.NoAPlus), e)
			}
		}
	}
}

// each changes the host, or all.
func each(change func(*HostFacts)) guess {
	return func(f *Facts, host string) {
		for i := range f.Hosts {
			if host == "" || f.Hosts[i].Name == host {
				change(&f.Hosts[i])
			}
		}
	}
}

// maxGuesses bounds how many combinations are tried; beyond it everything is open.
const maxGuesses = 1024

// span returns the worst and the best letter that what could not be found out may still make
// of a provisional one; empty where the letter is firm, or there is none.
func span(findings []report.Finding, f Facts, present report.Letter) (worst, best report.Letter) {
	if !f.Prov || !present.Valid() {
		return "", ""
	}
	f.Prov = false
	type doubt struct{ area, host string }
	doubted := make(map[doubt]bool)
	states := []Facts{f}
	for _, finding := range findings {
		if !slices.Contains(finding.Effects, report.Provisional) {
			continue
		}
		area, _, _ := strings.Cut(finding.Rule, "-")
		if finding.Params[report.Open] != "" {
			area = finding.Rule
		}
		d := doubt{area, finding.Host}
		if doubted[d] {
			continue
		}
		doubted[d] = true
		list, known := guesses[area]
		if open := finding.Params[report.Open]; open != "" {
			list, known = []guess{limited(open)}, true
		}
		if !known || len(states)*(len(list)+1) > maxGuesses {
			return "F", report.LetterAPlus
		}
		for _, s := range states {
			for _, guess := range list {
				may := s
				may.Hosts, may.Caps = slices.Clone(s.Hosts), slices.Clone(s.Caps)
				guess(&may, finding.Host)
				states = append(states, may)
			}
		}
	}
	worst, best = present, present
	for _, s := range states {
		l := judge(s).letter
		worst = worse(worst, l)
		if best.Worse(l) {
			best = l
		}
	}
	return worst, best
}
