package checks_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"mxseal/checks"
	"mxseal/checks/report"
)

// scope says of what two findings may not both speak.
type scope int

const (
	sameAddress scope = iota
	sameHost          // or one of its addresses
	sameDomain
)

// excluding are findings that cannot both be true: what the first rules out of the others, and
// why. A verdict behind a colon restricts a rule that has several.
var excluding = []struct {
	rule   string
	others string
	scope  scope
	why    string
}{
	{"SMT-15", "SMT-08 SMT-12 SMT-13 SMT-17 SMT-18 SMT-19 ENF-08:fail SMT-16 TLS-09 TLS-10", sameAddress, "TLS that works for senders of today is offered, accepted and completed"},
	{"TLS-01", "SMT-08 SMT-12 SMT-13 SMT-17 SMT-18 SMT-19 ENF-08:fail TLS-02 TLS-06 TLS-09 TLS-10", sameAddress, "a version that is spoken is part of a session that came about"},
	{"TLS-02", "SMT-08 SMT-12 SMT-13 SMT-17 SMT-18 SMT-19 ENF-08:fail TLS-01 TLS-06 TLS-09 TLS-10", sameAddress, "TLS 1.2 that works is part of a session that came about"},
	{"SMT-10", "SMT-08 SMT-12 SMT-13", sameAddress, "STARTTLS is offered or it is not"},
	{"SMT-18", "SMT-17 SMT-19 SMT-22 SMT-21", sameAddress, "where every handshake fails nothing happens inside TLS"},
	{"SMT-17", "SMT-19 SMT-22 SMT-21", sameAddress, "where STARTTLS is refused nothing happens inside TLS"},
	{"SMT-12", "SMT-13 SMT-08 SMT-17 SMT-18 SMT-19 SMT-22", sameAddress, "what is not offered neither works nor fails"},
	{"SMT-01", "SMT-04 SMT-03 NET-01 NET-08", sameAddress, "who greets was reached"},
	{"NET-01", "SMT-10 SMT-12 SMT-15 SMT-18 SMT-26 ENF-01 ENF-02 NET-08", sameAddress, "nothing is known of what cannot be reached"},
	{"ENF-01", "ENF-02 ENF-03", sameAddress, "mail in clear is taken, refused, or we do not know"},
	{"ENF-02", "ENF-03", sameAddress, "mail in clear is taken, refused, or we do not know"},
	{"ENF-05", "ENF-06 ENF-09", sameAddress, "REQUIRETLS is offered inside TLS or it is not"},
	{"TLS-60", "TLS-59", sameAddress, "a staple that does not come says nothing"},
	{"NET-02", "NET-03 NET-04 SMT-10 SMT-12 SMT-15", sameDomain, "something is known of a server that offered TLS, or did not"},
	{"NET-03", "SMT-10 SMT-12 SMT-15", sameHost, "something is known of a server that offered TLS, or did not"},
	{"SEC-01", "SEC-02 SEC-03 SEC-04 SEC-05", sameDomain, "the MX records have one state"},
	{"SEC-02", "SEC-03 SEC-04 SEC-05", sameDomain, "the MX records have one state"},
	{"SEC-03", "SEC-04 SEC-05", sameDomain, "the MX records have one state"},
	{"SEC-06:pass", "SEC-07", sameHost, "the addresses of a host are signed or not"},
	{"DAN-02", "DAN-03 DAN-04 DAN-05 DAN-08 DAN-09 DAN-10 DAN-18", sameHost, "where DANE is not possible nothing is published that counts"},
	{"DAN-03", "DAN-04 DAN-05 DAN-08 DAN-09 DAN-10 DAN-18", sameHost, "there are TLSA records or there are none"},
	{"DAN-05", "DAN-04 DAN-08 DAN-09 DAN-10 DAN-18", sameHost, "an answer that cannot be believed matches nothing"},
	{"DAN-08", "DAN-09 DAN-10 DAN-18", sameHost, "what no sender can use neither fits nor fails"},
	{"DAN-09", "DAN-10", sameAddress, "the key is the published one or it is not"},
	{"STS-01", "STS-02 STS-03 STS-09 STS-12 STS-22 STS-27 STS-28 STS-40 STS-42", sameDomain, "there is a policy or there is none"},
	{"STS-09", "STS-03 STS-22 STS-27 STS-28 STS-40 STS-42", sameDomain, "of a record that was not found out nothing is known"},
	{"STS-42", "STS-12 STS-13 STS-16 STS-22 STS-27 STS-28 STS-40", sameDomain, "a file that was not fetched says nothing"},
	{"STS-12", "STS-13 STS-15 STS-16 STS-22 STS-27 STS-28 STS-40", sameDomain, "a file that cannot be fetched says nothing"},
	{"STS-27", "STS-28", sameHost, "the policy covers a host or it does not"},
	{"STS-40", "STS-28 STS-29", sameDomain, "every server keeps the promise, or one does not"},
	{"RPT-01", "RPT-02 RPT-03 RPT-04 RPT-05", sameDomain, "there is a record or there is none"},
	{"RPT-02", "RPT-03", sameDomain, "one record is followed, of several none"},
	{"MX-01", "MX-02 MX-04 MX-05 MX-06 MX-07 MX-08 NET-02 SMT-10 SMT-12 SMT-15", sameDomain, "a domain that does not exist has no servers"},
	{"MX-07", "MX-01 MX-02 MX-04 MX-05 MX-06 MX-08 NET-02 SMT-10 SMT-12 SMT-15", sameDomain, "a domain that takes no mail has no servers to judge"},
	{"MX-02", "MX-04 MX-05 MX-06 MX-27 NET-02 SMT-10 SMT-12 SMT-15", sameDomain, "without an answer no server is known"},
	{"OPS-12", "NET-05", sameHost, "what we did not ask for want of files says nothing of a version of IP"},
}

// rules splits “A B:fail” into what a finding has to be.
func is(f report.Finding, which string) bool {
	rule, verdict, restricted := strings.Cut(which, ":")
	return f.Rule == rule && (!restricted || string(f.Verdict) == verdict)
}

func together(f, g report.Finding, s scope) bool {
	switch s {
	case sameAddress:
		return f.Host == g.Host && f.Address == g.Address
	case sameHost:
		return f.Host == g.Host
	}
	return true
}

// contradictions lists the pairs of findings of a report of which one must be false.
func contradictions(r *report.Report) (list []string) {
	for _, e := range excluding {
		for _, f := range r.Findings {
			if !is(f, e.rule) {
				continue
			}
			for _, g := range r.Findings {
				if together(f, g, e.scope) && slices.ContainsFunc(strings.Fields(e.others), func(o string) bool { return is(g, o) }) {
					list = append(list, f.Rule+" “"+f.Title+"” beside "+g.Rule+" “"+g.Title+"”: "+e.why)
				}
			}
		}
	}
	if g := r.Grade; g != nil {
		if g.Letter.Valid() && g.Letter != "A+" && len(g.Because) == 0 && !g.Provisional {
			list = append(list, string(g.Letter)+" with no rule that holds it down")
		}
		if g.Letter == "T" == (r.Matrix != nil) && g.Letter != "N" {
			list = append(list, "a letter without a matrix, or a matrix without a letter")
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// Every rule of the table is one of the catalogue, or it would exclude nothing.
func TestExcludingRulesExist(t *testing.T) {
	known := map[string]bool{}
	for _, rule := range allRules() {
		known[rule.ID] = true
	}
	for _, e := range excluding {
		for _, which := range append(strings.Fields(e.others), e.rule) {
			if rule, _, _ := strings.Cut(which, ":"); !known[rule] {
				t.Errorf("%s is no rule", rule)
			}
		}
	}
}

// No report says two things of which one must be false: those of the lab, and those of evidence
// put together at random from theirs, with answers turned round.
func TestNoReportContradictsItself(t *testing.T) {
	var reports []*report.Report
	for _, d := range everyDomain(t) {
		reports = append(reports, d.report)
	}
	for _, r := range reports {
		for _, c := range contradictions(r) {
			t.Errorf("%s: %s", r.Domain, c)
		}
	}
	const rounds = 4000
	told := map[string]bool{}
	m := mixer{reports, rand.New(rand.NewPCG(7, 25))}
	for range rounds {
		r := m.mixed(t)
		checks.Conclude(r)
		for _, c := range contradictions(r) {
			if !told[c] && len(told) < 20 {
				told[c] = true
				t.Errorf("at random, from %s: %s", r.Domain, c)
			}
		}
	}
}

// mixer makes evidence that hangs together address by address and record by record, as that
// of a check does, and is otherwise of any kind.
type mixer struct {
	reports []*report.Report
	random  *rand.Rand
}

func (m mixer) report() *report.Report { return m.reports[m.random.IntN(len(m.reports))] }

// address returns an address of some report, where one can be found.
func (m mixer) address() *report.Address {
	for range 50 {
		r := m.report()
		if len(r.Hosts) == 0 {
			continue
		}
		if h := r.Hosts[m.random.IntN(len(r.Hosts))]; len(h.Addresses) > 0 {
			return h.Addresses[m.random.IntN(len(h.Addresses))]
		}
	}
	return &report.Address{}
}

func (m mixer) mixed(t *testing.T) *report.Report {
	r := *m.report()
	// Only what is changed is copied: the reports of the lab serve many rounds.
	r.Hosts = slices.Clone(r.Hosts)
	for i, h := range r.Hosts {
		host := *h
		host.Addresses = slices.Clone(h.Addresses)
		for j, a := range host.Addresses {
			address := *a
			if m.random.IntN(2) == 0 {
				other := m.address()
				address.Reachable, address.Failure, address.SMTP, address.TLS, address.Certificates = other.Reachable, other.Failure, other.SMTP, other.TLS, other.Certificates
			}
			m.turn(&address)
			host.Addresses[j] = &address
		}
		if m.random.IntN(3) == 0 {
			if other := m.report(); len(other.Hosts) > 0 {
				host.DNSSEC, host.TLSA = other.Hosts[0].DNSSEC, other.Hosts[0].TLSA
			}
		}
		r.Hosts[i] = &host
	}
	if m.random.IntN(3) == 0 {
		r.MTASTS = m.report().MTASTS
	}
	if m.random.IntN(3) == 0 {
		r.TLSRPT = m.report().TLSRPT
	}
	if other := m.report(); m.random.IntN(3) == 0 && r.MX != nil && other.MX != nil {
		mx := *r.MX
		mx.DNSSEC = other.MX.DNSSEC
		r.MX = &mx
	}
	if m.random.IntN(8) == 0 {
		r.Conditions = []report.Condition{{Name: report.ResourcesCondition, State: "failed", Text: "None left."}}
	}
	return stored(t, &r)
}

// turn changes single answers of an address.
func (m mixer) turn(a *report.Address) {
	if a.SMTP == nil || m.random.IntN(2) == 0 {
		return
	}
	s := *a.SMTP
	a.SMTP = &s
	yes, no := true, false
	switch m.random.IntN(6) {
	case 0:
		s.Enforced = []*bool{nil, &yes, &no}[m.random.IntN(3)]
	case 1: // the library breaks off, our own hellos go on
		if s.STARTTLS == "ok" {
			s.STARTTLS, s.EHLOTLS, s.Injection, a.Certificates = "handshake-failed", nil, "", nil
			s.Ladder = []report.Rung{{Hello: "modern", Error: "sent TLS alert 40 (handshake failure)", Alert: 40}}
		}
	case 2:
		s.ClientCert = []report.ClientCert{"", "asked", "required"}[m.random.IntN(3)]
	case 3:
		if a.Reachable {
			a.Failure = &report.Failure{Phase: "mail", Kind: "timeout", Text: "It did not answer in time."}
		}
	case 4: // we run out of something
		*a = report.Address{IP: a.IP, SMTP: &report.SMTP{STARTTLS: "untested"}, Failure: &report.Failure{Phase: "connect", Kind: "exhausted", Text: "Too many open files."}}
	case 5: // what was looked up was not reached
		*a = report.Address{IP: a.IP, SMTP: &report.SMTP{STARTTLS: "untested"}, Failure: &report.Failure{Phase: "connect", Kind: "timeout", Text: "It did not answer in time."}}
	}
}
