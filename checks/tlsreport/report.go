// Package tlsreport reads what sending servers report about their sessions with a domain's mail servers
// (RFC 8460), and says what the reports of some time come to.
//
// Reports come as JSON, packed, in mails, in mailboxes; those who write them do not all hold to the
// document. Read takes all of that apart and gives each report in one form, with notes of what was
// unusual about it. A Summary adds reports up: who reports, what worked and failed on which day, which
// server failed how, and whether a domain's policy can go to enforce. All of it is pure; the words
// are those of checks/view.
//
// Everything in a report is a stranger's word. It is bounded and cleaned here, and nowhere else.
package tlsreport

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"mxseal/checks/report"
)

// Bounds of one report. One that has more is refused: no reporter comes near them.
const (
	mostOctets   = 8 << 20 // of its JSON
	mostPolicies = 1000
	mostFailures = 20_000 // details, over all policies
	mostStrings  = 100    // lines of a policy, names of servers
	mostText     = 300    // octets of one text
)

// Report is one report of one sender about some time, mostly a day.
type Report struct {
	Organization string    // who sends mail, and reports; the submitter of the mail where the report does not say
	Contact      string    // of theirs
	ID           string    // by which a report that comes twice is known
	Start, End   time.Time // UTC; zero where the report does not say
	Policies     []Policy
	Notes        []Note
}

// Policy is one policy that the sender found, and what became of the sessions under it.
type Policy struct {
	Type              PolicyType
	Domain            string   // that the policy is for: with DANE it may be the server's, the TLSA base domain
	For               string   // the mail domain that the report is for
	Strings           []string // the policy as it was found
	MXHosts           []string // the names that the policy allows, or the server
	Succeeded, Failed int64    // sessions
	Failures          []Failure
}

// Mode is that of an MTA-STS policy (RFC 8461 §3.2), or empty.
func (p *Policy) Mode() string {
	for _, line := range p.Strings {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.EqualFold(strings.TrimSpace(name), "mode") {
			return strings.ToLower(strings.TrimSpace(value))
		}
	}
	return ""
}

// Failure is sessions that failed alike.
type Failure struct {
	Result                   Result
	SendingIP                string
	ReceivingMX, ReceivingIP string // either may be unknown
	Sessions                 int64
	Reason                   string // in the reporter's words
}

// PolicyType is what a sender went by (RFC 8460 §4.4).
type PolicyType string

// The types of policies. Others are kept as they are said.
const (
	DANE     PolicyType = "tlsa"
	MTASTS   PolicyType = "sts"
	NoPolicy PolicyType = "no-policy-found"
)

// Note is something unusual about a report.
type Note string

// What is unusual.
const (
	NoZone     Note = "no-zone"     // its dates have no zone; UTC is taken
	NoDates    Note = "no-dates"    // it says no time that can be read
	NoContact  Note = "no-contact"  // it names nobody to ask
	NoDomain   Note = "no-domain"   // a policy names no domain; that of the mail or the file is taken
	NoServer   Note = "no-server"   // a failure names neither a server nor its address
	SumDiffers Note = "sum-differs" // the failures do not add up to their sum
	NotPacked  Note = "not-packed"  // it is said to be gzip and is none
	NoPolicies Note = "no-policies" // it speaks of nothing
	BaseDomain Note = "base-domain" // a DANE policy stands under the name of the server
)

// envelope is what the mail or the name of the file says about a report (RFC 8460 §5.1, §5.3).
type envelope struct {
	domain, submitter string
	packed            bool // it is said to be gzip
}

// decode reads the JSON of a report.
func decode(text []byte, env envelope) (*Report, error) {
	var w struct {
		Organization word           `json:"organization-name"`
		Contact      word           `json:"contact-info"`
		ID           word           `json:"report-id"`
		Dates        dates          `json:"date-range"`
		Policies     list[policyIn] `json:"policies"`
	}
	switch err := json.Unmarshal(text, &w); {
	case errors.Is(err, errTooMany):
		return nil, fmt.Errorf("it is larger than any report: more than %d policies, or %d failures", mostPolicies, mostFailures)
	case err != nil:
		return nil, fmt.Errorf("its JSON cannot be read: %s", report.Clean(err.Error(), mostText))
	case !w.Policies.there && w.ID == "" && w.Organization == "" && w.Dates.Start == "":
		return nil, errors.New("this JSON is no TLS report: it has no organization-name, report-id or policies")
	}
	r := &Report{Organization: string(w.Organization), Contact: string(w.Contact), ID: string(w.ID)}
	if r.Organization == "" {
		r.Organization = env.submitter
	}
	if r.Contact == "" {
		r.note(NoContact)
	}
	r.Start, r.End = r.date(w.Dates.Start), r.date(w.Dates.End)
	if r.Start.IsZero() && r.End.IsZero() {
		r.note(NoDates)
	}
	if len(w.Policies.items) == 0 {
		r.note(NoPolicies)
	}
	failures := 0
	for i := range w.Policies.items {
		in := &w.Policies.items[i]
		if failures += len(in.Failures.items); failures > mostFailures {
			return nil, fmt.Errorf("it is larger than any report: more than %d failures", mostFailures)
		}
		r.Policies = append(r.Policies, r.policy(in, env))
	}
	return r, nil
}

// date reads a time, of which some reporters leave the zone out.
func (r *Report) date(said word) time.Time {
	t, zone := readDate(string(said))
	if !t.IsZero() && !zone {
		r.note(NoZone)
	}
	return t
}

// policy is one of the report, and notes what is unusual about it.
func (r *Report) policy(in *policyIn, env envelope) Policy {
	p := Policy{Type: PolicyType(strings.ToLower(string(in.Policy.Type))), Domain: domainOf(string(in.Policy.Domain)), Strings: in.Policy.Strings,
		Succeeded: int64(in.Summary.Succeeded), Failed: int64(in.Summary.Failed)}
	for _, host := range in.Policy.MXHosts {
		p.MXHosts = append(p.MXHosts, domainOf(host))
	}
	p.For = p.Domain
	switch {
	case p.Domain == "":
		r.note(NoDomain)
		p.Domain, p.For = env.domain, env.domain
	case p.Type == DANE && env.domain != "" && env.domain != p.Domain:
		r.note(BaseDomain)
		p.For = env.domain
	}
	var sum int64
	for _, f := range in.Failures.items {
		out := Failure{Result: Result(strings.ToLower(string(f.Result))), SendingIP: string(f.SendingIP), ReceivingMX: domainOf(string(f.MX)),
			ReceivingIP: string(f.ReceivingIP), Sessions: int64(f.Sessions), Reason: string(f.Reason)}
		if out.Reason == "" {
			out.Reason = string(f.Additional)
		}
		if out.ReceivingMX == "" && out.ReceivingIP == "" {
			r.note(NoServer)
		}
		sum += out.Sessions
		p.Failures = append(p.Failures, out)
	}
	if sum != p.Failed {
		r.note(SumDiffers)
		p.Failed = max(p.Failed, sum)
	}
	return p
}

func (r *Report) note(n Note) {
	for _, known := range r.Notes {
		if known == n {
			return
		}
	}
	r.Notes = append(r.Notes, n)
}

// domainOf is a name as it is compared: without its last dot, in small letters.
func domainOf(said string) string {
	return strings.ToLower(strings.TrimSuffix(strings.TrimPrefix(said, "_25._tcp."), "."))
}
