package resolve

import (
	"context"
	"sync"
	"time"

	"mxseal/checks/internal/egress"
	"mxseal/checks/internal/share"
	"mxseal/checks/report"
)

// What is under way at a time for all scans together. Resolvers have bounds of their own:
// Unbound, as it comes, keeps half a thousand questions that take long, and drops what is more.
// Of the places that are free each scan may have less than a part: of all some sixteen, and
// when sixty-four have come one after the other who want all they can get, there still are some.
const (
	parallel = 400 // questions to the resolvers
	direct   = 400 // questions to name servers
	portion  = 24  // that part of a scan
)

// admission is where the questions of one scan wait for their places. While one waits, no time
// runs that is meant for answers.
type admission struct {
	questions *share.Queue // to the resolvers; shared by all scans, as is the next
	direct    *share.Queue // to name servers
	scan      *share.Scan

	mu      sync.Mutex
	waiting int
	since   time.Time     // since when any does
	waited  time.Duration // before that
	left    bool          // one had no place to the end of its time
}

func newAdmission() *admission {
	return &admission{questions: share.New(parallel, portion), direct: share.New(direct, portion)}
}

// of returns the admission of another scan to the same places.
func (a *admission) of(scan *share.Scan) *admission {
	return &admission{questions: a.questions, direct: a.direct, scan: scan}
}

// enter waits for a place among the questions under way; leave gives it back. The failure
// says that there was none until the asker's time was over, which is nobody's fault but ours.
func (a *admission) enter(ctx context.Context, queue *share.Queue, q question) *report.Failure {
	defer a.wait()()
	if queue.Enter(ctx, a.scan) == nil {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.left = true
	return notAdmitted(q)
}

func (a *admission) leave(queue *share.Queue) { queue.Leave(a.scan) }

// wait notes that something waits, until the function that it returns is called.
func (a *admission) wait() (over func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.waiting++; a.waiting == 1 {
		a.since = time.Now()
	}
	return func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		if a.waiting--; a.waiting == 0 {
			a.waited += time.Since(a.since)
		}
	}
}

// lost is for how long anything has waited in all.
func (a *admission) lost() time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.waiting > 0 {
		return a.waited + time.Since(a.since)
	}
	return a.waited
}

// within bounds the time for several questions of the scan, not counting that in which any of
// its questions waited. The cause of the end is then context.DeadlineExceeded.
func (a *admission) within(ctx context.Context, most time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	go func() {
		for left := most; left > 0; {
			before := a.lost()
			if egress.Pause(ctx, left) != nil {
				return
			}
			left = a.lost() - before
		}
		cancel(context.DeadlineExceeded)
	}()
	return ctx, func() { cancel(context.Canceled) }
}

// gaveUp is the reply to a question whose asker could wait no longer.
func (a *admission) gaveUp(q question) *reply {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.waiting > 0 || a.left {
		return &reply{failure: notAdmitted(q)}
	}
	return &reply{failure: failed(report.KindTimeout, report.SaysNoTimeFor, "question", q)}
}

func notAdmitted(q question) *report.Failure {
	return failed(report.KindNotAdmitted, report.SaysNoPlaceFor, "question", q)
}
