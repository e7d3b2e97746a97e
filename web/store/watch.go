package store

import "time"

// Watch has somebody told of what becomes of a domain. Who knows its key may read and end it.
type Watch struct {
	Key       string
	Token     string // confirms it; empty once it is confirmed
	Domain    string // A-label
	Target    string // a mail address, or an https:// URL
	Secret    string // signs what is sent to a URL
	Inbox     string // token of an inbox whose TLS reports count; empty for none
	Made      time.Time
	Confirmed time.Time // zero until then
	Looked    time.Time // moment of the last report that was counted; zero before the first
	Next      time.Time // when the domain is to be looked at
	State     []byte    // JSON, of package watching; nil before the first look
	Missed    int       // messages in a row that could not be delivered
}

// WatchBounds are how many watches there may be.
type WatchBounds struct {
	All         int // of an instance
	Target      int // that tell one target
	Unconfirmed int // of those
}

// Message is something that is told to one who watches.
type Message struct {
	ID      string
	Watch   string // its key
	Made    time.Time
	Sent    time.Time // zero until then
	Tries   int       // that failed
	GivenUp bool
	Error   string // of the last try
	Events  []byte // JSON, of package watching; nil for the one that asks to confirm
}
