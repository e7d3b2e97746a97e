package report

import "time"

// Meta says which check a report is, and how far it came.
type Meta struct {
	Schema        int          `json:"schema"`            // version of the JSON form; 1
	ID            string       `json:"id"`                // for the permanent address
	State         Ended        `json:"state" enum:"done"` // that this is a report; what answers in its place while a check runs says otherwise
	Domain        string       `json:"domain"`            // A-label
	UnicodeDomain string       `json:"unicode_domain"`    // as people write it
	CheckedAt     time.Time    `json:"checked_at"`        // when the check began
	ElapsedMS     int64        `json:"elapsed_ms"`        // how long it took
	Engine        string       `json:"engine"`            // version of the program
	Vantage       string       `json:"vantage,omitempty"` // the network from which was looked, where there are several
	Depth         Depth        `json:"depth"`
	Connections   int          `json:"connections"`           // TCP connections to mail and policy servers
	Interrupted   Interruption `json:"interrupted,omitempty"` // why the check ended before its time
	Faults        []string     `json:"faults,omitempty"`      // checks that failed by a fault of our own
	HeldBack      bool         `json:"held_back,omitempty"`   // a turn among the connections of this checker did not come in time

	// Conditions are troubles of our own network that the last self-test found.
	Conditions []Condition `json:"conditions,omitempty"`
	// LargeHellos says that a ClientHello of more than one packet came through to a control
	// host in the last self-test.
	LargeHellos bool `json:"large_hellos,omitempty"`

	// Coded says that the sentences of the evidence follow from its codes, and are made again of them
	// whenever it is judged. In reports of older versions they are all there is.
	Coded bool `json:"coded,omitempty"`

	Input []string `json:"input,omitempty"` // ids of the INP rules that applied to what was typed
}

// CheckID names a check.
type CheckID string

// Ended is the word “done”, whatever was stored.
type Ended struct{}

// MarshalText writes it.
func (Ended) MarshalText() ([]byte, error) { return []byte("done"), nil }

// UnmarshalText reads nothing.
func (*Ended) UnmarshalText([]byte) error { return nil }

// Depth is how much is asked of each mail server.
type Depth string

const (
	Quick    Depth = "quick"    // one handshake an address, no enumeration
	Standard Depth = "standard" // a hit per class of cipher suites
	Full     Depth = "full"     // every suite
)
