package adoption

import (
	"cmp"
	"slices"
	"time"

	"mxseal/checks/report"
)

// Totals are what a run says of all its domains, or of those with a label.
type Totals struct {
	Domains     int                   `json:"domains"`
	Letters     map[report.Letter]int `json:"letters"`
	Provisional int                   `json:"provisional"`
	Untested    map[string]int        `json:"untested"` // how many have no letter, by why
	// Adoption counts, for each thing, the domains of each answer.
	Adoption map[string]map[string]int `json:"adoption"`
	Broken   map[string]int            `json:"broken"` // promises that stop honest mail
	Labels   map[string]*Totals        `json:"labels,omitempty"`

	Providers []*Provider `json:"providers,omitempty"` // the largest first
	LastRun   *Moves      `json:"since_last_run,omitempty"`
	YearAgo   *Moves      `json:"since_a_year_ago,omitempty"`
}

// Provider is who runs the mail servers of some domains, and what these inherit.
type Provider struct {
	Name string `json:"name"`
	*Totals
}

// Moves are the letters that changed since another run.
type Moves struct {
	Began time.Time `json:"began"` // of the other run
	Up    int       `json:"up"`    // domains with a better letter than then
	Down  int       `json:"down"`
	Moved []Move    `json:"moved"` // the most domains first
}

// Move is that of some domains from one letter to another.
type Move struct {
	From    report.Letter `json:"from"`
	To      report.Letter `json:"to"`
	Domains int           `json:"domains"`
}

// Brief is what is shown of a run beside others.
type Brief struct {
	Domains  int                       `json:"domains"`
	Letters  map[report.Letter]int     `json:"letters"`
	Adoption map[string]map[string]int `json:"adoption"`
}

// Brief is what is shown of it beside others.
func (t *Totals) Brief() Brief { return Brief{t.Domains, t.Letters, t.Adoption} }

// maxTotals bounds the labels that are counted by themselves; further ones are counted with all.
const maxTotals = 1000

// NewTotals returns empty ones.
func NewTotals() *Totals {
	return &Totals{Letters: make(map[report.Letter]int), Untested: make(map[string]int), Adoption: make(map[string]map[string]int), Broken: make(map[string]int), Labels: make(map[string]*Totals)}
}

// Add counts a domain.
func (t *Totals) Add(f Facts, labels []string) {
	t.Domains++
	t.Letters[f.Letter]++
	if f.Provisional {
		t.Provisional++
	}
	if f.Letter == "T" {
		t.Untested[f.Why]++
	}
	for _, a := range f.Answers() {
		if t.Adoption[a.What] == nil {
			t.Adoption[a.What] = make(map[string]int)
		}
		t.Adoption[a.What][a.Answer]++
	}
	for _, promise := range f.Broken {
		t.Broken[string(promise)]++
	}
	for _, label := range labels {
		if t.Labels[label] == nil && len(t.Labels) < maxTotals {
			t.Labels[label] = NewTotals()
		}
		if of := t.Labels[label]; of != nil {
			of.Add(f, nil)
		}
	}
}

// Add counts a domain that had one letter and has another, and reports whether it does; nil counts nothing.
// Only letters of the scale are compared.
func (m *Moves) Add(from, to report.Letter) bool {
	if m == nil || from == to || !from.Valid() || !to.Valid() {
		return false
	}
	if to.Worse(from) {
		m.Down++
	} else {
		m.Up++
	}
	for i := range m.Moved {
		if m.Moved[i].From == from && m.Moved[i].To == to {
			m.Moved[i].Domains++
			return true
		}
	}
	m.Moved = append(m.Moved, Move{from, to, 1})
	return true
}

// The numbers of domains whose letter changed, by what it changed since; the answer is both letters: C>A.
const (
	SinceLastRun  = "since_last_run"
	SinceAYearAgo = "since_a_year_ago"
)

// Changed is the number of the domains that had one letter and have another.
func Changed(since string, from, to report.Letter) Number {
	return Number{since, string(from) + ">" + string(to)}
}

// of is how many domains have changed like that.
func (m *Moves) of(answer string) int {
	if m != nil {
		for _, move := range m.Moved {
			if Changed("", move.From, move.To).Answer == answer {
				return move.Domains
			}
		}
	}
	return 0
}

// Sort puts the moves of the most domains first.
func (m *Moves) Sort() {
	if m != nil {
		slices.SortFunc(m.Moved, func(a, b Move) int {
			return cmp.Or(cmp.Compare(b.Domains, a.Domains), cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To))
		})
	}
}

// Number is one that a page shows: so many domains with this answer to that.
type Number struct{ What, Answer string }

func (n Number) String() string { return n.What + ":" + n.Answer }

// Numbers are those in which a domain with these labels counts.
func (f Facts) Numbers(labels []string) []Number {
	list := []Number{{"letter", string(f.Letter)}}
	if f.Letter == "T" {
		list = append(list, Number{"why", f.Why})
	}
	for _, a := range f.Answers() {
		list = append(list, Number(a))
	}
	for _, promise := range f.Broken {
		list = append(list, Number{"broken", string(promise)})
	}
	for _, label := range labels {
		list = append(list, Number{"label", label})
	}
	if f.Provider != "" {
		list = append(list, Number{"provider", f.Provider})
	}
	return list
}

// Of is how many domains count in a number.
func (t *Totals) Of(n Number) int {
	switch n.What {
	case "letter":
		return t.Letters[report.Letter(n.Answer)]
	case "why":
		return t.Untested[n.Answer]
	case SinceLastRun:
		return t.LastRun.of(n.Answer)
	case SinceAYearAgo:
		return t.YearAgo.of(n.Answer)
	case "broken":
		return t.Broken[n.Answer]
	case "label":
		if l := t.Labels[n.Answer]; l != nil {
			return l.Domains
		}
	case "provider":
		for _, p := range t.Providers {
			if p.Name == n.Answer {
				return p.Domains
			}
		}
	default:
		return t.Adoption[n.What][n.Answer]
	}
	return 0
}
