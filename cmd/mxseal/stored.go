package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"mxseal/checks/report"
)

// stored are reports as check writes them as json and ndjson: one, an array of them, or one
// behind the other.
type stored struct {
	in      *bounded
	d       *json.Decoder
	array   bool
	opening bool // nothing was read of the array
}

func openStored(r io.Reader) (*stored, error) {
	in := &bounded{r, maxReport}
	head := bufio.NewReader(in)
	for {
		c, err := head.ReadByte()
		switch {
		case err == io.EOF:
			return nil, errors.New("this is no report: there is nothing to read")
		case err != nil:
			return nil, err
		case c == ' ', c == '\t', c == '\r', c == '\n':
			continue
		}
		head.UnreadByte()
		return &stored{in, json.NewDecoder(head), c == '[', c == '['}, nil
	}
}

// next returns the next report, and io.EOF behind the last.
func (s *stored) next() (*report.Report, error) {
	s.in.left = maxReport
	if s.opening {
		s.opening = false
		s.d.Token()
	}
	if s.array && !s.d.More() {
		if _, err := s.d.Token(); err != nil {
			return nil, fmt.Errorf("the array does not end: %w", err)
		}
		return nil, io.EOF
	}
	var r report.Report
	switch err := s.d.Decode(&r); {
	case err == io.EOF && !s.array:
		return nil, err
	case err != nil:
		return nil, fmt.Errorf("this is no report: %s", quoted(err))
	case r.Schema != report.Schema:
		return nil, fmt.Errorf("this is no report of schema %d", report.Schema)
	}
	return &r, nil
}

// writer writes JSON in the form that was read. It is asked behind the first report, when it
// can be told whether more follow.
func (s *stored) writer(w io.Writer) writer {
	if !s.array && s.d.More() {
		return ndjsonWriter{json.NewEncoder(w)}
	}
	return &jsonWriter{w: w, array: s.array, list: []*report.Report{}}
}

// bounded reads no more than is left.
type bounded struct {
	r    io.Reader
	left int
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, fmt.Errorf("a report is larger than %d MiB", maxReport>>20)
	}
	n, err := b.r.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

// maxReport bounds what grade reads of one report, or of all facts: none comes near it.
const maxReport = 64 << 20

// quoted is an error that may hold words of a foreign file.
func quoted(err error) string { return report.Clean(err.Error(), 500) }
