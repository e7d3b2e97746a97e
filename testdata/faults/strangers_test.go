package faults

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"mxseal/testdata/faults/world"
)

// bound is what a check of a stranger's domain may take, as the program is told here.
const bound = 10 * time.Second

// stranger is a domain that means harm.
type stranger struct{ domain, does, comes string }

func strangers() map[string][]stranger {
	all := make(map[string][]stranger)
	for _, l := range world.Liars {
		all["DNS"] = append(all["DNS"], stranger{l.Domain, l.Does, l.Comes})
	}
	for _, m := range world.Mailers {
		all["SMTP and TLS"] = append(all["SMTP and TLS"], stranger{m.Domain(), m.Does, ""})
	}
	all["SMTP and TLS"] = append(all["SMTP and TLS"], stranger{world.Tarpits, "ten tarpits with two addresses each", ""})
	for _, h := range world.Hosts {
		all["HTTPS"] = append(all["HTTPS"], stranger{h.Domain(), h.Does, ""})
	}
	return all
}

// What a stranger may cost, in time that the program spends computing. Each is many times
// what is seen, and far below what an unbounded reader or validator would spend.
const (
	mostComputing = 3 * time.Second // one check
	mostHeap      = 24 << 20        // octets left behind by all of them together
	mostPeak      = 400             // MiB resident, while all are checked at once
)

// Every stranger by itself: the check ends in its time, with a report that is whole, at a
// bounded price, and with a letter that the stranger has not earned by it.
func TestStrangersOneByOne(t *testing.T) {
	must(t, tarpits())
	p := serve(t, t.TempDir(), "--timeout", bound.String())
	check(t, p, "perfect.test", 30*time.Second)
	for kind, list := range strangers() {
		t.Run(kind, func(t *testing.T) {
			for _, s := range list {
				before, asked := p.Processor(), the.Asked.Load()
				r := check(t, p, s.domain, bound+15*time.Second)
				spent, questions := p.Processor()-before, the.Asked.Load()-asked
				t.Logf("%-32s %-2s in %5d ms, %4d ms computing, %3d connections, %3d questions: %s",
					s.domain, r.Grade.Letter, r.ElapsedMS, spent.Milliseconds(), r.Connections, questions, s.does)
				switch kind { // the weapon was met: otherwise nothing was tested
				case "DNS":
					if comes := r.MX.DNSSEC.State + " " + r.MX.DNSSEC.Reason; comes != s.comes {
						t.Errorf("%s: the MX records come to %q, want %q", s.domain, comes, s.comes)
					}
				case "HTTPS":
					switch late := r.MTASTS.Failure; {
					case late != nil && late.Kind == "timeout" && r.Grade.Provisional: // it may be our path
					case r.MTASTS.State != "invalid":
						t.Errorf("%s: the policy is %q, want invalid; %+v", s.domain, r.MTASTS.State, late)
					}
				default:
					if r.Connections == 0 {
						t.Errorf("%s was not contacted", s.domain)
					}
				}
				if spent > mostComputing {
					t.Errorf("%s: %v of computing", s.domain, spent)
				}
				if took := time.Duration(r.ElapsedMS) * time.Millisecond; took > bound+5*time.Second {
					t.Errorf("%s took %v, the bound is %v", s.domain, took, bound)
				}
				if questions > 400 {
					t.Errorf("%s: %d questions to the resolver", s.domain, questions)
				}
				if l := r.Grade.Letter; l == "A+" || l == "A" || l == "B" || l == "" {
					t.Errorf("%s has the letter %q", s.domain, l)
				}
				if r.Connections > 12*20 {
					t.Errorf("%s: %d connections", s.domain, r.Connections)
				}
			}
		})
	}
}

var tarpits = sync.OnceValue(func() error { return the.Tarpits() })

// All strangers at once, while others go on as if nothing were: pages are served, an honest
// domain is checked and found right, and afterwards nothing of the strangers is left.
func TestAllStrangersAtOnce(t *testing.T) {
	must(t, tarpits())
	data := t.TempDir()
	p := serve(t, data, "--timeout", bound.String())
	check(t, p, "dane.test", 30*time.Second)
	c := world.Visitor(true)
	defer c.CloseIdleConnections()
	goroutines := atWork(t, p)
	heap, err := p.Heap()
	must(t, err)
	before := p.Processor()

	var domains []string
	for _, list := range strangers() {
		for _, s := range list {
			domains = append(domains, s.domain)
		}
	}
	for _, d := range domains {
		if status, body := ask(p, d); status != http.StatusSeeOther {
			t.Errorf("POST of %s: %d %.100s", d, status, body)
		}
	}
	done := make(chan struct{})
	var served, failed atomic.Int64
	var work sync.WaitGroup
	for i := range 4 {
		work.Go(func() {
			reader := world.Visitor(true)
			defer reader.CloseIdleConnections()
			for n := i; ; n++ {
				select {
				case <-done:
					return
				case <-time.After(20 * time.Millisecond):
				}
				if status, body := get(reader, p.URL+[]string{"/check/dane.test", "/", "/badge/dane.test.svg"}[n%3]); status == http.StatusOK {
					served.Add(1)
				} else if failed.Add(1) == 1 {
					t.Errorf("a page during it: %d %.200s", status, body)
				}
			}
		})
	}
	honest := check(t, p, "perfect.test", 40*time.Second)
	if honest.Grade.Letter != "A+" {
		t.Errorf("perfect.test has %s beside strangers: %+v", honest.Grade.Letter, honest.Interrupted)
	}
	var reports []*seen
	for _, d := range domains {
		reports = append(reports, await(t, p, d, bound+30*time.Second))
	}
	close(done)
	work.Wait()
	spent := p.Processor() - before
	t.Logf("%d strangers at once: %v computing, at most %d MiB resident; others: %d pages, perfect.test %s in %d ms",
		len(domains), spent.Round(10*time.Millisecond), p.Peak(), served.Load(), honest.Grade.Letter, honest.ElapsedMS)
	if served.Load() < 100 || failed.Load() > 0 {
		t.Errorf("%d pages were served, %d failed", served.Load(), failed.Load())
	}
	if limit := time.Duration(len(domains)) * mostComputing; spent > limit {
		t.Errorf("%v of computing, want less than %v", spent, limit)
	}
	if p.Peak() > mostPeak {
		t.Errorf("%d MiB resident at the most, want less than %d", p.Peak(), mostPeak)
	}
	for _, r := range reports {
		status, body := get(c, p.URL+"/report/"+r.ID, "Accept", "application/json")
		if status != http.StatusOK || !whole(body) || !strings.Contains(body, `"id":"`+r.ID+`"`) {
			t.Errorf("the report of %s is lost or torn: %d %.100s", r.Domain, status, body)
		}
		if status, body := get(c, p.URL+"/report/"+r.ID); status != http.StatusOK || !strings.Contains(body, "</html>") {
			t.Errorf("the page of %s: %d, %d octets", r.Domain, status, len(body))
		}
	}
	settled(t, p, goroutines)
	var now int
	until(t, 30*time.Second, "the heap is as it was", func() (bool, string) {
		now, err = p.Heap()
		return err == nil && now < heap+mostHeap, fmt.Sprintf("%d KiB, at the start %d KiB, %v", now>>10, heap>>10, err)
	})
	t.Logf("heap: %d KiB at the start, %d KiB at the end", heap>>10, now>>10)
	must(t, p.Stop())
	if kept := integrity(t, data); kept != len(domains)+2 {
		t.Errorf("%d reports are kept of %d", kept, len(domains)+2)
	}
}
