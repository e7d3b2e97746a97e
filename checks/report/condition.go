package report

// Condition is one thing that the program knows of its own place in the network.
type Condition struct {
	Name  string `json:"name"`
	State string `json:"state" enum:"ok,failed,untested"` // what the test gave
	Text  string `json:"text"`
}

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
)
