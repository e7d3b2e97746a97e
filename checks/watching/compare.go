package watching

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"mxseal/checks/report"
)

const (
	day         = 24 * time.Hour
	soon        = 14 * day // before its end something is late whose rhythm is not known
	soonSigned  = 3 * day  // the same of signatures, which signers renew by themselves
	least       = 2 * day  // before its end everything is late
	part        = 6        // of the time for which something holds, that no more of it than this is late without a rhythm
	keepLeads   = 5
	needLeads   = 2       // that make a rhythm
	lateAt      = 2.0 / 3 // of the shortest of them
	gap         = 2 * day // between two looks, after which nobody knows when something was renewed
	reportFresh = 3 * day // for so long a TLS report counts
	reportQuiet = 7 * day // after which the same failure is told again
	reporters   = 2       // are several
	maxEnds     = 60      // things that end that are kept of a domain
	maxHosts    = 30      // mail servers of which keys are
)

// certain reports whether what a report says of letter and promises may be told.
func certain(r *report.Report) bool { return r.Grade.Firm() || r.Grade.Lost() }

// ofLetter reports whether an event follows from the letter and what comes with it.
func ofLetter(e Event) bool { return slices.Contains([]Kind{LetterChanged, Broken, Kept}, e.Kind) }

// compare is what a look sees that was not told. Of the first letter of all there is nothing to tell.
func (s *State) compare(r *report.Report, now time.Time) (list []Event) {
	if certain(r) {
		list = append(list, s.promises(r)...)
	}
	if r.Grade.Firm() {
		switch s.Letter {
		case "":
			s.Letter = r.Grade.Letter
		case r.Grade.Letter:
		default:
			list = append(list, Event{Kind: LetterChanged, From: s.Letter, To: r.Grade.Letter})
		}
	}
	return append(append(list, s.late(r, now)...), s.unnamed(r)...)
}

// promises are those that are broken now and were not, or the other way round. Of a domain that is lost
// nobody knows more.
func (s *State) promises(r *report.Report) (list []Event) {
	broken := r.Grade.Broken
	if r.Grade.Lost() {
		broken = append(slices.DeleteFunc(slices.Clone(s.Broken), func(b report.Promise) bool { return b == Lost }), Lost)
	}
	for _, b := range broken {
		if !slices.Contains(s.Broken, b) {
			list = append(list, Event{Kind: Broken, Promise: b})
		}
	}
	for _, b := range s.Broken {
		if !slices.Contains(broken, b) {
			list = append(list, Event{Kind: Kept, Promise: b})
		}
	}
	return list
}

// learn notes what ends when, how long before its end the last one was renewed, and which keys the TLSA
// records name.
func (s *State) learn(r *report.Report, now time.Time) {
	for _, d := range firsts(r.Forecast) {
		s.learnEnd(d, now)
	}
	maps.DeleteFunc(s.Ends, func(_ string, end End) bool { return now.Sub(end.Seen) > forgetAfter })
	for _, h := range r.Hosts {
		if _, known := s.Keys[h.Name]; h.TLSA.State == report.TLSAMatch && (known || len(s.Keys) < maxHosts) {
			s.Keys[h.Name] = Keys{Keys: keysOf(h), Seen: now}
		}
	}
	maps.DeleteFunc(s.Keys, func(_ string, keys Keys) bool { return now.Sub(keys.Seen) > forgetAfter })
}

// learnEnd notes when something ends, and how long before its end the former one was renewed.
func (s *State) learnEnd(d report.Due, now time.Time) {
	key := place(d.What, d.Host, d.Zone)
	end, known := s.Ends[key]
	if !known && len(s.Ends) >= maxEnds {
		return
	}
	rhythmic := d.What != report.EndsRenewal && d.What != report.EndsPolicy
	if known && rhythmic && d.At.After(end.At) && now.Sub(end.Seen) <= gap && !end.told() {
		end.Leads = append(end.Leads, max(end.At.Sub(now), 0))
		end.Leads = end.Leads[max(len(end.Leads)-keepLeads, 0):]
	}
	end.At, end.Began, end.Seen = d.At, began(d), now
	s.Ends[key] = end
}

// firsts leaves of what ends at one place the one that ends first: they come in that order.
func firsts(dues []report.Due) (list []report.Due) {
	for _, d := range dues {
		if !slices.ContainsFunc(list, func(o report.Due) bool { return o.What == d.What && o.Host == d.Host && o.Zone == d.Zone }) {
			list = append(list, d)
		}
	}
	return list
}

// began tells what ends from the one that takes its place.
func began(d report.Due) time.Time {
	if d.Since.IsZero() {
		return d.At
	}
	return d.Since
}

// told reports whether it was told that the present one ends.
func (e End) told() bool { return !e.Began.IsZero() && e.Told.Equal(e.Began) }

// late are the things that should have been renewed by now.
func (s *State) late(r *report.Report, now time.Time) (list []Event) {
	for _, d := range firsts(r.Forecast) {
		end, known := s.Ends[place(d.What, d.Host, d.Zone)]
		if !known { // there is no room to keep that it was told
			continue
		}
		from, usual := end.lateFrom(d)
		if !end.told() && d.At.Sub(now) <= from {
			list = append(list, Event{Kind: Ending, What: d.What, At: d.At, Host: d.Host, Zone: d.Zone, Usual: int(usual / day), began: end.Began})
		}
	}
	return list
}

// lateFrom is how long before its end something is late, and how long before it was renewed until now; zero
// where that is not known.
func (e End) lateFrom(d report.Due) (late, usual time.Duration) {
	late, bottom := soon, least
	if d.What == report.EndsSignatures {
		late = soonSigned
	}
	if lifetime := d.At.Sub(d.Since); !d.Since.IsZero() {
		late, bottom = min(late, lifetime/part), min(bottom, lifetime/part)
	}
	if len(e.Leads) < needLeads {
		return late, 0
	}
	usual = slices.Min(e.Leads)
	return max(time.Duration(float64(usual)*lateAt), bottom), usual
}

// unnamed are new keys that no TLSA record names.
func (s *State) unnamed(r *report.Report) (list []Event) {
	for _, h := range r.Hosts {
		known := s.Keys[h.Name]
		if h.TLSA.State != report.TLSAMismatch || len(known.Keys) == 0 {
			continue
		}
		for _, a := range h.Addresses {
			named := slices.ContainsFunc(h.TLSA.Records, func(t report.TLSARecord) bool { return slices.Contains(t.Matches, a.IP) })
			keys := a.Keys()
			if named || len(keys) == 0 || slices.Contains(known.Keys, keys[0]) {
				continue
			}
			if keys[0] != known.Told {
				list = append(list, Event{Kind: NewKey, Host: h.Name, Key: keys[0]})
			}
			break
		}
	}
	return list
}

func keysOf(h *report.Host) (keys []string) {
	for _, a := range h.Addresses {
		for _, k := range a.Keys() {
			if !slices.Contains(keys, k) {
				keys = append(keys, k)
			}
		}
	}
	return keys
}

// reported are the failures that several senders reported lately.
func (s *State) reported(failing []Failing, now time.Time) (list []Event) {
	for _, f := range failing {
		key := place(f.Result, f.Host, "")
		if f.Reporters < reporters || now.Sub(f.Last) > reportFresh {
			continue
		}
		if _, told := s.Reported[key]; told {
			s.Reported[key] = now // it goes on
			continue
		}
		list = append(list, Event{Kind: Reported, Host: f.Host, Result: f.Result, Reporters: f.Reporters, Sessions: f.Sessions})
	}
	for key, last := range s.Reported {
		if now.Sub(last) > reportQuiet {
			delete(s.Reported, key)
		}
	}
	slices.SortFunc(list, func(a, b Event) int { return cmp.Or(cmp.Compare(a.Host, b.Host), cmp.Compare(a.Result, b.Result)) })
	return list
}
