package metrics

import (
	"maps"
	"net/http"
	"slices"
	"sync"

	"mxseal/checks"
	"mxseal/checks/report"
	"mxseal/web/scans"
)

// result is what a finished report adds to the counters: words of the program only, nothing
// of the domain, its servers or whoever asked.
type result struct {
	letter      string
	seconds     float64 // it took
	connections int
	questions   int // put to name servers directly
	provisional bool
	interrupted bool
	faults      int // checks that ended by a fault of our own
	findings    map[ruled]int
	untested    map[missed]int
}

type (
	ruled  struct{ rule, verdict string }
	missed struct{ phase, reason string } // what kept us from knowing
)

// noLetter is the letter of a check that made no report, or a report without a grade.
const noLetter = "none"

// The vocabularies of labels. A word that is not in its list is counted as other.
const other = "other"

var (
	letterWords = []string{"A+", "A", "B", "C", "D", "E", "F", "T", "N", noLetter}

	// phaseWords are the phases of report.Failure; smtp takes them from its commands.
	phaseWords = []string{"mx", "address", "tlsa", "txt", "dns", "connect", "greeting", "ehlo", "starttls", "handshake", "mail", "rset", "quit", "http", other}

	// reasonWords are the kinds of report.Failure, and the reasons for not testing something.
	reasonWords = []string{"timeout", "exhausted", "not-admitted", "spent", "refused", "reset", "closed", "unreachable", "failed", "reply", "protocol", "alert", "unsupported",
		"servfail", "formerr", "notimp", "malformed", "loop", "no-address", "blocked", "intercepted", "forbidden", "mapped", "limit", "rate-limited", "opted-out", "tls-version", other}
)

func word(list []string, w string) string {
	if slices.Contains(list, w) {
		return w
	}
	return other
}

// ruleIDs are the ids of all rules that a finding can have.
var ruleIDs = sync.OnceValue(func() map[string]bool {
	ids := make(map[string]bool)
	for _, c := range checks.All {
		for _, r := range checks.ShownWith(c.ID) {
			ids[r.ID] = true
		}
	}
	return ids
})

var verdicts = []report.Verdict{report.Pass, report.Info, report.Warn, report.Fail, report.Untested}

// resultOf sums a report up; nil is a check that ended without one.
func resultOf(r *report.Report) result {
	t := result{letter: noLetter, findings: make(map[ruled]int), untested: make(map[missed]int)}
	if r == nil {
		t.faults = 1
		return t
	}
	if r.Grade != nil && slices.Contains(letterWords, string(r.Grade.Letter)) {
		t.letter = string(r.Grade.Letter)
		t.provisional = r.Grade.Provisional
	}
	t.seconds, t.connections = float64(r.ElapsedMS)/1000, r.Connections
	t.interrupted, t.faults = r.Interrupted != "", len(r.Faults)
	for _, f := range r.Findings {
		if ruleIDs()[f.Rule] && slices.Contains(verdicts, f.Verdict) {
			t.findings[ruled{f.Rule, string(f.Verdict)}]++
		}
	}
	t.questions = r.Questions()
	for f := range r.Failures {
		t.without(string(f.Phase), string(f.Kind))
	}
	for _, h := range r.Hosts {
		t.notTried(h.Failure, string(h.NotTested))
		for _, a := range h.Addresses {
			t.notTried(a.Failure, string(a.NotTested))
		}
	}
	return t
}

// without counts what kept us from a fact, unless it is one itself: that a name does not exist, has no
// records, or has a certificate that does not hold.
func (t result) without(phase string, kind string) {
	if kind != "nxdomain" && kind != "no-data" && phase != "certificate" {
		t.untested[missed{word(phaseWords, phase), word(reasonWords, kind)}]++
	}
}

// notTried counts why something was not tried, where no failure says it.
func (t result) notTried(f *report.Failure, why string) {
	if f == nil && why != "" {
		t.untested[missed{"connect", word(reasonWords, why)}]++
	}
}

// methodWords are the methods of requests that are counted by name.
var methodWords = []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodOptions, other}

// Words are all values that a label of checks and requests can have, by label. Those of route and
// cache are the patterns and names that the site is made of.
func Words() map[string][]string {
	words := map[string][]string{"letter": letterWords, "rule": slices.Sorted(maps.Keys(ruleIDs())), "phase": phaseWords, "reason": slices.Clone(reasonWords),
		"method": methodWords, "status": {"1xx", "2xx", "3xx", "4xx", "5xx"}}
	for _, c := range conditionNames {
		words["condition"] = append(words["condition"], string(c))
	}
	for _, s := range conditionStates {
		words["state"] = append(words["state"], string(s))
	}
	for _, v := range verdicts {
		words["verdict"] = append(words["verdict"], string(v))
	}
	for _, r := range scans.Reasons {
		words["reason"] = append(words["reason"], string(r))
	}
	return words
}
