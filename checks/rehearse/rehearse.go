// Package rehearse says whose mail would stop if a mail server showed its next certificate today.
//
// There is no conversation with the server: evidence is made of what is published about it (its
// names, TLSA and CAA records, the policies of domains that name it) and of the certificate that each
// of its addresses would show (Show). The same checks judge it that judge a report, the same table of
// senders says what becomes of the mail on a day without an attacker, and what is said here is
// which senders that are, by which findings, and what to publish first (Conclude). All of it is pure.
package rehearse

import (
	"slices"
	"strings"
	"time"

	"mxseal/checks/grade"
	"mxseal/checks/records"
	"mxseal/checks/report"
)

// Outcome is what would become of the mail. Times are UTC.
type Outcome struct {
	CheckedAt   time.Time           `json:"checked_at"`
	Certificate *report.Certificate `json:"certificate"` // as the first host would show it
	Hosts       []Host              `json:"hosts"`
	Policies    []Policy            `json:"policies,omitempty"` // of the domains that were named
}

// Host is one mail server.
type Host struct {
	Name     string           `json:"name"` // A-label
	TLSA     report.TLSA      `json:"tlsa"`
	Failure  *report.Failure  `json:"failure,omitempty"` // why it has no address
	Senders  []Sender         `json:"senders"`
	Findings []report.Finding `json:"findings,omitempty"` // what is wrong or was not found out
	// Publish are records to publish before the certificate is used, in zone-file form, beside
	// those that are there.
	Publish []string `json:"publish,omitempty"`
	// Held is until when senders may hold the answer from before, if the records that fit were
	// published only now; absent where none fits.
	Held *time.Time `json:"held,omitempty"`
}

// Policy is the MTA-STS policy of a domain whose mail the servers take.
type Policy struct {
	Domain   string           `json:"domain"` // A-label
	State    report.STSState  `json:"state"`
	Findings []report.Finding `json:"findings,omitempty"`
}

// Who is a kind of sender.
type Who string

const (
	Ordinary  Who = "ordinary"  // encrypts as it can and verifies nothing
	DANE      Who = "dane"      // holds TLSA records against the certificate
	MTASTS    Who = "mta-sts"   // holds it against the policy of a domain
	Insisting Who = "insisting" // wants a valid certificate, whatever is published
	Part      Who = "part"      // whose library does not take such a certificate at all
)

// Mail is what becomes of the mail of a sender.
type Mail string

const (
	Delivered Mail = "delivered"
	Stopped   Mail = "stopped"
	Unknown   Mail = "unknown" // something that decides it was not found out
	Unasked   Mail = "unasked" // nothing is published for such a sender to hold the certificate against
	Refused   Mail = "refused" // stopped, as with every certificate of its owner's own making; not held against it
)

// Sender is what becomes of the mail of one kind of sender at a host.
type Sender struct {
	Who     Who      `json:"who"`
	Mail    Mail     `json:"mail"`
	Domain  string   `json:"domain,omitempty"`  // whose policy it goes by
	Because []string `json:"because,omitempty"` // ids of the rules that decide it
}

// Stops reports whether mail would stop that need not.
func (o Outcome) Stops() bool { return o.any(Stopped) }

// Unknown reports whether something that decides over mail was not found out.
func (o Outcome) Unknown() bool { return o.any(Unknown) }

func (o Outcome) any(m Mail) bool {
	return slices.ContainsFunc(o.Hosts, func(h Host) bool {
		return slices.ContainsFunc(h.Senders, func(s Sender) bool { return s.Mail == m })
	})
}

// Show puts the next certificate into the evidence of a host: every address shows it, to those who
// name the host and to those who name the TLSA base domain. describe describes it for a name. A host
// without addresses shows nothing.
func Show(h *report.Host, describe func(name string) *report.Certificate) {
	for _, a := range h.Addresses {
		shown := describe(h.Name)
		shown.Via = report.ViaFirst
		a.Reachable = true
		a.SMTP = &report.SMTP{STARTTLS: report.Works}
		a.Certificates = []*report.Certificate{shown}
		if base := h.TLSA.Base; base != "" && !strings.EqualFold(base, h.Name) {
			a.AsBase = &report.Shown{ServerName: base, STARTTLS: report.Works, Certificates: []*report.Certificate{describe(base)}}
		}
	}
}

// Judged is evidence with what the checks found in it. Domain is empty for the servers by
// themselves; the others are about the same servers with the policy of a domain.
type Judged struct {
	report.Observed
	Findings []report.Finding
	Renewal  map[string]report.Renewal // of the rules
}

// Conclude says what would become of the mail. alone is about the servers by themselves.
func Conclude(alone Judged, domains []Judged) Outcome {
	o := Outcome{CheckedAt: alone.CheckedAt}
	for _, h := range alone.Hosts {
		o.Hosts = append(o.Hosts, host(alone, domains, h))
		if len(h.Addresses) > 0 && o.Certificate == nil {
			o.Certificate = h.Addresses[0].Certificates[0]
		}
	}
	for _, d := range domains {
		p := Policy{Domain: d.Domain, State: report.STSAbsent, Findings: d.worthSaying("", mtaSTS)}
		if d.MTASTS != nil {
			p.State = d.MTASTS.State
		}
		o.Policies = append(o.Policies, p)
	}
	return o
}

// The checks by whose findings senders are told apart.
const (
	certificate report.CheckID = "certificate"
	dane        report.CheckID = "dane"
	mtaSTS      report.CheckID = "mta-sts"
)

// private is the rule of a certificate that no public authority issued.
const private = "CRT-14"

func host(alone Judged, domains []Judged, h *report.Host) Host {
	out := Host{Name: h.Name, TLSA: h.TLSA, Failure: h.Failure}
	here := append(alone.ofIssuer(h.Name), alone.worthSaying(h.Name, certificate, dane)...)
	for _, d := range domains {
		here = append(here, d.worthSaying(h.Name, mtaSTS)...)
	}
	out.Findings = here
	if len(h.Addresses) == 0 {
		out.Senders = []Sender{{Who: Ordinary, Mail: Unknown}}
		return out
	}
	out.Senders = []Sender{ordinary(alone, h), daneSender(alone, h), insisting(alone, h)}
	for _, d := range domains {
		out.Senders = append(out.Senders, policySender(d, h))
	}
	if part := alone.partly(here); part != nil {
		out.Senders = append(out.Senders, Sender{Who: Part, Mail: Stopped, Because: part})
	}
	out.Publish, out.Held = publish(h), held(alone.CheckedAt, h.TLSA)
	return out
}

// worthSaying are the findings about a host (none: the domain) from some checks that say more than that all
// is well, each once: every address shows the same.
func (j Judged) worthSaying(host string, checks ...report.CheckID) []report.Finding {
	var list []report.Finding
	for _, f := range j.Findings {
		if f.Host == host && slices.Contains(checks, f.Check) && j.Renewal[f.Rule] != report.Present {
			list = one(list, f)
		}
	}
	return list
}

// ofIssuer are those by which the next renewal will be refused.
func (j Judged) ofIssuer(host string) []report.Finding {
	var list []report.Finding
	for _, f := range j.Findings {
		if f.Host == host && j.Renewal[f.Rule] == report.NextOne {
			list = one(list, f)
		}
	}
	return list
}

// one appends a finding that says more than that all is well, unless its rule is there.
func one(list []report.Finding, f report.Finding) []report.Finding {
	again := slices.ContainsFunc(list, func(other report.Finding) bool { return other.Rule == f.Rule })
	if again || f.Verdict != report.Fail && f.Verdict != report.Warn && f.Verdict != report.Untested {
		return list
	}
	return append(list, f)
}

// day is what becomes of a sender's mail at one host on a day without an attacker.
func day(all []report.Finding, host string, sender report.Sender) report.Outcome {
	var about []report.Finding
	for _, f := range all {
		if f.Host == host || f.Host == "" {
			about = append(about, f)
		}
	}
	return grade.OfFacts(grade.FactsOf(about)).Matrix[sender][grade.A0]
}

func ordinary(j Judged, h *report.Host) Sender {
	if day(j.Findings, h.Name, grade.S1) == report.Defer {
		return Sender{Who: Ordinary, Mail: Stopped}
	}
	return Sender{Who: Ordinary, Mail: Delivered}
}

// daneSender goes by Postfix, which looks at the records of a server whatever the domain's are.
func daneSender(j Judged, h *report.Host) Sender {
	s := Sender{Who: DANE}
	untested := because(j.Findings, h.Name, dane, report.Untested)
	switch {
	case len(untested) > 0:
		s.Mail, s.Because = Unknown, untested
	case h.TLSA.State == report.TLSANone, h.TLSA.State == report.TLSAInsecure:
		s.Mail = Unasked
	case day(j.Findings, h.Name, grade.S2L) == report.Defer:
		s.Mail, s.Because = Stopped, because(j.Findings, h.Name, dane, report.Fail)
	default:
		s.Mail = Delivered
	}
	return s
}

// insisting goes by the certificate alone. One of the owner's own making suits no such sender, and
// where DANE vouches for it that is how it is meant.
func insisting(j Judged, h *report.Host) Sender {
	s := Sender{Who: Insisting, Mail: Delivered}
	untested := because(j.Findings, h.Name, certificate, report.Untested)
	switch {
	case len(untested) > 0:
		s.Mail, s.Because = Unknown, untested
	case day(j.Findings, h.Name, grade.S4) == report.Defer:
		s.Mail = Stopped
		for _, f := range j.Findings {
			if f.Host == h.Name && f.Check == certificate && (slices.Contains(f.Effects, "M.pkix=false") || f.Rule == private) && !slices.Contains(s.Because, f.Rule) {
				s.Because = append(s.Because, f.Rule)
			}
		}
		if slices.Contains(s.Because, private) && h.TLSA.State == report.TLSAMatch {
			s.Mail = Refused
		}
	}
	return s
}

func policySender(d Judged, h *report.Host) Sender {
	s := Sender{Who: MTASTS, Domain: d.Domain, Mail: Delivered}
	untested := append(because(d.Findings, "", mtaSTS, report.Untested), because(d.Findings, h.Name, mtaSTS, report.Untested)...)
	switch {
	case d.MTASTS == nil, len(untested) > 0:
		s.Mail, s.Because = Unknown, untested
	case d.MTASTS.State != report.STSEnforce:
		s.Mail = Unasked
	case day(d.Findings, h.Name, grade.S3) == report.Defer:
		s.Mail, s.Because = Stopped, because(d.Findings, h.Name, mtaSTS, report.Fail)
	}
	return s
}

// because names the rules of a check that applied to a host with a verdict, each once.
func because(all []report.Finding, host string, check report.CheckID, v report.Verdict) []string {
	var ids []string
	for _, f := range all {
		if f.Host == host && f.Check == check && f.Verdict == v && !slices.Contains(ids, f.Rule) {
			ids = append(ids, f.Rule)
		}
	}
	return ids
}

// partly names the rules by which part of the senders cannot use the certificate.
func (j Judged) partly(here []report.Finding) []string {
	var ids []string
	for _, f := range here {
		if j.Renewal[f.Rule] == report.BreaksOff && !slices.Contains(ids, f.Rule) {
			ids = append(ids, f.Rule)
		}
	}
	return ids
}

// publish are the records that make the certificate fit: of its own key, at the place where
// senders look.
func publish(h *report.Host) []string {
	if h.TLSA.State != report.TLSAMismatch && h.TLSA.State != report.TLSAUnusable {
		return nil
	}
	var lines []string
	for _, c := range h.Addresses[0].ToDANE() {
		if sum, ok := records.ParseSum(c.SPKISHA256); ok {
			at, ttl := h.Name, uint32(records.TTL)
			if h.TLSA.Base != "" {
				at = h.TLSA.Base
			}
			if t := original(h.TLSA); t > 0 {
				ttl = t
			}
			lines = append(lines, records.TLSA(at, ttl, 3, sum, "").String())
		}
	}
	return lines
}

// original is the TTL of the records as their signer says it, not what a cache has left of it.
func original(t report.TLSA) uint32 {
	if t.DNSSEC != nil && t.DNSSEC.Signature != nil {
		return max(t.TTL, t.DNSSEC.Signature.TTL)
	}
	return t.TTL
}

func held(at time.Time, t report.TLSA) *time.Time {
	if t.State != report.TLSAMatch {
		return nil
	}
	until := at.Add(time.Duration(original(t)) * time.Second)
	return &until
}
