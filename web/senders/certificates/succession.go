package certificates

import (
	"cmp"
	"crypto/tls"
	"slices"
	"time"
)

// around is how long the zone names two certificates at a change: longer than its records are kept elsewhere.
const around = 2 * Cached

// succession is the certificate in use, and the one that follows it. A sender may have TLSA records from its
// cache: so a certificate is named by the zone for a while before it is shown, and for a while after. One that is
// over is of no use to anybody: the next is shown at once.
type succession struct {
	now, next *tls.Certificate
	from      time.Time // when next is shown in place of now
}

// put has a certificate follow the latest one. The first one is shown at once.
func (s *succession) put(c *tls.Certificate, at time.Time) {
	switch latest := cmp.Or(s.next, s.now); {
	case latest == nil:
		s.now = c
	case c != nil && c != latest:
		s.now, s.next, s.from = s.shown(at), c, at.Add(around)
		if over := s.now.Leaf.NotAfter; over.Before(s.from) {
			s.from = over
		}
	}
}

// shown is the certificate in use at a moment; nil for none.
func (s *succession) shown(at time.Time) *tls.Certificate {
	if s.next != nil && !at.Before(s.from) {
		return s.next
	}
	return s.now
}

// named are the certificates that the zone names at a moment.
func (s *succession) named(at time.Time) []*tls.Certificate {
	all := []*tls.Certificate{s.shown(at.Add(-around)), s.shown(at.Add(around))}
	return slices.Compact(slices.DeleteFunc(all, func(c *tls.Certificate) bool { return c == nil }))
}
