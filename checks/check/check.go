// Package check says what a check is: one value that a folder of checks gives to the engine, as an
// analyzer is to staticcheck. Everything else that is known of a check, in pages, the API, the
// catalogue of rules and the schedule, is read from it.
//
// A check gathers evidence, derives from it what judges share, judges, and shows what it saw.
// Gathering asks the network and has no opinions; all that follows is pure. No check imports
// another.
package check

import (
	"cmp"
	"context"
	"net/netip"
	"slices"
	"sync"

	"github.com/miekg/dns"

	"mxseal/checks/internal/egress"
	"mxseal/checks/internal/pkix"
	"mxseal/checks/internal/resolve"
	"mxseal/checks/report"
	"mxseal/checks/view"
)

// Check is one check.
type Check struct {
	ID    report.CheckID // its folder, its address and its name in JSON
	Title string
	Doc   string // doc.md: what it asks and why
	Rules report.Rules
	// Gather asks the network. The conversation with mail servers stands in the engine (visit.go): of
	// the checks that take part in it one waits for another.
	Gather Gathering
	// Rehearse is what is asked where nobody is called, and a certificate only thought of (package rehearse).
	Rehearse Gathering
	// Renewal says what rules mean of their own before a certificate is deployed.
	Renewal map[string]report.Renewal
	// Reported are the results in TLS reports (RFC 8460 §4.3) that are about what the check looks at.
	Reported []string
	// AlsoCalled is the further name under which some senders call a mail exchanger, and by which it
	// may choose its certificate; empty where it has none. Nil for a check that knows of none.
	AlsoCalled func(*report.Host) string
	// Derive writes into the evidence what follows from it (the fields with the tag derived). It
	// may be called again, and for a part of the evidence; nil where nothing does.
	Derive func(report.Observed)
	// Judge says which rules apply; the same evidence gives the same findings.
	Judge func(report.Observed) []report.Finding
	// Compare notes what differs from the report before; nil where nothing of the check is remembered.
	Compare func(*Comparison)
	// Forecast names dates on which something that works will break by itself, from the evidence
	// and the findings; nil where nothing does.
	Forecast func(*report.Report) []report.Due
	// Show says what the check saw, as sections about the domain, its hosts and their addresses. It
	// reads evidence of which all is derived. Nil where the findings say all.
	Show func(report.Observed) []view.Section
	// Words are what it adds to the vocabulary of reports.
	Words Words
	// Column is what it says of each mail server in the overview; nil where it says nothing there.
	Column *view.Column
	// Early says from which part of the evidence some findings are certain before the rest has come.
	Early Part
}

// Words are those of a check.
type Words struct {
	Terms   []view.Term              // for the glossary, in the order in which they build on each other
	Changes map[report.Aspect]string // what Compare notes, by the name in JSON
}

// Gathering is what a check asks, by what has to be known before. Each is nil where there is nothing
// of the kind.
type Gathering struct {
	// Domain asks what the name of the domain is enough for, beside everything else.
	Domain func(context.Context, *Scan)
	// Exchangers finds the mail exchangers (Evidence.MX and Hosts), in the order senders try them.
	Exchangers func(context.Context, *Scan)
	// Addresses finds those of a mail exchanger. They are called as soon as they are known.
	Addresses func(context.Context, *Scan, *report.Host)
	// Names asks about the names of a mail exchanger, beside the calls on its addresses.
	Names func(context.Context, *Scan, *report.Host)
	// Beside asks about a mail exchanger what no other check waits for, once Names are known.
	Beside func(context.Context, *Scan, *report.Host)
	// Zones asks about the zones of all names, once Names of every mail exchanger are known.
	Zones func(context.Context, *Scan)
}

// Part is a part of the evidence.
type Part int

const (
	Domain Part = 1 << iota // what is known of the domain's MX records
	Host                    // one mail exchanger
)

// Scan is one run over a domain, as a check sees it.
type Scan struct {
	Domain   string // A-label
	Resolver *resolve.Resolver
	Dialer   *egress.Dialer // for policy hosts; counts its connections
	Roots    pkix.Store
	Port     uint16 // of policy hosts
	Depth    report.Depth
	OptedOut func(host string, addr netip.Addr) bool // whose owner has asked not to be contacted
	Evidence *report.Evidence                        // to write into; each check its own fields
	lookups  *Lookups
}

// With returns the scan as one check sees it, whose questions to the DNS are known as its own.
func (s Scan) With(id report.CheckID, lookups *Lookups) *Scan {
	s.Resolver, s.lookups = s.Resolver.For(id), lookups
	return &s
}

// Lookups are the answers that checks without evidence of a form of their own keep.
type Lookups struct {
	mu   sync.Mutex
	list []report.Lookup
}

// All returns them by name and type.
func (l *Lookups) All() []report.Lookup {
	l.mu.Lock()
	defer l.mu.Unlock()
	slices.SortFunc(l.list, func(a, b report.Lookup) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Type, b.Type)) })
	return l.list
}

// Ask makes one validated look-up and keeps the answer as evidence (Evidence.Lookup): enough for a
// check that is about a record.
func (s *Scan) Ask(ctx context.Context, name string, qtype uint16) report.Lookup {
	l := Answered(s.Resolver.Lookup(ctx, name, qtype))
	s.lookups.mu.Lock()
	defer s.lookups.mu.Unlock()
	s.lookups.list = append(s.lookups.list, l)
	return l
}

// maxRecord bounds the text of one record that is kept, in octets.
const maxRecord = 4096

// Answered writes an answer down.
func Answered(a *resolve.Answer) report.Lookup {
	l := report.Lookup{
		Name:    report.Clean(a.Name, 255),
		Type:    dns.TypeToString[a.Type],
		Rcode:   dns.RcodeToString[a.Rcode],
		TTL:     a.TTL,
		DNSSEC:  a.Trust,
		Failure: a.Failure,
		Records: []string{},
	}
	for _, rr := range a.Records {
		l.Records = append(l.Records, report.Clean(rr.String(), maxRecord))
	}
	return l
}
