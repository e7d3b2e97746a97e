package web

import (
	"fmt"
	"math"
	"net/http"
	"time"

	"mxseal/web/scans"
)

// refusals says what becomes of each reason: the problem, whose text has a place for the time
// to wait where the reason has one.
var refusals = map[scans.Reason]problem{
	scans.OptedOut: {reason: "opted-out", status: http.StatusForbidden, title: "This domain is left alone",
		text: "Its owner has asked not to be checked from here, so no check was begun. Reports from before stay where they are."},
	scans.Busy: {reason: "busy", status: http.StatusServiceUnavailable, title: "All hands are busy",
		text: "So many checks are waiting that this one was not taken. Please try again in %s."},
	scans.Closing: {reason: "closing", status: http.StatusServiceUnavailable, title: "Closing for a moment",
		text: "The site is about to restart and takes no new checks. Please try again in %s."},
	scans.InstanceFull: {reason: "instance-limit", status: http.StatusServiceUnavailable, title: "Too many checks at once",
		text: "So many checks were begun here within a minute that this one was not taken. Please try again in %s."},
	scans.ClientBacklog: {reason: "client-limit", status: http.StatusTooManyRequests, title: "One after the other",
		text: "So many checks that were asked for from your network are waiting that this one was not taken. Please try again in %s; joining a check that waits or runs, and reading, is always possible."},
	scans.ClientStreams: {reason: "client-limit", status: http.StatusTooManyRequests, title: "Too many followed at once",
		text: "So many checks are followed live from your network that this one cannot be. It goes on all the same; please look again in %s."},
	scans.Streams: {reason: "busy", status: http.StatusServiceUnavailable, title: "Too many follow checks",
		text: "So many checks are followed live by others that this one cannot be. It goes on all the same; please look again in %s."},
	scans.ClientDay: {reason: "client-limit", status: http.StatusTooManyRequests, title: "Enough for today",
		text: "So many checks were begun for your network within a day that the next has to wait %s. Reports can be read all the time."},
	scans.DomainRests: {reason: "domain-limit", status: http.StatusTooManyRequests, title: "Checked often enough for now",
		text: fmt.Sprintf("This domain was checked %d times within an hour. The next check can begin in %%s; until then the latest report stands.", scans.DomainHour)},
}

// refused is the problem that a refusal is.
func refused(no *scans.Refusal) *problem {
	p := refusals[no.Reason]
	p.latest = no.Latest
	if no.Wait > 0 {
		p.retry, p.text = seconds(no.Wait), fmt.Sprintf(p.text, inWords(no.Wait))
	}
	return &p
}

// seconds is a time as Retry-After tells it: never too short.
func seconds(d time.Duration) int { return int(math.Ceil(d.Seconds())) }

// inWords is a time to wait, rounded up.
func inWords(d time.Duration) string {
	count := func(n float64, unit string) string {
		if n = math.Ceil(n); n == 1 {
			return "1 " + unit
		}
		return fmt.Sprintf("%.0f %ss", n, unit)
	}
	switch {
	case d <= 90*time.Second:
		return count(d.Seconds(), "second")
	case d <= 90*time.Minute:
		return count(d.Minutes(), "minute")
	}
	return count(d.Hours(), "hour")
}
