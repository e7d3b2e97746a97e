package report

import (
	"slices"
	"time"
)

// How sure a letter is goes with it wherever it is shown. All that shows letters asks here.

// Firm reports whether the grade rests on everything that could move it. T is no letter.
func (g *Grade) Firm() bool {
	return g != nil && !g.Provisional && (g.Letter.Valid() || g.Letter == LetterN)
}

// Stated is the letter as it stands in a text: a provisional one says so.
func (g *Grade) Stated() string {
	switch {
	case g == nil || g.Letter == "":
		return "?"
	case g.Provisional:
		return string(g.Letter) + " (provisional)"
	}
	return string(g.Letter)
}

// Doubt says in a sentence what is missing of a provisional letter; empty for any other.
func (g *Grade) Doubt() string {
	switch {
	case g == nil || !g.Provisional:
		return ""
	case g.Worst == "" || g.Best == "":
		return "Something that could move the letter was not found out."
	}
	return "Something was not found out; with it the letter may be anything from " + string(g.Best) + " to " + string(g.Worst) + "."
}

// Bound says how a letter stands to a least one.
type Bound int

const (
	Reached Bound = iota // it is that or better, whatever was not found out
	Below                // it is worse, whatever was not found out
	Unsure               // what was not found out decides
)

// Lost reports whether mail to the domain is returned although nobody has said that none is
// wanted: it does not exist, or leads nowhere.
func (g *Grade) Lost() bool {
	return g != nil && !g.Provisional && (g.Reason == DoesNotExist || g.Reason == Undeliverable)
}

// Against holds the grade against the least letter that will do. A domain that takes no mail
// reaches every letter; one that is lost reaches none.
func (g *Grade) Against(least Letter) Bound {
	switch {
	case g.Lost():
		return Below
	case g == nil || g.Letter == "" || g.Letter == LetterT:
		return Unsure
	case g.Letter == LetterN && !g.Provisional:
		return Reached
	case !g.Provisional:
		if g.Letter.Worse(least) {
			return Below
		}
		return Reached
	case g.Best != "" && g.Best.Worse(least):
		return Below
	case g.Worst != "" && !g.Worst.Worse(least):
		return Reached
	}
	return Unsure
}

// Within reports whether something is no older than an age. What a stored time puts into the
// future has no age at all: a clock was wrong, and nothing stays young by that.
func Within(age time.Duration, at, now time.Time) bool {
	return !at.After(now) && now.Sub(at) <= age
}

// Interruption is why a check ended before its time. Reports have been stored with these words, so they
// are its codes.
type Interruption string

const (
	OutOfTime Interruption = "The time for one domain ran out"
	CutShort  Interruption = "The check was stopped from outside"
)

// Spoilt reports whether trouble of our own had a part in the report, or that we held back for
// now: it says less of the domain than an earlier one that had none of it.
func (r *Report) Spoilt() bool { return r.Grade == nil || r.Troubled() }

// Troubled is Spoilt for a part of a check, which has no letter.
func (r *Report) Troubled() bool {
	return len(r.Conditions) > 0 || len(r.Faults) > 0 || r.Interrupted == CutShort || r.heldBack()
}

// heldBack reports whether something was not asked for now, by our doing.
func (r *Report) heldBack() bool {
	if r.HeldBack {
		return true
	}
	for f := range r.Failures {
		if Held(f.Kind) {
			return true
		}
	}
	return slices.ContainsFunc(r.authorities(), func(a Authority) bool {
		return slices.ContainsFunc(a.Servers, func(n NameServer) bool { return Held(n.Fault) })
	})
}

// Unseen names the mail servers, or addresses of them, that were to be tested and could not
// be, each with the reason. The letter is about the others.
func (r *Report) Unseen() []string {
	var list []string
	for _, h := range r.Hosts {
		if h.NotTested == "" && h.Failure != nil && len(h.Addresses) == 0 && h.Failure.Kind != KindNoDomain && h.Failure.Kind != KindNoData {
			list = append(list, h.Name+" (its addresses could not be looked up)")
		}
		for _, a := range h.Addresses {
			if h.NotTested != "" || a.NotTested != "" || a.Reachable {
				continue
			}
			place := h.Name + " " + a.IP
			if a.Failure != nil {
				place += " (" + a.Failure.short() + ")"
			}
			list = append(list, place)
		}
	}
	return list
}

// short is a failure in a few words.
func (f *Failure) short() string {
	word, known := map[Kind]string{
		KindTimeout: "no answer in time", KindRefused: "connection refused", KindReset: "connection reset", KindClosed: "connection closed",
		KindUnreachable: "no way to it from here", KindReply: "it turned us away", KindOptedOut: "it wants to be left alone",
		KindRateLimited: "looked at often enough", KindExhausted: "trouble of our own", KindForbidden: "never contacted",
		KindNotAdmitted: "our turn did not come", KindSpent: "beyond the connections of one check",
	}[f.Kind]
	if !known {
		return string(f.Phase) + ": " + string(f.Kind)
	}
	return word
}
