package claims

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// ErrSecond says that another process that goes first is at work.
var ErrSecond = errors.New("another process that goes first is at work")

const (
	settleTime = time.Second       // in which what one that was just killed said last arrives
	heedTime   = beat + answerTime // for which the beats of others are watched: one that is at work raises its own meanwhile
)

const ahead = `SELECT id, beat FROM claim_sessions WHERE goes_first AND id <> $1`

// Alone makes sure that no other process of the database goes first. The error is ErrSecond where one does, or
// says why that is not known. Where one was killed that did, it takes some seconds to see that it is no more.
func (c *Claims) Alone(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, connectTime+settleTime+heedTime+answerTime)
	defer cancel()
	second, err := c.second(ctx)
	if err != nil {
		return fmt.Errorf("claims: %w", err)
	}
	if second {
		return ErrSecond
	}
	return nil
}

// second reports whether another process goes first: its beat rises.
func (c *Claims) second(ctx context.Context) (bool, error) {
	conn, err := pgx.ConnectConfig(ctx, c.config)
	if err != nil {
		return false, err
	}
	defer end(conn)
	own, _ := c.having()
	beats := func() (map[int64]int64, error) {
		rows, err := conn.Query(ctx, ahead, own)
		if err != nil {
			return nil, err
		}
		seen := make(map[int64]int64)
		var id, beat int64
		_, err = pgx.ForEachRow(rows, []any{&id, &beat}, func() error { seen[id] = beat; return nil })
		return seen, err
	}
	var before map[int64]int64
	for _, pause := range []time.Duration{settleTime, heedTime} {
		if before, err = beats(); err != nil || len(before) == 0 {
			return false, err
		}
		if err := sleep(ctx, pause); err != nil {
			return false, err
		}
	}
	now, err := beats()
	for id, beat := range before {
		if now[id] > beat {
			return true, nil
		}
	}
	return false, err
}
