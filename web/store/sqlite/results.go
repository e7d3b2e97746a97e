package sqlite

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"

	"mxseal/web/store"
)

// results are the results of a run, each with the letters of two earlier runs.
const results = `SELECT f.n, l.domain, l.labels, f.facts,
		coalesce((SELECT facts ->> 'letter' FROM survey_results WHERE run = ?2 AND n = f.n), ''),
		coalesce((SELECT facts ->> 'letter' FROM survey_results WHERE run = ?3 AND n = f.n), '')
	FROM survey_runs r JOIN surveys s ON s.name = r.survey JOIN survey_results f ON f.run = r.id JOIN survey_lines l ON l.list = s.list AND l.n = f.n
	WHERE r.id = ?1 `

// Results are what a run has found out about n domains, from a line on and in the order of the list, with
// the letters that they had in two earlier runs (0 for none).
func (s *Store) Results(ctx context.Context, id int64, from, n int, earlier [2]int64) ([]store.Result, error) {
	return s.results(ctx, results+`AND f.n >= ?4 ORDER BY f.n LIMIT ?5`, id, earlier[0], earlier[1], from, n)
}

// Behind are domains that are behind a number of a run: the first block of them that begins at a line or
// after it. next is the line at which the block after it begins, 0 where there is none.
func (s *Store) Behind(ctx context.Context, id int64, number string, from int) (list []store.Result, next int, err error) {
	var packed []byte
	err = s.read.QueryRowContext(ctx, `SELECT lines, coalesce((SELECT min(first) FROM survey_numbers WHERE run = b.run AND number = b.number AND first > b.first), 0)
		FROM survey_numbers b WHERE run = ? AND number = ? AND first >= ? ORDER BY first LIMIT 1`, id, number, from).Scan(&packed, &next)
	if err != nil {
		return nil, 0, readOne(err, "the domains of a number")
	}
	lines, err := json.Marshal(unpackLines(packed))
	if err != nil {
		return nil, 0, fmt.Errorf("store: %w", err)
	}
	list, err = s.results(ctx, results+`AND f.n IN (SELECT value FROM json_each(?4)) ORDER BY f.n`, id, 0, 0, string(lines))
	return list, next, err
}

func (s *Store) results(ctx context.Context, query string, args ...any) (list []store.Result, err error) {
	rows, err := s.read.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("store: read the results: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var one store.Result
		var labels string
		if err := rows.Scan(&one.N, &one.Domain, &labels, &one.Facts, &one.Earlier[0], &one.Earlier[1]); err != nil {
			return nil, fmt.Errorf("store: read the results: %w", err)
		}
		if err := json.Unmarshal([]byte(labels), &one.Labels); err != nil {
			return nil, fmt.Errorf("store: read the labels of %s: %w", one.Domain, err)
		}
		list = append(list, one)
	}
	return list, rows.Err()
}

// packLines packs line numbers, which ascend, as what lies between each and the one before.
func packLines(lines []int) (packed []byte) {
	last := 0
	for _, n := range lines {
		packed = binary.AppendUvarint(packed, uint64(n-last))
		last = n
	}
	return packed
}

func unpackLines(packed []byte) []int {
	lines, last := []int{}, 0
	for len(packed) > 0 {
		step, octets := binary.Uvarint(packed)
		if octets <= 0 {
			break
		}
		last += int(step)
		lines, packed = append(lines, last), packed[octets:]
	}
	return lines
}
