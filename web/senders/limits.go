package senders

import (
	"net/netip"
	"sync"
	"time"

	"mxseal/checks/sender"
)

const (
	questionsSecond = 500    // of one network by UDP; what is over that is answered by “ask by TCP”
	networksSecond  = 20_000 // that are counted within a second; others have to use TCP

	conversations   = 400 // at a time, of all kinds
	ofOneNetwork    = 60  // of these
	conversationMax = 10 * time.Minute
	questionMax     = 10 * time.Second // a connection by which questions come
)

// limits bound what strangers may do at a time. It is safe for concurrent use.
type limits struct {
	mu     sync.Mutex
	second int64
	asked  map[netip.Prefix]int // in that second
	open   map[netip.Prefix]int
	all    int
}

func newLimits() *limits {
	return &limits{asked: make(map[netip.Prefix]int), open: make(map[netip.Prefix]int)}
}

// question reports whether a network may have another answer by UDP.
func (l *limits) question(from netip.Addr) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now := time.Now().Unix(); now != l.second {
		l.second = now
		clear(l.asked)
	}
	n := sender.Network(from)
	if _, known := l.asked[n]; !known && len(l.asked) >= networksSecond {
		return false
	}
	l.asked[n]++
	return l.asked[n] <= questionsSecond
}

// enter lets a connection in, unless its network or the instance has too many; leave ends it.
func (l *limits) enter(from netip.Addr) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := sender.Network(from)
	if l.all >= conversations || l.open[n] >= ofOneNetwork {
		return false
	}
	l.all++
	l.open[n]++
	return true
}

func (l *limits) leave(from netip.Addr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := sender.Network(from)
	l.all--
	if l.open[n]--; l.open[n] == 0 {
		delete(l.open, n)
	}
}
