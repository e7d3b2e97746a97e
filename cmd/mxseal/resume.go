package main

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

// openResumed opens what an earlier run wrote, tells done which domains it holds, and returns the
// file to go on writing, with whether it is empty. A file that is not there begins. What an
// earlier run did not write to its end goes.
func openResumed(name, format string, done func(domain string)) (f *os.File, empty bool, err error) {
	domainOf, known := resumable[format]
	if !known {
		return nil, false, errors.New("--resume goes on with --format ndjson or csv")
	}
	if f, err = os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o644); err != nil {
		return nil, false, fmt.Errorf("--resume: %w", err)
	}
	whole, err := eachRow(f, func(row []byte) error {
		domain, err := domainOf(row)
		if err == nil {
			done(domain)
		}
		return err
	})
	if err == nil {
		err = f.Truncate(whole)
	}
	if err == nil {
		_, err = f.Seek(whole, io.SeekStart)
	}
	if err != nil {
		f.Close()
		return nil, false, fmt.Errorf("--resume: %s: %w", name, err)
	}
	return f, whole == 0, nil
}

// resumable are the formats that can go on, with how the domain of a row is found.
var resumable = map[string]func(row []byte) (string, error){
	"ndjson": func(row []byte) (string, error) {
		var r struct{ Domain string }
		if json.Unmarshal(row, &r) != nil || r.Domain == "" {
			return "", errors.New("this is not what --format ndjson writes; name a file of its own")
		}
		return r.Domain, nil
	},
	"csv": func(row []byte) (string, error) {
		in := csv.NewReader(bytes.NewReader(row))
		fields, err := in.Read()
		if err != nil || len(fields) != len(csvHead) {
			return "", errors.New("this is not what --format csv writes; name a file of its own")
		}
		return fields[0], nil // that of the head is no domain
	},
}

// eachRow hands on each line that has its end, and returns how many octets they are.
func eachRow(f io.Reader, take func(row []byte) error) (whole int64, err error) {
	in := bufio.NewReaderSize(f, 1<<20)
	for number := 1; ; number++ {
		row, err := rowOf(in)
		if err == io.EOF {
			return whole, nil
		}
		if err == nil {
			err = take(row)
		}
		if err != nil {
			return whole, fmt.Errorf("line %d: %w", number, err)
		}
		whole += int64(len(row))
	}
}

// rowOf reads a line with its end. io.EOF stands for a line that has none, too.
func rowOf(in *bufio.Reader) (row []byte, err error) {
	for {
		part, err := in.ReadSlice('\n')
		row = append(row, part...)
		switch {
		case err == nil:
			return row, nil
		case err != bufio.ErrBufferFull:
			return nil, err
		case len(row) > maxReport:
			return nil, fmt.Errorf("it is longer than %d MiB", maxReport>>20)
		}
	}
}
