package web

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"mxseal/checks/grade"
	"mxseal/checks/report"
	"mxseal/checks/view"
	"mxseal/web/api"
)

// tabled is a graded report with a table of senders: Gmail's mail is protected, other mail is not.
func tabled(domain string) *report.Report {
	r := graded(domain, "B", 0, "MTA-STS")
	cells := func(outcomes ...report.Outcome) map[report.Attacker]report.Outcome {
		m := make(map[report.Attacker]report.Outcome)
		for i, o := range outcomes {
			m[grade.Attackers[i].ID] = o
		}
		return m
	}
	r.Matrix = make(report.Matrix)
	for _, s := range grade.Senders {
		r.Matrix[s.ID] = cells(report.Enc, report.Enc, report.Clear, report.Stolen, report.Stolen, report.Stolen)
	}
	r.Matrix[grade.S3] = cells(report.Auth, report.Auth, report.Defer, report.Defer, report.Defer, report.Stolen)
	r.Matrix[grade.S6] = r.Matrix[grade.S3]
	return r
}

// The page for who writes to a domain speaks of it in the third person, and starts nothing.
func TestThePageForWhoWrites(t *testing.T) {
	w := newWorld(t)
	w.save(t, tabled("b.example"))
	for query, says := range map[string]string{
		"":                "If you write to b.example, your mail is encrypted on the way, but an active attacker can intercept it: only senders that check what the domain publishes are protected.",
		"?from=unknown":   "If you write to b.example, ",
		"?from=gmail":     "If you write to b.example from Gmail, your mail is encrypted, and Gmail makes sure that the right server receives it; only a wrongly issued certificate could deceive it.",
		"?from=posteo":    "Posteo does not check the kind of protection that the domain has.",
		"?from=opensmtpd": "OpenSMTPD does not check the protection that the domain has.",
	} {
		rec := w.ask("GET", "/to/b.example"+query, "")
		want(t, rec, 200, says, `<meta name="robots" content="noindex"`, "Where do you send from?", `action="/to/b.example"`, "Mail security of b.example: B", `href="/check/b.example"`, "Check your own domain",
			`<link rel="canonical" href="https://mxseal.example/to/b.example"`, "/report/b-example/card.png")
		if page := rec.Body.String(); strings.Contains(page, "your server") || strings.Contains(page, "your policy") {
			t.Errorf("%s: the page takes who writes for the owner", query)
		}
	}
	want(t, w.ask("GET", "/to/b.example?from=gmail", ""), 200, `value="gmail" selected`, "Gmail checks MTA-STS.", `href="https://support.google.com/a/answer/9261504"`)
	want(t, w.ask("GET", "/to/b.example?from=%3Cscript%3E", ""), 422, "Choose one of these.")
	want(t, w.ask("GET", "/to/new.example", ""), 404, "Nobody has checked new.example here yet", "noindex")
	want(t, w.ask("GET", "/to/localhost", ""), 404)
	if rec := w.ask("GET", "/to/B.Example", ""); rec.Code != 301 || rec.Header().Get("Location") != "/to/b.example" {
		t.Errorf("another form of the name: %d, %v", rec.Code, rec.Header())
	}
	want(t, w.ask("GET", "/to/b.example?from=gmail", "", "Accept", "application/json"), 200, `"outcome":"protected"`)
	want(t, w.ask("GET", "/to/b.example?from=me", "", "Accept", "application/json"), 422, `"reason":"unknown-sender"`)
	want(t, w.ask("GET", "/to/new.example", "", "Accept", "application/json"), 404, `"reason":"not-checked"`)
	w.settle()
	if n := w.runs.Load(); n != 0 {
		t.Errorf("reading started %d checks", n)
	}
}

// Mail clients are told in less than 400 octets, however long a name is.
func TestWhatMailClientsAreTold(t *testing.T) {
	w := newWorld(t)
	c := promised(t, w)
	long := strings.Repeat(strings.Repeat("a", 60)+".", 4) + "example"
	for _, name := range []string{"b.example", long, strings.Repeat("b", 32) + ".example"} {
		r := tabled(name)
		r.ID = (strings.ReplaceAll(name, ".", "") + strings.Repeat("x", 26))[:26]
		w.save(t, r)
		for _, o := range view.Origins {
			rec := c.ask("GET", "/api/v1/domains/"+name+"/to?from="+o.ID, "")
			want(t, rec, 200, fmt.Sprintf(`"from":%q`, o.ID), `"letter":"B"`)
			if n := rec.Body.Len(); n >= 400 {
				t.Errorf("%s, %s: %d octets", name, o.ID, n)
			}
			var a api.Advice
			if err := json.Unmarshal(rec.Body.Bytes(), &a); err != nil || a.Sentence == "" {
				t.Errorf("%v: %s", err, rec.Body)
			}
			h := rec.Header()
			if h.Get("Access-Control-Allow-Origin") != "*" || !strings.HasPrefix(h.Get("Cache-Control"), "public, max-age=") || h.Get("ETag") == "" {
				t.Errorf("headers %v", h)
			}
			want(t, c.ask("GET", "/api/v1/domains/"+name+"/to?from="+o.ID, "", "If-None-Match", h.Get("ETag")), 304)
		}
		if len(name) == 40 {
			want(t, c.ask("GET", "/api/v1/domains/"+name+"/to?from=gmail", ""), 200, name)
		}
	}
	want(t, c.ask("GET", "/api/v1/domains/b.example/to", ""), 200, `"from":"unknown"`)
	want(t, c.ask("GET", "/api/v1/domains/b.example/to?from=nobody", ""), 422, `"reason":"unknown-sender"`, "gmail, exchange-online", "opensmtpd, unknown")
	want(t, c.ask("GET", "/api/v1/domains/new.example/to?from=gmail", ""), 404, `"reason":"not-checked"`)
	want(t, c.ask("GET", "/api/v1/domains/localhost/to", ""), 404, `"reason":"not-a-mail-domain"`)
}
