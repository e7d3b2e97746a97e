package jobs

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/riverqueue/river"
)

type question struct{ N int }

func (question) Kind() string { return "question" }

// One process asks and another that has the queue answers; nothing is left behind.
func TestAsk(t *testing.T) {
	s := opened(t)
	started(t, engine(t, Config{Store: s, Queues: map[string]int{"far": 2}, Kinds: []Kind{Reply("far", func(_ context.Context, q question) (int, error) {
		if q.N < 0 {
			return 0, errors.New("no")
		}
		return 2 * q.N, nil
	})}}))
	asks := engine(t, Config{Store: s})
	if answer, err := Ask[int](t.Context(), asks, "far", question{21}); err != nil || answer != 42 {
		t.Errorf("%d, %v", answer, err)
	}
	if _, err := Ask[int](t.Context(), asks, "far", question{-1}); err == nil {
		t.Error("a job that failed has an answer")
	}
	left(t, asks, 0)
}

// Where nobody answers in time, what was asked is taken back.
func TestAskInVain(t *testing.T) {
	s := opened(t)
	asks := engine(t, Config{Store: s})
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	if _, err := Ask[int](ctx, asks, "nowhere", question{1}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	left(t, asks, 0)

	begun := make(chan struct{})
	stopped := make(chan struct{})
	started(t, engine(t, Config{Store: s, Queues: map[string]int{"far": 1}, Kinds: []Kind{Reply("far", func(ctx context.Context, _ question) (int, error) {
		close(begun)
		<-ctx.Done()
		close(stopped)
		return 0, ctx.Err()
	})}}))
	ctx, cancel = context.WithCancel(t.Context())
	defer cancel()
	go func() { <-begun; cancel() }()
	if _, err := Ask[int](ctx, asks, "far", question{1}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	select {
	case <-stopped:
	case <-time.After(20 * time.Second):
		t.Error("a job goes on that nobody waits for")
	}
}

// left looks how many jobs there are.
func left(t *testing.T, e *Engine, want int) {
	t.Helper()
	found, err := e.client.JobList(t.Context(), river.NewJobListParams())
	if err != nil || len(found.Jobs) != want {
		t.Errorf("%d jobs are left, not %d: %v", len(found.Jobs), want, err)
	}
}
