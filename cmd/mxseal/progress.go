package main

import (
	"fmt"
	"io"
	"sync"
	"time"

	"mxseal/checks/report"
	"mxseal/checks/terminal"
	"mxseal/checks/view"
)

const redrawEvery = 100 * time.Millisecond

// progress is the one line on standard error that says what is going on, on a terminal only.
type progress struct {
	w     io.Writer                    // nil: silent
	of    func() (n int64, exact bool) // domains in all
	began time.Time

	mu    sync.Mutex
	done  int64 // domains
	drawn time.Time
}

func newProgress(w io.Writer, of func() (int64, bool)) *progress {
	p := &progress{of: of, began: time.Now()}
	if terminal.Is(w) {
		p.w = w
	}
	return p
}

func (p *progress) event(domain string) func(report.Event) {
	if p.w == nil {
		return nil
	}
	return func(ev report.Event) {
		if ev.Progress == nil || ev.Progress.Ended {
			return
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		n, exact := p.of()
		if alone := n == 1 && exact; !alone && time.Since(p.drawn) < redrawEvery {
			return
		}
		p.drawn = time.Now()
		fmt.Fprintf(p.w, "\r\033[K%.*s", terminal.Columns(p.w)-1, pace(p.done, n, exact, time.Since(p.began))+
			domain+": "+string(ev.Progress.Stage)+" "+ev.Progress.Host)
	}
}

// pace says how far a list is, how fast it goes, and what time that leaves; nothing for one domain.
func pace(done, of int64, exact bool, took time.Duration) string {
	if of == 1 && exact {
		return ""
	}
	text := fmt.Sprintf("%d done · ", done)
	switch {
	case exact:
		text = fmt.Sprintf("%d of %d · ", done, of)
	case of > 0:
		text = fmt.Sprintf("%d of about %d · ", done, of)
	}
	if p := view.PaceOf(done, of-done, took).String(); p != "" {
		text += p + " · "
	}
	return text
}

// ended counts a domain whose check has ended.
func (p *progress) ended() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done++
}

func (p *progress) clear() {
	if p.w != nil {
		p.mu.Lock()
		defer p.mu.Unlock()
		fmt.Fprint(p.w, "\r\033[K")
		p.drawn = time.Time{}
	}
}
