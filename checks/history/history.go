// Package history holds a report against earlier ones of its domain: as a careful sender would who
// remembers (RFC 3207 §6). It is no check that is listed: its findings are shown with the first
// that is.
package history

import (
	"fmt"
	"slices"
	"time"

	"mxseal/checks/check"
	"mxseal/checks/report"
)

// Check is the check.
var Check = check.Check{Rules: Rules, Judge: Judge}

// Rules are the rows of the catalogue that hold a report against earlier ones.
var Rules = report.Rules{
	{
		ID: "HIS-01", Verdict: report.Warn,
		Title:     "{address} offered working TLS until {since}, but not now",
		Text:      "Either the server was changed, or somebody between it and us removes the offer. Meanwhile senders that do not insist on TLS send unencrypted, and everybody on the path can read the mail.",
		FixText:   "Ask the server itself, from its own network, whether it still offers STARTTLS. If it does, somebody on the way removes it: test from a second place. If not, repair its TLS.",
		Reference: "RFC 3207 §6",
	},
	{
		ID: "HIS-02", Verdict: report.Warn,
		Title:     "{what} of {server} was valid until {since} and fails now",
		Text:      "Senders that check it got through then and do not today. If nobody changed the server, somebody else may have answered in its place.",
		FixText:   "Compare the certificate shown here with that on the server. If they differ, somebody is in between. If not, fix what the other findings about {host} name.",
		Reference: "RFC 3207 §6, RFC 8460 §4.3",
	},
	{
		ID: "HIS-03", Verdict: report.Info,
		Title:     "The key of {address} has changed since {since}",
		Text:      "{vouch}",
		Reference: "RFC 7672 §4",
	},
	{
		ID: "HIS-04", Verdict: report.Fail,
		Title:     "The key of {address} was changed, and the new one is not published",
		Text:      "The TLSA records of {host} fitted until {since}. They do not fit the new key: the classic accident of a key change. Senders that check DANE do not deliver to {host}. If no other server fits, their mail waits.",
		FixText:   "Put the former key back into service. Or publish {record} now, if the server itself shows that the new key is its own. The one we saw over the network may be an attacker's. Next time publish the new digest two TTLs before the change.",
		Reference: "RFC 7672 §4, §8.1",
	},
}

// Judge holds the report against what earlier ones saw.
func Judge(r report.Observed) []report.Finding {
	j := report.NewJudgement("", Rules)
	for _, h := range r.Hosts {
		p := r.Past.Host(h.Name)
		if p == nil {
			continue
		}
		matched := r.Past.Recalls(p.MatchedAt, r.CheckedAt)
		if matched && slices.Contains([]report.TLSAState{report.TLSAMismatch, report.TLSALookupFail, report.TLSAUnusable}, h.TLSA.State) {
			j.Add("HIS-02").At(h.Name, "").Saying("what", report.Say(report.SaysThatDANE)).With("server", h.Name).With("since", day(p.MatchedAt))
		}
		for _, a := range h.Addresses {
			if past := p.Address(a.IP); past != nil && a.Reachable && a.SMTP != nil {
				judgeAddress(j, r, h, a, p, past)
			}
		}
	}
	return j.Findings()
}

func judgeAddress(j *report.Judgement, r report.Observed, h *report.Host, a *report.Address, p *report.PastHost, past *report.PastAddress) {
	if a.SMTP.STARTTLS != report.Works {
		if r.Past.Recalls(past.TLSAt, r.CheckedAt) {
			j.Add("HIS-01").At(h.Name, a.IP).With("since", day(past.TLSAt))
		}
		return
	}
	failing := !slices.Contains([]report.PKIX{"", report.PKIXOK, report.PKIXUntested}, a.PKIX())
	broken := failing && r.Past.Recalls(past.ValidAt, r.CheckedAt)
	if broken {
		j.Add("HIS-02").At(h.Name, a.IP).Saying("what", report.Say(report.SaysTheCertificate)).With("server", a.IP).With("since", day(past.ValidAt)).Showing("now: " + string(a.PKIX()))
	}
	keys := a.Keys()
	if len(keys) == 0 || len(past.Keys) == 0 || slices.Contains(past.Keys, keys[0]) {
		return
	}
	fits := slices.ContainsFunc(h.TLSA.Records, func(t report.TLSARecord) bool { return slices.Contains(t.Matches, a.IP) })
	lines := []string{"then: " + past.Keys[0], "now: " + keys[0]}
	if h.TLSA.State == report.TLSAMismatch && !fits {
		if r.Past.Recalls(p.MatchedAt, r.CheckedAt) {
			base := h.TLSA.Base
			if base == "" {
				base = h.Name
			}
			j.Add("HIS-04").At(h.Name, a.IP).With("since", day(p.MatchedAt)).Showing(lines...).
				With("record", fmt.Sprintf("_25._tcp.%s. IN TLSA 3 1 1 %s", base, keys[0]))
		}
		return
	}
	if broken {
		return
	}
	vouch := report.SaysNobodyVouches
	switch {
	case fits:
		vouch = report.SaysTLSAVouches
	case !failing:
		vouch = report.SaysAuthorityVouches
	}
	j.Add("HIS-03").At(h.Name, a.IP).With("since", day(past.SeenAt)).Saying("vouch", report.Say(vouch)).Showing(lines...)
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }
