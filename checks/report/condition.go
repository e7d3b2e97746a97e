package report

import "slices"

// Condition is one thing that the program knows of its own place in the network.
type Condition struct {
	Name      string         `json:"name"`
	State     ConditionState `json:"state"` // what the test gave
	Statement                // the same in full
	Text      string         `json:"text"` // in a sentence
}

// ConditionState is what the test of a condition gave.
type ConditionState string

const (
	ConditionOK       ConditionState = "ok"
	ConditionFailed   ConditionState = "failed"
	ConditionUntested ConditionState = "untested"
)

// The conditions that are tested.
const (
	ResolverCondition = "resolver-dnssec"
	ClockCondition    = "clock"
	HELOCondition     = "ehlo-name"
	PortCondition     = "port-25"
	STARTTLSCondition = "starttls-path"
	LargeCondition    = "large-packets" // a ClientHello of more than one packet comes through

	AnswerCondition    = "resolver"  // that the resolver answers at all; also noticed while checks run
	ResourcesCondition = "resources" // files, ports, memory; noticed while checks run
	StoreCondition     = "store"     // of a site: reports can be read and kept
)

// Meet notes conditions, each once.
func (m *Meta) Meet(list ...Condition) {
	for _, c := range list {
		if !slices.ContainsFunc(m.Conditions, func(known Condition) bool { return known.Name == c.Name }) {
			m.Conditions = append(m.Conditions, c)
		}
	}
}
