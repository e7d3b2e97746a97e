package store

import "time"

// Inbox takes TLS reports for a domain. Its token stands in the DNS, for all to see; who knows its key
// may read what came.
type Inbox struct {
	Token  string
	Key    string
	Domain string // A-label
	Made   time.Time
	Last   time.Time // when a report came; zero for never
}
