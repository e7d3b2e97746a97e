package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"strings"
)

// ErrNotEmpty says that something is kept already.
var ErrNotEmpty = errors.New("it is not empty")

// table is one that is copied, column by column.
type table struct {
	name    string
	key     string // columns that say in which order its rows come
	columns []column
}

type column struct {
	name string
	kind byte // as a row of tables names it
}

// tables are all that hold what is kept, but for the jobs: 's' text, 'i' whole numbers, 'b' octets, 't' whether.
var tables = []table{
	of("reports", "seq", "seq:i id:s domain:s checked_at:i letter:s provisional:t rules:i body:b spoilt:t"),
	of("surveys", "name", "name:s title:s every:i list:s domains:i named:t"),
	of("survey_lines", "list, n", "list:s n:i domain:s labels:s"),
	of("survey_runs", "id", "id:i survey:s began:i ended:i domains:i fed:i done:i looks:i brief:s totals:s date:s"),
	of("survey_results", "run, n", "run:i n:i facts:s"),
	of("survey_parts", "run, n", "run:i n:i waits:i body:b"),
	of("survey_servers", "run, address", "run:i address:s looking:t alike:s"),
	of("survey_waits", "run, address, name, n", "run:i address:s name:s n:i"),
	of("survey_looks", "seq", "seq:i run:i address:s name:s body:b"),
	of("survey_sums", "run", "run:i next:i state:b"),
	of("survey_numbers", "run, number, first", "run:i number:s first:i lines:b"),
	of("inboxes", "token", "token:s key:s domain:s made:i last:i"),
	of("inbox_reports", "seq", "seq:i token:s key:s received:i body:b"),
	of("secrets", "name", "name:s value:b"),
	of("sender_tests", "id", "id:s ends:i bare:t body:b"),
	of("watches", "key", "key:s token:s domain:s target:s secret:s inbox:s made:i confirmed:i looked:i next:i state:s missed:i"),
	of("watch_messages", "id", "id:s watch:s made:i sent:i tries:i given_up:t error:s events:s"),
}

func of(name, key, columns string) table {
	t := table{name: name, key: key}
	for _, c := range strings.Fields(columns) {
		name, kind, _ := strings.Cut(c, ":")
		t.columns = append(t.columns, column{name, kind[0]})
	}
	return t
}

func (t table) names() string {
	list := make([]string, len(t.columns))
	for i, c := range t.columns {
		list[i] = c.name
	}
	return strings.Join(list, ", ")
}

// Copied is what was copied of one kind.
type Copied struct {
	What string // the table
	Rows int64
}

// copyBatch is how many rows are put in with one change.
const copyBatch = 500

// Copy puts all that one store holds into another that is empty, but for the jobs, and then reads both and
// compares them, row by row. Nobody may write to either meanwhile. The error names the table; ErrNotEmpty:
// the other holds something. What fails leaves the other to be made anew.
func Copy(ctx context.Context, from, to *Store) (list []Copied, err error) {
	for _, t := range tables {
		var there bool
		if err := to.read.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM "+t.name+")").Scan(&there); err != nil {
			return nil, fmt.Errorf("store: %s: %w", t.name, err)
		}
		if there {
			return nil, fmt.Errorf("store: %w: there is something in %s", ErrNotEmpty, t.name)
		}
	}
	for _, t := range tables {
		if err := t.copy(ctx, from, to); err != nil {
			return list, fmt.Errorf("store: copy %s: %w", t.name, err)
		}
		rows, sum, err := t.sum(ctx, from)
		if err != nil {
			return list, fmt.Errorf("store: read %s again: %w", t.name, err)
		}
		others, other, err := t.sum(ctx, to)
		if err != nil {
			return list, fmt.Errorf("store: read the copy of %s: %w", t.name, err)
		}
		if rows != others || sum != other {
			return list, fmt.Errorf("store: %s: %d rows and their copy, %d rows, are not the same", t.name, rows, others)
		}
		list = append(list, Copied{t.name, rows})
	}
	return list, to.engine.Numbered(ctx)
}

// each hands on the rows of a table in the order of their key.
func (t table) each(ctx context.Context, s *Store, take func(row []any) error) error {
	rows, err := s.read.QueryContext(ctx, "SELECT "+t.names()+" FROM "+t.name+" ORDER BY "+t.key)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		row := make([]any, len(t.columns))
		for i, c := range t.columns {
			row[i] = c.holder()
		}
		if err := rows.Scan(row...); err != nil {
			return err
		}
		for i := range row {
			row[i] = held(row[i])
		}
		if err := take(row); err != nil {
			return err
		}
	}
	return rows.Err()
}

// holder is where a value of a column is read into; any may be NULL.
func (c column) holder() any {
	switch c.kind {
	case 'i':
		return new(sql.NullInt64)
	case 't':
		return new(sql.NullBool)
	case 'b':
		return new(sql.Null[[]byte])
	}
	return new(sql.NullString)
}

// held is what was read, nil for NULL.
func held(holder any) any {
	switch h := holder.(type) {
	case *sql.NullInt64:
		if h.Valid {
			return h.Int64
		}
	case *sql.NullBool:
		if h.Valid {
			return h.Bool
		}
	case *sql.NullString:
		if h.Valid {
			return h.String
		}
	case *sql.Null[[]byte]:
		if h.Valid {
			return append([]byte{}, h.V...)
		}
	}
	return nil
}

func (t table) copy(ctx context.Context, from, to *Store) error {
	var batch [][]any
	flush := func() error {
		err := to.Change(ctx, func(tx *Tx) error { return t.insert(ctx, tx.tx, batch) })
		batch = batch[:0]
		return err
	}
	if err := t.each(ctx, from, func(row []any) error {
		if batch = append(batch, row); len(batch) < copyBatch {
			return nil
		}
		return flush()
	}); err != nil {
		return err
	}
	return flush()
}

func (t table) insert(ctx context.Context, tx *sql.Tx, batch [][]any) error {
	places := make([]string, len(t.columns))
	for i := range places {
		places[i] = fmt.Sprintf("$%d", i+1)
	}
	for _, row := range batch {
		if _, err := tx.ExecContext(ctx, "INSERT INTO "+t.name+" ("+t.names()+") VALUES ("+strings.Join(places, ", ")+")", row...); err != nil {
			return err
		}
	}
	return nil
}

// sum is how many rows a table has, and a digest of all that is in them.
func (t table) sum(ctx context.Context, s *Store) (rows int64, digest [sha256.Size]byte, err error) {
	h := sha256.New()
	err = t.each(ctx, s, func(row []any) error {
		rows++
		for _, v := range row {
			add(h, v)
		}
		return nil
	})
	return rows, [sha256.Size]byte(h.Sum(nil)), err
}

func add(h hash.Hash, v any) {
	text := []byte(fmt.Sprint(v))
	if octets, is := v.([]byte); is {
		text = octets
	}
	var head [9]byte
	binary.BigEndian.PutUint64(head[:], uint64(len(text)))
	if v == nil {
		head[8] = 1
	}
	h.Write(head[:])
	h.Write(text)
}
