package claims

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
)

// Times of a session.
const (
	beat        = 2 * time.Second        // after which one with nothing to say raises its number
	hearTime    = 250 * time.Millisecond // after which one that has something and does not go first hears of the others
	answerTime  = 4 * time.Second        // until which an answer has to be there
	silence     = 12 * time.Second       // after which others take a session away whose number stood still
	connectTime = 4 * time.Second
	firstPause  = 100 * time.Millisecond // before the next attempt to connect; then twice that …
	lastPause   = time.Second            // … up to this: what is back in time is heard of in time
)

// Each changes something only where the session is there and has that beat, which it raises: $1 and $2.
// None waits for a row that another may hold while it waits for one of ours: claims are taken in the order
// of their keys, and given back in a transaction of their own.
const (
	raise = `WITH me AS (UPDATE claim_sessions SET beat = beat + 1 WHERE id = $1 AND beat = $2 RETURNING id)`
	// give gives keys back ($3), and says which others have that this process waits for ($4).
	give = `WITH me AS (UPDATE claim_sessions SET beat = beat + 1, wants = $4 WHERE id = $1 AND beat = $2 RETURNING id),
		given_back AS (DELETE FROM claims USING me WHERE session = me.id AND key = ANY ($3::bigint[]))
		SELECT count(*) FROM me`
	// take takes keys ($3) that nobody has, and says which.
	take = raise + `, taken AS (INSERT INTO claims (key, session) SELECT k, me.id FROM me, unnest($3::bigint[]) AS k ORDER BY k
			ON CONFLICT DO NOTHING RETURNING key)
		SELECT (SELECT count(*) FROM me), coalesce(array_agg(key), '{}') FROM taken`
	// reap ends a session with all its claims.
	reap = `WITH over AS (DELETE FROM claim_sessions WHERE id = $1 AND beat = $2 RETURNING id)
		DELETE FROM claims USING over WHERE session = over.id`

	// leave ends one's own, whatever its beat.
	leave = `WITH over AS (DELETE FROM claim_sessions WHERE id = $1 RETURNING id)
		DELETE FROM claims USING over WHERE session = over.id`

	enter = `INSERT INTO claim_sessions (id, beat, goes_first) VALUES ($1, 0, $2)`
	// resume raises a beat that may be further than the one that is known ($2), so that nothing asked for before is
	// still done; one that is behind it is that of a database that has lost what it committed. sweep gives back
	// what was given without our knowledge, all but $3, while that beat ($2) is the last.
	resume = `UPDATE claim_sessions SET beat = beat + 1 WHERE id = $1 AND beat >= $2 RETURNING beat`
	sweep  = `WITH me AS (SELECT id FROM claim_sessions WHERE id = $1 AND beat = $2 FOR UPDATE)
		DELETE FROM claims USING me WHERE session = me.id AND key <> ALL ($3::bigint[])`
	others = `SELECT id, beat, wants, goes_first FROM claim_sessions WHERE id <> $1`
)

var (
	errTaken   = errors.New("other processes took the session of this one away, as it had said nothing for too long")
	errExpired = errors.New("nothing was heard of the database for too long")
)

// watched is the session of another process.
type watched struct {
	beat  int64
	since time.Time // it has stood still
}

func configure(url string) (*pgx.ConnConfig, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("claims: the database's URL: %w", err)
	}
	config.DefaultQueryExecMode = pgx.QueryExecModeExec // a pooler knows no prepared statements
	config.ConnectTimeout = connectTime
	return config, nil
}

// connect opens a connection and takes the session up again, or begins one.
func (c *Claims) connect(ctx context.Context) (*pgx.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTime)
	defer cancel()
	conn, err := pgx.ConnectConfig(ctx, c.config)
	if err != nil {
		return nil, err
	}
	if err := c.join(ctx, conn); err != nil {
		end(conn)
		return nil, err
	}
	return conn, nil
}

// end closes a connection.
func end(conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	conn.Close(ctx) // fails where the database is gone, which is the same to us
}

// join takes the session up again; where it is over, it begins another.
func (c *Claims) join(ctx context.Context, conn *pgx.Conn) error {
	sent := time.Now()
	if session, held := c.having(); session != 0 {
		c.trips.Add(2)
		err := conn.QueryRow(ctx, resume, session, c.beat).Scan(&c.beat)
		if err == nil {
			_, err = conn.Exec(ctx, sweep, session, c.beat, held)
		}
		if err == nil && c.extend(session, sent) {
			return nil
		}
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		c.lose(session, errTaken)
	}
	return c.begin(ctx, conn)
}

// begin begins a session, and ends the one that was lost.
func (c *Claims) begin(ctx context.Context, conn *pgx.Conn) error {
	id, sent := rand.Int64N(1<<62)+1, time.Now()
	c.trips.Add(2)
	if _, err := conn.Exec(ctx, leave, c.lost()); err != nil {
		return err
	}
	if _, err := conn.Exec(ctx, enter, id, c.first); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.beat, c.freed = 0, nil
	c.lease = lease{session: id, expires: sent.Add(leaseTime), timer: time.AfterFunc(leaseTime, func() { c.expire(id) })}
	return nil
}

// lost returns the session that was lost, 0 if none.
func (c *Claims) lost() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lease.former
}

// run asks for what is wanted until ctx ends.
func (c *Claims) run(ctx context.Context, conn *pgx.Conn) {
	defer close(c.done)
	for conn != nil {
		err := c.serve(ctx, conn)
		if ctx.Err() != nil {
			break
		}
		end(conn)
		conn = c.reconnect(ctx, err)
	}
	session, _ := c.having()
	c.lose(session, ErrClosed)
	c.leave(conn)
}

// leave ends the session that was lost, over a new connection where that is of no more use. Where both fail,
// others do so later.
func (c *Claims) leave(conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), answerTime)
	defer cancel()
	if conn != nil {
		_, err := conn.Exec(ctx, leave, c.lost())
		end(conn)
		if err == nil {
			return
		}
	}
	if conn, err := pgx.ConnectConfig(ctx, c.config); err == nil {
		conn.Exec(ctx, leave, c.lost())
		end(conn)
	}
}

// reconnect tries until there is a connection; nil where ctx ended before.
func (c *Claims) reconnect(ctx context.Context, err error) (conn *pgx.Conn) {
	c.log.Warn("the connection to the database ended; claims stay for some seconds", "seconds", leaseTime.Seconds(), "error", err)
	for pause := firstPause; err != nil; pause = min(2*pause, lastPause) {
		c.mu.Lock()
		c.away = err
		c.mu.Unlock()
		if sleep(ctx, pause) != nil {
			return nil
		}
		conn, err = c.connect(ctx)
	}
	c.log.Info("the database is heard of again")
	c.mu.Lock()
	defer c.mu.Unlock()
	c.away = nil
	return conn
}

// serve asks for what is wanted, all that is due in one round trip or two, and says in between that this
// process is there. The error says why the connection is of no more use.
func (c *Claims) serve(ctx context.Context, conn *pgx.Conn) error {
	for last := time.Now(); ; {
		now := time.Now()
		freed, asked, until := c.due(now, last.Add(c.pause()))
		if len(freed)+len(asked) == 0 && now.Before(until) {
			timer := time.NewTimer(until.Sub(now))
			select {
			case <-c.wake:
			case <-timer.C:
			case <-ctx.Done():
				return ctx.Err()
			}
			timer.Stop()
			continue
		}
		last = now
		if err := c.trip(ctx, conn, freed, asked); errors.Is(err, errTaken) || errors.Is(err, errExpired) {
			if err := c.rejoin(ctx, conn); err != nil {
				return err
			}
		} else if err != nil {
			c.unsaid(freed, asked)
			return err
		}
	}
}

// pause is for how long this process says and hears nothing.
func (c *Claims) pause() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.held) > 0 && !c.first {
		return hearTime
	}
	return beat
}

// rejoin begins another session on a connection that is of use.
func (c *Claims) rejoin(ctx context.Context, conn *pgx.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	return c.begin(ctx, conn)
}

// trip gives back and asks, and sees to the sessions of others.
func (c *Claims) trip(ctx context.Context, conn *pgx.Conn, freed []int64, asked map[int64]*want) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), answerTime) // the end is said by this connection too
	defer cancel()
	session, _ := c.having()
	if session == 0 {
		return errExpired
	}
	silent, err := c.giveBack(ctx, conn, session, freed)
	if err != nil {
		return err
	}
	for id, beat := range silent {
		c.trips.Add(1)
		if _, err := conn.Exec(ctx, reap, id, beat); err != nil {
			return err
		}
	}
	if len(asked) == 0 {
		return nil
	}
	c.trips.Add(1)
	sent := time.Now()
	var alive int
	var keys []int64
	if err := conn.QueryRow(ctx, take, session, c.beat, slices.Collect(maps.Keys(asked))).Scan(&alive, &keys); err != nil {
		return err
	}
	if err := c.raised(session, alive, sent); err != nil {
		return err
	}
	given := make(map[int64]bool)
	for _, k := range keys {
		given[k] = true
	}
	if !c.answered(session, asked, given) {
		return errExpired
	}
	return nil
}

// giveBack gives keys back, and returns the sessions that have been silent for too long, with their beats.
func (c *Claims) giveBack(ctx context.Context, conn *pgx.Conn, session int64, freed []int64) (silent map[int64]int64, err error) {
	c.trips.Add(1)
	sent := time.Now()
	batch := new(pgx.Batch)
	batch.Queue(give, session, c.beat, freed, c.refused())
	batch.Queue(others, session)
	answers := conn.SendBatch(ctx, batch)
	defer answers.Close() // says what the queries have said
	var alive int
	if err := answers.QueryRow().Scan(&alive); err != nil {
		return nil, err
	}
	rows, err := answers.Query()
	if err != nil {
		return nil, err
	}
	seen := make(map[int64]int64)
	contested := make(map[int64]bool)
	var id, beat int64
	var wants []int64
	var first bool
	if _, err := pgx.ForEachRow(rows, []any{&id, &beat, &wants, &first}, func() error {
		seen[id] = beat
		for _, key := range wants {
			contested[key] = contested[key] || first
		}
		return nil
	}); err != nil {
		return nil, err
	}
	if err := answers.Close(); err != nil { // with which it is committed
		return nil, err
	}
	c.hear(contested)
	return c.watch(seen, sent), c.raised(session, alive, sent)
}

// raised notes that the beat of the session was raised by what was sent at a time, if it was.
func (c *Claims) raised(session int64, alive int, sent time.Time) error {
	if alive != 1 {
		c.lose(session, errTaken)
		return errTaken
	}
	c.beat++
	if !c.extend(session, sent) {
		return errExpired
	}
	return nil
}

// watch compares the beats of others, asked for at a time, with those of before. It returns those that stood
// still for too long.
func (c *Claims) watch(seen map[int64]int64, asked time.Time) (silent map[int64]int64) {
	maps.DeleteFunc(c.others, func(id int64, _ watched) bool { _, there := seen[id]; return !there })
	silent = make(map[int64]int64)
	for id, beat := range seen {
		if w, known := c.others[id]; !known || w.beat != beat {
			c.others[id] = watched{beat, time.Now()}
		} else if asked.Sub(w.since) >= silence {
			silent[id] = beat
		}
	}
	return silent
}

// sleep waits for d. The error is that of ctx, when that ends before.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
