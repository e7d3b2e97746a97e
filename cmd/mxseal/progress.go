package main

import (
	"fmt"
	"io"
	"sync"
	"time"

	"mxseal/checks/report"
	"mxseal/checks/terminal"
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
	if done == 0 || took < time.Second {
		return text
	}
	rate := float64(done) / took.Seconds()
	if rate >= 1 {
		text += fmt.Sprintf("%.0f a second · ", rate)
	} else {
		text += fmt.Sprintf("%.0f a minute · ", 60*rate)
	}
	if of > done {
		text += roughly(time.Duration(float64(of-done)/rate*float64(time.Second))) + " left · "
	}
	return text
}

// roughly is a duration as people say it.
func roughly(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", max(1, int(d.Seconds())))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
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
