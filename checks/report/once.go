package report

import (
	"encoding/json"
	"slices"
)

// MarshalJSON is JSON, for whoever writes a report as a part of something.
func (r Report) MarshalJSON() ([]byte, error) { return r.JSON() }

// JSON writes the octets of each certificate once, where it first appears; everywhere else its
// digest (sha256) leads there. All else that is said of it stands at every place. json.Marshal
// would read all of that once more.
func (r *Report) JSON() ([]byte, error) {
	seen := make(map[string]bool)
	out := written{Meta: &r.Meta, Rules: r.Rules, Grade: r.Grade, Matrix: r.Matrix, Badges: r.Badges, Evidence: r.Evidence,
		Findings: r.Findings, Changes: r.Changes, Forecast: r.Forecast}
	out.Hosts = slices.Clone(r.Hosts)
	for i, h := range r.Hosts {
		out.Hosts[i] = h.once(seen)
	}
	if m := r.MTASTS; m != nil {
		own := *m
		own.Fetch, own.Second = m.Fetch.once(seen), m.Second.once(seen)
		out.MTASTS = &own
	}
	return json.Marshal(out)
}

// written is the order in which a report is written: the grade before the evidence.
type written struct {
	*Meta
	Rules  int     `json:"rules"`
	Grade  *Grade  `json:"grade,omitempty"`
	Matrix Matrix  `json:"matrix,omitempty"`
	Badges []Badge `json:"badges,omitempty"`
	Evidence
	Findings []Finding `json:"findings,omitempty"`
	Changes  []Change  `json:"changes,omitempty"`
	Forecast []Due     `json:"forecast,omitempty"`
}

// UnmarshalJSON reads a report, and puts the octets of a certificate back at every place.
func (r *Report) UnmarshalJSON(text []byte) error {
	if err := json.Unmarshal(text, (*plain)(r)); err != nil {
		return err
	}
	known := make(map[string][]byte)
	for _, fill := range []bool{false, true} {
		for _, h := range r.Hosts {
			h.whole(known, fill)
		}
		if m := r.MTASTS; m != nil {
			m.Fetch.whole(known, fill)
			m.Second.whole(known, fill)
		}
	}
	return nil
}

// plain is a Report that is written as it is.
type plain Report

func (h *Host) once(seen map[string]bool) *Host {
	if h == nil {
		return nil
	}
	out := *h
	out.Addresses = slices.Clone(h.Addresses)
	for i, a := range out.Addresses {
		if a == nil {
			continue
		}
		own := *a
		own.Certificates = once(a.Certificates, seen)
		if a.AsBase != nil {
			base := *a.AsBase
			base.Certificates = once(base.Certificates, seen)
			own.AsBase = &base
		}
		out.Addresses[i] = &own
	}
	return &out
}

func (f *Fetch) once(seen map[string]bool) *Fetch {
	if f == nil || f.Certificate == nil {
		return f
	}
	out := *f
	out.Certificate = once([]*Certificate{f.Certificate}, seen)[0]
	return &out
}

func once(list []*Certificate, seen map[string]bool) []*Certificate {
	if list == nil {
		return nil
	}
	out := make([]*Certificate, len(list))
	for i, c := range list {
		if c == nil {
			continue
		}
		own := *c
		if len(c.DER) > 0 && seen[c.SHA256] {
			own.DER = nil
		}
		seen[c.SHA256] = seen[c.SHA256] || len(c.DER) > 0
		own.Chain = once(c.Chain, seen)
		out[i] = &own
	}
	return out
}

func (h *Host) whole(known map[string][]byte, fill bool) {
	if h == nil {
		return
	}
	for _, a := range h.Addresses {
		if a == nil {
			continue
		}
		whole(a.Certificates, known, fill)
		if a.AsBase != nil {
			whole(a.AsBase.Certificates, known, fill)
		}
	}
}

func (f *Fetch) whole(known map[string][]byte, fill bool) {
	if f != nil && f.Certificate != nil {
		whole([]*Certificate{f.Certificate}, known, fill)
	}
}

// whole learns the octets of certificates, or fills them in where they are missing.
func whole(list []*Certificate, known map[string][]byte, fill bool) {
	for _, c := range list {
		switch {
		case c == nil:
			continue
		case fill && len(c.DER) == 0 && c.Kept():
			c.DER = known[c.SHA256]
		case len(c.DER) > 0:
			known[c.SHA256] = c.DER
		}
		whole(c.Chain, known, fill)
	}
}
