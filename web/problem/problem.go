// Package problem is what the site says instead of what it was asked for: one table (table.go) from
// reasons to answers, in words for visitors and for programs (RFC 9457). How an answer looks is up to
// who sends it: web/pages makes a page of it, web/api JSON.
package problem

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"mxseal/checks/input"
	"mxseal/checks/report"
	"mxseal/web/scans"
	"mxseal/web/store"
)

// Problem is an answer that is not what was asked for, in words for the visitor. It never
// holds internals, nor what the visitor typed.
type Problem struct {
	Reason      string // a word for programs, one of Words
	Status      int    // of HTTP
	Title, Text string
	API         string // the text for programs, where the one for visitors is of no use to them
	At          string // what of the request is wrong, such as body.domain; empty where it is not one part
	Wait        int    // seconds until it is worth another try; 0: not said

	Latest *report.Report // of the domain that was to be checked; nil where there is none
}

func (p *Problem) Error() string { return p.Title }

// Of is the problem that an error is; nil where whoever asked, whose context it is, has left. What
// is a fault of ours is logged.
func Of(ctx context.Context, log *slog.Logger, err error) *Problem {
	var p *Problem
	var no *scans.Refusal
	var long *http.MaxBytesError
	switch {
	case errors.As(err, &p):
		return p
	case errors.As(err, &no):
		return Refused(no)
	case errors.As(err, &long):
		return TooLarge
	case errors.Is(err, store.ErrUnreadable):
		log.Error("a report is passed over", "error", err)
		return NotReadable
	case store.Away(err):
		log.Error("a page failed", "error", err)
		return NoStore
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		return nil
	}
	log.Error("a page failed", "error", err)
	return Fault
}

// NotMailDomain says that what was typed is no mail domain, and why: at a part of the request, such
// as body.domain. An error of another kind comes back as it is.
func NotMailDomain(err error, status int, at string) error {
	var typed *input.Error
	if !errors.As(err, &typed) {
		return err
	}
	return &Problem{Reason: "not-a-mail-domain", Status: status, Title: "Not a mail domain", Text: typed.Sentence, At: at}
}

// NoReport is the answer for an id that no report has any more, or has ever had: nobody knows
// which. keep is how long reports are kept, 0 for ever. One that is whole was most likely given out, and its check did not come to its end.
func NoReport(id string, keep time.Duration) *Problem {
	p := &Problem{Status: http.StatusNotFound, Title: "No such report", Reason: "no-such-report"}
	kept, never := "Reports are kept for ever", "the check that was to make it never came to its end, because the site was stopped meanwhile"
	if keep > 0 {
		kept = "Reports are kept for " + keptFor(keep) + " here"
	}
	switch whole := store.IsID(id); {
	case whole && keep > 0:
		p.Text = kept + ". This one was older, or " + never + ". Check the domain again."
	case whole:
		p.Text = kept + ", so " + never + ", or a letter of the address is wrong. Check the domain again."
	case keep > 0:
		p.Text = kept + ". This one was older, or the address is mistyped or cut short."
	default:
		p.Text = kept + ", so the address is probably mistyped or cut short."
	}
	return p
}

// Missing is the answer for an id that the store does not have; lost says that the report was made
// and could not be kept.
func Missing(id string, lost bool, keep time.Duration) *Problem {
	if lost {
		return NotKept
	}
	return NoReport(id, keep)
}

// keptFor is how long reports are kept, rounded down: no more is promised than is done.
func keptFor(d time.Duration) string {
	const day = 24 * time.Hour
	if d >= 2*day {
		return fmt.Sprintf("%d days", d/day)
	}
	return fmt.Sprintf("%d hours", d/time.Hour)
}

// JSON is the media type of problem details.
const JSON = "application/problem+json"

// Details is a problem as programs get it.
type Details struct {
	Type   string  `json:"type" format:"uri-reference" doc:"Where people read about this kind of problem: its code, on the page of the API."`
	Code   string  `json:"code" doc:"The kind of problem in a word that stays, for programs to go by."`
	Reason string  `json:"reason" doc:"The same word, under its older name."`
	Title  string  `json:"title" doc:"What is wrong, in a few words."`
	Status int     `json:"status" minimum:"400" maximum:"599" doc:"The status code of the answer."`
	Detail string  `json:"detail" doc:"What happened and what to do, in a sentence or two."`
	Errors []Place `json:"errors,omitempty" doc:"The parts of the request that are wrong."`
}

// Place says what is wrong with one part of a request.
type Place struct {
	Message  string `json:"message" doc:"What is wrong with it."`
	Location string `json:"location" doc:"Which part of the request, such as body.domain or query.limit." example:"body.domain"`
}

// Details are the problem for programs; base is where the site is reached, empty if
// unknown; api says that it is the API that was asked.
func (p *Problem) Details(base string, api bool) *Details {
	d := &Details{Code: p.Reason, Reason: p.Reason, Title: p.Title, Status: p.Status, Detail: p.Text}
	d.Type = base + "/api#problem-" + d.Reason
	if api {
		d.Detail = cmp.Or(p.API, p.Text)
	}
	if p.At != "" {
		d.Errors = []Place{{p.Text, p.At}}
	}
	return d
}

// GetStatus, Error and ContentType are what huma asks of an error.
func (d *Details) GetStatus() int            { return d.Status }
func (d *Details) Error() string             { return d.Title }
func (d *Details) ContentType(string) string { return JSON }
