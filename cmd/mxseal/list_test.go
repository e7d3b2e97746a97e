package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"mxseal/checks"
	"mxseal/checks/input"
	"mxseal/checks/lab"
	"mxseal/checks/report"
)

// Domains that hang leave their places to others: with one place only, the rest of the list is
// through long before they are. Reports come as they come, each once.
func TestSlowDomainsLeaveTheirPlaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		world, err := lab.New(lab.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer world.Close()
		engine, err := labEngine(world, 0, nil)
		if err != nil {
			t.Fatal(err)
		}
		var domains []input.Domain
		for _, name := range []string{"silent.test", "dane.test", "endless.test", "sts.test", "certificate.test"} {
			d, err := engine.ParseDomain(name)
			if err != nil {
				t.Fatal(err)
			}
			domains = append(domains, d)
		}
		began := time.Now()
		var quick time.Duration
		var shown []string
		err = runAll(t.Context(), engine, given(domains), 1, asTheyCome, newProgress(io.Discard, nil), func(r *report.Report) error {
			if shown = append(shown, r.Domain); len(shown) == 3 {
				quick = time.Since(began)
			}
			return nil
		})
		all := time.Since(began)
		t.Logf("three after %v, all after %v: %v", quick, all, shown)
		if err != nil || len(shown) != len(domains) {
			t.Fatalf("%v: %v", shown, err)
		}
		if !slices.Contains(shown[3:], "silent.test") || quick > 2*slowAfter+10*time.Second || all < time.Minute {
			t.Errorf("in the order %v, three after %v and all after %v", shown, quick, all)
		}
	})
}

// The order of the list is kept where it is asked for, but for what keeps others waiting.
func TestOrders(t *testing.T) {
	for _, c := range []struct {
		in   order
		come []int
		want string
	}{
		{asTheyCome, []int{2, 0, 1}, "2 0 1"},
		{nearly, []int{2, 0, 1}, "0 1 2"},
		{strictly, []int{3, 2, 1, 0}, "0 1 2 3"},
	} {
		var got []string
		q := queue{in: c.in, waiting: map[int]*report.Report{}, early: map[int]bool{}, show: func(r *report.Report) error {
			got = append(got, r.Domain)
			return nil
		}}
		for _, place := range c.come {
			q.add(result{place, &report.Report{Meta: report.Meta{Domain: fmt.Sprint(place)}}})
			q.advance()
		}
		if s := strings.Join(got, " "); s != c.want || len(q.waiting)+len(q.early) > 0 {
			t.Errorf("%v came as %v: shown %s, want %s; left %d, %d", c.in, c.come, s, c.want, len(q.waiting), len(q.early))
		}
	}
	var got []string
	q := queue{in: nearly, waiting: map[int]*report.Report{}, early: map[int]bool{}, show: func(r *report.Report) error {
		got = append(got, r.Domain)
		return nil
	}}
	at := func(place int) result {
		return result{place, &report.Report{Meta: report.Meta{Domain: fmt.Sprint(place)}}}
	}
	if !q.add(at(1)) || q.give(1) != nil || q.give(1) != nil { // it has waited long enough
		t.Error("the second report does not wait")
	}
	q.add(at(0))
	q.advance()
	q.add(at(2))
	q.advance()
	if s := strings.Join(got, " "); s != "1 0 2" || len(q.waiting)+len(q.early) > 0 {
		t.Errorf("shown %s", s)
	}
}

// A long list is read while it is worked through: what is kept of it is a number
// for each name. Junk is told with its line, a hundred times and then by number.
func TestLongLists(t *testing.T) {
	engine, err := checks.New(checks.Config{})
	if err != nil {
		t.Fatal(err)
	}
	const lines = 200_000
	name := filepath.Join(t.TempDir(), "list")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	w := make([]byte, 0, 40*lines)
	for i := range lines {
		switch {
		case i%100 == 3:
			w = fmt.Appendf(w, "j%d..nk\n", i)
		case i%2 == 0:
			w = append(w, "again.example.org\n"...)
		default:
			w = fmt.Appendf(w, "d%d.example.net\n", i)
		}
	}
	f.Write(w)
	f.Seek(0, io.SeekStart)
	w = nil
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	l := newList(engine)
	go l.read(t.Context(), f)
	n := 0
	for range l.domains {
		if n++; n == 1000 {
			if of, exact := l.length(); exact || of < lines/3 || of > lines*2/3 {
				t.Errorf("after 1000 domains there are %d, exactly: %t", of, exact)
			}
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	perName := float64(after.HeapAlloc-before.HeapAlloc) / float64(n)
	t.Logf("%d domains of %d lines, %.0f octets each", n, lines, perName)
	if want := lines/2 - lines/100 + 1; n != want || perName > 64 {
		t.Errorf("%d domains, want %d; %.0f octets each", n, want, perName)
	}
	if of, exact := l.length(); !exact || of != int64(n) {
		t.Errorf("the list has %d, exactly: %t", of, exact)
	}
	left := l.left()
	if len(left) != mostRefused+1 || !strings.HasPrefix(left[0].Error(), "line 4: j3..nk: ") || left[mostRefused].Error() != "1900 more lines are no mail domains" {
		t.Errorf("%d are left: %v … %v", len(left), left[0], left[len(left)-1])
	}
	runtime.KeepAlive(l)
}

// Who stops waits for no list.
func TestAListThatNeverEnds(t *testing.T) {
	engine, err := checks.New(checks.Config{})
	if err != nil {
		t.Fatal(err)
	}
	in, out := io.Pipe()
	defer out.Close()
	ctx, cancel := context.WithCancel(t.Context())
	l := newList(engine)
	go l.read(ctx, in)
	go func() {
		io.WriteString(out, "a..b\n")
		cancel()
	}()
	if err := runAll(ctx, engine, l.domains, 1, asTheyCome, newProgress(io.Discard, l.length), nil); err == nil {
		t.Error("it ended of its own")
	}
	l.left()
}

func TestPaceIsSaid(t *testing.T) {
	for _, c := range []struct {
		done, of int64
		exact    bool
		took     time.Duration
		want     string
	}{
		{0, 1, true, time.Hour, ""},
		{0, 0, false, 0, "0 done · "},
		{40, 0, false, 10 * time.Second, "40 done · 4 a second · "},
		{40, 100, true, 10 * time.Second, "40 of 100 · 4 a second · 15 s left · "},
		{5, 1_000_000, false, 20 * time.Second, "5 of about 1000000 · 15 a minute · 46 days left · "},
		{360, 36_000, true, time.Minute, "360 of 36000 · 6 a second · 1 h 39 min left · "},
		{100, 100, true, time.Minute, "100 of 100 · 2 a second · "},
	} {
		if got := pace(c.done, c.of, c.exact, c.took); got != c.want {
			t.Errorf("%d of %d after %v: %q, want %q", c.done, c.of, c.took, got, c.want)
		}
	}
}
