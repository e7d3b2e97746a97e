package report

import "slices"

// Step is one thing to do towards fixing a finding, ready to be copied. Steps are in the
// order that breaks nothing; they follow from the finding and the evidence and are stored
// nowhere.
type Step struct {
	Who   Who      `json:"who"`
	Kind  StepKind `json:"kind"`
	Do    Do       `json:"do,omitempty"`    // of dns
	Text  string   `json:"text"`            // what to do, in a sentence
	Code  string   `json:"code,omitempty"`  // what to copy: records, lines, commands, a letter
	Where string   `json:"where,omitempty"` // where it belongs: a zone, a file, a program
	Wait  string   `json:"wait,omitempty"`  // how long before the next step, and for what
	Risk  string   `json:"risk,omitempty"`  // which mail may come back meanwhile, and how to notice
}

// Who takes a step.
type Who string

const (
	Owner     Who = "owner"  // of the domain
	Operator  Who = "server" // of the mail server
	Provider  Who = "provider"
	Registrar Who = "registrar"
)

// StepKind is what is copied.
type StepKind string

const (
	StepDNS     StepKind = "dns" // records
	StepFile    StepKind = "file"
	StepConfig  StepKind = "config"
	StepCommand StepKind = "command"
	StepMessage StepKind = "message"
	StepTask    StepKind = "task" // nothing
)

// Do is what is done with records.
type Do string

const (
	Add     Do = "add"
	Replace Do = "replace" // all of that name and type
	Delete  Do = "delete"
)

// First is one of the at most four changes to begin with, in their order.
type First struct {
	Rule   string   `json:"rule"`   // the finding that leads to it
	Rules  []string `json:"rules"`  // every rule whose findings the change fixes, that one among them
	Title  string   `json:"title"`  // the change, in plain words
	Letter Letter   `json:"letter"` // once it and those before it are done
	Effort Effort   `json:"effort"`
}

// Effort orders changes by what they ask of somebody.
type Effort int

const (
	OneRecord      Effort = 1 + iota // in the DNS
	Reload                           // other settings of a server that runs
	NewCertificate                   // or a newer version of its software
	SignZone                         // with what the registrar has to do for it
	OtherProvider                    // to be asked, or else to be left
)

// Action is a fix at the places where it is to be made, and the findings that it fixes there. It
// holds no sentence: those are made of it once it is known what to do first (First).
type Action struct {
	Fix      Fix
	Rule     string   // the finding that leads to it
	Rules    []string // every rule whose findings it fixes, that one among them
	Effort   Effort
	Hosts    []string // at which it is made
	Zone     string   // in which it is made; empty where it is not about one
	Provider string   // who alone can make it; empty: the owner
	Fixed    []Fixed
	Letter   Letter // of a plan: once it and those before it are made
}

// Fixed is what takes the place of a finding's effects once it is fixed.
type Fixed struct {
	Finding int // index
	Effects []Effect
}

// StepsOf returns the steps of one change: those of every finding that it fixes, each once.
// Of a command that several of them end with, the last stays.
func (r *Report) StepsOf(first First) []Step {
	var all []Step
	for _, f := range r.Findings {
		if slices.Contains(first.Rules, f.Rule) {
			all = append(all, f.Steps...)
		}
	}
	var steps []Step
	for i, s := range all {
		if s.Kind == StepCommand && !slices.Contains(all[i+1:], s) || s.Kind != StepCommand && !slices.Contains(steps, s) {
			steps = append(steps, s)
		}
	}
	return steps
}
