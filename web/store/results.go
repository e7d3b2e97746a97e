package store

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// results are the results of a run, each with the letters of two earlier runs.
const results = `SELECT f.n, l.domain, l.labels, f.facts,
		coalesce((SELECT facts ->> 'letter' FROM survey_results WHERE run = $2 AND n = f.n), ''),
		coalesce((SELECT facts ->> 'letter' FROM survey_results WHERE run = $3 AND n = f.n), '')
	FROM survey_runs r JOIN surveys s ON s.name = r.survey JOIN survey_results f ON f.run = r.id JOIN survey_lines l ON l.list = s.list AND l.n = f.n
	WHERE r.id = $1 `

// Results are what a run has found out about n domains, from a line on and in the order of the list, with
// the letters that they had in two earlier runs (0 for none).
func (s *Store) Results(ctx context.Context, id int64, from, n int, earlier [2]int64) ([]Result, error) {
	return s.results(ctx, results+`AND f.n >= $4 ORDER BY f.n LIMIT $5`, id, earlier[0], earlier[1], from, n)
}

// Behind are domains that are behind a number of a run: the first block of them that begins at a line or
// after it. next is the line at which the block after it begins, 0 where there is none.
func (s *Store) Behind(ctx context.Context, id int64, number string, from int) (list []Result, next int, err error) {
	var packed []byte
	err = s.read.QueryRowContext(ctx, `SELECT lines, coalesce((SELECT min(first) FROM survey_numbers WHERE run = b.run AND number = b.number AND first > b.first), 0)
		FROM survey_numbers b WHERE run = $1 AND number = $2 AND first >= $3 ORDER BY first LIMIT 1`, id, number, from).Scan(&packed, &next)
	if err != nil {
		return nil, 0, readOne(err, "the domains of a number")
	}
	lines := unpackLines(packed)
	numbers := make([]string, len(lines))
	for i, n := range lines {
		numbers[i] = strconv.Itoa(n)
	}
	list, err = s.results(ctx, results+`AND f.n IN (`+strings.Join(numbers, ", ")+`) ORDER BY f.n`, id, 0, 0)
	return list, next, err
}

// Published is what the last run of a survey has found out about a domain.
type Published struct {
	Survey, Title string
	Date          string    // of the run, as in Run
	Began         time.Time // the run
	Facts         []byte    // JSON, of package surveys
}

// PublishedOf is what n surveys at most have found out about a domain, of those that publish their domains:
// each by its last run that is counted, the latest first.
func (s *Store) PublishedOf(ctx context.Context, domain string, n int) (list []Published, err error) {
	rows, err := s.read.QueryContext(ctx, `SELECT s.name, s.title, r.date, r.began, f.facts
		FROM surveys s JOIN survey_lines l ON l.list = s.list AND l.domain = $1
		JOIN survey_runs r ON r.id = (SELECT max(id) FROM survey_runs WHERE survey = s.name AND brief IS NOT NULL)
		JOIN survey_results f ON f.run = r.id AND f.n = l.n
		WHERE s.named ORDER BY r.began DESC LIMIT $2`, domain, n)
	if err != nil {
		return nil, fmt.Errorf("store: read what surveys found: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var one Published
		var began int64
		if err := rows.Scan(&one.Survey, &one.Title, &one.Date, &began, &one.Facts); err != nil {
			return nil, fmt.Errorf("store: read what surveys found: %w", err)
		}
		one.Began = time.UnixMilli(began).UTC()
		list = append(list, one)
	}
	return list, rows.Err()
}

func (s *Store) results(ctx context.Context, query string, args ...any) (list []Result, err error) {
	rows, err := s.read.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("store: read the results: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var one Result
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
