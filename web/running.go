package web

import (
	"encoding/json"
	"sync"
	"time"

	"mxseal/checks"
	"mxseal/checks/report"
	"mxseal/templates"
)

const maxMessages = 4000 // of one check, kept for those who come late

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
	told     map[string]bool   // findings, by what identifies them
	arrivals []templates.Arrival
	messages []message
	more     chan struct{} // closes when there is more to hear
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
		stages: make(map[string]pieces), told: make(map[string]bool), more: make(chan struct{})}
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
		key := e.Finding.Rule + "\x00" + e.Finding.Host + "\x00" + e.Finding.Address + "\x00" + e.Finding.Title
		if c.told[key] || len(c.arrivals) >= maxMessages {
			return
		}
		c.told[key] = true
		a := templates.NewArrival(*e.Finding)
		c.arrivals = append(c.arrivals, a)
		c.tell("finding", a, e.Finding)
	}
}

// tell is called with the lock held.
func (c *running) tell(kind string, page, data any) {
	if len(c.messages) >= maxMessages {
		return
	}
	m := message{kind: kind}
	var err [2]error
	m.page, err[0] = json.Marshal(page)
	m.data, err[1] = json.Marshal(data)
	if err[0] != nil || err[1] != nil {
		return // unreachable: strings and numbers only
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
