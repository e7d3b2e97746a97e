package checks_test

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"mxseal/checks"
	"mxseal/checks/lab"
	"mxseal/checks/report"
)

// One look at a mail server serves all domains that share it, for an hour; a domain that
// asks again after a minute is looked at anew.
func TestOneLookServesManyDomains(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, e := world(t, lab.Options{}, nil)
		first := scan(t, e, "certificate.test")
		ip := first.Hosts[0].Addresses[0].IP
		dialled := l.Dialled(ip)

		second := scan(t, e, "signed-domain.test") // its MX is that of certificate.test
		if n := l.Dialled(ip); n != dialled {
			t.Errorf("%d more connections for a domain that shares the host", n-dialled)
		}
		if a := second.Hosts[0].Addresses[0]; a.SeenAt == nil || !a.SeenAt.Equal(first.CheckedAt) || second.Connections != 0 {
			t.Errorf("the report does not say that it rests on an earlier look: %v, %d connections", a.SeenAt, second.Connections)
		}
		if !fired(second, "SMT-15") || !fired(second, "CRT-09") {
			t.Errorf("the evidence does not serve the second domain\n%s", outline(second))
		}

		time.Sleep(2 * time.Minute)
		third := scan(t, e, "certificate.test")
		if l.Dialled(ip) == dialled || third.Hosts[0].Addresses[0].SeenAt != nil {
			t.Error("a domain that asks again got what it had")
		}
		dialled = l.Dialled(ip)

		time.Sleep(61 * time.Minute)
		scan(t, e, "signed-domain.test")
		if l.Dialled(ip) == dialled {
			t.Error("a look of more than an hour ago still serves")
		}
	})
}

func TestLooksAtTheSameTimeAreOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, e := world(t, lab.Options{}, nil)
		alone := func() int {
			l, e := world(t, lab.Options{}, nil)
			r := scan(t, e, "certificate.test")
			return l.Dialled(r.Hosts[0].Addresses[0].IP)
		}()
		var wg sync.WaitGroup
		var reports [20]*report.Report
		for i := range reports {
			wg.Go(func() {
				reports[i] = scan(t, e, []string{"certificate.test", "signed-domain.test", "domain-alias.test"}[i%3])
			})
		}
		wg.Wait()
		for _, r := range reports {
			if r.Grade.Letter != "C" {
				t.Errorf("%s gets %s", r.Domain, r.Grade.Letter)
			}
		}
		if n := l.Dialled(reports[0].Hosts[0].Addresses[0].IP); n != alone {
			t.Errorf("%d connections for twenty checks, %d for one", n, alone)
		}
	})
}

// What was cut short serves nobody else.
func TestAnUnfinishedLookIsNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, e := world(t, lab.Options{}, func(c *checks.Config) { c.Timeout = 3 * time.Second })
		r := scan(t, e, "slow.test") // greets after six seconds
		dialled := l.Dialled(r.Hosts[0].Addresses[0].IP)
		scan(t, e, "slow.test")
		if l.Dialled(r.Hosts[0].Addresses[0].IP) == dialled {
			t.Error("the second check was served with a look that never ended")
		}
	})
}

// The command slipped in behind STARTTLS is sent once a day; its result stands that long.
func TestInjectionIsAskedOnceADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, e := world(t, lab.Options{}, nil)
		asked := func(r *report.Report) bool {
			return slices.ContainsFunc(r.Hosts[0].Addresses[0].SMTP.Transcript, func(l report.Line) bool { return l.From == "C" && l.Text == "NOOP" })
		}
		r := scan(t, e, "injection.test")
		if !asked(r) || !fired(r, "SMT-21") {
			t.Error("the first check does not ask")
		}
		time.Sleep(2 * time.Hour)
		if r = scan(t, e, "injection.test"); asked(r) || r.Grade.Letter != "C" || !fired(r, "SMT-21") {
			t.Errorf("the second check of the day: asked %v, %s", asked(r), r.Grade.Letter)
		}
		time.Sleep(23 * time.Hour)
		if r = scan(t, e, "injection.test"); !asked(r) {
			t.Error("the next day does not ask")
		}
	})
}

// Findings arrive while the check runs, each once, and none is sent that does not stand in
// the end.
func TestFindingsArriveHostByHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const trip = 50 * time.Millisecond
		_, e := world(t, lab.Options{Delay: trip}, nil)
		for _, name := range []string{"perfect.test", "nolisting.test", "tlsa-one-broken.test", "bogus.test", "many-mx.test"} {
			d, err := e.ParseDomain(name)
			if err != nil {
				t.Fatal(err)
			}
			var events []report.Event
			start := time.Now()
			var first time.Duration
			r := e.Run(t.Context(), d, "id", func(ev report.Event) {
				if ev.Finding != nil && first == 0 {
					first = time.Since(start)
				}
				events = append(events, ev)
			})
			if last := events[len(events)-1]; last.Done != r {
				t.Errorf("%s: the last event is not the report", name)
			}
			most := 3
			if name == "bogus.test" { // others are asked before anybody is accused
				most = 9
			}
			if trips := int(first / trip); trips > most {
				t.Errorf("%s: the first finding comes after %d round trips", name, trips)
			}
			told := map[string]int{}
			for _, ev := range events {
				if f := ev.Finding; f != nil {
					told[f.Rule+" "+f.Host+" "+f.Address+" "+f.Title]++
				}
			}
			for _, f := range r.Findings {
				key := f.Rule + " " + f.Host + " " + f.Address + " " + f.Title
				if told[key] != 1 {
					t.Errorf("%s: %q was sent %d times", name, key, told[key])
				}
				delete(told, key)
			}
			for key := range told {
				t.Errorf("%s: %q was sent and does not stand", name, key)
			}
		}
	})
}
