package templates

import (
	"slices"
	"strings"

	"mxseal/checks/report"
)

// Line is one address of a mail server in the overview: a cell a stage.
type Line struct {
	Host       *report.Host
	Address    *report.Address // nil for a host without any
	First      bool            // the first line of its host
	Stages     []StageCell
	NotReached string // why the stages are missing
}

// StageCell is how one stage went at one address: a word from the evidence, the mark of the
// findings.
type StageCell struct {
	Name, Word string
	Verdict    report.Verdict
}

// stageNames are the columns of the overview.
var stageNames = []string{"STARTTLS", "TLS", "Certificate", "DANE", "MTA-STS"}

// Overview lists every address of every mail server, in the order senders try them.
func (r Report) Overview() []Line {
	var lines []Line
	for _, h := range r.Hosts {
		if len(h.Addresses) == 0 {
			why := notTested(h.NotTested)
			if why == "" {
				why = "no address"
			}
			if h.Failure != nil {
				why = h.Failure.Text
			}
			lines = append(lines, Line{Host: h, First: true, NotReached: why})
		}
		for i, a := range h.Addresses {
			lines = append(lines, r.line(h, a, i == 0))
		}
	}
	return lines
}

func (r Report) line(h *report.Host, a *report.Address, first bool) Line {
	l := Line{Host: h, Address: a, First: first}
	switch {
	case a.NotTested != "":
		l.NotReached = notTested(a.NotTested)
	case !a.Reachable && a.Failure != nil:
		l.NotReached = a.Failure.Text
	case !a.Reachable:
		l.NotReached = "not reached"
	default:
		l.Stages = []StageCell{
			{"STARTTLS", starttlsWord(a.SMTP), r.mark("starttls", h.Name, a.IP)},
			{"TLS", tlsWord(a.TLS), r.mark("tls", h.Name, a.IP)},
			{"Certificate", certificateWord(a.Certificates), r.mark("certificate", h.Name, a.IP)},
			{"DANE", tlsaWord(h.TLSA), r.mark("dane", h.Name, a.IP)},
			{"MTA-STS", r.stsWord(h.Name), r.mark("mta-sts", h.Name, a.IP)},
		}
	}
	return l
}

func notTested(why string) string {
	switch why {
	case "":
		return ""
	case "forbidden":
		return "never contacted: a special-purpose address"
	case "mapped":
		return "never contacted: an IPv4 address written as IPv6"
	case "limit":
		return "not asked: enough others were"
	case "no-address":
		return "it has no address"
	}
	return "not asked: " + why
}

func starttlsWord(s *report.SMTP) string {
	if s == nil {
		return "not seen"
	}
	switch s.STARTTLS {
	case "ok":
		if s.Enforced != nil && *s.Enforced {
			return "enforced"
		}
		return "works"
	case "not-offered":
		return "not offered"
	case "handshake-failed":
		return "handshake fails"
	case "untested", "":
		return "not tested"
	}
	return s.STARTTLS
}

func tlsWord(t *report.TLS) string {
	if t == nil || t.Version == "" {
		return "none"
	}
	return version(t.Version)
}

func certificateWord(list []*report.Certificate) string {
	if len(list) == 0 {
		return "none seen"
	}
	for _, c := range list {
		if c.PKIX != "ok" {
			return strings.ReplaceAll(c.PKIX, "-", " ")
		}
	}
	return "valid"
}

func tlsaWord(t report.TLSA) string {
	switch t.State {
	case "match":
		return "matches"
	case "mismatch":
		return "does not match"
	case "lookupfail":
		return "look-up fails"
	case "insecure":
		return "unsigned"
	case "":
		return "not seen"
	}
	return t.State
}

// stsWord tells what the findings made of the policy for a host: the fact M.sts.
func (r Report) stsWord(host string) string {
	if r.MTASTS == nil || r.MTASTS.Policy == nil {
		return "no policy"
	}
	for _, f := range r.Findings {
		if f.Check != "mta-sts" || f.Host != host {
			continue
		}
		switch {
		case slices.Contains(f.Effects, "M.sts=true"):
			return "in the policy"
		case slices.Contains(f.Effects, "M.sts=false"):
			return "not in the policy"
		}
	}
	return "policy " + r.MTASTS.State
}

// Stopped are the failures that kept us from the servers, for a domain without a letter.
func (r Report) Stopped() []string {
	var list []string
	add := func(f *report.Failure) {
		if f != nil && f.Text != "" && !slices.Contains(list, f.Text) {
			list = append(list, f.Text)
		}
	}
	if r.MX != nil {
		add(r.MX.Failure)
	}
	for _, h := range r.Hosts {
		add(h.Failure)
		for _, a := range h.Addresses {
			add(a.Failure)
		}
	}
	return list
}
