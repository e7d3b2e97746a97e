package checks

import (
	"cmp"
	"context"
	"errors"
	"net/netip"
	"slices"
	"sync"
	"time"

	"mxseal/checks/internal/egress"
	"mxseal/checks/report"
)

const (
	maxConnections = 300  // of one check, to all mail and policy servers together
	maxFull        = 1200 // of one check at depth full
	forPolicy      = 12   // of these, for the policy host: two fetches of two tries at its addresses

	wholeLook  = 28  // connections of a look at everything; checks/tls shares them out
	wholeFull  = 120 // the same at depth full
	briefLook  = 7   // of a look at the certificates under one name
	spareTries = 12  // further ones of a look at everything, where a server turns us away and is tried again
	usualBrief = 3   // what such a look takes mostly; set aside for each address whose turn has not come
	looksOf    = 2   // at one address in a check, each under another name

	// An hour of looks is counted in brief ones, of which a look at everything is worth so many.
	briefs = wholeLook / briefLook

	namesTime = 5 * time.Second  // for the addresses of all hosts, before the first is looked at
	giveTime  = 15 * time.Second // for looks to end and to give back what they did not need, before the others are brief
)

// purse holds the connections that a check may make to mail servers, and gives them out in the
// order of what the answers are worth: the first addresses of all hosts before the further ones,
// and of those the hosts that senders try first. Every address is to be looked at, and as many
// as possible at everything. So one look begins when what it may need is there, with a little
// for each of those behind it; what it has not needed comes back.
type purse struct {
	whole  int
	timers []*time.Timer

	mu      sync.Mutex
	free    int
	lent    int     // to looks that are under way
	running int     // how many these are
	unknown int     // hosts whose addresses are not known yet
	late    bool    // they are not waited for any more
	hurry   bool    // nor is what others may give back
	waiting []*turn // the next first
	latest  map[netip.Addr]*turn
	looked  map[netip.Addr]int // looks that took place
}

// turn is that of one address of one host.
type turn struct {
	nth, host int // among the addresses of its family; among the hosts
	addr      netip.Addr
	most      int           // connections it may make
	used      int           // connections it made
	before    *turn         // the look at the same address, under another name, that comes first
	given     chan struct{} // closed when most is set
	over      chan struct{} // closed when the look is over
}

func newPurse(depth report.Depth, hosts int) *purse {
	p := &purse{free: maxConnections - forPolicy, whole: wholeLook, unknown: hosts, latest: make(map[netip.Addr]*turn), looked: make(map[netip.Addr]int)}
	if depth == report.Full {
		p.free, p.whole = maxFull-forPolicy, wholeFull
	}
	p.timers = []*time.Timer{
		time.AfterFunc(namesTime, func() { p.change(func() { p.late = true }) }),
		time.AfterFunc(giveTime, func() { p.change(func() { p.hurry = true }) }),
	}
	return p
}

// bound is how many connections a check may make in all.
func bound(depth report.Depth) int {
	if depth == report.Full {
		return maxFull
	}
	return maxConnections
}

// change changes what is known, and gives out what can be given.
func (p *purse) change(do func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	do()
	for len(p.waiting) > 0 && (p.unknown <= 0 || p.late) {
		t := p.waiting[0]
		most := p.whole
		if p.latest[t.addr] != nil {
			most = briefLook
		}
		aside := usualBrief * (len(p.waiting) - 1)
		if p.free < most+aside {
			back := p.lent // at the most
			if p.hurry {
				back = 0
			}
			if p.free+back >= most+aside {
				return
			}
			if most = min(briefLook, p.free-aside); most < usualBrief {
				if p.running > 0 {
					return
				}
				most = max(0, min(briefLook, p.free))
			}
		}
		p.free -= most
		p.lent += most
		p.running++
		p.waiting = p.waiting[1:]
		t.most, t.before = most, p.latest[t.addr]
		p.latest[t.addr] = t
		close(t.given)
	}
}

// queue puts the addresses of a host in line, once they are known. host is its place among the
// hosts in the order in which senders try them.
func (p *purse) queue(host int, h *report.Host) map[*report.Address]*turn {
	turns := make(map[*report.Address]*turn)
	nth := make(map[bool]int)
	for _, a := range h.Addresses {
		ip, err := netip.ParseAddr(a.IP)
		if a.NotTested != "" || err != nil {
			continue
		}
		turns[a] = &turn{nth: nth[ip.Is4()], host: host, addr: ip, given: make(chan struct{}), over: make(chan struct{})}
		nth[ip.Is4()]++
	}
	p.change(func() {
		p.unknown--
		for _, a := range h.Addresses {
			if t := turns[a]; t != nil {
				p.waiting = append(p.waiting, t)
			}
		}
		slices.SortStableFunc(p.waiting, func(a, b *turn) int { return cmp.Or(cmp.Compare(a.nth, b.nth), cmp.Compare(a.host, b.host)) })
	})
	return turns
}

// begin waits for a turn and for the look that comes before it.
func (p *purse) begin(ctx context.Context, t *turn) {
	select {
	case <-t.given:
	case <-ctx.Done():
		return
	}
	if t.before != nil {
		select {
		case <-t.before.over:
		case <-ctx.Done():
		}
	}
}

// end gives back what a turn has not used.
func (p *purse) end(t *turn) {
	p.change(func() {
		select {
		case <-t.given:
			p.free += t.most - t.used
			p.lent -= t.most
			p.running--
		default: // its time was over before its turn
			p.waiting = slices.DeleteFunc(p.waiting, func(o *turn) bool { return o == t })
		}
	})
	close(t.over)
}

// used notes how many connections a look has made.
func (p *purse) used(t *turn, n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	t.used += n
}

// close ends the waiting for times that do not come any more.
func (p *purse) close() {
	for _, t := range p.timers {
		t.Stop()
	}
}

// extra takes what a brief look may need; it is given back like the others.
func (p *purse) extra(addr netip.Addr) *turn {
	t := &turn{addr: addr, given: make(chan struct{}), over: make(chan struct{})}
	close(t.given)
	p.change(func() {
		t.most = max(0, min(briefLook, p.free))
		p.free -= t.most
		p.lent += t.most
		p.running++
	})
	return t
}

// may says why no look of a turn may begin, for the certificates alone or for everything.
func (p *purse) may(t *turn, brief bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.looked[t.addr] >= looksOf:
		return errNames
	case t.used >= t.most, !brief && t.most < p.whole:
		return egress.ErrSpent
	}
	return nil
}

// count counts a look that begins, and returns how many connections it may make: what it was
// given, and some that are not needed where the server lets us in. The bound of the check holds
// for all of them.
func (p *purse) count(t *turn, brief bool) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.looked[t.addr]++; p.looked[t.addr] > looksOf {
		return 0
	}
	if brief {
		return min(briefLook, t.most-t.used) + spareTries/briefs
	}
	return t.most - t.used + spareTries
}

var (
	errNames = errors.New("it has been looked at under two names in this check")
	errLate  = errors.New("the time of the check was over before its turn")
)
