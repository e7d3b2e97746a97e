package main

import (
	"net/http"
	"time"

	"mxseal/testdata/faults/world"
)

// seen is what is read of a report.
type seen struct {
	CheckedAt   time.Time `json:"checked_at"`
	ElapsedMS   int       `json:"elapsed_ms"`
	Interrupted string
	Grade       struct{ Letter string }
}

// reportOf returns the report of a domain, nil while there is none.
func reportOf(c *http.Client, p *world.Program, domain string) (*seen, error) {
	r := new(seen)
	there, err := p.Report(c, domain, r)
	if !there {
		return nil, err
	}
	return r, err
}
