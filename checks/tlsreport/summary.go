package tlsreport

import (
	"cmp"
	"hash/maphash"
	"slices"
	"time"
)

// Bounds of a summary. What is beyond them is counted and not named.
const (
	mostDomains   = 1000
	mostReporters = 500  // of a domain
	mostTroubles  = 1000 // of a domain
	mostDays      = 3700 // of a domain
	mostNames     = 20   // reporters and reasons of a trouble
)

// Summary is what reports come to. Its zero value is not ready: make one with NewSummary.
type Summary struct {
	Reports int // that were added
	Twice   int // that came again, and count once
	Notes   map[Note]int
	Beyond  int // policies of domains that are one too many

	domains map[string]*domain
	seen    map[uint64]bool
	seed    maphash.Seed
}

// NewSummary returns an empty one.
func NewSummary() *Summary {
	return &Summary{Notes: make(map[Note]int), domains: make(map[string]*domain), seen: make(map[uint64]bool), seed: maphash.MakeSeed()}
}

// Whole is a summary as JSON.
type Whole struct {
	Reports int          `json:"reports"`
	Twice   int          `json:"twice"` // reports that came again, and count once
	Notes   map[Note]int `json:"notes"` // reports, by what is unusual about them
	Domains []Domain     `json:"domains"`
}

// Whole is the summary as it stands.
func (s *Summary) Whole() Whole { return Whole{s.Reports, s.Twice, s.Notes, s.Domains()} }

// Domain is what was reported to one mail domain.
type Domain struct {
	Name              string     `json:"domain"`
	First             time.Time  `json:"first"` // day that was reported; zero where no report says a time
	Last              time.Time  `json:"last"`
	Succeeded         int64      `json:"succeeded"` // sessions
	Failed            int64      `json:"failed"`
	Reporters         []Reporter `json:"reporters"`
	Days              []Day      `json:"days"`
	Troubles          []Trouble  `json:"failures"` // the most sessions first
	Mode              string     `json:"mode"`     // of the MTA-STS policy that was seen last; empty for none
	Enforce           Enforce    `json:"enforce"`
	TroublesBeyond    int        `json:"failures_not_named,omitempty"` // kinds of failures that are too many to be kept
	ReportersNotNamed int        `json:"reporters_not_named,omitempty"`
}

// Reporter is one who reports.
type Reporter struct {
	Name      string    `json:"name"`
	Contact   string    `json:"contact,omitempty"`
	Reports   int       `json:"reports"`
	Succeeded int64     `json:"succeeded"`
	Failed    int64     `json:"failed"`
	Last      time.Time `json:"last"` // day that they reported
}

// Day is one day, in UTC; a report counts on the day on which its time begins.
type Day struct {
	Date      time.Time `json:"date"`
	Succeeded int64     `json:"succeeded"`
	Failed    int64     `json:"failed"`
}

// Trouble is sessions that failed alike at one server.
type Trouble struct {
	Result    Result     `json:"result"`
	Policy    PolicyType `json:"policy"`
	Server    string     `json:"server"` // the name, or the address where no name is said; empty where neither is
	Sessions  int64      `json:"sessions"`
	First     time.Time  `json:"first"`
	Last      time.Time  `json:"last"`
	Reporters []string   `json:"reporters"`
	Reasons   []string   `json:"reasons,omitempty"` // in the words of reporters
}

type domain struct {
	Domain
	reporters map[string]*Reporter
	days      map[time.Time]*Day
	troubles  map[troubleKey]*Trouble
	found     bool                 // whether there is an MTA-STS policy
	modes     map[time.Time]string // that it had, by day
}

type troubleKey struct {
	result Result
	policy PolicyType
	server string
}

// Add adds a report, unless it came before.
func (s *Summary) Add(r *Report) {
	if r.ID != "" {
		var h maphash.Hash
		h.SetSeed(s.seed)
		for _, part := range []string{r.Organization, r.ID, r.Start.String()} {
			h.WriteString(part)
			h.WriteByte(0)
		}
		if s.seen[h.Sum64()] {
			s.Twice++
			return
		}
		s.seen[h.Sum64()] = true
	}
	s.Reports++
	for _, n := range r.Notes {
		s.Notes[n]++
	}
	counted := make(map[*domain]bool)
	for i := range r.Policies {
		p := &r.Policies[i]
		d := s.domain(p.For)
		if d == nil {
			s.Beyond++
			continue
		}
		d.add(r, p, !counted[d])
		counted[d] = true
	}
}

func (s *Summary) domain(name string) *domain {
	d := s.domains[name]
	if d == nil && len(s.domains) < mostDomains {
		d = &domain{Domain: Domain{Name: name}, reporters: make(map[string]*Reporter), days: make(map[time.Time]*Day), troubles: make(map[troubleKey]*Trouble), modes: make(map[time.Time]string)}
		s.domains[name] = d
	}
	return d
}

// add adds one policy of a report; first, where it is the first of this domain in it.
func (d *domain) add(r *Report, p *Policy, first bool) {
	day := cmp.Or(r.Start, r.End).Truncate(24 * time.Hour)
	if !day.IsZero() {
		if d.First.IsZero() || day.Before(d.First) {
			d.First = day
		}
		if day.After(d.Last) {
			d.Last = day
		}
		at := d.days[day]
		if at == nil && len(d.days) < mostDays {
			at = &Day{Date: day}
			d.days[day] = at
		}
		if at != nil {
			at.Succeeded, at.Failed = at.Succeeded+p.Succeeded, at.Failed+p.Failed
		}
	}
	if p.Type == MTASTS {
		d.found = true
		if mode := p.Mode(); mode != "" && len(d.modes) < mostDays {
			d.modes[day] = mode
		}
	}
	d.Succeeded, d.Failed = d.Succeeded+p.Succeeded, d.Failed+p.Failed
	by := d.reporters[r.Organization]
	switch {
	case by == nil && len(d.reporters) == mostReporters:
		if first {
			d.ReportersNotNamed++
		}
	case by == nil:
		by = &Reporter{Name: r.Organization}
		d.reporters[r.Organization] = by
		fallthrough
	default:
		if first {
			by.Reports++
		}
		by.Contact = cmp.Or(by.Contact, r.Contact)
		if day.After(by.Last) {
			by.Last = day
		}
		by.Succeeded, by.Failed = by.Succeeded+p.Succeeded, by.Failed+p.Failed
	}
	for _, f := range p.Failures {
		d.fail(r, p, f, day)
	}
}

func (d *domain) fail(r *Report, p *Policy, f Failure, day time.Time) {
	k := troubleKey{f.Result, p.Type, cmp.Or(f.ReceivingMX, f.ReceivingIP)}
	if k.server == "" && p.Type == DANE && p.Domain != p.For {
		k.server = p.Domain
	}
	t := d.troubles[k]
	if t == nil {
		if len(d.troubles) == mostTroubles {
			d.TroublesBeyond++
			return
		}
		t = &Trouble{Result: f.Result, Policy: p.Type, Server: k.server, First: day}
		d.troubles[k] = t
	}
	t.Sessions += f.Sessions
	if !day.IsZero() && (t.First.IsZero() || day.Before(t.First)) {
		t.First = day
	}
	if day.After(t.Last) {
		t.Last = day
	}
	t.Reporters = named(t.Reporters, r.Organization)
	t.Reasons = named(t.Reasons, f.Reason)
}

// named adds a text to few, once.
func named(list []string, text string) []string {
	if text == "" || len(list) == mostNames || slices.Contains(list, text) {
		return list
	}
	return append(list, text)
}

// Domains are the domains that reports are for, by name.
func (s *Summary) Domains() []Domain {
	all := make([]Domain, 0, len(s.domains))
	for _, d := range s.domains {
		all = append(all, d.whole())
	}
	slices.SortFunc(all, func(a, b Domain) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

func (d *domain) whole() Domain {
	out := d.Domain
	out.Reporters, out.Days, out.Troubles = []Reporter{}, []Day{}, []Trouble{}
	for _, r := range d.reporters {
		out.Reporters = append(out.Reporters, *r)
	}
	slices.SortFunc(out.Reporters, func(a, b Reporter) int {
		return cmp.Or(cmp.Compare(b.Succeeded+b.Failed, a.Succeeded+a.Failed), cmp.Compare(a.Name, b.Name))
	})
	for _, day := range d.days {
		out.Days = append(out.Days, *day)
	}
	slices.SortFunc(out.Days, func(a, b Day) int { return a.Date.Compare(b.Date) })
	for _, t := range d.troubles {
		out.Troubles = append(out.Troubles, *t)
	}
	slices.SortFunc(out.Troubles, func(a, b Trouble) int {
		return cmp.Or(cmp.Compare(b.Sessions, a.Sessions), cmp.Compare(a.Server, b.Server), cmp.Compare(a.Result, b.Result), cmp.Compare(a.Policy, b.Policy))
	})
	var last time.Time
	for day, mode := range d.modes {
		if !day.Before(last) {
			last, out.Mode = day, mode
		}
	}
	out.Enforce = safe(out, d.found)
	return out
}
