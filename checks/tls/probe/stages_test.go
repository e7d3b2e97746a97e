package probe

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"mxseal/checks/internal/hello"
	"mxseal/checks/report"
)

// ready is a line on which two stages may be under way.
func ready(t *testing.T) *Line {
	l := New(t.Context(), 10, nil)
	l.Permissive = new(hello.Hello)
	return l
}

func names(l *Line) (list []string) {
	for _, p := range l.Probes {
		list = append(list, p.Name)
	}
	return list
}

// asks takes a place for so long, as a question does.
func asks(l *Line, long time.Duration) {
	defer l.enter(wanting)()
	l.await(func() { time.Sleep(long) })
}

// Two stages and the parts of stages wait side by side, never three; what is noted comes in the
// order of the list.
func TestStagesAndTheirParts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := ready(t)
		open, most := 0, 0
		waits := func(name string, how time.Duration) func() {
			return func() {
				asks(l, how)
				l.Note(name, report.ProbeRefused, report.Statement{})
			}
		}
		counted := func(ask func()) func() {
			return func() {
				open++
				most = max(most, open)
				ask()
				open--
			}
		}
		start := time.Now()
		l.Run([]Stage{
			{Name: "slow", Ask: counted(waits("slow", 5*time.Second))},
			{Name: "whole", Ask: func() {
				l.Note("begin", report.ProbeRefused, report.Statement{})
				l.SideBySide(counted(waits("late", 3*time.Second)), counted(waits("early", time.Second)), func() {})
				l.Note("end", report.ProbeRefused, report.Statement{})
			}},
			{Name: "after", After: []string{"whole"}, Ask: counted(waits("after", 3*time.Second))},
			{Name: "soon", After: []string{"slow" + FirstAnswer}, Ask: counted(waits("soon", time.Second))},
		})
		if got, want := strings.Join(names(l), " "), "slow begin late early end after soon"; got != want {
			t.Errorf("noted %q, want %q", got, want)
		}
		// slow 0–5 beside late 0–3, early 3–4 and after 4–7; soon 5–6.
		if took := time.Since(start); most != 2 || took != 7*time.Second {
			t.Errorf("%d at a time, %v; want 2 and 7s", most, took)
		}
	})
}

// A fault of our own in a part, in what is waited for or in a stage is raised once all has ended,
// and nothing more is asked.
func TestAFaultEndsTheRound(t *testing.T) {
	for _, test := range []struct {
		why string
		ask func(l *Line)
	}{
		{"in a stage", func(*Line) { panic("ours") }},
		{"where it waits", func(l *Line) { l.await(func() { panic("ours") }) }},
		{"in a part", func(l *Line) { l.SideBySide(func() { panic("ours") }, func() {}) }},
	} {
		synctest.Test(t, func(t *testing.T) {
			l, ended := ready(t), false
			defer func() {
				if v, _ := recover().(string); !strings.Contains(v, "ours") || !strings.Contains(v, "goroutine") || !ended {
					t.Errorf("%s: raised %q, the other stage has ended: %v", test.why, v, ended)
				}
				if !l.Stopped().Made() {
					t.Errorf("%s: the line goes on", test.why)
				}
			}()
			l.Run([]Stage{
				{Name: "other", Ask: func() { l.await(func() { time.Sleep(time.Minute) }); ended = true }},
				{Name: "wrong", Ask: func() { test.ask(l) }},
			})
		})
	}
}

// Without a hello that worked the stages go one by one, in the order of the list.
func TestOneByOneBeforeTheFirstAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(t.Context(), 10, nil)
		var order []string
		stage := func(name string, how time.Duration) Stage {
			return Stage{Name: name, Ask: func() {
				order = append(order, "begin "+name)
				asks(l, how)
				order = append(order, "end "+name)
			}}
		}
		l.Run([]Stage{stage("a", 2*time.Second), stage("b", time.Second)})
		if want := []string{"begin a", "end a", "begin b", "end b"}; !slices.Equal(order, want) {
			t.Errorf("%v, want %v", order, want)
		}
	})
}
