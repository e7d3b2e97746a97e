package certificates

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mholt/acmez/v3/acme"
)

// solver has the zone answer what the authority asks.
type solver struct{ *FromAuthority }

// Present implements acmez.Solver.
func (s solver) Present(_ context.Context, c acme.Challenge) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := strings.ToLower(c.DNS01TXTRecordName())
	s.challenges[name] = append(s.challenges[name], c.DNS01KeyAuthorization())
	return nil
}

// CleanUp implements acmez.Solver.
func (s solver) CleanUp(_ context.Context, c acme.Challenge) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	name, value := strings.ToLower(c.DNS01TXTRecordName()), c.DNS01KeyAuthorization()
	s.challenges[name] = slices.DeleteFunc(s.challenges[name], func(v string) bool { return v == value })
	if len(s.challenges[name]) == 0 {
		delete(s.challenges, name)
	}
	return nil
}

// rest is the pause after orders that failed: authorities count failures, and refuse who has too many.
type rest struct {
	failed error
	length time.Duration
	until  time.Time
}

// over is what has failed, while the pause lasts.
func (r *rest) over(now time.Time) error {
	if r.failed != nil && now.Before(r.until) {
		return fmt.Errorf("%w; the next order is at %s", r.failed, r.until.UTC().Format(time.RFC3339))
	}
	return nil
}

// begin notes how orders ended. Those that were stopped with the program count as none.
func (r *rest) begin(now time.Time, err error) {
	switch {
	case err == nil:
		r.failed, r.length = nil, 0
	case !errors.Is(err, context.Canceled):
		r.failed, r.length = err, min(max(2*r.length, firstRest), longestRest)
		r.until = now.Add(r.length)
	}
}
