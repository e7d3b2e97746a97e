package store

import "time"

// SenderTest is one test of a sender at rest. Its form is the business of who keeps it.
type SenderTest struct {
	ID   string
	Ends time.Time
	Bare bool // nothing in it names anybody
	Body []byte
}
