package pkix

import (
	"crypto/x509"
	"slices"
	"time"

	"mxseal/checks/report"
)

// Anchor is what a path may end at: a certificate, or a bare key.
type Anchor struct {
	Certificate *Certificate
	Key         *Key
	// constraint is Mozilla's word on a root that stands for some of its certificates only; nil for none.
	constraint func(leaf []*x509.Certificate) error
}

// Path is a way from a certificate up to an anchor, and everything that stands against it.
type Path struct {
	Certificates []*Certificate     // the leaf first; an anchor that is a certificate is the last
	Anchored     bool               // it reaches an anchor
	Bare         bool               // which is a key without certificate
	Faults       []report.PathFault // the deepest reason first; none for a path that holds
}

// Holds reports whether nothing stands against a path.
func (p Path) Holds() bool { return p.Anchored && len(p.Faults) == 0 }

// Dated reports whether nothing but dates stands against it.
func (p Path) Dated() bool {
	return p.Anchored && !slices.ContainsFunc(p.Faults, func(f report.PathFault) bool { return !f.Dated() })
}

// Has reports whether a path has a fault of that kind.
func (p Path) Has(code report.FaultCode) bool {
	return slices.ContainsFunc(p.Faults, func(f report.PathFault) bool { return f.Code == code })
}

// Contains reports whether a certificate is on the path.
func (p Path) Contains(c *Certificate) bool { return slices.ContainsFunc(p.Certificates, c.Equal) }

// Bounds of the search. An honest list leads to an anchor on one of the first ways.
const (
	maxDepth      = 16  // certificates of a path
	maxSignatures = 100 // that are checked for one answer
	maxWays       = 400 // that are looked at
)

// Build looks for the best way from a leaf to one of the anchors through what was sent, at that
// time. What stands against a way is judged as OpenSSL 3.0 does for a TLS server at security level
// 1, with its roots first and every alternate tried: keys below 80 bits and hashes below SHA-224
// stand against it, and the dates of an anchor only where it is signed by itself. The leaf is an anchor
// only where own is set.
func Build(leaf *Certificate, sent []*Certificate, anchors []Anchor, own bool, at time.Time) Path {
	s := &search{sent: sent, anchors: anchors, own: own, at: at, checked: make(map[signing]outcome)}
	s.bySubject = make(map[string][]*Certificate)
	for _, c := range sent {
		s.bySubject[c.Subject.canon] = append(s.bySubject[c.Subject.canon], c)
	}
	s.climb([]*Certificate{leaf})
	if s.spent && !s.best.Holds() {
		s.best.Faults = append(s.best.Faults, report.PathFault{Code: report.FaultTooMuch, About: leaf.Subject.Text})
	}
	return s.best
}

// signing is a certificate and the key it is checked with.
type signing struct {
	c   *Certificate
	key *Key
}

type search struct {
	sent      []*Certificate
	bySubject map[string][]*Certificate
	anchors   []Anchor
	own       bool
	at        time.Time
	checked   map[signing]outcome
	ways      int
	spent     bool // a bound was reached
	found     bool
	best      Path
}

// climb goes on from the last certificate of a way.
func (s *search) climb(way []*Certificate) {
	if s.ways++; s.ways > maxWays || len(way) > maxDepth {
		s.spent = true
		return
	}
	top, ended := way[len(way)-1], true
	for i := range s.anchors {
		a := &s.anchors[i]
		switch {
		case s.best.Holds():
			return
		case a.Key != nil:
			if s.check(top, a.Key) == right {
				ended = false
				s.arrive(way, a)
			}
		case a.Certificate.Equal(top):
			if ended = false; len(way) > 1 || s.own {
				s.arrive(way, a)
			}
		case top.issuedBy(a.Certificate) && !contains(way, a.Certificate):
			ended = false
			s.arrive(append(slices.Clone(way), a.Certificate), a)
		}
	}
	for _, c := range s.candidates(top) {
		if s.best.Holds() {
			return
		}
		if !repeats(way, c) {
			ended = false
			s.climb(append(slices.Clone(way), c))
		}
	}
	if ended {
		s.end(way)
	}
}

// candidates are the certificates that may have issued one, in the order that OpenSSL tries
// them: those in date first, and those whose key signed it before those whose key did not.
func (s *search) candidates(top *Certificate) []*Certificate {
	all := slices.Clone(s.bySubject[top.Issuer.canon])
	rank := func(c *Certificate) int {
		n := 0
		if s.at.Before(c.NotBefore) || s.at.After(c.NotAfter) {
			n++
		}
		if !top.names(c) {
			n += 2
		}
		if len(all) > 1 && s.check(top, c.Key) == wrong {
			n += 4
		}
		return n
	}
	slices.SortStableFunc(all, func(a, b *Certificate) int { return rank(a) - rank(b) })
	return all
}

func contains(way []*Certificate, c *Certificate) bool { return slices.ContainsFunc(way, c.Equal) }

// repeats reports whether a certificate would lead in a circle: an authority that is there
// already under the same name with the same key.
func repeats(way []*Certificate, c *Certificate) bool {
	return slices.ContainsFunc(way, func(w *Certificate) bool {
		return w.Equal(c) || w.Subject.canon == c.Subject.canon && string(w.SPKI) == string(c.SPKI)
	})
}

// check checks a signature, each once and not without end.
func (s *search) check(c *Certificate, key *Key) outcome {
	k := signing{c, key}
	o, known := s.checked[k]
	if !known {
		if len(s.checked) >= maxSignatures {
			s.spent = true
			return unchecked
		}
		o = verify(c, key)
		s.checked[k] = o
	}
	return o
}

// end takes a way that leads to no anchor, if there is no better one.
func (s *search) end(way []*Certificate) {
	top := way[len(way)-1]
	f := report.PathFault{Code: report.FaultNoIssuer, Depth: len(way) - 1, About: top.Subject.Text}
	if top.SelfIssued() {
		f.Code = report.FaultNoAnchor
	}
	s.offer(Path{Certificates: way, Faults: append([]report.PathFault{f}, s.faults(way, nil)...)})
}

func (s *search) arrive(way []*Certificate, a *Anchor) {
	p := Path{Certificates: way, Anchored: true, Bare: a.Key != nil}
	p.Faults = s.faults(way, a)
	s.offer(p)
}

// offer keeps the better of two: one with an anchor, then one with fewer faults that time does not heal.
func (s *search) offer(p Path) {
	weight := func(p Path) int {
		n := 0
		if !p.Anchored {
			n = 1 << 16
		}
		for _, f := range p.Faults {
			switch {
			case f.Dated():
				n++
			case f.Code == report.FaultWrongSignature:
				n += 1 << 12
			default:
				n += 1 << 8
			}
		}
		return n
	}
	if !s.found || weight(p) < weight(s.best) {
		s.found, s.best = true, p
	}
}
