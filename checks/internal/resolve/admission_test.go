package resolve

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"mxseal/checks/internal/egress"
	"mxseal/checks/internal/share"
	"mxseal/checks/report"
	"mxseal/checks/view"
)

// underWay counts the questions that wait for their answers; call it with the world's lock held.
type underWay struct{ now, most int }

// counted makes a world count its questions under way, each of which takes a second.
func (w *world) counted() *underWay {
	u := new(underWay)
	w.slow = time.Second
	w.mangle = func(_ dns.Question, m *dns.Msg) *dns.Msg {
		u.now++
		u.most = max(u.most, u.now)
		time.AfterFunc(w.slow, func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			u.now--
		})
		return m
	}
	return u
}

func TestQuestionsUnderWayAreBounded(t *testing.T) {
	const scans, each = 60, 20
	synctest.Test(t, func(t *testing.T) {
		w := secureWorld(t)
		r := New(w.config())
		u := w.counted()
		for n := range scans {
			one := r.Fresh(new(share.Scan))
			for i := range each {
				go func() {
					if rep := one.ask(t.Context(), question{fmt.Sprintf("n%d.s%d.secure.test.", i, n), dns.TypeA}); rep.failure != nil {
						t.Error(view.Say(rep.failure.Statement))
					}
				}()
			}
			if n == 0 {
				time.Sleep(500 * time.Millisecond)
				w.mu.Lock()
				if want := (parallel + portion) / (portion + 1); u.now != want {
					t.Errorf("a scan alone has %d questions under way, want %d", u.now, want)
				}
				w.mu.Unlock()
				time.Sleep(5 * time.Second)
			}
		}
		time.Sleep(time.Minute)
		w.mu.Lock()
		defer w.mu.Unlock()
		if u.most > parallel || u.most < parallel/2 || len(w.asked) != scans*each {
			t.Errorf("at most %d under way, want up to %d; %d asked", u.most, parallel, len(w.asked))
		}
	})
}

// Scans whose name servers are silent hold up nobody but themselves.
func TestSilentScansHoldUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := secureWorld(t)
		w.mangle = func(q dns.Question, m *dns.Msg) *dns.Msg {
			if strings.HasPrefix(q.Name, "silent") {
				return nil
			}
			return m
		}
		r := New(w.config())
		ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
		defer cancel()
		for n := range 64 {
			one := r.Fresh(new(share.Scan))
			for i := range 100 {
				go one.ask(ctx, question{fmt.Sprintf("silent%d.s%d.secure.test.", i, n), dns.TypeA})
			}
		}
		time.Sleep(3 * time.Second)
		start := time.Now()
		a := r.Fresh(new(share.Scan)).Lookup(t.Context(), "secure.test", dns.TypeMX)
		a.want(t, "secure", "")
		if took := time.Since(start); took > time.Second {
			t.Errorf("beside silent ones it takes %v", took)
		}
		cancel()
	})
}

// occupied is the resolver of a scan that has one place, for as long as that is taken by somebody.
func occupied(t *testing.T, r *Resolver, most time.Duration) *Resolver {
	queue, other := share.New(1, 0), new(share.Scan)
	r.upstream.questions = queue
	if err := queue.Enter(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(most, func() { queue.Leave(other) })
	return r.Fresh(new(share.Scan))
}

// However long a question waits for its place, it then has all of its time.
func TestWaitingCountsIntoNoTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := secureWorld(t)
		lost := 0
		w.mangle = func(q dns.Question, m *dns.Msg) *dns.Msg {
			if lost++; lost <= 4 {
				return nil
			}
			return m
		}
		start := time.Now()
		rep := occupied(t, New(w.config()), time.Minute).ask(t.Context(), question{"mx.secure.test.", dns.TypeA})
		if took := time.Since(start); rep.failure != nil || took < time.Minute+7*time.Second || took > time.Minute+questionTime {
			t.Errorf("%+v after %v, want an answer to the fifth try", rep.failure, took)
		}
	})
}

// What was not asked is not called silent, by whatever way the time ends.
func TestNotAdmittedIsNotSilent(t *testing.T) {
	for _, c := range []struct {
		why  string
		kind report.Kind
		free time.Duration // when the place becomes free
		end  time.Duration // when the time of the asker ends
	}{
		{"never admitted", egress.Kind(egress.ErrNoPlace), 2 * time.Hour, 90 * time.Second},
		{"admitted, and then silence to the end", "timeout", 10 * time.Second, 90 * time.Second},
		{"admitted, and cut short", "timeout", 10 * time.Second, 12 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := secureWorld(t)
			r := New(w.config())
			r.Lookup(t.Context(), ".", dns.TypeDNSKEY)
			w.mangle = func(dns.Question, *dns.Msg) *dns.Msg { return nil }
			ctx, cancel := context.WithTimeout(t.Context(), c.end)
			defer cancel()
			one := occupied(t, r, c.free)
			q := question{"secure.test.", dns.TypeMX}
			rep := one.ask(ctx, q)
			if rep.failure == nil || rep.failure.Kind != c.kind {
				t.Errorf("%s: %+v, want %s", c.why, rep.failure, c.kind)
			}
			if c.kind == "timeout" {
				return
			}
			a := one.Lookup(ctx, "secure.test", dns.TypeMX)
			if a.Failure == nil || a.Failure.Kind != c.kind || a.Trust.Witnessed() || !strings.Contains(view.Say(a.Failure.Statement), "says nothing about the domain") {
				t.Errorf("%s: look-up %+v", c.why, a.Failure)
			}
			synctest.Wait()
			if h := one.below.replies.Held(); h.Items != 0 {
				t.Errorf("%s: %d replies are remembered", c.why, h.Items)
			}
			time.Sleep(2 * time.Hour)
		})
	}
}

// The time for the name servers of a name runs only while none of the questions waits.
func TestWithin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAdmission()
		waiting := func(from, length time.Duration) {
			time.AfterFunc(from, func() {
				over := a.wait()
				time.AfterFunc(length, over)
			})
		}
		waiting(5*time.Second, 10*time.Second)
		waiting(12*time.Second, 8*time.Second) // till 20, together 15
		waiting(34*time.Second, time.Second)
		start := time.Now()
		ctx, cancel := a.within(t.Context(), 20*time.Second)
		defer cancel()
		<-ctx.Done()
		if took := time.Since(start); took != 36*time.Second || context.Cause(ctx) != context.DeadlineExceeded {
			t.Errorf("it ended after %v by %v, want 36 s", took, context.Cause(ctx))
		}
		early, cancel := a.within(t.Context(), 20*time.Second)
		cancel()
		if context.Cause(early) != context.Canceled {
			t.Errorf("cause %v", context.Cause(early))
		}
	})
}

// Questions to name servers have places of their own. One that has none is not put, and no
// name server is called silent for it.
func TestNameServersAreAskedByTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := servedWorld(t, &authority{name: "ns2.secure.test.", addr: "192.0.2.12"})
		r := New(w.config())
		queue, other := share.New(1, 0), new(share.Scan)
		r.upstream.direct = queue
		if err := queue.Enter(t.Context(), other); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 80*time.Second)
		defer cancel()
		a := r.Fresh(new(share.Scan)).Authority(ctx, "secure.test", dns.TypeMX)
		if a == nil || a.Failure == nil || !report.Own(a.Failure.Kind) || a.Questions != 0 {
			t.Errorf("without a place: %+v", a.Failure)
		}
		time.AfterFunc(time.Minute, func() { queue.Leave(other) })
		b := r.Fresh(new(share.Scan)).Authority(t.Context(), "secure.test", dns.TypeMX)
		if b == nil || b.Failure != nil || faults(b) != "good good" {
			t.Errorf("after a minute in the line: %+v", b)
		}
		w.mangle = func(q dns.Question, m *dns.Msg) *dns.Msg {
			if q.Qtype == dns.TypeMX && q.Name == "secure.test." {
				return nil
			}
			return m
		}
		if err := queue.Enter(t.Context(), other); err != nil {
			t.Fatal(err)
		}
		ctx, cancel = context.WithTimeout(t.Context(), 80*time.Second)
		defer cancel()
		c := r.Fresh(new(share.Scan)).Lookup(ctx, "secure.test", dns.TypeMX)
		for _, s := range c.Trust.Witnesses {
			if !s.Resolver && !report.Own(s.Kind) {
				t.Errorf("a witness that was not asked: %+v", s)
			}
		}
		if c.Trust.Witnessed() {
			t.Errorf("witnessed by %+v", c.Trust.Witnesses)
		}
		queue.Leave(other)
	})
}
