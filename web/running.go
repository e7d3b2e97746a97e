package web

import (
	"encoding/json"
	"sync"
	"time"

	"mxseal/checks"
	"mxseal/checks/report"
	"mxseal/templates"
)

// What a check says is kept for those who come late, up to a bound. Beyond it they hear of the
// end, behind which stands the whole report.
const (
	maxMessages = 4000      // of one check
	maxSaid     = 512 << 10 // octets of those
)

// running is one check, waiting or under way. What it says is kept until its end, so that
// every visitor hears all of it, whenever they come.
type running struct {
	id       string
	domain   checks.Domain
	since    time.Time
	admitted bool          // there was a place at once: it runs even if the site closes now
	turn     chan struct{} // closes when it may begin

	mu       sync.Mutex
	before   int // checks that begin before it, while it waits
	begun    bool
	ended    bool
	stages   map[string]pieces // by check
	told     map[finding]bool
	said     int // octets of messages and of arrivals
	arrivals []templates.Arrival
	messages []message
	more     chan struct{} // closes when there is more to hear
}

// finding is what tells one finding from another.
type finding struct {
	rule, host, address, title string
}

// pieces counts the parts of a stage.
type pieces struct{ begun, ended int }

// message is one server-sent event.
type message struct {
	kind string // queue, progress, finding
	page []byte // for the page of the check, JSON on one line
	data []byte // for programs: the same as queue, report.Progress or report.Finding
}

// queue is the place of a waiting check.
type queue struct {
	Before int `json:"before" doc:"How many checks begin before this one."`
}

func newRunning(id string, d checks.Domain) *running {
	return &running{id: id, domain: d, since: time.Now().UTC(), turn: make(chan struct{}),
		stages: make(map[string]pieces), told: make(map[finding]bool), more: make(chan struct{})}
}

func (c *running) begin() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.begun = true
}

func (c *running) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
	c.wake()
}

// moveUp notes how many checks are still before this one.
func (c *running) moveUp(before int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.before = before
	c.tell("queue", templates.Queue{Say: c.page().Now()}, queue{before})
}

// note keeps an event of the engine for all who listen.
func (c *running) note(e report.Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case e.Progress != nil:
		p := c.stages[e.Progress.Stage]
		if e.Progress.Ended {
			p.ended++
		} else {
			p.begun++
		}
		c.stages[e.Progress.Stage] = p
		c.tell("progress", c.page().Advance(e.Progress.Stage, e.Progress.Host), e.Progress)
	case e.Finding != nil:
		f := e.Finding
		key := finding{f.Rule, f.Host, f.Address, f.Title}
		if c.told[key] || len(c.arrivals) >= maxMessages || c.said > maxSaid {
			return
		}
		c.told[key] = true
		a := templates.NewArrival(*f)
		c.arrivals = append(c.arrivals, a)
		c.said += len(a.Title) + len(a.Place)
		c.tell("finding", a, f)
	}
}

// tell is called with the lock held.
func (c *running) tell(kind string, page, data any) {
	if len(c.messages) >= maxMessages || c.said > maxSaid {
		return
	}
	m := message{kind: kind}
	var err [2]error
	m.page, err[0] = json.Marshal(page)
	m.data, err[1] = json.Marshal(data)
	if err[0] != nil || err[1] != nil {
		return // unreachable: strings and numbers only
	}
	if c.said += len(m.page) + len(m.data); c.said > maxSaid {
		return
	}
	c.messages = append(c.messages, m)
	c.wake()
}

func (c *running) wake() {
	close(c.more)
	c.more = make(chan struct{})
}

// hear returns the messages behind the first n, whether the check has ended, and a channel
// that closes when there is more.
func (c *running) hear(n int) (news []message, ended bool, more <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n = max(n, 0); n < len(c.messages) {
		news = c.messages[n:len(c.messages):len(c.messages)]
	}
	return news, c.ended, c.more
}

// view is the check as a page shows it now.
func (c *running) view() templates.Running {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.page()
}

// page is view with the lock held.
func (c *running) page() templates.Running {
	v := templates.Running{Domain: c.domain.ASCII, Unicode: c.domain.Unicode, Waiting: !c.begun, Before: c.before, Heard: len(c.messages), Arrivals: c.arrivals[:len(c.arrivals):len(c.arrivals)]}
	for _, t := range topics() {
		p := c.stages[t.ID]
		v.Stages = append(v.Stages, templates.Stage{Topic: t, Begun: p.begun, Ended: p.ended})
	}
	return v
}
