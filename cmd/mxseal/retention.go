package main

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"mxseal/checks/report"
	"mxseal/web/jobs"
	"mxseal/web/senders"
	"mxseal/web/store"
)

// period is a flag for long durations: 365d and 52w besides those of Go, such as 36h.
type period time.Duration

// Set reads it. Days have 24 hours.
func (p *period) Set(s string) error {
	for unit, length := range map[string]time.Duration{"d": 24 * time.Hour, "w": 7 * 24 * time.Hour} {
		if number, found := strings.CutSuffix(s, unit); found {
			n, err := strconv.ParseUint(number, 10, 63)
			if err != nil || n > uint64(math.MaxInt64/length) {
				return fmt.Errorf("a whole number of days or weeks is needed, such as 365d or 52w")
			}
			*p = period(time.Duration(n) * length)
			return nil
		}
	}
	d, err := time.ParseDuration(s)
	if err != nil {
		return fmt.Errorf("a duration such as 365d, 52w or 36h is needed")
	}
	*p = period(d)
	return nil
}

func (p *period) String() string {
	d := time.Duration(*p)
	if day := 24 * time.Hour; d >= day && d%day == 0 {
		return fmt.Sprintf("%dd", d/day)
	}
	return d.String()
}

func (*period) Type() string { return "duration" }

// leastKept is the shortest time that reports can be kept: who has asked for one shall find it.
const leastKept = time.Hour

func (p period) check() error {
	if p != 0 && time.Duration(p) < leastKept {
		return fmt.Errorf("--keep %s: at least %s is needed, or 0 for ever", p.String(), leastKept)
	}
	return nil
}

// retention deletes reports and tests of senders once they are old enough: a job of every day.
type retention struct {
	reports    *store.Store
	keep       time.Duration // 0 for ever
	conditions func() []report.Condition
	log        *slog.Logger
}

// retentionRound is its job.
type retentionRound struct{}

func (retentionRound) Kind() string { return "retention" }

// clockAgain is how long retention waits for a clock that is known to be right.
const clockAgain = time.Minute

// round deletes what is due. A clock that the self-test found wrong, or has not looked at yet,
// deletes nothing: by it the youngest report may seem old.
func (r *retention) round(ctx context.Context, _ retentionRound) error {
	conditions := r.conditions()
	wrong := slices.ContainsFunc(conditions, func(c report.Condition) bool {
		return c.Name == report.ClockCondition && c.State == report.ConditionFailed
	})
	if wrong || len(conditions) == 0 {
		return jobs.Again(clockAgain)
	}
	var before time.Time // nothing is older
	if r.keep > 0 {
		before = time.Now().Add(-r.keep)
	}
	gone, err := r.reports.Expire(ctx, before)
	if gone > 0 {
		r.log.Info("old reports are deleted", "reports", gone, "older than", r.keep)
	}
	if err != nil {
		return fmt.Errorf("old reports cannot be deleted: %w", err)
	}
	tests, err := senders.Expire(ctx, r.reports, before)
	if tests > 0 {
		r.log.Info("old tests of senders are deleted", "tests", tests)
	}
	if err != nil {
		return fmt.Errorf("old tests of senders cannot be deleted: %w", err)
	}
	return nil
}
