package store

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"sync"

	"mxseal/checks/report"
)

// MaxReport bounds a kept report, packed or not, in octets: one that is longer is neither written
// nor read. The largest that a check can make is a quarter of it.
const MaxReport = 4 << 20

// Row is a report as it lies in a store: what it is found and listed by, and all of it, packed.
type Row struct {
	Entry
	Domain string // A-label
	Spoilt bool   // trouble of our own had a part in it
	Body   []byte // gzip over its JSON
}

// RowOf makes a row of a report, without the sentences that its rules give again. The error says
// why the report cannot be kept.
func RowOf(r *report.Report) (Row, error) {
	body, err := Pack(r.Bare())
	if err != nil {
		return Row{}, fmt.Errorf("store: report %s of %s: %w", r.ID, r.Domain, err)
	}
	row := Row{Entry: Entry{ID: r.ID, CheckedAt: r.CheckedAt, Rules: r.Rules}, Domain: r.Domain, Spoilt: r.Spoilt(), Body: body}
	if r.Grade != nil {
		row.Letter, row.Provisional = r.Grade.Letter, r.Grade.Provisional
	}
	return row, nil
}

var packers = sync.Pool{New: func() any { return gzip.NewWriter(io.Discard) }}

// Pack makes the body of a row: gzip over the report's JSON.
func Pack(r *report.Report) ([]byte, error) {
	var b bytes.Buffer
	z := packers.Get().(*gzip.Writer) // one is a megabyte, more than a report
	defer packers.Put(z)
	z.Reset(&b)
	text, err := r.JSON()
	if err != nil {
		return nil, err
	}
	if len(text) > MaxReport {
		return nil, fmt.Errorf("it is %d octets long, and one of more than %d could not be read again", len(text), MaxReport)
	}
	z.Write(text) // into memory
	if err := z.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// Unpack makes a report of the body of a row, as it was packed; nil stands for a body that is larger
// than MaxReport. It reads to the very end: the checksum of gzip stands there. The error is
// ErrUnreadable.
func Unpack(body []byte) (*report.Report, error) {
	if body == nil {
		return nil, fmt.Errorf("store: %w: it is larger than %d octets", ErrUnreadable, MaxReport)
	}
	z, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("store: %w: %w", ErrUnreadable, err)
	}
	text, err := io.ReadAll(io.LimitReader(z, MaxReport+1))
	if err == nil && len(text) > MaxReport {
		err = fmt.Errorf("it is larger than %d octets", MaxReport)
	}
	r := new(report.Report)
	if err == nil {
		err = json.Unmarshal(text, r)
	}
	if err != nil {
		return nil, fmt.Errorf("store: %w: %w", ErrUnreadable, err)
	}
	return r, nil
}
