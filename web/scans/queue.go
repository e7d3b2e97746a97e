package scans

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

const (
	maxRunning = 64   // scans at a time
	maxWaiting = 512  // scans that wait for a place; not counted are those that wait for others of their own client
	maxStreams = 1024 // that follow scans, at a time

	clientWaiting = 16 // scans that wait for one client; fewer where the queue fills up

	maxLines = 64 // clients in whose lines one waiting scan stands
)

// account is what a network has at the moment.
type account struct {
	running, streams int
	lines            int // waiting scans in line for it
	turn             int // when it last had a turn, or came to the queue: the least is next
}

// queue is who has how much and whose turn is next. Turns go round: from network to network,
// within a network from client to client, and within a client by arrival. Who has as much as
// one may have is passed over and takes none of the room that others need.
//
// A scan that several ask for stands in the line of each, and begins for the first whose turn
// comes. So nobody waits behind a stranger who asked for the same before.
type queue struct {
	limits   Limits // each set, negative for no bound
	minute   minute
	pace     pace
	free     int // places
	waiting  []*Scan
	accounts map[key]*account
	turns    int
	streams  int

	crowd int         // of those that wait, how many need room that others need too
	ahead map[key]int // of these, in each network
}

// turn is the place of a scan in the line of a client.
type turn struct {
	scan *Scan
	who  Client
}

func newQueue(l Limits, delay func() time.Duration) *queue {
	return &queue{limits: l, minute: minute{most: l.PerMinute}, pace: pace{delay: delay}, free: maxRunning, accounts: make(map[key]*account)}
}

// of returns the account of a network; a new one comes after all the others.
func (q *queue) of(k key) *account {
	a := q.accounts[k]
	if a == nil {
		q.turns++
		a = &account{turn: q.turns}
		q.accounts[k] = a
	}
	return a
}

// change changes the accounts of a client and forgets those in which nothing is left.
func (q *queue) change(who Client, f func(*account)) {
	for _, k := range who.keys() {
		a := q.of(k)
		if f(a); a.running == 0 && a.streams == 0 && a.lines == 0 {
			delete(q.accounts, k)
		}
	}
}

// within reports whether a client has less than n in each of its shares. The program itself
// always has, and where n is negative everybody.
func (q *queue) within(who Client, n int, has func(key) int) bool {
	if who.By == "" || n < 0 {
		return true
	}
	for i, k := range who.keys() {
		if has(k) >= n*Shares[i].Worth {
			return false
		}
	}
	return true
}

func (q *queue) running(k key) int {
	if a := q.accounts[k]; a != nil {
		return a.running
	}
	return 0
}

// mayRun reports whether a client may have one more scan, once those ahead run too.
func (q *queue) mayRun(who Client) bool {
	return q.within(who, q.limits.ClientRunning, func(k key) int { return q.running(k) + q.ahead[k] })
}

// mayBegin reports whether the pace lets one more scan begin; a few run whatever it says.
func (q *queue) mayBegin() bool { return maxRunning-q.free < atOnce || q.pace.wait() == 0 }

// room says why a client cannot wait for one more scan; it is empty where it can. The fuller
// the queue, the less of it one client gets: whoever comes new finds room.
func (q *queue) room(who Client) Reason {
	left := maxWaiting - q.crowd
	each := max(left*clientWaiting/maxWaiting, 1)
	switch {
	case !q.within(who, each, q.asked):
		return ClientBacklog
	case left > 0 || !q.mayRun(who):
		return ""
	case q.free > 0 && q.mayBegin():
		return InstanceFull
	}
	return Busy
}

// asked counts the waiting scans that a network was the first to ask for.
func (q *queue) asked(k key) (n int) {
	for _, c := range q.waiting {
		if c.lines[0].keys()[k.share] == k {
			n++
		}
	}
	return n
}

// join puts a waiting scan in the line of a client, unless it stands there.
func (q *queue) join(c *Scan, who Client) {
	here := func(other Client) bool { return other.keys()[smallest] == who.keys()[smallest] }
	if len(c.lines) >= maxLines || slices.ContainsFunc(c.lines, here) {
		return
	}
	c.lines = append(c.lines, who)
	q.change(who, func(a *account) { a.lines++ })
}

// enter lets a scan wait.
func (q *queue) enter(c *Scan, who Client) {
	q.waiting = append(q.waiting, c)
	q.join(c, who)
}

// leave takes a scan out of all lines.
func (q *queue) leave(c *Scan) {
	q.waiting = slices.DeleteFunc(q.waiting, func(other *Scan) bool { return other == c })
	for _, who := range c.lines {
		q.change(who, func(a *account) { a.lines-- })
	}
}

// begin gives a scan the place of a client.
func (q *queue) begin(t turn) {
	q.free--
	q.minute.take(t.who)
	q.pace.last = time.Now()
	q.turns++
	q.change(t.who, func(a *account) { a.running, a.turn = a.running+1, q.turns })
	q.leave(t.scan)
	t.scan.of = t.who
}

// end takes the place back.
func (q *queue) end(c *Scan) {
	q.free++
	q.change(c.of, func(a *account) { a.running-- })
}

// advance gives places to those whose turn it is, and returns them. The others are told where
// they stand.
func (q *queue) advance() (begun []*Scan) {
	var open, held []turn
	q.crowd, q.ahead = 0, make(map[key]int)
	placed := make(map[*Scan]bool)
	now := q.mayBegin()
	for _, t := range q.round() {
		switch {
		case placed[t.scan]:
			continue
		case !q.mayRun(t.who):
			held = append(held, t)
			continue
		case now && q.free > 0 && q.minute.allows(t.who):
			q.begin(t)
			now = q.mayBegin()
			begun = append(begun, t.scan)
		default:
			open = append(open, t)
			for _, k := range t.who.keys() {
				q.ahead[k]++
			}
		}
		placed[t.scan] = true
	}
	q.crowd = len(open)
	waits := ForPlace
	if now && q.free > 0 {
		waits = ForMinute
	}
	own := make(map[key]int)
	for i, t := range open {
		t.scan.wait(Queue{i, waits})
		own[t.who.keys()[smallest]]++
	}
	for _, t := range held {
		if k := t.who.keys()[smallest]; !placed[t.scan] {
			placed[t.scan] = true
			t.scan.wait(Queue{own[k], ForShare})
			own[k]++
		}
	}
	return begun
}

// round is the order of the turns, if all could have one.
func (q *queue) round() []turn {
	lines := make(map[key][]turn)
	clients := make(map[key][]key) // of a network
	for _, c := range q.waiting {
		for _, who := range c.lines {
			k := who.keys()
			if lines[k[smallest]] == nil {
				clients[k[largest]] = append(clients[k[largest]], k[smallest])
			}
			lines[k[smallest]] = append(lines[k[smallest]], turn{c, who})
		}
	}
	byTurn := func(a, b key) int { return cmp.Compare(q.accounts[a].turn, q.accounts[b].turn) }
	var networks [][]turn
	for _, network := range slices.SortedFunc(maps.Keys(clients), byTurn) {
		var of [][]turn
		for _, client := range slices.SortedFunc(slices.Values(clients[network]), byTurn) {
			of = append(of, lines[client])
		}
		networks = append(networks, inTurn(of))
	}
	return inTurn(networks)
}

// inTurn takes one of each list in turn, until all are empty.
func inTurn(lists [][]turn) (all []turn) {
	for i, more := 0, true; more; i++ {
		more = false
		for _, list := range lists {
			if i < len(list) {
				all, more = append(all, list[i]), true
			}
		}
	}
	return all
}

// subscribe takes a stream for a client, or says why there is none.
func (q *queue) subscribe(who Client) Reason {
	streams := func(k key) int {
		if a := q.accounts[k]; a != nil {
			return a.streams
		}
		return 0
	}
	switch {
	case !q.within(who, q.limits.ClientStreams, streams):
		return ClientStreams
	case q.streams >= maxStreams:
		return Streams
	}
	q.streams++
	q.change(who, func(a *account) { a.streams++ })
	return ""
}

// unsubscribe gives it back.
func (q *queue) unsubscribe(who Client) {
	q.streams--
	q.change(who, func(a *account) { a.streams-- })
}
