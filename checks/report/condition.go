package report

import "slices"

// Condition is one thing that the program knows of its own place in the network.
type Condition struct {
	Name      ConditionName  `json:"name"`
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

// ConditionName is what is tested of our own place in the network.
type ConditionName string

const (
	ResolverCondition ConditionName = "resolver-dnssec"
	ClockCondition    ConditionName = "clock"
	HELOCondition     ConditionName = "ehlo-name"
	PortCondition     ConditionName = "port-25"
	STARTTLSCondition ConditionName = "starttls-path"
	LargeCondition    ConditionName = "large-packets" // a ClientHello of more than one packet comes through

	AnswerCondition    ConditionName = "resolver"  // that the resolver answers at all; also noticed while checks run
	ResourcesCondition ConditionName = "resources" // files, ports, memory; noticed while checks run
	StoreCondition     ConditionName = "store"     // of a site: reports can be read and kept
	DKIMCondition      ConditionName = "dkim"      // of a site that sends mail: the key that signs is in the DNS
)

// Meet notes conditions, each once.
func (m *Meta) Meet(list ...Condition) {
	for _, c := range list {
		if !slices.ContainsFunc(m.Conditions, func(known Condition) bool { return known.Name == c.Name }) {
			m.Conditions = append(m.Conditions, c)
		}
	}
}
