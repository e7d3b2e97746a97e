package surveys

import (
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
	for _, a := range adoption(f) {
		if t.Adoption[a.what] == nil {
			t.Adoption[a.what] = make(map[string]int)
		}
		t.Adoption[a.what][a.answer]++
	}
	for _, promise := range f.Broken {
		t.Broken[promise]++
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

type adopted struct{ what, answer string }

// adoption lists what is counted, in reading order.
func adoption(f Facts) []adopted {
	return []adopted{{"starttls", string(f.STARTTLS)}, {"certificate", string(f.Certificate)}, {"dnssec", string(f.DNSSEC)}, {"dane", string(f.DANE)},
		{"mta_sts", f.MTASTS}, {"tls_rpt", string(f.TLSRPT)}, {"tls_1_3", string(f.TLS13)}, {"post_quantum", string(f.PQ)}}
}
