package scans

import (
	"maps"
	"sync"
	"time"

	"mxseal/checks/cache"
	"mxseal/checks/input"
	"mxseal/checks/report"
)

// What a scan says is kept for those who come late, up to a bound. Beyond it they hear of the end,
// behind which stands the whole report.
const (
	maxMessages   = 4000      // of one scan
	maxMoves      = 400       // of these, in the queue
	findingOctets = 512 << 10 // octets of the findings among them
)

// Scan is one run over a domain, waiting or under way. What it says is kept until its end, so
// that everybody hears all of it, whenever they come.
type Scan struct {
	ID     string // of the report to be
	Domain input.Domain
	Since  time.Time // when it was asked for

	// Guarded by the Scanner.
	lines  []turn // in which it waits, the one first that asked first
	of     Client // whose place it has
	placed int    // the last round in which it had a position

	mu      sync.Mutex
	view    View
	emitted Queue // where it was said to be last
	ended   bool
	known   map[finding]bool
	octets  int // of the findings among the events
	events  []Event
	more    chan struct{} // closes when there is more to hear
}

// finding is what tells one finding from another.
type finding struct {
	rule, host, address, title string
}

// Event is what happened in a scan. One of its parts is there.
type Event struct {
	Queue    *Queue // it waits
	Progress *report.Progress
	Finding  *report.Finding
}

// Queue is where a waiting scan stands.
type Queue struct {
	Before int   // how many begin before it; where it waits for its share, of the same client
	For    Waits // what it waits for
}

// Waits says what a scan waits for.
type Waits string

// What there is to wait for.
const (
	ForPlace  Waits = "place"  // as many run as run at a time
	ForMinute Waits = "minute" // as many have begun as begin within one
	ForShare  Waits = "share"  // as many run for its client, or for the network around it, as may
)

// AllWaits are all of them.
var AllWaits = []Waits{ForPlace, ForMinute, ForShare}

// View is how far a scan is: what all events up to some moment come to.
type View struct {
	Waiting  bool
	Queue    Queue                     // where it waits
	Stages   map[report.CheckID]Pieces // by check
	Findings []report.Finding
	Events   int // events that can be heard of it
}

// Pieces counts the parts of a stage.
type Pieces struct{ Begun, Ended int }

// Add is what becomes of a view by one more event.
func (v *View) Add(e Event) {
	switch {
	case e.Queue != nil:
		v.Waiting, v.Queue = true, *e.Queue
	case e.Progress != nil:
		v.Waiting = false
		if v.Stages == nil {
			v.Stages = make(map[report.CheckID]Pieces)
		}
		p := v.Stages[e.Progress.Stage]
		if e.Progress.Ended {
			p.Ended++
		} else {
			p.Begun++
		}
		v.Stages[e.Progress.Stage] = p
	case e.Finding != nil:
		v.Findings = append(v.Findings, *e.Finding)
	}
}

func newScan(id string, d input.Domain) *Scan {
	return &Scan{ID: id, Domain: d, Since: time.Now().UTC(), view: View{Waiting: true},
		known: make(map[finding]bool), more: make(chan struct{})}
}

// Waiting stands for a scan that waits since a time, in no queue.
func Waiting(id string, d input.Domain, since time.Time) *Scan {
	c := newScan(id, d)
	c.Since = since
	return c
}

// Ended stands for the scan that made a report.
func Ended(r *report.Report) *Scan {
	c := newScan(r.ID, input.Domain{ASCII: r.Domain, Unicode: r.UnicodeDomain})
	c.begin()
	c.end()
	return c
}

func (c *Scan) begin() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.view.Waiting = false
}

// waits reports whether it has not begun.
func (c *Scan) waits() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.view.Waiting
}

func (c *Scan) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
	c.wake()
}

// exactly is how many before it a scan hears of one by one; of more, when they are fewer by a tenth.
const exactly = 10

// wait notes where the scan stands in the queue, and says so where that is news.
func (c *Scan) wait(at Queue) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.view.Queue == at && c.emitted == at {
		return
	}
	c.view.Queue = at
	moved := at.Before - c.emitted.Before
	if at.For == c.emitted.For && max(moved, -moved) <= max(at.Before-exactly, 0)/10 {
		return
	}
	c.emitted = at
	if len(c.events) < maxMoves { // what comes of the scan needs room too
		c.emit(Event{Queue: &at})
	}
}

// note keeps an event of the engine for all who listen.
func (c *Scan) note(e report.Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case e.Progress != nil:
		c.emit(Event{Progress: e.Progress})
	case e.Finding != nil:
		f := e.Finding
		key := finding{f.Rule, f.Host, f.Address, f.Title}
		if size := cache.Octets(f); !c.known[key] && len(c.known) < maxMessages && c.octets+size <= findingOctets {
			c.known[key] = true
			c.octets += size
			c.emit(Event{Finding: e.Finding})
		}
	}
}

// emit is called with the lock held.
func (c *Scan) emit(e Event) {
	c.view.Add(e)
	if len(c.events) < maxMessages {
		c.events = append(c.events, e)
	}
	c.view.Events = len(c.events)
	c.wake()
}

func (c *Scan) wake() {
	close(c.more)
	c.more = make(chan struct{})
}

// Events returns the events behind the first n, whether the scan has ended, and a channel that
// closes when there is more.
func (c *Scan) Events(n int) (news []Event, ended bool, more <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n = max(n, 0); n < len(c.events) {
		news = c.events[n:len(c.events):len(c.events)]
	}
	return news, c.ended, c.more
}

// View is the scan as it is now.
func (c *Scan) View() View {
	c.mu.Lock()
	defer c.mu.Unlock()
	v := c.view
	v.Stages = maps.Clone(v.Stages)
	v.Findings = v.Findings[:len(v.Findings):len(v.Findings)]
	return v
}
