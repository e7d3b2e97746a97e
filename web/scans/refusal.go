package scans

import (
	"time"

	"mxseal/checks/report"
)

// A Reason is why somebody is refused, in a word for counters and logs.
type Reason string

// Why a scan does not begin.
const (
	Busy          Reason = "busy"           // all places are taken, and too many wait for one
	Closing       Reason = "closing"        // the program is about to end
	ClientDay     Reason = "client"         // one client has had its scans of the day
	ClientBacklog Reason = "client-backlog" // too many wait for one client
	DomainRests   Reason = "domain"         // one domain has had its scans of the hour
	InstanceFull  Reason = "instance"       // all clients together have had theirs of the minute, and too many wait for the next
	OptedOut      Reason = "opt-out"        // the owner does not want it
)

// Reasons are all of them.
var Reasons = []Reason{Busy, Closing, ClientDay, ClientBacklog, DomainRests, InstanceFull, OptedOut}

// Why nobody may follow a scan.
const (
	ClientStreams Reason = "client-streams" // one client follows too many
	Streams       Reason = "streams"        // all clients together do
)

// Refusal is why something that was asked for does not happen.
type Refusal struct {
	Reason Reason
	Wait   time.Duration  // until it is worth another try; 0 where none is
	Latest *report.Report // of the domain that was to be scanned; nil where there is none
}

// soon is when it is worth another try where nobody knows.
const soon = 30 * time.Second

func (r *Refusal) Error() string { return "scans: refused: " + string(r.Reason) }
