package api

import (
	_ "embed"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"mxseal/checks"
	"mxseal/checks/input"
	"mxseal/checks/report"
	"mxseal/checks/view"
	"mxseal/templates"
	"mxseal/web/badge"
	"mxseal/web/problem"
	"mxseal/web/scans"
)

// What the document shows as examples is made by the program itself, so that it is always as
// the program would send it.

const exampleID = "h3ekrutlpqyr2mljcgnz3mhbz4"

var exampleTime = time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)

//go:embed example.json
var exampleEvidence []byte

// exampleReport is that of a domain whose one mail server offers no encryption: the evidence
// is made up, and judged as any other.
var exampleReport = sync.OnceValue(func() *report.Report {
	r := &report.Report{
		Meta: report.Meta{
			Schema:        report.Schema,
			ID:            exampleID,
			Domain:        "example.org",
			UnicodeDomain: "example.org",
			CheckedAt:     exampleTime,
			ElapsedMS:     2310,
			Engine:        "1.0.0",
			Depth:         report.Standard,
			Connections:   3,
		},
	}
	if err := json.Unmarshal(exampleEvidence, &r.Evidence); err != nil {
		panic("example.json: " + err.Error())
	}
	r.Conclusions = checks.Judge(r.Meta, r.Evidence)
	checks.Explain(r)
	return r
})

// exampleProblems are refusals as programs meet them. Those of limits say how long to wait.
var exampleProblems = []*problem.Problem{
	problem.WrongMethod, problem.BrokenJSON, problem.Refused(&scans.Refusal{Reason: scans.OptedOut}), problem.ForeignOrigin, problem.NotChecked, problem.NoSuchTest, problem.NotKept, problem.TwoDomains, problem.TooSlow, problem.TooLarge, problem.NotJSON, problem.Invalid,
	{Status: http.StatusNotFound, Reason: "no-such-report", Title: "No such report", Text: "Reports are kept for ever, so the address is probably mistyped or cut short."},
	{Status: http.StatusUnprocessableEntity, Reason: "not-a-mail-domain", At: "body.domain", Title: "Not a mail domain",
		Text: "Type a mail domain: the part of an address after the @, such as example.org."},
	UnknownSender("query.from"),
	problem.TooMany, problem.Refused(&scans.Refusal{Reason: scans.DomainRests, Wait: 17 * time.Minute}), problem.Refused(&scans.Refusal{Reason: scans.InstanceFull, Wait: 30 * time.Second}),
	problem.Refused(&scans.Refusal{Reason: scans.Busy, Wait: 30 * time.Second}), problem.Refused(&scans.Refusal{Reason: scans.Closing, Wait: 30 * time.Second}), problem.Overloaded, problem.NotReadable, problem.NoStore, problem.Fault,
}

func exampleName(p *problem.Problem) string { return "problem-" + p.Reason }

// examplesOf names the refusals that are answered with a status.
func examplesOf(status int) (names []string) {
	for _, p := range exampleProblems {
		if p.Status == status {
			names = append(names, exampleName(p))
		}
	}
	return names
}

// examples are those of all answers, by name. base is where the site is reached, empty if
// unknown.
func examples(base string) map[string]*huma.Example {
	r := exampleReport()
	c := scans.Waiting(exampleID, input.Domain{ASCII: r.Domain, Unicode: r.Domain}, exampleTime)
	test := exampleSender()
	list := map[string]*huma.Example{
		"report":     {Summary: "A domain whose mail server offers no encryption", Value: r},
		"pending":    {Summary: "A check that waits", Value: PendingOf(c)},
		"history":    {Summary: "A domain with one report", Value: History{r.Domain, []Entry{{r.ID, r.CheckedAt, r.Grade.Letter, false, r.Rules, reportAt(r.ID)}}}},
		"comparison": {Summary: "The same domain a day later, with encryption", Value: exampleComparison(r)},
		"advice":     {Summary: "Mail from Gmail to that domain", Value: exampleAdvice(r)},
		"queue":      {Summary: "Of an event queue", Value: Queue{Before: 2, For: scans.ForPlace}},
		"progress":   {Summary: "Of an event progress", Value: report.Progress{Stage: checks.All[1].ID, Host: "mx.example.org"}},
		"finding":    {Summary: "Of an event finding", Value: r.Findings[0]},
		"done":       {Summary: "Of an event done", Value: Done{r.ID, r.Grade.Letter, false, reportAt(r.ID)}},
		"failed":     {Summary: "Of an event failed", Value: problem.Fault.Details(base, true)},
		"sender":     {Summary: "A server that does not check DANE", Value: test},
		"trap":       {Summary: "Of an event trap", Value: test.Traps[1]},
		"verdict":    {Summary: "Of an event verdict", Value: test.Verdict},
		"test-done":  {Summary: "Of an event done", Value: SenderDone{test.ID, test.Verdict.Letter, test.Verdict.Provisional, test.Links.Test}},
		"shield":     {Summary: "A badge as data", Value: badge.Shield{SchemaVersion: 1, Label: templates.BadgeLabel, Message: string(r.Grade.Letter) + " · 31 Jan 2026", Color: badge.Color(r.Grade.Letter), CacheSeconds: 300}},
		"ok":         {Summary: "All is well", Value: "ok\n"},
		"ready":      {Summary: "A condition a line", Value: "ok port 25: Connections to port 25 go through.\n"},
		"unready":    {Summary: "What is wrong, and what to do", Value: "failed store: The store does not answer.\n"},
	}
	for _, p := range exampleProblems {
		list[exampleName(p)] = &huma.Example{Summary: p.Title, Value: p.Details(base, true)}
	}
	return list
}

func exampleAdvice(r *report.Report) Advice {
	gmail, _ := view.OriginOf("gmail")
	return AdviceOf(r, gmail)
}

// exampleComparison is the report against one of the next day, whose mail server offers encryption.
func exampleComparison(r *report.Report) Comparison {
	later := *r
	later.ID, later.CheckedAt = "j5fmsxvnrsaktbolzepb5ojdb6", r.CheckedAt.Add(24*time.Hour)
	host := *r.Hosts[0]
	address := *host.Addresses[0]
	smtp := *address.SMTP
	smtp.STARTTLS = report.Works
	address.SMTP, host.Addresses, later.Hosts = &smtp, []*report.Address{&address}, []*report.Host{&host}
	later.Conclusions = checks.Judge(later.Meta, later.Evidence)
	checks.Explain(&later)
	return compared(r, &later)
}

// headerExamples are those of the headers of our answers.
var headerExamples = map[string]any{
	"Location": reportAt(exampleID), "Content-Location": reportAt(exampleID), "Retry-After": 2, "ETag": `W/"8c6744c9d42ec2cb9e8885b5"`,
	"Cache-Control": reportKept, "Link": `</api/v1/domains/example.org/history?before=2026-01-31T12%3A00%3A00Z&limit=20>; rel="next"`,
}
