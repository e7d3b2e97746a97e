package main

import (
	"encoding/json"
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
	req, err := http.NewRequest(http.MethodGet, p.URL+"/check/"+domain, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json")
	resp, err := c.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, nil
	}
	r := new(seen)
	return r, json.NewDecoder(resp.Body).Decode(r)
}
