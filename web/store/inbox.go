package store

import "time"

// Inbox takes TLS reports for a domain. Who knows its token may read them.
type Inbox struct {
	Token  string
	Domain string // A-label
	Made   time.Time
	Last   time.Time // when a report came; zero for never
}
