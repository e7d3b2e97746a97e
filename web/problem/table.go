package problem

import (
	"fmt"
	"math"
	"net/http"
	"time"

	"mxseal/web/scans"
)

// What is answered wherever it happens.
var (
	NoSuchAddress = &Problem{Reason: "no-such-address", Status: http.StatusNotFound, Title: "There is nothing here", Text: "The address may be mistyped, or the page has never existed. You can check a domain instead.",
		API: "The address may be mistyped. GET /openapi.json says which there are, and the page /api says it for people."}
	NotKept = &Problem{Reason: "not-kept", Status: http.StatusNotFound, Title: "This report could not be kept", Text: "The check was made, but our disk did not take its report. That is our fault and says nothing about the domain. Please check it again later.",
		API: "The check was made, but our disk did not take its report. For a minute GET /api/v1/domains/{domain} still has it."}
	NotReadable = &Problem{Reason: "not-readable", Status: http.StatusGone, Title: "This report can no longer be read", Text: "It is kept, but it was damaged, or it is larger than a report may be. Please check the domain again: the new report takes its place."}
	TwoDomains  = &Problem{Reason: "two-domains", Status: http.StatusNotFound, Title: "These reports are of two domains", Text: "Only reports of one domain can be compared."}
	NoSuchCheck = &Problem{Reason: "no-such-address", Status: http.StatusNotFound, Title: "No such check", Text: "The checks are listed at the foot of this page."}
	NotChecked  = &Problem{Reason: "not-checked", Status: http.StatusNotFound, Title: "Not checked yet", Text: "There is no report of this domain. POST it to /check to start a check.",
		API: "There is no report of this domain. POST /api/v1/checks starts a check."}
	WrongMethod = &Problem{Reason: "method-not-allowed", Status: http.StatusMethodNotAllowed, Title: "This address does not work that way", Text: "A check is started with the form; all other pages are for reading.",
		API: "The header Allow lists the methods that this address takes."}
	ForeignOrigin = &Problem{Reason: "foreign-origin", Status: http.StatusForbidden, Title: "This came from another site", Text: "Another site tried to start a check through your browser. If it was you who wanted it, use the form here.",
		API: "A browser sent this in the name of another site. Pages of other sites may read here, and may not start checks."}
	TooLarge = &Problem{Reason: "too-large", Status: http.StatusRequestEntityTooLarge, Title: "That is too much", Text: "A mail domain has at most 253 characters. Type the part after the @.",
		API: "A mail domain has at most 253 characters, and the request has nothing else to say."}
	ReportsTooLarge = &Problem{Reason: "too-large", Status: http.StatusRequestEntityTooLarge, Title: "That is too much", Text: "This page takes 4 MiB at a time. On your own machine mxseal tlsrpt reads whole mailboxes."}
	NoReports       = &Problem{Reason: "malformed", Status: http.StatusBadRequest, Title: "Nothing arrived", Text: "What arrived is no form with files. Please choose the reports on the page /tlsrpt."}
	NoSuchSurvey    = &Problem{Reason: "no-such-address", Status: http.StatusNotFound, Title: "There is no such survey", Text: "The address may be mistyped, or the survey or this run of it is not kept any more. The page /surveys lists those that there are."}
	NoSuchTest      = &Problem{Reason: "no-such-address", Status: http.StatusNotFound, Title: "There is no such test", Text: "The address may be mistyped, or the test is not kept any more. A new one begins on the page /sender.",
		API: "The id may be mistyped, or the test is not kept any more. POST /api/v1/senders begins a new one."}
	NoSenders     = &Problem{Reason: "no-such-address", Status: http.StatusNotFound, Title: "Senders are not tested here", Text: "The operator of this site has given no zone for the test of senders."}
	TooManyTests  = &Problem{Reason: "client-limit", Status: http.StatusTooManyRequests, Title: "Enough tests at a time", Text: "As many tests as one network may have are going on from yours. End one of them, or try again in a few minutes.", Wait: 120}
	TestsFull     = &Problem{Reason: "busy", Status: http.StatusServiceUnavailable, Title: "There are too many tests", Text: "As many tests as this instance takes are going on. Please try again in a few minutes.", Wait: 120}
	NotLoose      = &Problem{Reason: "busy", Status: http.StatusServiceUnavailable, Title: "No simulated sender is free", Text: "All of them are sending, or there is none of that kind. Please try again in a few seconds.", Wait: 5}
	NoSuchInbox   = &Problem{Reason: "no-such-address", Status: http.StatusNotFound, Title: "There is no such inbox", Text: "It was removed, or nothing came to it for two months, or the address is mistyped. The address in a TLS-RPT record takes reports and shows none; the page has another one."}
	NoSuchWatch   = &Problem{Reason: "no-such-address", Status: http.StatusNotFound, Title: "There is no such watch", Text: "It has ended, or was not confirmed within two days, or the address is mistyped. A link that confirms works once."}
	InboxNotNamed = &Problem{Reason: "invalid", Status: http.StatusForbidden, Title: "Reports are not taken here", Text: "The TLS-RPT record of the domain does not name this address, so what was delivered is not kept."}
	InboxUnknown  = &Problem{Reason: "busy", Status: http.StatusServiceUnavailable, Title: "Please deliver it again", Text: "The TLS-RPT record of the domain could not be found out just now.", Wait: 600}
	InboxFull     = &Problem{Reason: "busy", Status: http.StatusInsufficientStorage, Title: "The inbox is full", Text: "It holds as many reports as one may. Its owner can remove it and make a new one."}
	NoInboxes     = &Problem{Reason: "busy", Status: http.StatusInsufficientStorage, Title: "There are too many inboxes", Text: "This instance keeps as many as it can. Another one may have room, and mxseal tlsrpt reads reports on your own machine."}
	NothingInIt   = &Problem{Reason: "malformed", Status: http.StatusBadRequest, Title: "This is no TLS report", Text: "What was delivered holds no report by RFC 8460, as JSON or gzip."}
	NoForm        = &Problem{Reason: "malformed", Status: http.StatusBadRequest, Title: "The form could not be read", Text: "What arrived is no form with a field named domain. Please use the form here."}
	NotJSON       = &Problem{Reason: "not-json", Status: http.StatusUnsupportedMediaType, Title: "This is not JSON", Text: "Send the body as JSON, with the header Content-Type: application/json."}
	BrokenJSON    = &Problem{Reason: "malformed", Status: http.StatusBadRequest, Title: "The JSON could not be read", Text: "What arrived is empty or no JSON. Send an object with one field: {\"domain\": \"example.org\"}."}
	Invalid       = &Problem{Reason: "invalid", Status: http.StatusUnprocessableEntity, Title: "That is not what this address takes", Text: "Some parts of the request are not as they have to be. The page /api says what belongs there."}
	TooSlow       = &Problem{Reason: "too-slow", Status: http.StatusRequestTimeout, Title: "That took too long", Text: "The rest of the request did not arrive in time. Please send it again."}
	TooMany       = &Problem{Reason: "client-limit", Status: http.StatusTooManyRequests, Title: "That was fast", Text: "So many checks were asked for from your address that the next has to wait a minute. Reports can be read all the time."}
	Overloaded    = &Problem{Reason: "many-readers", Status: http.StatusServiceUnavailable, Title: "Many are reading just now", Text: "So many pages were asked for at once that this one could not be made in time. Please try again in a few seconds.", Wait: 5}
	NoStore       = &Problem{Reason: "no-store", Status: http.StatusServiceUnavailable, Title: "Our database is away", Text: "Reports can be neither read nor kept at the moment. That is our fault and says nothing about the domain. Please try again in a minute.", Wait: 60}
	Fault         = &Problem{Reason: "fault", Status: http.StatusInternalServerError, Title: "Something broke on our side", Text: "It is not your fault, and it says nothing about the domain. Please try again; what happened has been noted."}
	NoSuchPicture = &Problem{Reason: "no-such-address", Status: http.StatusNotFound, Title: "No such picture", Text: "Badges end in .svg, .png, @2x.png or .json."}
)

// UnknownSender says that nobody knows what a sender checks; known are those of which it is known, and
// at is the part of the request that names none of them.
func UnknownSender(known, at string) *Problem {
	return &Problem{Reason: "unknown-sender", Status: http.StatusUnprocessableEntity, Title: "That sender is not known", At: at,
		Text: "We do not know what it checks when it sends. These are known: " + known + "."}
}

// refusals says what becomes of each Reason: the problem, whose text has a place for the time
// to wait where the reason has one.
var refusals = map[scans.Reason]Problem{
	scans.OptedOut: {Reason: "opted-out", Status: http.StatusForbidden, Title: "This domain is left alone",
		Text: "Its owner has asked not to be checked from here, so no check was begun. Reports from before stay where they are."},
	scans.Busy: {Reason: "busy", Status: http.StatusServiceUnavailable, Title: "Too many checks are waiting",
		Text: "So many checks are waiting that this one was not taken. Please try again in %s."},
	scans.Closing: {Reason: "closing", Status: http.StatusServiceUnavailable, Title: "The site is about to restart",
		Text: "The site is about to restart and takes no new checks. Please try again in %s."},
	scans.InstanceFull: {Reason: "instance-limit", Status: http.StatusServiceUnavailable, Title: "Too many checks at once",
		Text: "So many checks were begun here within a minute that this one was not taken. Please try again in %s."},
	scans.ClientBacklog: {Reason: "client-limit", Status: http.StatusTooManyRequests, Title: "One after the other",
		Text: "So many checks that were asked for from your network are waiting that this one was not taken. Please try again in %s; joining a check that waits or runs, and reading, is always possible."},
	scans.ClientStreams: {Reason: "client-limit", Status: http.StatusTooManyRequests, Title: "Too many followed at once",
		Text: "So many checks are followed live from your network that this one cannot be. It still runs; please look again in %s."},
	scans.Streams: {Reason: "busy", Status: http.StatusServiceUnavailable, Title: "Too many follow checks",
		Text: "So many checks are followed live by others that this one cannot be. It still runs; please look again in %s."},
	scans.ClientDay: {Reason: "client-limit", Status: http.StatusTooManyRequests, Title: "Enough for today",
		Text: "So many checks were begun for your network within a day that the next has to wait %s. Reports can be read all the time."},
	scans.DomainRests: {Reason: "domain-limit", Status: http.StatusTooManyRequests, Title: "Checked often enough for now",
		Text: fmt.Sprintf("This domain was checked %d times within an hour. The next check can begin in %%s. Until then the latest report applies.", scans.DomainHour)},
}

// Refused is the problem that a refusal is.
func Refused(no *scans.Refusal) *Problem {
	p := refusals[no.Reason]
	p.Latest = no.Latest
	if no.Wait > 0 {
		p.Wait, p.Text = seconds(no.Wait), fmt.Sprintf(p.Text, inWords(no.Wait))
	}
	return &p
}

// Word is a kind of problem, for programs.
type Word struct{ Word, Text string }

// Words are the kinds of problems that programs meet, with what each means.
var Words = []Word{
	{Word: "not-a-mail-domain", Text: "What was sent is no mail domain; detail says why. Do not send it again."},
	{Word: "unknown-sender", Text: "Nobody knows what this sender checks; detail lists those that are known."},
	{Word: "invalid", Text: "Parts of the request are not as they have to be; errors lists them."},
	{Word: "malformed", Text: "The body is empty, or no JSON."},
	{Word: "not-json", Text: "The body is not declared as JSON."},
	{Word: "too-large", Text: "The request is longer than what it asks for can be."},
	{Word: "too-slow", Text: "The rest of the request did not arrive in time. Send it again."},
	{Word: "opted-out", Text: "The owner of the domain has asked not to be checked from here."},
	{Word: "foreign-origin", Text: "A browser sent this in the name of another site, which may not start checks."},
	{Word: "client-limit", Text: "This client has asked for as many checks as one may, for now. Retry-After says when to come back."},
	{Word: "domain-limit", Text: "This domain was checked as often as it may be, for now. Its latest report applies; Retry-After says when to come back."},
	{Word: "instance-limit", Text: "All clients together have asked for as many checks as this instance begins, for now. Retry-After says when to come back."},
	{Word: "busy", Text: "Too many checks wait, or too many clients listen. Retry-After says when to come back."},
	{Word: "many-readers", Text: "Too many pages are being made. Retry-After says when to come back."},
	{Word: "closing", Text: "The site is about to restart. Retry-After says when to come back."},
	{Word: "not-checked", Text: "There is no report of this domain. A check has to be started first."},
	{Word: "no-such-report", Text: "There is no report with this id: it never was, its check never came to its end, or it was deleted for its age."},
	{Word: "two-domains", Text: "The two reports are not of one domain, so they cannot be compared."},
	{Word: "not-readable", Text: "The report was damaged, or is larger than one may be. Check the domain again."},
	{Word: "not-kept", Text: "The check was made, and its report could not be kept. The latest report of the domain has it for a minute."},
	{Word: "no-such-address", Text: "There is nothing at this address."},
	{Word: "method-not-allowed", Text: "The address does not take this method; the header Allow lists those that it takes."},
	{Word: "no-store", Text: "The database of this instance is away. Retry-After says when to come back."},
	{Word: "fault", Text: "Something broke on our side. It says nothing about the domain."},
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
