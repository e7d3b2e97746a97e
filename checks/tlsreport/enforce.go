package tlsreport

import "time"

// Answer is the answer to one question: is it safe for this domain's MTA-STS policy to go to enforce?
type Answer string

// The answers.
const (
	Yes     Answer = "yes"
	No      Answer = "no"      // mail that arrives today would be refused
	NotYet  Answer = "not-yet" // too little was reported to tell
	Already Answer = "already" // the policy enforces
	Unsaid  Answer = "unsaid"  // nobody says whether the policy enforces
	Nothing Answer = "nothing" // nobody reports of a policy
)

// Enforce is the answer, with what it rests on: the last Window days that were reported.
type Enforce struct {
	Answer    Answer `json:"answer"`
	Days      int    `json:"days"`      // that reports cover, of the window
	Reporters int    `json:"reporters"` // in it
	Refused   int64  `json:"refused"`   // sessions that fail, as seen in it, and that enforcing stops or has stopped
	Unread    int64  `json:"unread"`    // sessions whose sender could not get the policy, which enforcing does not reach
}

// What a yes takes: a week without a failure, seen by more than one sender.
const (
	Window         = 7 // days
	LeastReporters = 2
)

// safe answers for a domain, where a policy was found or not. A failure counts where it would stop mail: under MTA-STS, at a server.
func safe(d Domain, found bool) Enforce {
	var e Enforce
	since := d.Last.AddDate(0, 0, 1-Window)
	if !d.First.IsZero() {
		e.Days = min(int(d.Last.Sub(d.First)/(24*time.Hour))+1, Window)
	}
	for _, r := range d.Reporters {
		if !r.Last.Before(since) {
			e.Reporters++
		}
	}
	for _, t := range d.Troubles {
		switch {
		case t.Policy != MTASTS || t.Last.Before(since):
		case t.Result.OfPolicy():
			e.Unread += t.Sessions
		default:
			e.Refused += t.Sessions
		}
	}
	switch {
	case d.Mode == "enforce":
		e.Answer = Already
	case d.Mode == "" && found:
		e.Answer = Unsaid
	case d.Mode != "testing":
		e.Answer = Nothing
	case e.Refused > 0:
		e.Answer = No
	case e.Days < Window || e.Reporters < LeastReporters:
		e.Answer = NotYet
	default:
		e.Answer = Yes
	}
	return e
}
