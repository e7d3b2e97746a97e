package scans

import (
	"cmp"
	"slices"
	"time"
)

const (
	maxRunning = 64   // scans at a time
	maxWaiting = 1024 // scans that wait for a place; not counted are those that wait for others of their own client
	maxStreams = 1024 // that follow scans, at a time

	clientWaiting = 16 // scans that wait for one client; fewer where the queue fills up

	maxLines = 64 // clients in whose lines one waiting scan stands
)

// account is what a network has at the moment.
type account struct {
	key
	running, streams int
	lines            int // waiting scans in line for it
	asked            int // of these, the ones that it was the first to ask for
	turn             int // when it last had a turn, or came to the queue: the least is next

	line    []turn     // of a client: by arrival
	clients []*account // of the network around: those with lines

	ahead, behind int // while turns are given: of its scans, those that take room, and those that have a position
}

// accounts are those of a client, by share; nil where there is none.
type accounts [len(Shares)]*account

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
	networks []*account // with lines
	turns    int
	rounds   int
	streams  int

	crowd int // of those that wait, how many need room that others need too
}

// turn is the place of a scan in the line of a client.
type turn struct {
	scan *Scan
	who  Client
	of   accounts
}

func newQueue(l Limits, delay func() time.Duration) *queue {
	return &queue{limits: l, minute: minute{most: l.PerMinute}, pace: pace{delay: delay}, free: maxRunning, accounts: make(map[key]*account)}
}

// of returns the accounts of a client as they are.
func (q *queue) of(who Client) (list accounts) {
	for i, k := range who.keys() {
		list[i] = q.accounts[k]
	}
	return list
}

// change changes the accounts of a client and forgets those in which nothing is left. A new one
// comes after all the others.
func (q *queue) change(who Client, f func(*account)) (list accounts) {
	for i, k := range who.keys() {
		a := q.accounts[k]
		if a == nil {
			q.turns++
			a = &account{key: k, turn: q.turns}
			q.accounts[k] = a
		}
		if f(a); a.running == 0 && a.streams == 0 && a.lines == 0 {
			delete(q.accounts, k)
		}
		list[i] = a
	}
	return list
}

// within reports whether a client has less than n in each of its shares. The program itself
// always has, and where n is negative everybody.
func (q *queue) within(who Client, of accounts, n int, has func(*account) int) bool {
	if who.By == "" || n < 0 {
		return true
	}
	for i, a := range of {
		if a != nil && has(a) >= n*Shares[i].Worth {
			return false
		}
	}
	return true
}

// mayRun reports whether a client may have one more scan, once those ahead run too.
func (q *queue) mayRun(who Client, of accounts) bool {
	return q.within(who, of, q.limits.ClientRunning, func(a *account) int { return a.running + a.ahead })
}

// mayBegin reports whether the pace lets one more scan begin; a few run whatever it says.
func (q *queue) mayBegin() bool { return maxRunning-q.free < atOnce || q.pace.wait() == 0 }

// room says why a client cannot wait for one more scan; it is empty where it can. The fuller
// the queue, the less of it one client gets: whoever comes new finds room.
func (q *queue) room(who Client) Reason {
	left := maxWaiting - q.crowd
	each := max(left*clientWaiting/maxWaiting, 1)
	of := q.of(who)
	switch {
	case !q.within(who, of, each, func(a *account) int { return a.asked }):
		return ClientBacklog
	case left > 0 || !q.mayRun(who, of):
		return ""
	case q.free > 0 && q.mayBegin():
		return InstanceFull
	}
	return Busy
}

// join puts a waiting scan in the line of a client, unless it stands there.
func (q *queue) join(c *Scan, who Client) {
	k := who.keys()
	here := func(t turn) bool { return t.of[smallest].key == k[smallest] }
	if len(c.lines) >= maxLines || slices.ContainsFunc(c.lines, here) {
		return
	}
	first := len(c.lines) == 0
	t := turn{scan: c, who: who, of: q.change(who, func(a *account) {
		a.lines++
		if first {
			a.asked++
		}
	})}
	c.lines = append(c.lines, t)
	client, network := t.of[smallest], t.of[largest]
	if len(client.line) == 0 {
		if len(network.clients) == 0 {
			q.networks = append(q.networks, network)
		}
		network.clients = append(network.clients, client)
	}
	client.line = append(client.line, t)
}

// enter lets a scan wait.
func (q *queue) enter(c *Scan, who Client) {
	q.waiting = append(q.waiting, c)
	q.join(c, who)
}

// leave takes a scan out of all lines.
func (q *queue) leave(c *Scan) {
	q.waiting = slices.DeleteFunc(q.waiting, func(other *Scan) bool { return other == c })
	for i, t := range c.lines {
		client, network := t.of[smallest], t.of[largest]
		client.line = slices.DeleteFunc(client.line, func(other turn) bool { return other.scan == c })
		if len(client.line) == 0 {
			network.clients = without(network.clients, client)
		}
		if len(network.clients) == 0 {
			q.networks = without(q.networks, network)
		}
		q.change(t.who, func(a *account) {
			a.lines--
			if i == 0 {
				a.asked--
			}
		})
	}
}

func without(list []*account, a *account) []*account {
	return slices.DeleteFunc(list, func(other *account) bool { return other == a })
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
	q.crowd = 0
	q.rounds++
	for _, a := range q.accounts {
		a.ahead, a.behind = 0, 0
	}
	now := q.mayBegin()
	for _, t := range q.round() {
		switch {
		case t.scan.placed == q.rounds:
			continue
		case !q.mayRun(t.who, t.of):
			held = append(held, t)
			continue
		case now && q.free > 0 && q.minute.allows(t.who):
			q.begin(t)
			now = q.mayBegin()
			begun = append(begun, t.scan)
		default:
			open = append(open, t)
			for _, a := range t.of {
				a.ahead++
			}
		}
		t.scan.placed = q.rounds
	}
	q.crowd = len(open)
	waits := ForPlace
	if now && q.free > 0 {
		waits = ForMinute
	}
	for i, t := range open {
		t.scan.wait(Queue{i, waits})
		t.of[smallest].behind++
	}
	for _, t := range held {
		if t.scan.placed != q.rounds {
			t.scan.placed = q.rounds
			t.scan.wait(Queue{t.of[smallest].behind, ForShare})
			t.of[smallest].behind++
		}
	}
	return begun
}

// round is the order of the turns, if all could have one. The networks stay in the order in which
// they are sorted, which is about that of the next time.
func (q *queue) round() []turn {
	byTurn := func(a, b *account) int { return cmp.Compare(a.turn, b.turn) }
	slices.SortFunc(q.networks, byTurn)
	networks := make([][]turn, 0, len(q.networks))
	for _, network := range q.networks {
		if len(network.clients) == 1 {
			networks = append(networks, network.clients[0].line)
			continue
		}
		slices.SortFunc(network.clients, byTurn)
		var of [][]turn
		for _, client := range network.clients {
			of = append(of, client.line)
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
	switch {
	case !q.within(who, q.of(who), q.limits.ClientStreams, func(a *account) int { return a.streams }):
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
