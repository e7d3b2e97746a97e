package scans

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"mxseal/checks/input"
	"mxseal/checks/report"
)

// hold makes scans wait until they are let go by their domain.
func (w *world) hold() (let func(domain string)) {
	gates := make(map[string]chan struct{})
	gate := func(domain string) chan struct{} {
		w.mu.Lock()
		defer w.mu.Unlock()
		if gates[domain] == nil {
			gates[domain] = make(chan struct{})
		}
		return gates[domain]
	}
	w.as = func(ctx context.Context, d input.Domain, id string, _ func(report.Event)) *report.Report {
		select {
		case <-gate(d.ASCII):
		case <-ctx.Done():
		}
		return sample(d, id)
	}
	return func(domain string) {
		close(gate(domain))
		for w.Running(domain) != nil {
			time.Sleep(time.Millisecond)
		}
	}
}

// ask has a client ask for so many domains of its own.
func (w *world) ask(t *testing.T, addr string, n int) (list []*Scan) {
	t.Helper()
	for i := range n {
		list = append(list, w.start(t, as(addr), named(fmt.Sprintf("%d.%s.example", i, addr))))
	}
	return list
}

// running counts those of them that run.
func running(list []*Scan) (n int) {
	for _, c := range list {
		if !c.View().Waiting {
			n++
		}
	}
	return n
}

// Whoever brings slow servers gets his share and no more, and does not stand in the way.
func TestAStrangerGetsHisShare(t *testing.T) {
	w := newWorld(t)
	let := w.hold()
	var strangers [][]*Scan
	for i := range 4 {
		strangers = append(strangers, w.ask(t, fmt.Sprintf("192.0.%d.1", i), 20))
	}
	for i, list := range strangers {
		if n := running(list); n != clientRunning {
			t.Errorf("stranger %d has %d running", i, n)
		}
		if at := list[4].View().Queue; at != (Queue{0, ForShare}) {
			t.Errorf("his fifth stands at %+v", at)
		}
		if at := list[19].View().Queue; at != (Queue{15, ForShare}) {
			t.Errorf("his last stands at %+v", at)
		}
	}
	_, _, err := w.Start(t.Context(), as("192.0.0.1"), named("more.example"))
	if no := refused(t, err, ClientBacklog); no.Wait == 0 {
		t.Error("nothing is said of when it is worth another try")
	}
	if c := w.start(t, as("198.51.100.1"), named("honest.example")); c.View().Waiting {
		t.Errorf("a fifth client waits: %+v", c.View().Queue)
	}
	let(strangers[0][0].Domain.ASCII)
	if c := strangers[0][4]; c.View().Waiting || strangers[0][5].View().Queue != (Queue{0, ForShare}) {
		t.Errorf("when one of his ends: %+v", c.View())
	}
}

// One network with many addresses does not get much more than one address.
func TestANetworkGetsItsShare(t *testing.T) {
	for network, most := range map[string]int{"192.0.2.%d": 16, "2001:db8::%x:0:0:0:1": 8, "2001:db8:0:1::%x": 4} {
		w := newWorld(t)
		w.hold()
		n := 0
		for i := range 30 {
			for j := range 5 {
				_, c, err := w.Start(t.Context(), as(fmt.Sprintf(network, i+1)), named(fmt.Sprintf("d%d-%d.example", i, j)))
				if err == nil && !c.View().Waiting {
					n++
				}
			}
		}
		if n != most || w.Stats().Waiting != most*clientWaiting/clientRunning {
			t.Errorf("%s: %d run and %d wait", network, n, w.Stats().Waiting)
		}
		if c := w.start(t, as("203.0.113.1"), named("honest.example")); c.View().Waiting {
			t.Errorf("%s: another client waits", network)
		}
	}
}

// While all places are taken, turns go round: between networks, between the clients of one,
// and in order of arrival within a client.
func TestTurnsGoRound(t *testing.T) {
	w := newWorld(t)
	let := w.hold()
	for i := range maxRunning {
		w.start(t, Client{}, domain(i))
	}
	var all []*Scan
	for _, addr := range []string{"192.0.2.1", "192.0.2.2", "192.0.2.3", "2001:db8::1", "198.51.100.1"} {
		all = append(all, w.ask(t, addr, 3)...)
	}
	want := strings.Fields("0.192.0.2.1 0.2001:db8::1 0.198.51.100.1 0.192.0.2.2 1.2001:db8::1 1.198.51.100.1 0.192.0.2.3 2.2001:db8::1 2.198.51.100.1 1.192.0.2.1 1.192.0.2.2 1.192.0.2.3 2.192.0.2.1 2.192.0.2.2 2.192.0.2.3")
	byPlace := func() (names []string) {
		left := slices.DeleteFunc(slices.Clone(all), func(c *Scan) bool { return !c.View().Waiting })
		slices.SortFunc(left, func(a, b *Scan) int { return a.View().Queue.Before - b.View().Queue.Before })
		for i, c := range left {
			if at := c.View().Queue; at != (Queue{i, ForPlace}) {
				t.Errorf("%s stands at %+v, want %d", c.Domain.ASCII, at, i)
			}
			names = append(names, strings.TrimSuffix(c.Domain.ASCII, ".example"))
		}
		return names
	}
	for i := range want {
		if got := byPlace(); !slices.Equal(got, want[i:]) {
			t.Errorf("after %d turns they stand\n%v, want\n%v", i, got, want[i:])
		}
		let(domain(i).ASCII)
	}
	if got := byPlace(); len(got) != 0 {
		t.Errorf("%v still wait", got)
	}
}

// It takes many clients, in many networks, to fill the queue for whoever comes new.
func TestTheQueueHasRoomForNewcomers(t *testing.T) {
	w := newWorld(t)
	w.hold()
	for i := range maxRunning {
		w.start(t, Client{}, domain(i))
	}
	for n := 0; ; n++ { // each asks for all that it can get
		_, _, err := w.Start(t.Context(), as(fmt.Sprintf("10.%d.%d.1", n>>8, n&255)), named(fmt.Sprintf("first-of-%d.example", n)))
		if err != nil {
			refused(t, err, Busy)
			t.Logf("%d clients fill the queue: %d wait for a place, %d for others of their own", n, w.queue.crowd, w.Stats().Waiting-w.queue.crowd)
			if n < 320 || w.queue.crowd != maxWaiting {
				t.Errorf("%d clients are enough to fill the queue, with %d", n, w.queue.crowd)
			}
			return
		}
		for i := 0; err == nil; i++ {
			_, _, err = w.Start(t.Context(), as(fmt.Sprintf("10.%d.%d.1", n>>8, n&255)), named(fmt.Sprintf("d%d-of-%d.example", i, n)))
		}
		refused(t, err, ClientBacklog)
	}
}

// A stranger may have asked for somebody's domain before: that makes nobody wait, and who
// joins pays nothing.
func TestWhoJoinsDoesNotWaitBehindAStranger(t *testing.T) {
	w := newWorld(t)
	w.day = newDay(5)
	w.hold()
	w.ask(t, "192.0.2.1", 4)
	his := w.start(t, as("192.0.2.1"), named("victim.example"))
	if at := his.View().Queue; at != (Queue{0, ForShare}) {
		t.Fatalf("%+v", at)
	}
	mine := w.start(t, as("203.0.113.1"), named("victim.example"))
	if mine != his || mine.View().Waiting {
		t.Errorf("the owner of the domain waits: %+v", mine.View())
	}
	if a := w.queue.of(as("203.0.113.1"))[smallest]; a == nil || a.running != 1 {
		t.Errorf("it runs for another: its owner has %+v", a)
	}
	w.ask(t, "203.0.113.1", 5) // the join was not one of the five of the day
	_, _, err := w.Start(t.Context(), as("203.0.113.1"), named("sixth.example"))
	refused(t, err, ClientDay)

	// While all places are taken, a scan stands in all lines, at the place of the first.
	for i := range maxRunning - w.Stats().Running {
		w.start(t, Client{}, domain(i))
	}
	list := w.ask(t, "2001:db8::1", 3)
	before := list[2].View().Queue
	w.start(t, as("198.51.100.1"), list[2].Domain)
	if at := list[2].View().Queue; at.Before >= before.Before {
		t.Errorf("from %+v to %+v by a second who asks", before, at)
	}
	for i := range 2 * maxLines { // it does not grow without end
		w.start(t, as(fmt.Sprintf("10.0.%d.1", i)), list[1].Domain)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if n := len(list[1].lines); n != maxLines {
		t.Errorf("a scan stands in %d lines", n)
	}
}

// What the whole instance may begin within a minute is no reason to turn anybody away: it
// waits and begins by itself.
func TestTheNextMinuteComesByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.queue.minute.most = 2
		first, second, third := w.start(t, as("192.0.2.1"), domain(1)), w.start(t, as("192.0.3.1"), domain(2)), w.start(t, as("192.0.4.1"), domain(3))
		if first.View().Waiting || second.View().Waiting || third.View().Queue != (Queue{0, ForMinute}) {
			t.Errorf("the third within a minute: %+v", third.View())
		}
		time.Sleep(59 * time.Second)
		if !third.View().Waiting {
			t.Error("it begins too early")
		}
		time.Sleep(2 * time.Second)
		if third.View().Waiting {
			t.Errorf("it does not begin: %+v", third.View())
		}
		w.settle()
	})
}

func TestStreamsAreBounded(t *testing.T) {
	w := newWorld(t)
	follow := func(addr string) (func(), Reason) {
		leave, err := w.Subscribe(as(addr))
		if err != nil {
			return nil, err.(*Refusal).Reason
		}
		return leave, ""
	}
	var leave []func()
	for i := range 30 {
		l, why := follow("192.0.2.1")
		if (why == "") != (i < clientStreams) || why != "" && why != ClientStreams {
			t.Errorf("stream %d of one client: %q", i, why)
		}
		leave = append(leave, l)
	}
	n := 0
	for i := range 100 {
		if _, why := follow(fmt.Sprintf("192.0.2.%d", i%50+2)); why == "" {
			n++
		}
	}
	if n != 3*clientStreams {
		t.Errorf("%d streams of the rest of a /24", n)
	}
	leave[0]()
	if _, why := follow("192.0.2.1"); why != "" {
		t.Errorf("after one was given back: %s", why)
	}
	for i := range maxStreams {
		_, why := follow(fmt.Sprintf("10.%d.%d.1", i>>8, i&255))
		if (why == "") != (i < maxStreams-4*clientStreams) || why != "" && why != Streams {
			t.Fatalf("stream %d of others: %q", i, why)
		}
	}
}

// Whatever happens, nobody has more than his share, no place is lost, who could begin does,
// and nothing is remembered of those who have nothing any more.
func TestTheQueueKeepsItsBooks(t *testing.T) {
	for seed := range uint64(4) {
		r := rand.New(rand.NewPCG(seed, 1))
		q := newQueue(Limits{PerMinute: -1}.whole(), nil)
		addrs := []string{"", "192.0.2.1", "192.0.2.2", "192.0.3.1", "2001:db8::1", "2001:db8::2", "2001:db8:0:1::1", "2001:db8:0:2::1", "2001:db8:1::1"}
		for i := range 30 {
			addrs = append(addrs, fmt.Sprintf("10.0.%d.%d", i/6, i))
		}
		var runs []*Scan
		var streams []Client
		left := 0
		for step := range 1500 {
			who := as(addrs[r.IntN(len(addrs))])
			if r.IntN(40) == 0 {
				who = Client{}
			}
			switch r.IntN(7) {
			case 0, 1, 2:
				if q.room(who) == "" {
					q.enter(newScan("", domain(step)), who)
					left++
				}
			case 3:
				if len(q.waiting) > 0 {
					q.join(q.waiting[r.IntN(len(q.waiting))], who)
				}
			case 4, 5:
				if len(runs) > 0 {
					i := r.IntN(len(runs))
					q.end(runs[i])
					runs = slices.Delete(runs, i, i+1)
					left--
				}
			default:
				if r.IntN(2) == 0 && q.subscribe(who) == "" {
					streams = append(streams, who)
				} else if len(streams) > 0 {
					q.unsubscribe(streams[0])
					streams = streams[1:]
				}
			}
			runs = append(runs, q.advance()...)

			if len(runs) != maxRunning-q.free || q.free < 0 || len(runs)+len(q.waiting) != left || q.streams != len(streams) {
				t.Fatalf("%d, step %d: %d run, %d places are free, %d wait of %d", seed, step, len(runs), q.free, len(q.waiting), left)
			}
			has := make(map[key]int)
			for _, c := range runs {
				for i, k := range c.of.keys() {
					if has[k]++; c.of.By != "" && has[k] > clientRunning*Shares[i].Worth {
						t.Fatalf("%d, step %d: %d run for %v", seed, step, has[k], k)
					}
				}
			}
			if q.crowd > maxWaiting || q.free > 0 && q.crowd > 0 {
				t.Fatalf("%d, step %d: %d wait, %d places are free", seed, step, q.crowd, q.free)
			}
			for k := range q.accounts {
				if q.accounts[k].running != has[k] {
					t.Fatalf("%d, step %d: %v has %d on its books and %d running", seed, step, k, q.accounts[k].running, has[k])
				}
			}
		}
		for len(runs) > 0 {
			q.end(runs[0])
			runs = append(runs[1:], q.advance()...)
		}
		for _, who := range streams {
			q.unsubscribe(who)
		}
		if len(q.waiting) != 0 || q.free != maxRunning || q.streams != 0 || len(q.accounts) != 0 {
			t.Errorf("%d: at the end %d wait, %d places are free, %d are remembered", seed, len(q.waiting), q.free, len(q.accounts))
		}
	}
}
