package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
)

// bench is everything of one run.
type bench struct {
	dir, program string
	places       []*place
	right        map[string]*report // undisturbed, by domain
}

// report is what is read of the program's.
type report struct {
	Grade struct {
		Letter      string
		Provisional bool
	}
	ElapsedMS int `json:"elapsed_ms"`
	Findings  []struct{ Rule, Host, Verdict string }

	place  *place
	domain string
	raw    []byte
}

// check runs the program once.
func (b *bench) check(ctx context.Context, p *place, domain string) (*report, error) {
	out, err := p.Output(ctx, b.program, "check", domain, "--format", "json",
		"--resolver", p.resolver, "--trust-anchor", b.dir+"/anchor", "--ca-file", b.dir+"/ca.pem",
		"--allow-net", "127.77.0.0/16", "--helo", "mx.certificate.test")
	if err != nil {
		return nil, err
	}
	r := &report{place: p, domain: domain, raw: out}
	if err := json.Unmarshal(out, r); err != nil || r.Grade.Letter == "" {
		return nil, fmt.Errorf("%s, %s: no report (%w):\n%.1000s", p.name, domain, err, out)
	}
	return r, nil
}

// learn asks for the letters that are right, over the undisturbed path.
func (b *bench) learn(ctx context.Context) error {
	b.right = make(map[string]*report)
	for _, d := range domains {
		r, err := b.check(ctx, b.places[0], d)
		if err != nil {
			return err
		}
		if r.Grade.Provisional || r.Grade.Letter == "T" {
			return fmt.Errorf("%s: %s, provisional %v, on an undisturbed path", d, r.Grade.Letter, r.Grade.Provisional)
		}
		b.right[d] = r
	}
	return nil
}

// run makes n checks under each condition. The conditions take turns, so that the machine is
// equally busy for all of them.
func (b *bench) run(ctx context.Context, n, aside int) (results []*report, err error) {
	var mu sync.Mutex
	var work sync.WaitGroup
	places := make(chan struct{}, aside)
	for i := range n {
		for _, p := range b.places {
			select {
			case places <- struct{}{}:
			case <-ctx.Done():
				work.Wait()
				return results, errors.Join(err, ctx.Err())
			}
			work.Go(func() {
				defer func() { <-places }()
				r, fault := b.check(ctx, p, domains[i%len(domains)])
				mu.Lock()
				defer mu.Unlock()
				if fault != nil {
					if ctx.Err() == nil {
						err = errors.Join(err, fault)
					}
					return
				}
				results = append(results, r)
				if len(results)%100 == 0 {
					fmt.Fprintf(os.Stderr, "%d of %d\n", len(results), n*len(b.places))
				}
			})
		}
	}
	work.Wait()
	return results, errors.Join(err, ctx.Err())
}

// least share of letters at a loss of 10 % that have to be the same.
const least = .98

// show prints the table and what was wrong, and reports whether the goals were missed.
func show(b *bench, results []*report) (missed bool) {
	wrongs := make(map[string]int) // what was firm and wrong, and how often
	t := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "condition\tchecks\tsame letter\tprovisional\tT\tfirm and wrong\tmedian s\tpackets lost\t")
	for _, p := range b.places {
		var all, same, provisional, untested, wrong int
		var took []int
		for _, r := range results {
			if r.place != p {
				continue
			}
			all++
			took = append(took, r.ElapsedMS)
			equal := r.Grade.Letter == b.right[r.domain].Grade.Letter
			if equal {
				same++
			}
			if r.Grade.Provisional {
				provisional++
			}
			if r.Grade.Letter == "T" {
				untested++
			}
			if !equal && !r.Grade.Provisional {
				wrong++
				wrongs[b.explain(r)]++
				b.keep(r)
			}
		}
		if all == 0 {
			continue
		}
		slices.Sort(took)
		share := float64(same) / float64(all)
		lost := p.there.lost.Load() + p.back.lost.Load()
		fmt.Fprintf(t, "%s\t%d\t%.1f %%\t%d\t%d\t%d\t%.1f\t%.1f %%\t\n", p.name, all, 100*share, provisional, untested, wrong,
			float64(took[len(took)/2])/1000, 100*float64(lost)/float64(max(1, lost+p.there.carried.Load()+p.back.carried.Load())))
		missed = missed || wrong > 0 || p.name == "loss-10" && share < least
	}
	t.Flush()
	if len(wrongs) > 0 {
		fmt.Println("\nfirm and wrong:")
	}
	for _, text := range slices.Sorted(maps.Keys(wrongs)) {
		fmt.Printf("  %d × %s\n", wrongs[text], text)
	}
	return missed
}

// explain says what differs between a report and the undisturbed one.
func (b *bench) explain(r *report) string {
	right := b.right[r.domain]
	text := fmt.Sprintf("%s: %s is %s, undisturbed %s", r.place.name, r.domain, r.Grade.Letter, right.Grade.Letter)
	for _, side := range []struct {
		what    string
		of, not *report
	}{{"new", r, right}, {"missing", right, r}} {
		var rules []string
		for _, f := range side.of.Findings {
			if !side.not.has(f.Rule, f.Verdict) {
				rules = append(rules, f.Rule+" "+f.Verdict)
			}
		}
		slices.Sort(rules)
		text += fmt.Sprintf("; %s: %s", side.what, strings.Join(slices.Compact(rules), ", "))
	}
	return text
}

// keep writes a report that was firm and wrong to the folder for them, where there is one.
func (b *bench) keep(r *report) {
	if *folder == "" {
		return
	}
	if err := os.MkdirAll(*folder, 0o755); err != nil {
		fmt.Fprintln(os.Stderr, "loss:", err)
		return
	}
	f, err := os.CreateTemp(*folder, r.place.name+"-"+r.domain+"-*.json")
	if err == nil {
		_, err = f.Write(r.raw)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "loss:", err)
	}
}

func (r *report) has(rule, verdict string) bool {
	for _, f := range r.Findings {
		if f.Rule == rule && f.Verdict == verdict {
			return true
		}
	}
	return false
}
